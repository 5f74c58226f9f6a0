"""POSTs with unknown outcome after an outage of the API server: a repeated call continues the first one.

Run:ai's client repeats a POST after a 503. Only then, and for a limited time, does an equal body mean the same
workload.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from cachetools import TTLCache

PENDING_SECONDS: Final = 120.0
_MAX_PENDING: Final = 1024


class PendingCreates:
    """Names of pending creations by caller and body."""

    def __init__(self) -> None:
        self._names: TTLCache[bytes, str] = TTLCache(_MAX_PENDING, PENDING_SECONDS)

    def keep(self, user: str, manifest: Mapping[str, Any], name: str) -> None:
        """Remember that the workload may exist with `name`."""
        self._names[_digest(user, manifest)] = name

    def take(self, user: str, manifest: Mapping[str, Any]) -> str | None:
        """Remove and return the name of the same earlier call."""
        return self._names.pop(_digest(user, manifest), None)


def _digest(user: str, manifest: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps([user, manifest], sort_keys=True).encode()).digest()
