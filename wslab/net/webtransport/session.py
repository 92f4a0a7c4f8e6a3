"""The two ends of a WebTransport session, on aioquic: the only module here that imports it.

Source: RFC 9000 for QUIC, RFC 9220 for the CONNECT, and the draft of WebTransport over HTTP/3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DatagramReceived, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.events import ProtocolNegotiated, QuicEvent, StreamDataReceived


class EchoSession(QuicConnectionProtocol):
    """The server's end: what comes on a stream or in a datagram goes back the same way."""

    def __init__(self, *args: Any, arrive: Callable[[bytes], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._arrive = arrive
        self._h3: H3Connection | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self._h3 = H3Connection(self._quic, enable_webtransport=True)
        for one in self._h3.handle_event(event) if self._h3 else ():
            self._hear(self._h3, one)
        self.transmit()

    def _hear(self, h3: Any, event: Any) -> None:
        match event:
            case HeadersReceived():
                wanted = dict(event.headers).get(b":protocol") == b"webtransport"
                status = b"200" if wanted else b"404"
                h3.send_headers(event.stream_id, [(b":status", status)], end_stream=not wanted)
            case WebTransportStreamDataReceived():
                self._arrive(event.data)
                if event.stream_id % 4 == 0:  # two-way, and the client's (RFC 9000 §2.1)
                    self._quic.send_stream_data(event.stream_id, event.data, event.stream_ended)
            case DatagramReceived():
                self._arrive(event.data)
                h3.send_datagram(event.stream_id, event.data)


class ClientSession(QuicConnectionProtocol):
    """The client's end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._h3 = H3Connection(self._quic, enable_webtransport=True)
        self._session = 0
        self._echoes: dict[int, bytearray] = {}
        self.datagrams: list[bytes] = []
        """Those that came back."""
        self._news = asyncio.Event()
        self._status = b""

    async def open(self, authority: str) -> None:
        """Ask for a session (RFC 9220 §3). Raises ConnectionError where it is refused."""
        self._session = self._quic.get_next_available_stream_id()
        self._h3.send_headers(
            self._session,
            [
                (b":method", b"CONNECT"), (b":scheme", b"https"), (b":path", b"/echo"),
                (b":authority", authority.encode()), (b":protocol", b"webtransport"),
            ],
        )  # fmt: skip
        self.transmit()
        await self.wait(lambda: bool(self._status))
        if self._status != b"200":
            raise ConnectionError(f"expected :status 200, got {self._status.decode()}")

    def open_stream(self) -> int:
        """A new two-way stream; returns its number."""
        stream = self._h3.create_webtransport_stream(self._session)
        self._echoes[stream] = bytearray()
        return stream

    def send(self, stream: int, data: bytes, *, ends: bool = False) -> None:
        """Send on a stream: it arrives, and in order."""
        self._quic.send_stream_data(stream, data, ends)
        self.transmit()

    def send_datagram(self, data: bytes) -> None:
        """Send a datagram: it arrives once, or not at all (RFC 9221 §5)."""
        self._h3.send_datagram(self._session, data)
        self.transmit()

    def echo(self, stream: int) -> bytes:
        """What came back on a stream so far."""
        return bytes(self._echoes[stream])

    async def wait(self, condition: Any) -> None:
        """Wait until it is so."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived) and event.stream_id in self._echoes:
            self._echoes[event.stream_id] += event.data  # our own streams are no HTTP/3
        else:
            for one in self._h3.handle_event(event):
                if isinstance(one, HeadersReceived):
                    self._status = dict(one.headers)[b":status"]
                elif isinstance(one, DatagramReceived):
                    self.datagrams.append(one.data)
        self._news.set()
