"""Fixtures of tests of the whole: CRDs and RBAC in place, the stand-in and the operator as real processes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from local.audit import AuditLog
from local.cluster import LocalCluster, Program
from tests.support.external_cluster import external_kubeconfig
from tests.support.permissions import Permission, taken_away

Without = Callable[..., AbstractContextManager[None]]
Configured = Callable[[dict[str, str]], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back at all others is last."""
    items.sort(key=lambda item: item.get_closest_marker("looks_back") is not None)


@pytest.fixture
def all_ran(request: pytest.FixtureRequest) -> None:
    """Every test of the cluster is in this run, but for the long ones."""
    chosen = {item.path for item in request.session.items}
    picked = request.config.getoption("keyword") or any("::" in argument for argument in request.config.args)
    if picked or not set(Path(__file__).parent.rglob("test_*.py")) <= chosen:
        pytest.skip("only a part of tests/cluster ran")


Spans = list[tuple[int, int]]


@pytest.fixture(scope="session")
def ran() -> Spans:
    """From where to where in the audit log a test of the cluster ran."""
    return []


@pytest.fixture(autouse=True)
def _in_the_audit_log(cluster: LocalCluster, ran: Spans) -> Iterator[None]:
    if external_kubeconfig():
        yield
        return
    mark = cluster.audit_log.mark()
    yield
    ran.append((mark, cluster.audit_log.mark()))


@pytest.fixture(scope="session")
def forbidden_on_purpose() -> Spans:
    """From where to where in the audit log the operator had fewer permissions than it needs."""
    return []


@pytest.fixture
def without(cluster: LocalCluster, forbidden_on_purpose: Spans) -> Without:
    """Take permissions away: with without(Permission(…), …): …."""

    @contextmanager
    def taken(*permissions: Permission) -> Iterator[None]:
        mark = cluster.audit_log.mark()
        try:
            with taken_away(cluster, *permissions):
                yield
        finally:
            forbidden_on_purpose.append((mark, cluster.audit_log.mark()))

    return taken


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


@pytest.fixture
def configured(operator_process: Program) -> Iterator[Configured]:
    """Start the operator anew with these settings."""
    yield lambda environment: operator_process.start(environment=environment)
    operator_process.start()
