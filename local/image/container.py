"""Runs the image's process as a node would, without an engine: runc on an unpacked file system.

The root is read-only and nothing can be written; the user has no name and no HOME; there is no network.
"""

import json
import resource
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from local.image.archive import Image, unpack
from local.image.commands import CommandError, output_of, start

USER = 12345
"""Any user: OpenShift chooses one, and no /etc/passwd has it."""
NAME = "runai-nim-image-check"
NAMESPACES = ("ipc", "mount", "network", "pid", "uts")
MOUNTS = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its exit code, all that it printed, the seconds that it took and those that it computed."""

    code: int
    output: str
    seconds: float
    cpu_seconds: float


class Container:
    """Processes of one image, one after the other."""

    def __init__(self, image: Image, archive: Path, folder: Path) -> None:
        self._image, self._folder = image, folder
        self._runc = ("runc", f"--root={folder / 'runc'}", "--log", str(folder / "runc.log"))
        self.root = folder / "bundle" / "rootfs"
        self._remove()
        self.root.mkdir(parents=True)
        unpack(archive, self.root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def run(self, command: Sequence[str], user: int = USER, seconds: float = 60) -> Exit:
        """Run a command to its end; raises CommandError where it takes longer."""
        (self.root.parent / "config.json").write_text(json.dumps(specification(self._image, command, user)))
        run = (*self._runc, "run", f"--bundle={self.root.parent}", NAME)
        begun = time.monotonic()
        computed = _cpu_seconds()
        with start(run) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise CommandError(f"{' '.join(command)} took more than {seconds:g} s") from error
        return Exit(process.returncode, output, time.monotonic() - begun, _cpu_seconds() - computed)

    def _remove(self) -> None:
        """Remove the files, and the container that a killed run has left."""
        if (self._folder / "runc" / NAME).exists():
            output_of((*self._runc, "delete", "--force", NAME))
        shutil.rmtree(self._folder, ignore_errors=True)


def _cpu_seconds() -> float:
    """CPU that this process's children have used, those that have ended and been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def specification(image: Image, command: Sequence[str], user: int) -> dict[str, object]:
    """What runc is told (OCI runtime specification): as little as the restricted Pod Security Standard leaves."""
    environment = [f"{name}={value}" for name, value in image.environment.items()]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": user, "gid": user},
            "args": list(command),
            "env": environment,
            "cwd": image.config["config"].get("WorkingDir") or "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "mounts": list(MOUNTS),
        "linux": {
            "namespaces": [{"type": name} for name in NAMESPACES],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        },
    }
