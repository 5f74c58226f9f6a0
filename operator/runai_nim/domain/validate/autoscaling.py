"""Rules for spec.autoscaling."""

import re
from collections.abc import Iterator
from typing import Final

from runai_nim.api import quantity
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.finding import Finding
from runai_nim.domain.validate.subject import ValidationSubject

_BOUNDED_METRIC: Final = re.compile(
    r"(.*[_:])?(perc|\w*(ratio|utili[sz]ation|fraction|occupancy|probability)|(hit|acceptance)_rate)([_:].*)?"
    r"|dcgm_fi_prof_.*_active"
)
"""Metrics between 0 and 1: of NIM, vLLM and Triton by their names, of DCGM by its documentation."""
_PERCENT: Final = re.compile(r"(.*[_:])?(percent|percentage|pct)([_:].*)?")


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


def check_metric_exceeds_threshold(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: a metric between 0 and 1 never exceeds a threshold, which is a whole number of at least 1."""
    scaling = candidate.spec.autoscaling
    if scaling is None or scaling.metric is None or scaling.metric_threshold is None:
        return
    metric = scaling.metric.lower()
    if _BOUNDED_METRIC.fullmatch(metric) and not _PERCENT.fullmatch(metric):
        rule = f"be able to exceed metricThreshold ({scaling.metric_threshold}), a metric between 0 and 1 never does"
        remedy = "use a count such as num_requests_running, or serve it in percent under another name (…_percent)"
        yield Finding(
            reason=Reason.METRIC_BELOW_THRESHOLD,
            path="spec.autoscaling.metric",
            value=scaling.metric,
            must=rule,
            remedy=remedy,
            severity="warning",
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
