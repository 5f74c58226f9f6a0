"""What the operator answers over HTTP: /healthz and /readyz for the kubelet, /metrics for Prometheus.

It only looks. That the event loop turns is proven by there being an answer at all.
"""

import asyncio
from collections.abc import Callable, Iterable

from aiohttp import hdrs, web

from runai_nim.cluster import SILENCE_SECONDS
from runai_nim.discovery import Discovery
from runai_nim.observe import Watch

DEAD_SECONDS = 3 * SILENCE_SECONDS
"""A watch is opened anew after SILENCE_SECONDS; when that failed for so long, only a restart can help."""


async def serve_health(
    port: int, watches: Iterable[Watch], discovery: Discovery, exposition: Callable[[str], tuple[bytes, str]]
) -> None:
    """Answer on `port` until cancelled.

    /healthz: 200 while every watch has heard of the API server lately, else 503 naming the dead. /readyz: 503 naming
    what was not read yet, until all was once. /metrics: what `exposition` makes of the Accept header, and its type.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _answer(f"{w.resource.plural}: silent for {w.age:.0f} s" for w in watches if w.age > DEAD_SECONDS)

    async def readyz(_: web.Request) -> web.Response:
        unread = [f"{watch.resource.plural}: not listed yet" for watch in watches if not watch.synced.is_set()]
        return _answer(unread if discovery.synced.is_set() else [*unread, "schema of NIMService: not read yet"])

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


def _answer(troubles: Iterable[str]) -> web.Response:
    """200, or 503 with a line for each trouble."""
    text = "\n".join(troubles)
    return web.Response(text=text or "ok", status=503 if text else 200)
