"""Views without a page: what they would send is kept, and the pump is turned by hand."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wslab.view.live.live_view import LiveView
from wslab.view.live.pump import Pump
from wslab.view.wire.wire_view import WireView
from wslab.wire.recording import Capture

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
MASKED_HELLO = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")  # RFC 6455 §5.7
HELLO = bytes.fromhex("81 05 48 65 6c 6c 6f")


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class HandPump(Pump):
    """A pump without a thread: `turn` does what it would do, and moves the clock on."""

    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__(clock=self.clock)

    def _start(self) -> None:
        pass

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass; whoever is due meanwhile is asked at its moment."""
        end = self.clock.now + seconds
        while (wait := self.step()) is not None and self.clock.now + wait <= end:
            self.clock.now += wait
        self.clock.now = end
        self.step()


class Page:
    """A page's memory of rows, as static/rows.js has it: takes batches in order, sees gaps."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, str, int, int, int]] = []
        self.gaps = 0

    def hear(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if "rows" not in content:
            return
        start, count, at = (content["rows"][key] for key in ("start", "rows", "buffer"))
        if start > len(self.rows):
            self.gaps += 1
            return
        columns, previews = buffers[at], buffers[at + 1]
        layout = f"<{count}d{count}d{count}I{count}I{count}B{count}B"
        assert struct.calcsize(layout) == len(columns)
        values = struct.unpack(layout, columns)
        time, length, ends, connection, kind, flags = (
            values[n * count : (n + 1) * count] for n in range(6)
        )
        starts = (0, *ends[:-1])
        texts = [previews[a:b].decode() for a, b in zip(starts, ends, strict=True)]
        fresh = list(zip(time, length, texts, connection, kind, flags, strict=True))
        self.rows += fresh[len(self.rows) - start :]


class Recording:
    """A capture, and what to say into it."""

    def __init__(self) -> None:
        self.capture = Capture()

    def talk(self) -> int:
        """A handshake and a greeting, four units; the number of the connection."""
        connection = self.capture.open_connection()
        self.capture.record(connection, "client", REQUEST)
        self.capture.record(connection, "server", RESPONSE)
        self.capture.record(connection, "client", MASKED_HELLO)
        self.capture.record(connection, "server", HELLO)
        return connection

    def frames(self, data: bytes, times: int = 1) -> None:
        """The server sends `data`, so many times, on a connection of its own."""
        connection = self.capture.open_connection(upgraded=True)
        for _ in range(times):
            self.capture.record(connection, "server", data)


class Watched:
    """A view on the pump that is turned by hand, and what it sent: (when, content, buffers)."""

    def __init__(self, view: LiveView, pump: HandPump) -> None:
        self.view = view
        self.pump = pump
        self.sent: list[tuple[float, dict[str, Any], list[bytes]]] = []
        view.send = self._note

    def _note(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        # What cannot be written as JSON would not reach a page.
        self.sent.append((self.pump.clock.now, json.loads(json.dumps(content)), list(buffers)))

    def says(self, *buffers: bytes, **question: Any) -> None:
        """A page says something, by the way that a page has."""
        self.view._handle_custom_msg({"page": "p1", **question}, [memoryview(b) for b in buffers])

    def all(self, key: str) -> list[Any]:
        """What was sent under `key`, in order."""
        return [content[key] for _, content, _ in self.sent if key in content]

    def page(self) -> Page:
        """A page that heard all that was sent."""
        page = Page()
        for _, content, buffers in self.sent:
            page.hear(content, buffers)
        return page


@pytest.fixture
def pump() -> HandPump:
    return HandPump()


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def watch(pump: HandPump) -> Iterator[Callable[[LiveView], Watched]]:
    """Makes views watched: `watch(WireView(capture, served_by=pump))`."""
    views: list[LiveView] = []

    def watch(view: LiveView) -> Watched:
        views.append(view)
        return Watched(view, pump)

    yield watch
    for view in views:
        view.close()


@pytest.fixture
def wire(recording: Recording, pump: HandPump, watch: Callable[..., Watched]) -> Watched:
    """A wire view of `recording`, watched; no page has said hello yet."""
    return watch(WireView(recording.capture, served_by=pump))
