"""STAND-IN for NVIDIA NIM Operator 3.1.2, for demos and tests: it writes the same objects and status, but runs no NIM.

It watches NIMServices and creates their ServiceAccount, Role, RoleBinding, Service, Deployment or LeaderWorkerSet and,
if the spec has them, Ingress, HTTPRoute, GRPCRoute, HorizontalPodAutoscaler, ServiceMonitor and claim. It writes the
NIMService status. Tests compare it with recordings of the real one, which cover LeaderWorkerSets and routes only on
clusters without these kinds. ServiceMonitors, and what spec.proxy adds to pods, follow the real one's source.

Like the real one, it doesn't check who owns an object with one of its names: it overwrites a ServiceAccount, Role or
RoleBinding, deletes an Ingress if the spec has no router, deletes objects with the name of the endpoint picker
(`<name>-epp`), and fails at a Deployment, Service or HorizontalPodAutoscaler that it didn't create.

On a control plane without kubelet it also acts as the node: it marks pods ready and answers as their model (`nodes`,
`endpoints`). Without a LeaderWorkerSet controller it creates the pods of LeaderWorkerSets (`groups`). On a cluster with
nodes it does neither: it runs as a pod (deploy/kind/nim-operator) with `--no-nodes`.

Annotations of a NIMService, or in its `spec.annotations`, change its behaviour. Flags of the same names, except for
`fail`, set the defaults:

    stand-in.runai-nim.io/delay-service: "2"      seconds before the Service is written
    stand-in.runai-nim.io/delay-deployment: "5"   seconds between Service and Deployment or LeaderWorkerSet
    stand-in.runai-nim.io/delay-ready: "3"        seconds before a pod becomes ready
    stand-in.runai-nim.io/delay-probes: "2"       maximum initialDelaySeconds of default probes (real: 15, 30)
    stand-in.runai-nim.io/fail: "no luck"         Deployment or LeaderWorkerSet always fails with this message
    stand-in.runai-nim.io/never-act: "true"       the NIMService is ignored, as if no NIM Operator ran
    stand-in.runai-nim.io/write-twice: "true"     each change of a Deployment takes two writes and generations, as
                                                  once seen with the real one, though not in a recording
"""
