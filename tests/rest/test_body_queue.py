"""Large bodies take turns, small ones don't wait, nobody takes all the turns; and calls at a time are bounded."""

import asyncio
import time

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from runai_nim.rest.app import MAX_CONCURRENT_CALLS, ConcurrencyLimit
from runai_nim.rest.body_queue import SMALL_BODY_BYTES, BodyQueue
from runai_nim.rest.errors import HttpError


async def one(turns: BodyQueue, caller: str, size: int, began: list[tuple[str, float]], seconds: float = 0.0) -> None:
    async with turns.turn(caller, size):
        began.append((caller, time.monotonic()))
        await asyncio.sleep(seconds)


def test_large_ones_one_after_the_other() -> None:
    asyncio.run(_large_ones())


async def _large_ones() -> None:
    turns = BodyQueue()
    began = list[tuple[str, float]]()
    await asyncio.gather(*(one(turns, caller, SMALL_BODY_BYTES + 1, began) for caller in "abc"))

    times = [moment for _, moment in began]
    assert times[2] - times[0] >= 1.0


def test_small_ones_at_once() -> None:
    asyncio.run(_small_ones())


async def _small_ones() -> None:
    turns = BodyQueue()
    began = list[tuple[str, float]]()
    large = asyncio.create_task(one(turns, caller="a", size=SMALL_BODY_BYTES + 1, began=began, seconds=1.0))
    await asyncio.sleep(0.01)
    await asyncio.gather(*(one(turns, "a", SMALL_BODY_BYTES, began) for _ in range(100)))

    assert not large.done()
    await large


def test_who_waits_beside_too_many_is_told_so() -> None:
    asyncio.run(_too_many())


async def _too_many() -> None:
    turns = BodyQueue()
    began = list[tuple[str, float]]()
    of_one = [
        asyncio.create_task(one(turns, caller="a", size=SMALL_BODY_BYTES + 1, began=began, seconds=0.2))
        for _ in range(2)
    ]
    others = [asyncio.create_task(one(turns, str(number), SMALL_BODY_BYTES + 1, began)) for number in range(6)]
    await asyncio.sleep(0.01)
    for caller in ("a", "b"):
        with pytest.raises(HttpError) as refused:
            await one(turns, caller, SMALL_BODY_BYTES + 1, began)
        assert refused.value.code == 503
    await asyncio.gather(*of_one, *others)

    await one(turns, "a", SMALL_BODY_BYTES + 1, began)


def test_so_many_calls_are_worked_on_at_a_time() -> None:
    asyncio.run(_bounded())


async def _bounded() -> None:
    done, came = asyncio.Event(), asyncio.Event()
    codes: list[int] = []

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/slow"):
            await receive()
        await done.wait()
        await Response(status_code=202)(scope, receive, send)

    async def receive() -> Message:
        await came.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            codes.append(message["status"])

    app = ConcurrencyLimit(work)

    def begin(path: str, count: int) -> list[asyncio.Task[None]]:
        return [
            asyncio.create_task(app({"type": "http", "path": path, "method": "GET"}, receive, send))
            for _ in range(count)
        ]

    # Whose caller keeps us waiting counts for nothing until all is there.
    tasks = [
        *begin("/api/slow", MAX_CONCURRENT_CALLS),
        *begin("/api/v1", MAX_CONCURRENT_CALLS + 2),
        *begin("/healthz", 1),
    ]
    await asyncio.sleep(0.1)
    assert codes == [503, 503]
    came.set()
    done.set()
    await asyncio.gather(*tasks)
    assert codes[2:] == [202] * (2 * MAX_CONCURRENT_CALLS + 1)
    await asyncio.gather(*begin("/api/v1", 1))
    assert codes[-1] == 202
