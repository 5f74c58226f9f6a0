"""Calls to a target: at its maximum rate, or at a given rate."""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from bench.calls import VERBS
from bench.crowd import CONCURRENCY, in_parallel


class Called(Protocol):
    """The target of the calls."""

    async def call(self, verb: str) -> None:
        """Make one of VERBS."""
        ...


async def saturate(target: Called, calls: int) -> float:
    """Calls per second of clients that each send the next call after the answer to the last one."""
    began = time.perf_counter()
    await in_parallel(range(calls // len(VERBS)), lambda _: _life(target), CONCURRENCY)
    return calls / (time.perf_counter() - began)


async def open_loop(target: Called, calls: int, per_second: float) -> Mapping[str, list[float]]:
    """Send calls on schedule, without waiting for earlier ones; milliseconds by verb since each was due."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    began = time.perf_counter()

    async def one(verb: str, due: float) -> None:
        await target.call(verb)
        took[verb].append((time.perf_counter() - due) * 1000)

    async with asyncio.TaskGroup() as group:
        for number, verb in enumerate(itertools.islice(itertools.cycle(VERBS), calls)):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(verb, due))
    return took


async def _life(target: Called) -> None:
    for verb in VERBS:
        await target.call(verb)
