"""Fixtures of tests of the whole: CRDs and RBAC in place, the stand-in and the operator as real processes."""

from collections.abc import Iterator

import pytest

from local.audit import AuditLog
from local.cluster import LocalCluster, Program


@pytest.fixture(scope="session")
def cluster(local_cluster: LocalCluster) -> LocalCluster:
    """The control plane with our CRDs, the stand-in's and the operator's RBAC."""
    local_cluster.apply_manifests()
    return local_cluster


@pytest.fixture
def stand_in(cluster: LocalCluster) -> Iterator[Program]:
    """The running stand-in of the NIM Operator; it goes on into the next test unless started in another way."""
    yield from _running(cluster.stand_in)


@pytest.fixture
def operator_process(cluster: LocalCluster) -> Iterator[Program]:
    """The running operator, alive by its own account; it goes on into the next test unless started in another way."""
    yield from _running(cluster.operator)


@pytest.fixture
def audit_log(cluster: LocalCluster) -> AuditLog:
    """Requests that the API server answered: mark = audit_log.mark(); ...; audit_log.count(mark, OPERATOR_USER)."""
    return cluster.audit_log


def _running(program: Program) -> Iterator[Program]:
    if not program.alive:
        program.start()
    yield program
    if not program.as_usual:
        program.stop()
