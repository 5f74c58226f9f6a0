"""Runs something for each key that was added: never twice at once for one key, again after failures, with backoff."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from local.nim_operator.store import Key

log = logging.getLogger(__name__)

Work = Callable[[Key], Awaitable[float | None]]
"""Does what a key needs; returns after how many seconds it wants to run again; raises RetryError."""

FIRST_PAUSE = 0.005
# The real one goes up to 1000 s; here a mended cause is to be noticed soon.
LONGEST_PAUSE = 5.0


class RetryError(Exception):
    """The work couldn't be finished and is to be tried again."""


class Queue:
    """Keys to work on. Each is worked on in a task of its own, so that one that waits holds up nobody."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._idle: asyncio.Queue[Key] = asyncio.Queue()
        self._running: set[Key] = set()
        self._wanted: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def add(self, key: Key) -> None:
        """Have the work done for `key` soon; if it is under way, once more after that."""
        self._wanted.add(key)
        if key not in self._running:
            self._running.add(key)
            self._idle.put_nowait(key)

    async def run(self) -> None:
        """Work, for ever; what is under way ends with it."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._run(await self._idle.get()))

    async def _run(self, key: Key) -> None:
        while key in self._wanted:
            self._wanted.discard(key)
            pause = await self._attempt(key)
            if pause is not None:
                asyncio.get_running_loop().call_later(pause, self.add, key)
        self._running.discard(key)

    async def _attempt(self, key: Key) -> float | None:
        """Work once; return the seconds until it has to be done again, if it has to."""
        try:
            again = await self._work(key)
        except RetryError as reason:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            log.info("%s/%s: %s (attempt %d)", *key, reason, failures)
            return float(min(FIRST_PAUSE * 2 ** min(failures, 30), LONGEST_PAUSE))
        except Exception:
            log.exception("%s/%s: a mistake in the stand-in", *key)
            return LONGEST_PAUSE
        self._failures.pop(key, None)
        return again
