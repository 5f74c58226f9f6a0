"""HTTP endpoints of the operator: /healthz and /readyz for the kubelet, /metrics for Prometheus.

Any answer proves that the event loop runs.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from aiohttp import TraceConfig, TraceRequestEndParams, hdrs, web

from runai_nim.api.resources import RUNAI_NIM_SERVICES, Resource
from runai_nim.kube.access_review import PermissionMonitor
from runai_nim.kube.client import WATCH_SILENCE_SECONDS
from runai_nim.kube.discovery import Discovery

DEAD_WATCH_SECONDS = 3 * WATCH_SILENCE_SECONDS
"""A silent watch is reopened after WATCH_SILENCE_SECONDS; after this long without success the process must restart."""
KOPF_WATCH_SECONDS = 60
"""How long Kopf's watch lasts before it is reopened. Kopf hides bookmarks, so its requests show that it is alive."""


class WatchedKind(Protocol):
    """A kind that an informer, a poller or Kopf watches."""

    resource: Resource
    synced: asyncio.Event
    """Set after the first LIST."""

    @property
    def age(self) -> float:
        """Seconds since the last event or response of the API server about it."""
        ...


class KopfWatch:
    """Kopf's watch of RunaiNimServices in these namespaces (empty: all), observed by the responses to its requests."""

    def __init__(self, namespaces: Collection[str] = ()) -> None:
        self.resource = RUNAI_NIM_SERVICES
        self.synced = asyncio.Event()
        self._last_responses = {self.resource.path(namespace): time.monotonic() for namespace in namespaces or ("",)}
        self._unsynced = set(self._last_responses)

    @property
    def age(self) -> float:
        """Seconds since the API server last answered Kopf's lists and watches."""
        return time.monotonic() - min(self._last_responses.values())

    def reset(self) -> None:
        """Restart the age, because Kopf does not watch yet."""
        self._last_responses = dict.fromkeys(self._last_responses, time.monotonic())

    @property
    def trace(self) -> TraceConfig:
        """The trace to install in Kopf's session."""
        config = TraceConfig()
        config.on_request_end.append(self._on_request_end)
        return config

    async def _on_request_end(self, _: Any, __: Any, request: TraceRequestEndParams) -> None:
        watched = next((path for path in self._last_responses if request.url.path.endswith(path)), None)
        if watched is None or request.response.status not in (200, 403):  # a restart would not help after a 403
            return
        self._last_responses[watched] = time.monotonic()
        if request.response.status == 200 and "watch" in request.url.query:
            self._unsynced.discard(watched)
            if not self._unsynced:
                self.synced.set()


async def serve_health(
    port: int,
    *,
    watches: Collection[WatchedKind],
    discovery: Discovery,
    permissions: PermissionMonitor,
    exposition: Callable[[str], tuple[bytes, str]],
) -> None:
    """Serve the endpoints on `port` until cancelled.

    /healthz: 200 while every watch is alive, else 503 with the dead ones. /readyz: 503 with the kinds that are not
    listed yet and the required permissions that are missing, else 200. /metrics: `exposition` returns the body and its
    content type for an Accept header.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _probe_response(
            f"{w.resource.plural}: silent for {w.age:.0f} s" for w in watches if w.age > DEAD_WATCH_SECONDS
        )

    async def readyz(_: web.Request) -> web.Response:
        kinds = dict.fromkeys(watch.resource.plural for watch in watches if not watch.synced.is_set())
        unread = [f"{kind}: not listed yet" for kind in kinds]
        unread += [] if discovery.synced.is_set() else ["schema of NIMService: not read yet"]
        missing = sorted(access for access in permissions.missing if not access.optional)
        return _probe_response([*unread, *(f"may not {access}: the permission is missing" for access in missing)])

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = exposition(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _probe_response(problems: Iterable[str]) -> web.Response:
    """200, or 503 with a line for each problem."""
    text = "\n".join(problems)
    return web.Response(text=text or "ok", status=503 if text else 200)
