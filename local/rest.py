"""The REST API as a process of a local cluster."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cluster import Program
from local.control_plane import ControlPlane
from local.loopback import answers, free_ports


@dataclass(frozen=True)
class Rest:
    """The process and its URL."""

    program: Program
    url: str


def rest_process(
    control_plane: ControlPlane,
    name: str,
    kubeconfig: Path,
    *,
    scheme: str = "http",
    log_level: str = "debug",
    settings: Mapping[str, str] | None = None,
) -> Rest:
    """The process, not started yet, on a free port; with `https` it is asked by the control plane's certificate.

    `settings`: environment variables.
    """
    (port,) = free_ports(1)
    url = f"{scheme}://127.0.0.1:{port}"
    command = ["runai_nim.rest", "--host=127.0.0.1", f"--port={port}"]
    environment = {"KUBECONFIG": str(kubeconfig), "RUNAI_NIM_LOG_LEVEL": log_level, **(settings or {})}

    def ready(_: str) -> bool:
        tls = ssl.create_default_context(cafile=str(control_plane.ca_file)) if scheme == "https" else None
        return answers(f"{url}/readyz", tls)

    return Rest(
        Program(control_plane.processes, name=name, command=command, environment=lambda: environment, ready=ready), url
    )
