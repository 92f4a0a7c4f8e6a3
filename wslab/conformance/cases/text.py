"""Text is UTF-8 (RFC 6455 §5.6, §8.1; RFC 3629)."""

from __future__ import annotations

from wslab.conformance.cases.frame import END, binary, more, text
from wslab.net.cases import Case

_FINE = "RFC 6455 §5.6: text is UTF-8, and this is UTF-8"
_BAD = "RFC 6455 §8.1: text that is not UTF-8 fails the connection"
_WHOLE = "RFC 6455 §5.6: only the whole message needs to be UTF-8, not each frame"

_LEGAL = {
    "ascii": b"\t !~\x7f",
    "nul": b"\x00",
    "two-bytes": "ä߿\u0080".encode(),
    "three-bytes": "\u0800語\ud7ff\ue000\uffff".encode(),
    "four-bytes": "\U00010000👋\U0010ffff".encode(),
    "last-code-point": b"\xf4\x8f\xbf\xbf",
    "before-surrogates": b"\xed\x9f\xbf",
    "behind-surrogates": b"\xee\x80\x80",
    "noncharacters": "\ufdd0\ufffe\uffff\U0001fffe\U0010ffff".encode(),
    "replacement-character": "\ufffd".encode(),
    "byte-order-mark": b"\xef\xbb\xbfHello",
    "combining": "e\u0301 🇫🇷 👩‍👩‍👧".encode(),
    "right-to-left": "שלום مرحبا".encode(),
    "many-scripts": "κόσμε Grüße 世界 नमस्ते 🌍".encode(),
}

_ILLEGAL = {
    "lone-continuation-80": b"\x80",
    "lone-continuation-bf": b"\xbf",
    "continuations-only": b"\x80\xbf\x80",
    "two-bytes-cut": b"\xc3",
    "three-bytes-cut-to-1": b"\xe2",
    "three-bytes-cut-to-2": b"\xe2\x82",
    "four-bytes-cut-to-1": b"\xf0",
    "four-bytes-cut-to-2": b"\xf0\x9f",
    "four-bytes-cut-to-3": b"\xf0\x9f\x91",
    "cut-before-ascii": b"\xe2\x82a",
    "start-before-start": b"\xc3\xc3\xa4",
    "overlong-slash-2": b"\xc0\xaf",
    "overlong-slash-3": b"\xe0\x80\xaf",
    "overlong-slash-4": b"\xf0\x80\x80\xaf",
    "overlong-nul": b"\xc0\x80",
    "overlong-nul-3": b"\xe0\x80\x80",
    "overlong-7f": b"\xc1\xbf",
    "overlong-7ff": b"\xe0\x9f\xbf",
    "overlong-ffff": b"\xf0\x8f\xbf\xbf",
    "first-surrogate": b"\xed\xa0\x80",
    "last-surrogate": b"\xed\xbf\xbf",
    "surrogate-pair": b"\xed\xa0\xbd\xed\xb1\x8b",
    "behind-the-last-code-point": b"\xf4\x90\x80\x80",
    "f5": b"\xf5\x80\x80\x80",
    "five-bytes": b"\xf8\x88\x80\x80\x80",
    "six-bytes": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "overlong-slash-5": b"\xf8\x80\x80\x80\xaf",
    "overlong-3ffffff": b"\xfc\x83\xbf\xbf\xbf\xbf",
    "lone-starts-with-spaces": b"\xc0 \xe0 \xf0 \xf8 \xfc ",
    "latin-1": b"caf\xe9",
    "utf-16": "Hello".encode("utf-16-be") + b"\xd8\x3d",
    "a-fault-at-the-end": "κόσμε".encode() + b"\xff",
    "a-fault-in-the-middle": "κόσμε".encode() + b"\xed\xa0\x80" + b"edited",
}

_WORLD = "κόσμε 👋".encode()

CASES = (
    *(Case(f"{name}", f"sends {name.replace('-', ' ')} in UTF-8", _FINE,
           [text(data), END], 1000) for name, data in _LEGAL.items()),
    *(Case(f"bad-{name}", f"sends text with {name.replace('-', ' ')}: {data[-12:].hex(' ')}", _BAD,
           [text(data)], 1007) for name, data in _ILLEGAL.items()),
    Case("in-frames-of-a-byte", "cuts characters between frames", _WHOLE,
         [text(_WORLD[:1], fin=False), *(more(_WORLD[n:n + 1], fin=False)
                                         for n in range(1, len(_WORLD) - 1)),
          more(_WORLD[-1:]), END], 1000),
    Case("cut-in-a-character", "cuts a message in the middle of a character", _WHOLE,
         [text(_WORLD[:1], fin=False), more(_WORLD[1:]), END], 1000),
    Case("bad-in-second-frame", "has a fault in the second of three frames", _BAD,
         [text("fine ", fin=False), more(b"\xff", fin=False), more(" fine")], 1007),
    Case("bad-across-frames", "makes a surrogate from two frames", _BAD,
         [text(b"\xed", fin=False), more(b"\xa0\x80")], 1007),
    Case("bad-at-the-end-of-fragments", "ends its last frame in the middle of a character", _BAD,
         [text("Hello ", fin=False), more(b"\xe2\x82")], 1007),
    Case("bad-after-a-good-message", "sends a good message, and a bad one behind it", _BAD,
         [text("good"), text(b"\xff\xff")], 1007),
    Case("two-halves-of-a-character", "ends one message with the first half of a character, and "
         "begins the next with the other half", _BAD, [text(b"\xc3"), text(b"\xa4")], 1007),
    Case("binary-is-not-text", "sends bytes that are not UTF-8 as a binary message",
         "RFC 6455 §5.6: a binary message may hold anything",
         [binary(b"\xff\xfe\x80\xed\xa0\x80"), END], 1000),
    Case("binary-in-fragments-is-not-text", "sends such bytes in two binary fragments",
         "RFC 6455 §5.6: a continuation is of the kind of its message",
         [binary(b"\xff\xfe", fin=False), more(b"\x80\xed"), END], 1000),
)  # fmt: skip
