"""Condition Scaling, from what the HorizontalPodAutoscaler says."""

from typing import Any

import pytest

from runai_nim.domain.observed import ObservedAutoscaler
from runai_nim.domain.plan import plan
from runai_nim.domain.status import Deadlines, Outcome, facts_of, status_of
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import AT, CONTEXT, NOW, a_workload, observed
from tests.support.resources import a_cr

OWNER = {"uid": "n1", "controller": True}
ABLE = {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "message": "got the scale"}
VALID = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "found"}
NO_ADAPTER = {
    "type": "ScalingActive",
    "status": "False",
    "reason": "FailedGetPodsMetric",
    "message": "the HPA was unable to compute the replica count: unable to get metric gpu_cache_usage_perc: unable to"
    " fetch metrics from custom metrics API: no known available metric versions found",
}
NO_METRICS_SERVER = {
    "type": "ScalingActive",
    "status": "False",
    "reason": "FailedGetResourceMetric",
    "message": "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics"
    " for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested"
    " resource (get pods.metrics.k8s.io)",
}
NO_SAMPLES = {**NO_METRICS_SERVER, "message": "did not receive metrics for targeted pods (pods might be unready)"}
UNABLE = {"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": "no such Deployment"}
DISABLED = {"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled", "message": "replicas is 0"}
LIMITED = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "more than maximum"}
PODS = {"metric": "gpu_cache_usage_perc", "metricThreshold": 1, "maxReplicas": 3}
CPU = {"metric": "cpu", "metricThreshold": 80, "maxReplicas": 3}


def scaling(
    autoscaling: dict[str, Any] | None, *conditions: dict[str, Any], owner: dict[str, Any] = OWNER, **changes: Any
) -> dict[str, Any]:
    """The condition; empty without one."""
    hpa = {
        "metadata": {"resourceVersion": "1", "ownerReferences": [owner]},
        "status": {"conditions": list(conditions)},
    }
    spec = {"autoscaling": autoscaling, "compute": {"cpuCoreRequest": 1}} if autoscaling else {}
    cr = a_cr(spec)
    desired = translate(input_of(cr, CONTEXT))
    changes = {"workload": a_workload(), "autoscaler": ObservedAutoscaler.from_object(hpa), **changes}
    seen = observed(desired, **changes)
    found = facts_of(
        cr, desired, plan(cr, desired, seen), observed=seen, outcome=Outcome(), deadlines=Deadlines(AT, 60, 30)
    )
    conditions_ = status_of(cr, desired, found, NOW)["conditions"]
    return next((c for c in conditions_ if c["type"] == "Scaling"), {})


EXTERNAL = {"metric": "queue", "metricType": "External", "metricThreshold": 5, "minReplicas": 0}
OBJECT = {**EXTERNAL, "metricType": "Object"}


def unserved(kind: str) -> dict[str, Any]:
    return {**NO_ADAPTER, "reason": f"FailedGet{kind}Metric"}


@pytest.mark.parametrize(
    ("autoscaling", "conditions", "status", "reason", "says"),
    [
        (EXTERNAL, [ABLE, VALID], "True", "ScalingActive", "scales by queue"),
        (OBJECT, [unserved("Object")], "False", "FailedGetObjectMetric", "gives Service nim the metric queue"),
        (EXTERNAL, [unserved("External")], "False", "FailedGetExternalMetric", "with queue in this namespace"),
        (PODS, [], "Unknown", "AutoscalerNotReady", "HorizontalPodAutoscaler nim has not been evaluated yet"),
        (PODS, [ABLE, VALID], "True", "ScalingActive", "scales by gpu_cache_usage_perc"),
        (CPU, [ABLE, VALID, LIMITED], "True", "ScalingLimited", "(TooManyReplicas): more than maximum"),
        (
            PODS,
            [ABLE, NO_ADAPTER],
            "False",
            "FailedGetPodsMetric",
            "prometheus-adapter, with a rule for gpu_cache_usage",
        ),
        (CPU, [ABLE, NO_METRICS_SERVER], "False", "FailedGetResourceMetric", "install metrics-server"),
        (CPU, [ABLE, NO_SAMPLES], "False", "FailedGetResourceMetric", "see whether metrics-server runs"),
        (
            CPU,
            [UNABLE],
            "False",
            "NotScaling",
            "AbleToScale is False (FailedGetScale): no such Deployment; see kubectl",
        ),
        (CPU, [DISABLED], "False", "NotScaling", "its target has 0 replicas"),
    ],
)
def test_scaling(
    autoscaling: dict[str, Any], conditions: list[dict[str, Any]], status: str, reason: str, says: str
) -> None:
    found = scaling(autoscaling, *conditions)
    assert (found["status"], found["reason"]) == (status, reason)
    assert says in found["message"]


def test_the_autoscaler_s_own_words_are_told() -> None:
    message = scaling(PODS, ABLE, NO_ADAPTER)["message"]
    assert f"ScalingActive is False (FailedGetPodsMetric): {NO_ADAPTER['message']}" in message


def test_pods_that_do_not_run_yet_have_no_metrics() -> None:
    starting = a_workload(ready_replicas=0, available_replicas=0)
    found = scaling(CPU, ABLE, NO_SAMPLES, workload=starting)
    assert (found["status"], found["reason"]) == ("Unknown", "AutoscalerNotReady")
    assert scaling(CPU, ABLE, NO_METRICS_SERVER, workload=starting)["status"] == "False"


def test_an_autoscaler_that_is_not_there() -> None:
    assert "does not exist yet" in scaling(PODS, autoscaler=None)["message"]
    assert "does not exist yet" in scaling(PODS, ABLE, VALID, owner={"uid": "n0", "controller": True})["message"]
    assert "does not exist yet" in scaling(PODS, ABLE, VALID, nimservice=None)["message"]


def test_without_autoscaling_there_is_no_such_condition() -> None:
    assert scaling(None, ABLE, NO_ADAPTER) == {}
