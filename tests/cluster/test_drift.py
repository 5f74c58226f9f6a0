"""Hands that reach in: a tug-of-war over a field, a namespace that goes, a pod that flaps; and what is told of it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.audit import WRITES, AuditLog
from local.cluster import OPERATOR_USER, LocalCluster
from local.objects import Objects, wait_for
from tests.support.services import CR, NIMSERVICE, condition, present, reason, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")


def test_a_tug_of_war_is_given_up_and_reported(objects: Objects, namespace: str, audit_log: AuditLog) -> None:
    serve(objects)
    mark, over = audit_log.mark(), threading.Event()

    def pull() -> None:
        while not over.wait(0.05):
            if present(objects, NIMSERVICE, "llama-8b")["spec"]["schedulerName"] != "theirs":
                objects.patch(NIMSERVICE, "llama-8b", {"spec": {"schedulerName": "theirs"}})

    other = threading.Thread(target=pull)
    other.start()
    try:
        settled(objects, "llama-8b", "FieldConflict")
        until = time.monotonic() + 5
        while time.monotonic() < until:  # whatever is put back meanwhile
            assert reason(objects, "llama-8b") == "FieldConflict"
            time.sleep(0.02)
    finally:
        over.set()
        other.join()
    message = condition(objects, "llama-8b", "Stalled")["message"]
    assert "field manager a-person keeps changing spec.schedulerName of NIMService llama-8b" in message
    requests = [r for r in audit_log.requests(mark, OPERATOR_USER) if r.namespace == namespace and r.verb in WRITES]
    # Three at once, then after 1, 2, 4 … seconds: not one for each of some fifty pulls.
    assert len([r for r in requests if r.resource == "nimservices"]) <= 8
    settled(objects, "llama-8b", "Running", 40)
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["schedulerName"] == "runai-scheduler"


@pytest.mark.long
def test_a_flapping_pod_costs_few_writes(objects: Objects, namespace: str, audit_log: AuditLog) -> None:
    serve(objects)
    (pod,) = objects.list("v1 Pod", "runai-nim.io/service=llama-8b")
    name = pod["metadata"]["name"]
    container = pod["spec"]["containers"][0]["name"]
    mark, began = audit_log.mark(), time.monotonic()
    for ready in [False, True] * 50:
        status = {"name": container, "image": "i", "imageID": "", "restartCount": 0, "started": True, "ready": ready}
        conditions = [{"type": "Ready", "status": str(ready)}, {"type": "PodScheduled", "status": "True"}]
        objects.patch("v1 Pod", name, {"status": {"containerStatuses": [status], "conditions": conditions}}, "status")
        time.sleep(0.08)
    seconds = time.monotonic() - began
    requests = audit_log.requests(mark, OPERATOR_USER)
    writes = [r for r in requests if r.namespace == namespace and r.subresource == "status"]
    assert len(writes) <= max(10, seconds)
    settled(objects, "llama-8b", "Running")


def test_a_namespace_that_goes_takes_everything_and_stops_nobody(
    objects: Objects, cluster: LocalCluster, kubectl: Callable[..., str], going: str
) -> None:
    with Objects(Path(cluster.control_plane.kubeconfig), going) as theirs:
        held = sample("gpu-portion")
        held["metadata"]["finalizers"] = ["example.com/slow"]
        theirs.apply(held)
        settled(theirs, "llama-8b", "Running")
        kubectl("delete", "namespace", going, "--wait=false")
        wait_for(lambda: reason(theirs, "llama-8b") in ("Deleting", "NamespaceTerminating"))
        theirs.patch(CR, "llama-8b", {"metadata": {"finalizers": None}})
    serve(objects)


@pytest.fixture
def going(kubectl: Callable[..., str], namespace: str) -> str:
    """A second namespace, which the test deletes."""
    kubectl("create", "namespace", f"{namespace}-goes")
    return f"{namespace}-goes"


def test_transitions_are_events_and_the_same_again_is_counted(objects: Objects, kubectl: Callable[..., str]) -> None:
    for _ in range(3):
        objects.apply(sample("mistake"))
        settled(objects, "mixtral", "LimitBelowRequest")
        compute = {**sample("mistake")["spec"]["compute"], "cpuMemoryLimit": "64Gi"}
        objects.apply(sample("mistake", compute=compute))
        settled(objects, "mixtral", "Running")

    def events() -> set[tuple[str, str, int]]:
        found = objects.list("v1 Event")
        ours = [event for event in found if event["involvedObject"]["kind"] == "RunaiNimService"]
        return {(event["type"], event["reason"], event["count"]) for event in ours}

    # The first mistake finds nothing that runs, the others find the last good spec running: another message.
    mistakes = {("Warning", "LimitBelowRequest", 1), ("Warning", "LimitBelowRequest", 2)}
    wait_for(lambda: events() >= {*mistakes, ("Normal", "Running", 3)})
    described = kubectl("describe", "rnim", "mixtral", f"--namespace={objects.namespace}")
    assert "LimitBelowRequest" in described
