"""NIMService → spec.replicas, autoscaling and multiNode."""

from typing import Any, Final

from runai_nim.api import quantity, well_known
from runai_nim.api.v1alpha1.autoscaling import RESOURCE_METRICS
from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment

_DEFAULT_WINDOW_SECONDS: Final = 300
_KUBERNETES_METRIC: Final = {"metric": "cpu", "metricThreshold": 80}
"""What an autoscaler without metrics scales by."""
_HPA: Final = ("scale", "hpa")


def _autoscaling_fragment(source: ImportSource) -> Fragment:
    if source.take(bool, "scale", "enabled") is not True:
        source.remainder.drop("spec", "scale")
        return {}
    window = source.take(int, *_HPA, "behavior", "scaleDown", "stabilizationWindowSeconds")
    return spec_fragment(
        autoscaling=set_fields(
            minReplicas=source.take(int, *_HPA, "minReplicas"),
            maxReplicas=source.take(int, *_HPA, "maxReplicas"),
            **_metric(source),
            scaleWindowSeconds=None if window == _DEFAULT_WINDOW_SECONDS else window,
        )
    )


def _metric(source: ImportSource) -> dict[str, Any]:
    metrics = source.remainder.items(dict, "spec", *_HPA, "metrics")
    if not metrics:
        return _KUBERNETES_METRIC
    for index, metric in metrics:
        if fields := _metric_fields(metric, source.name):
            source.remainder.drop("spec", *_HPA, "metrics", index)
            return fields
    return {}


def _metric_fields(metric: dict[str, Any], service: str) -> dict[str, Any]:
    """Fields that render exactly this metric; empty if there are none."""
    match metric:
        case {
            "type": "Resource",
            "resource": {"name": str(name), "target": {"type": "Utilization", "averageUtilization": int(percent)}},
        } if name in RESOURCE_METRICS:
            return {"metric": name, "metricThreshold": percent}
        case {"type": "Pods", "pods": {"metric": {"name": str(name), **selected}, "target": target}} if not selected:
            kind = {"metricType": "Pods"} if name in RESOURCE_METRICS else {}
            return _average(target, {"metric": name, **kind})
        case {"type": "External", "external": {"metric": {"name": str(name), **selected}, "target": target}} if (
            not selected
        ):
            return _average(target, {"metric": name, "metricType": "External"})
        case {
            "type": "Object",
            "object": {
                "describedObject": {"kind": "Service", "name": described},
                "metric": {"name": str(name), **selected},
                "target": target,
            },
        } if described == service and not selected:
            return _average(target, {"metric": name, "metricType": "Object"})
    return {}


def _average(target: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` with the average value of a target; empty for another kind of target."""
    match target:
        case {"type": "AverageValue", "averageValue": str() | int() as value}:
            text = str(value)
            if text.isascii() and text.isdecimal() and int(text):
                return {**fields, "metricThreshold": int(text)}
            return {**fields, "metricThresholdQuantity": text}
    return {}


def _replicas_fragment(source: ImportSource) -> Fragment:
    return spec_fragment(replicas=source.take(int, "replicas"))


def _multi_node_fragment(source: ImportSource) -> Fragment:
    """Workers follow from the parallelism and the GPUs of each pod."""
    place = ("multiNode", "parallelism")
    pipeline = source.peek(*place, "pipeline")
    tensor = source.peek(*place, "tensor")
    gpus = _gpus(source)
    layout = _layout(pipeline, tensor, gpus)
    if not layout:
        return {}
    source.remainder.drop("spec", *place)
    if source.peek("multiNode", "backendType") == "lws":
        source.remainder.drop("spec", "multiNode", "backendType")
    launcher = "mpi" if source.peek("multiNode", "ray") is None else "ray"
    seconds = source.take(int, "multiNode", "mpi", "mpiStartTimeout")
    return spec_fragment(multiNode={**layout, **set_fields(launcher=launcher, startTimeoutSeconds=seconds)})


def _gpus(source: ImportSource) -> int | None:
    values = [source.peek("resources", bound, well_known.NVIDIA_GPU) for bound in ("limits", "requests")]
    texts = [str(value) for value in values if value is not None]
    try:
        return quantity.parse(texts[0]).nanos // 10**9 if texts else None
    except quantity.QuantityError:
        return None


def _layout(pipeline: Any, tensor: Any, gpus: int | None) -> dict[str, Any]:
    """Workers, and the tensor parallelism if it is not that of one pod; empty for any other layout."""
    if not isinstance(pipeline, int) or not isinstance(tensor, int) or not gpus:
        return {}
    if tensor == gpus and pipeline > 1:
        return {"workers": pipeline - 1}
    if pipeline == 1 and tensor > gpus and tensor % gpus == 0:
        return {"workers": tensor // gpus - 1, "tensorParallelism": tensor}
    return {}


ROWS: Final = (
    BackwardRow(("spec.replicas",), _replicas_fragment),
    BackwardRow(("spec.autoscaling",), _autoscaling_fragment),
    BackwardRow(
        (
            "spec.multiNode.workers",
            "spec.multiNode.launcher",
            "spec.multiNode.startTimeoutSeconds",
            "spec.multiNode.tensorParallelism",
        ),
        _multi_node_fragment,
    ),
)
