"""Clusters for the end-to-end scenarios: an existing one, a new one of kind, or a local node."""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.cluster import CHECKOUT
from local.existing import ExistingControlPlane
from local.node.node import Node
from local.node.requirements import require_node
from local.requirements import CannotRunError

Say = Callable[[str], None]
KIND = "runai-nim-e2e"


@dataclass(frozen=True)
class Cluster:
    """A running cluster. take: gives it the image of an archive. pull_policy: of the operator's pods."""

    kubeconfig: Path
    pull_policy: str
    take: Callable[[Path], None]


class Place(ABC):
    """The kind of cluster to use.

    registry: what its images' names begin with, "" where it is given archives. tests: of the place itself, for pytest.
    """

    registry = ""
    tests: tuple[str, ...] = ()

    @abstractmethod
    def cluster(self, say: Say) -> AbstractContextManager[Cluster]:
        """The running cluster; a new one is removed at the end, unless it is to be kept."""


class GivenPlace(Place):
    """An existing cluster."""

    def __init__(self, directory: Path, kubeconfig: Path, registry: str) -> None:
        if not kubeconfig.exists():
            raise CannotRunError(f"KUBECONFIG={kubeconfig} doesn't exist: pass the kubeconfig of a cluster")
        if not registry:
            raise CannotRunError(
                "KUBECONFIG names a cluster that pulls its images from somewhere: push what `make e2e-images` builds, "
                "and give IMAGES=registry.example.com/team"
            )
        self._directory, self._kubeconfig = directory, kubeconfig
        self.registry = registry

    @contextmanager
    def cluster(self, say: Say) -> Iterator[Cluster]:
        """Use it; it stays."""
        say(f"the cluster of {self._kubeconfig}")
        known = ExistingControlPlane(self._directory, self._kubeconfig)  # a copy, beside which files may be left
        yield Cluster(known.kubeconfig, "IfNotPresent", take=_take_nothing)


class KindPlace(Place):
    """A new cluster of kind."""

    def __init__(self, directory: Path, *, keep: bool) -> None:
        self._directory, self._keep = directory, keep

    @contextmanager
    def cluster(self, say: Say) -> Iterator[Cluster]:
        """Create it, and remove the remains of a killed run first."""
        self._directory.mkdir(parents=True, exist_ok=True)
        kubeconfig = self._directory / "kind.kubeconfig"
        where = (f"--name={KIND}", f"--kubeconfig={kubeconfig}")

        def kind(*arguments: str) -> None:
            subprocess.run(["kind", *arguments], check=True)

        kind("delete", "cluster", *where)
        say("a new cluster of kind")
        try:
            configuration = CHECKOUT / "deploy" / "kind" / "cluster.yaml"
            kind("create", "cluster", *where, f"--config={configuration}", "--wait=120s")
            yield Cluster(kubeconfig, "Never", lambda archive: kind("load", "image-archive", where[0], str(archive)))
        finally:
            if not self._keep:
                kind("delete", "cluster", *where)


class NodePlace(Place):
    """A local node."""

    tests = ("-m", "node", "tests/local/test_node.py")

    def __init__(self, directory: Path, *, keep: bool) -> None:
        require_node()
        self._node = Node(directory / "node")
        self._keep = keep

    @contextmanager
    def cluster(self, say: Say) -> Iterator[Cluster]:
        """Start it empty; it ends with this process, however that ends."""
        node = self._node
        node.stop()  # one that was kept, or that a killed run has left
        say("a new node")
        if self._keep:
            node.start()
            yield Cluster(node.kubeconfig, "Never", node.import_image)
            return
        with node.processes.tied_to_this_process():
            try:
                node.start()
                yield Cluster(node.kubeconfig, "Never", node.import_image)
            finally:
                node.stop()


def chosen_place(directory: Path, *, keep: bool) -> Place:
    """The cluster of E2E_KUBECONFIG, else a kind cluster if possible, else a local node. Raises CannotRunError."""
    if given := os.environ.get("E2E_KUBECONFIG", ""):
        return GivenPlace(directory, Path(given), os.environ.get("IMAGES", "").rstrip("/"))
    return KindPlace(directory, keep=keep) if can_kind() else NodePlace(directory, keep=keep)


def can_kind() -> bool:
    """Whether this machine can run a kind cluster."""
    if shutil.which("docker") is None or shutil.which("kind") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def _take_nothing(archive: Path) -> None:
    raise AssertionError(f"{archive}: the images are in a registry")
