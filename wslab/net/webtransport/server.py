"""A WebTransport server on UDP, and a relay before it that counts packets and loses some."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from wslab.net.address import LOOPBACK
from wslab.net.listener import Listener
from wslab.net.packages import extra
from wslab.net.tls.authority import Issued
from wslab.wire import Direction

MOST = 10_000
"""Packets that a relay remembers."""


class UdpListener(Listener):
    """A `Listener` on a UDP port."""

    secure = True
    _transport: asyncio.DatagramTransport | None = None

    @property
    def url(self) -> str:
        """The address for `new WebTransport(…)`."""
        return f"https://{LOOPBACK}:{self.port}/echo"

    def _bind(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind((LOOPBACK, self._wanted_port))
        self._bound_port = sock.getsockname()[1]
        return sock

    async def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class WebTransportServer(UdpListener):
    """An echo for WebTransport. Raises `PackageMissing` where aioquic is not installed."""

    def __init__(self, issued: Issued, name: str = "webtransport") -> None:
        super().__init__(name)
        self.arrived: list[tuple[float, bytes]] = []
        """What came on streams and in datagrams, and when: seconds of `time.monotonic`."""
        self.news = asyncio.Event()
        """Set whenever something has come."""
        self._issued = issued

    @property
    def certificate_hash(self) -> bytes:
        """The SHA-256 of its certificate, for the option `serverCertificateHashes`."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self._issued.chain.decode())).digest()

    async def _open(self, sock: socket.socket) -> None:
        with extra("production"):
            from aioquic.asyncio.server import QuicServer
            from aioquic.h3.connection import H3_ALPN
            from aioquic.quic.configuration import QuicConfiguration
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
            from cryptography.x509 import load_pem_x509_certificate

            from wslab.net.webtransport.session import EchoSession
        configuration = QuicConfiguration(
            is_client=False, alpn_protocols=H3_ALPN, max_datagram_frame_size=65536,
            certificate=load_pem_x509_certificate(self._issued.chain),
            private_key=load_pem_private_key(self._issued.key, None),
        )  # fmt: skip
        made = partial(EchoSession, arrive=self._arrive)
        self._transport, self._quic = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: QuicServer(configuration=configuration, create_protocol=made), sock=sock
        )

    def _arrive(self, data: bytes) -> None:
        self.arrived.append((time.monotonic(), data))
        self.news.set()

    async def _close(self) -> None:
        if self._transport is not None:
            self._quic.close()
        await super()._close()


class Packet(NamedTuple):
    """A UDP packet that came to the relay."""

    direction: Direction
    data: bytes
    lost: bool
    """Whether the relay dropped it."""

    @property
    def form(self) -> str:
        """What anybody can read of it: the form of its first header (RFC 9000 §17)."""
        if not self.data[0] & 0x80:
            return "1-RTT"
        return ("Initial", "0-RTT", "Handshake", "Retry")[self.data[0] >> 4 & 3]


class UdpRelay(UdpListener):
    """Passes UDP packets on to `upstream`, a port of this machine, and back."""

    kind = "relay"

    def __init__(self, upstream: int, name: str) -> None:
        super().__init__(name)
        self.packets: deque[Packet] = deque(maxlen=MOST)
        """The last ones, in the order in which they came."""
        self.loss = 0.0
        """The part of the client's packets that is dropped, from 0 to 1."""
        self._upstream = upstream
        self._chance = random.Random(1)
        self._ways: dict[Any, asyncio.Task[asyncio.DatagramTransport]] = {}

    async def _open(self, sock: socket.socket) -> None:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Port(self._from_client), sock=sock
        )

    async def _close(self) -> None:
        ways, self._ways = self._ways, {}
        for way in await asyncio.gather(*ways.values()):
            way.close()
        await super()._close()

    def _from_client(self, data: bytes, address: Any) -> None:
        lost = self._chance.random() < self.loss
        self.packets.append(Packet("client", data, lost))
        if lost or self._transport is None:
            return
        if address not in self._ways:
            self._ways[address] = asyncio.ensure_future(self._open_way(address))
        # In the order in which they came, the first ones too, which wait for the way.
        self._ways[address].add_done_callback(lambda way: way.result().sendto(data))

    async def _open_way(self, address: Any) -> asyncio.DatagramTransport:
        def come_back(data: bytes, _: Any) -> None:
            self.packets.append(Packet("server", data, False))
            assert self._transport is not None
            self._transport.sendto(data, address)

        way, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Port(come_back), remote_addr=(LOOPBACK, self._upstream)
        )
        return way


class _Port(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, Any], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data, addr)
