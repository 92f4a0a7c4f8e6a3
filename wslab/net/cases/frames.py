"""Cases after the handshake, by either peer: frames that break a rule, and odd legal ones."""

from __future__ import annotations

from wslab.net.cases.case import Case, by_name
from wslab.net.peers.frame_peer import FramePeer
from wslab.wire import Opcode, close_code
from wslab.wire.protocol import FrameDraft as Frame

TOO_BIG = 2**20 + 1
"""Bytes in the message of `too-big`: one more than `websockets` and the lab's servers accept."""


def _close(code: int, reason: bytes = b"") -> Frame:
    """A close frame with any code from 0 to 65535."""
    return Frame(Opcode.CLOSE, code.to_bytes(2, "big") + reason)


_HELLO = Frame(payload=b"Hello")
_HEL = Frame(payload=b"Hel", fin=False)
_LO = Frame(Opcode.CONTINUATION, b"lo")
_DONE = _close(1000, b"done")


_WHY_NOT = {1004: "this code is reserved, and has no meaning yet"} | dict.fromkeys(
    (1005, 1006, 1015), "an endpoint must not put this code into a frame"
)
"""By the close code; all others are in a range that nobody may use, or not yet."""


async def _never_answers_close(peer: FramePeer) -> None:
    while await peer.echo() is not None:
        pass


async def _answers_another_code(peer: FramePeer) -> None:
    if await peer.echo() is not None:
        await peer.send(Opcode.CLOSE, (4999).to_bytes(2, "big") + b"not what you said")


async def _never_answers(peer: FramePeer) -> None:
    await peer.read_to_end()


async def _keeps_tcp_open(peer: FramePeer) -> None:
    await peer.behave()
    await peer.read_to_end()


async def _vanishes(peer: FramePeer) -> None:
    peer.connection.reset()


async def _half_closes(peer: FramePeer) -> None:
    peer.end()
    await peer.read_to_end()


async def _cuts_a_frame_short(peer: FramePeer) -> None:
    await peer.send(Opcode.TEXT, b"Hel", announced_length=5)
    await _half_closes(peer)


FAULTY_FRAMES = by_name([
    Case("masks-its-frames", "masks what it sends, as only a client may",
         "RFC 6455 §5.1: the client must close, and may say 1002",
         [_HELLO], 1002, ("server",), masked=True),
    Case("sends-unmasked", "does not mask what it sends, as a client must",
         "RFC 6455 §5.1: the server must close, and may say 1002",
         [_HELLO], 1002, ("client",), masked=False),
    Case("reserved-opcode", "sends a frame with opcode 3",
         "RFC 6455 §5.2: an opcode that nobody knows fails the connection",
         [Frame(3, b"Hello")], 1002),
    Case("reserved-control-opcode", "sends a control frame with opcode 11",
         "RFC 6455 §5.2: an opcode that nobody knows fails the connection",
         [Frame(11, b"?")], 1002),
    Case("rsv-set", "sets RSV1, though no extension was agreed on",
         "RFC 6455 §5.2: a bit that nobody gave a meaning fails the connection",
         [Frame(payload=b"Hello", rsv1=True)], 1002),
    Case("long-control-frame", "sends a ping of 126 bytes",
         "RFC 6455 §5.5: a control frame carries 125 bytes at most",
         [Frame(Opcode.PING, bytes(126))], 1002),
    Case("fragmented-control-frame", "sends a ping with FIN 0",
         "RFC 6455 §5.5: a control frame is never in fragments",
         [Frame(Opcode.PING, b"?", fin=False)], 1002),
    Case("continuation-first", "continues a message that never began",
         "RFC 6455 §5.4: a continuation needs a beginning", [_LO], 1002),
    Case("message-interleaved", "begins a message in the middle of another",
         "RFC 6455 §5.4: the fragments of two messages must not mix", [_HEL, _HELLO], 1002),
    Case("text-not-utf8", "sends a text message that is not UTF-8",
         "RFC 6455 §8.1: text is UTF-8", [Frame(payload=b"caf\xe9")], 1007),
    Case("too-big", f"sends one message of {TOO_BIG:,} bytes",
         "RFC 6455 §7.4.1: a peer may refuse what is too big for it",
         [Frame(Opcode.BINARY, bytes(TOO_BIG))], 1009, duty="may"),
    Case("close-without-code", "closes with an empty close frame",
         "RFC 6455 §7.1.5: allowed; the API reports 1005", [Frame(Opcode.CLOSE)], 1005),
    Case("one-byte-close", "closes with half a code",
         "RFC 6455 §5.5.1: a code is two bytes", [Frame(Opcode.CLOSE, b"\x03")], 1002),
    Case("long-close", "closes with a reason of 124 bytes, so that the frame carries 126",
         "RFC 6455 §5.5: a control frame carries 125 bytes at most",
         [_close(1000, b"x" * 124)], 1002),
    Case("close-reason-not-utf8", "closes with a reason that is not UTF-8",
         "RFC 6455 §5.5.1: the reason is UTF-8", [_close(1000, b"caf\xe9")], 1007),
    *(Case(f"close-code-{code}", f"puts {code} ({close_code(code).name}) into a close frame",
           f"{close_code(code).rfc}: " + _WHY_NOT.get(code, "no peer may use this code"),
           [_close(code)], 1002)
      for code in (999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)),
    Case("data-after-close", "sends a message after its close frame",
         "RFC 6455 §1.4: after a close frame nothing more is sent, and nothing more is read",
         [_DONE, Frame(payload=b"late")], 1000, duty="should"),
    Case("closes-twice", "sends two close frames, with different codes",
         "RFC 6455 §7.1.5: the first one counts",
         [_close(1000, b"bye"), _close(4000, b"I mean it")], 1000, duty="should"),
    Case("never-answers-close", "answers everything but a close frame",
         "RFC 6455 §5.5.1: a close frame must be answered; patience is the other peer's",
         _never_answers_close),
    Case("answers-another-code", "answers a close frame with 4999, whatever the code was",
         "RFC 6455 §5.5.1: an echo is usual, and another code is no error", _answers_another_code),
    Case("keeps-tcp-open", "answers the close frame and then does not end TCP",
         "RFC 6455 §7.1.1: the server should end TCP; the client may, after waiting",
         _keeps_tcp_open),
    Case("never-answers", "reads everything and answers nothing, pings and close frames neither",
         "RFC 6455 §5.5.2: a ping must be answered; only keepalive finds out",
         _never_answers, at_once=True),
    Case("vanishes", "cuts TCP off with RST, without a close frame",
         "RFC 6455 §7.1.5: no close frame came, so the API reports 1006", _vanishes),
    Case("half-closes", "ends its half of TCP without a close frame, and goes on reading",
         "RFC 6455 §7.1.5: no close frame came, so the API reports 1006", _half_closes),
    Case("cuts-a-frame-short", "announces 5 bytes, sends 3, and ends TCP",
         "RFC 6455 §7.1.5: no close frame came, so the API reports 1006", _cuts_a_frame_short),
    Case("goes-away", "closes with 1001, as a server that shuts down",
         "RFC 6455 §7.4.1: 1001 is no error", [_close(1001, b"shutting down")], 1001,
         duty="should"),
    Case("crashes-in-handler", "closes with 1011, as a server whose program failed",
         "RFC 6455 §7.4.1: the server met a fault", [_close(1011, b"internal error")], 1011,
         ("server",), "should"),
])  # fmt: skip
"""Frames and scripts by which a server or a client breaks a rule."""

FURTHER_FRAMES = by_name([
    Case("hello", "sends a text message", "RFC 6455 §5.6: text is a message", [_HELLO]),
    Case("first-fragment", "begins a message", "RFC 6455 §5.4: FIN 0, more is to come", [_HEL]),
    Case("ping", "sends a ping", "RFC 6455 §5.5.2: answered, also between fragments",
         [Frame(Opcode.PING, b"?")]),
    Case("last-fragment", "ends a message", "RFC 6455 §5.4: FIN 1, this is all of it", [_LO]),
    Case("rsv2-set", "sets RSV2", "RFC 6455 §5.2: a bit that nobody gave a meaning",
         [Frame(payload=b"Hello", rsv2=True)], 1002),
    Case("rsv3-set", "sets RSV3", "RFC 6455 §5.2: a bit that nobody gave a meaning",
         [Frame(payload=b"Hello", rsv3=True)], 1002),
    # Libraries accept it: the RFC demands the shortest form, but does not say how to react.
    Case("length-in-16-bits", "writes a length of 5 in 16 bits",
         "RFC 6455 §5.2: the shortest form", [Frame(payload=b"Hello", length_form=16)]),
    Case("length-in-64-bits", "writes a length of 5 in 64 bits",
         "RFC 6455 §5.2: the shortest form", [Frame(payload=b"Hello", length_form=64)]),
    Case("length-of-2**63", "sets the top bit of a length",
         "RFC 6455 §5.2: it is 0", [Frame(payload=b"Hello", announced_length=2**63)], 1009),
    Case("close", "closes with a code and a reason", "RFC 6455 §5.5.1: an echo is usual",
         [_DONE], 1000, duty="should"),
    Case("length-lies", "announces 20 bytes and sends 5", "RFC 6455 §5.2: the rest is to come",
         [Frame(payload=b"Hello", announced_length=20)]),
])  # fmt: skip
"""More frames for a lesson: legal ones, and some that only a strict peer refuses."""
