"""`python -m tests.faults.hostile ATTACK URL PROJECT [SECONDS]`: a client of the REST API that means harm.

It reads a token from standard input: of somebody who may make workloads in the project. Every attack goes on until the
seconds are over or the process is ended, and begins anew wherever it is cut off. It runs as a file of its own, too, in
a pod that has nothing but Python.
"""

import asyncio
import itertools
import json
import os
import signal
import ssl
import string
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATH = "/api/v2/workloads/nim-services"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Target:
    """Where, and in whose name."""

    url: str
    project: str
    token: str

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Streams]:
        """A connection, over TLS where the URL says https; a client that means harm looks at no certificate."""
        url = urlsplit(self.url)
        tls = ssl._create_unverified_context() if url.scheme == "https" else None  # noqa: S323
        reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=tls)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def head(self, method: str, path: str, size: int = 0, token: str = "") -> bytes:
        """Request line and headers."""
        lines = (
            f"{method} {path} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {token or self.token}",
            "Content-Type: application/json",
            f"Content-Length: {size}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def post(self, body: bytes, token: str = "") -> None:
        """Send a body again and again, and read the answers."""
        async with self.connection() as (reader, writer):
            while True:
                writer.write(self.head("POST", PATH, len(body), token) + body)
                await answer(reader)

    def body(self, spec: Mapping[str, Any], project: str = "") -> bytes:
        """A body that asks for a workload."""
        metadata = {"name": "hostile", "projectId": project or self.project}
        return json.dumps({"metadata": metadata, "spec": spec}, separators=(",", ":")).encode()


def twice(count: int) -> bytes:
    """A body of so many fields below 1 MiB, the last of which is there twice."""
    names = ["".join(signs) for signs in itertools.islice(itertools.product(string.ascii_letters, repeat=4), count)]
    return ("{" + ",".join(f'"{name}":1' for name in [*names, names[-1]]) + "}").encode()


async def answer(reader: asyncio.StreamReader) -> None:
    """Read one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = next(line.partition(b":")[2] for line in head.splitlines() if line.startswith(b"content-length"))
    await reader.readexactly(int(size))


async def slow_bodies(target: Target) -> None:
    """A byte of a body each second."""
    async with target.connection() as (reader, writer):
        writer.write(target.head("POST", PATH, 1000))
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(1)


async def endless_head(target: Target) -> None:
    """One header without an end."""
    async with target.connection() as (_, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
        while True:
            writer.write(b"x" * 1024)
            await writer.drain()


async def endless_heads(target: Target) -> None:
    """Headers without an end."""
    async with target.connection() as (_, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        for number in itertools.count():
            writer.write(f"X-{number}: y\r\n".encode())
            await writer.drain()


async def silent(target: Target) -> None:
    """A connection and nothing more."""
    async with target.connection() as (reader, _):
        await reader.read()
    await asyncio.sleep(0.1)


async def unread(target: Target) -> None:
    """An answer that is not read."""
    async with target.connection() as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(target.head("GET", "/docs"))
        await asyncio.sleep(10)


async def fields_twice(target: Target) -> None:
    """110,000 fields, the last of which is there twice."""
    await target.post(twice(110_000))


async def fields_twice_of_a_stranger(target: Target) -> None:
    """The same from somebody whom nobody knows."""
    await target.post(twice(110_000), "nobody")


async def unknown_fields(target: Target) -> None:
    """55,000 fields that the API doesn't have."""
    await target.post(target.body({f"replica{number}": 1 for number in range(55_000)}))


async def many_mistakes(target: Target) -> None:
    """As many mistakes as are looked for."""
    await target.post(target.body({f"replica{number}": 1 for number in range(9_900)}))


async def mistakes_at_once(target: Target) -> None:
    """As many as are looked for at once."""
    await target.post(target.body({"environmentVariables": [{"name": 1, "value": 1, "exclude": 1}] * 256}))


async def strangers(target: Target) -> None:
    """Ever new tokens."""
    async with target.connection() as (reader, writer):
        for number in itertools.count():
            writer.write(target.head("GET", f"{PATH}/{'a' * 40}", token=f"{id(reader)}-{number}"))
            await answer(reader)


async def unknown_projects(target: Target) -> None:
    """Ever new projects."""
    async with target.connection() as (reader, writer):
        for number in itertools.count():
            body = target.body({}, f"nowhere-{number}")
            writer.write(target.head("POST", PATH, len(body)) + body)
            await answer(reader)


async def gone(target: Target) -> None:
    """A call whose answer nobody waits for."""
    async with target.connection() as (_, writer):
        body = target.body({}, "nowhere")
        writer.write(target.head("POST", PATH, len(body)) + body)
        await writer.drain()


ATTACKS: Mapping[str, tuple[Callable[[Target], Awaitable[None]], int]] = {
    "slow-bodies": (slow_bodies, 300),
    "endless-header": (endless_head, 50),
    "endless-headers": (endless_heads, 50),
    "110,000-fields": (fields_twice, 4),
    "110,000-fields-of-a-stranger": (fields_twice_of_a_stranger, 4),
    "55,000-unknown-fields": (unknown_fields, 4),
    "9,900-mistakes": (many_mistakes, 4),
    "768-mistakes-at-once": (mistakes_at_once, 1),
    "1,000-connections": (silent, 1000),
    "unread-answers": (unread, 300),
    "strangers": (strangers, 50),
    "unknown-projects": (unknown_projects, 50),
    "gone-callers": (gone, 2),
}
"""What each does, and how many of them at a time."""


async def attack(name: str, target: Target) -> None:
    """For ever."""
    what, count = ATTACKS[name]

    async def one() -> None:
        while True:
            with suppress(OSError, EOFError, StopIteration, asyncio.LimitOverrunError):
                await what(target)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(count)))


if __name__ == "__main__":
    os.nice(10)  # it would be another machine
    _, name, url, project, *seconds = sys.argv
    if seconds:  # an alarm ends the process whatever it waits for, such as a thread that resolves a name
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.alarm(int(seconds[0]))
    asyncio.run(attack(name, Target(url, project, sys.stdin.readline().strip())))
