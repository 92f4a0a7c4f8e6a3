"""Frames, bit by bit: read, make and explain one, name the rules it breaks, split a stream.

Source: RFC 6455 §5. A frame on the wire::

     byte 0            byte 1
     F R R R  opcode   M  length         0, 2 or 8 more      4 bytes, if      payload, XORed
     I S S S           A  0-125, or      bytes of length     MASK is 1:       with the key if
     N V V V           S  126, 127:      (126: 2, 127: 8)    masking key      MASK is 1
       1 2 3           K  see there
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Iterator
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from ..fields import Direction, Field, Kind, Violation
from ..rules import RULES
from .close_codes import close_code
from .utf8 import is_utf8


class Opcode(IntEnum):
    """What a frame is (RFC 6455 §5.2). 3-7 and 11-15 are reserved."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_OPCODES: dict[int, tuple[Kind, str, str]] = {
    0x0: ("continuation", "the next part of a message begun earlier", "RFC 6455 §5.4"),
    0x1: ("text", "the payload is UTF-8", "RFC 6455 §5.6"),
    0x2: ("binary", "the payload is any bytes", "RFC 6455 §5.6"),
    0x8: ("close", "this peer is done and will send no more", "RFC 6455 §5.5.1"),
    0x9: ("ping", "the other peer must answer with a pong", "RFC 6455 §5.5.2"),
    0xA: ("pong", "answers a ping, or comes unasked as a sign of life", "RFC 6455 §5.5.3"),
}
_NOT_DEFINED = "not defined, a peer must fail the connection"
_RESERVED: tuple[Kind, str, str] = ("reserved", _NOT_DEFINED, "RFC 6455 §5.2")

KIND_OF_OPCODE: tuple[Kind, ...] = tuple(_OPCODES.get(opcode, _RESERVED)[0] for opcode in range(16))
"""The kind of a frame by its opcode."""


class FrameHeader(NamedTuple):
    """The lengths of a frame's header and payload, and its masking key."""

    length: int
    """Bytes of the header: 2 to 14."""
    payload_length: int
    masked: bool

    @property
    def extended(self) -> int:
        """Bytes of the extended payload length: 0, 2 or 8."""
        return self.length - (6 if self.masked else 2)

    @property
    def frame_length(self) -> int:
        """Bytes of the whole frame."""
        return self.length + self.payload_length


def read_header(data: bytes | bytearray, start: int, stop: int) -> FrameHeader | None:
    """The header of the frame at `start`; None if it is not complete before `stop`."""
    if stop - start < 2:
        return None
    short = data[start + 1] & 0x7F
    masked = data[start + 1] >= 0x80
    extended = 0 if short < 126 else 2 if short == 126 else 8
    length = 2 + extended + (4 if masked else 0)
    if stop - start < length:
        return None
    if extended:
        short = int.from_bytes(data[start + 2 : start + 2 + extended], "big")
    return FrameHeader(length, short, masked)


def header_at(data: bytes | bytearray, start: int) -> FrameHeader:
    """The header of the frame at `start`, which must be complete."""
    header = read_header(data, start, len(data))
    assert header is not None, "a whole frame has its whole header"
    return header


def mask(data: bytes | bytearray, key: bytes) -> bytes:
    """XOR `data` with the 4 bytes of `key`, repeated (RFC 6455 §5.3). Masking twice unmasks."""
    if not data:
        return b""
    # One XOR of two long integers: a loop over the bytes would take fifty times as long.
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(keys, "little")).to_bytes(
        size, "little"
    )


def frame_payload(data: bytes | bytearray, start: int, header: FrameHeader) -> bytes:
    """The unmasked payload of the frame at `start`."""
    begin = start + header.length
    payload = data[begin : begin + header.payload_length]
    return mask(payload, bytes(data[begin - 4 : begin])) if header.masked else bytes(payload)


def payload_pieces(data: bytes | bytearray, start: int, header: FrameHeader) -> Iterator[bytes]:
    """The unmasked payload of the frame at `start`, 64 KiB at a time."""
    begin, stop = start + header.length, start + header.frame_length
    key = bytes(data[begin - 4 : begin]) if header.masked else b""
    for position in range(begin, stop, 65536):
        piece = bytes(data[position : min(position + 65536, stop)])
        yield mask(piece, key) if key else piece


def encode_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    masking_key: bytes | None = None,
    fin: bool = True,
    rsv1: bool = False,
    rsv2: bool = False,
    rsv3: bool = False,
    length_form: int | None = None,
    announced_length: int | None = None,
) -> bytes:
    """Encode a frame, legal or not (RFC 6455 §5.2).

    `length_form` is 7, 16 or 64 bits (None: the shortest that fits); `announced_length` states a
    false payload length. Raises ValueError if the header cannot hold these values.
    """
    if masking_key is not None and len(masking_key) != 4:
        raise ValueError(f"expected a masking key of 4 bytes, got {len(masking_key)} (§5.3)")
    if not 0 <= opcode <= 15:
        raise ValueError(f"expected an opcode from 0 to 15, got {opcode} (RFC 6455 §5.2)")
    length = len(payload) if announced_length is None else announced_length
    if length_form is None:
        length_form = 7 if length <= 125 else 16 if length <= 0xFFFF else 64
    limits = {7: 125, 16: 0xFFFF, 64: 2**64 - 1}
    if not 0 <= length <= limits.get(length_form, -1):
        raise ValueError(
            f"a length of {length} does not fit the {length_form}-bit form; "
            "the forms are 7 (to 125), 16 (to 65535) and 64 bits (RFC 6455 §5.2)"
        )
    first = fin << 7 | rsv1 << 6 | rsv2 << 5 | rsv3 << 4 | opcode
    marker = {7: length, 16: 126, 64: 127}[length_form]
    second = (masking_key is not None) << 7 | marker
    extended = b"" if length_form == 7 else length.to_bytes(length_form // 8, "big")
    if masking_key is None:
        return bytes((first, second)) + extended + payload
    return bytes((first, second)) + extended + masking_key + mask(payload, masking_key)


def new_masking_key() -> bytes:
    """Make a masking key: four random bytes that nobody can predict (RFC 6455 §10.3)."""
    return secrets.token_bytes(4)


# --- Explaining one frame -------------------------------------------------------------------------


def frame_fields(
    data: bytes,
    header: FrameHeader,
    direction: Direction,
    payload: bytes,
    meaning: str | None = None,
) -> tuple[Field, ...]:
    """The fields of a frame: `data` is the whole frame, `payload` its unmasked payload.

    `meaning` describes the payload if this frame alone is not enough to tell what it says.
    """
    fields = list(_two_bytes(data[0], data[1], direction))
    bits = 8 * header.extended
    if bits:
        says = f"{bits} bits of length, first byte first: {header.payload_length} bytes of payload"
        fields.append(
            Field("extended payload length", 16, bits, header.payload_length, says, "RFC 6455 §5.2")
        )
    if header.masked:
        says = "byte i of the payload was XORed with byte i mod 4 of this key"
        key = data[header.length - 4 : header.length].hex()
        fields.append(Field("masking key", 16 + bits, 32, key, says, "RFC 6455 §5.3"))
    if payload:
        opcode = data[0] & 0x0F
        whole = data[0] >= 0x80 and len(payload) == header.payload_length
        says = meaning or _payload_meaning(opcode, payload, whole)
        rfc = "RFC 6455 §5.5.1" if opcode == 8 else "RFC 6455 §5.2"
        fields.append(
            Field("payload", 8 * header.length, 8 * len(payload), payload.hex(), says, rfc)
        )
    return tuple(fields)


def _payload_meaning(opcode: int, payload: bytes, whole: bool) -> str:
    """What the payload says; `whole`: no character is split between this frame and another."""
    size = f"{len(payload)} byte{'s' if len(payload) != 1 else ''}"
    if opcode == 1:
        text = payload[:200].decode("utf-8", "replace")
        which = "that are not UTF-8" if whole and not is_utf8(payload) else "of UTF-8"
        return f'{size} {which}: "{text}{"…" if len(payload) > 200 else ""}"'
    if opcode == 8:
        return close_payload_meaning(payload)
    if opcode == 9:
        return f"{size} that the pong must bring back"
    if opcode == 10:
        return f"{size}, the same as in the ping that it answers"
    return size


def close_payload_meaning(payload: bytes) -> str:
    """What a close frame's payload says, in words."""
    if not payload:
        return "no code and no reason: the API will report 1005"
    if len(payload) == 1:
        return "one byte is no close code"
    code = close_code(int.from_bytes(payload[:2], "big"))
    reason = payload[2:].decode("utf-8", "replace")
    return f"close code {code.code} ({code.name}: {code.meaning})" + (
        f", reason {reason!r}" if reason else ", no reason"
    )


@lru_cache(maxsize=4096)
def _two_bytes(first: int, second: int, direction: Direction) -> tuple[Field, ...]:
    return _first_byte(first) + _second_byte(second, direction)


def _first_byte(first: int) -> tuple[Field, ...]:
    fin, opcode = first >> 7, first & 0x0F
    ends = "the message ends with this frame" if fin else "more frames of this message follow"
    fields = [Field("FIN", 0, 1, fin, ends, "RFC 6455 §5.2")]
    for i in (1, 2, 3):
        bit = first >> (7 - i) & 1
        rfc = "RFC 6455 §5.2"
        if i == 1 and bit:
            says = "with permessage-deflate: this message is compressed; otherwise an error"
            rfc = "RFC 7692 §6"
        else:
            says = "not used, and an error to set" if bit else "0 unless an extension uses it"
        fields.append(Field(f"RSV{i}", i, 1, bit, says, rfc))
    kind, meaning, rfc = _OPCODES.get(opcode, _RESERVED)
    return (*fields, Field("opcode", 4, 4, opcode, f"{kind}: {meaning}", rfc))


_MASK_SAYS = {
    ("client", 0): "not masked: a client must mask, so the server must close, and may say 1002",
    ("client", 1): "a client must mask every frame",
    ("server", 0): "a server masks no frame",
    ("server", 1): "masked: a server must not mask, so the client must close, and may say 1002",
}


def _second_byte(second: int, direction: Direction) -> tuple[Field, ...]:
    masked, short = second >> 7, second & 0x7F
    if short < 126:
        means = f"{short} byte{'s' if short != 1 else ''} of payload"
    else:
        means = f"{short} is a sign: the next {2 if short == 126 else 8} bytes hold the length"
    return (
        Field("MASK", 8, 1, masked, _MASK_SAYS[direction, masked], "RFC 6455 §5.1"),
        Field("payload length", 9, 7, short, means, "RFC 6455 §5.2"),
    )


# --- The rules that a frame breaks ----------------------------------------------------------------

# A frame in 16 bits: its opcode, FIN, and what only the frames before it can tell. A recording's
# index keeps this of each, and more in the bits that are left.
FIN = 0x10
IN_MESSAGE = 0x20  # a message in fragments was going on before this frame
BROKEN = 0x40  # the header breaks a rule
AFTER_CLOSE = 0x80  # this peer had already sent its close frame
EARLY = 0x200  # sent before the response to the handshake had come


def frame_violations(
    first: int,
    header: FrameHeader,
    direction: Direction,
    flags: int,
    rsv1_allowed: bool,
    payload: bytes,
) -> list[Violation]:
    """The rules that a frame breaks: its header, its place among others, a close frame's payload.

    `flags` holds IN_MESSAGE, AFTER_CLOSE and EARLY; `payload` is looked at for close frames only.
    """
    opcode = first & 0x0F
    fin = first >= 0x80
    control = opcode >= 8
    broken: list[str] = []
    if first & 0x40 and not rsv1_allowed:
        broken.append("rsv1-without-extension")
    elif first & 0x40 and control:
        broken.append("rsv1-on-control-frame")
    elif first & 0x40 and opcode == Opcode.CONTINUATION:
        broken.append("rsv1-on-continuation")
    if first & 0x20:
        broken.append("rsv2-set")
    if first & 0x10:
        broken.append("rsv3-set")
    if KIND_OF_OPCODE[opcode] == "reserved":
        broken.append("reserved-opcode")
    if direction == "client" and not header.masked:
        broken.append("frame-not-masked")
    if direction == "server" and header.masked:
        broken.append("frame-masked")
    if control and not fin:
        broken.append("control-frame-fragmented")
    if control and header.payload_length > 125:
        broken.append("control-frame-too-long")
    if header.extended and header.payload_length <= (125 if header.extended == 2 else 0xFFFF):
        broken.append("length-not-minimal")
    if header.payload_length >= 2**63:
        broken.append("length-too-big")
    if opcode == Opcode.CONTINUATION and not flags & IN_MESSAGE:
        broken.append("continuation-without-message")
    if opcode in (Opcode.TEXT, Opcode.BINARY) and flags & IN_MESSAGE:
        broken.append("message-interleaved")
    if flags & AFTER_CLOSE and not control:
        broken.append("frame-after-close")
    if flags & EARLY:
        broken.append("data-before-response")
    if opcode == Opcode.CLOSE and payload:
        if len(payload) == 1:
            broken.append("close-payload-one-byte")
        else:
            if not close_code(int.from_bytes(payload[:2], "big")).sendable:
                broken.append("close-code-not-allowed")
            if not is_utf8(payload[2:]):
                broken.append("close-reason-not-utf8")
    return [RULES[name] for name in broken]


# --- Splitting a stream ---------------------------------------------------------------------------


class Splitter:
    """Finds the frames in one direction's stream, however its bytes were cut.

    Keeps only what the next frame depends on. `position` is the offset after the last complete
    frame, `fragmented` holds the offsets at which messages in fragments start. The index uses a
    faster one: `recording/fast.py`.
    """

    __slots__ = ("closed", "direction", "fragmented", "in_message", "position", "rsv1_allowed")

    def __init__(self, direction: Direction, position: int = 0, rsv1_allowed: bool = False) -> None:
        self.direction: Direction = direction
        self.position = position
        self.in_message = False
        self.closed = False
        self.rsv1_allowed = rsv1_allowed
        self.fragmented = array("Q")

    def split(
        self, data: bytes | bytearray, stop: int, starts: array[int], flags: array[int]
    ) -> None:
        """Append offset and flags of each whole frame in `data[position:stop]`."""
        while self.take(data, stop, starts, flags):
            pass

    def take(
        self, data: bytes | bytearray, stop: int, starts: array[int], flags: array[int]
    ) -> bool:
        """Append offset and flags of the next frame; False where it is not all there."""
        start = self.position
        header = read_header(data, start, stop)
        if header is None or start + header.frame_length > stop:
            return False
        starts.append(start)
        flags.append(self._look(data, start, header))
        self.follow(data[start], header.frame_length)
        return True

    @property
    def masks(self) -> bool:
        """Whether frames in this direction must be masked."""
        return self.direction == "client"

    @property
    def context(self) -> int:
        """The flags that the next frame gets from those before it."""
        return (IN_MESSAGE if self.in_message else 0) | (AFTER_CLOSE if self.closed else 0)

    def follow(self, first: int, length: int) -> None:
        """Advance past a complete frame of `length` bytes whose first byte is `first`."""
        opcode, start = first & 0x0F, self.position
        self.position = start + length
        if opcode == Opcode.CLOSE:
            self.closed = True
        elif opcode in (Opcode.TEXT, Opcode.BINARY):
            # Also after a broken rule: a learner wants to see what the rest would have been.
            self.in_message = not first & 0x80
            if self.in_message:
                self.fragmented.append(start)
        elif opcode == Opcode.CONTINUATION and first & 0x80:
            self.in_message = False

    def _look(self, data: bytes | bytearray, start: int, header: FrameHeader) -> int:
        first = data[start]
        mark = (first & 0x0F) | (FIN if first & 0x80 else 0) | self.context
        payload = b""
        if first & 0x0F == Opcode.CLOSE and header.payload_length <= 125:
            payload = frame_payload(data, start, header)
        if frame_violations(first, header, self.direction, mark, self.rsv1_allowed, payload):
            mark |= BROKEN
        return mark
