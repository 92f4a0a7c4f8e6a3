"""Reads the contents of single data frames in a recorded stream.

A fragment can only be understood after those before it, and a compressed message after all messages
before it. So a read starts at the nearest place that needs no knowledge of earlier frames, walks
from there to the frame, and the next read continues from that frame.
"""

from __future__ import annotations

import contextlib
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from ..fields import Violation
from ..protocol import frames
from ..protocol.deflate import MAX_INFLATED, Inflater
from ..protocol.messages import Assembler, MessageKind
from ..rules import RULES
from .trimmed_stream import trimmed

KEPT = 1 << 20
"""The most bytes of a frame's content that are kept for showing."""
CHECKPOINT = 1 << 20
"""Bytes of the stream after which an inflater's window is stored, for a walk to start there."""


class FrameContent(NamedTuple):
    """One frame's unmasked, inflated part of its message."""

    kind: MessageKind | None
    """The kind of its message; None if the frame belongs to no message."""
    compressed: bool
    content: bytes
    """The content, inflated if compressed; at most its first MiB."""
    size: int
    """Bytes of the whole content."""
    before: int
    """Bytes of the message's content in earlier frames."""
    faults: tuple[str, ...]
    """The names of the rules that the message breaks in this frame."""
    utf8_fault: int | None
    """The offset in the message of the first byte that is not UTF-8."""
    uninflated: bool
    """Whether the content, or the rest of it, could not be inflated."""

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The rules that it breaks, with the place of each fault."""
        return tuple(
            not_utf8(self.content, (self.utf8_fault or 0) - self.before, self.size)
            if name == "text-not-utf8"
            else RULES[name]
            for name in self.faults
        )

    def meaning(self, payload_length: int) -> str:
        """What the frame's payload says, in words."""
        size = _bytes(payload_length)
        if self.compressed:
            size += f", compressed (permessage-deflate): {_bytes(self.size)} when inflated"
            if self.uninflated:
                size += ", the rest cannot be inflated" if self.size else ": it cannot be inflated"
        if self.kind != "text":
            return size if self.compressed else f"{size} of a binary message"
        text = self.content[:800].decode("utf-8", "replace")[:200]
        more = "…" if self.size > len(text.encode()) else ""
        return f'{size}{"" if self.compressed else " of a text message"}: "{text}{more}"'


def not_utf8(content: bytes, fault: int, size: int, slip: str = "") -> Violation:
    """A violation of text-not-utf8 that names the place: byte `fault` of one frame's content."""
    rule = RULES["text-not-utf8"]
    if fault >= size:
        where = "Here it ends inside a character."
    elif fault < len(content):
        where = f"Here byte {fault} (0x{content[fault]:02x}) cannot stand where it does."
    else:
        where = f"Here byte {fault} cannot stand where it does."
    return rule._replace(text=f"{rule.text} {where}{slip}")


_READABLE = 8
"""So many characters of text that come out are no accident."""


def slip_of(sent: bytes, key: bytes | None, payload: bytes) -> str:
    """How a payload that is no UTF-8 can be read as text; "" in none of the known ways.

    `sent` are its bytes as they crossed the wire, masked with `key`.
    """
    ways: list[tuple[str, bytes]] = []
    if key is not None:
        ways.append(("as it crossed the wire (the key was sent, but not applied)", sent))
        ways.append(("with the key's bytes in the other order", frames.mask(sent, key[::-1])))
        ways += [
            (f"with the key from its byte {at} on", frames.mask(sent, key[at:] + key[:at]))
            for at in (1, 2, 3)
        ]
    if payload[:1] == b"\x78" and int.from_bytes(payload[:2], "big") % 31 == 0:
        with contextlib.suppress(zlib.error):
            inflated = zlib.decompressobj().decompress(payload, 4096)
            ways.append(("once it is inflated (it is zlib's format)", inflated))
    for how, text in ways:
        try:
            long = len(text) >= (_READABLE if text is not sent else _READABLE - 3)
            readable = long and "".join(text.decode().split()).isprintable()
        except UnicodeDecodeError:
            continue
        if readable:
            shown = text.decode()[:40]
            return (
                f' The payload is readable {how}: "{shown}{"…" if len(text) > len(shown) else ""}".'
            )
    return ""


def _bytes(count: int) -> str:
    return f"{count} byte{'s' if count != 1 else ''}"


class Contents:
    """Reads the contents of one direction's data frames; the first frame begins at `begin`.

    `inflater` is None without compression. `holes` are the starts and ends of gaps in between.
    """

    def __init__(
        self,
        streams: list[bytearray],
        number: int,
        splitter: frames.Splitter,
        inflater: Inflater | None,
        begin: int,
        holes: Sequence[tuple[int, int]],
    ) -> None:
        self._streams, self._number = streams, number
        self._holes, self._hole = holes, 0
        self._splitter = splitter
        self._inflater = inflater
        # Offsets at which a walk may start with compression, and the inflater's window there.
        self._places = [begin]
        self._windows = [b""]
        self._assembler = Assembler()
        self._next = -1  # the offset of the walk's next frame; -1: there is no walk
        self._last: tuple[int, FrameContent] | None = None

    def frame(self, offset: int, fragment: bool, whole: bool = False) -> FrameContent | None:
        """The content of the complete data frame at `offset`; with `whole` more than a MiB of it.

        None for a fragment if the beginning of its message has been dropped.
        """
        if self._last and self._last[0] == offset:
            found = self._last[1]
            if not whole or len(found.content) == found.size:
                return found
        hole = bisect_right(self._holes, offset, key=itemgetter(1))
        behind = self._holes[hole - 1][1] if hole else 0
        if fragment and hole and self._begins(offset) < behind:
            return None
        if hole != self._hole:
            self._hole, self._next = hole, -1  # no walk leads through a gap
        if not self._start(offset, fragment, behind, bool(hole)):
            if self._inflater is None:
                return None
            return FrameContent(None, True, b"", 0, 0, (), None, uninflated=True)
        while self._next < offset:
            self._step(0)
        if whole:
            return self._step(MAX_INFLATED)
        self._last = offset, self._step(KEPT)
        return self._last[1]

    def forget(self) -> None:
        """Keep the last content no longer; the walk goes on from where it is."""
        self._last = None

    def _begins(self, offset: int) -> int:
        """Where the last message in fragments begins up to `offset`; -1 if that is not here."""
        fragmented = self._splitter.fragmented
        place = bisect_right(fragmented, offset)
        return fragmented[place - 1] if place else -1

    def _start(self, offset: int, fragment: bool, behind: int, blind: bool) -> bool:
        """Begin a walk to `offset` as near to it as possible, or continue the present one.

        It begins at `behind` or later; `blind`: there is a gap before that. False if it would have
        to begin at a frame that has been dropped.
        """
        inflater, window = self._inflater, b""
        if inflater is not None and not inflater.no_context_takeover:
            place = bisect_right(self._places, offset) - 1
            start, window = self._places[place], self._windows[place]
            if start < behind:
                start, window = behind, b""
        elif fragment:
            start = self._begins(offset)
        else:
            start = offset
        less = trimmed(self._streams[self._number])
        gap = range(less.start, less.stop) if less else range(0)
        if start <= self._next <= offset and self._next not in gap:
            return True
        if start in gap:
            return False
        if inflater is not None:
            inflater = inflater.again(window, blind)
        self._assembler = Assembler(inflater)
        self._next = start
        return True

    def _step(self, keep: int) -> FrameContent:
        """Read the next frame of the walk; at most `keep` of its bytes are kept."""
        data, start, made = self._streams[self._number], self._next, self._assembler
        header = frames.header_at(data, start)
        self._next = start + header.frame_length
        made.begin(data[start])
        before = made.length
        content = bytearray()
        if made.kind is not None:
            for piece in frames.payload_pieces(data, start, header):
                for part in made.feed(piece):
                    if len(content) < keep:
                        content += part
            for part in made.end():
                if len(content) < keep:
                    content += part
            self._keep_place()
        return FrameContent(
            made.kind, made.compressed, bytes(content[:keep]), made.length - before, before,
            tuple(made.faults), made.utf8.fault if made.utf8 else None, made.uninflated,
        )  # fmt: skip

    def _keep_place(self) -> None:
        inflater = self._assembler.inflater
        if inflater is None or not self._assembler.ended or inflater.lost:
            return
        if self._next - self._places[-1] >= CHECKPOINT:
            self._places.append(self._next)
            self._windows.append(inflater.window)
