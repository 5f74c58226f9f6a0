"""Polls one object that the operator may get but not list and watch: a namespace in `settings.namespaces`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim.api.resources import ObjectKey, Resource
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.resource_version import VersionedObject

logger: FilteringBoundLogger = structlog.get_logger(__name__)

POLL_SECONDS: Final = 10.0
"""Polling interval."""


class Poller:
    """Polls the cluster-scoped object with that name. `objects` is shared with other pollers; `on_change` is as in
    Informer."""

    def __init__(
        self,
        cluster: KubeClient,
        resource: Resource,
        name: str,
        *,
        project: Callable[[Mapping[str, Any]], VersionedObject],
        on_change: Callable[[ObjectKey, Any, Any], None],
        objects: dict[ObjectKey, Any],
    ) -> None:
        self.resource = resource
        self.objects = objects
        self.synced = asyncio.Event()
        self._cluster = cluster
        self._name = name
        self._project = project
        self._on_change = on_change
        self._last_response = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the API server last sent anything about it."""
        return time.monotonic() - self._last_response

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                self._store(await self._cluster.get(self.resource, "", self._name))
                self._last_response = time.monotonic()
                self.synced.set()
            except ApiError as error:
                if error.status == 403:
                    self._last_response = time.monotonic()  # a restart would not help
                logger.warning("read failed, retrying", kind=self.resource.plural, object=self._name, error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    def _store(self, obj: Mapping[str, Any] | None) -> None:
        key = ("", self._name)
        old = self.objects.pop(key, None)
        new = None if obj is None else self._project(obj)
        if new is not None:
            self.objects[key] = new
        if old != new:
            self._on_change(key, old, new)
