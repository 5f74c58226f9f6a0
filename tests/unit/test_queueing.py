import asyncio

from prometheus_client import CollectorRegistry

from runai_nim.metrics import QueueMetrics
from runai_nim.queueing import Backoff, Key, KeyQueue

A, B = ("ns", "a"), ("ns", "b")


async def _worked(queue: KeyQueue, seconds: float, fail: int = 0, during: Key | None = None) -> list[Key]:
    done: list[Key] = []

    async def handle(key: Key) -> float | None:
        done.append(key)
        if during and len(done) == 1:
            queue.add(during)
            queue.add(during)
        await asyncio.sleep(0)
        if len(done) <= fail:
            raise RuntimeError("as asked")
        return None

    workers = [asyncio.create_task(queue.work(handle)) for _ in range(2)]
    await asyncio.sleep(seconds)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return done


def test_a_key_waits_once() -> None:
    async def run() -> list[Key]:
        queue = KeyQueue(Backoff(0.005, 1), QueueMetrics(CollectorRegistry()))
        for key in (A, B, A, A):
            queue.add(key)
        return await _worked(queue, 0.05)

    assert asyncio.run(run()) == [A, B]


def test_a_key_added_while_worked_on_is_worked_on_once_more() -> None:
    async def run() -> list[Key]:
        queue = KeyQueue(Backoff(0.005, 1), QueueMetrics(CollectorRegistry()))
        queue.add(A)
        return await _worked(queue, 0.05, during=A)

    assert asyncio.run(run()) == [A, A]


def test_a_failed_key_comes_back() -> None:
    async def run() -> list[Key]:
        queue = KeyQueue(Backoff(0.001, 0.01), QueueMetrics(CollectorRegistry()))
        queue.add(A)
        return await _worked(queue, 0.2, fail=3)

    assert asyncio.run(run()) == [A] * 4


def test_adding_a_key_ends_its_wait() -> None:
    async def run() -> list[Key]:
        queue = KeyQueue(Backoff(0.005, 1), QueueMetrics(CollectorRegistry()))
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
