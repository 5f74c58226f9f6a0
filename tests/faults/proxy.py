"""The proxy between operator and API server: TLS by its own authority, watches streamed unbuffered, faults by plan.

What a fault does to a request, before it is sent on or after it was committed: kill: the operator gets SIGKILL. reset,
close: no answer, the connection ends with RST or FIN. slow: an answer 10 s later. stale: an older LIST is repeated. An
HTTP status: that answer. Everything else passes as it is.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from local.loopback import free_ports
from tests.faults.plan import Armed, Plan, Seen
from tests.faults.streams import Stream
from tests.faults.tls import make_certificates
from tests.faults.traffic import Traffic
from tests.faults.wire import cut, refusal, seen_in

SLOW_SECONDS = 10.0
_PASSED_HEADERS = ("Accept", "Authorization", "Content-Type", "User-Agent")


class Proxy:
    """A server on loopback at `url`, its authority in `ca_file`; `away`: it resets every connection.

    `kill` ends the operator at once.
    """

    def __init__(self, upstream: Callable[[], str], ca_file: Path, directory: Path, kill: Callable[[], None]) -> None:
        self.plan = Plan()
        self.traffic = Traffic()
        self.away = False
        self.url = f"https://127.0.0.1:{free_ports(1)[0]}"
        self.ca_file, self._server_tls = make_certificates(directory)
        self._upstream = upstream
        self._upstream_ca = ca_file
        self._kill = kill
        self._connections: list[web.Request] = []

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context(cafile=self._upstream_ca)
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # An operator that was killed must not leave watches behind at the API server.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", URL(self.url).port, ssl_context=self._server_tls).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for request in self._connections:
            cut(request, hard=True)
        await self._runner.cleanup()
        await self._session.close()

    async def set_away(self, away: bool) -> None:
        """Be away: reset what is open and whatever comes, until told to be back."""
        self.away = away
        if away:
            for request in tuple(self._connections):
                cut(request, hard=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.away:
            return cut(request, hard=True)
        self._connections.append(request)
        seen = seen_in(request)
        body = await request.read()
        try:
            with self.traffic.of(seen):
                return await self._answer(request, seen, body)
        except aiohttp.ClientError:  # the API server is not there
            return cut(request, hard=True)
        finally:
            self._connections.remove(request)

    async def _answer(self, request: web.Request, seen: Seen, body: bytes) -> web.StreamResponse:
        # Only what others made is followed by its metadata alone, which no case is about.
        of_others = "as=PartialObjectMetadata" in request.headers.get("Accept", "") and seen.verb in ("list", "watch")
        armed = None if of_others else self.plan.for_request(seen)
        if armed and armed.fault.when == "before" and (answer := await self._met(request, armed)):
            return answer
        self.traffic.sent_on[seen] += 1
        async with await self._send(request, body) as upstream:
            if seen.verb == "watch" and upstream.status == 200:
                return await Stream(request, seen.resource, self.plan).pass_on(upstream)
            content = await upstream.read()
            if armed and armed.fault.when == "after" and (answer := await self._met(request, armed)):
                return answer
            kept = ("Content-Type", "Retry-After", "Warning")
            headers = {name: upstream.headers[name] for name in kept if name in upstream.headers}
            return web.Response(status=upstream.status, body=content, headers=headers)

    async def _send(self, request: web.Request, body: bytes) -> aiohttp.ClientResponse:
        url = URL(self._upstream() + request.raw_path, encoded=True)
        headers = {name: request.headers[name] for name in _PASSED_HEADERS if name in request.headers}
        headers["Accept-Encoding"] = "identity"
        return await self._session.request(request.method, url, data=body or None, headers=headers)

    async def _met(self, request: web.Request, armed: Armed) -> web.Response | None:
        """What the fault answers instead; None where the request goes on."""
        match armed.fault.action:
            case "kill":
                self._kill()
                return cut(request, hard=True)
            case "reset" | "close" as action:
                return cut(request, hard=action == "reset")
            case "slow":
                await asyncio.sleep(SLOW_SECONDS)
                return None
            case "stale":
                return web.Response(body=armed.page, content_type="application/json")
            case code:
                return refusal(int(code))
