"""A local cluster: control plane, CRDs and RBAC, the NIM Operator stand-in and the operator, as background processes.

The demo, the benchmarks, the tests and `python -m local` use it. The operator connects with its own ServiceAccount,
never as administrator.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from local.audit import AuditLog
from local.control_plane import ControlPlane
from local.loopback import answers, fetch, free_ports
from local.processes import Processes

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "operator")])  # of this checkout, whatever is installed
OPERATOR_NAMESPACE = "runai-nim-system"
OPERATOR_SERVICE_ACCOUNT = "runai-nim-operator"
OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_SERVICE_ACCOUNT}"
STAND_IN_ANNOUNCES = "STAND-IN for NVIDIA NIM Operator"
READY_SECONDS = 30


class Program:
    """A Python program of the cluster, which a test may stop, kill and start again.

    environment: called at each start. ready: called with the output since the start. as_usual: the last start had no
    additional arguments or environment.
    """

    def __init__(
        self,
        processes: Processes,
        *,
        name: str,
        command: list[str],
        environment: Callable[[], Mapping[str, str]],
        ready: Callable[[str], bool],
    ) -> None:
        self.name = name
        self._processes = processes
        self._command = [sys.executable, "-m", *command]
        self._environment = environment
        self._ready = ready
        self.as_usual = True

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start it with more arguments and environment and wait until it is ready; a running one is stopped first.

        Raises StartError with the end of its log.
        """
        self.as_usual = not arguments and not environment
        written = self.log.stat().st_size if self.log.exists() else 0
        self._processes.start(
            self.name,
            [*self._command, *arguments],
            {"PYTHONPATH": SOURCES, **self._environment(), **(environment or {})},
        )
        self._processes.wait_until(
            self.name, lambda: self._ready(self.log.read_bytes()[written:].decode(errors="replace")), READY_SECONDS
        )

    def stop(self) -> None:
        """End it with SIGTERM, as a kubelet would, and wait."""
        self._processes.stop(self.name)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._processes.kill(self.name)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._processes.alive(self.name)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._processes.pid(self.name)

    @property
    def log(self) -> Path:
        """The file with its output, of every start."""
        return self._processes.log(self.name)


class LocalCluster:
    """Everything of a local cluster, below `directory`. operator and stand_in are Programs."""

    def __init__(self, directory: Path, control_plane: ControlPlane | None = None) -> None:
        self.control_plane = control_plane or ControlPlane(directory)
        self.kubectl = self.control_plane.kubectl
        self._processes = self.control_plane.processes
        self.operator = Program(
            self._processes,
            name="operator",
            command=["runai_nim"],
            environment=self._operator_environment,
            ready=lambda _: answers(self.healthz_url),
        )
        self.stand_in = Program(
            self._processes,
            name="nim-operator-stand-in",
            command=["local.nim_operator", f"--kubeconfig={self.control_plane.kubeconfig}"],
            environment=dict,
            ready=lambda output: STAND_IN_ANNOUNCES in output,
        )

    def start(self, *, stand_in: bool = True, operator: bool = True) -> list[str]:
        """Start what doesn't run, apply CRDs and RBAC, and return the names of what was started.

        If nothing ran, the cluster is new and empty; otherwise its data are kept.
        Raises StartError, ProgramsMissingError, and CalledProcessError if kubectl rejects a manifest.
        """
        started = self.control_plane.resume()
        self.apply_manifests()
        for program, wanted in ((self.stand_in, stand_in), (self.operator, operator)):
            if wanted and not program.alive:
                program.start()
                started.append(program.name)
        return started

    def stop(self) -> list[str]:
        """Stop everything; return the names of what ran."""
        running = [name for name in self._processes.names() if self._processes.alive(name)]
        self.control_plane.stop()
        return running

    def apply_manifests(self) -> None:
        """Apply all CRDs, the operator's RBAC and Run:ai's PriorityClasses; wait until the CRDs are served."""
        self.kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--filename={CHECKOUT / 'crds'}",
            f"--filename={CHECKOUT / 'local' / 'crds'}",
            f"--filename={CHECKOUT / 'deploy' / 'rbac.yaml'}",
            f"--filename={CHECKOUT / 'local' / 'priorityclasses.yaml'}",
        )
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    @property
    def audit_log(self) -> AuditLog:
        """The API server's audit log."""
        return AuditLog(self.control_plane.audit_log)

    @property
    def healthz_url(self) -> str:
        """URL of /healthz of the operator that was started last."""
        return self._url("/healthz")

    @property
    def readyz_url(self) -> str:
        """URL of its /readyz."""
        return self._url("/readyz")

    def ask(self, path: str, timeout: float = 5) -> tuple[int, str]:
        """HTTP status and text of a path such as `/readyz` of the operator that was started last."""
        return fetch(self._url(path), timeout)

    def _url(self, path: str) -> str:
        port = self._processes.environment(self.operator.name)["RUNAI_NIM_HEALTHZ_PORT"]
        return f"http://127.0.0.1:{port}{path}"

    def _operator_environment(self) -> dict[str, str]:
        kubeconfig = self.control_plane.service_account_kubeconfig(
            OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, self.control_plane.directory / "operator.kubeconfig"
        )
        return {"KUBECONFIG": str(kubeconfig), "RUNAI_NIM_HEALTHZ_PORT": str(free_ports(1)[0])}
