"""Accepts connections within a limit, including TLS handshakes.

uvicorn's listener accepts every connection and waits a minute for each handshake.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ssl import SSLContext
from typing import Any, Final

import structlog
import uvicorn
from structlog.typing import FilteringBoundLogger

from runai_nim.rest.connection import Connection, ConnectionPool, Limits

logger: FilteringBoundLogger = structlog.get_logger(__name__)

_BACKLOG: Final = 1024
_CHECK_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 0.1
"""Pause after an accept failed, for example without free file descriptors."""
_MAX_HANDSHAKES: Final = 16
"""Connections accepted before other events are processed: 2 ms."""


class ConnectionListener:
    """Accepts connections; as in uvicorn, `close` stops accepting and leaves open connections open."""

    def __init__(
        self, listener: socket.socket, crowd: ConnectionPool, make: Callable[[], Connection], tls: SSLContext | None
    ) -> None:
        self._listener = listener
        self._crowd = crowd
        self._make = make
        self._tls = tls
        self._coming: dict[socket.socket, tuple[float, asyncio.Task[None]]] = {}
        """Start time of pending handshakes, the oldest first."""
        self._loop = asyncio.get_running_loop()
        self._looks = self._loop.create_task(self._check_connections())
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Stop accepting."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in self._coming:
            _abort(connection)

    async def wait_closed(self) -> None:
        """Wait until all connections are closed."""
        self._looks.cancel()

    def _accept(self) -> None:
        for _ in range(_MAX_HANDSHAKES):
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:  # there are no more
                return
            except OSError as error:
                logger.warning("accept failed, retrying", error=str(error))
                for _ in range(_MAX_HANDSHAKES):
                    self._make_room()  # each connection is a file
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_PAUSE_SECONDS, self._resume)
                return
            full = len(self._crowd.connections) + len(self._coming) >= self._crowd.limits.connections
            if full and not self._make_room():
                self._crowd.on_end("crowded")
                connection.close()
                continue
            self._coming[connection] = self._loop.time(), self._loop.create_task(self._handshake(connection))

    def _resume(self) -> None:
        if self._listener.fileno() != -1:
            self._loop.add_reader(self._listener, self._accept)

    async def _handshake(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seconds = self._crowd.limits.head_seconds if self._tls else None
        try:
            await self._loop.connect_accepted_socket(
                self._make, connection, ssl=self._tls, ssl_handshake_timeout=seconds
            )
        except OSError:  # ssl.SSLError is one
            self._crowd.on_end("handshake")
            connection.close()
        finally:
            self._coming.pop(connection, None)

    def _make_room(self) -> bool:
        """Close the connection that has kept the process waiting longest, if any."""
        slowest = self._crowd.slowest
        coming = next(iter(self._coming.items()), None)
        if coming and (slowest is None or coming[1][0] < slowest.since):
            self._crowd.on_end("crowded")
            self._coming.pop(coming[0])
            _abort(coming[0])
        elif slowest:
            slowest.end("crowded")
        return coming is not None or slowest is not None

    async def _check_connections(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            self._crowd.check_timeouts()


def _abort(connection: socket.socket) -> None:
    """Close a connection during its handshake. (When its task is cancelled, uvloop doesn't notify the protocol.)"""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Server(uvicorn.Server):
    """uvicorn's server with this listener. `on_end` is called with the reason as a word when a connection is closed."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        on_end: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        super().__init__(config)
        self._listener = listener
        self._crowd = ConnectionPool(limits or Limits(), on_end)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets=[])
        make = partial(Connection, self._crowd, self.config, self.server_state, self.lifespan.state)
        door: Any = ConnectionListener(self._listener, self._crowd, make, self.config.ssl)
        self.servers = [door]


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; on all addresses if `host` is empty. Raises OSError."""
    if not host and socket.has_dualstack_ipv6():
        listener = socket.create_server(("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True)
    else:
        family = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0][0]  # noqa: S104
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener
