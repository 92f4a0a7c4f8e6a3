"""A TLS server that has no certificate: every TLS handshake with it fails, for real."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from wslab.net.listener import Listener


class TLSServerWithoutCertificate(Listener):
    """Answers each ClientHello with the alert that the `ssl` module makes of it, and ends TCP."""

    def __init__(self, name: str = "tls", port: int = 0) -> None:
        super().__init__(name, port)
        self.said: list[str] = []
        """What Python's `ssl` raised, one line for each connection."""
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return super().url.replace("ws://", "wss://", 1)

    async def _open(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accept, sock=sock, start_serving=False)
        await self._server.start_serving()

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        visits = list(self._visits)
        for visit in visits:
            visit.cancel()
        if visits:
            await asyncio.wait(visits)
        if server is not None:
            await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.get_running_loop().create_task(self._visit(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # TLS in memory: so that its error can be told, and its alert is still delivered.
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(came, goes, server_side=True)
        try:
            while data := await reader.read(64 * 1024):
                came.write(data)
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLError as error:
                    self.said.append(f"do_handshake() raised {type(error).__name__}: {error}")
                    writer.write(goes.read())
                    await writer.drain()
                    break
        except OSError:
            pass  # the client went away, as it may
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
