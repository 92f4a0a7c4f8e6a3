"""Messages: put together from frames, whatever stands between them and wherever they were cut.

Source: RFC 6455 §5.4 (fragments), §5.6 and §8.1 (text is UTF-8); RFC 7692 §6.2 (compression).

For a recording, ask its index: `capture.index.messages()` gives every `Message`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from ..fields import Direction, Violation
from ..rules import RULES
from . import frames
from .deflate import Inflater
from .frames import Opcode
from .utf8 import Utf8Check

MessageKind = Literal["text", "binary"]


class Message(NamedTuple):
    """A text or binary message of a recording."""

    connection: int
    direction: Direction
    kind: MessageKind
    time: float
    """When its last byte came, in seconds from the start of the capture."""
    offset: int
    """Where its first frame starts, in bytes of its direction's stream."""
    frames: int
    """How many frames it came in; control frames between them do not count."""
    size: int
    """Bytes of its payloads on the wire."""
    content: bytes
    """What it says: payloads unmasked, joined and inflated."""
    violations: tuple[Violation, ...] = ()
    """The rules that it breaks as a message: UTF-8 and compression."""
    row: int = 0
    """The row of its last frame in the index."""

    @property
    def text(self) -> str:
        """The content as text; what is not UTF-8 becomes U+FFFD."""
        return self.content.decode("utf-8", "replace")


class Assembler:
    """One direction's messages out of its frames, a piece of a frame at a time.

    For each frame: `begin`, `feed` for each piece of its payload, `end`. Frames may be illegal: a
    message that another one interrupts is dropped, a continuation of nothing belongs to nothing.
    """

    def __init__(self, inflater: Inflater | None = None) -> None:
        self.inflater = inflater
        self.kind: MessageKind | None = None
        """Of the message that the frame belongs to; None for control frames and strays."""
        self.compressed = False
        self.frames = 0
        self.size = 0
        """Bytes of the message's payloads so far."""
        self.length = 0
        """Bytes of its content so far."""
        self.faults: list[str] = []
        """The rules that this frame breaks in its message, by name."""
        self.message_faults: list[str] = []
        """The same for the whole message."""
        self.utf8: Utf8Check | None = None
        """The check of a text message; `utf8.fault` is the exact place of its fault."""
        self.open = False
        """Whether a message has begun and not ended."""
        self._message: MessageKind | None = None
        self._final = False

    def begin(self, first: int) -> None:
        """A frame begins; `first` is its first byte."""
        opcode = first & 0x0F
        self._final = first >= 0x80
        self.faults = []
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            if self.open and self.compressed and self.inflater:
                self.inflater.abandon()
            self.open = True
            self._message = "text" if opcode == Opcode.TEXT else "binary"
            self.compressed = self.inflater is not None and bool(first & 0x40)
            self.frames = self.size = self.length = 0
            self.message_faults = []
            self.utf8 = Utf8Check() if opcode == Opcode.TEXT else None
        self.kind = self._message if opcode <= Opcode.BINARY and self.open else None
        if self.kind:
            self.frames += 1

    def feed(self, payload: bytes) -> Iterator[bytes]:
        """The next piece of the frame's payload, unmasked; what it adds to the message."""
        if self.kind is None:
            return
        self.size += len(payload)
        if self.compressed and self.inflater:
            for piece in self.inflater.feed(payload):
                self._check(piece)
                yield piece
            self._check_deflate()
        else:
            self._check(payload)
            yield payload

    def end(self) -> Iterator[bytes]:
        """The frame ends; what still was to come of its message."""
        if self.kind is None or not self._final:
            return
        if self.compressed and self.inflater:
            for piece in self.inflater.finish():
                self._check(piece)
                yield piece
            self._check_deflate()
        if self.utf8 and not self.uninflated:
            self._check(b"", final=True)
        self.open = False

    @property
    def ended(self) -> bool:
        """Whether the frame that just ended was the last of a message."""
        return self.kind is not None and not self.open

    @property
    def uninflated(self) -> bool:
        """Whether (the rest of) the message could not be inflated."""
        return self.compressed and self.inflater is not None and self.inflater.lost

    def _check(self, content: bytes, final: bool = False) -> None:
        self.length += len(content)
        if self.utf8 and self.utf8.fault is None and not self.utf8.feed(content, final):
            self._break("text-not-utf8")

    def _check_deflate(self) -> None:
        assert self.inflater is not None
        if self.inflater.fault and self.inflater.fault not in self.message_faults:
            self._break(self.inflater.fault)

    def _break(self, rule: str) -> None:
        self.faults.append(rule)
        self.message_faults.append(rule)


class Joiner:
    """The whole messages out of the whole frames of one recorded direction.

    The index uses a faster one: `recording/fast.py`.
    """

    def __init__(
        self, connection: int, direction: Direction, data: bytearray, inflater: Inflater | None
    ) -> None:
        self.connection = connection
        self.direction: Direction = direction
        self.data = data
        self.assembler = Assembler(inflater)
        self._start = 0  # where the message begins
        self._content: list[bytes] = []

    def join(
        self, rows: Sequence[int], starts: Sequence[int], times: Sequence[float]
    ) -> Iterator[Message]:
        """The messages that end with the next frames: their rows, offsets and times in turn."""
        for row, start, time in zip(rows, starts, times, strict=True):
            message = self.join_frame(row, start, time)
            if message is not None:
                yield message

    def join_frame(self, row: int, start: int, time: float) -> Message | None:
        """The message that ends with the frame at `start`, if one does."""
        data, made = self.data, self.assembler
        if data[start] & 0x0F > Opcode.BINARY:
            return None
        made.begin(data[start])
        if made.kind is None:
            return None
        if made.frames == 1:
            self._start, self._content = start, []
        header = frames.read_header(data, start, len(data))
        assert header is not None, "only whole frames are joined"
        for piece in frames.payload_pieces(data, start, header):
            self._content += made.feed(piece)
        self._content += made.end()
        if not made.ended:
            return None
        content, self._content = b"".join(self._content), []
        return Message(
            self.connection, self.direction, made.kind, time, self._start, made.frames, made.size,
            content, tuple(RULES[name] for name in made.message_faults), row,
        )  # fmt: skip
