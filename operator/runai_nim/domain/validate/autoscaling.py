"""Rules for spec.autoscaling."""

import re
from collections.abc import Iterator
from typing import Final

from runai_nim.api import quantity
from runai_nim.api.v1alpha1 import Compute
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.subject import ValidationSubject

_BOUNDED_METRIC: Final = re.compile(
    r"(.*[_:])?(perc|\w*(ratio|utili[sz]ation|fraction|occupancy|probability)|(hit|acceptance)_rate)([_:].*)?"
    r"|dcgm_fi_prof_.*_active"
)
"""Metrics between 0 and 1: of NIM, vLLM and Triton by their names, of DCGM by its documentation."""
_PERCENT: Final = re.compile(r"(.*[_:])?(percent|percentage|pct)([_:].*)?")

_QUANTITY: Final = "spec.autoscaling.metricThresholdQuantity"
_MILLI: Final = 10**6
"""Billionths in the smallest value that a HorizontalPodAutoscaler counts."""


def check_metric(candidate: ValidationSubject) -> Iterator[Finding]:
    """Metric and threshold are required, the threshold as a whole number or as a quantity."""
    scaling = candidate.spec.autoscaling
    if scaling is None:
        return
    if scaling.metric is None:
        remedy = "name cpu, memory or a metric of the pods, or remove autoscaling"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.autoscaling.metric", must="be set", remedy=remedy)
    if scaling.metric_threshold is None and scaling.metric_threshold_quantity is None:
        remedy = "give the value of the metric to keep to, percent for cpu and memory"
        yield Finding(
            reason=Reason.REQUIRED_FIELD,
            path="spec.autoscaling.metricThreshold",
            must="be set",
            remedy=remedy,
        )


def check_one_threshold(candidate: ValidationSubject) -> Iterator[Finding]:
    """metricThreshold and metricThresholdQuantity exclude each other."""
    scaling = candidate.spec.autoscaling
    if scaling is None or scaling.metric_threshold is None or scaling.metric_threshold_quantity is None:
        return
    yield Finding(
        reason=Reason.CONFLICTING_FIELDS,
        path=_QUANTITY,
        value=scaling.metric_threshold_quantity,
        must="be absent beside metricThreshold",
        remedy="remove one of them",
    )


def check_threshold_quantity(candidate: ValidationSubject) -> Iterator[Finding]:
    """metricThresholdQuantity is a quantity of at least 1m, and no percentage of a request."""
    scaling = candidate.spec.autoscaling
    if scaling is None or scaling.metric_threshold_quantity is None:
        return
    text = scaling.metric_threshold_quantity
    if scaling.metric_source == "Resource":
        rule = f"be absent with metric {scaling.metric}, which is measured in percent of its request"
        remedy = "use metricThreshold, a whole number of percent"
        yield Finding(reason=Reason.CONFLICTING_FIELDS, path=_QUANTITY, value=text, must=rule, remedy=remedy)
    nanos = _nanos(text)
    if nanos is None or not _MILLI <= nanos <= quantity.MAX * 10**9:
        rule = "be a Kubernetes quantity of at least 1m, such as 500m or 2"
        remedy = "write 500m for 0.5"
        yield Finding(reason=Reason.INVALID_QUANTITY, path=_QUANTITY, value=text, must=rule, remedy=remedy)


def check_metric_exceeds_threshold(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: a metric between 0 and 1 never exceeds a threshold of 1 or more."""
    scaling = candidate.spec.autoscaling
    if scaling is None or scaling.metric is None:
        return
    named = {"metricThreshold": scaling.metric_threshold, "metricThresholdQuantity": scaling.metric_threshold_quantity}
    metric = scaling.metric.lower()
    for field, threshold in named.items():
        if threshold is None or (_nanos(str(threshold)) or 0) < 10**9:
            continue
        if _BOUNDED_METRIC.fullmatch(metric) and not _PERCENT.fullmatch(metric):
            rule = f"be able to exceed {field} ({threshold}), a metric between 0 and 1 never does"
            remedy = (
                "use metricThresholdQuantity, such as 500m for 0.5, or a count such as num_requests_running, or serve"
                " it in percent under another name (…_percent)"
            )
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
    scaling = candidate.spec.autoscaling
    compute = candidate.spec.compute or Compute()
    requests = {
        "cpu": ("cpuCoreRequest", bool(compute.cpu_core_request)),
        "memory": ("cpuMemoryRequest", _is_memory_request(compute.cpu_memory_request)),
    }
    if scaling is None or scaling.metric is None or scaling.metric_source != "Resource":
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
    fewest = scaling.fewest_replicas
    if scaling.max_replicas < fewest:
        rule = f"not be below minReplicas ({fewest})"
        remedy = "raise it, or lower minReplicas"
        path = "spec.autoscaling.maxReplicas"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS, path=path, value=str(scaling.max_replicas), must=rule, remedy=remedy
        )


def check_zero_replicas(candidate: ValidationSubject) -> Iterator[Finding]:
    """minReplicas 0 needs a metric that exists without pods, and a NIMService kind that allows it."""
    scaling = candidate.spec.autoscaling
    path = "spec.autoscaling.minReplicas"
    if scaling is None or scaling.fewest_replicas > 0:
        return
    if scaling.metric_source not in ("External", "Object"):
        rule = "be at least 1, a metric of the pods can't start the first one"
        remedy = (
            "stop the NIM by desiredPhase: Stopped; autoscaling to 0 needs metricType: External or Object, Kubernetes"
            " 1.37 and NIM Operator 3.1.3"
        )
        yield Finding(reason=Reason.CONFLICTING_FIELDS, path=path, value="0", must=rule, remedy=remedy)
    elif not candidate.context.nimservice_schema.allows_zero_min_replicas:
        rule = "be at least 1, the NIMService kind of this cluster allows no 0"
        remedy = (
            "raise it, stop the NIM by desiredPhase: Stopped, or install NIM Operator 3.1.3 or newer (autoscaling to 0"
            " needs Kubernetes 1.37, too)"
        )
        yield Finding(reason=Reason.NOT_INSTALLED, path=path, value="0", must=rule, remedy=remedy)


def check_replicas_with_autoscaling(candidate: ValidationSubject) -> Iterator[Finding]:
    """With autoscaling, replicas must be 1, which Run:ai's client always sends, or absent."""
    replicas = candidate.spec.replicas
    if candidate.spec.autoscaling is not None and replicas not in (None, 1):
        rule = "be 1 or absent beside autoscaling"
        remedy = "remove it, or remove autoscaling"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS, path="spec.replicas", value=str(replicas), must=rule, remedy=remedy
        )


def _nanos(text: str) -> int | None:
    """Billionths of a quantity; None for another text."""
    try:
        return quantity.parse(text).nanos
    except quantity.QuantityError:
        return None


def _is_memory_request(text: str | None) -> bool:
    try:
        return text is not None and quantity.parse_bytes(text).nanos > 0
    except quantity.QuantityError:
        return True  # reported as an amount that can't be read
