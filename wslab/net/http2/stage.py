"""One echo, reached over HTTP/1.1 and over HTTP/2, by Python and by a real Chromium."""

from __future__ import annotations

import base64
import hashlib
import ssl
from contextlib import ExitStack
from typing import Literal, NamedTuple, Self

from wslab.net.address import LOOPBACK
from wslab.net.browsers import Chromium
from wslab.net.clients import connect
from wslab.net.http2.client import Http2Client
from wslab.net.http2.frame import Http2Frame, frames, inside, sockets
from wslab.net.http2.hypercorn import Hypercorn
from wslab.net.packages import extra
from wslab.net.servers.relay import Crossed, RawRelay
from wslab.net.tls import Authority
from wslab.wire import Capture, Unit

Who = Literal["Python", "Chromium"]

_TALK = """
new Promise((done, failed) => {
  const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/echo`);
  socket.onopen = () => socket.send("Hello");
  socket.onmessage = () => socket.close(1000);
  socket.onclose = (event) => done(event.code);
  setTimeout(() => failed(new Error("no echo within 10 s")), 10_000);
})
"""


class Talk(NamedTuple):
    """A conversation: "Hello", the echo, and the end."""

    units: list[Unit]
    """Over HTTP/1.1 its request, its response and its frames, over HTTP/2 the frames alone."""
    frames: tuple[Http2Frame, ...] = ()
    """The HTTP/2 frames of its stream, and of the connection itself."""
    protocol: str = ""
    """What a browser calls the protocol of its page (`nextHopProtocol`)."""


class Stage:
    """A hypercorn with a relay before it, and, once it is needed, a second one that ends TLS.

    Everything ends with `close`. Raises `Missing` where something is not on this machine.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._browser: tuple[Chromium, RawRelay] | None = None
        with ExitStack() as ends:
            self.server = ends.enter_context(Hypercorn(f"{name} hypercorn"))
            self.relay = ends.enter_context(RawRelay(self.server.port, f"{name} relay"))
            self._ends = ends.pop_all()

    def over_http1(self, who: Who) -> Talk:
        """Say "Hello", hear it, and close, over HTTP/1.1."""
        protocol = ""
        if who == "Chromium":
            protocol = self._visit(f"http://{LOOPBACK}:{self.relay.port}/")
        else:
            with connect(f"ws://{LOOPBACK}:{self.relay.port}/echo") as client:
                client.send("Hello")
                client.recv()
        capture = Capture(clock=lambda: 0.0)
        for crossed in self.relay.crossed:
            connection = capture.open_connection()
            for direction, data in crossed:
                capture.record(connection, direction, data)
        rows = capture.index.rows()
        last = next(row.connection for row in reversed(rows) if row.kind == "text")
        units = [capture.index.unit(row.number) for row in rows if row.connection == last]
        start = max(n for n, unit in enumerate(units) if unit.kind == "request")
        return Talk(units[start:], protocol=protocol)

    def over_http2(self, who: Who) -> Talk:
        """The same over HTTP/2: Python in the clear, Chromium in TLS."""
        if who == "Chromium":
            protocol, relay = self._visit(), self._secure()[1]
        else:
            protocol, relay = "", self.relay
            with Http2Client(relay.port) as client:
                stream = client.open()
                client.send(stream, "Hello")
                client.wait(lambda: bool(client.data[stream]))
                client.close(stream)
        return _socket_of(protocol, relay.crossed)

    def _visit(self, url: str = "") -> str:
        chromium, relay = self._secure()
        page = chromium.open(url or f"https://{LOOPBACK}:{relay.port}/")
        page.evaluate(_TALK)
        protocol = page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')
        return str(protocol)

    def _secure(self) -> tuple[Chromium, RawRelay]:
        if self._browser is None:
            authority = self._ends.enter_context(Authority(f"{self.name} authority"))
            relay = RawRelay(self.server.port, f"{self.name} tls", tls=authority.server())
            self._ends.enter_context(relay)
            known = f"--ignore-certificate-errors-spki-list={_key_of(relay.port)}"
            chromium = self._ends.enter_context(Chromium(f"{self.name} browser", known))
            self._browser = chromium, relay
        return self._browser

    def close(self) -> None:
        """End all that was started. May be called twice."""
        self._ends.close()
        self._browser = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _socket_of(protocol: str, connections: list[Crossed]) -> Talk:
    """The last socket that was opened over HTTP/2."""
    for crossed in reversed(connections):
        if crossed[:1] and crossed[0][1].startswith(b"PRI"):
            found = frames(crossed)
            for stream in reversed(sockets(found)):
                shown = tuple(one for one in found if one.stream in (0, stream))
                return Talk(inside(found, stream), shown, protocol)
    raise LookupError("no WebSocket crossed over HTTP/2")


def _key_of(port: int) -> str:
    """The fingerprint of a server's key, by which a browser is told to trust it alone."""
    with extra("production"):
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    pem = ssl.get_server_certificate((LOOPBACK, port)).encode()
    key = x509.load_pem_x509_certificate(pem).public_key()
    told = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(told).digest()).decode()
