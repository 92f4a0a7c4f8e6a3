"""Messages in several frames (RFC 6455 §5.4)."""

from __future__ import annotations

from wslab.conformance.cases.frame import END, binary, close, more, ping, pong, text
from wslab.net.cases import Case

_JOINED = "RFC 6455 §5.4: a message is its fragments, joined"
_BETWEEN = "RFC 6455 §5.4: control frames may come between fragments, and are answered there"
_STRAY = "RFC 6455 §5.4: a continuation needs a message that was begun and not finished"
_MIXED = "RFC 6455 §5.4: the fragments of two messages must not mix"

_A = text("frag", fin=False)
_B = more("ment")

CASES = (
    Case("two", "sends a text in two frames", _JOINED, [_A, _B, END], 1000),
    Case("two-binary", "sends a binary message in two frames", _JOINED,
         [binary(b"\x00\x01", fin=False), more(b"\xff"), END], 1000),
    Case("three", "sends a text in three frames", _JOINED,
         [text("one ", fin=False), more("two ", fin=False), more("three"), END], 1000),
    Case("100", "sends a text in 100 frames of one letter", _JOINED,
         [text("x", fin=False), *(more("x", fin=False) for _ in range(98)), more("x"), END], 1000),
    Case("empty-first", "begins with an empty frame", _JOINED,
         [text("", fin=False), more("Hello"), END], 1000),
    Case("empty-last", "ends with an empty frame", _JOINED,
         [text("Hello", fin=False), more(""), END], 1000),
    Case("empty-middle", "has an empty frame in the middle", _JOINED,
         [text("Hel", fin=False), more("", fin=False), more("lo"), END], 1000),
    Case("all-empty", "sends an empty message in three frames", _JOINED,
         [text("", fin=False), more("", fin=False), more(""), END], 1000),
    Case("large", "sends 64 KiB in four frames", _JOINED,
         [binary(bytes(16384), fin=False), more(bytes(16384), fin=False),
          more(bytes(16384), fin=False), more(bytes(16384)), END], 1000),
    Case("many-messages", "sends ten messages of two frames each", _JOINED,
         [*[_A, _B] * 10, END], 1000),
    Case("ping-between", "sends a ping between two fragments", _BETWEEN,
         [_A, ping(b"now"), _B, END], 1000),
    Case("pings-between", "sends two pings between each two of five fragments", _BETWEEN,
         [text("0", fin=False),
          *(one for n in range(1, 5)
            for one in (ping(b"a%d" % n), ping(b"b%d" % n), more(f"{n}", fin=n == 4))),
          END], 1000),
    Case("pong-between", "sends an unasked pong between two fragments", _BETWEEN,
         [_A, pong(b"unasked"), _B, END], 1000),
    Case("close-between", "closes in the middle of a message",
         "RFC 6455 §5.4, §5.5.1: a close frame may come between fragments, and the rest never "
         "comes; some take that for an error",
         [_A, close()], 1000, others=(1002,)),
    Case("close-between-then-more", "closes in the middle of a message, and then goes on with it",
         "RFC 6455 §5.5.1, §1.4: after a close frame nothing more is read",
         [_A, close(), _B], 1000, others=(1002,)),
    *(Case(f"stray-{end}", f"{what} without a message", _STRAY, [more("stray", fin=fin)], 1002)
      for end, what, fin in (("last", "sends a last fragment", True),
                             ("middle", "sends a fragment that is not the last", False))),
    Case("stray-empty", "sends an empty continuation without a message", _STRAY, [more("")], 1002),
    Case("stray-after-message", "continues a message that was in one frame", _STRAY,
         [text(), more("more")], 1002),
    Case("stray-after-fragments", "continues a message that was finished", _STRAY,
         [_A, _B, more("more")], 1002),
    Case("stray-before-fragments", "sends a stray fragment, and a message in two frames behind it",
         _STRAY, [more("stray", fin=False), _A, _B], 1002),
    Case("stray-then-text", "sends a stray continuation, and a message behind it",
         _STRAY, [more("stray"), text("not to be answered")], 1002),
    Case("text-in-text", "begins a text in the middle of another", _MIXED, [_A, text()], 1002),
    Case("binary-in-text", "begins a binary message in the middle of a text", _MIXED,
         [_A, binary(b"\x00")], 1002),
    Case("text-in-binary", "begins a text in the middle of a binary message", _MIXED,
         [binary(b"\x00", fin=False), text()], 1002),
    Case("every-frame-text", "gives every fragment the opcode of text", _MIXED,
         [text("frag", fin=False), text("ment")], 1002),
    Case("begun-in-begun", "begins a text in fragments in the middle of another", _MIXED,
         [_A, text("again", fin=False)], 1002),
    Case("ping-then-mixed", "sends a ping between fragments, then begins another message",
         _MIXED, [_A, ping(b"now"), text()], 1002),
)  # fmt: skip
