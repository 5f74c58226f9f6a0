"""One watch on its way to the operator, and what a fault makes of it.

reset, close: the connection ends. truncated: the answer ends in order, but within a line. error-410, error-500: an
ERROR event ends it. dropped: it never tells of the fault's namespace again. silent: it stays open and tells nothing
again. coalesced: the events of the namespace are held back for a while, then only the last of each object is told.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

from tests.faults.plan import Armed, Plan
from tests.faults.wire import cut, line, status_of

HELD_SECONDS = 3.0
"""How long events are held back before they are coalesced: longer than what is to be seen as one takes."""

Event = dict[str, Any]


class Stream:
    """Passes on what the API server tells, as soon as it does."""

    def __init__(self, request: web.Request, resource: str, plan: Plan) -> None:
        self._request = request
        self._resource = resource
        self._plan = plan
        self._response = web.StreamResponse(headers={"Content-Type": "application/json"})
        self._silent = False
        self._dropped: set[str] = set()
        self._held: dict[str, dict[str, Event]] = {}
        self._releases: set[asyncio.Task[None]] = set()

    async def pass_on(self, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        """Until one of the two sides ends it, or a fault does."""
        await self._response.prepare(self._request)
        try:
            async for raw in _lines(upstream.content):
                if not await self._passed(raw):
                    return self._response
            await self._response.write_eof()
        except aiohttp.ClientError:  # the API server went away in the middle
            cut(self._request, hard=True)
        finally:
            for release in self._releases:
                release.cancel()
        return self._response

    async def _passed(self, raw: bytes) -> bool:
        """Tell of one event; False when the stream has ended."""
        event = json.loads(raw)
        if not self._silent and (armed := self._plan.for_event(self._resource, event["object"])):
            if armed.fault.action in _ENDINGS:
                await self._end(armed.fault.action, raw)
                return False
            self._spoil(armed)
        if not self._swallowed(event):
            await self._response.write(raw)
        return True

    async def _end(self, action: str, raw: bytes) -> None:
        if action == "truncated":
            await self._response.write(raw[: len(raw) // 2])
        if action.startswith("error-"):
            await self._response.write(line("ERROR", status_of(int(action.removeprefix("error-")))))
        if action in ("reset", "close"):
            cut(self._request, hard=action == "reset")
        else:
            await self._response.write_eof()

    def _spoil(self, armed: Armed) -> None:
        if armed.fault.action == "silent":
            self._silent = True
        elif armed.fault.action == "dropped":
            self._dropped.add(armed.namespace)
        else:
            self._held[armed.namespace] = {}
            self._releases.add(asyncio.create_task(self._release(armed.namespace)))

    def _swallowed(self, event: Event) -> bool:
        namespace = _namespace(event)
        if namespace in self._held:
            self._held[namespace][event["object"]["metadata"]["name"]] = event
            return True
        return self._silent or namespace in self._dropped

    async def _release(self, namespace: str) -> None:
        await asyncio.sleep(HELD_SECONDS)
        for event in self._held.pop(namespace).values():
            await self._response.write(line(event["type"], event["object"]))


_ENDINGS = frozenset({"reset", "close", "truncated", "error-410", "error-500"})


def _namespace(event: Event) -> str:
    metadata = event["object"].get("metadata", {})
    return str(metadata.get("namespace") or metadata.get("name", ""))


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines of any length; `readline` has a limit."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for found in whole:
            yield found + b"\n"
