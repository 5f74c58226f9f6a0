"""Command lines of the control plane's programs, and the files that they name."""

from collections.abc import Mapping
from pathlib import Path

LISTENERS = ("etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager")
CONTROLLERS = (
    "deployment-controller",
    "garbage-collector-controller",
    "persistentvolumeclaim-protection-controller",
    "namespace-controller",
    "replicaset-controller",
    "serviceaccount-controller",
)


class Layout:
    """Files of a control plane below its directory."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "etcd"
        self.certificates = directory / "certificates"
        # The API server makes this pair at its first start. It serves TLS and signs ServiceAccount tokens.
        self.certificate = self.certificates / "apiserver.crt"
        self.key = self.certificates / "apiserver.key"
        self.tokens = directory / "tokens.csv"
        self.audit_policy = directory / "audit-policy.yaml"
        self.audit_log = directory / "audit.log"
        self.manager_kubeconfig = directory / "kube-controller-manager.kubeconfig"


def etcd_flags(layout: Layout, ports: Mapping[str, int]) -> list[str]:
    """Return etcd's flags; ports by LISTENERS."""
    client = f"http://127.0.0.1:{ports['etcd']}"
    peer = f"http://127.0.0.1:{ports['etcd-peer']}"
    return [
        "--name=local",
        f"--data-dir={layout.data}",
        "--log-level=warn",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
    ]


def loopback_api_server_flags(layout: Layout, ports: Mapping[str, int]) -> list[str]:
    """Return the flags of a kube-apiserver that only this machine reaches; ports by LISTENERS."""
    return [
        # Addresses of Services are on loopback, so that a process here can answer at them.
        *api_server_flags(layout, ports, address="127.0.0.1", services="127.100.0.0/16", authorizers="RBAC"),
        "--endpoint-reconciler-type=none",
        # Pods would need a token controller and a CA ConfigMap, for containers that never run.
        "--disable-admission-plugins=ServiceAccount",
    ]


def api_server_flags(
    layout: Layout, ports: Mapping[str, int], *, address: str, services: str, authorizers: str
) -> list[str]:
    """Return the flags of a kube-apiserver that don't depend on other programs.

    ports: by LISTENERS. services: network of the Services' addresses. authorizers: as --authorization-mode has them.
    """
    return [
        f"--etcd-servers=http://127.0.0.1:{ports['etcd']}",
        f"--bind-address={address}",
        f"--secure-port={ports['kube-apiserver']}",
        # Without it the server looks for an address of the machine to publish, and fails where there is none.
        f"--advertise-address={address}",
        f"--service-cluster-ip-range={services}",
        f"--cert-dir={layout.certificates}",
        f"--service-account-signing-key-file={layout.key}",
        f"--service-account-key-file={layout.key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={layout.tokens}",
        f"--authorization-mode={authorizers}",
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",  # a request that was answered is in the log
        "--audit-log-maxsize=1000",
        "--audit-log-maxbackup=1",
        "--profiling=false",
    ]


def loopback_controller_manager_flags(layout: Layout, ports: Mapping[str, int]) -> list[str]:
    """Return the flags of a kube-controller-manager for a cluster without nodes; ports by LISTENERS."""
    return [*controller_manager_flags(layout, ports, address="127.0.0.1"), f"--controllers={','.join(CONTROLLERS)}"]


def controller_manager_flags(layout: Layout, ports: Mapping[str, int], *, address: str) -> list[str]:
    """Return the flags of a kube-controller-manager that don't depend on other programs; ports by LISTENERS."""
    return [
        f"--kubeconfig={layout.manager_kubeconfig}",
        f"--bind-address={address}",
        f"--secure-port={ports['kube-controller-manager']}",
        f"--tls-cert-file={layout.certificate}",
        f"--tls-private-key-file={layout.key}",
        # Each controller acts under its own name, which the audit log then tells.
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        # The default of 20 a second would be the bottleneck of every benchmark.
        "--kube-api-qps=300",
        "--kube-api-burst=600",
        "--profiling=false",
    ]
