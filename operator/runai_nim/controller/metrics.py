"""Prometheus metrics of the operator.

Metrics that controller-runtime or client-go also have use their names, labels and buckets, so that existing dashboards
and alerts work. docs/reference/metrics.md describes each metric.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectKey
from runai_nim.api.v1alpha1.status import Phase
from runai_nim.controller.gpu_metrics import GpuMetrics
from runai_nim.controller.policy_metrics import PolicyMetrics
from runai_nim.domain.status import time_to_ready
from runai_nim.kube.base_metrics import BaseMetrics

CONTROLLER: Final = well_known.KIND.lower()
"""Label `controller` and the queue's `name`, which controller-runtime derives from the kind."""
CONFLICT: Final = 409
NO_STATUS: Final = "NoStatus"
"""Label `phase` of a service without a status."""
_LAG_INTERVAL_SECONDS: Final = 1.0

_RECONCILE_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60),
)
_QUEUE_BUCKETS: Final = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000)
_READY_BUCKETS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
_LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class OperatorMetrics(BaseMetrics):
    """All metrics of one operator."""

    def __init__(self, version: str, dialect: str, workers: int) -> None:
        about = "Version of the operator and dialect of the scheduler"
        super().__init__("runai_nim_build", about, version=version, dialect=dialect)
        registry = self.registry
        self.queue = WorkQueueMetrics(registry)
        self.reconciles = ReconcileMetrics(registry, workers)
        self.services = ServiceMetrics(registry)
        self.policies = PolicyMetrics(registry)
        self._watch_age = Gauge(
            "runai_nim_watch_age_seconds",
            "Seconds since the last event or response of the API server about the kind",
            ("kind",),
            registry=registry,
        )
        self._watch_failures = Counter(
            "runai_nim_watch_failures_total",
            "Number of failed watches, each followed by a new LIST of the kind",
            ("kind", "reason"),
            registry=registry,
        )
        self._unreadable = Counter(
            "runai_nim_unreadable_objects_total",
            "Number of objects skipped because they could not be parsed",
            ("kind",),
            registry=registry,
        )
        self._missing = Gauge(
            "runai_nim_permission_missing",
            "1 if the operator lacks a permission that it needs",
            ("group", "resource", "verb"),
            registry=registry,
        )
        self._lag = Histogram(
            "runai_nim_event_loop_lag_seconds",
            "Delay with which the event loop resumes a sleeping task, measured once per second",
            buckets=_LAG_BUCKETS,
            registry=registry,
        )

    def register_leader(self, lease: str, leads: Callable[[], bool]) -> None:
        """Report at each scrape whether this process is the leader."""
        about = "Whether the process is master of the lease: 0 indicates backup, 1 master"
        status = Gauge("leader_election_master_status", about, ("name",), registry=self.registry)
        status.labels(lease).set_function(leads)

    def register_watch_age(self, kind: str, age: Callable[[], float]) -> None:
        """Report at each scrape the time since the informer of a kind last heard from the API server."""
        self._watch_age.labels(kind).set_function(age)
        self._unreadable.labels(kind)

    def register_terminating(self, count: Callable[[], int]) -> None:
        """Ask at each scrape how many NIMServices are being deleted."""
        about = "Number of NIMServices that are being deleted and wait for the NIM Operator to remove its finalizer"
        Gauge("runai_nim_nimservices_terminating", about, registry=self.registry).set_function(count)

    def watch_failed(self, kind: str, reason: str) -> None:
        """Count a failed watch; `reason` is the API server's, `NoAnswer`, or an exception's name."""
        self._watch_failures.labels(kind, reason).inc()

    def unreadable(self, kind: str) -> None:
        """Count a skipped object."""
        self._unreadable.labels(kind).inc()

    def register_permission(self, group: str, resource: str, verb: str, missing: Callable[[], bool]) -> None:
        """Report at each scrape whether a permission is missing."""
        self._missing.labels(group, resource, verb).set_function(missing)

    async def measure_event_loop(self) -> None:
        """Measure the event loop's delay until cancelled."""
        while True:
            expected_at = time.monotonic() + _LAG_INTERVAL_SECONDS
            await asyncio.sleep(_LAG_INTERVAL_SECONDS)
            self._lag.observe(max(0.0, time.monotonic() - expected_at))


class ReconcileMetrics:
    """Metrics of reconciliations, as in controller-runtime."""

    def __init__(self, registry: CollectorRegistry, workers: int) -> None:
        def make_metric(metric: Any, name: str, about: str, *labels: str, **more: Any) -> Any:
            return metric(f"controller_runtime_{name}", about, ("controller", *labels), registry=registry, **more)

        self._results = make_metric(Counter, "reconcile_total", "Number of reconciliations, by result", "result")
        for result in ("success", "requeue_after", "requeue", "error"):
            self._results.labels(CONTROLLER, result)
        errors = make_metric(Counter, "reconcile_errors_total", "Number of reconciliations that failed")
        self._errors = errors.labels(CONTROLLER)
        seconds = make_metric(
            Histogram, "reconcile_time_seconds", "Length of time per reconciliation", buckets=_RECONCILE_BUCKETS
        )
        self._seconds = seconds.labels(CONTROLLER)
        self._active = make_metric(Gauge, "active_workers", "Number of workers in a reconciliation").labels(CONTROLLER)
        most = make_metric(Gauge, "max_concurrent_reconciles", "Maximum number of concurrent reconciliations")
        most.labels(CONTROLLER).set(workers)

    async def measure(self, one: Awaitable[float | None]) -> float | None:
        """Await one reconciliation and count it by its result.

        A conflict is not an error: another client changed the object, and the key is requeued when the informer
        receives that change.
        """
        with self._active.track_inprogress(), self._seconds.time():
            try:
                due = await one
            except Exception as error:
                conflict = getattr(error, "status", 0) == CONFLICT
                self._results.labels(CONTROLLER, "requeue" if conflict else "error").inc()
                self._errors.inc(0 if conflict else 1)
                raise
            self._results.labels(CONTROLLER, "success" if due is None else "requeue_after").inc()
            return due


class WorkQueueMetrics:
    """Metrics of the work queue, as in client-go. Times are of the monotonic clock."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def make_metric(metric: Any, name: str, about: str, **more: Any) -> Any:
            return metric(f"workqueue_{name}", about, ("name",), registry=registry, **more).labels(CONTROLLER)

        self._added_at: dict[Hashable, float] = {}
        self._started_at: dict[Hashable, float] = {}
        self._adds = make_metric(Counter, "adds_total", "Number of keys added")
        self._retries = make_metric(Counter, "retries_total", "Number of keys requeued after a failure")
        self._waits = make_metric(
            Histogram, "queue_duration_seconds", "How long a key stays in the queue", buckets=_QUEUE_BUCKETS
        )
        self._works = make_metric(
            Histogram, "work_duration_seconds", "How long processing a key takes", buckets=_QUEUE_BUCKETS
        )
        make_metric(Gauge, "depth", "Number of keys that wait for a worker").set_function(lambda: len(self._added_at))
        make_metric(
            Gauge, "unfinished_work_seconds", "Seconds of work in progress, of all workers; steady growth: stuck"
        ).set_function(lambda: sum(self._running_seconds()))
        make_metric(
            Gauge, "longest_running_processor_seconds", "For how long the longest running worker has been running"
        ).set_function(lambda: max(self._running_seconds(), default=0.0))

    def on_add(self, key: Hashable) -> None:
        """Record that `key` waits for a worker."""
        self._added_at[key] = time.monotonic()
        self._adds.inc()

    def on_get(self, key: Hashable) -> None:
        """Record that a worker took `key`."""
        self._started_at[key] = time.monotonic()
        self._waits.observe(self._started_at[key] - self._added_at.pop(key))

    def on_done(self, key: Hashable) -> None:
        """Record that the worker finished `key`, with or without an error."""
        self._works.observe(time.monotonic() - self._started_at.pop(key))

    def on_retry(self) -> None:
        """Count a key that is requeued after a failure."""
        self._retries.inc()

    def _running_seconds(self) -> list[float]:
        now = time.monotonic()
        return [now - since for since in self._started_at.values()]


class ServiceMetrics:
    """Number of RunaiNimServices by phase and by condition; counts bound the number of series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges: dict[ObjectKey, list[Gauge]] = {}
        self._gpus = GpuMetrics(registry)
        self._phases = Gauge("runai_nim_services", "Number of RunaiNimServices by phase", ("phase",), registry=registry)
        for phase in (*get_args(Phase), NO_STATUS):
            self._phases.labels(phase)
        self._conditions = Gauge(
            "runai_nim_service_conditions",
            "Number of RunaiNimServices that have the condition with this status and reason",
            ("type", "status", "reason"),
            registry=registry,
        )
        self._time_to_ready = Histogram(
            "runai_nim_time_to_ready_seconds",
            "Seconds until a RunaiNimService was Running, from its creation or from a change",
            ("since",),
            buckets=_READY_BUCKETS,
            registry=registry,
        )
        for since in ("creation", "change"):
            self._time_to_ready.labels(since)

    def record_resource(self, key: ObjectKey, cr: Mapping[str, Any]) -> None:
        """Count `cr` by its stored status."""
        status = cr.get("status") or {}
        conditions = status.get("conditions") or ()
        self._gpus.record(key, status)
        self._remove_gauges(key)
        self._gauges[key] = [
            self._phases.labels(status.get("phase") or NO_STATUS),
            *(self._conditions.labels(*(c[name] for name in ("type", "status", "reason"))) for c in conditions),
        ]
        for gauge in self._gauges[key]:
            gauge.inc()

    def remove_resource(self, key: ObjectKey) -> None:
        """Stop counting the resource."""
        self._remove_gauges(key)
        self._gpus.remove(key)

    def _remove_gauges(self, key: ObjectKey) -> None:
        for gauge in self._gauges.pop(key, ()):
            gauge.dec()

    def record_status(self, key: ObjectKey, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Record a status write, which changed `before` to `after`."""
        self.record_resource(key, after)
        if took := time_to_ready(before, after):
            self._time_to_ready.labels(took.since).observe(max(0.0, took.seconds))
