"""Read untrusted values without raising: a value of another type counts as absent, and long text is cut.

The API server checks types, but not for every kind and version.
"""

from collections.abc import Mapping
from typing import Any, Final

MAX_TEXT_LENGTH: Final = 4096
"""Characters kept of a message; schedulers and kubelets write shorter ones."""
MAX_WORD_LENGTH: Final = 256
"""Characters of a name, uid or hash; the operator writes no longer ones."""


def mapping(value: Any) -> Mapping[str, Any]:
    """The mapping; empty for any other value."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in a list: `[{"a": 1}, 2]` gives `[{"a": 1}]`. Empty for any other value."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def condition_of(status: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    """The condition of that type in a status; empty without one."""
    return next((c for c in mappings(status.get("conditions")) if c.get("type") == type_), {})


def text(value: Any) -> str:
    """The message, cut to MAX_TEXT_LENGTH; empty for any other value."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= MAX_TEXT_LENGTH else value[: MAX_TEXT_LENGTH - 1] + "…"


def word(value: Any, default: str = "") -> str:
    """The name, uid or hash; `default` for text that is too long and any other value."""
    return value if isinstance(value, str) and len(value) <= MAX_WORD_LENGTH else default


def words(value: Any) -> tuple[str, ...]:
    """The names in a list; empty for any other value."""
    found = (word(item) for item in value) if isinstance(value, list) else ()
    return tuple(item for item in found if item)


def number(value: Any, default: int = 0) -> int:
    """The whole number; `default` for any other value, including booleans."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default
