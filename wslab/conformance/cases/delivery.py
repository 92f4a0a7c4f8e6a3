"""TCP knows no frames: bytes arrive in any pieces (RFC 6455 §5.2, §1.3)."""

from __future__ import annotations

from wslab.conformance.cases.frame import END, binary, close, more, ping, text
from wslab.net.cases import Case, Head

_PIECES = "RFC 6455 §5.2: where TCP cuts the stream means nothing"
_ONE_BY_ONE = "one byte at a time"

CASES = (
    Case("request-byte-by-byte", f"sends its request {_ONE_BY_ONE}",
         "RFC 9112 §2: a request ends with its empty line, wherever TCP cut it",
         Head(), 101, ("client",), delivery=1),
    Case("response-byte-by-byte", f"sends its response {_ONE_BY_ONE}",
         "RFC 9112 §2: a response ends with its empty line, wherever TCP cut it",
         Head(), 101, ("server",), delivery=1),
    Case("text-byte-by-byte", f"sends a text {_ONE_BY_ONE}", _PIECES,
         [text("Hello"), END], 1000, delivery=1),
    Case("16-bit-length-byte-by-byte", f"sends a frame of 126 bytes {_ONE_BY_ONE}", _PIECES,
         [text("*" * 126), END], 1000, delivery=1),
    Case("64-bit-length-in-pieces", "sends 64 KiB in pieces of 997 bytes", _PIECES,
         [binary(bytes(65536)), END], 1000, delivery=997),
    Case("header-apart", "sends frames in pieces of two bytes", _PIECES,
         [text("four"), text("six by"), END], 1000, delivery=2),
    Case("mask-apart", "sends frames in pieces of three bytes", _PIECES,
         [text("four"), ping(b"three"), END], 1000, delivery=3),
    Case("ping-byte-by-byte", f"sends a ping {_ONE_BY_ONE}", _PIECES,
         [ping(b"slow"), END], 1000, delivery=1),
    Case("fragments-byte-by-byte", f"sends a message in fragments {_ONE_BY_ONE}", _PIECES,
         [text("frag", fin=False), ping(b"?"), more("ment"), END], 1000, delivery=1),
    Case("close-byte-by-byte", f"sends its close frame {_ONE_BY_ONE}", _PIECES,
         [close(4000, b"slowly")], 4000, delivery=1),
    Case("characters-apart", f"sends characters of four bytes {_ONE_BY_ONE}",
         "RFC 6455 §5.6: only the whole message needs to be UTF-8", [text("👋👋"), END], 1000,
         delivery=1),
    Case("fault-byte-by-byte", f"sets RSV3 {_ONE_BY_ONE}",
         "RFC 6455 §5.2: a bit that no extension gave a meaning fails the connection",
         [text("fine"), binary(b"", rsv3=True)], 1002, delivery=1),
    Case("bad-text-byte-by-byte", f"sends text that is not UTF-8 {_ONE_BY_ONE}",
         "RFC 6455 §8.1: text that is not UTF-8 fails the connection",
         [text(b"\xed\xa0\x80")], 1007, delivery=1),
    Case("many-in-one-piece", "sends 20 messages and 20 pings in one piece", _PIECES,
         [*(one for n in range(20) for one in (text(f"{n}"), ping(b"%d" % n))), END], 1000),
    Case("message-with-the-response", "sends a message in one piece with its response",
         "RFC 6455 §1.3: frames begin right behind the empty line",
         [text("early"), END], 1000, ("server",), at_once=True),
    Case("half-a-message-with-the-response", "sends half a frame in one piece with its response",
         "RFC 6455 §1.3: frames begin right behind the empty line",
         [text("early", fin=False), more(" bird"), END], 1000, ("server",), at_once=True,
         delivery=140),
)  # fmt: skip
