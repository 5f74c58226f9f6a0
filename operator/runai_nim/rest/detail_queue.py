"""Bounds the calls that list pods and events, whose number and size are the namespace's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from runai_nim.rest.errors import unavailable

_RUNNING: Final = 2
"""Most of such a call is the process's own work on what it reads: more at the same time would delay others."""
_MAX_CALLS: Final = 32
_MAX_PER_CALLER: Final = 8
"""Calls that may run or wait: in total, and for one caller."""
_WAIT_SECONDS: Final = 10.0
_RUN_SECONDS: Final = 20.0
"""10,000 events take 3 s."""


class DetailQueue:
    """Runs a few calls at the same time."""

    def __init__(self) -> None:
        self._running = asyncio.Semaphore(_RUNNING)
        self._callers: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Context for the requests of a call. Raises HttpError (503) if too many calls wait, or one takes too long."""
        if self._callers.total() >= _MAX_CALLS or self._callers[caller] >= _MAX_PER_CALLER:
            raise unavailable("too many calls read pods, events or history")
        self._callers[caller] += 1
        try:
            async with asyncio.timeout(_WAIT_SECONDS) as waiting, self._running:
                waiting.reschedule(asyncio.get_running_loop().time() + _RUN_SECONDS)
                yield
        except TimeoutError as error:
            raise unavailable("reading what belongs to the workload took too long") from error
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # drops callers without calls
