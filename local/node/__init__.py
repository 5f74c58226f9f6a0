"""A real single-node Kubernetes cluster without Docker: kubelet, containerd, cluster DNS, volumes, metrics.

It runs in its own network, mount and PID namespaces, whose first process is `pause`. When that process exits, the
kernel kills all others and removes their mounts and network devices.
"""
