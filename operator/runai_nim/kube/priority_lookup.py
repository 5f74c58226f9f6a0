"""Looks up by name whether a PriorityClass exists; answers are kept for some minutes, and nothing is watched."""

import asyncio
import time
from typing import Final, NamedTuple

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import PRIORITY_CLASSES
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger: FilteringBoundLogger = structlog.get_logger(__name__)

KEEP_SECONDS: Final = 300.0
"""How long an answer is kept, that the request is forbidden too. A resync looks at every RunaiNimService again."""
RETRY_SECONDS: Final = 30.0
"""How long the previous answer is kept after a request that failed."""
TIMEOUT_SECONDS: Final = 3.0
"""Of one request: a decision waits for it."""


class _Answer(NamedTuple):
    exists: bool | None
    until: float


class PriorityClassLookup:
    """Whether PriorityClasses exist. It keeps at most one answer for each of the seven priorities."""

    def __init__(self, cluster: KubeClient) -> None:
        self._cluster = cluster
        self._answers: dict[str, _Answer] = {}
        self._reading = asyncio.Lock()

    async def exists(self, name: str) -> bool | None:
        """Whether it exists; None if that is unknown, as without the permission to get PriorityClasses."""
        if (answer := self._kept(name)) is not None:
            return answer.exists
        async with self._reading:  # whoever waited here finds the answer
            answer = self._kept(name)
            if answer is None:
                answer = self._answers[name] = await self._read(name)
        return answer.exists

    def _kept(self, name: str) -> _Answer | None:
        answer = self._answers.get(name)
        return answer if answer is not None and answer.until > time.monotonic() else None

    async def _read(self, name: str) -> _Answer:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await self._cluster.get(PRIORITY_CLASSES, "", name, metadata_alone=True)
        except ApiError as error:
            if error.status == 403:
                return _Answer(None, time.monotonic() + KEEP_SECONDS)
            failure = str(error)
        except TimeoutError:
            failure = "timeout"
        else:
            return _Answer(found is not None, time.monotonic() + KEEP_SECONDS)
        logger.warning("read failed, retrying", kind=PRIORITY_CLASSES.plural, object=name, error=failure)
        before = self._answers.get(name)
        return _Answer(before.exists if before else None, time.monotonic() + RETRY_SECONDS)
