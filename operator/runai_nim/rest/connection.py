"""Connections of callers: uvicorn's protocol, within limits that uvicorn doesn't have.

uvicorn takes heads of any length, waits for ever for the end of a head or a body and for an answer to be read, and
keeps whatever arrives meanwhile. What a call is about is not looked at here.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import httptools
import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from runai_nim.rest.errors import HttpError, unavailable


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds and numbers; of one connection, and from `connections` on of all together."""

    head_bytes: int = 32 * 2**10
    """Request line and headers. A token of many claims takes 8 KiB."""
    head_seconds: float = 10.0
    """From the connection's or the head's beginning to the head's end, and for the handshake of TLS."""
    body_seconds: float = 30.0
    """From the head's end to the body's end."""
    drained_bytes: int = 16 * 2**20
    """Of a body that is refused already: it is read for nothing, so that who sends too much hears of it."""
    answer_seconds: float = 20.0
    """In which an answer must be read."""
    pipelined_calls: int = 8
    """Requests that wait for the answers to earlier ones."""
    connections: int = 400
    """Handshakes included. For one more, the one that keeps us waiting longest has to go."""
    bodies_bytes: int = 16 * 2**20
    """Bodies of calls that are not answered yet. For more, the body that has been coming longest has to go."""
    answers_bytes: int = 16 * 2**20
    """Answers that are not read yet. For more, the one that has been waiting longest has to go."""


class ConnectionPool:
    """All connections together, and what they hold. `on_end` is told why one was ended, in one word."""

    def __init__(self, limits: Limits, on_end: Callable[[str], None]) -> None:
        self.limits, self.on_end = limits, on_end
        self.connections: OrderedDict[Connection, None] = OrderedDict()
        """In the order of their `since`."""
        self.bodies_bytes = 0

    def check_timeouts(self) -> None:
        """End what takes too long. To be called all the time."""
        for connection in tuple(self.connections):
            connection.check_timeout()

    @property
    def slowest(self) -> "Connection | None":
        """The connection that has kept us waiting longest: none of those whose calls we work on."""
        return next((connection for connection in self.connections if connection.is_waiting_for_client), None)

    def make_room_for_bodies(self) -> None:
        """Until there is room, refuse bodies that are not complete."""
        while self.bodies_bytes > self.limits.bodies_bytes:
            slowest = next((one for one in self.connections if one.reading == "body" and one.bytes_held), None)
            if slowest is None:
                return
            slowest.refuse("bodies_too_large", unavailable("the bodies of all calls together are too large"))

    def make_room_for_answers(self) -> None:
        """Until there is room, end connections whose answers are not read."""
        unread = [connection for connection in self.connections if connection.unread]
        total = sum(connection.unread for connection in unread)
        for connection in unread:
            if total <= self.limits.answers_bytes:
                return
            total -= connection.unread
            connection.end("answers_too_large")


class _ConnectionEndedError(Exception):
    """Keeps the parser from going on with what came after."""


class Connection(HttpToolsProtocol):
    """One connection. `since`: since when we wait for what `reading` says, or for a request."""

    def __init__(self, crowd: ConnectionPool, config: Config, state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, state, app_state)
        self._crowd = crowd
        self.reading: Literal["", "head", "body"] = ""
        self.since = 0.0
        self.bytes_held = 0
        self._head = self._unparsed_bytes = self._drained_bytes = 0
        self._unread_since: float | None = None
        self._calls: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: Any) -> None:
        """It is there."""
        super().connection_made(transport)
        self._wait_for("")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._crowd.connections.pop(self, None)
        self._forget_calls()

    def data_received(self, data: bytes) -> None:
        """Some bytes. uvicorn's own would log each that is no HTTP."""
        self._unset_keepalive_if_required()
        try:
            if not self.transport.is_closing():
                self.parser.feed_data(data)
            if self.reading == "head":
                self._unparsed_bytes += len(data)
                self._check_head()
        except httptools.HttpParserUpgrade:
            pass  # it was answered by HTTP/1.1, as who offers another protocol has to expect
        except (httptools.HttpParserError, _ConnectionEndedError):
            if not self.transport.is_closing():
                self.refuse("not_http", HttpError(400, "the request must be HTTP/1.1: correct it"))

    def on_message_begin(self) -> None:
        """A request begins; uvicorn keeps those that came before their turn."""
        if len(self.pipeline) >= self._crowd.limits.pipelined_calls:
            self.end("pipelined")
            raise _ConnectionEndedError
        super().on_message_begin()
        self._wait_for("head")
        self._head = self._unparsed_bytes = self._drained_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of its path."""
        super().on_url(url)
        self._head += len(url)
        self._check_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, also behind a body in parts."""
        super().on_header(name, value)
        self._head += len(name) + len(value) + len(": \r\n")
        self._check_head()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        super().on_headers_complete()
        self._calls.append(self.cycle)
        self._wait_for("body")

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        if self.cycle.response_complete:
            self._drained_bytes += len(body)
            if self._drained_bytes > self._crowd.limits.drained_bytes:
                self.end("body_too_large")
                raise _ConnectionEndedError
            return
        super().on_body(body)
        self.bytes_held += len(body)
        self._crowd.bodies_bytes += len(body)
        self._crowd.make_room_for_bodies()
        if self.transport.is_closing():  # this one had to go
            raise _ConnectionEndedError

    def on_message_complete(self) -> None:
        """All of it is here."""
        super().on_message_complete()
        self._wait_for("")

    def on_response_complete(self) -> None:
        """It is answered."""
        super().on_response_complete()
        self._calls.popleft()
        if not self._calls:
            self._release_buffers()
        if not self.reading:
            self._wait_for("")

    def pause_writing(self) -> None:
        """More of an answer is unread than the system takes."""
        super().pause_writing()
        self._crowd.make_room_for_answers()

    def shutdown(self) -> None:
        """The process ends: calls that are complete are answered, others not waited for."""
        if self.reading == "body":
            self.refuse("stopping", unavailable("the REST API is stopping"))
        super().shutdown()

    @property
    def is_waiting_for_client(self) -> bool:
        """Is it the other side's turn?"""
        return bool(self.reading) or self._is_idle or self.transport.is_closing()

    @property
    def unread(self) -> int:
        """Bytes of answers that the other side has not taken."""
        return self.transport.get_write_buffer_size()

    def check_timeout(self) -> None:
        """End it where it takes too long."""
        limits, now = self._crowd.limits, self.loop.time()
        if self.unread or self.transport.is_closing():
            self._unread_since = self._unread_since or now
            if now - self._unread_since > limits.answer_seconds:
                self.end("answer_too_slow")
            return
        self._unread_since = None
        waited = now - self.since
        if self.reading == "body" and waited > limits.body_seconds:
            message = f"the body must come within {limits.body_seconds:g} s: send it faster"
            self.refuse("body_too_slow", HttpError(408, message))
        elif self.reading == "head" and waited > limits.head_seconds:
            message = f"the headers must come within {limits.head_seconds:g} s: send them faster"
            self.refuse("head_too_slow", HttpError(408, message))
        elif self._is_idle and waited > limits.head_seconds:
            self.end("head_too_slow")

    def refuse(self, reason: str, refusal: HttpError) -> None:
        """End it with an answer, where the request that is being read waits for none but its own."""
        answered = self.cycle is None or self.cycle.response_complete
        answerable = not answered and not self.cycle.response_started if self.reading == "body" else answered
        if not answerable or self.pipeline or self.transport.is_closing():
            self.end(reason)
            return
        self._crowd.on_end(reason)
        self.transport.write(_bytes_of(refusal))
        self.transport.close()
        self._forget_calls()

    def end(self, reason: str) -> None:
        """End it at once."""
        self._crowd.on_end(reason)
        self._crowd.connections.pop(self, None)
        self.transport.abort()
        self._forget_calls()

    def _wait_for(self, reading: Literal["", "head", "body"]) -> None:
        self.reading, self.since = reading, self.loop.time()
        if not self.transport.is_closing():
            self._crowd.connections[self] = None
            self._crowd.connections.move_to_end(self)

    @property
    def _is_idle(self) -> bool:
        return not self.reading and (self.cycle is None or self.cycle.response_complete)

    def _forget_calls(self) -> None:
        """Whatever is still made of them, nobody reads. (uvicorn tells the last one only.)"""
        self._release_buffers()
        for cycle in self._calls:
            cycle.disconnected = True
            cycle.message_event.set()
        self.pipeline.clear()

    def _release_buffers(self) -> None:
        self._crowd.bodies_bytes -= self.bytes_held
        self.bytes_held = 0

    def _check_head(self) -> None:
        most = self._crowd.limits.head_bytes
        if max(self._head, self._unparsed_bytes) > most:
            self.refuse("head_too_large", HttpError(431, f"the headers must have at most {most} bytes: send fewer"))
            raise _ConnectionEndedError


def _bytes_of(refusal: HttpError) -> bytes:
    body = orjson.dumps(refusal.body)
    head = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (head | refusal.headers).items())
    return STATUS_LINE[refusal.code] + lines.encode() + b"\r\n" + body
