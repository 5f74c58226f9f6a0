"""`python -m local.node.forward <socket> <address> <port>`: forwards connections into the node's network.

The process runs in the node's network namespace and inherits a listening socket, by its file descriptor, that was
opened outside of it.
"""

import asyncio
import contextlib
import socket
import sys


async def main(number: int, address: str, port: int) -> None:
    """Forward connections until the process is stopped."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(address, port)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    server = await asyncio.start_server(forward, sock=socket.socket(fileno=number))
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
