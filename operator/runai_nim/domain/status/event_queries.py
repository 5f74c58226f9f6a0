"""Whose events are worth a read: objects that are stuck, once that lasts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from runai_nim.domain.observed import ObservedState
from runai_nim.domain.status.deadlines import seconds_left
from runai_nim.domain.translate import Desired

START_SECONDS: Final = 30.0
"""How long a pod may wait for its volumes and its network, and a claim for its volume, before its events are read."""


class EventQuery(NamedTuple):
    """Events about the object of that uid, in `seconds` from now (0 or less: now)."""

    uid: str
    warnings_only: bool
    seconds: float


def event_queries(desired: Desired, observed: ObservedState, now: datetime) -> Iterator[EventQuery]:
    """At most two: about the pod that has waited longest, and about the claim. None while nothing is stuck."""
    waiting = [pod.not_started for pod in observed.pods if pod.not_started is not None]
    if waiting:
        first = min(waiting, key=lambda pod: (pod.since, pod.uid))
        yield EventQuery(first.uid, True, seconds_left(first.since, START_SECONDS, now))
    claim, workload = observed.claim, observed.workload
    is_needed = not desired.is_stopped and workload is not None and not workload.is_rolled_out
    if claim is not None and claim.phase == "Pending" and not claim.is_deleting and is_needed:
        # Its controllers post what they wait for as Normal events, too.
        yield EventQuery(claim.uid, False, seconds_left(claim.created_at, START_SECONDS, now))
