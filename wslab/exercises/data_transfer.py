"""The exercises of the data transfer lesson: questions, checks, hints in steps, solutions."""

from __future__ import annotations

import os

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved
from wslab.wire import Capture, encode_frame

QUESTIONS = {
    "recv": Question(
        "A client sends one message in 100 frames. How many times does the server's recv() return?",
        ("1", "100", "It depends on how TCP cut the bytes", "101"),
        0,
        (
            "Once, when the last frame is there. recv() gives messages, never frames.",
            "That would be frames; the library puts them together first.",
            "TCP may cut as it likes: the length in each frame says where it ends.",
            "There is no frame that says 'that was all': FIN in the last one does.",
        ),
        "RFC 6455 §5.4",
    ),
    "utf8": Question(
        "A text message is cut in two frames, between the two bytes of 'ü'. Is that allowed?",
        (
            "Yes: the message as a whole is UTF-8",
            "No: each frame must be UTF-8",
            "Only for binary messages",
        ),
        0,
        (
            "Frames may cut anywhere. Whoever checks must carry the half character over.",
            "Each message, not each frame. A checker that looks at frames alone refuses good text.",
            "Binary messages are not looked into at all.",
        ),
        "RFC 6455 §5.6",
    ),
    "ping": Question(
        "Who may send a ping?",
        (
            "Only the server",
            "Only the client",
            "Either, but a script in a page cannot",
            "Either, a script in a page too",
        ),
        2,
        (
            "Many texts say so. The RFC gives it to both.",
            "Servers do it all the time, to find peers that are gone.",
            "The protocol allows it to both; the browser's WebSocket has no method for it. It "
            "answers pings by itself.",
            "Look for it: the browser's API has send and close, and no ping.",
        ),
        "WHATWG: ping and pong",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Cut a message into frames

_A_LIST = "encode_frame(opcode, part, fin=...) makes one frame; return a list of them."
_CUT_FAULTS = {
    "message-interleaved": "only the first frame has the opcode of text (1), all others have 0.",
    "continuation-without-message": "the first frame has the opcode of text (1).",
    "frame-masked": "a server does not mask: leave the key out.",
}
"""Hints by the rule that a frame breaks."""


def _cut(made: object, payload: bytes, parts: int) -> Verdict | None:
    """What is wrong with these frames of a text message; None where a server may send them."""
    if not isinstance(made, list) or not all(isinstance(part, bytes) for part in made):
        return not_yet("expected a list of frames, each of them bytes.", hint=_A_LIST)
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, "server", b"".join(made))
    index = capture.index
    units = [index.unit(number) for number in range(len(index))]
    for unit in units:
        if unit.violations:
            rule = unit.violations[0]
            text = f"frame {unit.number + 1} breaks a rule: {rule.text}"
            return not_yet(text, rfc=rule.rfc, hint=_CUT_FAULTS.get(rule.rule, ""))
    messages = list(index.messages())
    if len(messages) != 1 or index.incomplete(connection, "server"):
        return not_yet(
            f"these frames make {len(messages)} whole messages, and it should be one.",
            hint="FIN is 1 in the last frame, and nowhere else." if units else _A_LIST,
        )
    if len(made) != parts or len(units) != parts:
        return not_yet(
            "the number of frames is not the one that was asked for.",
            len(units),
            parts,
            hint="cut the payload into that many parts: each gets a frame.",
        )
    if messages[0].content != payload:
        return not_yet(
            "the message does not say what it should.",
            messages[0].content[:40],
            payload[:40],
            hint="the end is missing: does each part have len(payload) // parts bytes, and the "
            "last one what is left?"
            if payload.startswith(messages[0].content)
            else "the parts, put together again, must give the payload.",
        )
    if messages[0].kind != "text":
        return not_yet(
            "a text message was asked for.",
            messages[0].kind,
            "text",
            rfc="RFC 6455 §5.6",
            hint="the first frame has the opcode of text, 1.",
        )
    return None


check_cut = Exercise(
    "cut",
    "Whether `cut(payload, parts)` gives a text message's frames, as a server sends them.",
    cases=lambda: [(b"Hello, frames", 3), (os.urandom(50).hex().encode(), 7), (b"one", 1)],
    judge=_cut,
    hints=(
        "the first frame has the opcode of text (1), all others 0.",
        "FIN is 0 everywhere but in the last frame.",
        "encode_frame(opcode, part, fin=...) makes one; return a list of them.",
    ),
    rfc="RFC 6455 §5.4",
    praise="one message, in as many frames as you like.",
    solution="""\
from wslab.wire import encode_frame

def cut(payload, parts):
    size = -(-len(payload) // parts)
    frames = []
    for number in range(parts):
        part = payload[number * size:(number + 1) * size]
        frames.append(encode_frame(1 if number == 0 else 0, part, fin=number == parts - 1))
    return frames
""",
)

# --- Count what crossed


def trace_bytes() -> bytes:
    """What a client sent, to be counted: two messages, one of them in parts with a ping between."""
    return b"".join(trace_frames())


def trace_frames() -> list[bytes]:
    """The same, frame by frame."""
    key = b"\x0f\x1e\x2d\x3c"
    return [
        encode_frame(1, b"first", masking_key=key, fin=False),
        encode_frame(0, b" and", masking_key=key, fin=False),
        encode_frame(9, b"?", masking_key=key),
        encode_frame(0, b" last", masking_key=key),
        encode_frame(2, b"\x00\x01", masking_key=key),
    ]


def _count(messages: object, frames: object, data: bytes) -> Verdict:
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), "client", data)
    expected = len(list(capture.index.messages())), len(capture.index)
    if (messages, frames) == expected:
        return solved(f"{expected[0]} messages in {expected[1]} frames.")
    hint = ""
    if messages == expected[0]:
        hint = "the messages are right. Every header is a frame, that of the ping too."
    elif frames == expected[1]:
        hint = "the frames are right. A message may have several of them, and a ping is no message."
    elif isinstance(frames, int) and frames < expected[1]:
        hint = "more headers are in there: after each header and its payload the next one begins."
    return not_yet(f"it is not {messages} messages in {frames} frames.", hint=hint)


check_count = Exercise(
    "count",
    "Whether there are that many data messages and frames in what a client sent.",
    judge=_count,
    hints=(
        "a message ends with a frame whose FIN is 1; pings belong to no message.",
        "draw it: lab.send(trace_bytes()), then lab.layers().",
    ),
    rfc="RFC 6455 §5.4",
    untouched="the dots are still there.",
)

# --- Put a text together

_TEXTS = [text.encode() for text in ("Hello", "Grüße", "€uro", "a𝄞b")]
_NOT_UTF8 = [[b"caf\xe9"], [b"\xc3", b"("], [b"\xf0\x9d", b"\x84"]]
_TOGETHER = "put the bytes together first, then read them as UTF-8, once."

check_text = Exercise(
    "text",
    "Whether `text(payloads)` reads a text message out of the payloads of its frames.",
    cases=[([data[:at], data[at:]],) for data in _TEXTS for at in range(len(data) + 1)]
    + [(payloads,) for payloads in _NOT_UTF8],
    expected=lambda payloads: b"".join(payloads).decode(),
    mistakes={
        "A frame may end in the middle of a character.": Mistake(
            lambda payloads: "".join(part.decode() for part in payloads), _TOGETHER
        ),
        "A character was cut in two, and each half was replaced.": Mistake(
            lambda payloads: "".join(part.decode(errors="replace") for part in payloads), _TOGETHER
        ),
        "A character was cut in two, and both halves are missing.": Mistake(
            lambda payloads: "".join(part.decode(errors="ignore") for part in payloads), _TOGETHER
        ),
        "Each byte was read as a character of its own, which is Latin-1.": Mistake(
            lambda payloads: b"".join(payloads).decode("latin-1"),
            ".decode() without an argument reads UTF-8.",
        ),
        "Leniency here lets different peers read different texts out of the same bytes.": Mistake(
            lambda payloads: b"".join(payloads).decode(errors="replace"),
            "let UnicodeDecodeError come out: the peer has earned 1007.",
            "RFC 6455 §8.1",
        ),
    },
    hints=(
        "try it on the parts of 'ü' (c3 bc): what does each part say alone?",
        "put the bytes together first, then read them as UTF-8, once.",
        "do not hide bad UTF-8: let UnicodeDecodeError out; the peer is then told 1007.",
    ),
    rfc="RFC 6455 §5.6",
    wrong=lambda payloads: (
        f"text({payloads!r}) "
        + (
            "is no UTF-8, and it gave an answer all the same."
            if payloads in _NOT_UTF8
            else "does not say what was sent."
        )
    ),
    praise="wherever it is cut, and never where it is wrong.",
    solution="""\
def text(payloads):
    return b"".join(payloads).decode()
""",
)


SOLUTIONS = Solutions(check_cut, check_text)

solution = SOLUTIONS.show
