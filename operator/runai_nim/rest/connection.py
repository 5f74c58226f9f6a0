"""uvicorn's HTTP protocol with limits on connections, headers and bodies.

uvicorn alone accepts headers of any length, waits without a timeout for the end of headers and body and until an answer
is read, and buffers everything that arrives meanwhile.
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
    """Limits in bytes, seconds and numbers: for one connection, and from `connections` on for all connections."""

    head_bytes: int = 32 * 2**10
    """Request line and headers. A token with many claims takes 8 KiB."""
    head_seconds: float = 10.0
    """From the start of the connection or request to the end of the headers; also for the TLS handshake."""
    body_seconds: float = 30.0
    """From the end of the headers to the end of the body."""
    drained_bytes: int = 16 * 2**20
    """Drain this much of an oversized body, so that the client can read the 413."""
    answer_seconds: float = 20.0
    """Time in which the client must read an answer."""
    pipelined_calls: int = 8
    """Requests that wait for the answers to earlier ones."""
    connections: int = 400
    """Including handshakes. For one more, the connection that has kept the process waiting longest is closed."""
    bodies_bytes: int = 16 * 2**20
    """Bodies of unanswered calls. Above it, the body that has been arriving longest is refused."""
    answers_bytes: int = 16 * 2**20
    """Unread answers. Above it, the connection whose answer has been unread longest is closed."""


class ConnectionPool:
    """All connections and their buffers. `on_end` is called with the reason as a word when one is closed."""

    def __init__(self, limits: Limits, on_end: Callable[[str], None]) -> None:
        self.limits = limits
        self.on_end = on_end
        self.connections: OrderedDict[Connection, None] = OrderedDict()
        """Ordered by `since`."""
        self.bodies_bytes = 0

    def check_timeouts(self) -> None:
        """Close connections that exceed a time limit. Call it periodically."""
        for connection in tuple(self.connections):
            connection.check_timeout()

    @property
    def slowest(self) -> "Connection | None":
        """The connection that has kept the process waiting longest, if any is waiting for its client."""
        return next((connection for connection in self.connections if connection.is_waiting_for_client), None)

    def make_room_for_bodies(self) -> None:
        """Refuse incomplete bodies until the limit is met."""
        while self.bodies_bytes > self.limits.bodies_bytes:
            slowest = next((one for one in self.connections if one.reading == "body" and one.bytes_held), None)
            if slowest is None:
                return
            slowest.refuse("bodies_too_large", unavailable("the bodies of all calls together are too large"))

    def make_room_for_answers(self) -> None:
        """Close connections with unread answers until the limit is met."""
        unread = [connection for connection in self.connections if connection.unread]
        total = sum(connection.unread for connection in unread)
        for connection in unread:
            if total <= self.limits.answers_bytes:
                return
            total -= connection.unread
            connection.end("answers_too_large")


class _ConnectionEndedError(Exception):
    """Stops the parser after the connection was closed."""


class Connection(HttpToolsProtocol):
    """One connection. `since`: since when it waits for what `reading` names, or for a request."""

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
        """The connection was opened."""
        super().connection_made(transport)
        self._wait_for("")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection was closed."""
        super().connection_lost(exc)
        self._crowd.connections.pop(self, None)
        self._forget_calls()

    def data_received(self, data: bytes) -> None:
        """Parse some bytes. uvicorn's method would log invalid HTTP."""
        self._unset_keepalive_if_required()
        try:
            if not self.transport.is_closing():
                self.parser.feed_data(data)
            if self.reading == "head":
                self._unparsed_bytes += len(data)
                self._check_head()
        except httptools.HttpParserUpgrade:
            pass  # the client offered another protocol, and was answered with HTTP/1.1
        except (httptools.HttpParserError, _ConnectionEndedError):
            if not self.transport.is_closing():
                self.refuse("not_http", HttpError(400, "the request must be HTTP/1.1: correct it"))

    def on_message_begin(self) -> None:
        """A request begins; uvicorn queues pipelined ones."""
        if len(self.pipeline) >= self._crowd.limits.pipelined_calls:
            self.end("pipelined")
            raise _ConnectionEndedError
        super().on_message_begin()
        self._wait_for("head")
        self._head = self._unparsed_bytes = self._drained_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the path."""
        super().on_url(url)
        self._head += len(url)
        self._check_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after a chunked body."""
        super().on_header(name, value)
        self._head += len(name) + len(value) + len(": \r\n")
        self._check_head()

    def on_headers_complete(self) -> None:
        """The headers are complete."""
        super().on_headers_complete()
        self._calls.append(self.cycle)
        self._wait_for("body")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
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
        if self.transport.is_closing():  # make_room_for_bodies closed this connection
            raise _ConnectionEndedError

    def on_message_complete(self) -> None:
        """The request is complete."""
        super().on_message_complete()
        self._wait_for("")

    def on_response_complete(self) -> None:
        """The answer is complete."""
        super().on_response_complete()
        self._calls.popleft()
        if not self._calls:
            self._release_buffers()
        if not self.reading:
            self._wait_for("")

    def pause_writing(self) -> None:
        """The socket buffer is full of unread answer."""
        super().pause_writing()
        self._crowd.make_room_for_answers()

    def shutdown(self) -> None:
        """On shutdown complete calls are answered; incomplete ones are dropped."""
        if self.reading == "body":
            self.refuse("stopping", unavailable("the REST API is stopping"))
        super().shutdown()

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether the client has to act."""
        return bool(self.reading) or self._is_idle or self.transport.is_closing()

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not read."""
        return self.transport.get_write_buffer_size()

    def check_timeout(self) -> None:
        """Close it if it exceeds a time limit."""
        limits = self._crowd.limits
        now = self.loop.time()
        if self.unread or self.transport.is_closing():
            self._unread_since = self._unread_since or now
            if now - self._unread_since > limits.answer_seconds:
                self.end("answer_too_slow")
            return
        self._unread_since = None
        waited = now - self.since
        if self.reading == "body" and waited > limits.body_seconds:
            message = f"the body must arrive within {limits.body_seconds:g} s: send it faster"
            self.refuse("body_too_slow", HttpError(408, message))
        elif self.reading == "head" and waited > limits.head_seconds:
            message = f"the headers must arrive within {limits.head_seconds:g} s: send them faster"
            self.refuse("head_too_slow", HttpError(408, message))
        elif self._is_idle and waited > limits.head_seconds:
            self.end("head_too_slow")

    def refuse(self, reason: str, refusal: HttpError) -> None:
        """Answer with an error and close, if no earlier request on the connection waits for its answer."""
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
        """Close it immediately."""
        self._crowd.on_end(reason)
        self._crowd.connections.pop(self, None)
        self.transport.abort()
        self._forget_calls()

    def _wait_for(self, reading: Literal["", "head", "body"]) -> None:
        self.reading = reading
        self.since = self.loop.time()
        if not self.transport.is_closing():
            self._crowd.connections[self] = None
            self._crowd.connections.move_to_end(self)

    @property
    def _is_idle(self) -> bool:
        return not self.reading and (self.cycle is None or self.cycle.response_complete)

    def _forget_calls(self) -> None:
        """Mark all its calls as disconnected, since their answers are not read. (uvicorn marks only the last one.)"""
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
            message = f"the headers must have at most {most} bytes: send fewer or shorter ones"
            self.refuse("head_too_large", HttpError(431, message))
            raise _ConnectionEndedError


def _bytes_of(refusal: HttpError) -> bytes:
    body = orjson.dumps(refusal.body)
    head = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (head | refusal.headers).items())
    return STATUS_LINE[refusal.code] + lines.encode() + b"\r\n" + body
