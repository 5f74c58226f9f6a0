"""Fixtures of every test that needs a real API server: one control plane for the session, a namespace for each test."""

import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from local.cluster import LocalCluster
from local.control_plane import ControlPlane
from local.objects import Objects
from tests.support.external_cluster import ExternalCluster, external_kubeconfig

_RUN = f"{secrets.token_hex(3)}-" if external_kubeconfig() else ""
NAMESPACES = (f"test-{_RUN}{number}" for number in itertools.count(1))

TESTS = Path(__file__).parent
LARGEST_FOLDERS = ("cluster", "rest")

# What an example takes is the machine's business, and another process may have it just then.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--part=2/10`: the third of ten parts of the tests, by their names, so that parts differ little in length."""
    parser.addoption("--part", metavar="NUMBER/PARTS", help="run one part of the tests only, counted from 0")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Tests of a folder share a process, and with it a control plane; of the largest folders, tests of a module do."""

    def _split_scope(self, nodeid: str) -> str:
        folder, rest = nodeid.split("/", 2)[1:]
        return f"{folder}/{rest.split('::')[0]}" if folder in LARGEST_FOLDERS else folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """With --dist=loadscope."""
    config.option.loadscopereorder = False  # the order is that of pytest_collection_modifyitems
    return ByFolder(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put first what takes longest, last what looks back at the others; keep the part that was asked for, if any."""
    items.sort(key=lambda item: (_looks_back(item), item.path.parts[len(TESTS.parts)] not in LARGEST_FOLDERS))
    if part := config.getoption("--part"):
        number, parts = (int(text) for text in part.split("/"))
        chosen = [item for item in items if _part_of(item, parts) == number]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def _looks_back(item: pytest.Item) -> bool:
    return item.get_closest_marker("looks_back") is not None


def _part_of(item: pytest.Item, parts: int) -> int:
    return int(hashlib.sha256(item.nodeid.encode()).hexdigest(), 16) % parts


@pytest.fixture(scope="session")
def local_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A control plane without any CRD; it ends with the session, also when that is killed. Or the one that is given."""
    directory = tmp_path_factory.mktemp("cluster")
    given = external_kubeconfig()
    cluster = ExternalCluster(directory, given) if given else LocalCluster(directory)
    with cluster.control_plane.processes.tied_to_this_process(), cluster.control_plane:
        yield cluster


@pytest.fixture(scope="session")
def control_plane(local_cluster: LocalCluster) -> ControlPlane:
    """The running control plane of `local_cluster`."""
    return local_cluster.control_plane


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane) -> Callable[..., str]:
    """Run kubectl as administrator: kubectl("get", "pods", stdin=...) -> stdout; CalledProcessError has stderr."""
    return control_plane.kubectl


@pytest.fixture(scope="session")
def all_objects(control_plane: ControlPlane) -> Iterator[Objects]:
    """Objects of any namespace, through one client: making a client takes longer than most of its requests."""
    with Objects(Path(control_plane.kubeconfig), "default") as opened:
        yield opened


@pytest.fixture
def namespace(all_objects: Objects) -> Iterator[str]:
    """Name of a namespace of the test's own; its deletion is only begun, for it takes 5 s."""
    name = next(NAMESPACES)
    all_objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    all_objects.delete("v1 Namespace", name)


@pytest.fixture
def objects(all_objects: Objects, namespace: str) -> Objects:
    """Objects of the test's namespace, as administrator."""
    return all_objects.of(namespace)
