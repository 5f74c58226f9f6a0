"""An existing cluster, by its kubeconfig: for tests, and for a demo that cleans up after itself."""

import shutil
from pathlib import Path

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, STAND_IN_ANNOUNCES, LocalCluster, Program
from local.control_plane import ControlPlane
from local.processes import StartError
from runai_nim.api.kinds import KINDS


class ExistingControlPlane(ControlPlane):
    """A running control plane. `directory`: state of the local processes, and a copy of the kubeconfig.

    Raises StartError if the kubeconfig is not a file.
    """

    def __init__(self, directory: Path, kubeconfig: Path) -> None:
        super().__init__(directory)
        if not kubeconfig.is_file():
            raise StartError(f"KUBECONFIG={kubeconfig} is not a file: pass the kubeconfig of a cluster.")
        directory.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = kubeconfig.absolute()
        text = self.kubectl("config", "view", "--raw", "--flatten", "--minify")
        # A copy, because state of the cluster is stored next to it.
        self.kubeconfig = directory / "existing.kubeconfig"
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """It runs."""

    def resume(self) -> list[str]:
        """It runs, and nothing of it is started."""
        return []

    def stop(self) -> None:
        """End what was started beside it."""
        self.processes.stop_all()

    def kubectl_program(self) -> Path:
        """Return the kubectl of PATH, so that nothing has to be built, or else the one that is built."""
        found = shutil.which("kubectl")
        return Path(found) if found else super().kubectl_program()

    def service_account_kubeconfig(
        self, namespace: str, name: str, path: Path, *, lifetime: int = 86400, via: tuple[str, Path] | None = None
    ) -> Path:
        """Write the given kubeconfig with the ServiceAccount's token in place of its user's credentials."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", f"--duration={lifetime}s").strip()
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(self.kubeconfig.read_text(encoding="utf-8"), encoding="utf-8")
        config = ("config", f"--kubeconfig={path}")
        context = self.kubectl(*config, "current-context").strip()
        self.kubectl(*config, "set-credentials", "service-account", f"--token={token}")
        self.kubectl(*config, "set-context", context, "--user=service-account")
        return path


def stand_in_outside(control_plane: ControlPlane) -> Program:
    """The stand-in of the NIM Operator as a process of this machine, which can't reach the cluster's Services."""
    command = ["local.nim_operator", f"--kubeconfig={control_plane.kubeconfig}", "--assume-endpoints"]
    name = "nim-operator-stand-in"
    return Program(
        control_plane.processes,
        name=name,
        command=command,
        environment=dict,
        ready=lambda output: STAND_IN_ANNOUNCES in output,
    )


class BorrowedCluster(LocalCluster):
    """A user's cluster, in which the CRDs, a stand-in of the NIM Operator and the operator are installed temporarily.

    demo_namespace: namespace of the demo's resources.
    """

    def __init__(self, directory: Path, kubeconfig: Path, demo_namespace: str) -> None:
        super().__init__(directory, ExistingControlPlane(directory, kubeconfig))
        self._namespaces = (OPERATOR_NAMESPACE, demo_namespace)
        self._kinds_before: set[str] | None = None
        self.stand_in = stand_in_outside(self.control_plane)

    def start(self, *, stand_in: bool = True, operator: bool = True) -> list[str]:
        """Start everything. Raises StartError, before any change, if some of the objects already exist."""
        names = self.kubectl("get", "crds,namespaces", "--output=name").split()
        kinds = (*(kind.crd_name for kind in KINDS), "nimservices.apps.nvidia.com", "nimcaches.apps.nvidia.com")
        ours = {
            *(f"customresourcedefinition.apiextensions.k8s.io/{kind}" for kind in kinds),
            *(f"namespace/{name}" for name in self._namespaces),
        }
        if there := sorted(ours.intersection(names)):
            raise StartError(
                f"The demo needs a cluster without {', '.join(there)}, which already exist. "
                "Follow docs/guide/install.md there, or use another cluster."
            )
        self._kinds_before = {name for name in names if name.startswith("customresourcedefinition")}
        return super().start(stand_in=stand_in, operator=operator)

    def apply_manifests(self) -> None:
        """Apply what is missing; existing CRDs stay unchanged."""
        for file in (*(CHECKOUT / "crds").glob("*.yaml"), *(CHECKOUT / "local" / "crds").glob("*.yaml")):
            name = self.kubectl("create", f"--filename={file}", "--dry-run=client", "--output=name").strip()
            if name not in (self._kinds_before or ()):
                self.kubectl("apply", "--server-side", f"--filename={file}")
        self.kubectl("apply", "--server-side", f"--filename={CHECKOUT / 'deploy' / 'rbac.yaml'}")
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    def give_back(self) -> None:
        """Stop the processes and delete everything that `start` and the demo created; nothing if `start` failed."""
        if self._kinds_before is None:
            return
        operators, demo = self._namespaces
        # While the stand-in runs, because it removes the finalizers of NIMServices.
        self.kubectl("delete", "namespace", demo, "--ignore-not-found", "--timeout=60s")
        self.stop()
        self.kubectl("delete", "namespace", operators, "--ignore-not-found", "--timeout=60s")
        self.kubectl("delete", f"--filename={CHECKOUT / 'deploy' / 'rbac.yaml'}", "--ignore-not-found")
        made = set(self.kubectl("get", "crds", "--output=name").split()) - self._kinds_before
        if made:
            self.kubectl("delete", *sorted(made), "--timeout=60s")
