"""A priority whose PriorityClass doesn't exist, which schedulers silently ignore, is a warning in the status."""

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


def reads(audit_log: AuditLog, mark: int) -> list[str]:
    requests = audit_log.requests(mark, OPERATOR_USER)
    return [request.name for request in requests if (request.verb, request.resource) == ("get", "priorityclasses")]


def test_a_missing_one_is_a_warning_and_read_once(
    objects: Objects, configured: Configured, audit_log: AuditLog
) -> None:
    mark = audit_log.mark()
    configured({"RUNAI_NIM_PRIORITY_CLASSES": '{"high": "absent"}'})
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 30)
    message = condition(objects, "llama-8b", "Translated")["message"]
    assert 'spec.priorityClass is "high" but should stand for an existing PriorityClass' in message
    assert "the cluster has no absent" in message
    assert reads(audit_log, mark) == ["absent"]


def test_one_that_exists_is_no_warning(objects: Objects, configured: Configured, audit_log: AuditLog) -> None:
    mark = audit_log.mark()
    configured({})
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 30)
    assert "PriorityClass" not in condition(objects, "llama-8b", "Translated")["message"]
    assert reads(audit_log, mark) == ["high"]


def test_without_a_priority_nothing_is_read(
    cluster: LocalCluster, objects: Objects, configured: Configured, audit_log: AuditLog
) -> None:
    cluster.kubectl("delete", "runainimservices", "--all", "--all-namespaces")
    mark = audit_log.mark()
    configured({})
    objects.apply(sample("gpu-portion", priorityClass=None))
    settled(objects, "llama-8b", "Running", 30)
    assert reads(audit_log, mark) == []
