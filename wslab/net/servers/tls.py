"""A TLS server without a certificate, with which every TLS handshake fails."""

from __future__ import annotations

import ssl

from wslab.net.servers.raw import RawConnection, RawServer


class TLSServerWithoutCertificate(RawServer):
    """A server that answers each ClientHello with the alert of the `ssl` module, and ends TCP."""

    secure = True

    def __init__(self, name: str = "tls", port: int = 0) -> None:
        super().__init__(self._refuse, name=name, port=port, reads_head=False)
        self.said: list[str] = []
        """What Python's `ssl` raised, one line for each connection."""

    async def _refuse(self, connection: RawConnection) -> None:
        # TLS in memory, so that its error can be recorded and its alert is still delivered.
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(came, goes, server_side=True)
        while data := await connection.reader.read(64 * 1024):
            came.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                self.said.append(f"do_handshake() raised {type(error).__name__}: {error}")
                await connection.send(goes.read())
                return
