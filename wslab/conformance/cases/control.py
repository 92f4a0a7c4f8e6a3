"""Ping and pong (RFC 6455 §5.5)."""

from __future__ import annotations

from wslab.conformance.cases.frame import END, binary, close, ping, pong, text
from wslab.net.cases import Case

_PONG = "RFC 6455 §5.5.3: a pong has the payload of its ping"
_SHORT = "RFC 6455 §5.5: a control frame carries 125 bytes at most"
_WHOLE = "RFC 6455 §5.5: a control frame is never in fragments"

CASES = (
    Case("ping-empty", "sends a ping without a payload", _PONG, [ping(), END], 1000),
    Case("ping-text", "sends a ping with a text", _PONG, [ping(b"are you there?"), END], 1000),
    Case("ping-binary", "sends a ping with bytes that are no text",
         "RFC 6455 §5.5.2: a ping carries any bytes, not only text",
         [ping(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), END], 1000),
    Case("ping-125", "sends a ping of 125 bytes", _PONG, [ping(b"\xfe" * 125), END], 1000),
    Case("pings-10", "sends ten pings",
         "RFC 6455 §5.5.3: the last one must be answered, each before it may be",
         [*(ping(f"ping {n}".encode()) for n in range(10)), END], 1000),
    Case("ping-between-messages", "sends a ping between two messages",
         "RFC 6455 §5.5.2: a ping may come at any time",
         [text("before"), ping(b"now"), text("after"), END], 1000),
    Case("pong-empty", "sends a pong that nobody asked for, without a payload",
         "RFC 6455 §5.5.3: a response to it is not expected", [pong(), END], 1000),
    Case("pong-text", "sends a pong that nobody asked for",
         "RFC 6455 §5.5.3: a response to it is not expected", [pong(b"hello?"), END], 1000),
    Case("pong-125", "sends a pong of 125 bytes that nobody asked for",
         "RFC 6455 §5.5.3: a response to it is not expected", [pong(bytes(125)), END], 1000),
    Case("pong-then-ping", "sends an unasked pong, and a ping behind it",
         "RFC 6455 §5.5.3: the pong is not an answer to the ping that comes later",
         [pong(b"unasked"), ping(b"asked"), END], 1000),
    *(Case(f"{kind}-{size}", f"sends a {kind} of {size:,} bytes", _SHORT,
           [make(bytes(size))], 1002)
      for kind, make in (("ping", ping), ("pong", pong)) for size in (126, 127, 65536)),
    *(Case(f"{kind}-in-fragments", f"sends the first fragment of a {kind}", _WHOLE,
           [make(b"?", fin=False)], 1002)
      for kind, make in (("ping", ping), ("pong", pong))),
    Case("ping-in-fragments-after-a-message", "sends a message, and half a ping behind it",
         _WHOLE, [text(), ping(b"?", fin=False)], 1002),
    Case("close-in-fragments", "sends the first fragment of a close frame", _WHOLE,
         [close(fin=False)], 1002),
    Case("ping-with-16-bit-length", "writes the length of a ping in 16 bits",
         "RFC 6455 §5.2: the length takes as few bytes as it can; what a peer does that gets "
         "another, it leaves open", [ping(b"four", length_form=16)], 1002, duty="may"),
    Case("ping-in-a-large-message", "sends a ping behind a message of 64 KiB",
         "RFC 6455 §5.5.2: it is answered as soon as is practical",
         [binary(bytes(65536)), ping(b"behind"), END], 1000),
)  # fmt: skip
