"""A real Kubernetes control plane on this machine, for the demo, the tests and the benchmarks.

Nothing here is part of the operator: it is what the operator is run against.
"""
