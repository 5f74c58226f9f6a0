"""`python -m local.node.forward <socket> <address> <port>`: carries connections into the node's network.

The listening socket was opened outside of that network namespace and is handed in by its number; connections are opened
inside, where this process runs.
"""

import asyncio
import contextlib
import socket
import sys


async def main(number: int, address: str, port: int) -> None:
    """Serve until the process is ended."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(address, port)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    server = await asyncio.start_server(carry, sock=socket.socket(fileno=number))
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
