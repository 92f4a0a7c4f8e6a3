"""One echo over WebTransport, reached by Python, by a page, and by a real Chromium."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from wslab.net import loop
from wslab.net.address import LOOPBACK
from wslab.net.browsers import Chromium
from wslab.net.packages import extra
from wslab.net.servers import EchoPageServer, pages
from wslab.net.tls import Authority
from wslab.net.webtransport.server import Packet, UdpRelay, WebTransportServer

if TYPE_CHECKING:
    from wslab.net.webtransport.session import ClientSession

PATIENCE = 20.0
"""Seconds that a session may take."""

Way = Literal["one stream", "a stream for each", "datagrams"]
WAYS: tuple[Way, ...] = ("one stream", "a stream for each", "datagrams")

SIZE = 8
"""Bytes of a message that is sent while packets are lost."""


class Sent(NamedTuple):
    """What came of messages on a way that loses packets."""

    lost_packets: int
    came: list[int]
    """The numbers of those that came, in that order."""
    waits: list[float]
    """Seconds from sending to arriving of each that came."""
    held_up: int
    """Messages that were there, and waited for an earlier one."""


class TransportPage(EchoPageServer):
    """The page that opens a WebTransport session, with what `about` says of the server."""

    def __init__(self, name: str, about: dict[str, Any]) -> None:
        super().__init__(name)
        made = pages.folder("transport_page", "transport.js")
        policy = pages.POLICY | {"connect-src": f"'self' https://{LOOPBACK}:*"}
        told = pages.Page("application/json", json.dumps(about).encode())
        self._pages = made | {"/": made["/"]._replace(policy=policy), "/session.json": told}


class Stage:
    """A WebTransport server behind a relay, and a page that knows its certificate.

    Everything ends with `close`. Raises `Missing` where something is not on this machine.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        with ExitStack() as ends:
            self._authority = ends.enter_context(Authority(f"{name} authority"))
            self.server = WebTransportServer(self._authority.issue(), f"{name} server")
            ends.enter_context(self.server)
            self.relay = ends.enter_context(UdpRelay(self.server.port, f"{name} relay"))
            about = {"url": self.relay.url, "hash": list(self.server.certificate_hash)}
            self.page = ends.enter_context(TransportPage(f"{name} page", about))
            self._ends = ends.pop_all()
        self._chromium: Chromium | None = None

    def talk(self) -> tuple[list[str], list[Packet]]:
        """By Python: "Hello" on a stream, and a datagram; what came back, and the packets."""
        return loop.run(self._talk(), PATIENCE)

    async def _talk(self) -> tuple[list[str], list[Packet]]:
        self.relay.packets.clear()
        async with self._session() as session:
            stream = session.open_stream()
            session.send(stream, b"Hello", ends=True)
            session.send_datagram(b"ping")
            await session.wait(lambda: session.echo(stream) == b"Hello" and session.datagrams)
            said = [f"stream: “{session.echo(stream).decode()}” came back"]
            said.append(f"datagrams: {len(session.datagrams)} of 1 came back")
        return said, list(self.relay.packets)

    def visit(self) -> tuple[list[str], list[Packet]]:
        """The same by the page in a headless Chromium, with 20 datagrams."""
        if self._chromium is None:
            self._chromium = self._ends.enter_context(Chromium(f"{self.name} browser"))
        page = self._chromium.open(f"http://{LOOPBACK}:{self.page.port}/")
        self.relay.packets.clear()
        said: list[str] = page.evaluate("talk()")
        return said, list(self.relay.packets)

    def send(self, way: Way, count: int, *, loss: float, pause: float = 0.004) -> Sent:
        """Send numbered messages, one each `pause` seconds, while packets of the client's are lost.

        Waits for all that can still come.
        """
        return loop.run(self._send(way, count, loss, pause), PATIENCE)

    async def _send(self, way: Way, count: int, loss: float, pause: float) -> Sent:
        self.server.arrived.clear()
        async with self._session() as session:
            stream = session.open_stream()
            self.relay.packets.clear()
            self.relay.loss = loss
            sent = []
            for number in range(count):
                message = f"{number:>{SIZE - 1}};".encode()
                sent.append(time.monotonic())
                if way == "datagrams":
                    session.send_datagram(message)
                elif way == "one stream":
                    session.send(stream, message)
                else:
                    session.send(session.open_stream(), message, ends=True)
                await asyncio.sleep(pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3 if way == "datagrams" else PATIENCE / 2):
                    while sum(len(data) for _, data in self.server.arrived) < count * SIZE:
                        self.server.news.clear()
                        await self.server.news.wait()
            self.relay.loss = 0.0
        lost = sum(packet.lost for packet in self.relay.packets)
        came, waits, held_up = [], [], 0
        for when, data in self.server.arrived:
            numbers = [int(part) for part in data.split(b";")[:-1]]
            came += numbers
            waits += [when - sent[number] for number in numbers]
            held_up += max(0, len(numbers) - 1)
        return Sent(lost, came, waits, held_up)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[ClientSession]:
        with extra("production"):
            from aioquic.h3.connection import H3_ALPN
            from aioquic.quic.configuration import QuicConfiguration
            from aioquic.quic.connection import QuicConnection

            from wslab.net.webtransport.session import ClientSession
        configuration = QuicConfiguration(
            alpn_protocols=H3_ALPN, max_datagram_frame_size=65536, server_name=LOOPBACK,
            cadata=self._authority.certificate,
        )  # fmt: skip
        # Not by aioquic's `connect`: it takes a socket on every interface, and needs IPv6.
        transport, session = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: ClientSession(QuicConnection(configuration=configuration)),
            local_addr=(LOOPBACK, 0),
        )
        try:
            session.connect((LOOPBACK, self.relay.port))
            await session.wait_connected()
            await session.open(f"{LOOPBACK}:{self.relay.port}")
            yield session
        finally:
            session.close()
            await session.wait_closed()
            transport.close()

    def close(self) -> None:
        """End all that was started. May be called twice."""
        self._ends.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
