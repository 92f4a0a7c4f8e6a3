"""The first two bytes of a frame, and its mask (RFC 6455 §5.1 to §5.3)."""

from __future__ import annotations

from wslab.conformance.cases.frame import END, binary, close, ping, pong, text
from wslab.net.cases import Case
from wslab.wire.protocol import FrameDraft as Frame

_RSV = "RFC 6455 §5.2: a bit that no extension gave a meaning fails the connection"
_OPCODE = "RFC 6455 §5.2: an opcode that nobody knows fails the connection"
_MASK = "RFC 6455 §5.3: any four bytes are a masking key"
_LEGAL = "RFC 6455 §5.2: it is legal"

_RSV_BITS = {
    "rsv1": {"rsv1": True},
    "rsv2": {"rsv2": True},
    "rsv3": {"rsv3": True},
    "all-rsv": {"rsv1": True, "rsv2": True, "rsv3": True},
}
_FRAMES = {
    "text": text(),
    "binary": binary(b"\x00\xff"),
    "ping": ping(b"?"),
    "close": close(),
}
_SAMPLES = {
    "zero": bytes(4),
    "ones": b"\xff\xff\xff\xff",
    "one-byte": b"\x01\x00\x00\x00",
    "last-byte": b"\x00\x00\x00\x80",
    "of-frame-heads": b"\x81\x85\x88\x80",
}


def _with(frame: Frame, bits: dict[str, bool]) -> Frame:
    return Frame(**{**vars(frame), **bits})


CASES = (
    Case("text", "sends a text message", "RFC 6455 §5.6: text comes back from an echo",
         [text(), END], 1000),
    Case("binary", "sends a binary message", "RFC 6455 §5.6: bytes come back from an echo",
         [binary(bytes(range(256))), END], 1000),
    Case("empty-text", "sends a text message of no bytes", _LEGAL, [text(""), END], 1000),
    Case("empty-binary", "sends a binary message of no bytes", _LEGAL, [binary(b""), END], 1000),
    Case("many", "sends 100 messages in one piece",
         "RFC 6455 §5.2: frames follow each other without anything between them",
         [*(text(f"message {n}") for n in range(100)), END], 1000),
    Case("text-then-binary", "sends a text and a binary message by turns",
         "RFC 6455 §5.6: each message has its own kind",
         [text("a"), binary(b"b"), text("c"), binary(b"d"), END], 1000),
    *(Case(f"{bits}-on-{kind}", f"sets {bits.replace('-', ' ')} in a {kind} frame", _RSV,
           [_with(frame, flags)], 1002)
      for bits, flags in _RSV_BITS.items() for kind, frame in _FRAMES.items()),
    *(Case(f"{bits}-after-a-message", f"sets {bits.replace('-', ' ')} in its second frame", _RSV,
           [text("first"), _with(text("second"), flags), ping(b"after")], 1002)
      for bits, flags in _RSV_BITS.items()),
    *(Case(f"opcode-{opcode}", f"sends a frame with opcode {opcode}", _OPCODE,
           [Frame(opcode, b"Hello")], 1002)
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    *(Case(f"empty-opcode-{opcode}", f"sends an empty frame with opcode {opcode}", _OPCODE,
           [Frame(opcode)], 1002) for opcode in (3, 11)),
    *(Case(f"opcode-{opcode}-after-a-message",
           f"sends a message, and a frame with opcode {opcode} behind it",
           _OPCODE, [text("first"), Frame(opcode, b"Hello"), ping(b"after")], 1002)
      for opcode in (7, 15)),
    Case("unmasked-text", "does not mask a text frame",
         "RFC 6455 §5.1: the server must close the connection",
         [text()], 1002, ("client",), masked=False),
    Case("unmasked-ping", "does not mask a ping",
         "RFC 6455 §5.1: the server must close the connection",
         [ping(b"?")], 1002, ("client",), masked=False),
    Case("unmasked-close", "does not mask its close frame",
         "RFC 6455 §5.1: the server must close the connection",
         [close()], 1002, ("client",), masked=False),
    Case("unmasked-empty", "does not mask a frame that has nothing to mask",
         "RFC 6455 §5.1: every frame is masked, an empty one too",
         [text("")], 1002, ("client",), masked=False),
    Case("masked-text", "masks a text frame",
         "RFC 6455 §5.1: the client must close the connection",
         [text()], 1002, ("server",), masked=True),
    Case("masked-ping", "masks a ping",
         "RFC 6455 §5.1: the client must close the connection",
         [ping(b"?")], 1002, ("server",), masked=True),
    Case("masked-close", "masks its close frame",
         "RFC 6455 §5.1: the client must close the connection",
         [close()], 1002, ("server",), masked=True),
    *(Case(f"key-{name}", f"masks with the key {key.hex()}", _MASK,
           [text("Hello, WebSocket", masking_key=key),
            binary(bytes(range(9)), masking_key=key), END], 1000, ("client",))
      for name, key in _SAMPLES.items()),
    Case("key-new-each-time", "masks each frame with another key",
         "RFC 6455 §5.3: each frame has a key of its own",
         [*(text("the same", masking_key=bytes([n, 255 - n, n * 7 % 256, 64])) for n in range(20)),
          END], 1000, ("client",)),
    *(Case(f"key-and-{size}-bytes", f"masks a message of {size} bytes",
           "RFC 6455 §5.3: byte i is masked with byte i mod 4 of the key",
           [binary(bytes(range(1, size + 1))), END], 1000, ("client",))
      for size in (1, 2, 3, 4, 5, 7)),
    Case("unsolicited-pong", "sends a pong that nobody asked for",
         "RFC 6455 §5.5.3: it may, and nothing is expected in answer",
         [pong(b"still here"), text(), END], 1000),
)  # fmt: skip
