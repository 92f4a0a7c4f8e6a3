"""The closing handshake (RFC 6455 §5.5.1, §7)."""

from __future__ import annotations

from wslab.conformance.cases.frame import binary, close, ping, text
from wslab.net.cases import Case
from wslab.wire import Opcode
from wslab.wire.protocol import FrameDraft as Frame

_ECHO = "RFC 6455 §5.5.1: the answer typically has the same code; 1000 is as good"
_FIRST = "RFC 6455 §5.5.1, §1.4: after a close frame nothing more is read"
_SHORT = "RFC 6455 §5.5: a control frame carries 125 bytes at most"
_UTF8 = "RFC 6455 §5.5.1: the reason is UTF-8"

_USABLE = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
           3000, 3001, 3999, 4000, 4001, 4999)  # fmt: skip
_NEVER = {1004: "reserved, without a meaning", 1005: "never in a frame", 1006: "never in a frame",
          1015: "never in a frame"}  # fmt: skip
_UNKNOWN = (0, 1, 999, 1016, 1100, 1999, 2000, 2999, 5000, 65535)

CASES = (
    *(Case(f"code-{code}", f"closes with {code}", _ECHO, [close(code)], code, others=(1000,))
      for code in _USABLE),
    # The RFC says which codes nobody may send, and not that a peer must fail for them.
    *(Case(f"code-{code}", f"closes with {code}, a code that is {why}",
           "RFC 6455 §7.4.1: an endpoint must not put it into a frame", [close(code)], 1002,
           duty="should")
      for code, why in _NEVER.items()),
    *(Case(f"code-{code}", f"closes with {code}, a code that nobody may use",
           "RFC 6455 §7.4.2: it is in a range that is not used" if code < 1000 or code >= 5000
           else "RFC 6455 §7.4.2: nobody has given it a meaning yet",
           [close(code)], 1002, duty="should")
      for code in _UNKNOWN),
    Case("empty", "closes without a code",
         "RFC 6455 §5.5.1, §7.1.5: the close frame may have no payload",
         [close(None)], 1005, others=(1000,)),
    Case("one-byte", "closes with half a code",
         "RFC 6455 §5.5.1: a payload begins with a code of two bytes",
         [Frame(Opcode.CLOSE, b"\x03")], 1002),
    Case("reason", "closes with a reason", _ECHO, [close(1000, b"done")], 1000),
    Case("reason-unicode", "closes with a reason in several scripts", _ECHO,
         [close(1000, "tschüß, 再见, 👋".encode())], 1000),
    Case("reason-123", "closes with a reason of 123 bytes", _ECHO,
         [close(1000, b"*" * 123)], 1000),
    Case("reason-124", "closes with a reason of 124 bytes, a frame of 126", _SHORT,
         [close(1000, b"*" * 124)], 1002),
    Case("reason-not-utf8", "closes with a reason that is not UTF-8", _UTF8,
         [close(1000, b"caf\xe9")], 1007, others=(1002,)),
    Case("reason-cut", "closes with a reason that ends in the middle of a character", _UTF8,
         [close(1000, "naïve"[:3].encode()[:-1])], 1007, others=(1002,)),
    Case("reason-surrogate", "closes with a reason that has half a surrogate pair", _UTF8,
         [close(1000, b"\xed\xa0\x80")], 1007, others=(1002,)),
    Case("after-message", "sends a message, and closes",
         "RFC 6455 §1.4: all that came before the close frame counts", [text(), close()], 1000),
    Case("after-large-message", "sends 256 KiB, and closes",
         "RFC 6455 §1.4: all that came before the close frame counts",
         [binary(bytes(2**18)), close()], 1000),
    Case("twice", "sends two close frames with different codes",
         "RFC 6455 §7.1.5: the first one counts", [close(1000), close(4000)], 1000),
    Case("then-ping", "sends a ping after its close frame", _FIRST,
         [close(), ping(b"late")], 1000),
    Case("then-text", "sends a message after its close frame", _FIRST,
         [close(), text("late")], 1000),
    Case("then-garbage", "sends bytes that are no frame after its close frame", _FIRST,
         [close(), Frame(15, b"\xff\xff", rsv1=True, rsv2=True)], 1000),
)  # fmt: skip
