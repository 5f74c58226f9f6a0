"""The history of a workload: its events, and the changes of its phase as far as the cluster still knows them.

A RunaiNimService keeps no list of its phases. Known are its creation and deletion, the events of the operator, which
Kubernetes deletes after an hour, and the conditions.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, get_args

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import condition_of, mapping, mappings, text, word
from runai_nim.api.v1alpha1.status import Phase
from runai_nim.domain.reasons import Reason
from runai_nim.rest.model.timestamps import latest_time, moment

PHASE_OF_REASON: Final[dict[str, str]] = {
    Reason.DELETING: "Deleting",
    Reason.NAMESPACE_TERMINATING: "Deleting",
    Reason.NAME_CONFLICT: "Failed",
    Reason.FIELD_CONFLICT: "Degraded",
    Reason.NIM_OPERATOR_NOT_INSTALLED: "Creating",
    Reason.PREVIOUS_INSTANCE_TERMINATING: "Creating",
    Reason.STOPPED: "Stopped",
    Reason.STOPPING: "Stopping",
    Reason.SCALED_TO_ZERO: "Running",
    Reason.RUNNING: "Running",
    Reason.NIM_OPERATOR_NOT_RESPONDING: "Unknown",
    Reason.REPLICAS_NOT_READY: "Degraded",
    Reason.SCALING_REPLICAS: "Updating",
    Reason.ROLLING_OUT: "Updating",
    Reason.PODS_NOT_READY: "Initializing",
}
"""Reasons of Ready that belong to one phase. The operator posts an event for each change of the reason."""
_SAME: Final = timedelta(seconds=5)
"""Within it an event tells of the same change as a condition: events are dated when they are posted."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class PhaseUpdate(NamedTuple):
    """A phase, since when (RFC 3339), and a sentence about it."""

    phase: str
    at: str
    message: str


def history_of(service: ObjectView, events: Sequence[ObjectView]) -> list[dict[str, Any]]:
    """The records, newest first. `events`: listed ones, newest first.

    Times have seconds, so of records with the same time the one that is told later happened later.
    """
    created, *others = _updates(service, events[::-1])
    records = [
        _phase_record(created),
        *(_record("Event", event["createdAt"], "event", event) for event in events[::-1]),
        *map(_phase_record, others),
    ]
    return sorted(records, key=lambda record: _moment(record["meta"]["creationTimestamp"]))[::-1]


def _phase_record(update: PhaseUpdate) -> dict[str, Any]:
    return _record("PhaseUpdate", update.at, "phaseUpdate", _as_json(update))


def _record(type_: str, at: str, name: str, content: ObjectView) -> dict[str, Any]:
    return {"meta": {"creationTimestamp": at, "type": type_}, "spec": {name: content}}


def _as_json(update: PhaseUpdate) -> dict[str, str]:
    return {"phase": update.phase, "phaseMessage": update.message}


def _updates(service: ObjectView, events: Iterable[ObjectView]) -> Iterator[PhaseUpdate]:
    metadata = service["metadata"]
    posted = [event for event in events if _is_by_operator(event, metadata["uid"])]
    told = [
        PhaseUpdate(phase, event["createdAt"], event["message"])
        for event in posted
        if (phase := PHASE_OF_REASON.get(event.get("reason", "")))
    ]
    yield PhaseUpdate("Creating", metadata["creationTimestamp"], "the RunaiNimService was created")
    yield from told
    if deleted := metadata.get("deletionTimestamp"):
        yield PhaseUpdate("Deleting", deleted, "the RunaiNimService is being deleted")
        return
    yield from _current(mapping(service.get("status")), posted, told)


def _is_by_operator(event: ObjectView, uid: str) -> bool:
    return event.get("source") == well_known.FIELD_MANAGER and event["involvedObject"]["uid"] == uid


def _current(status: ObjectView, posted: Iterable[ObjectView], told: Iterable[PhaseUpdate]) -> Iterator[PhaseUpdate]:
    """The phase of the status, unless an event tells of it.

    Ready is True in Running and Stopped alone, so its time is theirs. Another phase begins at the last change of a
    condition, at the event with its reason, or later.
    """
    phase = word(status.get("phase"))
    ready = condition_of(status, "Ready")
    deciding = [ready] if ready.get("status") == "True" else mappings(status.get("conditions"))
    times = [condition.get("lastTransitionTime") for condition in deciding]
    at = latest_time([*times, *(event["createdAt"] for event in posted if event.get("reason") == ready.get("reason"))])
    if phase not in get_args(Phase) or not any(map(moment, times)):
        return
    if not any(update.phase == phase and _moment(at) - _moment(update.at) <= _SAME for update in told):
        yield PhaseUpdate(phase, at, text(ready.get("message")))


def _moment(at: str) -> datetime:
    return moment(at) or _NEVER
