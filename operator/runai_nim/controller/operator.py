"""The operator process: informers, workers, resync, leader election, probes and metrics."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from runai_nim import __version__
from runai_nim.api.resources import RUNAI_NIM_SERVICES, ObjectKey
from runai_nim.config import log_format
from runai_nim.config.permissions import required_access
from runai_nim.config.settings import Settings
from runai_nim.controller.cache import ClusterCache
from runai_nim.controller.health import KopfWatch, WatchedKind, serve_health
from runai_nim.controller.metrics import OperatorMetrics
from runai_nim.controller.policy_counter import PolicyCounter
from runai_nim.controller.policy_reporter import PolicyReporter
from runai_nim.controller.reconciler import Reconciler
from runai_nim.controller.workqueue import BACKGROUND_WORKERS, Backoff, WorkQueue
from runai_nim.kube.access_review import PermissionMonitor
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient, log_unreadable
from runai_nim.kube.discovery import is_served
from runai_nim.kube.event_reader import EventReader
from runai_nim.kube.events import EventRecorder
from runai_nim.kube.host_lookup import HostLookup
from runai_nim.kube.informer import ABSENT_KIND_RETRY_SECONDS
from runai_nim.kube.leader_election import LEASE_NAME, LeaderElection, NotLeaderError
from runai_nim.kube.transport import WriteGate

logger: FilteringBoundLogger = structlog.get_logger(__name__)


class Operator:
    """Runs the tasks of the process: informers, workers, resync, leader election, probes and metrics.

    `name`: the name of the replica's Pod. `stop_requested` asks Kopf to end the process. `has_failed`: a task failed,
    and the process must restart.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._metrics = OperatorMetrics(__version__, settings.dialect, settings.workers)
        backoff = Backoff(settings.backoff_initial_seconds, settings.backoff_max_seconds)
        self._queue = WorkQueue(backoff, self._metrics.queue)
        self._tasks: list[asyncio.Task[None]] = []
        self.client: KubeClient | None = None
        self._election: LeaderElection | None = None
        self._waiting_for_leadership: set[ObjectKey] = set()
        lease_namespace = settings.lease_namespace if settings.leader_election else None
        self._permissions = PermissionMonitor(required_access(settings.namespaces, lease_namespace))
        self.own_watch = KopfWatch(settings.namespaces)
        self.cache: ClusterCache | None = None
        self.stop_requested = asyncio.Event()
        self.has_failed = False

    async def start(self) -> None:
        """Connect and start all tasks, in the event loop that Kopf runs in."""
        settings = self._settings
        self.client = client = await KubeClient.connect(self._observe_response, self._write_gate(), self.unreadable)
        self.cache = ClusterCache(
            client,
            self._queue,
            resync_seconds=settings.watch_resync_seconds,
            on_failure=self._metrics.watch_failed,
            namespaces=settings.namespaces,
        )
        events = EventRecorder(client)
        hosts = HostLookup(client, settings.namespaces, self._queue.add)
        event_reader = EventReader(client, self._queue.add)
        reconciler = Reconciler(
            client,
            self.cache,
            hosts=hosts,
            event_reader=event_reader,
            events=events,
            settings=settings,
            metrics=self._metrics.services,
        )
        for watch in self.cache.informers:
            self._spawn(watch.run())
        self._register_gauges(self.cache)
        self._spawn(self.cache.discovery.run())
        self._spawn(self._permissions.run(client, self.cache.enqueue_all))
        self._spawn(hosts.run())
        self._spawn(event_reader.run())
        self._spawn(events.run())
        self._spawn(PolicyReporter(client, self.cache, self._metrics.policies, PolicyCounter(self.cache)).run())
        self._spawn(self._metrics.measure_event_loop())
        self._spawn(self._serve_health(self.cache))
        for namespace in settings.namespaces or ("",):
            self._spawn(self.cache.start_deciding(namespace))
            self._spawn(self._resync(self.cache, namespace))
        for number in range(settings.workers + BACKGROUND_WORKERS):
            self._spawn(self._work(reconciler, in_background=number >= settings.workers))
        await self._wait_for_own_kind(client)

    async def stop(self) -> None:
        """Stop all tasks; the next process or leader repeats interrupted writes."""
        self.stop_requested.set()  # Kopf also waits for it
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._election is not None:
            await self._election.resign()
        if self.client is not None:
            await self.client.close()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        task.add_done_callback(self._on_task_end)
        self._tasks.append(task)

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.critical("task failed, the process exits", exc_info=error)
            self.has_failed = True
            self.stop_requested.set()

    def _write_gate(self) -> WriteGate:
        """The check before each write: whether this replica is the leader, if there is an election."""
        if not self._settings.leader_election:
            self._metrics.register_leader(LEASE_NAME, lambda: True)
            return lambda: None
        loop = asyncio.get_running_loop()
        self._election = election = LeaderElection(
            self._name,
            namespace=str(self._settings.lease_namespace),
            seconds=self._settings.lease_seconds,
            on_granted=lambda: loop.call_soon_threadsafe(self._requeue_waiting),
            observe_response=lambda *about: loop.call_soon_threadsafe(self._observe_response, *about),
        )
        self._metrics.register_leader(LEASE_NAME, lambda: election.is_leader)
        self._spawn(election.run())
        return election.require_leader

    def _requeue_waiting(self) -> None:
        """Requeue the keys whose writes failed because this replica was not the leader."""
        for key in self._waiting_for_leadership:
            self._queue.add(key)
        self._waiting_for_leadership.clear()

    def _observe_response(self, method: str, code: str, host: str) -> None:
        self._metrics.count_response(method, code, host)
        if code == "403":
            self._permissions.recheck()

    def unreadable(self, kind: str, name: str, error: Exception) -> None:
        """Log and count a skipped object."""
        log_unreadable(kind, name, error)
        self._metrics.unreadable(kind)

    def note_listing(self, namespace: str, seen: set[ObjectKey], version: str) -> None:
        """Handle a complete LIST of RunaiNimServices by Kopf."""
        if self.cache is not None:
            self.cache.resources.note_listing(namespace, seen, version)

    def watch_failed(self, kind: str, reason: str) -> None:
        """Count a failed watch."""
        self._metrics.watch_failed(kind, reason)

    async def _serve_health(self, cache: ClusterCache) -> None:
        await serve_health(
            self._settings.healthz_port,
            watches=(self.own_watch, *cache.informers),
            discovery=cache.discovery,
            permissions=self._permissions,
            exposition=self._metrics.exposition,
        )

    def _register_gauges(self, cache: ClusterCache) -> None:
        """Register a metric for each kind and each permission, with the worst value of all namespaces."""
        kinds: defaultdict[str, list[WatchedKind]] = defaultdict(list)
        for kind_watch in (self.own_watch, *cache.informers):
            kinds[kind_watch.resource.plural].append(kind_watch)
        for kind, informers in kinds.items():
            self._metrics.register_watch_age(kind, partial(_max_age, informers))
        self._metrics.register_terminating(lambda: len(cache.observed.terminating_nimservices))
        for access in self._permissions.required:
            self._metrics.register_permission(
                access.group, access.resource, access.verb, partial(self._permissions.is_missing, access)
            )

    async def _wait_for_own_kind(self, cluster: KubeClient) -> None:
        """Wait until RunaiNimService is served: Kopf looks for it only once, because it may not watch CRDs."""
        while not await is_served(cluster, RUNAI_NIM_SERVICES):
            self.own_watch.reset()
            await asyncio.sleep(ABSENT_KIND_RETRY_SECONDS)
        self.own_watch.reset()

    async def _work(self, reconciler: Reconciler, *, in_background: bool = False) -> None:
        async def reconcile(key: ObjectKey) -> float | None:
            log_format.set_log_subject(key)
            self._waiting_for_leadership.discard(key)
            try:
                return await self._metrics.reconciles.measure(reconciler.reconcile(key))
            except NotLeaderError:
                self._waiting_for_leadership.add(key)
                return None
            except ApiError as error:
                reason = error.reason or ("NoAnswer" if error.status == 0 else str(error.status))
                logger.warning("reconciliation failed, requeued", reason=reason, error=str(error))
                raise
            except Exception as error:
                logger.exception("unexpected error, requeued", reason=type(error).__name__)
                raise

        await self._queue.run_worker(reconcile, in_background=in_background)

    async def _resync(self, cache: ClusterCache, namespace: str) -> None:
        while True:
            await asyncio.sleep(self._settings.watch_resync_seconds)
            try:
                await cache.resources.resync(namespace)
            except ApiError as error:
                logger.warning("resync failed", error=str(error))


def _max_age(informers: Iterable[WatchedKind]) -> float:
    return max(watched.age for watched in informers)
