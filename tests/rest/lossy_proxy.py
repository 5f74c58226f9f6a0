"""A proxy before the API server that loses answers: the request is carried out, and nobody hears of it.

Or one whose cache is behind: what was read from the cache first is read from there ever after.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import web

from local.loopback import free_ports

_PREFIX = "/clusters/one"
_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding"}


class LossyProxy:
    """`lose(method, times)`: that many next answers to requests for RunaiNimServices are lost. `url` is plain HTTP.

    As behind the proxy of a platform that manages several clusters, the API's own paths come after one of the URL.
    `cached`: while it is not None, answers to reads from the cache, by path. `expired`: so many next pages of LISTs
    are refused, as after a compaction. `hold(method)`: the next answer is kept back for good, and `held` is set when
    the request has been carried out.
    """

    def __init__(self, target: str, ca_file: str) -> None:
        self._target = target
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._method, self._left = "", 0
        self._held_method = ""
        self.held = threading.Event()
        self.cached: dict[str, bytes] | None = None
        self.expired = 0
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}{_PREFIX}"

    def lose(self, method: str, times: int) -> None:
        self._method, self._left = method, times

    def hold(self, method: str) -> None:
        self.held.clear()
        self._held_method = method

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        body = await request.read() or None
        if self.expired and "continue" in request.query:
            self.expired -= 1
            status = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"}
            return web.json_response(status, status=410)
        cache = self.cached if request.query.get("resourceVersion") == "0" else None
        if cache and (known := cache.get(request.path)):
            return web.Response(body=known, content_type="application/json")
        async with self._session.request(
            request.method,
            self._target + request.path_qs.removeprefix(_PREFIX),
            data=body,
            headers=headers,
            ssl=self._tls,
        ) as answer:
            if self._left and request.method == self._method and "runainimservices" in request.path:
                self._left -= 1
                await answer.read()
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if request.method == self._held_method and "runainimservices" in request.path:
                self._held_method = ""
                await answer.read()
                self.held.set()
                await asyncio.Event().wait()
            if cache is not None:
                cache[request.path] = await answer.read()
                return web.Response(body=cache[request.path], content_type="application/json")
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    async def _serve(self, started: threading.Event, ended: asyncio.Event) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", _PREFIX + "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout()) as self._session:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            started.set()
            await ended.wait()
            await runner.cleanup()
            left = asyncio.all_tasks() - {asyncio.current_task()}  # of connections that were cut
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.25)  # aiohttp closes connections with TLS a little later

    @contextmanager
    def running(self) -> Iterator["LossyProxy"]:
        """In a thread of its own."""
        loop = asyncio.new_event_loop()
        started = threading.Event()
        ended = asyncio.Event()
        thread = threading.Thread(target=loop.run_until_complete, args=(self._serve(started, ended),), daemon=True)
        thread.start()
        assert started.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(10)
            loop.close()
