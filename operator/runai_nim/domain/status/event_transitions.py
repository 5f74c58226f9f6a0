"""Status changes that become Events: the reason of Ready, and warnings of the translation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runai_nim.domain.reasons import Reason

_WARNING_REASONS = frozenset({"Failed", "Degraded", "Unknown"})


@dataclass(frozen=True, slots=True)
class Transition:
    """An Event to post."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Transition]:
    """Events for the change from the stored status to the new one. A healthy first status causes none."""
    then, now = _conditions(before), _conditions(after)
    ready = now["Ready"]
    alarming = after["phase"] in _WARNING_REASONS or "Stalled" in now
    if ready["reason"] != then.get("Ready", {}).get("reason") and ("Ready" in then or alarming):
        yield Transition("Warning" if alarming else "Normal", ready["reason"], ready["message"])
    translated_condition = now["Translated"]
    has_warnings = translated_condition["reason"] == Reason.TRANSLATED_WITH_WARNINGS
    if has_warnings and translated_condition["message"] != then.get("Translated", {}).get("message"):
        yield Transition("Warning", translated_condition["reason"], translated_condition["message"])


def _conditions(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in status.get("conditions") or ()}
