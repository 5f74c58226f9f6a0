"""Reads responses of the API server in bounded memory: pages of a LIST and lines of a watch.

etcd stores objects up to 1.5 MB, which may be 9 MB of JSON: `<` is written as `\\u003c`. A page of a hundred of them
would be almost a gigabyte, and such a line exceeds the limit of a stream reader.
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
"""Objects in a page of a LIST. All kinds are listed concurrently, and Python keeps the memory of their pages."""
LARGE_BODY_BYTES: Final = 2**20
"""Size from which bodies are read one at a time."""
MAX_ATTEMPTS: Final = 3
"""Attempts to read a page that breaks off: starting the LIST again each time might never end."""
MAX_PAGE_BYTES: Final = 4 * 2**20
"""Maximum size of a page with several objects; a hundred NIMServices take 1 MB."""
LONGEST_LOG_LINE: Final = 2**16
"""Bytes of a line of a log: a program that never ends its line must not fill the memory."""

Unreadable = Callable[[str, str, Exception], object]
"""Callback for each dropped object: the kind's plural, `namespace/name` as far as known, and the reason."""


class Chunks(Protocol):
    """A body as it arrives, like aiohttp's StreamReader."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """Chunks of any size."""
        ...


class ResponseBody(Protocol):
    """A response with an unread body, like aiohttp's ClientResponse."""

    @property
    def content(self) -> Chunks:
        """The body."""
        ...

    def close(self) -> None:
        """Close the connection and discard the unread rest."""
        ...


@dataclass(slots=True)
class PageSize:
    """How many objects to request in a page: fewer while they are large. Kept between LISTs."""

    limit: int = LIST_PAGE_SIZE

    def shrink(self) -> None:
        """Reduce the size: the page was larger than MAX_PAGE_BYTES, or could not be read."""
        self.limit = max(1, self.limit // 4)

    def adapt(self, objects: int, size: int) -> None:
        """Set the size that fits if the next objects are like these, at most twice as many."""
        fit = MAX_PAGE_BYTES * max(objects, 1) // (2 * max(size, 1))
        self.limit = max(1, min(LIST_PAGE_SIZE, 2 * self.limit, fit))


class Reader:
    """Reads bodies, large ones one at a time: other readers leave their data in the network buffers."""

    def __init__(self) -> None:
        self._large = asyncio.Lock()

    async def body(self, content: Chunks, at_most: int | None = None) -> bytearray | None:
        """The whole body; None if it is longer than `at_most`."""
        body = bytearray()
        chunks = content.iter_any()
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
        """Read the page that `ask` requests for a number of objects; a single object may have any size.

        If a page can't be decoded, the objects are requested one by one, and `unreadable` is called for those to drop.
        Raises ClientPayloadError if the body is not a page.
        """
        failures = 0
        while True:
            answer = await ask(size.limit)
            try:
                body = await self.body(answer.content, MAX_PAGE_BYTES if size.limit > 1 else None)
            except (aiohttp.ClientError, TimeoutError):
                size.shrink()  # a smaller page may arrive in time
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
    """Append the rest to `body`; False if it becomes longer than `at_most`."""
    async for chunk in chunks:
        body += chunk
        if at_most is not None and len(body) > at_most:
            return False
    return True


async def lines(content: Chunks) -> AsyncIterator[bytes | bytearray]:
    """Lines of a body, of any length, without line ends. Raises ClientPayloadError if the body ends within a line."""
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
        raise aiohttp.ClientPayloadError("the response ends within a line")


async def log_lines(content: Chunks) -> AsyncIterator[bytes]:
    """Lines of a log, without line ends. A longer one than LONGEST_LOG_LINE is cut into several."""
    held = b""
    async for chunk in content.iter_any():
        *ended, held = (held + chunk).split(b"\n")
        for line in ended:
            for start in range(0, max(len(line), 1), LONGEST_LOG_LINE):
                yield line[start : start + LONGEST_LOG_LINE]
        while len(held) > LONGEST_LOG_LINE:
            yield held[:LONGEST_LOG_LINE]
            held = held[LONGEST_LOG_LINE:]
    if held:
        yield held


def name_in(body: bytes | bytearray) -> str:
    """`namespace/name` of the object in an undecodable body, as far as it can be found; for the log only."""
    found = _NAME.search(body)
    return "unknown" if found is None else f"{found['namespace'].decode()}/{found['name'].decode()}"


_NAME: Final = re.compile(
    rb'"name":"(?P<name>[-.a-z0-9]{1,253})",(?:"generateName":"[^"]*",)?"namespace":"(?P<namespace>[-a-z0-9]{1,63})"'
)
_ITEMS: Final = b',"items":['
_METADATA: Final = b'"metadata":{'


def _without_items(body: bytearray) -> KubeObject:
    """A page without the one undecodable object, for its continue token.

    The API server itself writes what precedes the items, and also what follows those of a custom resource.
    """
    head = body.partition(_ITEMS)[0]
    tail = body.rpartition(_METADATA)[2]
    try:
        return _page(orjson.loads(head + b"}" if body.rstrip().endswith(b"]}") else b"{" + _METADATA + tail))
    except ValueError as error:
        raise aiohttp.ClientPayloadError("the response is not a page of a list") from error


def _page(decoded: Any) -> KubeObject:
    if isinstance(decoded, dict) and isinstance(decoded.get("metadata"), dict):
        return decoded
    raise ValueError("not a page of a list")
