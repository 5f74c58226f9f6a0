"""Bounds calls that read many objects, in number and time: most of such a call is the process's own work."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from runai_nim.rest.errors import unavailable


@dataclass(frozen=True, slots=True)
class CallBounds:
    """How many calls run at the same time, and how many run or wait, in total and for one caller.

    `wait_seconds`, `run_seconds`: a call waits and runs for no longer. `busy` and `late` say why one is refused.
    """

    running: int
    calls: int
    per_caller: int
    wait_seconds: float
    run_seconds: float
    busy: str
    late: str


class CallQueue:
    """Runs a few calls at the same time, in the order in which they came."""

    def __init__(self, bounds: CallBounds) -> None:
        self._bounds = bounds
        self._turns = asyncio.Semaphore(bounds.running)
        self._callers: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Context for a call. Raises HttpError (503) if too many calls wait, or this one takes too long."""
        bounds = self._bounds
        if self._callers.total() >= bounds.calls or self._callers[caller] >= bounds.per_caller:
            raise unavailable(bounds.busy)
        self._callers[caller] += 1
        try:
            async with asyncio.timeout(bounds.wait_seconds) as time, self._turns:
                time.reschedule(asyncio.get_running_loop().time() + bounds.run_seconds)
                yield
        except TimeoutError as error:
            raise unavailable(bounds.late) from error
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # drops callers without calls
