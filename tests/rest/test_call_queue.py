"""Calls that read many objects: a few run, others wait for a bounded time, nobody takes all the turns."""

import asyncio
from dataclasses import replace

import pytest

from runai_nim.rest import workload_details, workload_listing
from runai_nim.rest.call_queue import CallBounds, CallQueue
from runai_nim.rest.errors import HttpError

BOUNDS = [workload_details.BOUNDS, workload_listing.BOUNDS]
OF_EACH = pytest.mark.parametrize("bounds", BOUNDS)


async def one(queue: CallQueue, caller: str, running: list[str], seconds: float) -> str:
    """How the call ends."""
    try:
        async with queue.turn(caller):
            running.append(caller)
            await asyncio.sleep(seconds)
            running.remove(caller)
    except HttpError as error:
        return error.details or ""
    return "done"


async def all_of(queue: CallQueue, callers: str, seconds: float) -> list[str]:
    return await asyncio.gather(*(one(queue, caller, [], seconds) for caller in callers))


@OF_EACH
def test_one_caller_has_some_of_the_calls(bounds: CallBounds) -> None:
    async def calls() -> list[str]:
        queue = CallQueue(bounds)
        first = await all_of(queue, "a" * (bounds.per_caller + 1) + "b", 0.01)
        return [*first, await one(queue, "a", [], 0)]

    assert asyncio.run(calls()) == [*["done"] * bounds.per_caller, bounds.busy, "done", "done"]


@OF_EACH
def test_all_callers_together_have_no_more(bounds: CallBounds) -> None:
    callers = "".join(chr(ord("a") + index) for index in range(bounds.calls + 3))

    ended = asyncio.run(all_of(CallQueue(bounds), callers, 0.001))

    assert ended == [*["done"] * bounds.calls, *[bounds.busy] * 3]


@OF_EACH
def test_some_at_a_time_in_order(bounds: CallBounds) -> None:
    async def began() -> list[list[str]]:
        queue = CallQueue(bounds)
        running: list[str] = []
        tasks = [asyncio.create_task(one(queue, caller, running, 0.05)) for caller in "abcd"]
        seen: list[list[str]] = []
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            if running and (not seen or seen[-1] != running):
                seen.append([*running])
        return seen

    seen = asyncio.run(began())
    assert max(map(len, seen)) == bounds.running
    assert list(dict.fromkeys(caller for running in seen for caller in running)) == list("abcd")


@pytest.mark.parametrize("bound", ["wait_seconds", "run_seconds"])
def test_a_call_that_takes_too_long_is_refused_and_ends(bound: str) -> None:
    of_details = workload_details.BOUNDS
    short_run = replace(of_details, run_seconds=0.05)
    bounds = short_run if bound == "run_seconds" else replace(of_details, wait_seconds=0.05)

    async def calls() -> tuple[list[str], str]:
        queue = CallQueue(bounds)
        return await all_of(queue, "abc", 0.5), await one(queue, "d", [], 0)

    ended, after = asyncio.run(calls())
    assert ended == ([bounds.late] * 3 if bound == "run_seconds" else ["done", "done", bounds.late])
    assert after == "done"
