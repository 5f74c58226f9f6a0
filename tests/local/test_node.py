"""A node's life: what it needs, that it starts, and that nothing of it is left, however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster import CHECKOUT
from local.node import requirements
from local.node.configuration import control_group_of
from local.node.node import Node
from local.node.requirements import require_node
from local.objects import wait_for
from local.programs import programs
from local.requirements import CannotRunError


def test_what_is_missing_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "CNI", tmp_path)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CannotRunError) as caught:
        require_node()
    assert str(caught.value) == (
        "a node needs missing programs: apt-get install --no-install-recommends conntrack containerd "
        "containernetworking-plugins iproute2 iptables mount openssl runc util-linux"
    )


@pytest.mark.parametrize(("user", "system", "said"), [(1000, "linux", "needs root"), (0, "darwin", "needs Linux")])
def test_only_root_on_linux_can_run_one(user: int, system: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(sys, "platform", system)

    with pytest.raises(CannotRunError, match=said):
        require_node()


def test_make_tells_it_from_a_failure_by_its_code() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "local", "node-up"], cwd=CHECKOUT, env={"PATH": ""}, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("make node-up: a node needs ")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node of the test's own; not started."""
    made = Node(tmp_path / "node")
    yield made
    made.stop()


def mounts_below(directory: Path) -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if str(directory) in line]


def processes_below(directory: Path) -> list[int]:
    """Processes of the machine whose command line names the directory, this one left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            named = str(directory) in path.read_text().replace("\0", " ")
        except OSError:
            continue
        if named and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def groups_of(node: Node) -> list[Path]:
    """The node's control groups."""
    return list(Path("/sys/fs/cgroup").glob(f"**/{control_group_of(node.directory / 'inside')}"))


@pytest.mark.node
def test_a_pod_runs_and_nothing_of_a_node_is_left(node: Node) -> None:
    assert node.start()
    assert not node.start()  # idempotent

    kubectl = [str(programs() / "kubectl"), f"--kubeconfig={node.kubeconfig}"]
    found = json.loads(subprocess.check_output([*kubectl, "get", "nodes", "--output=json"]))["items"]
    assert [item["status"]["allocatable"]["nvidia.com/gpu"] for item in found] == ["8"]
    subprocess.run([*kubectl, "create", "deployment", "pause", "--image=runai-nim.io/pause:local"], check=True)
    subprocess.run([*kubectl, "rollout", "status", "deployment/pause", "--timeout=60s"], check=True)
    assert groups_of(node)  # another node's kubelet ends what it finds in its own
    assert mounts_below(node.directory) == []  # all of them are in the node's own mount namespace

    assert node.stop()
    assert not node.stop()
    wait_for(lambda: processes_below(node.directory) == [])
    assert not node.directory.exists()
    assert groups_of(node) == []


@pytest.mark.node
def test_what_a_killed_run_left_is_healed_by_the_next(node: Node) -> None:
    node.start()
    for name in ("namespaces", "forward"):
        os.kill(node.processes.pid(name) or 0, signal.SIGKILL)
    wait_for(lambda: processes_below(node.directory) == [])

    assert node.start()
