"""Projection of an Event about an object that is stuck: what its controller or kubelet says."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, text, word


class ObservedEvent(NamedTuple):
    """A reason such as `FailedMount`, its message, and when it was last posted (RFC 3339)."""

    reason: str
    message: str
    at: str

    @classmethod
    def from_object(cls, obj: ObjectView) -> "ObservedEvent":
        """From a core/v1 Event, by whichever of its times is set."""
        times = (
            mapping(obj.get("series")).get("lastObservedTime"),
            obj.get("lastTimestamp"),
            obj.get("eventTime"),
            obj["metadata"].get("creationTimestamp"),
        )
        at = next((word(time) for time in times if time), "")
        return cls(word(obj.get("reason")), text(obj.get("message")).strip(), at)


def newest_by_reason(events: Iterable[ObjectView]) -> tuple[ObservedEvent, ...]:
    """The newest event of each reason, the newest first."""
    found = sorted((ObservedEvent.from_object(event) for event in events), key=lambda event: event.at)
    newest = {event.reason: event for event in found}
    return tuple(sorted(newest.values(), key=lambda event: event.at, reverse=True))


def say_the_same(before: Iterable[ObservedEvent], after: Iterable[ObservedEvent]) -> bool:
    """Whether only times, counts and ids differ: a kubelet puts a new sandbox id into each of its messages."""
    return {_shape(event) for event in before} == {_shape(event) for event in after}


_VARYING: Final = re.compile(r"[0-9a-f]{8,}|[0-9]+")


def _shape(event: ObservedEvent) -> tuple[str, str]:
    return event.reason, _VARYING.sub("#", event.message)
