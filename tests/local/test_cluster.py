"""`python -m local up` and `down`, as typed: repeatable, and healing what died."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cluster import CHECKOUT, OPERATOR_USER, LocalCluster
from local.objects import wait_for

Command = Callable[[str], str]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """`python -m local <name>` with a directory of the test's own; returns what it printed."""

    def run(name: str) -> str:
        return subprocess.check_output(
            [sys.executable, "-m", "local", name, f"--directory={tmp_path}"], cwd=CHECKOUT, text=True
        )

    with LocalCluster(tmp_path / "cluster").control_plane.processes.tied_to_this_process():
        yield run


@pytest.mark.long
def test_up_and_down_can_be_repeated_and_up_heals(command: Command, tmp_path: Path) -> None:
    names = ["etcd", "kube-apiserver", "kube-controller-manager", "nim-operator-stand-in", "operator"]
    assert command("up").startswith(f"Started {', '.join(names)}.")
    kubectl = [str(tmp_path / "bin" / "kubectl"), f"--kubeconfig={tmp_path / 'kubeconfig'}", f"--cache-dir={tmp_path}"]
    kinds = subprocess.check_output([*kubectl, "api-resources", "--output=name"], text=True).split()
    assert {"runainimservices.runai-nim.io", "nimservices.apps.nvidia.com"} <= set(kinds)
    subprocess.check_call([*kubectl, "create", "configmap", "kept"])
    subprocess.check_call([*kubectl, "config", "set-context", "--current", "--namespace=chosen"])
    runai_nim = [str(tmp_path / "bin" / "runai-nim"), "list", f"--kubeconfig={tmp_path / 'kubeconfig'}", "-o", "name"]
    assert subprocess.check_output(runai_nim, text=True) == ""

    assert command("up").startswith("Everything was already running.")

    cluster = LocalCluster(tmp_path / "cluster")
    cluster.operator.kill()
    cluster.control_plane.kill_program("kube-apiserver")
    assert command("up").startswith("Started kube-apiserver, operator.")
    subprocess.check_call([*kubectl, "get", "configmap", "kept", "--namespace=default"])
    chosen = subprocess.check_output([*kubectl, "config", "view", "--minify", "--output=jsonpath={..namespace}"])
    assert chosen == b"chosen"
    wait_for(lambda: next(cluster.audit_log.requests(user=OPERATOR_USER), None))

    stopped = command("down")
    assert sorted(stopped.removeprefix("Stopped ").removesuffix(".\n").split(", ")) == sorted(names)
    assert command("down") == "Nothing was running.\n"
    assert not (tmp_path / "kubeconfig").exists()
    assert not any(cluster.control_plane.processes.alive(name) for name in names)
