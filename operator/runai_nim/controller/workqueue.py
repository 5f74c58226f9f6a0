"""The work queue: deduplicates keys, serializes the work on each key, and requeues failed keys with backoff."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Protocol

from runai_nim.api.resources import ObjectKey

BACKGROUND_WORKERS: Final = 2
"""Workers for what nobody waits for. With more, thousands of such keys would delay everything else."""


class QueueMetrics(Protocol):
    """What a work queue reports; `controller.metrics` counts it."""

    def on_add(self, key: Hashable) -> None:
        """`key` was queued."""

    def on_get(self, key: Hashable) -> None:
        """A worker took `key`."""

    def on_done(self, key: Hashable) -> None:
        """A worker finished `key`, with or without an error."""

    def on_retry(self) -> None:
        """A key failed and is requeued."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delay after the n-th consecutive failure: doubles from `initial` to `maximum`, minus a random part of up to half.

    The jitter prevents thousands of keys that failed together from being retried together.
    """

    initial: float
    maximum: float

    def seconds(self, failures: int) -> float:
        """The delay after `failures` (1 or more) consecutive failures."""
        whole = min(self.maximum, self.initial * 2.0 ** min(failures - 1, 60))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret


class _FairQueue(asyncio.Queue[ObjectKey]):
    """Round-robin between namespaces, first in first out within each.

    Thousands of failing keys in one namespace therefore don't delay the keys of another.
    """

    def _init(self, maxsize: int) -> None:
        self._queue: dict[str, dict[ObjectKey, None]] = {}

    def _put(self, item: ObjectKey) -> None:
        self._queue.setdefault(item[0], {})[item] = None

    def _get(self) -> ObjectKey:
        namespace = next(iter(self._queue))
        keys = self._queue.pop(namespace)
        key = next(iter(keys))
        del keys[key]
        if keys:
            self._queue[namespace] = keys  # behind the others
        return key

    def discard(self, key: ObjectKey) -> bool:
        """Remove a key; whether it was there."""
        keys = self._queue.get(key[0], {})
        if key not in keys:
            return False
        del keys[key]
        if not keys:
            del self._queue[key[0]]
        return True


class WorkQueue:
    """Keys that wait to be reconciled, each at most once.

    A key that is added while a worker processes it is queued again afterwards. All methods must be called in one event
    loop.
    """

    def __init__(self, backoff: Backoff, metrics: QueueMetrics) -> None:
        self._backoff = backoff
        self._metrics = metrics
        self._ready = _FairQueue()
        self._background = _FairQueue()
        self._queued: set[ObjectKey] = set()
        self._processing: set[ObjectKey] = set()
        self._dirty: dict[ObjectKey, set[Hashable]] = {}
        """Keys that were added while being processed, with the causes."""
        self._timers: dict[ObjectKey, asyncio.TimerHandle] = {}
        self._throttled: set[ObjectKey] = set()
        self._failures: dict[ObjectKey, int] = {}

    def add(self, key: ObjectKey, cause: Hashable = None) -> None:
        """Queue `key`; this ends a delay, unless the API server requested it by Retry-After.

        `forget_own_write` with the same `cause` cancels it.
        """
        if key in self._throttled:
            return
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key not in self._queued:
            self._put(self._ready, key, cause)
        elif self._background.discard(key):
            self._ready.put_nowait(key)

    def add_background(self, key: ObjectKey) -> None:
        """Queue `key` for the workers of the background; a delay goes on."""
        if key not in self._throttled and key not in self._queued:
            self._put(self._background, key, None)

    def _put(self, queue: _FairQueue, key: ObjectKey, cause: Hashable) -> None:
        if key in self._processing:
            self._dirty.setdefault(key, set()).add(cause)
            return
        self._queued.add(key)
        self._metrics.on_add(key)
        queue.put_nowait(key)

    def forget_own_write(self, key: ObjectKey, cause: Hashable) -> None:
        """Drop a pending requeue of `key` whose only cause is the reconciliation's own write."""
        self._dirty.get(key, set()).discard(cause)

    def add_after(self, key: ObjectKey, seconds: float) -> None:
        """Queue `key` after a delay, unless it is added earlier."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._on_timer, key)

    def _on_timer(self, key: ObjectKey) -> None:
        self._throttled.discard(key)
        self.add(key)

    async def run_worker(
        self, handle: Callable[[ObjectKey], Awaitable[float | None]], *, in_background: bool = False
    ) -> None:
        """Process keys forever, or those in the background. `handle` returns the seconds until it requeues, or None.

        After an exception the key is requeued with backoff, and not before the exception's `retry_after` seconds, if it
        has that attribute. `handle` must log the exception.
        """
        queue = self._background if in_background else self._ready
        while True:
            key = await queue.get()
            self._queued.discard(key)
            self._processing.add(key)
            self._metrics.on_get(key)
            try:
                seconds = await handle(key)
                self._failures.pop(key, None)
            except Exception as error:
                self._failures[key] = self._failures.get(key, 0) + 1
                self._metrics.on_retry()
                # An event meanwhile must not bypass the backoff: with a busy object every failure would loop.
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
