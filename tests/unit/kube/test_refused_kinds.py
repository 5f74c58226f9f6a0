"""An optional kind is forbidden when its refusal lasts, not while an API server starts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from runai_nim.api.resources import RUNAI_NIM_SERVICES
from runai_nim.kube import informer
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Informer
from runai_nim.kube.resource_version import Version
from runai_nim.kube.transport import Transport

ITEM = {"metadata": {"name": "llama", "namespace": "team-a", "uid": "1", "resourceVersion": "5"}}


class StartingServer:
    """Lists one object, and refuses everything while `refuses`."""

    def __init__(self) -> None:
        self.refuses = False
        self.refusals = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        is_refused = self.refuses
        if is_refused:
            self.refusals += 1
            return web.json_response({"reason": "Forbidden"}, status=403)
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "7"}, "items": [ITEM]})
        response = web.StreamResponse()
        await response.prepare(request)
        while not self.refuses:  # noqa: ASYNC110  # a test polls
            await asyncio.sleep(0.01)
        return response


def run(use: Callable[[StartingServer, Informer], Awaitable[object]]) -> None:
    server = StartingServer()

    async def session() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.handle)
        async with TestServer(app) as running:
            configuration = client.Configuration(host=str(running.make_url("")).rstrip("/"))
            transport = Transport(client.ApiClient(configuration), lambda *_: None, lambda: None, in_pod=False)
            watched: Any = Informer(
                KubeClient(transport),
                RUNAI_NIM_SERVICES,
                project=Version.from_object,
                on_change=lambda *_: None,
                on_kind_change=lambda: None,
                optional=True,
            )
            task = asyncio.create_task(watched.run())
            try:
                async with asyncio.timeout(10):
                    await use(server, watched)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await transport.close()

    asyncio.run(session())


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # a test polls
        await asyncio.sleep(0.01)


def test_a_short_refusal_of_a_readable_kind_is_none() -> None:
    async def use(server: StartingServer, watched: Informer) -> None:
        await watched.synced.wait()
        server.refuses = True
        await until(lambda: server.refusals >= 3)
        assert not watched.is_forbidden
        server.refuses = False
        await asyncio.sleep(1)
        assert not watched.is_forbidden
        assert [*watched.objects] == [("team-a", "llama")]

    run(use)


def test_a_refusal_that_lasts_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer, "REFUSAL_GRACE_SECONDS", 0.3)

    async def use(server: StartingServer, watched: Informer) -> None:
        await watched.synced.wait()
        server.refuses = True
        await until(lambda: watched.is_forbidden)
        assert (server.refusals >= 2, watched.objects) == (True, {})

    run(use)


def test_a_kind_that_was_never_readable_is_forbidden_at_once() -> None:
    async def use(server: StartingServer, watched: Informer) -> None:
        server.refuses = True
        await watched.synced.wait()
        assert (watched.is_forbidden, server.refusals) == (True, 1)

    run(use)
