"""Tolerations, multi-node and autoscaling of spec. Types only, no behaviour."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from runai_nim.api.v1alpha1.schema import CelRule, Name, PositiveInt, SpecModel, Value, cel

PriorityClass = Literal["very-low", "low", "medium-low", "medium", "medium-high", "high", "very-high"]
Preemptibility = Literal["preemptible", "non-preemptible"]


class Toleration(SpecModel):
    """A taint that the pods tolerate."""

    model_config = cel(
        CelRule(
            "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
            "value is not allowed with operator Exists: remove value, or use operator Equal",
            ".value",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.seconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "seconds is only allowed with effect NoExecute: remove seconds, or set effect: NoExecute",
            ".seconds",
            reason="FieldValueForbidden",
        ),
    )

    name: Name | None = None
    """Identifies this item among the tolerations; reaches no pod."""

    operator: Literal["Equal", "Exists"] | None = None
    """Equal compares key and value; Exists compares the key only and takes no value."""

    key: Annotated[StrictStr, Field(max_length=317)] | None = None
    """Key of the taint; required with Equal. Exists without a key tolerates every taint."""

    value: Value | None = None
    """Value of the taint, for Equal only."""

    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule", "Any"] | None = None
    """Effect of the taint; Any means all of them."""

    seconds: PositiveInt | None = None
    """Seconds that a running pod tolerates the taint, at least 1, with NoExecute only. The NIM Operator drops it."""

    exclude: StrictBool | None = None
    """true: not rendered, and removes the toleration of this name that a policy adds. Default false."""


class MultiNode(SpecModel):
    """One model over several nodes."""

    workers: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None
    """Worker pods beside the leader, 1-1000. Becomes multiNode.parallelism.pipeline = workers + 1 of the NIMService."""


class Autoscaling(SpecModel):
    """Scaling between two replica counts by a metric; becomes scale.hpa of the NIMService."""

    min_replicas: PositiveInt | None = None
    """Fewest replicas, at least 1; default 1."""

    max_replicas: PositiveInt | None = None
    """Most replicas, not below minReplicas; default minReplicas."""

    metric: Annotated[StrictStr, Field(max_length=253, pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")] | None = None
    """What to scale by; required. cpu and memory: average use in percent of the request; any other: a metric of the
    pods, by its average per pod."""

    metric_threshold: PositiveInt | None = None
    """Value of the metric to keep to, at least 1; required. Percent for cpu and memory, otherwise the average."""

    scale_window_seconds: Annotated[StrictInt, Field(ge=60, le=3600)] | None = None
    """Seconds that the metric must stay low before replicas are taken away, 60-3600; default 300. Scaling up does
    not wait."""
