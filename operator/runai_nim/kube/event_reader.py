"""Reads events about objects that are stuck: one request at a time, ever more seldom, never a watch.

The API server looks through all events of a namespace for each request, so there are few of them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.observed import ObservedEvent, newest_by_reason, say_the_same
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger: FilteringBoundLogger = structlog.get_logger(__name__)

REPEAT_SECONDS: Final = 30.0, 300.0
"""How often events about one object are read, at first and at last: twice as long while they stay the same."""
PAUSE_SECONDS: Final = 0.2
"""Between two reads, whatever they are about."""
TIMEOUT_SECONDS: Final = 10.0
"""Of one read."""
FORBIDDEN_SECONDS: Final = 300.0
"""How long a namespace is left alone after a 403."""


class Query(Protocol):
    """Which events are wanted, and in how many seconds (0 or less: now)."""

    @property
    def about(self) -> str:
        """What they are about, for telling queries apart."""

    @property
    def selector(self) -> str:
        """A field selector."""

    @property
    def seconds(self) -> float:
        """From now."""


@dataclass(slots=True)
class _Answer:
    events: tuple[ObservedEvent, ...] = ()
    interval: float = REPEAT_SECONDS[0]
    next_at: float = 0.0


class EventReader:
    """Answers requests by RunaiNimService key; calls `enqueue` with the key when an answer says something new."""

    def __init__(self, cluster: KubeClient, enqueue: Callable[[ObjectKey], object]) -> None:
        self._cluster = cluster
        self._enqueue = enqueue
        self._answers: dict[ObjectKey, dict[str, _Answer]] = {}
        self._pending: dict[tuple[ObjectKey, str], Query] = {}
        self._forbidden: dict[str, float] = {}
        self._wake = asyncio.Event()

    def ask(
        self, key: ObjectKey, queries: Iterable[Query]
    ) -> tuple[Mapping[str, tuple[ObservedEvent, ...]], float | None]:
        """What is known of the events that are wanted, by `about`, and in how many seconds to ask again.

        Raises NotLeaderError where somebody else reads and writes.
        """
        wanted = {query.about: query for query in queries}
        before = self._answers.pop(key, {})
        if not wanted:
            return {}, None
        answers = self._answers[key] = {about: before.get(about, _Answer()) for about in wanted}
        dues = [self._schedule(key, query, answers[about]) for about, query in wanted.items()]
        return {about: answer.events for about, answer in answers.items()}, min(dues)

    def forget(self, key: ObjectKey) -> None:
        """The RunaiNimService is gone."""
        self._answers.pop(key, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._wake.wait()
            while self._pending:
                key, about = next(iter(self._pending))
                query = self._pending.pop((key, about))
                if answer := self._answers.get(key, {}).get(about):
                    await self._read(key, query, answer)
                    await asyncio.sleep(PAUSE_SECONDS)
            self._wake.clear()

    def _schedule(self, key: ObjectKey, query: Query, answer: _Answer) -> float:
        """Have the events read if it is time for it; the seconds until it is time again."""
        now = time.monotonic()
        due = max(query.seconds, answer.next_at - now, self._forbidden.get(key[0], 0.0) - now)
        if due > 0:
            return due
        self._cluster.permit()
        answer.next_at = now + answer.interval
        self._pending[key, query.about] = query
        self._wake.set()
        return answer.interval

    async def _read(self, key: ObjectKey, query: Query, answer: _Answer) -> None:
        about = {"object": "/".join(key), "about": query.about}
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await self._cluster.events(key[0], query.selector)
        except ApiError as error:
            if error.status == 403:
                self._leave_alone(key[0], error)
            else:
                logger.warning("reading events failed, retrying", **about, error=str(error))
            return
        except TimeoutError:
            logger.warning("reading events failed, retrying", **about, error="timeout")
            return
        events = newest_by_reason(found)
        if say_the_same(answer.events, events):
            answer.interval = min(2 * answer.interval, REPEAT_SECONDS[1])
            answer.next_at = time.monotonic() + answer.interval
            return
        answer.events = events
        answer.interval = REPEAT_SECONDS[0]
        self._enqueue(key)

    def _leave_alone(self, namespace: str, error: ApiError) -> None:
        if namespace not in self._forbidden:
            logger.warning(
                "events may not be read, the status does without them", namespace=namespace, error=str(error)
            )
        self._forbidden[namespace] = time.monotonic() + FORBIDDEN_SECONDS
