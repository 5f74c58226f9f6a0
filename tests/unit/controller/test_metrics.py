import asyncio
import time
from typing import Any

import pytest

from runai_nim.api.resources import ObjectKey
from runai_nim.controller.metrics import OperatorMetrics
from runai_nim.controller.workqueue import Backoff, WorkQueue
from runai_nim.kube.api_error import ApiError
from tests.support.prometheus import Scrape

A, B = ("ns", "a"), ("ns", "b")


@pytest.fixture
def metrics() -> OperatorMetrics:
    return OperatorMetrics("1.2.3", "kai", 2)


def _scrape(metrics: OperatorMetrics) -> Scrape:
    return Scrape(metrics.exposition("")[0])


def _cr(phase: str | None = None, ready: str = "False", at: str = "10:00:00") -> dict[str, Any]:
    conditions = [
        {"type": type_, "status": status, "reason": "Why", "lastTransitionTime": f"2026-01-01T{at}Z"}
        for type_, status in (("Ready", ready), ("Translated", "True"))
    ]
    status = {"phase": phase, "conditions": conditions} if phase else {"observedGeneration": -1}
    return {"metadata": {"creationTimestamp": "2026-01-01T10:00:00Z"}, "status": status}


def test_what_runs_is_named_and_two_operators_share_nothing(metrics: OperatorMetrics) -> None:
    OperatorMetrics("other", "runai", 16).count_response("GET", "200", "host")
    read = _scrape(metrics)
    assert read("runai_nim_build_info", version="1.2.3", dialect="kai") == 1
    assert read("controller_runtime_max_concurrent_reconciles", controller="runainimservice") == 2
    assert read("rest_client_requests_total") == 0


def test_the_format_is_the_one_that_is_asked_for(metrics: OperatorMetrics) -> None:
    body, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert metrics.exposition("")[1].startswith("text/plain; version=0.0.4")


def test_a_service_counts_once_under_what_it_is_now(metrics: OperatorMetrics) -> None:
    services = metrics.services
    services.record_resource(A, _cr())
    services.record_resource(B, _cr("Pending"))
    assert _scrape(metrics).by("phase", "runai_nim_services") == {"NoStatus": 1, "Pending": 1}

    services.record_status(A, _cr(), _cr("Pending"))
    services.record_resource(A, _cr("Pending"))
    read = _scrape(metrics)
    assert read.by("phase", "runai_nim_services") == {"Pending": 2}
    assert read.by("status", "runai_nim_service_conditions", type="Ready") == {"False": 2}
    assert read.by("reason", "runai_nim_service_conditions", type="Ready") == {"Why": 2}
    assert read("runai_nim_time_to_ready_seconds_count") == 0

    services.record_status(A, _cr("Pending"), _cr("Running", "True", "10:00:42"))
    services.remove_resource(B)
    services.remove_resource(B)
    read = _scrape(metrics)
    assert read.by("phase", "runai_nim_services") == {"Running": 1}
    assert read.by("status", "runai_nim_service_conditions", type="Ready") == {"True": 1}
    services.remove_resource(A)
    assert _scrape(metrics).by("phase", "runai_nim_services") == {}
    assert _scrape(metrics).by("type", "runai_nim_service_conditions") == {}


def test_the_time_to_ready_is_observed_when_it_becomes_ready(metrics: OperatorMetrics) -> None:
    metrics.services.record_status(A, _cr(), _cr("Running", "True", "10:00:42"))
    read = _scrape(metrics)
    assert read("runai_nim_time_to_ready_seconds_sum", since="creation") == 42
    assert read("runai_nim_time_to_ready_seconds_count") == 1


def _using(gpus: str | None, project: str | None = "team-a") -> dict[str, Any]:
    used = {} if gpus is None else {"gpusInUse": gpus}
    return {"metadata": {}, "status": {"phase": "Running", **used, **({"project": project} if project else {})}}


def test_gpus_in_use_are_summed_by_namespace_and_project(metrics: OperatorMetrics) -> None:
    services = metrics.services
    services.record_resource(A, _using("0.1"))
    services.record_resource(B, _using("0.2"))
    services.record_resource(("other", "c"), _using("4", project=None))
    services.record_resource(("other", "d"), _using("40Gi", project=None))
    services.record_resource(("none", "e"), _using(None))
    read = _scrape(metrics)
    assert read("runai_nim_gpus_in_use", namespace="ns", project="team-a") == 0.3
    assert read.by("namespace", "runai_nim_gpus_in_use") == {"ns": 0.3, "other": 4}
    assert read.by("namespace", "runai_nim_gpu_memory_in_use_bytes") == {"other": 40 * 2**30}

    services.record_status(A, _using("0.1"), _using("2"))
    services.record_resource(B, _using("0.2", project="team-b"))
    assert _scrape(metrics).by("project", "runai_nim_gpus_in_use", namespace="ns") == {"team-a": 2, "team-b": 0.2}
    services.record_resource(A, _using(None))
    services.remove_resource(B)
    services.remove_resource(B)
    assert _scrape(metrics)("runai_nim_gpus_in_use", namespace="ns") == 0
    assert b'namespace="ns"' not in metrics.exposition("")[0]


def test_the_series_of_gpus_are_bounded(metrics: OperatorMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runai_nim.controller.gpu_metrics.MAX_SERIES", 2)
    for number in range(5):
        metrics.services.record_resource((f"ns-{number}", "a"), _using("1"))
    assert _scrape(metrics).by("namespace", "runai_nim_gpus_in_use") == {"ns-0": 1, "ns-1": 1, "_others": 3}
    for number in range(5):
        metrics.services.remove_resource((f"ns-{number}", "a"))
    assert _scrape(metrics).by("namespace", "runai_nim_gpus_in_use") == {}


@pytest.mark.parametrize(
    ("came_of_it", "result", "errors"),
    [
        (None, "success", 0),
        (1.5, "requeue_after", 0),
        (ApiError(409, "Conflict", "as asked"), "requeue", 0),
        (ApiError(500, "InternalError", "as asked"), "error", 1),
        (RuntimeError("as asked"), "error", 1),
    ],
)
def test_a_pass_counts_by_its_result(
    metrics: OperatorMetrics, came_of_it: float | Exception | None, result: str, errors: int
) -> None:
    async def one() -> float | None:
        assert _scrape(metrics)("controller_runtime_active_workers") == 1
        if isinstance(came_of_it, Exception):
            raise came_of_it
        return came_of_it

    async def measured() -> float | BaseException | None:
        return (await asyncio.gather(metrics.reconciles.measure(one()), return_exceptions=True))[0]

    assert asyncio.run(measured()) is came_of_it
    read = _scrape(metrics)
    assert read.by("result", "controller_runtime_reconcile_total") == {result: 1}
    assert read("controller_runtime_reconcile_errors_total") == errors
    assert read("controller_runtime_reconcile_time_seconds_count") == 1
    assert read("controller_runtime_active_workers") == 0


def test_the_queue_tells_what_waits_and_what_is_worked_on(metrics: OperatorMetrics) -> None:
    seen: list[Scrape] = []

    async def run() -> None:
        queue = WorkQueue(Backoff(0.001, 0.01), metrics.queue)

        async def handle(key: ObjectKey) -> float | None:
            await asyncio.sleep(0.05)
            seen.append(_scrape(metrics))
            if len(seen) == 1:
                raise RuntimeError("as asked")
            return None

        for key in (A, B, A):
            queue.add(key)
        worker = asyncio.create_task(queue.run_worker(handle))
        await asyncio.sleep(0.3)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(run())
    first = seen[0]
    end = _scrape(metrics)
    assert (first("workqueue_adds_total"), first("workqueue_depth")) == (2, 1)
    assert 0.05 <= first("workqueue_longest_running_processor_seconds") < 10
    assert 0.05 <= first("workqueue_unfinished_work_seconds") < 10
    assert (end("workqueue_adds_total"), end("workqueue_depth"), end("workqueue_retries_total")) == (3, 0, 1)
    assert end("workqueue_work_duration_seconds_count") == end("workqueue_queue_duration_seconds_count") == 3
    assert end("workqueue_work_duration_seconds_sum") >= 0.15
    assert end("workqueue_queue_duration_seconds_sum") >= 0.05  # B waited for A
    assert end("workqueue_unfinished_work_seconds") == end("workqueue_longest_running_processor_seconds") == 0


def test_a_blocking_call_shows_as_lag(metrics: OperatorMetrics) -> None:
    async def run() -> None:
        measuring = asyncio.create_task(metrics.measure_event_loop())
        await asyncio.sleep(0.9)
        time.sleep(0.6)  # noqa: ASYNC251  # what must not happen, to see that it is noticed
        await asyncio.sleep(0.1)
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)

    asyncio.run(run())
    read = _scrape(metrics)
    assert read("runai_nim_event_loop_lag_seconds_count") == 1
    assert read("runai_nim_event_loop_lag_seconds_sum") >= 0.4
