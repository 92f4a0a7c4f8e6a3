"""permessage-deflate (RFC 7692), for peers that agree on it."""

from __future__ import annotations

import zlib

from wslab.conformance.cases.frame import END, binary, more, ping, text
from wslab.net.cases import Case
from wslab.wire.protocol import FrameDraft as Frame

DEFLATE = "permessage-deflate"

_MESSAGE = "RFC 7692 §7.2.1: a message is compressed as a whole"
_FIRST = "RFC 7692 §6.1: only the first frame of a message carries RSV1"
_CONTROL = "RFC 7692 §6.1: control frames are never compressed"
_BROKEN = "RFC 7692 §7.2.2: what cannot be inflated fails the connection"


def squeezed(data: bytes, level: int = 6, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """A message compressed by itself, as RFC 7692 §7.2.1 says: its last four bytes are left out."""
    squeezer = zlib.compressobj(level, zlib.DEFLATED, -15)
    squeezed = squeezer.compress(data) + squeezer.flush(flush)
    return squeezed.removesuffix(b"\x00\x00\xff\xff")


def _case(
    name: str, what: str, rule: str, frames: list[Frame], code: int = 1000, **more: object
) -> Case:
    return Case(name, what, rule, frames, code, agreed=DEFLATE, **more)  # type: ignore[arg-type]


_HELLO = squeezed(b"Hello")
_LONG = squeezed(b"Hello, WebSocket! " * 100)
_HALF = len(_LONG) // 2

_SIZES = (0, 1, 16, 64, 125, 126, 256, 1024, 4096, 8192, 16384, 32768, 65535, 65536, 131072)


def _words(size: int) -> bytes:
    return (b"the quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


def _noise(size: int) -> bytes:
    """Bytes that do not compress, the same every time."""
    state, made = 1, bytearray()
    for _ in range(size):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        made.append(state >> 16 & 0xFF)
    return bytes(made)


CASES = (
    *(_case(f"text-{size}", f"sends a compressed text of {size:,} bytes", _MESSAGE,
            [text(squeezed(_words(size)), rsv1=True), END]) for size in _SIZES),
    *(_case(f"binary-{size}", f"sends {size:,} bytes that do not compress, compressed", _MESSAGE,
            [binary(squeezed(_noise(size)), rsv1=True), END]) for size in (0, 1, 126, 4096, 65536)),
    _case("not-compressed", "sends a message without compressing it",
          "RFC 7692 §6: each message may be compressed or not", [text(), END]),
    _case("by-turns", "compresses every second message",
          "RFC 7692 §6: each message may be compressed or not",
          [text("plain"), text(squeezed(b"squeezed"), rsv1=True), text("plain again"),
           text(_HELLO, rsv1=True), END]),
    _case("not-squeezed", "compresses at level 0, which makes it longer",
          "RFC 7692 §7.2.1: DEFLATE has blocks that are not compressed",
          [text(squeezed(b"Hello", 0), rsv1=True), END]),
    _case("final-block", "ends its message with a final block",
          "RFC 7692 §7.2.3.4: a block with BFINAL 1 may end a message",
          [text(squeezed(b"Hello", 6, zlib.Z_FINISH) + b"\x00", rsv1=True), END]),
    _case("two-blocks", "compresses a message in two blocks",
          "RFC 7692 §7.2.3.5: several blocks are one message",
          [text(squeezed(b"Hel") + b"\x00\x00\xff\xff" + squeezed(b"lo"), rsv1=True), END]),
    _case("one-empty-block", "sends an empty message as one empty block",
          "RFC 7692 §7.2.3.6: an empty message is one byte, 00",
          [text(b"\x00", rsv1=True), END]),
    _case("fragments", "cuts a compressed message into two frames", _MESSAGE,
          [text(_LONG[:_HALF], rsv1=True, fin=False), more(_LONG[_HALF:]), END]),
    _case("fragments-of-a-byte", "cuts a compressed message into frames of one byte", _MESSAGE,
          [text(_LONG[:1], rsv1=True, fin=False),
           *(more(_LONG[n:n + 1], fin=False) for n in range(1, len(_LONG) - 1)),
           more(_LONG[-1:]), END]),
    _case("empty-last-fragment", "ends a compressed message with an empty frame", _MESSAGE,
          [text(_HELLO, rsv1=True, fin=False), more(""), END]),
    _case("empty-first-fragment", "begins a compressed message with an empty frame", _MESSAGE,
          [text("", rsv1=True, fin=False), more(_HELLO), END]),
    _case("ping-between", "sends a ping between the fragments of a compressed message",
          "RFC 7692 §6.1: control frames between them are as they always are",
          [text(_LONG[:_HALF], rsv1=True, fin=False), ping(b"now"), more(_LONG[_HALF:]), END]),
    _case("text-in-utf8", "sends a compressed text in many scripts", _MESSAGE,
          [text(squeezed("κόσμε 世界 👋".encode()), rsv1=True), END]),
    _case("bytes-of-any-kind", "sends all 256 bytes, compressed", _MESSAGE,
          [binary(squeezed(bytes(range(256))), rsv1=True), END]),
    # What is wrong.
    _case("rsv1-on-continuation", "sets RSV1 in the second frame, too", _FIRST,
          [text(_LONG[:_HALF], rsv1=True, fin=False), more(_LONG[_HALF:], rsv1=True)], 1002),
    _case("rsv1-on-second-only", "sets RSV1 in the second frame only", _FIRST,
          [text(b"Hel", fin=False), more(b"lo", rsv1=True)], 1002),
    _case("rsv1-on-ping", "sets RSV1 in a ping", _CONTROL, [ping(_HELLO, rsv1=True)], 1002),
    _case("rsv2", "sets RSV2 in a compressed message",
          "RFC 6455 §5.2: a bit that no extension gave a meaning fails the connection",
          [text(_HELLO, rsv1=True, rsv2=True)], 1002),
    _case("bad-block", "sends a block of a type that does not exist", _BROKEN,
          [text(b"\xff\xff\xff\xff", rsv1=True)], 1002, others=(1003, 1007, 1009, 1011)),
    _case("plain-text-with-rsv1", "sets RSV1, and does not compress", _BROKEN,
          [text(b"Hello, WebSocket", rsv1=True)], 1002, others=(1003, 1007, 1009, 1011)),
    _case("bad-second-fragment", "sends nonsense in the second frame", _BROKEN,
          [text(_HELLO + b"\x00\x00\xff\xff", rsv1=True, fin=False), more(b"\xff" * 4)], 1002,
          others=(1003, 1007, 1009, 1011)),
    _case("not-utf8", "compresses a text that is not UTF-8",
          "RFC 6455 §8.1: text that is not UTF-8 fails the connection",
          [text(squeezed(b"caf\xe9"), rsv1=True)], 1007),
)  # fmt: skip
