"""spec.replicas, desiredPhase and autoscaling → NIMService. Expects a valid spec."""

from typing import Any, Final

from runai_nim.api import quantity
from runai_nim.api.v1alpha1 import Autoscaling, RunaiNimServiceSpec
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, no_output

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
    window = autoscaling.scale_window_seconds or _DEFAULT_WINDOW_SECONDS
    hpa = {
        "minReplicas": autoscaling.fewest_replicas,
        "maxReplicas": autoscaling.most_replicas,
        "metrics": [_metric(autoscaling, source.name)],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": window}},
    }
    return {"spec": {"scale": {"enabled": True, "hpa": hpa}}}


def _metric(autoscaling: Autoscaling, service: str) -> dict[str, Any]:
    name = autoscaling.metric
    kind = autoscaling.metric_source
    if kind == "Resource":
        percent = {"type": "Utilization", "averageUtilization": autoscaling.metric_threshold}
        return {"type": kind, "resource": {"name": name, "target": percent}}
    # A described Service exists while the NIM has no pods, and the NIM Operator names it after the NIMService.
    described = (
        {"describedObject": {"apiVersion": "v1", "kind": "Service", "name": service}} if kind == "Object" else {}
    )
    target = {"type": "AverageValue", "averageValue": _threshold(autoscaling)}
    return {"type": kind, kind.lower(): {**described, "metric": {"name": name}, "target": target}}


def _threshold(autoscaling: Autoscaling) -> str:
    asked = autoscaling.metric_threshold_quantity
    return str(autoscaling.metric_threshold) if asked is None else str(quantity.parse(asked))


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
        "`spec.scale.hpa`: cpu and memory by average utilization, any other metric by its average per pod, with"
        " metricType Object as a metric of the NIM's Service; the window applies to scaling down",
        _autoscaling_fragment,
        "A delay before scaling up would hurt the service.",
    ),
)
