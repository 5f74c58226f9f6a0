"""A real single-node Kubernetes cluster without Docker: kubelet, containerd, cluster DNS, volumes, metrics.

Everything lives in network, mount and process namespaces of its own, whose first process is `pause`. When that process
ends, for whatever reason, the kernel ends all others and takes their mounts and network devices away.
"""
