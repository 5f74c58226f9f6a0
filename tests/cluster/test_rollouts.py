"""What users are told while a service starts, changes and loses pods: how often, by which Events, no false alarm."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.audit import WRITES, AuditLog
from local.cluster import OPERATOR_USER, LocalCluster, Program
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from tests.cluster.conftest import Configured
from tests.support.prometheus import scrape
from tests.support.services import (
    CR,
    NIMSERVICE,
    condition,
    present,
    sample,
    serve,
    settled,
)

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

NIMCACHE = "apps.nvidia.com/v1alpha1 NIMCache"


@pytest.fixture
def slow_models(stand_in: Program) -> None:
    """Models load for longer than a write of progress waits, and the NIM Operator writes each change twice."""
    stand_in.start("--delay-ready=7", "--write-twice")


@pytest.fixture(autouse=True)
def _of_a_project(cluster: LocalCluster, namespace: str) -> None:
    """Another namespace is warned of, by an Event."""
    cluster.kubectl("label", "namespace", namespace, f"{well_known.RUNAI_PROJECT}=team-a")


def told(objects: Objects) -> list[tuple[str, str]]:
    """Type and reason of the Events about the service, but for warnings of the translation."""
    found = [event for event in objects.list("v1 Event") if event["involvedObject"]["kind"] == well_known.KIND]
    return sorted((event["type"], event["reason"]) for event in found if event["reason"] != "TranslatedWithWarnings")


@contextmanager
def watched(objects: Objects) -> Iterator[set[tuple[str, str, str]]]:
    """Phase, reason and message of Ready in every status that is seen meanwhile."""
    seen: set[tuple[str, str, str]] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            status: dict[str, Any] = present(objects, CR, "llama-8b").get("status", {})
            ready = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), None)
            if ready:
                seen.add((status["phase"], ready["reason"], ready["message"]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def writes(audit_log: AuditLog, mark: int, namespace: str, resource: str) -> int:
    found = [r for r in audit_log.requests(mark, OPERATOR_USER) if r.namespace == namespace and r.verb in WRITES]
    return len([r for r in found if r.resource == resource])


def test_a_start_costs_three_status_writes_and_two_events(
    objects: Objects, namespace: str, audit_log: AuditLog, slow_models: None
) -> None:
    mark = audit_log.mark()
    serve(objects)
    wait_for(lambda: told(objects) == [("Normal", "PodsNotReady"), ("Normal", "Running")])
    assert writes(audit_log, mark, namespace, "runainimservices") <= 3
    assert writes(audit_log, mark, namespace, "events") <= 2


def test_a_quick_start_costs_two_status_writes_and_one_event(
    objects: Objects, namespace: str, audit_log: AuditLog
) -> None:
    mark = audit_log.mark()
    serve(objects)
    wait_for(lambda: told(objects) == [("Normal", "Running")])
    assert writes(audit_log, mark, namespace, "runainimservices") == 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"replicas": 2, "environmentVariables": [{"name": "A", "value": "b"}]}, "RollingOut"),
        ({"replicas": 3}, "ScalingReplicas"),
        ({"replicas": 1}, "ScalingReplicas"),
    ],
)
def test_a_healthy_change_raises_no_alarm(
    objects: Objects, slow_models: None, change: dict[str, Any], reason: str
) -> None:
    serve(objects, replicas=2)
    with watched(objects) as seen:
        objects.apply(sample("gpu-portion", **change))
        settled(objects, "llama-8b", "Running", generation=2, seconds=60)
    assert {phase for phase, *_ in seen} <= {"Running", "Updating"}
    assert {found for _, found, _ in seen} <= {"Running", "NIMServiceNotSeen", "RollingOut", reason}
    assert not [message for _, _, message in seen if message.startswith("2 of 2 ")]
    assert {type_ for type_, _ in told(objects)} == {"Normal"}


def test_a_lost_replica_is_an_alarm_until_it_is_back(objects: Objects, stand_in: Program) -> None:
    serve(objects, replicas=2)
    stand_in.start("--delay-ready=7")
    pods = objects.list("v1 Pod", "app=llama-8b")
    objects.delete("v1 Pod", pods[0]["metadata"]["name"])
    settled(objects, "llama-8b", "ReplicasNotReady")
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Degraded"
    wait_for(lambda: ("Warning", "ReplicasNotReady") in told(objects))
    settled(objects, "llama-8b", "Running")


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ({"pvc": {"existingPvc": True, "claimName": "absent"}}, "ClaimNotFound"),
        ({"nimCache": {"name": "absent"}}, "NIMCacheNotFound"),
    ],
)
def test_the_first_reason_is_an_event(objects: Objects, store: dict[str, Any], reason: str) -> None:
    objects.apply(sample("gpu-portion", modelStore=store))
    settled(objects, "llama-8b", reason)
    wait_for(lambda: told(objects) == [("Warning", reason)])


def test_a_cache_that_fails_under_a_serving_service_degrades_it(objects: Objects) -> None:
    version, kind = NIMCACHE.split()
    source = {"ngc": {"authSecret": "ngc", "modelPuller": "nvcr.io/nim/x:1"}}
    cache = {"source": source, "storage": {"pvc": {"create": True}}}
    objects.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "cache"}, "spec": cache})
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    objects.apply(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "cache-pvc"}, "spec": claim}
    )
    objects.patch(NIMCACHE, "cache", {"status": {"state": "Ready", "pvc": "cache-pvc"}}, "status")
    serve(objects, modelStore={"nimCache": {"name": "cache"}})
    objects.patch(NIMCACHE, "cache", {"status": {"state": "Failed"}}, "status")
    settled(objects, "llama-8b", "NIMCacheFailed")
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Degraded"
    wait_for(lambda: ("Warning", "NIMCacheFailed") in told(objects))
    objects.delete(NIMCACHE, "cache")
    settled(objects, "llama-8b", "NIMCacheNotFound")
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Degraded"


def test_a_rejected_spec_is_not_written_and_the_last_good_one_runs(objects: Objects) -> None:
    serve(objects)
    objects.patch(CR, "llama-8b", {"spec": {"annotations": [{"name": "openshift.io/required-scc", "value": "x"}]}})
    settled(objects, "llama-8b", "ReservedKey", generation=2)
    found = condition(objects, "llama-8b", "NIMServiceReady")
    assert (found["status"], found["reason"]) == ("False", "NotWritten")
    assert found["message"].endswith("the spec is rejected; the last good spec keeps running")


def test_a_name_conflict_is_told_while_paused_and_what_the_claim_waits_for(objects: Objects) -> None:
    version, kind = NIMSERVICE.split()
    image = {"repository": "r", "tag": "t"}
    spec = {"image": image, "authSecret": "s", "storage": {"emptyDir": {}}, "expose": {"service": {"port": 8000}}}
    objects.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "llama-8b"}, "spec": spec})
    body = sample("gpu-portion")
    body["metadata"]["annotations"] = {well_known.PAUSED: "true"}
    objects.apply(body)
    settled(objects, "llama-8b", "NameConflict")
    storage = condition(objects, "llama-8b", "StorageReady")
    assert storage["reason"] == "ClaimNotMade"
    assert "until the name conflict is resolved" in storage["message"]


def test_a_nimservice_that_waits_for_its_finalizer_is_counted(
    objects: Objects, cluster: LocalCluster, stand_in: Program
) -> None:
    serve(objects)
    wait_for(lambda: scrape(cluster)("runai_nim_nimservices_terminating") == 0)
    stand_in.kill()
    objects.delete(CR, "llama-8b")
    wait_for(lambda: objects.get(CR, "llama-8b") is None)
    wait_for(lambda: scrape(cluster)("runai_nim_nimservices_terminating") >= 1, 60)  # or those of earlier tests, too
    stand_in.start()
    wait_for(lambda: scrape(cluster)("runai_nim_nimservices_terminating") == 0, 60)


@pytest.mark.long
def test_a_silent_nim_operator_is_told_with_who_probably_starves_it(
    objects: Objects, configured: Configured, stand_in: Program
) -> None:
    configured({"RUNAI_NIM_NIM_OPERATOR_DEADLINE_SECONDS": "2"})
    stand_in.start("--delay-ready=600")
    starving = sample("gpu-portion")
    starving["metadata"]["name"] = "slow-registry"
    objects.apply(starving)
    pods = wait_for(lambda: objects.list("v1 Pod", "app=slow-registry"))
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "i/o timeout"}}
    container = {"name": "slow-registry-ctr", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    objects.patch(
        "v1 Pod",
        pods[0]["metadata"]["name"],
        {"status": {"phase": "Pending", "containerStatuses": [{**container, "state": waiting}]}},
        "status",
    )
    settled(objects, "slow-registry", "ImagePullFailed")
    stand_in.kill()
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "NIMOperatorNotResponding")
    message = condition(objects, "llama-8b", "Ready")["message"]
    assert "NIMService slow-registry can't pull its image and is the probable cause" in message
    assert "spec.modelStore.nimCache" in message


@pytest.mark.long
def test_pods_that_wait_for_those_that_they_replace_raise_no_alarm(objects: Objects, stand_in: Program) -> None:
    """A rollout on full GPUs: the scheduler finds no place until the older pod has ended."""
    serve(objects)
    stand_in.start("--delay-ready=600")
    objects.apply(sample("gpu-portion", environmentVariables=[{"name": "A", "value": "b"}]))
    pod = wait_for(lambda: next((p for p in objects.list("v1 Pod", "app=llama-8b") if not _is_ready(p)), None))
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    objects.patch("v1 Pod", pod["metadata"]["name"], {"status": {"conditions": [full]}}, "status")
    wait_for(lambda: "can't place pod" in condition(objects, "llama-8b", "Ready")["message"])
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Updating"
    assert {type_ for type_, _ in told(objects)} == {"Normal"}
    settled(objects, "llama-8b", "Unschedulable", seconds=90)
    wait_for(lambda: ("Warning", "Unschedulable") in told(objects))


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
