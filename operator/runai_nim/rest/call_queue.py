"""Bounds calls that read many objects, in number and time: most of such a call is the process's own work."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from runai_nim.rest.errors import unavailable


class CallPlaces:
    """Places for calls that run or wait: so many in total, and for one caller. `busy` says why one is refused."""

    def __init__(self, calls: int, per_caller: int, busy: str) -> None:
        self._calls = calls
        self._per_caller = per_caller
        self._busy = busy
        self._callers: Counter[str] = Counter()

    @contextmanager
    def taken_by(self, caller: str) -> Iterator[None]:
        """Context for a call. Raises HttpError (503) if there is no place."""
        if self._callers.total() >= self._calls or self._callers[caller] >= self._per_caller:
            raise unavailable(self._busy)
        self._callers[caller] += 1
        try:
            yield
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # drops callers without calls


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
        self._places = CallPlaces(bounds.calls, bounds.per_caller, bounds.busy)

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Context for a call. Raises HttpError (503) if too many calls wait, or this one takes too long."""
        bounds = self._bounds
        with self._places.taken_by(caller):
            try:
                async with asyncio.timeout(bounds.wait_seconds) as time, self._turns:
                    time.reschedule(asyncio.get_running_loop().time() + bounds.run_seconds)
                    yield
            except TimeoutError as error:
                raise unavailable(bounds.late) from error
