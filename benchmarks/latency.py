"""A network that takes its time: ``python -m benchmarks.latency PORT MILLISECONDS`` forwards a port, late.

Each piece of data arrives so many milliseconds later than it was sent, in either direction, over any number of
connections at once. Prints its own port. Opening a connection takes no longer than usual.
"""

from __future__ import annotations

import asyncio
import sys


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Hand on what comes, late, to the end."""
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(65536):
        loop.call_later(seconds, writer.write, chunk)
    loop.call_later(seconds, writer.close)


async def main(port: int, milliseconds: float) -> None:
    """Listen until killed."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            pump(reader, far_writer, milliseconds / 1000), pump(far_reader, writer, milliseconds / 1000)
        )

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
