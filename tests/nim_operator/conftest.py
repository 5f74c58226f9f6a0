"""Control planes with the project's cut-down CRDs, and the stand-in as a real process on them."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.control_plane import ControlPlane
from local.objects import Objects

CHECKOUT = Path(__file__).resolve().parents[2]
CRDS = CHECKOUT / "local" / "crds"
# Its own kinds; the recordings were made where there were no others.
NIM_OPERATOR = ("nimcaches", "nimservices")
OTHERS = ("grpcroutes", "httproutes", "leaderworkersets")


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the NIM Operator's kinds, apart from the other tests': the stand-in plays the node, too."""
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    with plane.processes.tied_to_this_process(), plane:
        install(plane, NIM_OPERATOR)
        yield plane


@pytest.fixture(scope="module")
def all_objects(control_plane: ControlPlane) -> Iterator[Objects]:
    """Objects of any namespace of the module's control plane, through one client."""
    with Objects(control_plane.kubeconfig, "default") as opened:
        yield opened


def install(plane: ControlPlane, plurals: Iterable[str]) -> None:
    """Install kinds and wait until they answer: just after they are established, they say 429 for a moment.

    kubectl wait fails where it meets a kind that has no conditions yet.
    """
    plane.kubectl("apply", "--server-side", *(f"--filename={CRDS / plural}.yaml" for plural in plurals))
    deadline = time.monotonic() + 60
    while True:
        try:
            plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
            plane.kubectl("get", ",".join(plurals), "--all-namespaces")
        except subprocess.CalledProcessError as error:
            if time.monotonic() > deadline:
                raise AssertionError(error.stderr) from error
            time.sleep(0.1)
        else:
            return


@contextmanager
def stand_in(plane: ControlPlane, *flags: str, kubeconfig: Path | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run the stand-in, from its first word on; fails when it logs a traceback or doesn't end by SIGTERM.

    kubeconfig: as whom; left out: as administrator.
    """
    path = str(kubeconfig or plane.kubeconfig)
    command = [sys.executable, "-m", "local.nim_operator", "--kubeconfig", path, *flags]
    process = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    log = process.stderr.readline()
    try:
        yield process
    finally:
        process.terminate()
        try:
            log += process.communicate(timeout=20)[1]
        finally:
            process.kill()
    assert "Traceback" not in log, log
    assert process.returncode == 0, log


@pytest.fixture(scope="module")
def all_kinds(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with the kinds of others too, and the stand-in with nodes on it."""
    install(control_plane, OTHERS)
    with stand_in(control_plane, "--endpoint-pause=0.1"):
        yield control_plane
