"""A server that does TLS handshakes and nothing after them, to see how they fail."""

from __future__ import annotations

import ssl

from wslab.net.servers.raw import RawConnection, RawServer


class TLSHandshakeServer(RawServer):
    """Does the TLS handshake with `context`, sends the alert if it fails, and ends TCP either way.

    The context of the default has no certificate, so every handshake fails.
    """

    secure = True

    def __init__(
        self, context: ssl.SSLContext | None = None, *, name: str = "tls", port: int = 0
    ) -> None:
        super().__init__(self._shake_hands, name=name, port=port, reads_head=False)
        self.context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.said: list[str] = []
        """What Python's `ssl` raised, one line for each connection that failed."""

    async def _shake_hands(self, connection: RawConnection) -> None:
        # TLS in memory, so that its error can be recorded and its alert is still delivered: of a
        # handshake that fails, asyncio delivers none.
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(came, goes, server_side=True)
        done = False
        while not done and (data := await connection.reader.read(64 * 1024)):
            came.write(data)
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self.said.append(f"do_handshake() raised {type(error).__name__}: {error}")
                done = True
            await connection.send(goes.read())
