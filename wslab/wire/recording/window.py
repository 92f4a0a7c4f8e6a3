"""A part of a stream in which frames stopped fitting, and what proves a reading of it.

A reading is proven where, read so, the frames behind it fit exactly (RFC 6455 §5.2).
"""

from __future__ import annotations

import codecs
import contextlib
import json
import re
import zlib
from collections.abc import Callable

from ..fields import Direction
from ..protocol import frames
from ..protocol.utf8 import is_utf8
from .gap import FIT, sound
from .index import Doubt
from .preview import printable

MOST = 1 << 20
"""The most bytes that are read once more, from a little before the first fault on."""
TRIED = 20_000
"""The most places that are tried for one reading."""
_MANY = 64
"""So many headers that lead from one to the next are frames, whatever rules they break."""
WORK = 32 << 20
"""Bytes that are read for one window, again and again; a tried frame counts as 256 more."""


class Enough(Exception):
    """So much was read in vain that this is no fault with a simple cause."""


Slip = Callable[[int], "int | None"]
"""Where a frame ends that has a certain slip; None where none such can stand."""
Reading = tuple[int, int, str, str, str]
"""Where in the window it begins and ends, what it is, the evidence, and the RFC's section."""

FIRSTS = re.compile(rb"[\x00-\x02\x40-\x42\x80-\x82\x88-\x8a\xc1\xc2]")
"""What may be the first byte of a frame."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Window:
    """A part of one direction's stream, around the first fault; places count from its start."""

    def __init__(self, doubt: Doubt, direction: Direction) -> None:
        self.data = doubt.data[:MOST]
        self.whole = len(doubt.data) <= MOST
        self.doubt = doubt
        self.direction: Direction = direction
        self.key = 4 if direction == "client" else 0
        self.work = 0

    def place(self, at: int) -> int:
        """A place as an offset in the stream."""
        return self.doubt.start + at

    def _spend(self, size: int) -> None:
        self.work += size + 256
        if self.work > WORK:
            raise Enough

    def _may_begin(self, first: int) -> bool:
        opcode = first & 0x0F
        compressed = self.doubt.rsv1_allowed and opcode in (1, 2)
        zero = 0x30 if compressed else 0x70
        return frames.KIND_OF_OPCODE[opcode] != "reserved" and not first & zero

    def _sound(self, at: int, whole: bool = True) -> frames.FrameHeader | None:
        """The header at `at` if a frame stands there that breaks no rule; `whole`: all of it."""
        data = self.data
        header = sound(data, at, len(data), bool(self.key), self.doubt.rsv1_allowed, says=False)
        self._spend(0)
        if header is None or (whole and at + header.frame_length > len(data)):
            return None
        text = data[at] == 0x81 and whole
        self._spend(header.payload_length if text else 0)
        return None if text and not is_utf8(frames.frame_payload(data, at, header)) else header

    def _fits(self, at: int, again: Slip | None = None, least: int = 0) -> bool:
        """Whether sound frames follow exactly from `at` on, or the stream ends there.

        With `again` frames with the same slip follow. `least`: how many there must be.
        """
        for count in range(FIT):
            if at == len(self.data):
                return self.whole and count >= least
            stop = again(at) if again else None
            if stop is None:
                header = self._sound(at)
                if header is None:
                    return False
                stop = at + header.frame_length
            at = stop
        return True

    def intact(self, at: int) -> bool:
        """Whether frames follow exactly from `at` on although they break other rules."""
        zeros = not self.data[at : at + 2 * FIT].strip(b"\0")  # empty continuations
        if not zeros and (self._fits(at, least=2) or self._lead_on(at)):
            return True
        in_message = False
        for count in range(2 * FIT):
            if at == len(self.data):
                return True
            header = frames.read_header(self.data, at, len(self.data))
            first = self.data[at]
            opcode, fin = first & 0x0F, first >= 0x80
            if header is None or first & 0x30 or frames.KIND_OF_OPCODE[opcode] == "reserved":
                return False
            if (opcode >= 8 and not fin) or (count and opcode < 8 and in_message == bool(opcode)):
                return False  # only a message's next fragment can be a continuation
            if opcode < 8:
                in_message = not fin and (in_message or bool(opcode))
            at += header.frame_length
            if at > len(self.data):
                return False
        return True

    def _lead_on(self, at: int) -> bool:
        """Whether many headers in a row lead to the end, masked as they must be."""
        count = 0
        while at < len(self.data) and count < _MANY:
            self._spend(0)
            header = frames.read_header(self.data, at, len(self.data))
            if header is None or header.masked != bool(self.key) or self.data[at] < 0x80:
                return False  # without FIN it may be text
            least = {0: 0, 2: 126, 8: 1 << 16}[header.extended]
            if not least <= header.payload_length < 1 << 62:
                return False
            at, count = at + header.frame_length, count + 1
        return count == _MANY or count >= (FIT if at == len(self.data) else 2 * FIT)

    def _proven(self, at: int, again: Slip) -> int | None:
        """Where the frame at `at` ends if it has this slip, and the frames behind it fit."""
        stop = again(at)
        fits = stop is not None and (self._fits(stop) or self._fits(stop, again))
        return stop if fits else None

    def _all(self, at: int, stop: int, says: str, proof: str) -> Reading:
        """A reading of one frame, or of all from it on if they have the same slip."""
        if not self._fits(stop):
            stop, proof = len(self.data), f"{proof} The frames behind it are written alike."
        return at, stop, says, proof, "RFC 6455 §5.2"

    def _plain(self, begin: int, size: int, masked: bool | None = None) -> bytes:
        """A payload, unmasked with the four bytes before it if it is the client's, or `masked`."""
        payload = self.data[begin : begin + size]
        self._spend(len(payload))
        masked = bool(self.key) if masked is None else masked
        return frames.mask(payload, self.data[begin - 4 : begin]) if masked else payload

    def _text_in(self, at: int, plain: bytes) -> bytes | None:
        """The text of the frame at `at` with this payload; None for others, and if unknown."""
        if self.data[at] == 0xC1 and self.doubt.rsv1_allowed:
            self._spend(4 * len(plain))
            with contextlib.suppress(zlib.error):  # it may refer to messages before it
                return zlib.decompressobj(-15).decompress(plain + b"\0\0\xff\xff", MOST)
        return plain if self.data[at] == 0x81 else None

    def _then(self, stop: int) -> str:
        if stop == len(self.data):
            return "the bytes end exactly"
        return f"a {self._kind(stop)} follows exactly, at byte {self.place(stop):,}"

    def _goes_on(self, stop: int) -> str:
        if stop == len(self.data) or not self._fits(stop):
            return ""
        return f" At byte {self.place(stop):,} frames go on: a {self._kind(stop)}."

    def _kind(self, at: int) -> str:
        return f"{frames.KIND_OF_OPCODE[self.data[at] & 0x0F]} frame"


def text_length(data: bytes) -> int:
    """How many bytes at the start of `data` are UTF-8."""
    try:
        return len(data.decode()) and len(data)
    except UnicodeDecodeError as error:
        return error.start


def quote(data: bytes) -> str:
    """The beginning of some bytes as text, for a sentence."""
    text = printable(data[:200].decode("utf-8", "replace"))
    return text if len(text) <= 60 else f"{text[:59]}…"


def readable(data: bytes, *, whole: bool = True) -> bool:
    """Whether bytes are text without control characters, or without `whole` the beginning of it."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, whole)
    except UnicodeDecodeError:
        return False
    return not CONTROL.search(text)


def is_json(data: bytes) -> bool:
    """Whether bytes are a whole JSON value."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def times(count: int) -> str:
    """How often, in words."""
    return "once" if count == 1 else f"{count:,} times"
