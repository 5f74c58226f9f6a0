"""Tolerations, priority and preemptibility of spec."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from runai_nim.api.v1alpha1.schema import CelRule, Name, PositiveInt, SpecModel, Value, cel

PriorityClass = Literal["very-low", "low", "medium-low", "medium", "medium-high", "high", "very-high"]
Preemptibility = Literal["preemptible", "semi-preemptible", "non-preemptible"]


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
    """Identifies this item among the tolerations; not copied to pods."""

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
