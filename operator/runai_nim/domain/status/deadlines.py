"""Deadlines based on times stored in objects, so that a restart of the operator doesn't extend them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The current time, and the seconds that the NIM Operator and the scheduler have to respond."""

    now: datetime
    nim_operator_seconds: float
    scheduler_seconds: float


def seconds_left(since: str, timeout: float, now: datetime) -> float:
    """Seconds until `timeout` seconds after the RFC 3339 time; `timeout` if the time is missing or invalid."""
    try:
        return timeout - (now - datetime.fromisoformat(since)).total_seconds()
    except (TypeError, ValueError):  # no time, or one that Python doesn't know: a year 0, no time zone
        return timeout
