"""A plain TCP balancer in front of several servers, as a cloud's is: it knows ports and nothing of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading

PIECE = 65_536


class Balancer(threading.Thread):
    """Passes each connection to the next server that accepts it."""

    def __init__(self, port: int, servers: list[int]) -> None:
        super().__init__(daemon=True)
        self.port, self.turns, self.count = port, itertools.cycle(servers), len(servers)
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        self.start()
        self.listening.wait()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        self.loop.run_forever()

    async def listen(self) -> None:
        await asyncio.start_server(self.accept, "127.0.0.1", self.port, backlog=4_096)
        self.listening.set()

    async def accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        for _ in range(self.count):
            with contextlib.suppress(OSError):
                server, to_server = await asyncio.open_connection("127.0.0.1", next(self.turns))
                await asyncio.gather(pass_on(client, to_server), pass_on(server, to_client))
                return
        to_client.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side is gone; then the other is told."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
