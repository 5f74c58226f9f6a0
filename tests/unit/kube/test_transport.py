"""Requests with a caller's token: what goes with them, how often they are sent, and what comes of the answers."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from runai_nim.kube.api_error import ApiError, seconds_in
from runai_nim.kube.transport import Answer, Transport

AGENT = "runai-nim-rest/1"


class RecordingServer:
    """A server that sets a cookie, loses answers (/lost), redirects (/moved) and refuses (/refused)."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    @property
    def requests(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _ in self.seen]

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path, {**request.headers}))
        if request.path == "/lost":
            assert request.transport is not None
            request.transport.abort()
        if request.path == "/moved":
            raise web.HTTPFound("/elsewhere")
        if request.path == "/refused":
            return web.json_response({"reason": "Forbidden"}, status=403, headers={"Retry-After": "7"})
        return web.json_response({}, headers={"Set-Cookie": "caller=first"})


def run(use: Callable[[Transport], Awaitable[object]]) -> tuple[RecordingServer, Sequence[tuple[str, str]]]:
    """Run `use` with connections for callers of a process with a token of its own; the server, and what was counted."""
    server = RecordingServer()
    counted = list[tuple[str, str]]()

    async def session() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.handle)
        async with TestServer(app) as running:
            configuration = client.Configuration(
                host=str(running.make_url("")).rstrip("/"), api_key={"BearerToken": "Bearer operator"}
            )
            own = Transport(
                client.ApiClient(configuration),
                lambda method, code, host: counted.append((method, code)),
                lambda: None,
                in_pod=False,
            )
            callers = own.for_callers(AGENT)
            try:
                await use(callers)
            finally:
                await callers.close()
                await own.close()

    asyncio.run(session())
    return server, counted


def test_callers_share_nothing() -> None:
    async def use(callers: Transport) -> None:
        for token in ("first", "second"):
            assert (await callers.exchange(token, "GET", "/ok")).status == 200

    server, counted = run(use)
    tokens = [headers["Authorization"] for _, _, headers in server.seen]
    assert tokens == ["Bearer first", "Bearer second"]
    assert all("Cookie" not in headers and headers["User-Agent"] == AGENT for _, _, headers in server.seen)
    assert counted == [("GET", "200")] * 2


@pytest.mark.parametrize("method", ["DELETE", "POST", "PATCH"])
def test_a_write_whose_answer_is_lost_is_sent_once(method: str) -> None:
    async def use(callers: Transport) -> None:
        await callers.exchange("t", "GET", "/ok")  # a connection that aiohttp keeps and uses again
        with pytest.raises(ApiError) as raised:
            await callers.exchange("t", method, "/lost", body={})
        assert raised.value.status == 0

    server, counted = run(use)
    assert Counter(server.requests)[method, "/lost"] == 1
    assert counted[-1] == (method, "<error>")


def test_a_redirect_is_not_followed() -> None:
    async def use(callers: Transport) -> None:
        with pytest.raises(ApiError) as raised:
            await callers.exchange("t", "GET", "/moved")
        assert raised.value.status == 0

    server, _ = run(use)
    assert server.requests == [("GET", "/moved")]


def test_a_refusal_is_an_answer() -> None:
    answers: list[Answer] = []

    async def use(callers: Transport) -> None:
        answers.append(await callers.exchange("t", "GET", "/refused"))

    run(use)
    assert answers == [Answer(403, bytearray(b'{"reason": "Forbidden"}'), 7)]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        *((None, 0), ("", 0), ("-1", 0), ("1.5", 0), ("²", 0), ("٣", 0), ("Fri, 07 Nov 2025 07:00:00 GMT", 0)),
        *(("7", 7), ("999999999", 300), ("9" * 5000, 0)),
    ],
)
def test_how_long_the_api_server_asks_to_wait(retry_after: str | None, seconds: int) -> None:
    assert seconds_in(retry_after) == seconds
