"""Aligned columns and ages, as kubectl prints them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from runai_nim.cli.terminal import printable

_GAP: Final = "   "
_NOTHING: Final = "-"
UNKNOWN: Final = "<unknown>"
_UNITS: Final = (("y", 365 * 86400), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_LEAST_OF_UNIT: Final = {"y": 2, "d": 2, "h": 3, "m": 2, "s": 0}
"""From how many of a unit on it is used: `90s` is not `1m`."""


def age(at: Any, now: datetime) -> str:
    """The time since `at` (RFC 3339) in its largest unit: `90s`, `5m`, `3h`, `12d`. UNKNOWN for any other value."""
    try:
        seconds = int((now - datetime.fromisoformat(at)).total_seconds())
    except (TypeError, ValueError, OverflowError):  # no time, or one without a time zone
        return UNKNOWN
    for unit, length in _UNITS:
        if seconds // length >= max(_LEAST_OF_UNIT[unit], 1):
            return f"{seconds // length}{unit}"
    return "0s"


def widths_of(rows: Iterable[Sequence[str]]) -> list[int]:
    """The width of each column."""
    return [max(len(_cell(cell)) for cell in column) for column in zip(*rows, strict=True)]


def lines(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    """A line for each row. A cell that is wider than its column shifts the rest; an empty one is `-`."""
    for row in rows:
        cells = (_cell(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        yield _GAP.join(cells).rstrip()


def _cell(text: str) -> str:
    return printable(text) or _NOTHING
