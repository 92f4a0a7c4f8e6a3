"""A small client of WebSocket over HTTP/2: several sockets, and requests, in one connection."""

from __future__ import annotations

import contextlib
import socket
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

from wslab.net.address import LOOPBACK
from wslab.net.errors import HandshakeFailed, TimedOut
from wslab.net.packages import extra
from wslab.wire import Opcode, encode_frame, new_masking_key

PATIENCE = 5.0
"""Seconds that an answer may take."""


class Http2Client:
    """One TCP connection to `port` of this machine, in the clear, with HTTP/2 known beforehand.

    `h2` does HTTP/2 (RFC 9113); what makes a stream a WebSocket is here. While `reads` is false,
    the server is not told that anything was read: no WINDOW_UPDATE goes out (RFC 9113 §5.2).
    """

    def __init__(self, port: int) -> None:
        with extra("production"):
            from h2.connection import H2Connection
        self._h2 = H2Connection()
        self.reads = True
        self.data: defaultdict[int, bytearray] = defaultdict(bytearray)
        """What came in DATA, by stream."""
        self.status: dict[int, str] = {}
        """The `:status` of each answer, by stream."""
        self.ended: set[int] = set()
        """The streams that the server has ended."""
        self.settled = False
        """Whether the server's settings have come."""
        self._unread: list[tuple[int, int]] = []
        self._socket = socket.create_connection((LOOPBACK, port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._h2.initiate_connection()
        self._flush()

    def open(self, path: str = "/echo") -> int:
        """Open a WebSocket in a new stream, whose number is returned (RFC 8441 §4).

        Raises `HandshakeFailed` where the server does not offer it, or refuses this one.
        """
        self.wait(lambda: self.settled)
        if not self._h2.remote_settings.enable_connect_protocol:
            raise HandshakeFailed("expected SETTINGS_ENABLE_CONNECT_PROTOCOL = 1, got none")
        stream = self._ask("CONNECT", path, (":protocol", "websocket"))
        self.wait(lambda: stream in self.status)
        if self.status[stream] != "200":
            raise HandshakeFailed(f"expected :status 200 for {path}, got {self.status[stream]}")
        return stream

    def get(self, path: str = "/") -> int:
        """Ask for a page, and wait for its end; returns the stream."""
        stream = self._ask("GET", path, ends=True)
        self.wait(lambda: stream in self.ended)
        return stream

    def send(self, stream: int, text: str) -> None:
        """Send a text in a stream: in a masked frame, as over HTTP/1.1 (RFC 6455 §5.1)."""
        self._send(stream, _frame(Opcode.TEXT, text.encode()))

    def close(self, stream: int) -> None:
        """Close a socket: END_STREAM comes with the close frame, and stands for TCP's FIN
        (RFC 8441 §5). Waits for the server's close frame."""
        before = len(self.data[stream])
        self._send(stream, _frame(Opcode.CLOSE, (1000).to_bytes(2, "big")), ends=True)
        self.wait(lambda: len(self.data[stream]) > before)

    def read_on(self) -> None:
        """Tell the server that all was read, and that it may send as much again."""
        self.reads = True
        for stream, size in self._unread:
            self._h2.acknowledge_received_data(size, stream)
        self._unread.clear()
        self._flush()

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Read until it is so. Raises `TimedOut`."""
        self._socket.settimeout(seconds)
        while not condition():
            try:
                data = self._socket.recv(64 * 1024)
            except TimeoutError:
                raise TimedOut(f"nothing came from the server for {seconds:g} s") from None
            if not data:
                raise TimedOut("expected an answer, but the server ended the connection")
            for event in self._h2.receive_data(data):
                self._hear(event)
            self._flush()

    def wait_in_vain(self, condition: Callable[[], bool], seconds: float = 0.3) -> None:
        """Read until it is so, or until nothing has come for some time."""
        with contextlib.suppress(TimedOut):
            self.wait(condition, seconds)

    def _send(self, stream: int, data: bytes, *, ends: bool = False) -> None:
        """Send one DATA frame, of 16 KiB at most, as soon as the windows have room for it."""
        self.wait(lambda: self._h2.local_flow_control_window(stream) >= len(data))
        self._h2.send_data(stream, data, end_stream=ends)
        self._flush()

    def _ask(self, method: str, path: str, *more: tuple[str, str], ends: bool = False) -> int:
        stream: int = self._h2.get_next_available_stream_id()
        host = f"{LOOPBACK}:{self._socket.getpeername()[1]}"
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", host)]
        version = [("sec-websocket-version", "13")] if more else []
        self._h2.send_headers(stream, [*fields, *more, *version], end_stream=ends)
        self._flush()
        return stream

    def _hear(self, event: Any) -> None:
        match type(event).__name__:
            case "RemoteSettingsChanged":
                self.settled = True
            case "ResponseReceived":
                self.status[event.stream_id] = dict(event.headers)[b":status"].decode()
            case "DataReceived":
                self.data[event.stream_id] += event.data
                self._unread.append((event.stream_id, event.flow_controlled_length))
                if self.reads:
                    self.read_on()
            case "StreamEnded" | "StreamReset":
                self.ended.add(event.stream_id)

    def _flush(self) -> None:
        self._socket.sendall(self._h2.data_to_send())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _frame(opcode: int, payload: bytes) -> bytes:
    return encode_frame(opcode, payload, masking_key=new_masking_key())
