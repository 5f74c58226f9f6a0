"""Bounds concurrent listings: each reads all workloads that its caller may see."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from runai_nim.rest.errors import unavailable

_CONCURRENT: Final = 2
_MAX_CALLS: Final = 10
_MAX_PER_CALLER: Final = 4
"""Calls that list or wait: in total, and of one caller."""


class ListingQueue:
    """Two listings at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_CONCURRENT)
        self._callers: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Context for a listing. Raises HttpError (503) if too many calls wait."""
        if self._callers.total() >= _MAX_CALLS or self._callers[caller] >= _MAX_PER_CALLER:
            raise unavailable("too many calls wait to list workloads")
        self._callers[caller] += 1
        try:
            async with self._turns:
                yield
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # drops callers without calls
