"""Connections within limits: small ones here, so that it takes no time. uvicorn serves an application that is none."""

import asyncio
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from local.control_plane import ControlPlane
from local.objects import wait_for
from runai_nim.rest.connection import Limits
from runai_nim.rest.listener import Server, bind

BIG = 8 * 2**20
LIMITS = Limits(
    head_bytes=4096,
    head_seconds=1.0,
    body_seconds=1.0,
    drained_bytes=2**20,
    answer_seconds=1.0,
    connections=20,
    bodies_bytes=2**18,
    answers_bytes=BIG,
)
HEAD = b"POST /read HTTP/1.1\r\nHost: x\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """/read: how long the body is. /big: much. /work: not before a second is over. Any other: at once."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    size = 0
    more = scope["path"] == "/read"
    while more:
        message = await receive()
        size = size + len(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["path"] == "/work":
        await asyncio.sleep(2)
    text = b"x" * BIG if scope["path"] == "/big" else str(size).encode()
    length = (b"content-length", str(len(text)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": text})


@dataclass
class Served:
    """Where it is served, and why connections were ended."""

    port: int
    ended: Counter[str]

    def connect(self, sent: bytes = b"") -> socket.socket:
        """A connection on which so much was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(sent)
        return connection

    def answer(self, sent: bytes) -> bytes:
        """All that comes until the other side closes."""
        with self.connect(sent) as connection:
            return rest_of(connection)


def rest_of(connection: socket.socket) -> bytes:
    found = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(2**16):
            found += chunk
    return found


@contextmanager
def serving(limits: Limits, **more: Any) -> Iterator[Served]:
    ended = Counter[str]()
    config = uvicorn.Config(app, ws="none", log_config=None, **more)
    listener = bind("127.0.0.1", 0)
    served = Served(listener.getsockname()[1], ended)
    config.load()
    server = Server(config, listener, lambda reason: ended.update([reason]), limits)

    def run() -> None:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield served
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    with serving(LIMITS) as served:
        yield served


@pytest.fixture
def served(shared: Served) -> Served:
    shared.ended.clear()
    return shared


def code_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def refused(answer: bytes, code: int) -> str:
    """The message of a refusal."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert code_of(head) == code, answer
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    found = json.loads(body)
    assert found["code"] == code
    return str(found["message"])


def test_honest_calls_share_a_connection(served: Served) -> None:
    with closing(served.connect()) as connection:
        for size in (0, 10, 50_000):
            connection.sendall(HEAD + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * size)
            assert connection.recv(2**16).endswith(f"\r\n\r\n{size}".encode())
    assert not served.ended


def test_what_offers_another_protocol_is_served(served: Served) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    with closing(served.connect(b"GET / HTTP/1.1\r\nHost: x\r\n" + offer + b"\r\n")) as connection:
        assert code_of(connection.recv(2**16)) == 200


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"x" * 10_000,
        b"X: y\r\n" * 1000,
        b"x" * 10_000 + b": y",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + b"X: y\r\n" * 1000,
    ],
)
def test_a_head_that_is_too_large(served: Served, head: bytes) -> None:
    for end in (b"", b"\r\n\r\n"):
        answer = served.answer(HEAD + head + end)
        expected = "the headers must have at most 4096 bytes: send fewer or shorter ones"
        assert not answer or refused(answer, 431) == expected
    assert served.ended == {"head_too_large": 2}


def test_a_path_that_is_too_long(served: Served) -> None:
    answer = served.answer(b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not answer or refused(answer, 431)
    assert served.ended == {"head_too_large": 1}


def test_what_is_no_http(served: Served) -> None:
    assert refused(served.answer(b"\x16\x03\x01 hello"), 400) == "the request must be HTTP/1.1: correct it"
    assert refused(served.answer(HEAD + b"Content-Length: x\r\n\r\n"), 400)
    assert served.ended == {"not_http": 2}


@pytest.mark.parametrize("sent", [b"", b"P", HEAD, HEAD + b"X: "])
def test_a_head_that_does_not_come(served: Served, sent: bytes) -> None:
    began = time.monotonic()
    answer = served.answer(sent)

    assert 0.9 < time.monotonic() - began < 3
    assert (refused(answer, 408) if sent else answer.decode()) in (
        "",
        "the headers must arrive within 1 s: send them faster",
    )
    assert served.ended == {"head_too_slow": 1}


def test_a_head_that_comes_byte_by_byte(served: Served) -> None:
    began = time.monotonic()
    with closing(served.connect(HEAD + b"X: ")) as connection, suppress(ConnectionError):
        while time.monotonic() - began < 5:
            connection.sendall(b"x")
            time.sleep(0.1)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("path", [b"/read", b"/"])
def test_a_body_that_does_not_come(served: Served, path: bytes) -> None:
    """Also one that nobody wants."""
    began = time.monotonic()
    answer = served.answer(HEAD.replace(b"/read", path) + b"Content-Length: 10\r\n\r\nx")

    assert 0.9 < time.monotonic() - began < 3
    if path == b"/read":
        assert refused(answer, 408) == "the body must arrive within 1 s: send it faster"
    else:
        assert code_of(answer) == 200
    assert served.ended == {"body_too_slow": 1}


def test_a_refused_body_is_read_for_a_while(served: Served) -> None:
    size = 10 * LIMITS.drained_bytes
    with closing(
        served.connect(HEAD.replace(b"/read", b"/") + f"Content-Length: {size}\r\n\r\n".encode())
    ) as connection:
        assert code_of(connection.recv(100)) == 200
        connection.sendall(b"x" * (LIMITS.drained_bytes // 2))
        assert not served.ended
        with suppress(ConnectionError):
            for _ in range(10):
                connection.sendall(b"x" * LIMITS.drained_bytes)
    assert served.ended == {"body_too_large": 1}


def test_bodies_that_are_too_large_together(served: Served) -> None:
    part = LIMITS.bodies_bytes // 4
    head = HEAD + f"Content-Length: {2 * part}\r\n\r\n".encode()
    connections = [served.connect(head + b"x" * part) for _ in range(5)]
    answers = [connection.recv(1000) for connection in connections]
    for connection in connections:
        connection.close()

    codes = Counter(code_of(answer) for answer in answers)
    assert codes.keys() == {408, 503}  # the others were too slow
    assert served.ended == {"bodies_too_large": codes[503], "body_too_slow": codes[408]}
    # What is answered, refused or gone holds nothing.
    for _ in range(5):
        with closing(served.connect(head + b"x" * 2 * part)) as connection:
            assert code_of(connection.recv(1000)) == 200


def test_an_answer_that_is_not_read(served: Served) -> None:
    with closing(served.connect()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: served.ended["answer_too_slow"])
    assert served.ended == {"answer_too_slow": 1}


def test_answers_that_are_too_large_together(served: Served) -> None:
    connections = [served.connect() for _ in range(5)]
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.5)
    for connection in connections:
        connection.close()
    assert served.ended["answers_too_large"] >= 1


def test_requests_that_wait_for_no_answer(served: Served) -> None:
    request = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
    with closing(served.connect((request % b"work") + (request % b"") * 4)) as connection:
        time.sleep(2.2)
        assert connection.recv(2**16).count(b"200 OK") == 5
    assert served.answer((request % b"work") + (request % b"") * 10_000) == b""
    assert served.ended == {"pipelined": 1}


def test_connections_beyond_the_most(served: Served) -> None:
    began = [served.connect(HEAD if number % 2 else b"") for number in range(LIMITS.connections)]
    busy = served.connect(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.2)
    more = [served.connect() for _ in range(2 * LIMITS.connections)]
    time.sleep(0.2)
    with closing(served.connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) as connection:
        assert code_of(connection.recv(1000)) == 200
    assert code_of(busy.recv(1000)) == 200
    for connection in (*began, busy, *more):
        connection.close()
    assert served.ended["crowded"] >= 2 * LIMITS.connections


def test_handshakes_are_connections(control_plane: ControlPlane) -> None:
    key = control_plane.ca_file.with_suffix(".key")
    tls = ssl.create_default_context(cafile=str(control_plane.ca_file))
    with serving(LIMITS, ssl_certfile=control_plane.ca_file, ssl_keyfile=key) as served:
        silent = [served.connect() for _ in range(LIMITS.connections)]
        with tls.wrap_socket(served.connect(), server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert code_of(connection.recv(1000)) == 200
        assert served.ended["crowded"] >= 1
        began = time.monotonic()
        assert {rest_of(one) for one in silent} == {b""}
        assert time.monotonic() - began < 5
        for one in silent:
            one.close()


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost"])
def test_addresses(host: str) -> None:
    with closing(bind(host, 0)) as listener, socket.create_connection(("127.0.0.1", listener.getsockname()[1])):
        pass
