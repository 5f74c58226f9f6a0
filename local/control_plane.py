"""etcd, kube-apiserver and kube-controller-manager as processes on loopback, with RBAC, an audit log and kubeconfigs.

There is no kubelet and no scheduler: Pods stay Pending unless something marks them. Keys and tokens are made at each
start and live only in the control plane's directory. etcd runs without fsync: a machine that crashes loses the data.
"""

import json
import os
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from local.audit import AuditLog
from local.flags import (
    LISTENERS,
    Layout,
    etcd_flags,
    loopback_api_server_flags,
    loopback_controller_manager_flags,
)
from local.loopback import answers, free_ports
from local.processes import Processes
from local.programs import programs

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
ADMINISTRATOR = "administrator"
CONTROLLER_MANAGER = "system:kube-controller-manager"  # RBAC knows this name
# Watches are logged when they start, everything else when it was answered.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
START_ATTEMPTS = 3
READY_SECONDS = 60


class ControlPlane:
    """A Kubernetes control plane whose files are all below `directory`.

    ca_file: PEM bundle that the API server is verified with. kubeconfig: of the administrator. audit_log: one JSON
    object (audit.k8s.io/v1 Event, level Metadata) a line.
    """

    address = "127.0.0.1"
    """Address of the API server."""
    users: Mapping[str, str] = {ADMINISTRATOR: "system:masters", CONTROLLER_MANAGER: ""}
    """Users with a token from the start, and their groups."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.processes = Processes(self.directory)
        self._layout = Layout(self.directory)
        self.ca_file = self._layout.certificate
        self.kubeconfig = self.directory / "administrator.kubeconfig"
        self.audit_log = self._layout.audit_log
        self.starts: list[tuple[int, int]] = []
        """Parts of the audit log during restarts of a program, when the API server may not know any roles."""
        self._kubectl_cache = self.directory / "kubectl-cache"
        self._ports_file = self.directory / "ports.json"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address of the API server, as of the last start."""
        return f"https://{self.address}:{self._ports['kube-apiserver']}"

    @property
    def etcd_url(self) -> str:
        """Address of etcd, as of the last start."""
        return f"http://127.0.0.1:{self._ports['etcd']}"

    def start(self) -> None:
        """Start an empty control plane and wait until it is ready; what an earlier start left is stopped and removed.

        Raises StartError, or ProgramsMissingError from local.programs.
        """
        folder = programs()
        for attempt in range(1, START_ATTEMPTS + 1):
            self.stop()
            self._remove_data()
            try:
                self._start(folder)
                return
            except BaseException as error:
                self.stop()
                # Another process may take a port between our choice and its use.
                if attempt == START_ATTEMPTS or "address already in use" not in str(error):
                    raise

    def stop(self) -> None:
        """Stop everything that was started in this directory, later starts first. Data and logs stay."""
        self.processes.stop_all()

    def resume(self) -> list[str]:
        """Start again, with their data, those of PROGRAMS that don't run; return their names.

        If none runs, use `start` instead.
        """
        dead = [name for name in PROGRAMS if not self.processes.alive(name)]
        if len(dead) == len(PROGRAMS):
            self.start()
            return dead
        for name in dead:
            self.processes.start_again(name)
        self.wait_ready()
        return dead

    def stop_program(self, name: str) -> None:
        """End one of PROGRAMS with SIGTERM (an API server takes up to 15 s to end its requests)."""
        self.processes.stop(name, grace=30)

    def kill_program(self, name: str) -> None:
        """End one of PROGRAMS with SIGKILL."""
        self.processes.kill(name)

    def start_program(self, name: str) -> None:
        """Start one of PROGRAMS again, with its data and port, and wait until the control plane is ready."""
        began = AuditLog(self.audit_log).mark()
        self.processes.start_again(name)
        self.wait_ready()
        self.starts.append((began, AuditLog(self.audit_log).mark()))

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the API answers and the controllers have acted, for each at most `seconds`; raises StartError."""
        tls = ssl.create_default_context(cafile=self.ca_file)
        self.processes.wait_until("kube-apiserver", lambda: answers(f"{self.url}/readyz", tls), seconds)
        manager = f"https://{self.address}:{self._ports['kube-controller-manager']}/healthz"
        self.processes.wait_until("kube-controller-manager", lambda: answers(manager, tls), seconds)
        self.processes.wait_until("kube-controller-manager", self._default_service_account_exists, seconds)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator and return its output; raises CalledProcessError with its stderr."""
        command = [str(self.kubectl_program()), f"--kubeconfig={self.kubeconfig}", *arguments]
        environment = os.environ | {"KUBECACHEDIR": str(self._kubectl_cache)}
        return subprocess.run(command, input=stdin, env=environment, check=True, text=True, capture_output=True).stdout

    def service_account_kubeconfig(
        self, namespace: str, name: str, path: Path, *, lifetime: int = 7 * 86400, via: tuple[str, Path] | None = None
    ) -> Path:
        """Write a kubeconfig that authenticates as an existing ServiceAccount, with a token from TokenRequest.

        lifetime: of the token, in seconds; the API server refuses less than 600. via: URL and PEM file of the authority
        of a proxy before the API server.
        """
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", f"--duration={lifetime}s").strip()
        return self._write_kubeconfig(path, f"{namespace}-{name}", token, via)

    @property
    def _ports(self) -> dict[str, int]:
        ports: dict[str, int] = json.loads(self._ports_file.read_text())
        return ports

    def _remove_data(self) -> None:
        """Remove what an earlier start has made, by name: `directory` may hold files of others."""
        for folder in (self._layout.certificates, self._layout.data, self._kubectl_cache, self.processes.logs):
            shutil.rmtree(folder, ignore_errors=True)
        for pattern in ("audit*.log", "*.kubeconfig*"):
            for path in self.directory.glob(pattern):
                path.unlink()

    def _start(self, folder: Path) -> None:
        layout = self._layout
        layout.certificates.mkdir(parents=True, mode=0o700)
        self._ports_file.write_text(json.dumps(dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))))
        tokens = {user: secrets.token_urlsafe(32) for user in self.users}
        lines = []
        for uid, (user, group) in enumerate(self.users.items()):
            lines.append(f"{tokens[user]},{user},{uid}" + (f',"{group}"' if group else ""))
        _write_private(layout.tokens, "\n".join(lines) + "\n")
        layout.audit_policy.write_text(yaml.safe_dump(AUDIT_POLICY))
        for user, token in tokens.items():
            self._write_kubeconfig(self.kubeconfig_of(user), user, token)
        ports = self._ports
        self._start_program(folder / "etcd", etcd_flags(layout, ports))
        self.processes.wait_until("etcd", lambda: answers(f"http://127.0.0.1:{ports['etcd']}/health"), READY_SECONDS)
        self._start_program(folder / "kube-apiserver", self.api_server_flags(layout, ports))
        # Its certificate, which it makes for itself, is the controller manager's too.
        self.processes.wait_until("kube-apiserver", layout.certificate.exists, READY_SECONDS)
        manager = self.controller_manager_program(folder)
        self._start_program(manager, self.controller_manager_flags(layout, ports))
        self.wait_ready()

    def kubectl_program(self) -> Path:
        """Return the kubectl that `kubectl` runs."""
        return programs() / "kubectl"

    def kubeconfig_of(self, user: str) -> Path:
        """Where the kubeconfig of one of `users` is."""
        return self.kubeconfig if user == ADMINISTRATOR else self._layout.manager_kubeconfig

    def api_server_flags(self, layout: Layout, ports: Mapping[str, int]) -> list[str]:
        """Return the API server's flags."""
        return loopback_api_server_flags(layout, ports)

    def controller_manager_flags(self, layout: Layout, ports: Mapping[str, int]) -> list[str]:
        """Return the controller manager's flags."""
        return loopback_controller_manager_flags(layout, ports)

    def controller_manager_program(self, folder: Path) -> Path:
        """Return the controller manager of the control plane's programs in `folder`, or another."""
        return folder / "kube-controller-manager"

    def _start_program(self, program: Path, flags: list[str]) -> None:
        # No grace when all is stopped: the API server alone would take 15 s, for data that nobody reads again.
        self.processes.start(program.name, [str(program), *flags], grace=0)

    def _write_kubeconfig(self, path: Path, user: str, token: str, via: tuple[str, Path] | None = None) -> Path:
        url, ca_file = via or (self.url, self.ca_file)
        cluster = {"server": url, "certificate-authority": str(ca_file)}
        return _write_private(
            path,
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "local",
                    "clusters": [{"name": "local", "cluster": cluster}],
                    "users": [{"name": user, "user": {"token": token}}],
                    "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
                }
            ),
        )

    def _default_service_account_exists(self) -> bool:
        try:
            self.kubectl("get", "serviceaccount", "default", "--namespace=default")
        except subprocess.CalledProcessError:
            return False
        return True


def token_of(kubeconfig: Path) -> str:
    """The token in a kubeconfig of a control plane."""
    user: dict[str, str] = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]
    return user["token"]


def _write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path
