"""The `id` of a workload: the uid of its RunaiNimService.

Earlier versions made one opaque word of namespace, name and uid, in lower-case Base32, because Run:ai's client replaces
underscores in a path by hyphens. Such ids go on working.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from runai_nim.api import syntax

_MAX_LENGTH: Final = 300
_UID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Identifier:
    """Identifies one RunaiNimService, and no later one with the same name."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        """The id of earlier versions."""
        text = "/".join((self.namespace, self.name, self.uid))
        return base64.b32encode(text.encode()).decode().rstrip("=").lower()


def is_uid(text: str) -> bool:
    """Whether the id is a uid."""
    return _UID.fullmatch(text) is not None


def parse_identifier(text: str) -> Identifier | None:
    """The inverse of `str(identifier)`; None for any other text."""
    padding = "=" * (-len(text) % 8)
    try:
        parts = base64.b32decode(f"{text.upper()}{padding}").decode().split("/") if len(text) <= _MAX_LENGTH else []
    except (binascii.Error, ValueError):
        return None
    if len(parts) != 3 or not (syntax.is_object_name(parts[0]) and syntax.is_object_name(parts[1])):
        return None
    identifier = Identifier(*parts)
    # Base32 has several spellings of the same bytes; accept only the canonical one.
    return identifier if _UID.fullmatch(identifier.uid) and str(identifier) == text else None
