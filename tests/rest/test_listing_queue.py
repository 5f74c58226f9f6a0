"""Listings take turns, nobody takes all the turns, and none lasts for ever."""

import asyncio

import pytest

from runai_nim.rest.errors import HttpError
from runai_nim.rest.listing_queue import ListingQueue


async def one(queue: ListingQueue, caller: str, release: asyncio.Event, began: list[str]) -> None:
    async with queue.turn(caller):
        began.append(caller)
        await release.wait()


def test_two_at_a_time_in_order() -> None:
    asyncio.run(_two())


async def _two() -> None:
    queue = ListingQueue()
    releases = [asyncio.Event() for _ in range(4)]
    began: list[str] = []
    tasks = [
        asyncio.create_task(one(queue, caller, release, began))
        for caller, release in zip("abcd", releases, strict=True)
    ]
    await asyncio.sleep(0.01)
    assert began == ["a", "b"]

    releases[1].set()
    await asyncio.sleep(0.01)
    assert began == ["a", "b", "c"]
    for release in releases:
        release.set()
    await asyncio.gather(*tasks)
    assert began == ["a", "b", "c", "d"]


def test_who_comes_beside_too_many_is_told_so() -> None:
    asyncio.run(_too_many())


async def _too_many() -> None:
    queue = ListingQueue()
    release = asyncio.Event()

    def start(caller: str) -> asyncio.Task[None]:
        return asyncio.create_task(one(queue, caller, release, []))

    of_one = [start("a") for _ in range(4)]
    await asyncio.sleep(0.01)
    with pytest.raises(HttpError) as refused:
        await start("a")
    assert (refused.value.code, refused.value.headers) == (503, {"Retry-After": "1"})
    others = [start(str(number)) for number in range(6)]
    await asyncio.sleep(0.01)
    with pytest.raises(HttpError, match="temporarily unavailable"):
        await start("b")

    release.set()
    await asyncio.gather(*of_one, *others)
    await start("a")


def test_a_listing_that_takes_too_long_ends() -> None:
    asyncio.run(_too_long())


async def _too_long() -> None:
    queue = ListingQueue(max_seconds=0.05)
    for _ in range(3):
        with pytest.raises(HttpError) as refused:
            await one(queue, "a", asyncio.Event(), [])
        assert refused.value.details == "there are too many workloads to list in time: filter by projectId"
