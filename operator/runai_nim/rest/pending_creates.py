"""POSTs with unknown outcome after an outage of the API server: a repeated call continues the first one.

Run:ai's client repeats a POST after a 503. With useGivenNameAsPrefix and no Idempotency-Key, only the name that was
tried leads to its workload. Only then, and for a limited time, does an equal body mean the same workload.
"""

from typing import Final

from cachetools import TTLCache

from runai_nim.rest.model.creation_origin import CreationOrigin

PENDING_SECONDS: Final = 120.0
_MAX_PENDING: Final = 1024


class PendingCreates:
    """Names of pending creations by caller and body."""

    def __init__(self) -> None:
        self._names: TTLCache[str, str] = TTLCache(_MAX_PENDING, PENDING_SECONDS)

    def keep(self, origin: CreationOrigin, name: str) -> None:
        """Remember that the workload may exist with `name`."""
        self._names[origin.body] = name

    def take(self, origin: CreationOrigin) -> str | None:
        """Remove and return the name of the same earlier call."""
        return self._names.pop(origin.body, None)
