"""A separate cluster for each benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.cluster import CHECKOUT, LocalCluster
from runai_nim.api import well_known
from runai_nim.config.settings_loader import PREFIX

NAMESPACE = "bench"
QUIET_SECONDS = 5.0
"""Seconds without a request after which the operator is idle."""
PATIENCE = {
    f"{PREFIX}{setting}": "86400" for setting in ("NIM_OPERATOR_DEADLINE_SECONDS", "SCHEDULER_DEADLINE_SECONDS")
}


@contextmanager
def empty_cluster() -> Iterator[LocalCluster]:
    """A new cluster with the CRDs and an empty namespace, without other writers: no controller manager, no stand-in.

    It ends with the block, also when this process is killed.
    """
    cluster = LocalCluster(CHECKOUT / ".local" / "bench")
    with cluster.control_plane.processes.tied_to_this_process():
        try:
            cluster.start(stand_in=False, operator=False)
            make_project(cluster, NAMESPACE)
            cluster.control_plane.kill_program("kube-controller-manager")
            yield cluster
        finally:
            cluster.stop()


LOADING_SECONDS = 8
"""How long a model loads: longer than the operator waits before it writes progress, so that it writes some."""


@contextmanager
def chatty_cluster() -> Iterator[LocalCluster]:
    """As `empty_cluster`, but with all controllers and a NIM Operator that makes and reports every step."""
    cluster = LocalCluster(CHECKOUT / ".local" / "bench")
    with cluster.control_plane.processes.tied_to_this_process():
        try:
            cluster.start(stand_in=False, operator=False)
            make_project(cluster, NAMESPACE)
            cluster.stand_in.start(f"--delay-ready={LOADING_SECONDS}", "--write-twice")
            yield cluster
        finally:
            cluster.stop()


def start_operator(cluster: LocalCluster) -> None:
    """Restart the operator with longer deadlines, so that it doesn't report components that the benchmark delays."""
    cluster.operator.start(environment=PATIENCE)


def make_project(cluster: LocalCluster, namespace: str) -> None:
    """Create a namespace that belongs to a project, because the operator warns about others."""
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "namespace", namespace, f"{well_known.RUNAI_PROJECT}=team-a")
