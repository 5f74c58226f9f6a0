"""The queue of keys to reconcile: each key once, never twice at the same time, failed ones after a growing wait.

It knows no kind and does no I/O.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from runai_nim.controller.metrics import QueueMetrics

Key = tuple[str, str]
"""Namespace and name of a RunaiNimService."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after the n-th failure in a row: doubling from `initial` to `longest`, less up to half at random.

    The random part keeps thousands of keys that failed together from coming back together.
    """

    initial: float
    longest: float

    def seconds(self, failures: int) -> float:
        """The wait after `failures` (1 or more) failures in a row."""
        whole = min(self.longest, self.initial * 2.0 ** min(failures - 1, 60))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret


class _ByTurns(asyncio.Queue[Key]):
    """Namespaces have their turn one after the other; within one, the key that came first is first.

    So thousands of keys of one namespace, broken and coming back all the time, cost another's key no wait.
    """

    def _init(self, maxsize: int) -> None:
        self._queue: dict[str, deque[Key]] = {}

    def _put(self, item: Key) -> None:
        self._queue.setdefault(item[0], deque()).append(item)

    def _get(self) -> Key:
        namespace = next(iter(self._queue))
        keys = self._queue.pop(namespace)
        key = keys.popleft()
        if keys:
            self._queue[namespace] = keys  # behind the others
        return key


class KeyQueue:
    """Keys waiting to be reconciled: no more than there are resources, for each is there once.

    A key that is added while it waits is there once; added while it is being worked on, it is worked on once more
    afterwards. All methods belong to one event loop.
    """

    def __init__(self, backoff: Backoff, metrics: QueueMetrics) -> None:
        self._backoff, self._metrics = backoff, metrics
        self._ready = _ByTurns()
        self._waiting: set[Key] = set()
        self._working: set[Key] = set()
        self._again: dict[Key, set[Hashable]] = {}
        """Keys to work on once more, and what caused each."""
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._told_to_wait: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def add(self, key: Key, cause: Hashable = None) -> None:
        """Work on `key` as soon as a worker is free; a wait that it is in ends, unless the API server asked for it.

        `cause` is what `withdraw` takes back.
        """
        if key in self._told_to_wait:
            return
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._working:
            self._again.setdefault(key, set()).add(cause)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._metrics.added(key)
            self._ready.put_nowait(key)

    def withdraw(self, key: Key, cause: Hashable) -> None:
        """`cause` is the work on `key` itself: without another cause the key is not worked on once more."""
        self._again.get(key, set()).discard(cause)

    def add_after(self, key: Key, seconds: float) -> None:
        """Work on `key` after that time, unless something adds it earlier."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._waited, key)

    def _waited(self, key: Key) -> None:
        self._told_to_wait.discard(key)
        self.add(key)

    async def work(self, handle: Callable[[Key], Awaitable[float | None]]) -> None:
        """Take keys and `handle` each, for ever. It returns the seconds after which to look at the key again, if any.

        An exception is a failure: the key comes back after its backoff, at least `retry_after` seconds where the
        exception has that attribute. Reporting the exception is `handle`'s business.
        """
        while True:
            key = await self._ready.get()
            self._waiting.discard(key)
            self._working.add(key)
            self._metrics.taken(key)
            try:
                seconds = await handle(key)
                self._failures.pop(key, None)
            except Exception as error:
                self._failures[key] = self._failures.get(key, 0) + 1
                self._metrics.failed()
                # An event meanwhile is no reason to hurry: beside a busy object every failure would become a loop.
                self._again.pop(key, None)
                asked = getattr(error, "retry_after", 0.0)
                seconds = max(self._backoff.seconds(self._failures[key]), asked)
                if asked:
                    self._told_to_wait.add(key)
            finally:
                self._working.discard(key)
                self._metrics.done(key)
            if self._again.pop(key, None):
                self.add(key)
            elif seconds is not None:
                self.add_after(key, seconds)
