"""spec.replicas, desiredPhase and autoscaling → NIMService. Expects a valid spec."""

from typing import Any, Final

from runai_nim.api.v1alpha1 import Autoscaling, RunaiNimServiceSpec
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, no_output

RESOURCE_METRICS: Final = ("cpu", "memory")
_DEFAULT_WINDOW_SECONDS: Final = 300


def desired_replicas(spec: RunaiNimServiceSpec) -> int | None:
    """Desired replicas: 1 by default, 0 while stopped; None with autoscaling."""
    if spec.desired_phase == "Stopped":
        return 0
    if spec.autoscaling is not None:
        return None
    return 1 if spec.replicas is None else spec.replicas


def _replicas_fragment(source: TranslationSource) -> Fragment:
    replicas = desired_replicas(source.spec)
    return {} if replicas is None else {"spec": {"replicas": replicas}}


def _autoscaling_fragment(source: TranslationSource) -> Fragment:
    autoscaling = source.spec.autoscaling
    if autoscaling is None or desired_replicas(source.spec) is not None:
        return {}
    fewest = autoscaling.min_replicas or 1
    window = autoscaling.scale_window_seconds or _DEFAULT_WINDOW_SECONDS
    hpa = {
        "minReplicas": fewest,
        "maxReplicas": autoscaling.max_replicas or fewest,
        "metrics": [_metric(autoscaling)],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": window}},
    }
    return {"spec": {"scale": {"enabled": True, "hpa": hpa}}}


def _metric(autoscaling: Autoscaling) -> dict[str, Any]:
    name, threshold = autoscaling.metric, autoscaling.metric_threshold
    if name in RESOURCE_METRICS:
        target: dict[str, Any] = {"type": "Utilization", "averageUtilization": threshold}
        return {"type": "Resource", "resource": {"name": name, "target": target}}
    target = {"type": "AverageValue", "averageValue": str(threshold)}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": target}}


ROWS = (
    MappingRow(
        "spec.replicas",
        "`spec.replicas`, default 1; omitted with autoscaling",
        _replicas_fragment,
        "A NIMService may not have both replicas and autoscaling.",
    ),
    MappingRow(
        "spec.desiredPhase",
        "`Stopped`: `spec.replicas: 0` without `spec.scale`; the claim and everything else stay",
        no_output,
    ),
    MappingRow(
        "spec.autoscaling",
        "`spec.scale.hpa`: cpu and memory by average utilization, any other metric by its average per pod; the window"
        " applies to scaling down",
        _autoscaling_fragment,
        "A delay before scaling up would hurt the service.",
    ),
)
