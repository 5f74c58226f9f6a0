"""What the operator answers over HTTP: /healthz and /readyz for the kubelet, /metrics for Prometheus.

It only looks. That the event loop turns is proven by there being an answer at all.
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
"""A watch is opened anew after SILENCE_SECONDS; when that failed for so long, only a restart can help."""
KOPF_WATCH_SECONDS = 60
"""How long Kopf's watch lasts before it is opened anew. It shows no bookmarks: its requests are its signs of life."""


class WatchedKind(Protocol):
    """A kind that is watched, by whomever."""

    resource: Resource
    synced: asyncio.Event
    """Set when it was listed once."""

    @property
    def age(self) -> float:
        """Seconds since the API server last said anything about it."""
        ...


class KopfWatch:
    """Kopf's watch of our own kind, by the answers to its requests: of these namespaces, or of all."""

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
        """Kopf has not been let go yet: there is nothing to hear."""
        self._last_responses = dict.fromkeys(self._last_responses, time.monotonic())

    @property
    def trace(self) -> TraceConfig:
        """What has to be given to Kopf's session."""
        config = TraceConfig()
        config.on_request_end.append(self._on_request_end)
        return config

    async def _on_request_end(self, _: Any, __: Any, request: TraceRequestEndParams) -> None:
        watched = next((path for path in self._last_responses if request.url.path.endswith(path)), None)
        if watched is None or request.response.status not in (200, 403):  # after 403 a restart would not help
            return
        self._last_responses[watched] = time.monotonic()
        if request.response.status == 200 and "watch" in request.url.query:
            self._unsynced.discard(watched)
            if not self._unsynced:
                self.synced.set()


async def serve_health(
    port: int,
    watches: Collection[WatchedKind],
    discovery: Discovery,
    permissions: PermissionMonitor,
    exposition: Callable[[str], tuple[bytes, str]],
) -> None:
    """Answer on `port` until cancelled.

    /healthz: 200 while every watch has heard of the API server lately, else 503 naming the dead. /readyz: 503 naming
    what was not read yet, until all was once, and what permissions are missing that it can't do without. /metrics: what
    `exposition` makes of the Accept header, and its type.
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
    """200, or 503 with a line for each trouble."""
    text = "\n".join(problems)
    return web.Response(text=text or "ok", status=503 if text else 200)
