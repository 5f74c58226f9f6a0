"""Rules for spec.autoscaling."""

from collections.abc import Iterator

from runai_nim.api import quantity
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.finding import Finding
from runai_nim.domain.validate.subject import ValidationSubject


def check_metric(candidate: ValidationSubject) -> Iterator[Finding]:
    """Metric and threshold are required."""
    scaling = candidate.spec.autoscaling
    if scaling is None:
        return
    if scaling.metric is None:
        remedy = "name cpu, memory or a metric of the pods, or remove autoscaling"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.autoscaling.metric", must="be set", remedy=remedy)
    if scaling.metric_threshold is None:
        remedy = "give the value of the metric to keep to, percent for cpu and memory"
        yield Finding(
            reason=Reason.REQUIRED_FIELD,
            path="spec.autoscaling.metricThreshold",
            must="be set",
            remedy=remedy,
        )


def check_metric_has_request(candidate: ValidationSubject) -> Iterator[Finding]:
    """cpu and memory are measured in percent of their request, so that request must be above 0."""
    scaling, compute = candidate.spec.autoscaling, candidate.spec.compute or Compute()
    requests = {
        "cpu": ("cpuCoreRequest", bool(compute.cpu_core_request)),
        "memory": ("cpuMemoryRequest", _is_memory_request(compute.cpu_memory_request)),
    }
    if scaling is None or scaling.metric not in requests:
        return
    field, has_request = requests[scaling.metric]
    if not has_request:
        rule = f"have compute.{field} above 0, in percent of which it is measured"
        remedy = "set it, or choose another metric"
        yield Finding(
            reason=Reason.REQUIRED_FIELD, path="spec.autoscaling.metric", value=scaling.metric, must=rule, remedy=remedy
        )


def check_replica_range(candidate: ValidationSubject) -> Iterator[Finding]:
    """maxReplicas is not below minReplicas, and defaults to it."""
    scaling = candidate.spec.autoscaling
    if scaling is None or scaling.max_replicas is None:
        return
    fewest = scaling.min_replicas or 1
    if scaling.max_replicas < fewest:
        rule, remedy = f"not be below minReplicas ({fewest})", "raise it, or lower minReplicas"
        path = "spec.autoscaling.maxReplicas"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS, path=path, value=str(scaling.max_replicas), must=rule, remedy=remedy
        )


def check_replicas_with_autoscaling(candidate: ValidationSubject) -> Iterator[Finding]:
    """With autoscaling, replicas must be 1, which Run:ai's client always sends, or absent."""
    replicas = candidate.spec.replicas
    if candidate.spec.autoscaling is not None and replicas not in (None, 1):
        rule, remedy = "be 1 or absent beside autoscaling", "remove it, or remove autoscaling"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS, path="spec.replicas", value=str(replicas), must=rule, remedy=remedy
        )


def _is_memory_request(text: str | None) -> bool:
    try:
        return text is not None and quantity.parse_bytes(text).nanos > 0
    except quantity.QuantityError:
        return True  # reported as an amount that can't be read
