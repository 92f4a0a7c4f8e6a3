"""Joins frames to messages, whatever comes between the frames and however they were fragmented.

Source: RFC 6455 §5.4 (fragments), §5.6 and §8.1 (text is UTF-8); RFC 7692 §6.2 (compression).

`capture.index.messages()` yields all messages of a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from .deflate import Inflater
from .frames import Opcode
from .utf8 import Utf8Check

MessageKind = Literal["text", "binary"]


class Assembler:
    """Joins one direction's frames to messages, a piece of a frame at a time.

    For each frame call `begin`, then `feed` for each piece of its payload, then `end`. Frames may
    be illegal: a message that is interrupted by another one is dropped, and a continuation frame
    without a message is ignored.
    """

    def __init__(self, inflater: Inflater | None = None) -> None:
        self.inflater = inflater
        self.kind: MessageKind | None = None
        """The kind of the frame's message; None for a control frame or a stray continuation."""
        self.compressed = False
        self.frames = 0
        self.size = 0
        """Bytes of the message's payloads so far."""
        self.length = 0
        """Bytes of its content so far."""
        self.faults: list[str] = []
        """The names of the rules that the message breaks in this frame."""
        self.message_faults: list[str] = []
        """The names of the rules that the message breaks in any of its frames."""
        self.utf8: Utf8Check | None = None
        """The check of a text message; `utf8.fault` is the offset of its first bad byte."""
        self.open = False
        """Whether a message has begun and not ended."""
        self._message: MessageKind | None = None
        self._final = False

    def begin(self, first: int) -> None:
        """Begin a frame whose first byte is `first`."""
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
        """Add the next piece of the unmasked payload; yields what it adds to the message."""
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
        """End the frame; after a message's last frame, yields the rest of the content."""
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
        """Whether the message, or the rest of it, could not be inflated."""
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
