"""Projection of the HorizontalPodAutoscaler that the NIM Operator makes."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, text, word
from runai_nim.domain.observed.stored_object import controller_of


class ScalingState(NamedTuple):
    """A condition of a HorizontalPodAutoscaler: `ScalingActive`, `FailedGetPodsMetric`, and a sentence."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ObservedAutoscaler:
    """A HorizontalPodAutoscaler: its NIMService, what keeps it from scaling, and the bound that it has reached.

    `is_evaluated`: its controller has reported at least once. Its numbers change every few seconds and are not kept.
    """

    resource_version: str
    owner_uid: str
    is_evaluated: bool
    obstacle: ScalingState | None
    limit: ScalingState | None

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From an autoscaling/v2 HorizontalPodAutoscaler."""
        conditions = {word(c.get("type")): c for c in mappings(mapping(obj.get("status")).get("conditions"))}
        obstacles = (_state(conditions, type_, "False") for type_ in ("AbleToScale", "ScalingActive"))
        return cls(
            resource_version=obj["metadata"]["resourceVersion"],
            owner_uid=word(controller_of(obj).get("uid")),
            is_evaluated=bool(conditions),
            obstacle=next((found for found in obstacles if found), None),
            limit=_state(conditions, "ScalingLimited", "True"),
        )


def _state(conditions: dict[str, ObjectView], type_: str, status: str) -> ScalingState | None:
    found = conditions.get(type_, {})
    if found.get("status") != status:
        return None
    return ScalingState(type_, word(found.get("reason")), text(found.get("message")))
