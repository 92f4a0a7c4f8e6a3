"""The server of the first lessons: it sends back what it gets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from websockets.asyncio.server import ServerConnection

from wslab.net.server import Server


class EchoServer(Server):
    """Sends every message back as it came: text as text, binary as binary. See `Server` for the
    options.
    """

    def __init__(
        self,
        name: str = "echo",
        port: int = 0,
        *,
        origins: Sequence[str | re.Pattern[str] | None] | None = None,
        subprotocols: Sequence[str] | None = None,
        max_size: int | None = 2**20,
        compression: str | None = None,
        ping_interval: float | None = None,
    ) -> None:
        super().__init__(
            name,
            port,
            origins=origins,
            subprotocols=subprotocols,
            max_size=max_size,
            compression=compression,
            ping_interval=ping_interval,
        )

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)
