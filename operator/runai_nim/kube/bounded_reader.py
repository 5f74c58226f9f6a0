"""Answers of the API server, read in memory that one object bounds: the pages of a LIST and the lines of a watch.

etcd takes objects of 1.5 MB, which are up to 9 MB as JSON: `<` is written as `\\u003c`. A page of a hundred such would
be most of a gigabyte, and a line of a watch longer than a stream reader takes.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp
import orjson

from runai_nim.api.resources import KubeObject

LIST_PAGE_SIZE: Final = 100
"""Objects a page of a LIST. All kinds are listed at once, and the memory of their pages is not given back."""
LARGE_BODY_BYTES: Final = 2**20
"""Bytes from which on a body has to wait for others."""
MAX_ATTEMPTS: Final = 3
"""How often a page is asked for that breaks off: a LIST that began anew each time would have no end."""
MAX_PAGE_BYTES: Final = 4 * 2**20
"""The most that is read of a page of several objects; a hundred NIMServices are 1 MB."""

Unreadable = Callable[[str, str, Exception], object]
"""Is told of an object that is left out: the kind's plural, `namespace/name` as far as it is known, and why."""


class Chunks(Protocol):
    """A body as it arrives: aiohttp's StreamReader."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """Pieces of any size."""
        ...


class ResponseBody(Protocol):
    """A response whose body was not read yet: aiohttp's ClientResponse."""

    @property
    def content(self) -> Chunks:
        """The body."""
        ...

    def close(self) -> None:
        """Give up the connection, and with it what was not read of the body."""
        ...


@dataclass(slots=True)
class PageSize:
    """How many objects are asked for at once: fewer while they are large. Kept from one LIST to the next."""

    limit: int = LIST_PAGE_SIZE

    def shrink(self) -> None:
        """Ask for fewer: the page was larger than PAGE_BYTES, or one of its objects could not be read."""
        self.limit = max(1, self.limit // 4)

    def adapt(self, objects: int, size: int) -> None:
        """Ask for as many as fit if the next are like these, twice as many at most."""
        fit = MAX_PAGE_BYTES * max(objects, 1) // (2 * max(size, 1))
        self.limit = max(1, min(LIST_PAGE_SIZE, 2 * self.limit, fit))


class Reader:
    """Reads bodies, and of large ones only one at a time: whoever waits leaves the rest of his in the network."""

    def __init__(self) -> None:
        self._large = asyncio.Lock()

    async def body(self, content: Chunks, at_most: int | None = None) -> bytearray | None:
        """The whole body; None where it is longer than `at_most`."""
        body, chunks = bytearray(), content.iter_any()
        async for chunk in chunks:
            body += chunk
            if len(body) > LARGE_BODY_BYTES:
                async with self._large:
                    return body if await _rest(body, chunks, at_most) else None
        return body

    async def page(
        self,
        ask: Callable[[int], Awaitable[ResponseBody]],
        size: PageSize,
        unreadable: Callable[[str, Exception], object],
    ) -> KubeObject:
        """The page that `ask` requests, given how many objects; a single object is taken whatever its size.

        Where a page can't be decoded its objects are asked for one by one, and the one that is to blame is left out:
        `unreadable` is told of it. Raises ClientPayloadError for what is no page.
        """
        failures = 0
        while True:
            answer = await ask(size.limit)
            try:
                body = await self.body(answer.content, MAX_PAGE_BYTES if size.limit > 1 else None)
            except (aiohttp.ClientError, TimeoutError):
                size.shrink()  # the next attempt may be fast enough
                failures += 1
                if failures == MAX_ATTEMPTS:
                    raise
                continue
            finally:
                answer.close()
            if body is None:
                size.shrink()
                continue
            try:
                page = _page(orjson.loads(body))
            except ValueError as error:
                if size.limit > 1:
                    size.limit = 1
                    continue
                page = _without_items(body)
                unreadable(name_in(body), error)
            page["items"] = page.get("items") or []
            size.adapt(len(page["items"]), len(body))
            return page


async def _rest(body: bytearray, chunks: AsyncIterator[bytes], at_most: int | None) -> bool:
    """Add what is left to `body`; False where it is longer than `at_most`."""
    async for chunk in chunks:
        body += chunk
        if at_most is not None and len(body) > at_most:
            return False
    return True


async def lines(content: Chunks) -> AsyncIterator[bytes | bytearray]:
    """The lines of a body, of any length, without their ends. Raises ClientPayloadError where it ends within one."""
    held = bytearray()
    async for chunk in content.iter_any():
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            if held:
                held += line
                yield held
                held = bytearray()
            else:
                yield line
        held += rest
    if held:
        raise aiohttp.ClientPayloadError("the answer ends within a line")


def name_in(body: bytes | bytearray) -> str:
    """`namespace/name` of the object in a body that can't be decoded, as far as it can be told; for the log only."""
    found = _NAME.search(body)
    return "unknown" if found is None else f"{found['namespace'].decode()}/{found['name'].decode()}"


_NAME: Final = re.compile(
    rb'"name":"(?P<name>[-.a-z0-9]{1,253})",(?:"generateName":"[^"]*",)?"namespace":"(?P<namespace>[-a-z0-9]{1,63})"'
)
_ITEMS: Final = b',"items":['
_METADATA: Final = b'"metadata":{'


def _without_items(body: bytearray) -> KubeObject:
    """A page without the one object that can't be decoded: where the next page begins is what counts.

    Before the items there is only what the API server itself wrote, as there is behind those of a custom resource.
    """
    head, tail = body.partition(_ITEMS)[0], body.rpartition(_METADATA)[2]
    try:
        return _page(orjson.loads(head + b"}" if body.rstrip().endswith(b"]}") else b"{" + _METADATA + tail))
    except ValueError as error:
        raise aiohttp.ClientPayloadError("the answer is no page of a list") from error


def _page(decoded: Any) -> KubeObject:
    if isinstance(decoded, dict) and isinstance(decoded.get("metadata"), dict):
        return decoded
    raise ValueError("no page of a list")
