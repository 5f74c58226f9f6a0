"""/healthz for the kubelet: 200 while every watch has heard of the API server lately, else 503 naming the dead.

It only looks. That the event loop turns is proven by there being an answer at all.
"""

import asyncio
from collections.abc import Iterable

from aiohttp import web

from runai_nim.cluster import SILENCE_SECONDS
from runai_nim.observe import Watch

DEAD_SECONDS = 3 * SILENCE_SECONDS
"""A watch is opened anew after SILENCE_SECONDS; when that failed for so long, only a restart can help."""


async def serve_health(port: int, watches: Iterable[Watch]) -> None:
    """Answer on `port` until cancelled."""

    async def healthz(_: web.Request) -> web.Response:
        dead = [
            f"{watch.resource.plural}: silent for {watch.age:.0f} s" for watch in watches if watch.age > DEAD_SECONDS
        ]
        return web.Response(text="\n".join(dead) or "ok", status=503 if dead else 200)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
