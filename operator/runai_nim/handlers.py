"""Kopf glue: the events of our own kind, and the life of the tasks beside them. Nothing else.

Only `on.event` is used: every other kind of handler stores its progress in the object.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import kopf

from runai_nim import __version__, keys, logs
from runai_nim.cluster import ApiError, Cluster
from runai_nim.events import Events
from runai_nim.health import serve_health
from runai_nim.metrics import Metrics
from runai_nim.queueing import Backoff, Key, KeyQueue
from runai_nim.reconcile import Reconciler
from runai_nim.settings import Settings
from runai_nim.world import World

logger = logging.getLogger(__name__)


class Operator:
    """The tasks of the process: watches, workers, the slow resync, and the answers to probes and scrapes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics(__version__, settings.dialect, settings.workers)
        backoff = Backoff(settings.backoff_initial_seconds, settings.backoff_max_seconds)
        self._queue = KeyQueue(backoff, self._metrics.queue)
        self._tasks: list[asyncio.Task[None]] = []
        self._cluster: Cluster | None = None
        self.world: World | None = None

    async def start(self) -> None:
        """Connect and start all tasks, in the event loop that Kopf runs in."""
        self._cluster = await Cluster.connect(self._metrics.answered)
        self.world = World(self._cluster, self._queue.add)
        events = Events(self._cluster)
        reconciler = Reconciler(self._cluster, self.world, events, self._settings, self._metrics.services)
        for watch in self.world.watches:
            self._metrics.watch_age(watch.resource.plural, watch)
            self._spawn(watch.run())
        self._spawn(self.world.discovery.run())
        self._spawn(events.run())
        self._spawn(self._metrics.measure_event_loop())
        probed = self.world.watches, self.world.discovery
        self._spawn(serve_health(self._settings.healthz_port, *probed, self._metrics.exposition))
        self._spawn(self._resync(self.world))
        for _ in range(self._settings.workers):
            self._spawn(self._work(self.world, reconciler))

    async def stop(self) -> None:
        """End all tasks; a write that was under way is repeated by whoever comes next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._cluster is not None:
            await self._cluster.close()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(coroutine))

    async def _work(self, world: World, reconciler: Reconciler) -> None:
        await world.synced()

        async def handle(key: Key) -> float | None:
            logs.about(key)
            try:
                return await self._metrics.passes.measured(reconciler.reconcile(key))
            except ApiError as error:
                reason = error.reason or ("NoAnswer" if error.status == 0 else str(error.status))
                logger.warning("will be tried again", extra={"reason": reason, "error": str(error)})
                raise
            except Exception as error:
                logger.exception("unexpected error, will be tried again", extra={"reason": type(error).__name__})
                raise

        await self._queue.work(handle)

    async def _resync(self, world: World) -> None:
        while True:
            await asyncio.sleep(self._settings.watch_resync_seconds)
            try:
                await world.resync()
            except ApiError as error:
                logger.warning("resync failed", extra={"error": str(error)})


def make_registry(operator: Operator) -> kopf.OperatorRegistry:
    """The handlers of `operator`, in a registry of their own."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.watching.server_timeout = 300
        settings.watching.client_timeout = 310
        settings.watching.connect_timeout = 10
        settings.networking.request_timeout = 30
        settings.networking.error_backoffs = [1, 2, 5, 10, 20, 40, *[60] * 10_000]
        settings.posting.enabled = False
        await operator.start()

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        await operator.stop()

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(keys.GROUP, keys.VERSION, keys.PLURAL, registry=registry)
    async def seen(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002  # Kopf's name for it
        if operator.world is None:
            return
        if type == "DELETED":
            operator.world.resource_gone(dict(body))
        else:
            operator.world.resource_seen(dict(body))

    return registry
