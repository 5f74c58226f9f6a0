"""Bounds the calls that list pods and events, whose number and size is the namespace's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from runai_nim.rest.errors import unavailable

_RUNNING: Final = 4
_MAX_CALLS: Final = 64
_MAX_PER_CALLER: Final = 16
"""Calls that may run or wait: in total, and for one caller."""


class DetailQueue:
    """Runs a few calls at the same time."""

    def __init__(self) -> None:
        self._running = asyncio.Semaphore(_RUNNING)
        self._callers: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Context for the requests of a call. Raises HttpError (503) if too many calls wait."""
        if self._callers.total() >= _MAX_CALLS or self._callers[caller] >= _MAX_PER_CALLER:
            raise unavailable("too many calls read pods, events or history")
        self._callers[caller] += 1
        try:
            async with self._running:
                yield
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # drops callers without calls
