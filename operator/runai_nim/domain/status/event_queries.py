"""Whose events are worth a read: objects that are stuck, once that lasts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from runai_nim.api import well_known
from runai_nim.domain.observed import ObservedState, ObservedWorkload
from runai_nim.domain.status.deadlines import seconds_left
from runai_nim.domain.translate import Desired

START_SECONDS: Final = 30.0
"""How long a pod may wait for its volumes and its network, and a claim for its volume, before its events are read."""


class EventQuery(NamedTuple):
    """Events of an object, in `seconds` from now (0 or less: now).

    `about` is the object's uid, or `<kind>/<name>` of one that is known by its name alone. `selector` is a field
    selector: `involvedObject.uid=1234,type=Warning`.
    """

    about: str
    selector: str
    seconds: float


def stateful_set_of(workload: ObservedWorkload) -> str:
    """`about` of the StatefulSet of a LeaderWorkerSet's leaders, which has its name."""
    return f"StatefulSet/{workload.name}"


def event_queries(desired: Desired, observed: ObservedState, now: datetime) -> Iterator[EventQuery]:
    """About the pod that has waited longest, the claim, and the leaders that should be there. None if none is stuck."""
    waiting = [pod.not_started for pod in observed.pods if pod.not_started is not None]
    if waiting:
        first = min(waiting, key=lambda pod: (pod.since, pod.uid))
        selector = f"involvedObject.uid={first.uid},type=Warning"
        yield EventQuery(first.uid, selector, seconds_left(first.since, START_SECONDS, now))
    claim = observed.claim
    workload = observed.workload
    if desired.is_stopped or workload is None or workload.is_rolled_out:
        return
    if claim is not None and claim.phase == "Pending" and not claim.is_deleting:
        # Its controllers post what they wait for as Normal events, too.
        selector = f"involvedObject.uid={claim.uid}"
        yield EventQuery(claim.uid, selector, seconds_left(claim.created_at, START_SECONDS, now))
    if workload.kind == well_known.LWS_KIND and not observed.pods:
        # A LeaderWorkerSet doesn't tell of pods that are refused; the StatefulSet in between does, by its events.
        selector = f"involvedObject.kind=StatefulSet,involvedObject.name={workload.name},type=Warning"
        yield EventQuery(stateful_set_of(workload), selector, seconds_left(observed.applied_at, START_SECONDS, now))
