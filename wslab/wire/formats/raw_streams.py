"""The two raw byte streams of one connection, each in a file, as a recording that stays on disk.

The files do not tell how the two directions took turns, so a turn is made up that could have been:
each request, then its response, and the frames only after both.
"""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from ..fields import Direction
from ..protocol import handshake
from ..protocol.body import Body
from ..protocol.exchange import Exchange
from ..protocol.http_reader import begins_request
from ..recording.capture import Capture
from ..recording.secrets_mask import SecretsMask
from ..recording.stored_stream import StoredStream

STEP = 1 << 20
"""Bytes that count as read in one piece."""

_TEXT = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))


def capture_of(client: BinaryIO | None, server: BinaryIO | None) -> Capture:
    """What the two sent each other; None for a direction that is not known.

    The files are read while the recording is looked at: it is good for as long as they are open,
    in one thread at a time. Bytes that do not begin as HTTP does are frames from the first on.
    """
    files: dict[Direction, BinaryIO] = {
        "client": client or io.BytesIO(),
        "server": server or io.BytesIO(),
    }
    streams = {direction: StoredStream(file) for direction, file in files.items()}
    capture = Capture(clock=lambda: 0.0)
    known = [stream for stream in streams.values() if len(stream)]
    upgraded = bool(known) and not any(_is_text(stream) for stream in known)
    capture.open_connection(upgraded=upgraded)
    capture.streams[:] = cast("list[bytearray]", [streams["client"], streams["server"]])
    feeder = _Feeder(capture, streams, upgraded)
    if not upgraded:
        feeder.handshakes()
        if server is None:
            feeder.assume_upgraded()
    for direction in ("client", "server"):
        feeder.rest(direction)
        capture.end(1, direction)
    if client is None or server is None:
        missing = "server" if server is None else "client"
        capture.notes.append(f"nothing is known of what the {missing} sent")
    return capture


def _is_text(stream: StoredStream) -> bool:
    # A frame has a byte in its first four that no text has, unless its key is chosen for that.
    return all(byte in _TEXT for byte in stream[:4])


class _Feeder:
    """Tells a capture how far its streams have come, in turns."""

    def __init__(
        self, capture: Capture, streams: dict[Direction, StoredStream], upgraded: bool
    ) -> None:
        self._capture = capture
        self._streams = streams
        self._fed: dict[Direction, int] = {"client": 0, "server": 0}
        self._exchange = Exchange()
        self._exchange.upgraded = upgraded
        self._masks = {
            "client": SecretsMask("client", self._exchange),
            "server": SecretsMask("server", self._exchange),
        }

    def handshakes(self) -> None:
        """Request and response in turn, until the connection speaks frames or heads end."""
        while (request := self._message("client", None)) is not None:
            while (response := self._message("server", request)) is not None:
                if self._capture.index.is_upgraded(1):
                    return
                if response.status is None or response.status >= 200:
                    break
            else:
                return

    def _message(
        self, direction: Direction, request: handshake.Head | None
    ) -> handshake.Head | None:
        """Feed the next head and its body; a response answers `request`."""
        stream, start = self._streams[direction], self._fed[direction]
        data = stream[start : start + handshake.MAX_HEAD]
        end = handshake.find_end(data, 0, 0, len(data))
        if end is None:
            return None
        head = handshake.parse_head(data[:end])
        # A stored stream does all that is asked of a stream here, without being a bytearray.
        body = Body.behind(head, request, request is None)
        stop = body.read(cast("bytearray", stream), start + end, len(stream))
        self._feed(direction, len(stream) if stop is None else stop)
        self._capture.index.update()
        return head

    def rest(self, direction: Direction) -> None:
        """Feed what is left, in pieces."""
        size = len(self._streams[direction])
        while self._fed[direction] < size:
            self._feed(direction, min(size, self._fed[direction] + STEP))

    def assume_upgraded(self) -> None:
        """Nobody answers: a client that goes on after its upgrade request was told yes."""
        stream, start = self._streams["client"], self._fed["client"]
        if not begins_request(stream[start : start + 16]) and self._capture.index.accept(1):
            self._exchange.upgraded = True
            self._capture.notes.append(
                "nothing tells that the upgrade was accepted: "
                "what the client sent after its request is read as frames"
            )

    def _feed(self, direction: Direction, end: int) -> None:
        capture, stream, mask = self._capture, self._streams[direction], self._masks[direction]
        for start in range(self._fed[direction], end, STEP):
            if mask.done:
                break
            data = stream[start : min(end, start + STEP)]
            masked = mask.mask(data)
            if masked != data:
                stream.cover(start, masked)
        capture.log_stream.append(capture.stream_number(1, direction))
        capture.log_end.append(end)
        capture.log_time.append(0.0)
        self._fed[direction] = end
