"""STAND-IN for NVIDIA NIM Operator 3.1.2, for demos and tests: it makes and reports what the real one does, and no NIM.

It follows NIMServices, makes their ServiceAccount, Role, RoleBinding, Service, Deployment or LeaderWorkerSet and, where
asked for, Ingress, HTTPRoute, GRPCRoute, HorizontalPodAutoscaler, ServiceMonitor and claim, and writes NIMService
status. Recordings of the real one are its test; of LeaderWorkerSet and routes they only show what happens where the
kind isn't installed. ServiceMonitor, and what spec.proxy adds to the pods, are as the real one's code has them.

As the real one does, it takes what has its names, whoever made it: it overwrites a ServiceAccount, Role or RoleBinding,
deletes an Ingress where no router is asked for, and what is called as the endpoint picker that it doesn't make
(`<name>-epp`), and never gets past a Deployment, Service or HorizontalPodAutoscaler that is there already.

Where there is no kubelet either, it also plays the node: it marks pods ready and answers as their model (`nodes`,
`endpoints`); and since no LeaderWorkerSet controller runs, it makes the pods of a LeaderWorkerSet, too (`groups`). On a
real cluster it does neither: there it is a pod itself (deploy/kind/nim-operator), with `--no-nodes`.

Knobs, as annotations of a NIMService or in its `spec.annotations`; but for `fail`, flags of the same names set them
for all:

    stand-in.runai-nim.io/delay-service: "2"      seconds before the Service is written
    stand-in.runai-nim.io/delay-deployment: "5"   seconds before Deployment or LeaderWorkerSet is written, after Service
    stand-in.runai-nim.io/delay-ready: "3"        seconds before a pod becomes ready
    stand-in.runai-nim.io/delay-probes: "2"       at most, before a default probe asks; the real one's wait 15 and 30
    stand-in.runai-nim.io/fail: "no luck"         Deployment or LeaderWorkerSet fails with this message, over and over
    stand-in.runai-nim.io/never-act: "true"       nothing is done, as if the NIM Operator were down
    stand-in.runai-nim.io/write-twice: "true"     each change of a Deployment is two writes and so two generations; the
                                                  real one was seen to do so where no recording shows it
"""
