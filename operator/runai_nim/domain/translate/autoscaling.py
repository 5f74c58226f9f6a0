"""Replicas, stop and start, autoscaling, several nodes, restart → NIMService. Expects a spec without errors."""

from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import Autoscaling, RunaiNimServiceSpec
from runai_nim.domain.translate.compute import whole_gpus
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, no_output, pod_annotation_fragment

RESOURCE_METRICS: Final = ("cpu", "memory")
_DEFAULT_WINDOW_SECONDS: Final = 300


def desired_replicas(spec: RunaiNimServiceSpec) -> int | None:
    """1 unless said otherwise, none while stopped; None where autoscaling decides."""
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


def _multi_node_fragment(source: TranslationSource) -> Fragment:
    multi_node = source.spec.multi_node
    if multi_node is None:
        return {}
    parallelism = {"pipeline": (multi_node.workers or 0) + 1, "tensor": whole_gpus(source.compute)}
    return {"spec": {"multiNode": {"backendType": "lws", "parallelism": parallelism}}}


ROWS = (
    MappingRow(
        "spec.replicas",
        "`spec.replicas`, 1 when absent; left out beside autoscaling",
        _replicas_fragment,
        "A NIMService may not have replicas beside autoscaling.",
    ),
    MappingRow(
        "spec.desiredPhase",
        "`Stopped`: `spec.replicas: 0` and no `spec.scale`; the claim and everything else stay",
        no_output,
    ),
    MappingRow(
        "spec.autoscaling",
        "`spec.scale.hpa`: cpu and memory by average utilization, any other metric by its average per pod; the window"
        " holds for scaling down",
        _autoscaling_fragment,
        "Waiting before scaling up would hurt the service.",
    ),
    MappingRow(
        "spec.multiNode.workers",
        "`spec.multiNode`: a LeaderWorkerSet of workers + 1 pods (`parallelism.pipeline`) with the GPUs of each pod as"
        " `parallelism.tensor`",
        _multi_node_fragment,
    ),
    MappingRow(
        f"metadata.annotations[{well_known.RESTARTED_AT}]",
        "the same annotation of the pods",
        lambda s: pod_annotation_fragment(well_known.RESTARTED_AT, s.annotations.get(well_known.RESTARTED_AT)),
        "A new value rolls the pods.",
    ),
)
