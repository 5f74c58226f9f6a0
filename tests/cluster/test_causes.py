"""Why a model does not run, where the cause lies before or beside its container: what the status says of it.

Admission is the API server's own. There is no kubelet: what it would write of a pod, and post, is written here.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cluster import OPERATOR_USER, LocalCluster, Program
from local.objects import Objects, wait_for
from tests.cluster.conftest import Without
from tests.support.external_cluster import external_kubeconfig
from tests.support.permissions import Permission
from tests.support.services import CLAIM, HPA, LWS, condition, sample, serve, settled

pytestmark = [
    pytest.mark.usefixtures("stand_in", "operator_process"),
    pytest.mark.skipif(external_kubeconfig() is not None, reason="writes the status of pods, which a kubelet does"),
]

SLOW = {"annotations": [{"name": "stand-in.runai-nim.io/delay-ready", "value": "600"}]}


def ready(objects: Objects) -> dict[str, Any]:
    return condition(objects, "llama-8b", "Ready")


@pytest.mark.long
def test_pods_that_a_limit_range_refuses(objects: Objects) -> None:
    limits = {"limits": [{"type": "Container", "min": {"memory": "64Ti"}}]}
    objects.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "large"}, "spec": limits})
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "PodsRefused", 30)
    message = ready(objects)["message"]
    assert "the API server refuses the pods of Deployment llama-8b: pods " in message
    assert "minimum memory usage per Container is 64Ti" in message
    assert "a LimitRange of the namespace forbids these values" in message
    objects.delete("v1 LimitRange", "large")
    settled(objects, "llama-8b", "Running", 60)


def test_pods_that_the_namespace_s_pod_security_refuses(objects: Objects, cluster: LocalCluster) -> None:
    level = "pod-security.kubernetes.io/enforce"
    cluster.kubectl("label", "namespace", objects.namespace, f"{level}=restricted")
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "PodsRefused", 30)
    assert 'violates PodSecurity "restricted:latest"' in ready(objects)["message"]
    assert f"(label {level}: baseline)" in ready(objects)["message"]


SEVERAL = {"multiNode": {"workers": 1}, "compute": {"gpuDevicesRequest": 8}}


@pytest.mark.long
def test_leaders_that_are_refused(objects: Objects, cluster: LocalCluster) -> None:
    """A LeaderWorkerSet doesn't tell of them; the controller of the StatefulSet in between posts events."""
    cluster.kubectl("label", "namespace", objects.namespace, "pod-security.kubernetes.io/enforce=restricted")
    objects.apply(sample("gpu-portion", **SEVERAL))
    wait_for(lambda: objects.get(LWS, "llama-8b-lws"))
    said = 'create Pod llama-8b-lws-0 in StatefulSet llama-8b-lws failed error: pods "llama-8b-lws-0" is forbidden'
    stateful_set = {"metadata": {"name": "llama-8b-lws", "uid": "1234"}}
    posted(objects, about=stateful_set, kind="StatefulSet", type_="Warning", reason="FailedCreate", message=said)
    settled(objects, "llama-8b", "PodsRefused", 60)
    assert f"the API server refuses the pods of LeaderWorkerSet llama-8b-lws: {said}" in ready(objects)["message"]


def started_without(objects: Objects, seconds: int, **status: Any) -> dict[str, Any]:
    """A pod that has a node for so long, and no sandbox; returns it."""
    (pod,) = wait_for(lambda: objects.list("v1 Pod", "runai-nim.io/service=llama-8b"))
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": since},
        {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": since},
    ]
    name = pod["metadata"]["name"]
    return objects.patch("v1 Pod", name, {"status": {"phase": "Pending", "conditions": conditions, **status}}, "status")


def posted(objects: Objects, about: dict[str, Any], kind: str, type_: str, reason: str, message: str) -> None:
    """An event as a kubelet or controller posts it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = about["metadata"]
    named = {"kind": kind, "namespace": objects.namespace, "name": metadata["name"], "uid": metadata["uid"]}
    objects.apply(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{reason.lower()}"},
            "involvedObject": named,
            "type": type_,
            "reason": reason,
            "message": message,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
    )


def test_a_pod_that_does_not_start_quotes_its_events(objects: Objects, cluster: LocalCluster) -> None:
    """They are read of this pod alone, and seldom."""
    mark = cluster.audit_log.mark()
    objects.apply(sample("gpu-portion", **SLOW))
    wait_for(lambda: objects.list("v1 Pod", "runai-nim.io/service=llama-8b"))
    (pod,) = objects.list("v1 Pod", "runai-nim.io/service=llama-8b")
    posted(
        objects,
        about=pod,
        kind="Pod",
        type_="Warning",
        reason="FailedMount",
        message='MountVolume.SetUp failed for volume "key" : secret "x" not found',
    )
    posted(objects, about=pod, kind="Pod", type_="Normal", reason="Scheduled", message="assigned to a node")
    started_without(objects, 60)
    settled(objects, "llama-8b", "PodNotStarted")
    message = ready(objects)["message"]
    assert 'FailedMount: MountVolume.SetUp failed for volume "key" : secret "x" not found; create what is' in message
    assert "assigned to a node" not in message
    reads = [
        request for request in cluster.audit_log.requests(mark, OPERATOR_USER) if request[1:3] == ("list", "events")
    ]
    assert len(reads) in (1, 2)
    assert not any(request[1:3] == ("watch", "events") for request in cluster.audit_log.requests(mark, OPERATOR_USER))


def test_a_pod_that_its_startup_probe_kills(objects: Objects) -> None:
    objects.apply(sample("gpu-portion", **SLOW))
    (pod,) = wait_for(lambda: objects.list("v1 Pod", "runai-nim.io/service=llama-8b"))
    (container,) = pod["spec"]["containers"]
    probe = container["startupProbe"]
    status = {
        "phase": "Running",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": "x",
                "imageID": "",
                "ready": False,
                "started": False,
                "restartCount": 3,
                "state": {"running": {"startedAt": "2026-01-01T01:00:00Z"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "Error"}},
            }
        ],
    }
    objects.patch("v1 Pod", pod["metadata"]["name"], {"status": status}, "status")
    settled(objects, "llama-8b", "StartupProbeFailing")
    message = ready(objects)["message"]
    assert f"within {probe['failureThreshold'] * probe['periodSeconds']} s" in message
    assert "raise spec.probes.startup.failureThreshold" in message


@pytest.mark.long
def test_a_claim_without_its_storage_class(objects: Objects) -> None:
    """Its controller posts the event by itself, or it is posted here: there may be none."""
    store = sample("gpu-portion")["spec"]["modelStore"]["pvc"]
    info = {**store["claimInfo"], "storageClass": "not-there"}
    objects.apply(sample("gpu-portion", modelStore={"pvc": {**store, "claimInfo": info}}, **SLOW))
    claim = wait_for(lambda: objects.list(CLAIM))[0]
    message = 'storageclass.storage.k8s.io "not-there" not found'
    posted(
        objects,
        about=claim,
        kind="PersistentVolumeClaim",
        type_="Warning",
        reason="ProvisioningFailed",
        message=message,
    )
    settled(objects, "llama-8b", "StorageClassNotFound", 60)
    assert "waits for StorageClass not-there, which does not exist" in ready(objects)["message"]


AUTOSCALED = {
    "replicas": None,
    "autoscaling": {"minReplicas": 1, "maxReplicas": 3, "metric": "gpu_cache_usage_perc", "metricThreshold": 1},
}


def test_an_autoscaler_without_its_metric(objects: Objects) -> None:
    """Ready doesn't depend on it; the condition goes with autoscaling."""
    serve(objects, **AUTOSCALED)
    message = "unable to get metric gpu_cache_usage_perc: unable to fetch metrics from custom metrics API: no known"
    conditions = [
        {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "message": "got it"},
        {"type": "ScalingActive", "status": "False", "reason": "FailedGetPodsMetric", "message": message},
    ]
    now = "2026-11-28T12:00:00Z"
    dated = [{**one, "lastTransitionTime": now} for one in conditions]
    objects.patch(
        HPA, "llama-8b", {"status": {"currentReplicas": 1, "desiredReplicas": 0, "conditions": dated}}, "status"
    )

    def told() -> dict[str, Any] | None:
        found = condition(objects, "llama-8b", "Scaling")
        return found if found.get("reason") == "FailedGetPodsMetric" else None

    found = wait_for(told)
    assert found["status"] == "False"
    assert "FailedGetPodsMetric" in found["message"]
    assert "install an adapter that serves custom.metrics.k8s.io" in found["message"]
    assert ready(objects)["status"] == "True"
    serve(objects, replicas=1, autoscaling=None)
    wait_for(lambda: not condition(objects, "llama-8b", "Scaling"))


FORBIDDEN = (
    Permission("list", "", "events"),
    Permission("list", "autoscaling", "horizontalpodautoscalers"),
    Permission("watch", "autoscaling", "horizontalpodautoscalers"),
)


def log_of(operator: Program) -> Callable[[], str]:
    size = operator.log.stat().st_size
    return lambda: operator.log.read_bytes()[size:].decode(errors="replace")


@pytest.mark.long
def test_events_and_autoscalers_may_be_forbidden(
    objects: Objects, cluster: LocalCluster, operator_process: Program, without: Without
) -> None:
    """The status says less, the log says so once, and the model runs."""
    with without(*FORBIDDEN):
        operator_process.start()
        log = log_of(operator_process)
        serve(objects, **AUTOSCALED)
        assert condition(objects, "llama-8b", "Scaling")["reason"] == "AutoscalerNotReady"
        objects.apply(sample("gpu-portion", desiredPhase="Stopped"))
        settled(objects, "llama-8b", "Stopped")
        objects.apply(sample("gpu-portion", **SLOW))
        wait_for(lambda: objects.list("v1 Pod", "runai-nim.io/service=llama-8b"))
        started_without(objects, 130)
        settled(objects, "llama-8b", "PodNotStarted")
        assert "is not started for more than 120 s" in ready(objects)["message"]
        wait_for(lambda: "events may not be read, the status does without them" in log())
        assert cluster.ask("/readyz")[0] == 200
        of_namespace = [line for line in log().splitlines() if f'"namespace":"{objects.namespace}"' in line]
        assert len([line for line in of_namespace if "events may not be read" in line]) == 1
    operator_process.start()
