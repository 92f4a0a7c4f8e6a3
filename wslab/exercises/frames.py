"""The exercises of the frames lesson: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Literal

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
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


def _frame(payload: bytes, key: bytes, *, first: int = 0x81, second: int = 0x80) -> bytes:
    return bytes([first, second + len(payload)]) + key + mask(payload, key)


check_encode = Exercise(
    "encode",
    "Whether `encode(payload, key)` makes the frame of a text of up to 125 bytes, as a client.",
    cases=lambda: [(b"Hello", KEY), (b"", KEY), (os.urandom(125), os.urandom(4))],
    expected=lambda payload, key: encode_frame(1, payload, masking_key=key),
    mistakes={
        "This is what a server sends: a client must mask.": (
            lambda payload, key: encode_frame(1, payload)
        ),
        "The MASK bit is missing: the first bit of byte 1.": (
            lambda payload, key: _frame(payload, key, second=0)
        ),
        "MASK says masked, but the payload is not: the server would XOR it into nonsense.": (
            lambda payload, key: bytes([0x81, 0x80 + len(payload)]) + key + payload
        ),
        "The key is missing: nobody could undo the masking.": (
            lambda payload, key: bytes([0x81, 0x80 + len(payload)]) + mask(payload, key)
        ),
        "The key stands before the payload.": (
            lambda payload, key: bytes([0x81, 0x80 + len(payload)]) + mask(payload, key) + key
        ),
        "FIN is 0: the server would wait for the rest of the message.": (
            lambda payload, key: _frame(payload, key, first=0x01)
        ),
        "The opcode of text is 1; 2 is binary.": (
            lambda payload, key: _frame(payload, key, first=0x82)
        ),
        "The length counts the payload only, not the key.": (
            lambda payload, key: _frame(payload, key, second=0x84)
        ),
    },
    hints=(
        "four parts: byte 0, byte 1, the key, the masked payload.",
        "byte 0 is FIN and opcode: 0b1000_0001. "
        "Byte 1 is MASK and the length: 0x80 + len(payload).",
        "masked byte i is payload[i] ^ key[i % 4]; bytes(...) makes bytes of a list of numbers.",
    ),
    rfc="RFC 6455 §5.2",
    wrong="{what} is not the frame that a client sends.",
    praise="byte for byte what a client sends.",
    solution="""\
def encode(payload, key):
    header = bytes([0b1000_0001, 0x80 + len(payload)])
    masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return header + key + masked
""",
)

# --- Read a frame

_WORDS = ("tide", "lamp", "wave", "fern", "gull", "moss")


def puzzle(seed: int = 1) -> bytes:
    """A masked text frame to be read by hand; the same seed gives the same frame."""
    dice = random.Random(seed)
    word = dice.choice(_WORDS).encode()
    return encode_frame(1, word, masking_key=bytes(dice.randrange(1, 256) for _ in range(4)))


_UNMASK = "bytes(b ^ key[i % 4] for i, b in enumerate(payload)) takes the mask off."

check_read = Exercise(
    "read",
    "Whether `word` is what the masked text `frame` says.",
    expected=lambda frame: mask(frame[6:], frame[2:6]).decode(),
    mistakes={
        "That is the payload as it crossed, still masked.": Mistake(
            lambda frame: frame[6:].decode("latin-1"), _UNMASK
        ),
        "That is the whole frame, with its header and key.": Mistake(
            lambda frame: frame.hex(" "), "the payload is what follows the key: frame[6:]."
        ),
        "That is the payload with the wrong end of the key: byte 0 goes with key byte 0.": Mistake(
            lambda frame: mask(frame[6:], frame[2:6][::-1]).decode("latin-1"), _UNMASK
        ),
    },
    hints=(
        "byte 0 is 81: FIN and text. What does byte 1 say about masking and length?",
        "the 4 bytes behind byte 1 are the key; the rest is the payload.",
        _UNMASK,
    ),
    rfc="RFC 6455 §5.3",
    wrong="it does not say {what}.",
    praise="the frame says {expected!r}.",
    untouched="no word named yet: put it in place of the dots.",
    # The bytes of the word say it just as well.
    read=lambda word: (
        bytes(word).decode("utf-8", "replace")
        if isinstance(word, bytes | bytearray)
        else word.strip()
        if isinstance(word, str)
        else word
    ),
)

# --- Repair a parser

_LENGTHS = {
    encode_frame(2, bytes(size), masking_key=key): size
    for size in (0, 5, 125, 126, 300, 65535, 65536)
    for key in (None, KEY)
}
"""The payload's length by the frame, in all three forms, masked and not."""


def _reads(longer: slice, longest: slice, order: Literal["big", "little"]) -> Callable[..., int]:
    """A function that reads the longer forms of a length from these bytes, in this order."""

    def length(frame: bytes) -> int:
        short = frame[1] & 0x7F
        extended = {126: longer, 127: longest}.get(short)
        return short if extended is None else int.from_bytes(frame[extended], order)

    return length


def _how_long(short: int) -> str:
    """Where a frame's length is, by the low 7 bits of byte 1."""
    if short == 126:
        return (
            "byte 1 says 126: the length is the two bytes after it, frame[2:4], first byte first."
        )
    if short == 127:
        return "byte 1 says 127: the length is the eight bytes after it, frame[2:10]."
    return "up to 125 the low 7 bits of byte 1 are the length itself: frame[1] & 0x7f."


check_length = Exercise(
    "length",
    "Whether `length(frame)` reads the payload's length in all three forms, masked or not.",
    cases=[(frame,) for frame in _LENGTHS],
    expected=_LENGTHS.__getitem__,
    mistakes={
        "The first (highest) bit of byte 1 is MASK, 0x80: it does not belong to the length.": (
            Mistake(
                lambda frame: frame[1],
                "take MASK off byte 1 first, & 0x7f, and only then compare it with 126 and 127.",
            )
        ),
        "This is byte 1, and it says only where the length is.": Mistake(
            lambda frame: frame[1] & 0x7F,
            "byte 1 says 126 or 127 here: the length itself stands behind it.",
        ),
        "The bytes of the length were read from the wrong end.": Mistake(
            _reads(slice(2, 4), slice(2, 10), "little"),
            "the longer forms are written first byte first: int.from_bytes(..., 'big').",
        ),
        "These are not all the bytes of the longest form.": Mistake(
            _reads(slice(2, 4), slice(2, 6), "big"),
            "127 announces eight bytes of length: which bytes of the frame are these?",
        ),
    },
    hints=(
        "try it on a frame from the table above whose length you know, and print what it reads.",
        "which bits of byte 1 are the length, and which is not?",
        "the longer forms are written first byte first: int.from_bytes(..., 'big').",
        "127 announces eight bytes, not four.",
    ),
    rfc="RFC 6455 §5.2",
    why=lambda got, frame: ("", _how_long(frame[1] & 0x7F)),
    wrong=lambda frame: (
        f"the frame that starts {frame[:10].hex(' ')} ({'' if frame[1] & 0x80 else 'not '}masked) "
        f"has a payload of {_LENGTHS[frame]} bytes."
    ),
    praise="all three forms, masked and not.",
    call=lambda frame: f"for {frame[:10].hex(' ')} … it",
    solution="""\
def length(frame):
    short = frame[1] & 0x7F
    if short == 126:
        return int.from_bytes(frame[2:4], "big")
    if short == 127:
        return int.from_bytes(frame[2:10], "big")
    return short
""",
)


SOLUTIONS = Solutions(check_encode, check_length)

solution = SOLUTIONS.show
