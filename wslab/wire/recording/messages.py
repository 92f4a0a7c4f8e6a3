"""Joins a recording's complete frames to messages."""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..fields import Direction, Violation
from ..protocol import frames
from ..protocol.deflate import Inflater
from ..protocol.frames import Opcode
from ..protocol.messages import Assembler, MessageKind
from ..rules import RULES


class Message(NamedTuple):
    """A text or binary message of a recording."""

    connection: int
    direction: Direction
    kind: MessageKind
    time: float
    """When its last byte came, in seconds since the capture began."""
    offset: int
    """The offset of its first frame in its direction's stream, in bytes."""
    frames: int
    """The number of its frames, without control frames between them."""
    size: int
    """The bytes of its payloads on the wire."""
    content: bytes
    """Its content: the payloads unmasked, joined and inflated."""
    violations: tuple[Violation, ...] = ()
    """The rules that it breaks as a message: UTF-8 and compression."""
    row: int = 0
    """The row of its last frame in the index."""

    @property
    def text(self) -> str:
        """The content as text; bytes that are not UTF-8 become U+FFFD."""
        return self.content.decode("utf-8", "replace")

    @property
    def file_name(self) -> str:
        """A name for a file with its content, such as `message-12.json`."""
        suffix = "txt" if self.kind == "text" else "bin"
        if self.content[:1] in (b"{", b"["):
            with contextlib.suppress(ValueError, RecursionError):
                json.loads(self.content)
                suffix = "json"
        return f"message-{self.row}.{suffix}"

    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write its content to a file (default: `file_name`), and return where. Raises OSError."""
        target = Path(self.file_name if path is None else path)
        target.write_bytes(self.content)
        return target


class Joiner:
    """Joins the complete frames of one recorded direction to complete messages.

    The index uses a faster one: `fast.py`.
    """

    def __init__(
        self, connection: int, direction: Direction, data: bytearray, inflater: Inflater | None
    ) -> None:
        self.connection = connection
        self.direction: Direction = direction
        self.data = data
        self.assembler = Assembler(inflater)
        self.holes = deque[int]()
        """The offsets at which frames go on behind gaps: there, `begin_again`."""
        self._start = 0  # the offset of the message
        self._content: list[bytes] = []

    def begin_again(self) -> None:
        """Forget the unfinished message, and what was inflated: bytes are missing here."""
        inflater = self.assembler.inflater
        self.assembler = Assembler(inflater and inflater.again(blind=True))

    def join(
        self, rows: Sequence[int], starts: Sequence[int], times: Sequence[float]
    ) -> Iterator[Message]:
        """The messages that end with the next frames, given these frames' rows, offsets, times."""
        for row, start, time in zip(rows, starts, times, strict=True):
            message = self.join_frame(row, start, time)
            if message is not None:
                yield message

    def join_frame(self, row: int, start: int, time: float) -> Message | None:
        """The message that ends with the frame at `start`, or None."""
        data, made = self.data, self.assembler
        if data[start] & 0x0F > Opcode.BINARY:
            return None
        made.begin(data[start])
        if made.kind is None:
            return None
        if made.frames == 1:
            self._start, self._content = start, []
        for piece in frames.payload_pieces(data, start, frames.header_at(data, start)):
            self._content += made.feed(piece)
        self._content += made.end()
        if not made.ended:
            return None
        content, self._content = b"".join(self._content), []
        if made.uninflated and made.inflater and made.inflater.blind:
            return None  # what it says is not known: it needs bytes that are missing
        return Message(
            self.connection, self.direction, made.kind, time, self._start, made.frames, made.size,
            content, tuple(RULES[name] for name in made.message_faults), row,
        )  # fmt: skip
