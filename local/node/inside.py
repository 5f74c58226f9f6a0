"""`python -m local.node.inside <directory>`: starts a node's programs. It runs in the node's namespaces, as root.

After it exits, `pause`, the first process of the PID namespace, is the parent of the programs.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from local.control_plane import ADMINISTRATOR, CONTROLLER_MANAGER, ControlPlane
from local.flags import Layout
from local.node.configuration import (
    CONTAINERD_SOCKET,
    PAUSE_IMAGE,
    NodeLayout,
    node_api_server_flags,
    node_controller_manager_flags,
    program_flags,
    write_configuration,
)
from local.node.containerd import import_image
from local.node.control_groups import make_control_groups
from local.node.image import write_image
from local.node.network import BRIDGE, DNS_SERVICE, METRICS_PORT, NODE, NODE_NAME
from local.processes import Processes, StartError, failed_command
from local.programs import node_programs

GPUS = 8
READY_SECONDS = 90
MANIFESTS = Path(__file__).with_name("manifests")
USERS = {
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
    "kube-proxy": ("system:kube-proxy", ""),
    "names": ("system:names", ""),
    "metrics-server": ("system:metrics-server", ""),
    "provisioner": ("system:provisioner", ""),
}
"""User and group of each program."""


class NodeControlPlane(ControlPlane):
    """A control plane that pods can reach, with all controllers and a user for each program of the node."""

    address = NODE
    users: Mapping[str, str] = {
        ADMINISTRATOR: "system:masters",
        CONTROLLER_MANAGER: "",
        **dict(USERS.values()),
    }

    def __init__(self, directory: Path, layout: NodeLayout) -> None:
        super().__init__(directory)
        self._node = layout

    def kubeconfig_of(self, user: str) -> Path:
        """Path of the kubeconfig of one of `users`."""
        programs = {name: program for program, (name, _) in USERS.items()}
        return self._node.kubeconfig(programs[user]) if user in programs else super().kubeconfig_of(user)

    def api_server_flags(self, layout: Layout, ports: Mapping[str, int]) -> list[str]:
        """The API server's flags."""
        return node_api_server_flags(layout, ports)

    def controller_manager_flags(self, layout: Layout, ports: Mapping[str, int]) -> list[str]:
        """The controller manager's flags."""
        return node_controller_manager_flags(layout, ports)

    def controller_manager_program(self, folder: Path) -> Path:
        """Path of the controller manager with all controllers."""
        return node_programs() / "kube-controller-manager"


def main(directory: Path) -> int:
    """Start all programs and print each step. Returns 1, with the reason on stderr, if a program doesn't start."""
    layout = NodeLayout(directory)
    try:
        _enter(layout)
        control_plane = NodeControlPlane(directory / "control-plane", layout)
        _say("etcd, kube-apiserver, kube-controller-manager")
        control_plane.start()
        control_plane.kubectl("apply", "--server-side", f"--filename={MANIFESTS}")
        _apply_services(control_plane)
        _start_programs(layout, control_plane)
        _say("waiting for the node")
        _wait_ready(control_plane)
        _check_alive(control_plane.processes)
    except (StartError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(failed_command(error), file=sys.stderr)
        return 1
    return 0


def _enter(layout: NodeLayout) -> None:
    """Write the configuration, and set up network and mounts of the namespaces."""
    write_configuration(layout)
    make_control_groups(layout.control_group)
    for command in (
        "ip link set lo up",
        f"ip link add {BRIDGE} type bridge",
        f"ip address add {NODE}/16 dev {BRIDGE}",
        f"ip link set {BRIDGE} up",
        f"ip route add default dev {BRIDGE}",
        "sysctl -q -w net.ipv4.ip_forward=1",
        # Sockets of containerd's shims and container logs have fixed paths.
        "mount -t tmpfs tmpfs /run",
        "mount -t tmpfs tmpfs /var/log",
        f"mount --bind {layout.kubelet} {layout.kubelet}",
        f"mount --make-rshared {layout.kubelet}",
    ):
        subprocess.run(command.split(), check=True, capture_output=True, text=True)


def _start_programs(layout: NodeLayout, control_plane: ControlPlane) -> None:
    processes = control_plane.processes
    for program, flags in program_flags(layout).items():
        _say(program)
        path = "containerd" if program == "containerd" else str(node_programs() / program)
        processes.start(program, [path, *flags])
        if program == "containerd":
            processes.wait_until(program, Path(CONTAINERD_SOCKET).exists, 30)
            _import_pause(layout)
    for module, place in (("names", layout.hosts), ("provisioner", layout.volumes)):
        _say(module)
        command = [sys.executable, "-m", f"local.node.{module}", str(layout.kubeconfig(module)), str(place)]
        processes.start(module, command)


def _import_pause(layout: NodeLayout) -> None:
    archive = layout.directory / "pause.tar"
    write_image(archive, PAUSE_IMAGE, node_programs() / "pause")
    import_image(archive)


def _apply_services(control_plane: ControlPlane) -> None:
    """Create the Services of cluster DNS and metrics-server, which run on the node outside of pods."""
    for name, address, ports in (
        ("kube-dns", DNS_SERVICE, [("dns", 53, 53, "UDP"), ("dns-tcp", 53, 53, "TCP")]),
        ("metrics-server", "", [("https", 443, METRICS_PORT, "TCP")]),
    ):
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {
                **({"clusterIP": address} if address else {}),
                "ports": [
                    {"name": port_name, "port": port, "targetPort": target, "protocol": protocol}
                    for port_name, port, target, protocol in ports
                ],
            },
        }
        endpoints = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-node",
                "namespace": "kube-system",
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [NODE], "conditions": {"ready": True}}],
            "ports": [
                {"name": port_name, "port": target, "protocol": protocol} for port_name, _, target, protocol in ports
            ],
        }
        for manifest in (service, endpoints):
            control_plane.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(manifest))


def _wait_ready(control_plane: ControlPlane) -> None:
    """Wait until the node is Ready, has its GPUs, and metrics are served; raises TimeoutError."""
    deadline = time.monotonic() + READY_SECONDS
    gpus = {"status": {field: {"nvidia.com/gpu": str(GPUS)} for field in ("capacity", "allocatable")}}
    patch = ("patch", "node", NODE_NAME, "--subresource=status", "--type=merge", f"--patch={json.dumps(gpus)}")
    steps = [
        ("get", "node", NODE_NAME),
        patch,
        ("wait", "--for=condition=Ready", f"node/{NODE_NAME}", "--timeout=1s"),
        ("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=1s"),
    ]
    for step in steps:
        while True:
            try:
                control_plane.kubectl(*step)
                break
            except subprocess.CalledProcessError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not within {READY_SECONDS} s: {' '.join(step)}\n{error.stderr}") from error
                time.sleep(0.3)


def _check_alive(processes: Processes) -> None:
    """Raise StartError with the end of its log if a program has exited."""
    for name in processes.names():
        if not processes.alive(name):
            raise StartError(f"{name} ended; the end of {processes.log(name)}:\n{processes.log_tail(name)}")


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
