"""Condition Scaling: whether autoscaling works. It exists only while the spec asks for autoscaling."""

from typing import Final

from runai_nim.api.v1alpha1.status import ConditionStatus
from runai_nim.domain.observed import ScalingState
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.condition import ConditionDraft
from runai_nim.domain.status.facts import Facts

SCALING: Final = "Scaling"
_METRIC_REASONS: Final = {
    "FailedGetPodsMetric": Reason.FAILED_GET_PODS_METRIC,
    "FailedGetResourceMetric": Reason.FAILED_GET_RESOURCE_METRIC,
    "FailedGetObjectMetric": Reason.FAILED_GET_OBJECT_METRIC,
    "FailedGetExternalMetric": Reason.FAILED_GET_EXTERNAL_METRIC,
}
_NO_SAMPLES: Final = ("did not receive metrics for", "no metrics returned from", "no metrics for pods")
"""What the autoscaler says of pods that have not reported yet."""


def scaling_condition(f: Facts) -> ConditionDraft:
    """Condition Scaling, from the HorizontalPodAutoscaler that the NIM Operator makes."""
    found = f.autoscaler
    name = f"HorizontalPodAutoscaler {f.name}"
    if found is None or not found.is_evaluated:
        what = "does not exist yet" if found is None else "has not been evaluated yet"
        return _condition("Unknown", Reason.AUTOSCALER_NOT_READY, f"{name} {what}")
    if found.obstacle is not None and f.ready_replicas == 0 and _has_no_samples(found.obstacle):
        return _condition("Unknown", Reason.AUTOSCALER_NOT_READY, f"{name} waits for metrics of the first ready pod")
    if found.obstacle is not None:
        reason = _METRIC_REASONS.get(found.obstacle.reason, Reason.NOT_SCALING)
        said = f"{found.obstacle.type} is False ({found.obstacle.reason}): {found.obstacle.message}"
        return _condition("False", reason, f"{name} can't scale: {said}; {_remedy(f, found.obstacle)}")
    if found.limit is not None:
        message = f"{name} scales, and has reached a bound ({found.limit.reason}): {found.limit.message}"
        return _condition("True", Reason.SCALING_LIMITED, message)
    return _condition("True", Reason.SCALING_ACTIVE, f"{name} scales by {f.scaling_metric}")


def is_scaled_to_zero(f: Facts) -> bool:
    """Whether the autoscaler has taken away all replicas, as minReplicas 0 allows."""
    nimservice = f.desired.nimservice
    workload = f.workload
    if nimservice is None or workload is None or not f.is_spec_applied or f.nim_state == "Failed":
        return False
    fewest = nimservice["spec"].get("scale", {}).get("hpa", {}).get("minReplicas")
    return fewest == 0 and workload.is_observed and workload.spec_replicas == 0


def _condition(status: ConditionStatus, reason: Reason, message: str) -> ConditionDraft:
    return ConditionDraft(type=SCALING, status=status, reason=reason, message=message)


def _has_no_samples(obstacle: ScalingState) -> bool:
    return any(words in obstacle.message for words in _NO_SAMPLES)


def _remedy(f: Facts, obstacle: ScalingState) -> str:
    """What to install, by the sort of metric that is missing."""
    if obstacle.reason == "FailedGetResourceMetric":
        if _has_no_samples(obstacle):
            return "see whether metrics-server runs and reports these pods (kubectl top pods)"
        return "install metrics-server, which serves metrics.k8s.io, and see kubectl top pods"
    if obstacle.reason == "FailedGetPodsMetric":
        return (
            "install an adapter that serves custom.metrics.k8s.io, such as prometheus-adapter, with a rule for"
            f" {f.scaling_metric}, and have the pods scraped; or scale by cpu or memory (spec.autoscaling.metric)"
        )
    if obstacle.reason == "FailedGetObjectMetric":
        return (
            "install an adapter that serves custom.metrics.k8s.io, such as prometheus-adapter, with a rule that gives"
            f" Service {f.name} the metric {f.scaling_metric}"
        )
    if obstacle.reason == "FailedGetExternalMetric":
        return (
            "install an adapter that serves external.metrics.k8s.io, such as KEDA or prometheus-adapter, with"
            f" {f.scaling_metric} in this namespace"
        )
    if obstacle.reason == "ScalingDisabled":
        return "its target has 0 replicas"
    return f"see kubectl describe hpa {f.name}"
