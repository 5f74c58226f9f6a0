"""What stands between Kopf and the API server where RunaiNimServices are listed and watched."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Final, cast

import aiohttp
import orjson
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, hdrs
from yarl import URL

from runai_nim.api import well_known
from runai_nim.api.resources import KubeObject, ObjectKey
from runai_nim.domain.observed import LARGE
from runai_nim.kube.bounded_reader import PageSize, Reader, Unreadable, lines, name_in
from runai_nim.kube.informer import RECONNECT_BACKOFF_SECONDS, OnFailure

_OK: Final = 200
_KOPFS: Final = frozenset({401, 403, 404, 429})
"""Refusals that Kopf acts on; it tries 500 and above again, too."""
_GONE: Final = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'
"""The one ERROR after which Kopf lists anew instead of ending."""
_MOST_BYTES: Final = 2 * LARGE
"""Of an object that Kopf is given as it is; half of it may be managedFields. Kopf keeps some for a while."""
_IDENTITY: Final = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")


class OwnKind:
    """Stands between Kopf and the API server where our own kind is listed and watched, so that no object ends Kopf.

    Kopf takes a page of any size into memory, and ends the process at JSON that it can't decode, at half a line, at an
    ERROR event that is not 410 and at an answer to a LIST that is no page. With this, pages are as small as large
    objects need them, an object that can't be decoded is left out, and everything else means "list anew", ever less
    often while it lasts. (A client middleware of aiohttp.)

    Nor does Kopf tell of what is missing in a new LIST: `on_listing` is told of the keys in each whole one, its version
    and the namespace (empty: all).
    """

    def __init__(
        self, unreadable: Unreadable, on_failure: OnFailure, on_listing: Callable[[str, set[ObjectKey], str], object]
    ) -> None:
        self._unreadable: Callable[[str, Exception], object] = partial(unreadable, well_known.PLURAL)
        self._on_failure = on_failure
        self._on_listing = on_listing
        self._reader = Reader()
        self._size = PageSize()
        self._seen: dict[str, set[ObjectKey]] = {}
        """What is in the pages read so far, by namespace."""
        self._wait = RECONNECT_BACKOFF_SECONDS[0]
        self._failed_at = -math.inf

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        """Answer one of Kopf's requests."""
        if request.method != hdrs.METH_GET or not request.url.path.endswith(f"/{well_known.PLURAL}"):
            return await send(request)
        if "watch" not in request.url.query:
            return await self._page(request, send)
        response = await send(request)
        if response.status == _OK:
            told = self._events(lines(response.content))
            response.content = cast(aiohttp.StreamReader, _Lines(response.content, told))
        return response

    async def _page(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        asked = request.url
        answers: list[ClientResponse] = []

        async def ask(limit: int) -> ClientResponse:
            request.url = asked.update_query(limit=str(limit))
            answers.append(await send(request))
            if answers[-1].status != _OK:
                raise _RefusedError
            return answers[-1]

        try:
            page = await self._reader.page(ask, self._size, self._unreadable)
        except _RefusedError:
            answer = answers[-1]
            if answer.status in _KOPFS or answer.status >= 500:
                return answer
            answer.close()
            await self._pause(str(answer.status))
            raise aiohttp.ClientPayloadError("the LIST was refused") from None
        except aiohttp.ClientPayloadError:
            await self._pause("ClientPayloadError")
            raise
        self._note_page(asked, page)
        page["items"] = list(map(_for_kopf, page["items"]))
        found = cast(KopfResponse, answers[-1])
        found.page = page
        return found

    def _note_page(self, asked: URL, page: KubeObject) -> None:
        *_, above, place, _ = asked.path.split("/")
        namespace = place if above == "namespaces" else ""
        if "continue" not in asked.query:
            self._seen[namespace] = set()
        metadata = [obj["metadata"] for obj in page["items"]]
        self._seen[namespace].update((one["namespace"], one["name"]) for one in metadata)
        if not page["metadata"].get("continue"):
            self._on_listing(namespace, self._seen.pop(namespace), page["metadata"]["resourceVersion"])

    async def _events(self, told: AsyncIterator[bytes | bytearray]) -> AsyncIterator[bytes]:
        """Each line that Kopf can take, with its end."""
        try:
            async for line in told:
                try:
                    passed_on = _line_for_kopf(line)
                except _EventError as error:
                    await self._pause(str(error))
                    yield _GONE
                    return
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    self._unreadable(name_in(line), error)
                    continue
                del line  # it may be long, and the next one may be minutes away
                yield passed_on
                del passed_on
        except aiohttp.ClientError as error:
            await self._pause(type(error).__name__)
            raise

    async def _pause(self, reason: str) -> None:
        """Count a failure and wait, twice as long as after the one before unless that is long ago."""
        self._on_failure(well_known.PLURAL, reason)
        first, longest = RECONNECT_BACKOFF_SECONDS
        now = time.monotonic()
        self._wait = min(2 * self._wait, longest) if now - self._failed_at < 2 * longest else first
        self._failed_at = now
        await asyncio.sleep(self._wait)


def _line_for_kopf(line: bytes | bytearray) -> bytes:
    """The line of an event, its object as `_for_kopf` makes it.

    Raises _EventError for an ERROR, and what an event raises that is none.
    """
    event = orjson.loads(line)
    what = event["type"]
    obj = event["object"]
    if what == "ERROR":
        raise _EventError(obj.get("reason", ""))
    if what == "BOOKMARK":
        return bytes(line) + b"\n"
    passed_on = _for_kopf(obj)
    return bytes(line) + b"\n" if passed_on is obj else orjson.dumps({"type": what, "object": passed_on}) + b"\n"


def _for_kopf(obj: KubeObject) -> KubeObject:
    """The object; without its spec where it is too large, or nested deeper than orjson writes and `json` reads."""
    identity = {field: obj["metadata"][field] for field in _IDENTITY}
    try:
        if len(orjson.dumps(obj)) <= _MOST_BYTES:
            return obj
    except TypeError:
        pass
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": identity}


class _EventError(Exception):
    """The API server ends a watch by an ERROR; the text is its reason."""


class _RefusedError(Exception):
    """The answer is no page but a refusal."""


class KopfResponse(ClientResponse):
    """An answer that may have been read already: `page` is what it holds then."""

    page: KubeObject | None = None

    async def json(self, **how: Any) -> Any:
        """The decoded body."""
        return await super().json(**how) if self.page is None else self.page


class _Lines:
    """A body in which Kopf finds these lines; in everything else it is aiohttp's."""

    def __init__(self, body: aiohttp.StreamReader, told: AsyncIterator[bytes]) -> None:
        self._body = body
        self._told = told

    def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Lines, whatever size is asked for."""
        return self._told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)
