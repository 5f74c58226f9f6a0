"""A control plane with the project's NIMService and NIMCache CRDs, and the stand-in as a real process on it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.control_plane import ControlPlane

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane apart from the other tests', whose stand-in plays the node, too."""
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    with plane.processes.tied_to_this_process(), plane:
        plane.kubectl("apply", "-f", str(CHECKOUT / "local" / "crds"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
        until_served(plane)
        yield plane


def until_served(plane: ControlPlane) -> None:
    """Wait until the new kinds answer: just after they are established, they say 429 for a moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            plane.kubectl("get", "nimservices,nimcaches", "--all-namespaces")
        except subprocess.CalledProcessError as error:
            if time.monotonic() > deadline:
                raise AssertionError(error.stderr) from error
            time.sleep(0.1)
        else:
            return


@contextmanager
def stand_in(plane: ControlPlane, *flags: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the stand-in; fails when it logs a traceback or doesn't end within a second of SIGTERM."""
    command = [sys.executable, "-m", "local.nim_operator", "--kubeconfig", str(plane.kubeconfig), *flags]
    process = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            log = process.communicate(timeout=1)[1]
        finally:
            process.kill()
    assert "Traceback" not in log, log
    assert process.returncode == 0, log
