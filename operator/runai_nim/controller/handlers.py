"""Kopf glue: the events of our own kind, and the life of the tasks beside them. Nothing else.

Only `on.event` is used: every other kind of handler stores its progress in the object.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import kopf

from runai_nim import __version__
from runai_nim.api import well_known
from runai_nim.config import log_format
from runai_nim.config.permissions import needed
from runai_nim.config.settings import Settings
from runai_nim.controller.cache import World
from runai_nim.controller.health import OwnWatch, Watched, serve_health
from runai_nim.controller.kopf_settings import OwnKind, Sessions, set_up
from runai_nim.controller.metrics import Metrics
from runai_nim.controller.reconciler import Reconciler
from runai_nim.controller.workqueue import Backoff, Key, KeyQueue
from runai_nim.kube.access_review import Permitted
from runai_nim.kube.client import RUNAI_NIM_SERVICES, ApiError, Cluster, Permit, log_unreadable
from runai_nim.kube.discovery import may_be_found
from runai_nim.kube.events import Events
from runai_nim.kube.host_lookup import Hosts
from runai_nim.kube.informer import ABSENT_KIND_SECONDS
from runai_nim.kube.leader_election import NAME, Election, NotLeaderError

logger = logging.getLogger(__name__)


class Operator:
    """The tasks of the process: watches, workers, the slow resync, and the answers to probes and scrapes.

    `name` is the replica's own, that of its Pod. `end` asks Kopf to end the process; `failed`: because one of them
    ended by an error, which only a restart mends.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self._metrics = Metrics(__version__, settings.dialect, settings.workers)
        backoff = Backoff(settings.backoff_initial_seconds, settings.backoff_max_seconds)
        self._queue = KeyQueue(backoff, self._metrics.queue)
        self._tasks: list[asyncio.Task[None]] = []
        self._cluster: Cluster | None = None
        self._election: Election | None = None
        self._waiting_for_lead: set[Key] = set()
        lease_namespace = settings.lease_namespace if settings.leader_election else None
        self._permitted = Permitted(needed(settings.namespaces, lease_namespace))
        self.own_watch = OwnWatch(settings.namespaces)
        self.world: World | None = None
        self.end = asyncio.Event()
        self.failed = False

    async def start(self) -> None:
        """Connect and start all tasks, in the event loop that Kopf runs in."""
        settings = self._settings
        self._cluster = await Cluster.connect(self._answered, self._permit(), self.unreadable)
        about = settings.watch_resync_seconds, self._metrics.watch_failed, settings.namespaces
        self.world = World(self._cluster, self._queue, *about)
        events = Events(self._cluster)
        hosts = Hosts(self._cluster, settings.namespaces, self._queue.add)
        reconciler = Reconciler(self._cluster, self.world, hosts, events, settings, self._metrics.services)
        for watch in self.world.watches:
            self._spawn(watch.run())
        self._measure(self.world)
        self._spawn(self.world.discovery.run())
        self._spawn(self._permitted.run(self._cluster, self.world.look_at_all))
        self._spawn(hosts.run())
        self._spawn(events.run())
        self._spawn(self._metrics.measure_event_loop())
        probed = (self.own_watch, *self.world.watches), self.world.discovery, self._permitted
        self._spawn(serve_health(settings.healthz_port, *probed, self._metrics.exposition))
        for namespace in settings.namespaces or ("",):
            self._spawn(self.world.follow(namespace))
            self._spawn(self._resync(self.world, namespace))
        for _ in range(settings.workers):
            self._spawn(self._work(reconciler))
        await self._own_kind(self._cluster)

    async def stop(self) -> None:
        """End all tasks; a write that was under way is repeated by whoever comes next."""
        self.end.set()  # Kopf waits for it, too
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._election is not None:
            await self._election.resign()
        if self._cluster is not None:
            await self._cluster.close()

    def kopf_credentials(self, **kwargs: Any) -> kopf.ConnectionInfo | None:
        """Kopf's way to the API server that all other requests of the process go to, in a Pod as outside of one.

        Kopf itself asks for kubernetes.default.svc in a Pod, which takes cluster DNS.
        """
        if self._cluster is None:
            return None
        login = kopf.login_with_service_account if self._cluster.in_pod else kopf.login_with_kubeconfig
        found = login(**kwargs)
        url, _ = self._cluster.address
        return replace(found, server=url) if found else None

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.critical("a task failed, the process ends", exc_info=error)
            self.failed = True
            self.end.set()

    def _permit(self) -> Permit:
        """Who is asked before each write: the election, where there is one."""
        if not self._settings.leader_election:
            self._metrics.leading(NAME, lambda: True)
            return lambda: None
        loop = asyncio.get_running_loop()
        self._election = election = Election(
            self._name,
            str(self._settings.lease_namespace),
            self._settings.lease_seconds,
            lambda: loop.call_soon_threadsafe(self._look_again),
            lambda *about: loop.call_soon_threadsafe(self._answered, *about),
        )
        self._metrics.leading(NAME, lambda: election.leads)
        self._spawn(election.run())
        return election.permit

    def _look_again(self) -> None:
        """Take up what was not written for want of the lead."""
        for key in self._waiting_for_lead:
            self._queue.add(key)
        self._waiting_for_lead.clear()

    def _answered(self, method: str, code: str, host: str) -> None:
        self._metrics.answered(method, code, host)
        if code == "403":
            self._permitted.doubt()

    def unreadable(self, kind: str, name: str, error: Exception) -> None:
        """An object was left out: said, and counted."""
        log_unreadable(kind, name, error)
        self._metrics.unreadable(kind)

    def note_listing(self, namespace: str, seen: set[Key], version: str) -> None:
        """Kopf has listed our own kind."""
        if self.world is not None:
            self.world.note_listing(namespace, seen, version)

    def watch_failed(self, kind: str, reason: str) -> None:
        """A watch broke, after which the kind is listed anew."""
        self._metrics.watch_failed(kind, reason)

    def _measure(self, world: World) -> None:
        """Metrics of every kind and every permission, the worst of all namespaces each."""
        kinds: defaultdict[str, list[Watched]] = defaultdict(list)
        for watched in (self.own_watch, *world.watches):
            kinds[watched.resource.plural].append(watched)
        for kind, found in kinds.items():
            self._metrics.watch_age(kind, partial(_oldest, found))
        for access in self._permitted.needed:
            self._metrics.permission(access.group, access.resource, access.verb, partial(self._permitted.lacks, access))

    async def _own_kind(self, cluster: Cluster) -> None:
        """Wait until our own kind is served: Kopf looks for it once only, since it may not read the CRDs."""
        while not await may_be_found(cluster, RUNAI_NIM_SERVICES):
            self.own_watch.waits()
            await asyncio.sleep(ABSENT_KIND_SECONDS)
        self.own_watch.waits()

    async def _work(self, reconciler: Reconciler) -> None:
        async def handle(key: Key) -> float | None:
            log_format.about(key)
            self._waiting_for_lead.discard(key)
            try:
                return await self._metrics.passes.measured(reconciler.reconcile(key))
            except NotLeaderError:
                self._waiting_for_lead.add(key)
                return None
            except ApiError as error:
                reason = error.reason or ("NoAnswer" if error.status == 0 else str(error.status))
                logger.warning("will be tried again", extra={"reason": reason, "error": str(error)})
                raise
            except Exception as error:
                logger.exception("unexpected error, will be tried again", extra={"reason": type(error).__name__})
                raise

        await self._queue.work(handle)

    async def _resync(self, world: World, namespace: str) -> None:
        while True:
            await asyncio.sleep(self._settings.watch_resync_seconds)
            try:
                await world.resync(namespace)
            except ApiError as error:
                logger.warning("resync failed", extra={"error": str(error)})


def _oldest(found: Iterable[Watched]) -> float:
    return max(watched.age for watched in found)


def make_registry(operator: Operator) -> kopf.OperatorRegistry:
    """The handlers of `operator`, in a registry of their own."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)  # a restart is sooner than Kopf's next try
    async def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        set_up(settings)
        try:
            await operator.start()
        except BaseException:
            operator.end.set()  # or Kopf would wait for it
            raise

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        await operator.stop()

    sessions = Sessions(
        operator.own_watch.trace, OwnKind(operator.unreadable, operator.watch_failed, operator.note_listing)
    )

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.AiohttpSession | None:
        credentials = operator.kopf_credentials(**kwargs)
        return sessions.of(credentials) if credentials else None

    @kopf.on.event(well_known.GROUP, well_known.VERSION, well_known.PLURAL, registry=registry)
    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        if operator.world is None:
            return
        if event["type"] == "DELETED":
            operator.world.resource_gone(event["object"])
        else:
            operator.world.resource_seen(event["object"])

    return registry
