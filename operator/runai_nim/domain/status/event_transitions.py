"""Status changes that become Events: the reason of Ready, warnings of the translation, and changes of policies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.domain.reasons import BY_WORD, EventType, Reason
from runai_nim.domain.status.condition import conditions_by_type


@dataclass(frozen=True, slots=True)
class Transition:
    """An Event to post."""

    type: EventType
    reason: str
    message: str


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Transition]:
    """Events for the change from the stored status, empty for a new resource, to the new one.

    NIMServiceNotSeen is none: each resource and each change of a spec begins with it, and a second later it is over.
    """
    then = conditions_by_type(before)
    now = conditions_by_type(after)
    ready = now["Ready"]
    if ready["reason"] not in (then.get("Ready", {}).get("reason"), Reason.NIM_SERVICE_NOT_SEEN):
        yield _transition(ready)
    translated = now["Translated"]
    has_warnings = translated["reason"] == Reason.TRANSLATED_WITH_WARNINGS
    if has_warnings and translated["message"] != then.get("Translated", {}).get("message"):
        yield _transition(translated)
    compliant = now.get("PolicyCompliant", {})
    is_known = compliant.get("reason") in (ready["reason"], then.get("PolicyCompliant", {}).get("reason"))
    if compliant.get("status") == "False" and not is_known:
        yield _transition(compliant)


def _transition(condition: Mapping[str, Any]) -> Transition:
    return Transition(BY_WORD[condition["reason"]].event_type, condition["reason"], condition["message"])
