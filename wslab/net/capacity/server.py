"""A server in a process of its own, which says what it takes: run by `figures.py`.

It reads orders as lines of JSON from the standard input, and writes one answer for each to the
standard output. It ends with its input, so that it never outlives the lab that started it, and
imports nothing of wslab, which would take its time and memory.
"""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve


class Measured:
    """An idle server: it only says what it is told to say to everybody."""

    def __init__(self) -> None:
        self.server: Server | None = None

    async def serve(self, pem: str, compression: str | None) -> int:
        """Listen, with TLS if there is a certificate with its key; returns the port."""
        tls = None
        if pem:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.TemporaryDirectory() as folder:  # `load_cert_chain` takes files only
                (file := Path(folder) / "server.pem").write_text(pem)
                tls.load_cert_chain(file)
        self.server = await serve(
            self.wait, "127.0.0.1", 0, ssl=tls, compression=compression, ping_interval=None
        )
        return int(self.server.sockets[0].getsockname()[1])

    async def wait(self, client: ServerConnection) -> None:
        await client.wait_closed()

    async def say(self, count: int, size: int) -> int:
        """Send everybody that many messages; returns how many that were."""
        assert self.server is not None
        for number in range(count):
            broadcast(self.server.connections, f"{number:0>{size}}")
            await asyncio.sleep(0)
        return count * len(self.server.connections)

    async def usage(self) -> dict[str, float]:
        """What the process takes: memory in bytes, CPU in seconds."""
        import psutil  # type: ignore[import-untyped] # ipykernel brings it along

        gc.collect()
        return {"memory": psutil.Process().memory_info().rss, "cpu": time.process_time()}


async def main() -> None:
    """Obey until the input ends."""
    measured, loop = Measured(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        details: dict[str, Any] = json.loads(line)
        order = details.pop("order")
        details.pop("patience")
        print(json.dumps(await getattr(measured, order)(**details)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
