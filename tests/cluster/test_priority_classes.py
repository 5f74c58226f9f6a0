"""A priority whose PriorityClass doesn't exist, which schedulers silently ignore, is a warning in the status."""

from collections.abc import Callable

import pytest

from local.audit import AuditLog
from local.cluster import OPERATOR_USER, LocalCluster
from local.objects import Objects
from tests.cluster.conftest import Configured
from tests.support.external_cluster import external_kubeconfig
from tests.support.services import condition, sample, settled

pytestmark = [
    pytest.mark.usefixtures("stand_in"),
    pytest.mark.skipif(external_kubeconfig() is not None, reason="reads the audit log"),
]

Start = Callable[[dict[str, str]], Callable[[], list[str]]]


@pytest.fixture
def start(cluster: LocalCluster, configured: Configured, audit_log: AuditLog) -> Start:
    """Start the operator with these settings where no RunaiNimService is; returns what lists the names it reads."""

    def started(environment: dict[str, str]) -> Callable[[], list[str]]:
        cluster.kubectl("delete", "runainimservices", "--all", "--all-namespaces")
        configured(environment)
        mark = audit_log.mark()

        def reads() -> list[str]:
            requests = audit_log.requests(mark, OPERATOR_USER)
            return [one.name for one in requests if (one.verb, one.resource) == ("get", "priorityclasses")]

        return reads

    return started


def translated(objects: Objects) -> str:
    message: str = condition(objects, "llama-8b", "Translated")["message"]
    return message


def test_a_missing_one_is_a_warning_and_read_once(objects: Objects, start: Start) -> None:
    reads = start({"RUNAI_NIM_PRIORITY_CLASSES": '{"high": "absent"}'})
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 30)
    assert 'spec.priorityClass is "high" but should stand for an existing PriorityClass' in translated(objects)
    assert "the cluster has no absent" in translated(objects)
    assert reads() == ["absent"]


def test_one_that_exists_is_no_warning(objects: Objects, start: Start) -> None:
    reads = start({})
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 30)
    assert "PriorityClass" not in translated(objects)
    assert reads() == ["high"]


def test_without_a_priority_nothing_is_read(objects: Objects, start: Start) -> None:
    reads = start({})
    objects.apply(sample("gpu-portion", priorityClass=None))
    settled(objects, "llama-8b", "Running", 30)
    assert reads() == []
