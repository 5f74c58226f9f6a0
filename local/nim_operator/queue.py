"""Work queue: runs one task per key at a time, and retries failures with backoff."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from local.nim_operator.store import Key

log = logging.getLogger(__name__)

Work = Callable[[Key], Awaitable[float | None]]
"""Reconciles a key and returns the seconds until the next run, None without one. Raises RetryError."""

FIRST_PAUSE = 0.005
# The real one waits up to 1000 s. Tests and demos need to see soon that a cause is repaired.
LONGEST_PAUSE = 5.0


class RetryError(Exception):
    """The work failed and has to be retried."""


class Queue:
    """Keys to reconcile, each in a task of its own, so that a waiting one doesn't block the others."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._idle: asyncio.Queue[Key] = asyncio.Queue()
        self._running: set[Key] = set()
        self._wanted: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def add(self, key: Key) -> None:
        """Enqueue a key. If it is being reconciled, it is reconciled once more afterwards."""
        self._wanted.add(key)
        if key not in self._running:
            self._running.add(key)
            self._idle.put_nowait(key)

    async def run(self) -> None:
        """Reconcile keys until cancelled, which also cancels running tasks."""
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
        """Reconcile once; return the seconds until the next run, None without one."""
        try:
            again = await self._work(key)
        except RetryError as reason:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            log.info("%s/%s: %s (attempt %d)", *key, reason, failures)
            return float(min(FIRST_PAUSE * 2 ** min(failures, 30), LONGEST_PAUSE))
        except Exception:
            log.exception("%s/%s: unexpected error in the stand-in", *key)
            return LONGEST_PAUSE
        self._failures.pop(key, None)
        return again
