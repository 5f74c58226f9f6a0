"""The work queue: deduplicates keys, serializes the work on each key, and requeues failed keys with backoff."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Protocol

from runai_nim.api.resources import ObjectKey

BACKGROUND_SHARE: Final = 4
"""Of so many keys one is taken from the background while both lanes have some."""


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


class _Lane:
    """Round-robin between namespaces, first in first out within each.

    Thousands of failing keys in one namespace therefore don't delay the keys of another.
    """

    def __init__(self) -> None:
        self._keys: dict[str, dict[ObjectKey, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def put(self, key: ObjectKey) -> None:
        self._keys.setdefault(key[0], {})[key] = None

    def get(self) -> ObjectKey:
        namespace = next(iter(self._keys))
        keys = self._keys.pop(namespace)
        key = next(iter(keys))
        del keys[key]
        if keys:
            self._keys[namespace] = keys  # behind the others
        return key

    def discard(self, key: ObjectKey) -> bool:
        """Whether the key was there."""
        keys = self._keys.get(key[0], {})
        if key not in keys:
            return False
        del keys[key]
        if not keys:
            del self._keys[key[0]]
        return True


_Entry = tuple[ObjectKey, bool]
"""A key, and whether it is in the background."""


class _FairQueue(asyncio.Queue[_Entry]):
    """Keys in the foreground, and in the background those that can wait: every fourth, or when nothing else waits."""

    def _init(self, maxsize: int) -> None:
        self._foreground = _Lane()
        self._background = _Lane()
        self._turn = 0

    def empty(self) -> bool:
        return not (self._foreground or self._background)

    def _put(self, item: _Entry) -> None:
        key, is_background = item
        (self._background if is_background else self._foreground).put(key)

    def _get(self) -> _Entry:
        self._turn = (self._turn + 1) % BACKGROUND_SHARE
        is_background = not self._foreground or (self._turn == 0 and bool(self._background))
        return (self._background if is_background else self._foreground).get(), is_background

    def promote(self, key: ObjectKey) -> None:
        """Move a key to the foreground if it waits in the background."""
        if self._background.discard(key):
            self._foreground.put(key)


class WorkQueue:
    """Keys that wait to be reconciled, each at most once.

    A key that is added while a worker processes it is queued again afterwards. All methods must be called in one event
    loop.
    """

    def __init__(self, backoff: Backoff, metrics: QueueMetrics) -> None:
        self._backoff = backoff
        self._metrics = metrics
        self._ready = _FairQueue()
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
        if key in self._queued:
            self._ready.promote(key)
        else:
            self._put(key, cause, is_background=False)

    def add_background(self, key: ObjectKey) -> None:
        """Queue `key` behind what users wait for; a delay goes on."""
        if key not in self._throttled and key not in self._queued:
            self._put(key, None, is_background=True)

    def _put(self, key: ObjectKey, cause: Hashable, *, is_background: bool) -> None:
        if key in self._processing:
            self._dirty.setdefault(key, set()).add(cause)
            return
        self._queued.add(key)
        self._metrics.on_add(key)
        self._ready.put_nowait((key, is_background))

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

    async def run_worker(self, handle: Callable[[ObjectKey], Awaitable[float | None]]) -> None:
        """Process keys forever. `handle` returns the seconds after which to requeue the key, or None.

        After an exception the key is requeued with backoff, and not before the exception's `retry_after` seconds, if it
        has that attribute. `handle` must log the exception.
        """
        while True:
            key, _ = await self._ready.get()
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
