"""STAND-IN for NVIDIA NIM Operator 3.1.2, for demos and tests: it makes and reports what the real one does, and no NIM.

It follows NIMServices, makes their ServiceAccount, Role, RoleBinding, Service, Deployment and, where asked for,
Ingress, HorizontalPodAutoscaler and claim, and writes NIMService status. Recordings of the real one are its test.
HTTPRoute, GRPCRoute, ServiceMonitor and LeaderWorkerSet are not made: a NIMService that asks for one ends in state
Failed.

Since there is no kubelet either, it also plays the node: it marks pods ready and answers as their model (`nodes`).

Knobs, as annotations of a NIMService or in its `spec.annotations`; but for `fail`, flags of the same names set them
for all:

    stand-in.runai-nim.io/delay-service: "2"      seconds before the Service is written
    stand-in.runai-nim.io/delay-deployment: "5"   seconds before the Deployment is written, after the Service
    stand-in.runai-nim.io/delay-ready: "3"        seconds before a pod becomes ready
    stand-in.runai-nim.io/fail: "no luck"         the Deployment fails with this message, over and over
    stand-in.runai-nim.io/never-act: "true"       nothing is done, as if the NIM Operator were down
"""
