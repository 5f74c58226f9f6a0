"""A real Kubernetes control plane on this machine, for the demo, the tests and the benchmarks.

It is not part of the operator.
"""
