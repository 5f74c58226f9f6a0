"""Values that anybody may have written: those of another type count as absent, and those of any size stay small.

The API server checks types, but not of every kind and version. Nothing here raises.
"""

from collections.abc import Mapping
from typing import Any, Final

MAX_TEXT_LENGTH: Final = 4096
"""Characters that are kept of a sentence; no scheduler and no kubelet says more in one."""
MAX_WORD_LENGTH: Final = 256
"""Characters of a name, uid or hash; what is longer is none of ours."""


def mapping(value: Any) -> Mapping[str, Any]:
    """The mapping; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in a list; none for anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The sentence, cut where it is too long; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= MAX_TEXT_LENGTH else value[: MAX_TEXT_LENGTH - 1] + "…"


def word(value: Any, default: str = "") -> str:
    """The name, uid or hash; `default` for what is too long, or is none."""
    return value if isinstance(value, str) and len(value) <= MAX_WORD_LENGTH else default


def words(value: Any) -> tuple[str, ...]:
    """The names in a list; none for anything else."""
    found = (word(item) for item in value) if isinstance(value, list) else ()
    return tuple(item for item in found if item)


def number(value: Any, default: int = 0) -> int:
    """The whole number; `default` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default
