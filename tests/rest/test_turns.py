"""Large bodies take turns; small ones don't wait, and nobody takes all the turns."""

import asyncio
import time

import pytest

from runai_nim.rest.refusal import RefusedError
from runai_nim.rest.turns import LIGHT, Turns


async def one(turns: Turns, caller: str, size: int, began: list[tuple[str, float]], seconds: float = 0.0) -> None:
    async with turns.turn(caller, size):
        began.append((caller, time.monotonic()))
        await asyncio.sleep(seconds)


def test_large_ones_one_after_the_other() -> None:
    asyncio.run(_large_ones())


async def _large_ones() -> None:
    turns, began = Turns(), list[tuple[str, float]]()
    await asyncio.gather(*(one(turns, caller, LIGHT + 1, began) for caller in "abc"))

    times = [moment for _, moment in began]
    assert times[2] - times[0] >= 1.0


def test_small_ones_at_once() -> None:
    asyncio.run(_small_ones())


async def _small_ones() -> None:
    turns, began = Turns(), list[tuple[str, float]]()
    large = asyncio.create_task(one(turns, "a", LIGHT + 1, began, 1.0))
    await asyncio.sleep(0.01)
    await asyncio.gather(*(one(turns, "a", LIGHT, began) for _ in range(100)))

    assert not large.done()
    await large


def test_who_waits_beside_too_many_is_told_so() -> None:
    asyncio.run(_too_many())


async def _too_many() -> None:
    turns, began = Turns(), list[tuple[str, float]]()
    of_one = [asyncio.create_task(one(turns, "a", LIGHT + 1, began, 0.2)) for _ in range(2)]
    others = [asyncio.create_task(one(turns, str(number), LIGHT + 1, began)) for number in range(6)]
    await asyncio.sleep(0.01)
    for caller in ("a", "b"):
        with pytest.raises(RefusedError) as refused:
            await one(turns, caller, LIGHT + 1, began)
        assert refused.value.code == 503
    await asyncio.gather(*of_one, *others)

    await one(turns, "a", LIGHT + 1, began)
