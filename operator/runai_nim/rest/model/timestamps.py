"""Times of objects in RFC 3339: the API server writes its own in UTC, other clients those of a status in any zone."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

UNKNOWN_TIME: Final = "0001-01-01T00:00:00Z"
"""The zero time of Kubernetes."""
_MAX_LENGTH: Final = 64


def moment(value: Any) -> datetime | None:
    """The time in a text with a zone, in UTC; None for any other value, and for years that Python doesn't know."""
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def utc_text(time: datetime) -> str:
    """The time as the API server writes it."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def first_time(values: Iterable[Any]) -> str:
    """The first value that is a time, in UTC; UNKNOWN_TIME without one."""
    return next((_in_utc(value, time) for value in values if (time := moment(value))), UNKNOWN_TIME)


def latest_time(values: Iterable[Any]) -> str:
    """The latest of the values that are times, in UTC; UNKNOWN_TIME without one."""
    times = ((time, _in_utc(value, time)) for value in values if (time := moment(value)))
    return max(times, default=(None, UNKNOWN_TIME))[1]


def _in_utc(value: str, time: datetime) -> str:
    return value if value.endswith("Z") else utc_text(time)
