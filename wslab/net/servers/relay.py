"""Stands before a server and keeps what crosses, as it is: no login is masked, as at a tap."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from wslab.net.address import LOOPBACK
from wslab.net.servers.raw import RawConnection, RawServer
from wslab.wire import Direction

Crossed = list[tuple[Direction, bytes]]
"""What crossed on one TCP connection, in the order in which it came."""


class RawRelay(RawServer):
    """Passes bytes on to `upstream`, a port of this machine, and records them in the clear.

    With `tls`, a server's context, it ends TLS, and agrees on HTTP/2 by ALPN (RFC 7301), as a
    browser wants it.
    """

    kind = "relay"

    def __init__(self, upstream: int, name: str, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._relay, name=name, reads_head=False, tls=tls)
        self.crossed: list[Crossed] = []
        """By TCP connection, oldest first."""
        self._upstream = upstream
        if tls is not None:
            tls.set_alpn_protocols(["h2"])

    async def _relay(self, client: RawConnection) -> None:
        crossed: Crossed = []
        self.crossed.append(crossed)
        reader, writer = await asyncio.open_connection(LOOPBACK, self._upstream)

        async def pass_on(
            direction: Direction, source: asyncio.StreamReader, to: asyncio.StreamWriter
        ) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(64 * 1024):
                    crossed.append((direction, data))
                    to.write(data)
                    await to.drain()
            to.close()

        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pass_on("client", client.reader, writer))
                both.create_task(pass_on("server", reader, client.writer))
        finally:
            writer.close()
