"""How often PriorityClasses are read, and what is known of them when the API server refuses or fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from runai_nim.kube import priority_lookup
from runai_nim.kube.client import KubeClient
from runai_nim.kube.priority_lookup import PriorityClassLookup
from runai_nim.kube.transport import Transport

PATH = "/apis/scheduling.k8s.io/v1/priorityclasses/"


class ApiServer:
    """A server that has the PriorityClass `high` and answers with `status` while that is set; None: not at all."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status: int | None = 200

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.removeprefix(PATH))
        if self.status is None:
            await asyncio.sleep(60)
        if self.status != 200:
            return web.json_response({"reason": "x"}, status=self.status or 500)
        found = request.path == f"{PATH}high"
        return web.json_response({"metadata": {"name": "high"}} if found else {}, status=200 if found else 404)


def run(use: Callable[[ApiServer, PriorityClassLookup], Awaitable[None]]) -> None:
    async def session() -> None:
        server, app = ApiServer(), web.Application()
        app.router.add_route("*", "/{path:.*}", server.handle)
        async with TestServer(app) as running:
            configuration = client.Configuration(host=str(running.make_url("")).rstrip("/"))
            api = client.ApiClient(configuration)
            own = KubeClient(Transport(api, lambda method, code, host: None, lambda: None, in_pod=False))
            try:
                await use(server, PriorityClassLookup(own))
            finally:
                await own.close()

    asyncio.run(session())


def test_each_is_read_once_for_all_that_ask() -> None:
    async def use(server: ApiServer, lookup: PriorityClassLookup) -> None:
        assert await asyncio.gather(*(lookup.exists(name) for name in ("high", "low") * 5)) == [True, False] * 5
        assert sorted(server.asked) == ["high", "low"]

    run(use)


def test_it_is_read_again_after_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority_lookup, "KEEP_SECONDS", 0.0)

    async def use(server: ApiServer, lookup: PriorityClassLookup) -> None:
        assert [await lookup.exists("low"), await lookup.exists("low")] == [False, False]
        assert server.asked == ["low", "low"]

    run(use)


def test_without_the_permission_nothing_is_known_and_it_is_not_asked_for_all_the_time() -> None:
    async def use(server: ApiServer, lookup: PriorityClassLookup) -> None:
        server.status = 403
        assert [await lookup.exists("low"), await lookup.exists("low")] == [None, None]
        assert server.asked == ["low"]

    run(use)


@pytest.mark.parametrize("status", [500, None])
def test_what_was_known_stays_while_the_api_server_fails(status: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority_lookup, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(priority_lookup, "TIMEOUT_SECONDS", 0.2)

    async def use(server: ApiServer, lookup: PriorityClassLookup) -> None:
        assert await lookup.exists("low") is False
        server.status = status
        assert [await lookup.exists("low"), await lookup.exists("low")] == [False, False]
        assert await lookup.exists("high") is None
        assert len(set(server.asked)) == 2

    run(use)
