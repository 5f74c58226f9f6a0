"""aiohttp middleware between Kopf and the API server for LIST and watch requests of RunaiNimServices."""

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
"""Error responses that Kopf handles; it also retries 500 and above."""
_GONE: Final = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'
"""The only ERROR event after which Kopf lists again instead of ending the process."""
_MOST_BYTES: Final = 2 * LARGE
"""Maximum size of an object that Kopf receives unchanged, because Kopf keeps objects for a while."""
_IDENTITY: Final = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")


class OwnKind:
    """Client middleware of aiohttp that keeps Kopf running whatever the API server or an object contains.

    Kopf reads a page of any size into memory. It ends the process after JSON that it can't decode, an incomplete line,
    an ERROR event other than 410, or a response to a LIST that is not a page. The middleware reduces the page size for
    large objects, drops objects that can't be decoded, and turns every other failure into a new LIST with backoff.

    Kopf also doesn't report what is missing in a new LIST: `on_listing` is called with the namespace (empty: all), the
    keys and the version of each complete LIST.
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
        """Keys in the pages read so far, by namespace."""
        self._wait = RECONNECT_BACKOFF_SECONDS[0]
        self._failed_at = -math.inf

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        """Send one of Kopf's requests and filter the response."""
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
        """Each line that Kopf can process, with its line end."""
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
        """Count a failure and wait: twice as long as after the previous one, unless that was long ago."""
        self._on_failure(well_known.PLURAL, reason)
        first, longest = RECONNECT_BACKOFF_SECONDS
        now = time.monotonic()
        self._wait = min(2 * self._wait, longest) if now - self._failed_at < 2 * longest else first
        self._failed_at = now
        await asyncio.sleep(self._wait)


def _line_for_kopf(line: bytes | bytearray) -> bytes:
    """The line of an event, with its object as `_for_kopf` returns it.

    Raises _EventError for an ERROR event; AttributeError, KeyError, TypeError or ValueError for anything but an event.
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
    """The object; only its metadata if it is too large or nested too deeply for orjson and `json`."""
    identity = {field: obj["metadata"][field] for field in _IDENTITY}
    try:
        if len(orjson.dumps(obj)) <= _MOST_BYTES:
            return obj
    except TypeError:
        pass
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": identity}


class _EventError(Exception):
    """The API server ended a watch with an ERROR event; the message is its reason."""


class _RefusedError(Exception):
    """The API server answered with an error instead of a page."""


class KopfResponse(ClientResponse):
    """A response whose page may already have been read; then `page` is its content."""

    page: KubeObject | None = None

    async def json(self, **how: Any) -> Any:
        """The decoded body."""
        return await super().json(**how) if self.page is None else self.page


class _Lines:
    """A response body with replaced lines; everything else is delegated to aiohttp's body."""

    def __init__(self, body: aiohttp.StreamReader, told: AsyncIterator[bytes]) -> None:
        self._body = body
        self._told = told

    def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """The lines, regardless of `size`."""
        return self._told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)
