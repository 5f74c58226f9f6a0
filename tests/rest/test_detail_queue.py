"""Calls that list pods and events: two run, others wait for a bounded time, nobody takes all the turns."""

import asyncio

import pytest

from runai_nim.rest import detail_queue
from runai_nim.rest.detail_queue import DetailQueue
from runai_nim.rest.errors import HttpError


async def one(queue: DetailQueue, caller: str, running: list[int], seconds: float) -> str:
    """How the call ends."""
    try:
        async with queue.turn(caller):
            running.append(running[-1] + 1)
            await asyncio.sleep(seconds)
            running.append(running[-1] - 1)
    except HttpError as error:
        return error.details or ""
    return "done"


async def all_of(queue: DetailQueue, callers: str, seconds: float, running: list[int]) -> list[str]:
    return await asyncio.gather(*(one(queue, caller, running, seconds) for caller in callers))


@pytest.fixture
def running() -> list[int]:
    """How many run, after each change."""
    return [0]


def test_two_run_and_one_caller_has_eight(running: list[int]) -> None:
    queue = DetailQueue()

    ended = asyncio.run(all_of(queue, "a" * 9 + "b", 0.01, running))

    assert ended == [*["done"] * 8, "too many calls read pods, events or history", "done"]
    assert max(running) == 2


def test_all_callers_together_have_32(running: list[int]) -> None:
    ended = asyncio.run(all_of(DetailQueue(), "abcdefgh" * 5, 0.001, running))

    assert ended.count("done") == 32


@pytest.mark.parametrize("bound", ["_WAIT_SECONDS", "_RUN_SECONDS"])
def test_a_call_that_takes_too_long_is_refused_and_ends(
    monkeypatch: pytest.MonkeyPatch, running: list[int], bound: str
) -> None:
    monkeypatch.setattr(detail_queue, bound, 0.05)

    async def in_turn() -> tuple[list[str], str]:
        queue = DetailQueue()
        return await all_of(queue, "abc", 0.5, running), await one(queue, "d", running, 0.0)

    ended, after = asyncio.run(in_turn())

    late = "reading what belongs to the workload took too long"
    assert ended == ([late] * 3 if bound == "_RUN_SECONDS" else ["done", "done", late])
    assert after == "done"
