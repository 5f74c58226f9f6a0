"""A conclusion of `runai-nim doctor` about a cluster."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MAX_NAMES: Final = 5
"""Names that a message lists."""
ASK: Final = "ask for the permission, or let an administrator run this"
"""What to do where something can't be read."""


class Level(StrEnum):
    """How good a thing is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One conclusion: about what, what was found, and what to do (empty if nothing)."""

    level: Level
    subject: str
    message: str
    remedy: str = ""


def unreadable(subject: str, what: str, error: str) -> Check:
    """The conclusion that something can't be read."""
    return Check(Level.WARNING, subject, f"{what} can't be read: {error}", ASK)


def listed(names: Iterable[str]) -> str:
    """`a, b and 3 more`."""
    given = list(names)
    text = ", ".join(given[:_MAX_NAMES])
    return f"{text} and {len(given) - _MAX_NAMES} more" if len(given) > _MAX_NAMES else text
