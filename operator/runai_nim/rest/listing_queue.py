"""Bounds listings, in number and time: each reads all workloads that its caller may see."""

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
_MAX_SECONDS: Final = 60.0
"""Seconds for a listing: a page of 20,000 workloads takes a quarter of it on a busy machine."""


class ListingQueue:
    """Two listings at a time, in the order in which they came, each for a limited time."""

    def __init__(self, max_seconds: float = _MAX_SECONDS) -> None:
        self._turns = asyncio.Semaphore(_CONCURRENT)
        self._max_seconds = max_seconds
        self._callers: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Context for a listing. Raises HttpError (503) if too many calls wait, and when the time is over."""
        if self._callers.total() >= _MAX_CALLS or self._callers[caller] >= _MAX_PER_CALLER:
            raise unavailable("too many calls wait to list workloads")
        self._callers[caller] += 1
        try:
            async with self._turns, asyncio.timeout(self._max_seconds):
                yield
        except TimeoutError as error:
            raise unavailable("there are too many workloads to list in time: filter by projectId") from error
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # drops callers without calls
