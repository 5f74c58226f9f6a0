"""Controls a node from outside: starts, enters and stops its namespaces, and forwards to its API server."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from local.cluster import SOURCES
from local.node.configuration import control_group_of
from local.node.control_groups import remove_control_groups
from local.node.network import NODE
from local.node.requirements import require_node
from local.processes import Processes, StartError
from local.programs import node_programs, programs

START_SECONDS = 240
_NAMESPACES = ("--net", "--mount", "--pid")


class Node:
    """A single-node cluster with all its files below `directory`.

    `kubeconfig` is the administrator's for programs on this machine, `inner_kubeconfig` for those in the node's
    network.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.processes = Processes(self.directory / "outside")
        self.kubeconfig = self.directory / "kubeconfig"
        self._inside = self.directory / "inside"
        self.inner_kubeconfig = self._inside / "control-plane" / "administrator.kubeconfig"

    @property
    def alive(self) -> bool:
        """Whether all of it was started and still runs."""
        return self.processes.alive("namespaces") and self.processes.alive("forward")

    def start(self) -> bool:
        """Start an empty cluster and wait until it is ready; False if it already runs.

        It first removes the remains of a killed run. Raises CannotRunError, ProgramsMissingError or StartError.
        """
        require_node()
        node_programs()
        programs()
        if self.alive:
            return False
        self.stop()
        self._inside.mkdir(parents=True)
        self._start_namespaces()
        started = subprocess.run(
            [*self.enter("pid", "mount", "net"), sys.executable, "-m", "local.node.inside", str(self._inside)],
            env=os.environ | {"PYTHONPATH": SOURCES},
            stdout=subprocess.PIPE,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if started.returncode != 0:
            raise StartError(f"the node did not start; its logs are in {self._inside / 'control-plane' / 'logs'}")
        self._start_forward()
        return True

    def stop(self) -> bool:
        """Stop all processes and remove all files, also those of a killed run; False if nothing ran."""
        ran = self.processes.alive("namespaces")
        self.processes.stop_all()
        remove_control_groups(control_group_of(self._inside))
        shutil.rmtree(self.directory, ignore_errors=True)
        return ran

    def enter(self, *namespaces: str) -> list[str]:
        """The prefix of a command that runs in these namespaces of the node: net, mount, pid."""
        return ["nsenter", f"--target={self._first_process()}", *(f"--{name}" for name in namespaces), "--"]

    def run(self, command: Sequence[str | Path], **environment: str) -> None:
        """Run a command in the node's network. Raises CalledProcessError if it fails."""
        subprocess.run(
            [*self.enter("net"), *map(str, command)],
            env=os.environ | {"KUBECONFIG": str(self.inner_kubeconfig)} | environment,
            check=True,
        )

    def import_image(self, archive: Path) -> None:
        """Import the image of an archive into the node's containerd. Raises CalledProcessError with its output."""
        command = [*self.enter("pid", "mount", "net"), sys.executable, "-m", "local.node.containerd", str(archive)]
        subprocess.run(command, env=os.environ | {"PYTHONPATH": SOURCES}, check=True, capture_output=True, text=True)

    def _start_namespaces(self) -> None:
        # --kill-child: when unshare exits, the kernel kills pause and with it all processes of the namespaces.
        command = ["unshare", *_NAMESPACES, "--fork", "--kill-child", "--mount-proc", str(node_programs() / "pause")]
        self.processes.start("namespaces", command, grace=0)
        self.processes.wait_until("namespaces", lambda: self._first_process() is not None, 10)

    def _first_process(self) -> int | None:
        """PID, on this machine, of the namespaces' first process: the child of unshare, when it has become pause."""
        parent = self.processes.pid("namespaces")
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                if Path(f"/proc/{child}/exe").resolve().name == "pause":
                    return int(child)
        return None

    def _start_forward(self) -> None:
        inner = yaml.safe_load(self.inner_kubeconfig.read_text(encoding="utf-8"))
        port = inner["clusters"][0]["cluster"]["server"].rpartition(":")[2]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            command = [sys.executable, "-m", "local.node.forward", str(listener.fileno()), NODE, port]
            self.processes.start(
                "forward",
                [*self.enter("net"), *command],
                {"PYTHONPATH": SOURCES},
                grace=0,
                pass_fds=(listener.fileno(),),
            )
            outer = listener.getsockname()[1]
        inner["clusters"][0]["cluster"]["server"] = f"https://localhost:{outer}"
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(inner), encoding="utf-8")
