"""Processes as a kubelet starts them in a pod, by Linux namespaces: no container engine and no image are needed.

Unlike in a shell, the user id has no line in /etc/passwd, HOME is not set, nothing is writable, and the API server is
configured only by KUBERNETES_SERVICE_HOST and the ServiceAccount's files; there is no cluster DNS.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from local.cluster import SOURCES
from local.control_plane import ControlPlane, token_of

USER_ID = 12345
_SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
# /run hides the machine's; the rest stays, read-only. $1: folder of the ServiceAccount's files.
_ENTER = f"""
set -eu
mount -t tmpfs none /run
mkdir -p {_SERVICE_ACCOUNT}
cp "$1"/* {_SERVICE_ACCOUNT}
shift
for path in / /tmp /run /dev/shm; do
  if mountpoint -q "$path"; then mount -o remount,bind,ro "$path"; fi
done
cd /
exec unshare --user --map-user={USER_ID} --map-group={USER_ID} -- "$@"
"""


def obstacle() -> str:
    """Why such a process can't be started here; empty if it can."""
    if shutil.which("unshare") is None:
        return "there is no unshare: it is part of util-linux"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def service_account_files(folder: Path, control_plane: ControlPlane, kubeconfig: Path, namespace: str) -> Path:
    """Write what a kubelet mounts for a ServiceAccount into `folder`, the token taken from its kubeconfig."""
    folder.mkdir(mode=0o700)
    (folder / "token").write_text(token_of(kubeconfig), encoding="utf-8")
    (folder / "namespace").write_text(namespace, encoding="utf-8")
    shutil.copy(control_plane.ca_file, folder / "ca.crt")
    return folder


def start_in_pod(
    *command: str, service_account: Path, control_plane: ControlPlane, log: Path, **environment: str
) -> "subprocess.Popen[bytes]":
    """Start `python -m <command>` as in a pod, its output in `log`; the caller ends it."""
    where = urlsplit(control_plane.url)
    kubelet = {
        "PATH": os.defpath,
        "PYTHONPATH": SOURCES,
        "KUBERNETES_SERVICE_HOST": str(where.hostname),
        "KUBERNETES_SERVICE_PORT": str(where.port),
    }
    enter = [*_unshare(), "sh", "-c", _ENTER, "sh", str(service_account)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*enter, sys.executable, "-m", *command], env=kubelet | environment, stdout=output, stderr=output
        )


def _unshare() -> list[str]:
    """Flags for a mount namespace and, if this process isn't root, a user namespace."""
    return ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--"]
