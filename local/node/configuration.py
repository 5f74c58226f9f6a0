"""Configuration files and command lines of a node's programs, all below one directory."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.flags import Layout, api_server_flags, controller_manager_flags
from local.node.network import (
    BRIDGE,
    DNS_DOMAIN,
    DNS_SERVICE,
    FIRST_POD,
    LAST_POD,
    METRICS_PORT,
    NODE,
    NODE_NAME,
    NODE_NETWORK,
    SERVICE_NETWORK,
)
from local.node.requirements import CNI

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "runai-nim.io/pause:local"
EVICTION_SIGNALS = ("imagefs.available", "memory.available", "nodefs.available", "nodefs.inodesFree")


class NodeLayout:
    """Paths of a node's files below its directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cni = directory / "cni"
        self.containerd = directory / "containerd"
        self.containerd_config = directory / "containerd.toml"
        self.control_group = control_group_of(directory)
        self.corefile = directory / "Corefile"
        self.hosts = directory / "hosts"
        self.kubelet = directory / "kubelet"
        self.kubelet_config = directory / "kubelet.yaml"
        self.kubeconfigs = directory / "kubeconfigs"
        self.resolv_conf = directory / "resolv.conf"
        self.volumes = directory / "volumes"

    def kubeconfig(self, program: str) -> Path:
        """Path of a program's kubeconfig."""
        return self.kubeconfigs / f"{program}.kubeconfig"


def control_group_of(directory: Path) -> str:
    """Name of the control group of the node's pods, unique to `directory`: a kubelet kills all unknown pods in it."""
    return f"runai-nim-node-{hashlib.sha256(str(directory).encode()).hexdigest()[:8]}"


def write_configuration(layout: NodeLayout) -> None:
    """Write all files except for the kubeconfigs, which the control plane writes."""
    for folder in (layout.cni, layout.containerd, layout.kubelet, layout.kubeconfigs, layout.volumes):
        folder.mkdir(parents=True, exist_ok=True)
    layout.resolv_conf.write_text("")  # pods can't resolve names outside the cluster
    (layout.cni / "10-node.conflist").write_text(json.dumps(_cni(layout), indent=2))
    layout.containerd_config.write_text(_containerd(layout))
    layout.kubelet_config.write_text(yaml.safe_dump(_kubelet(layout)))
    layout.hosts.touch()
    layout.corefile.write_text(_corefile(layout.hosts))


def _corefile(hosts: Path) -> str:
    return f"""{DNS_DOMAIN}:53 in-addr.arpa:53 {{
  bind {NODE}
  errors
  hosts {hosts} {{
    ttl 1
    reload 500ms
  }}
}}
"""


def node_api_server_flags(layout: Layout, ports: Mapping[str, int]) -> list[str]:
    """Flags of a kube-apiserver that pods and kubelet can reach. `ports` are those of local.flags.LISTENERS."""
    return [
        *api_server_flags(layout, ports, address=NODE, services=SERVICE_NETWORK, authorizers="Node,RBAC"),
        # This machine connects to localhost, for which the certificate is valid only if it listens on all addresses.
        "--bind-address=0.0.0.0",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def node_controller_manager_flags(layout: Layout, ports: Mapping[str, int]) -> list[str]:
    """Flags of the kube-controller-manager with all controllers. `ports` are those of local.flags.LISTENERS."""
    return [
        *controller_manager_flags(layout, ports, address=NODE),
        "--controllers=*",
        f"--service-account-private-key-file={layout.key}",
        f"--root-ca-file={layout.certificate}",
        # Tests can't wait for the defaults of up to five minutes.
        "--horizontal-pod-autoscaler-sync-period=3s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=5s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=2s",
    ]


def program_flags(layout: NodeLayout) -> dict[str, list[str]]:
    """Flags of the programs other than the control plane, in the order of their start."""
    return {
        "containerd": [f"--config={layout.containerd_config}"],
        "kube-scheduler": [
            f"--kubeconfig={layout.kubeconfig('kube-scheduler')}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        ],
        "kubelet": [
            f"--config={layout.kubelet_config}",
            f"--kubeconfig={layout.kubeconfig('kubelet')}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE}",
            f"--root-dir={layout.kubelet}",
            f"--cert-dir={layout.kubelet / 'certificates'}",
        ],
        "kube-proxy": [
            f"--kubeconfig={layout.kubeconfig('kube-proxy')}",
            f"--hostname-override={NODE_NAME}",
            "--proxy-mode=iptables",
            "--conntrack-max-per-core=0",
            f"--cluster-cidr={NODE_NETWORK}",
            "--masquerade-all=true",  # pods share a bridge, so replies would bypass the address translation
        ],
        "coredns": [f"-conf={layout.corefile}"],
        "metrics-server": [
            f"--kubeconfig={layout.kubeconfig('metrics-server')}",
            f"--secure-port={METRICS_PORT}",
            f"--bind-address={NODE}",
            f"--cert-dir={layout.directory / 'metrics-server'}",
            "--metric-resolution=10s",
        ],
    }


def _cni(layout: NodeLayout) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": NODE_NETWORK, "rangeStart": FIRST_POD, "rangeEnd": LAST_POD, "gateway": NODE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(layout.directory / "ipam"),
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "node", "plugins": [bridge, portmap]}


def _containerd(layout: NodeLayout) -> str:
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc can't lower it and fails.
    return f"""version = 2
root = "{layout.containerd}"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{layout.cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _kubelet(layout: NodeLayout) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # Only processes in the node's network namespace can reach it.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.control_group}",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": DNS_DOMAIN,
        "resolvConf": str(layout.resolv_conf),
        "podLogsDir": str(layout.directory / "pod-logs"),
        "volumePluginDir": str(layout.directory / "volume-plugins"),
        "failSwapOn": False,
        # A full disk of this machine must not evict pods.
        "evictionHard": dict.fromkeys(EVICTION_SIGNALS, "0%"),
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": False,
        "enforceNodeAllocatable": [],
        "nodeStatusUpdateFrequency": "2s",
        "syncFrequency": "5s",
    }
