"""The demo on somebody's cluster: it refuses where it would meet anything, and takes away all that it made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.control_plane import ControlPlane
from local.existing import BorrowedCluster
from local.processes import StartError

DEMO = "demo"


@pytest.fixture(scope="module")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    control_plane = ControlPlane(tmp_path_factory.mktemp("somebodys"))
    with control_plane.processes.tied_to_this_process(), control_plane:
        yield control_plane


def there(control_plane: ControlPlane) -> set[str]:
    kinds = "crds,namespaces,clusterroles,clusterrolebindings"
    return set(control_plane.kubectl("get", kinds, "--output=name").split())


@pytest.mark.long
def test_all_that_was_made_is_taken_away_again(somebodys: ControlPlane, tmp_path: Path) -> None:
    before = there(somebodys)
    cluster = BorrowedCluster(tmp_path, somebodys.kubeconfig, DEMO)
    with cluster.control_plane.processes.tied_to_this_process():
        assert cluster.start() == ["nim-operator-stand-in", "operator"]
        assert there(somebodys) > before
        cluster.give_back()

    assert there(somebodys) == before


@pytest.mark.long
def test_it_refuses_to_meet_what_is_there_and_changes_nothing(somebodys: ControlPlane, tmp_path: Path) -> None:
    somebodys.kubectl("create", "namespace", DEMO)
    before = there(somebodys)
    cluster = BorrowedCluster(tmp_path, somebodys.kubeconfig, DEMO)

    with pytest.raises(StartError, match=f"a cluster without namespace/{DEMO}, which"):
        cluster.start()
    cluster.give_back()
    assert there(somebodys) == before


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"KUBECONFIG=.*/none is not a file"):
        BorrowedCluster(tmp_path, tmp_path / "none", DEMO)
