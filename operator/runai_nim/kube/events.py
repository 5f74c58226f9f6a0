"""Records Kubernetes Events about RunaiNimServices on transitions; repeated events increase a count.

Events are posted in the background. An Event that can't be posted is dropped.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from cachetools import LRUCache
from structlog.typing import FilteringBoundLogger

from runai_nim.api import well_known
from runai_nim.domain import names
from runai_nim.domain.reasons import EventType
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

logger: FilteringBoundLogger = structlog.get_logger(__name__)

_MAX_QUEUED: Final = 1000
_MAX_REMEMBERED: Final = 4096
_MAX_MESSAGE_LENGTH: Final = 1000


class EventRecorder:
    """Posts events one after the other; if too many are queued, it drops the newest."""

    def __init__(self, cluster: KubeClient) -> None:
        self._cluster = cluster
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MAX_QUEUED)
        self._counts: LRUCache[str, tuple[int, str]] = LRUCache(_MAX_REMEMBERED)
        """Count and first time of each event, by `namespace/name`."""

    def post(self, cr: Mapping[str, Any], type_: EventType, reason: str, message: str) -> None:
        """Queue an Event for a transition of `cr`."""
        event = self._event(cr["metadata"], type_, reason, message[:_MAX_MESSAGE_LENGTH])
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            logger.warning("event dropped, the queue is full", reason=reason)

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._cluster.write_event(event)
            except ApiError as error:
                logger.warning("event not posted", reason=event["reason"], error=str(error))

    def _event(self, metadata: Mapping[str, Any], type_: EventType, reason: str, message: str) -> dict[str, Any]:
        name = f"{metadata['name']}.{names.short_hash(metadata['uid'] + reason + message)}"
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        count, first = self._counts.get(f"{metadata['namespace']}/{name}", (0, now))
        self._counts[f"{metadata['namespace']}/{name}"] = (count + 1, first)
        about = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {"apiVersion": well_known.API_VERSION, "kind": well_known.KIND, **about},
            "type": type_,
            "reason": reason,
            "message": message,
            "count": count + 1,
            "firstTimestamp": first,
            "lastTimestamp": now,
            "source": {"component": well_known.FIELD_MANAGER},
            "reportingComponent": well_known.FIELD_MANAGER,
        }
