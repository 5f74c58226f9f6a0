"""The queue of keys to reconcile: each key once, never twice at the same time, failed ones after a growing wait.

It knows no kind and does no I/O.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from runai_nim.api.resources import ObjectKey


class QueueMetrics(Protocol):
    """What a work queue reports; `controller.metrics` counts it."""

    def on_add(self, key: Hashable) -> None:
        """`key` waits for a worker from now on."""

    def on_get(self, key: Hashable) -> None:
        """A worker took `key`."""

    def on_done(self, key: Hashable) -> None:
        """The worker is done with `key`, whatever came of it."""

    def on_retry(self) -> None:
        """A key failed and will come back."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after the n-th failure in a row: doubling from `initial` to `maximum`, less up to half at random.

    The random part keeps thousands of keys that failed together from coming back together.
    """

    initial: float
    maximum: float

    def seconds(self, failures: int) -> float:
        """The wait after `failures` (1 or more) failures in a row."""
        whole = min(self.maximum, self.initial * 2.0 ** min(failures - 1, 60))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret


class _FairQueue(asyncio.Queue[ObjectKey]):
    """Namespaces have their turn one after the other; within one, the key that came first is first.

    So thousands of keys of one namespace, broken and coming back all the time, cost another's key no wait.
    """

    def _init(self, maxsize: int) -> None:
        self._queue: dict[str, deque[ObjectKey]] = {}

    def _put(self, item: ObjectKey) -> None:
        self._queue.setdefault(item[0], deque()).append(item)

    def _get(self) -> ObjectKey:
        namespace = next(iter(self._queue))
        keys = self._queue.pop(namespace)
        key = keys.popleft()
        if keys:
            self._queue[namespace] = keys  # behind the others
        return key


class WorkQueue:
    """Keys waiting to be reconciled: no more than there are resources, for each is there once.

    A key that is added while it waits is there once; added while it is being worked on, it is worked on once more
    afterwards. All methods belong to one event loop.
    """

    def __init__(self, backoff: Backoff, metrics: QueueMetrics) -> None:
        self._backoff, self._metrics = backoff, metrics
        self._ready = _FairQueue()
        self._queued: set[ObjectKey] = set()
        self._processing: set[ObjectKey] = set()
        self._dirty: dict[ObjectKey, set[Hashable]] = {}
        """Keys to work on once more, and what caused each."""
        self._timers: dict[ObjectKey, asyncio.TimerHandle] = {}
        self._throttled: set[ObjectKey] = set()
        self._failures: dict[ObjectKey, int] = {}

    def add(self, key: ObjectKey, cause: Hashable = None) -> None:
        """Work on `key` as soon as a worker is free; a wait that it is in ends, unless the API server asked for it.

        `cause` is what `forget_own_write` takes back.
        """
        if key in self._throttled:
            return
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._processing:
            self._dirty.setdefault(key, set()).add(cause)
        elif key not in self._queued:
            self._queued.add(key)
            self._metrics.on_add(key)
            self._ready.put_nowait(key)

    def forget_own_write(self, key: ObjectKey, cause: Hashable) -> None:
        """`cause` is the work on `key` itself: without another cause the key is not worked on once more."""
        self._dirty.get(key, set()).discard(cause)

    def add_after(self, key: ObjectKey, seconds: float) -> None:
        """Work on `key` after that time, unless something adds it earlier."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._on_timer, key)

    def _on_timer(self, key: ObjectKey) -> None:
        self._throttled.discard(key)
        self.add(key)

    async def run_worker(self, handle: Callable[[ObjectKey], Awaitable[float | None]]) -> None:
        """Take keys and `handle` each, for ever. It returns the seconds after which to look at the key again, if any.

        An exception is a failure: the key comes back after its backoff, at least `retry_after` seconds where the
        exception has that attribute. Reporting the exception is `handle`'s business.
        """
        while True:
            key = await self._ready.get()
            self._queued.discard(key)
            self._processing.add(key)
            self._metrics.on_get(key)
            try:
                seconds = await handle(key)
                self._failures.pop(key, None)
            except Exception as error:
                self._failures[key] = self._failures.get(key, 0) + 1
                self._metrics.on_retry()
                # An event meanwhile is no reason to hurry: beside a busy object every failure would become a loop.
                self._dirty.pop(key, None)
                retry_after = getattr(error, "retry_after", 0.0)
                seconds = max(self._backoff.seconds(self._failures[key]), retry_after)
                if retry_after:
                    self._throttled.add(key)
            finally:
                self._processing.discard(key)
                self._metrics.on_done(key)
            if self._dirty.pop(key, None):
                self.add(key)
            elif seconds is not None:
                self.add_after(key, seconds)
