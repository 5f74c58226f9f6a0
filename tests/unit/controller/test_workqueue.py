import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from runai_nim.api.resources import ObjectKey
from runai_nim.controller.metrics import WorkQueueMetrics
from runai_nim.controller.workqueue import Backoff, WorkQueue
from runai_nim.kube.api_error import ApiError

A, B = ("ns", "a"), ("ns", "b")
BROKEN = [("crowd", str(number)) for number in range(50)]


async def _worked(
    queue: WorkQueue, seconds: float, fail: int = 0, during: ObjectKey | None = None, *, in_background: bool = False
) -> list[ObjectKey]:
    done: list[ObjectKey] = []

    async def handle(key: ObjectKey) -> float | None:
        done.append(key)
        if during and len(done) == 1:
            queue.add(during)
            queue.add(during)
        await asyncio.sleep(0)
        if len(done) <= fail:
            raise RuntimeError("as asked")
        return None

    workers = [asyncio.create_task(queue.run_worker(handle, in_background=in_background)) for _ in range(2)]
    await asyncio.sleep(seconds)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return done


def test_a_key_waits_once() -> None:
    async def run() -> list[ObjectKey]:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        for key in (A, B, A, A):
            queue.add(key)
        return await _worked(queue, 0.05)

    assert asyncio.run(run()) == [A, B]


def test_a_key_added_while_worked_on_is_worked_on_once_more() -> None:
    async def run() -> list[ObjectKey]:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        queue.add(A)
        return await _worked(queue, 0.05, during=A)

    assert asyncio.run(run()) == [A, A]


@pytest.mark.parametrize(
    ("causes", "withdrawn", "works"), [(["7"], ["7"], 1), (["7", "8"], ["7"], 2), (["7", None], ["7"], 2)]
)
def test_what_the_work_itself_causes_is_no_reason_to_do_it_once_more(
    causes: list[str | None], withdrawn: list[str], works: int
) -> None:
    done: list[ObjectKey] = []

    async def run() -> None:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))

        async def handle(key: ObjectKey) -> None:
            done.append(key)
            if len(done) == 1:
                for cause in causes:
                    queue.add(key, cause)
            for cause in withdrawn:
                queue.forget_own_write(key, cause)

        queue.add(A)
        working = asyncio.create_task(queue.run_worker(handle))
        await asyncio.sleep(0.05)
        working.cancel()

    asyncio.run(run())
    assert done == [A] * works


def test_a_failed_key_comes_back() -> None:
    async def run() -> list[ObjectKey]:
        queue = WorkQueue(Backoff(0.001, 0.01), WorkQueueMetrics(CollectorRegistry()))
        queue.add(A)
        return await _worked(queue, 0.2, fail=3)

    assert asyncio.run(run()) == [A] * 4


def test_adding_a_key_ends_its_wait() -> None:
    async def run() -> list[ObjectKey]:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        queue.add_after(A, 3600)
        queue.add(A)
        return await _worked(queue, 0.05)

    assert asyncio.run(run()) == [A]


def test_the_wait_doubles_up_to_the_longest_and_is_never_the_same() -> None:
    backoff = Backoff(1.0, 300.0)
    for failures, whole in ((1, 1.0), (2, 2.0), (5, 16.0), (10, 300.0), (10_000, 300.0)):
        waits = {backoff.seconds(failures) for _ in range(50)}
        assert whole / 2 <= min(waits) <= max(waits) <= whole
        assert len(waits) > 1


def test_a_crowd_in_one_namespace_lets_other_namespaces_go_first() -> None:
    async def run() -> list[ObjectKey]:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        for key in (*BROKEN, A, B, ("third", "c")):
            queue.add(key)
        return await _worked(queue, 0.1)

    done = asyncio.run(run())
    assert done[:6] == [BROKEN[0], A, ("third", "c"), BROKEN[1], B, BROKEN[2]]
    assert done[6:] == BROKEN[3:]


def test_keys_that_fail_again_and_again_hold_up_no_other_namespace() -> None:
    done: list[ObjectKey] = []
    worked = asyncio.Event()

    async def handle(key: ObjectKey) -> float | None:
        done.append(key)
        await asyncio.sleep(0.002)
        if key != A:
            raise RuntimeError("as asked")
        worked.set()
        return None

    async def run() -> int:
        # More comes back than can be worked on: some of the crowd wait all the time.
        queue = WorkQueue(Backoff(0.001, 0.01), WorkQueueMetrics(CollectorRegistry()))
        for key in BROKEN:
            queue.add(key)
        workers = [asyncio.create_task(queue.run_worker(handle)) for _ in range(2)]
        await asyncio.sleep(0.3)
        before = len(done)
        queue.add(A)
        await worked.wait()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return before

    before = asyncio.run(run())
    assert before > len(BROKEN)
    assert done.index(A) - before <= 2  # what the workers take before it is its turn


def test_what_the_api_server_asks_to_wait_is_waited_whatever_happens_meanwhile() -> None:
    times: list[float] = []

    async def handle(key: ObjectKey) -> float | None:
        times.append(time.monotonic())
        if len(times) == 1:
            raise ApiError(429, "TooManyRequests", "as asked", retry_after=1.0)
        return None

    async def run() -> None:
        queue = WorkQueue(Backoff(0.001, 0.01), WorkQueueMetrics(CollectorRegistry()))
        queue.add(A)
        worker = asyncio.create_task(queue.run_worker(handle))
        while not times or time.monotonic() < times[0] + 0.2:
            await asyncio.sleep(0.02)
            queue.add(A)
        await asyncio.sleep(1.2)
        assert len(times) == 2
        queue.add(A)  # asked for once, not for ever
        await asyncio.sleep(0.05)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(run())
    assert len(times) == 3
    assert times[1] - times[0] >= 1.0


def test_the_background_has_workers_of_its_own() -> None:
    async def run() -> tuple[list[ObjectKey], list[ObjectKey]]:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        for number in range(3):
            queue.add_background(("crowd", str(number)))
        queue.add(A)
        queue.add_background(A)
        queue.add(("crowd", "2"))  # someone waits for it now
        queue.add(("crowd", "2"))
        done = await _worked(queue, 0.05)
        return done, await _worked(queue, 0.05, in_background=True)

    assert asyncio.run(run()) == ([A, ("crowd", "2")], [("crowd", "0"), ("crowd", "1")])


def test_the_last_key_of_the_background_can_be_promoted() -> None:
    async def run() -> list[ObjectKey]:
        queue = WorkQueue(Backoff(0.005, 1), WorkQueueMetrics(CollectorRegistry()))
        queue.add_background(A)
        queue.add(A)
        queue.add(A)
        return await _worked(queue, 0.05)

    assert asyncio.run(run()) == [A]
