"""Times of objects, as the API server writes them: RFC 3339 in UTC."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

UNKNOWN_TIME: Final = "0001-01-01T00:00:00Z"
"""The zero time of Kubernetes."""


def moment(value: Any) -> datetime | None:
    """The time in a text that ends in Z; None for any other value, and for years that Python doesn't know."""
    if not isinstance(value, str) or not value.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def first_time(values: Iterable[Any]) -> str:
    """The first value that is a time; UNKNOWN_TIME without one."""
    return next((value for value in values if moment(value)), UNKNOWN_TIME)


def latest_time(values: Iterable[Any]) -> str:
    """The latest of the values that are times, and UNKNOWN_TIME without one."""
    return max(((found, value) for value in values if (found := moment(value))), default=(None, UNKNOWN_TIME))[1]
