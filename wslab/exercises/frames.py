"""The exercises of the frames lesson: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from wslab.exercises.hints import ONLY_THIS, Hints
from wslab.exercises.question import Question
from wslab.exercises.solutions import Solutions
from wslab.exercises.verdict import Verdict
from wslab.wire import encode_frame, mask

QUESTIONS = {
    "header": Question(
        "How many bytes does WebSocket add to one message of 5 letters from a client?",
        ("None: the connection is open already", "2", "6", "About 500, as HTTP does"),
        2,
        (
            "The stream is open, but somebody must say where a message begins and ends.",
            "That is what a server adds. A client has 4 more to add.",
            "2 for flags, opcode and length, and 4 for the masking key.",
            "That is what a request with its headers costs. A frame is the reason not to.",
        ),
        "RFC 6455 §5.2",
    ),
    "mask": Question(
        "Why does a client mask every frame?",
        (
            "So that nobody on the way can read it",
            "So that a page cannot choose the bytes that cross the wire",
            "To compress it",
            "To find transmission errors",
        ),
        1,
        (
            "The key stands in front of what it masks: whoever sees the frame can undo it. "
            "Secrecy is what wss:// is for.",
            "Exactly. A page that could put 'GET /evil HTTP/1.1' on the wire could make a proxy "
            "that knows no WebSocket store a false answer for everybody.",
            "XOR makes nothing shorter.",
            "TCP does that already.",
        ),
        "RFC 6455 §10.3",
    ),
    "unmasked": Question(
        "A client sends a text frame with MASK = 0. What does a server do?",
        (
            "It takes it: the text is readable",
            "It closes the connection with 1002",
            "It asks for it again",
            "It ignores this frame",
        ),
        1,
        (
            "Readable it would be, but a server must not be lenient: the rule protects others.",
            "A broken rule of the protocol: close code 1002, and the connection is gone.",
            "There is no 'again' in WebSocket. A broken frame ends the connection.",
            "Nothing is ever ignored silently: after a broken rule nobody can trust the rest.",
        ),
        "RFC 6455 §5.1",
    ),
    "interleaved": Question(
        "A message is sent in three frames. What may stand between the first and the second?",
        ("Nothing", "A ping", "Another text message", "Anything, if its frames are marked"),
        1,
        (
            "Then a large upload would hold up every sign of life.",
            "Control frames may: ping, pong and close. They are short and never fragmented.",
            "No: frames carry no message number, so nobody could tell whose part is whose.",
            "There is nothing to mark them with: a frame does not say which message it belongs to.",
        ),
        "RFC 6455 §5.4",
    ),
}
"""By name; `lab.ask(name)` shows one."""

KEY = bytes.fromhex("37fa213d")

# --- Make a frame

_encode_hints = Hints(
    "four parts: byte 0, byte 1, the key, the masked payload.",
    "byte 0 is FIN and opcode: 0b1000_0001. Byte 1 is MASK and the length: 0x80 + len(payload).",
    "masked byte i is payload[i] ^ key[i % 4]; bytes(...) makes bytes of a list of numbers.",
    "solution('encode') shows one.",
)


def check_encode(encode: Callable[[bytes, bytes], object]) -> Verdict:
    """Whether `encode(payload, key)` makes the frame of a text of up to 125 bytes, as a client."""
    for payload, key in [(b"Hello", KEY), (b"", KEY), (os.urandom(125), os.urandom(4))]:
        expected = encode_frame(1, payload, masking_key=key)
        try:
            got = encode(payload, key)
        except Exception as error:
            call = f"encode({_short(payload)}, {key!r})"
            return Verdict.raised(call, error, _encode_hints.next())
        if got is ... or got is None:
            return Verdict(False, "encode returned nothing to send yet.", hint=_encode_hints.first)
        if got != expected:
            misconception = _encode_misconception(got, payload, key)
            own = ONLY_THIS if misconception and isinstance(got, bytes | bytearray) else ""
            return Verdict(
                False,
                f"encode({_short(payload)}, {key!r}) is not the frame that a client sends.",
                bytes(got)[:24] if isinstance(got, bytes | bytearray) else got,
                expected[:24],
                misconception,
                "RFC 6455 §5.2",
                _encode_hints.next(own),
            )
    return Verdict(True, "byte for byte what a client sends.", rfc="RFC 6455 §5.2")


def _encode_misconception(got: object, payload: bytes, key: bytes) -> str:
    if not isinstance(got, bytes | bytearray):
        return f"Expected bytes, got {type(got).__name__}."
    got = bytes(got)
    masked = mask(payload, key)
    size = len(payload)
    mistakes = {
        bytes([0x81, size]) + payload: "This is what a server sends: a client must mask.",
        bytes([0x81, size]) + key + masked: "The MASK bit is missing: the first bit of byte 1.",
        bytes([0x81, 0x80 | size]) + key + payload: (
            "MASK says masked, but the payload is not: the server would XOR it into nonsense."
        ),
        bytes([0x81, 0x80 | size]) + masked: "The key is missing: nobody could undo the masking.",
        bytes([0x81, 0x80 | size]) + masked + key: "The key stands before the payload.",
        bytes([0x01, 0x80 | size]) + key + masked: (
            "FIN is 0: the server would wait for the rest of the message."
        ),
        bytes([0x82, 0x80 | size]) + key + masked: "The opcode of text is 1; 2 is binary.",
        bytes([0x81, 0x80 | size + 4]) + key + masked: (
            "The length counts the payload only, not the key."
        ),
    }
    return mistakes.get(got, "")


# --- Read a frame

_read_hints = Hints(
    "byte 0 is 81: FIN and text. What does byte 1 say about masking and length?",
    "the 4 bytes behind byte 1 are the key; the rest is the payload.",
    "bytes(b ^ key[i % 4] for i, b in enumerate(payload)) takes the mask off.",
)

_WORDS = ("tide", "lamp", "wave", "fern", "gull", "moss")


def puzzle(seed: int = 1) -> bytes:
    """A masked text frame to be read by hand; the same seed gives the same frame."""
    dice = random.Random(seed)
    word = dice.choice(_WORDS).encode()
    return encode_frame(1, word, masking_key=bytes(dice.randrange(1, 256) for _ in range(4)))


def check_read(word: str, frame: bytes) -> Verdict:
    """Whether `word` is what the masked text `frame` says."""
    expected = mask(frame[6:], frame[2:6]).decode()
    if word == expected:
        return Verdict(True, f"the frame says {expected!r}.", rfc="RFC 6455 §5.3")
    if word in ("...", "", ...):
        return Verdict(
            False, "no word named yet: put it in place of the dots.", hint=_read_hints.first
        )
    misconception = own = ""
    if isinstance(word, str) and word.encode("latin-1", "replace") == frame[6:]:
        misconception, own = (
            "That is the payload as it crossed, still masked.",
            _read_hints.steps[2],
        )
    return Verdict(
        False,
        f"it does not say {word!r}.",
        misconception=misconception,
        rfc="RFC 6455 §5.3",
        hint=_read_hints.next(own),
    )


# --- Repair a parser

_length_hints = Hints(
    "try it on a frame from the table above whose length you know, and print what it reads.",
    "which bits of byte 1 are the length, and which is not?",
    "the longer forms are written first byte first: int.from_bytes(..., 'big').",
    "127 announces eight bytes, not four.",
    "solution('length') shows one.",
)


def check_length(length: Callable[[bytes], object]) -> Verdict:
    """Whether `length(frame)` reads the payload's length in all three forms, masked or not."""
    for size in (0, 5, 125, 126, 300, 65535, 65536):
        for key in (None, KEY):
            frame = encode_frame(2, bytes(size), masking_key=key)
            try:
                got = length(frame)
            except Exception as error:
                call = f"for {frame[:10].hex(' ')} … it"
                return Verdict.raised(call, error, _length_hints.next())
            if got != size:
                return Verdict(
                    False,
                    f"the frame that starts {frame[:10].hex(' ')} "
                    f"({'masked' if key else 'not masked'}) has a payload of {size} bytes.",
                    got,
                    size,
                    "The first (highest) bit of byte 1 is MASK, 0x80: it does not belong to the "
                    "length."
                    if key and isinstance(got, int) and got - size == 128
                    else "",
                    "RFC 6455 §5.2",
                    _length_hints.next(_length_fault(got, size, frame)),
                )
    return Verdict(True, "all three forms, masked and not.", rfc="RFC 6455 §5.2")


def _length_fault(got: object, size: int, frame: bytes) -> str:
    """The hint for what is wrong with the length that was read."""
    if not isinstance(got, int):
        return ""
    if frame[1] & 0x80 and got == frame[1]:
        return "take MASK off byte 1 first, & 0x7f, and only then compare it with 126 and 127."
    if got == frame[1]:
        return "byte 1 says 126 or 127 here: the length itself stands behind it."
    extended = frame[2:4] if size <= 0xFFFF else frame[2:10]
    if got == int.from_bytes(extended, "little"):
        return "the longer forms are written first byte first: int.from_bytes(..., 'big')."
    if size > 0xFFFF:
        return "127 announces eight bytes of length: which bytes of the frame are these?"
    return ""


def _short(payload: bytes) -> str:
    text = repr(payload)
    return text if len(text) <= 20 else f"({len(payload)} bytes)"


SOLUTIONS = Solutions(
    encode="""\
def encode(payload, key):
    header = bytes([0b1000_0001, 0x80 + len(payload)])
    masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return header + key + masked
""",
    length="""\
def length(frame):
    short = frame[1] & 0x7F
    if short == 126:
        return int.from_bytes(frame[2:4], "big")
    if short == 127:
        return int.from_bytes(frame[2:10], "big")
    return short
""",
)

solution = SOLUTIONS.show
