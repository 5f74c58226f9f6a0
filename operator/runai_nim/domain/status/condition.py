"""A condition without timestamps, and how timestamps are added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api.v1alpha1.status import MAX_MESSAGE_LENGTH, ConditionStatus
from runai_nim.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class ConditionDraft:
    """A condition without timestamps; `reason` is a word for programs, `message` a sentence for users."""

    type: str
    status: ConditionStatus
    reason: Reason
    message: str


def add_timestamps(
    conditions: Iterable[ConditionDraft], before: Iterable[Mapping[str, Any]], generation: int, now: str
) -> list[dict[str, Any]]:
    """The conditions in the API's representation. lastTransitionTime changes only with a condition's status.

    Messages that are too long for the API are cut. `now` is an RFC 3339 time; `before` are the stored conditions.
    """
    known = {c["type"]: c for c in before}
    return [_add_timestamp(condition, known.get(condition.type, {}), generation, now) for condition in conditions]


def _add_timestamp(condition: ConditionDraft, before: Mapping[str, Any], generation: int, now: str) -> dict[str, Any]:
    message = condition.message
    unchanged = before.get("status") == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": message if len(message) <= MAX_MESSAGE_LENGTH else message[: MAX_MESSAGE_LENGTH - 1] + "…",
        "lastTransitionTime": before["lastTransitionTime"] if unchanged else now,
        "observedGeneration": generation,
    }


def conditions_by_type(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The conditions of a status that the operator wrote, by type: `{"Ready": {"type": "Ready", …}}`."""
    return {condition["type"]: condition for condition in status.get("conditions") or ()}
