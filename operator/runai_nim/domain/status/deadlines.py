"""Deadlines, from times that are stored in objects: a restart of the operator begins none of them anew. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The present moment, and how many seconds others have to act."""

    now: datetime
    nim_operator_seconds: float
    scheduler_seconds: float


def seconds_left(since: str, timeout: float, now: datetime) -> float:
    """Seconds until `timeout` seconds have passed since the RFC 3339 time; all of them when there is no time."""
    try:
        return timeout - (now - datetime.fromisoformat(since)).total_seconds()
    except (TypeError, ValueError):  # no time, or one that Python doesn't know: a year 0, no time zone
        return timeout
