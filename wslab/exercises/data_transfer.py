"""The exercises of the data transfer lesson: questions, checks, hints in steps, solutions."""

from __future__ import annotations

import os
from collections.abc import Callable

from wslab.exercises.hints import Hints
from wslab.exercises.question import Question
from wslab.exercises.solutions import Solutions
from wslab.exercises.verdict import Verdict
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
        "RFC 6455 §5.5.2",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Cut a message into frames

_cut_hints = Hints(
    "the first frame has the opcode of text (1), all others 0.",
    "FIN is 0 everywhere but in the last frame.",
    "encode_frame(opcode, part, fin=...) makes one; return a list of them.",
    "solution('cut') shows one.",
)


_A_LIST = "encode_frame(opcode, part, fin=...) makes one frame; return a list of them."
_CUT_FAULTS = {
    "message-interleaved": "only the first frame has the opcode of text (1), all others have 0.",
    "continuation-without-message": "the first frame has the opcode of text (1).",
    "frame-masked": "a server does not mask: leave the key out.",
}
"""Hints by the rule that a frame breaks."""


def check_cut(cut: Callable[[bytes, int], object]) -> Verdict:
    """Whether `cut(payload, parts)` gives a text message's frames, as a server sends them."""
    for payload, parts in [(b"Hello, frames", 3), (os.urandom(50).hex().encode(), 7), (b"one", 1)]:
        try:
            made = cut(payload, parts)
        except Exception as error:
            return Verdict.raised(f"cut({payload!r}, {parts})", error, _cut_hints.next())
        if not isinstance(made, list) or not all(isinstance(part, bytes) for part in made):
            return Verdict(
                False,
                "expected a list of frames, each of them bytes.",
                hint=_cut_hints.next(_A_LIST),
            )
        problem = _cut_problem(made, payload, parts)
        if problem is not None:
            return problem
    return Verdict(True, "one message, in as many frames as you like.", rfc="RFC 6455 §5.4")


def _cut_problem(made: list[bytes], payload: bytes, parts: int) -> Verdict | None:
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, "server", b"".join(made))
    index = capture.index
    units = [index.unit(number) for number in range(len(index))]
    for unit in units:
        if unit.violations:
            rule = unit.violations[0]
            return Verdict(
                False,
                f"frame {unit.number + 1} breaks a rule: {rule.text}",
                rfc=rule.rfc,
                hint=_cut_hints.next(_CUT_FAULTS.get(rule.rule, "")),
            )
    messages = list(index.messages())
    if len(messages) != 1 or index.incomplete(connection, "server"):
        return Verdict(
            False,
            f"these frames make {len(messages)} whole messages, and it should be one.",
            rfc="RFC 6455 §5.4",
            hint=_cut_hints.next(
                "FIN is 1 in the last frame, and nowhere else." if units else _A_LIST
            ),
        )
    if len(made) != parts or len(units) != parts:
        return Verdict(
            False,
            "the number of frames is not the one that was asked for.",
            len(units),
            parts,
            hint=_cut_hints.next("cut the payload into that many parts: each gets a frame."),
        )
    if messages[0].content != payload:
        return Verdict(
            False,
            "the message does not say what it should.",
            messages[0].content[:40],
            payload[:40],
            hint=_cut_hints.next(
                "the end is missing: does each part have len(payload) // parts bytes, and the "
                "last one what is left?"
                if payload.startswith(messages[0].content)
                else "the parts, put together again, must give the payload."
            ),
        )
    if messages[0].kind != "text":
        return Verdict(
            False,
            "a text message was asked for.",
            messages[0].kind,
            "text",
            rfc="RFC 6455 §5.6",
            hint=_cut_hints.next("the first frame has the opcode of text, 1."),
        )
    return None


# --- Count what crossed

_count_hints = Hints(
    "a message ends with a frame whose FIN is 1; pings belong to no message.",
    "draw it: lab.send(trace_bytes()), then lab.layers().",
)


def check_count(messages: object, frames: object, data: bytes) -> Verdict:
    """Whether there are that many data messages and frames in what a client sent."""
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), "client", data)
    index = capture.index
    expected = len(list(index.messages())), len(index)
    if (messages, frames) == expected:
        return Verdict(
            True, f"{expected[0]} messages in {expected[1]} frames.", rfc="RFC 6455 §5.4"
        )
    if messages is ... or frames is ...:
        return Verdict(
            False, "the dots are still there.", rfc="RFC 6455 §5.4", hint=_count_hints.first
        )
    own = ""
    if messages == expected[0]:
        own = "the messages are right. Every header is a frame, that of the ping too."
    elif frames == expected[1]:
        own = "the frames are right. A message may have several of them, and a ping is no message."
    return Verdict(
        False,
        f"it is not {messages} messages in {frames} frames.",
        rfc="RFC 6455 §5.4",
        hint=_count_hints.next(own),
    )


# --- Put a text together

_text_hints = Hints(
    "try it on the parts of 'ü' (c3 bc): what does each part say alone?",
    "put the bytes together first, then read them as UTF-8, once.",
    "bad UTF-8 must not be papered over: let UnicodeDecodeError come out, the peer earns 1007.",
    "solution('text') shows one.",
)


_TOGETHER = "put the bytes together first, then read them as UTF-8, once."


def check_text(text: Callable[[list[bytes]], object]) -> Verdict:
    """Whether `text(payloads)` reads a text message out of the payloads of its frames."""
    for message in ("Hello", "Grüße", "€uro", "a𝄞b"):
        data = message.encode()
        for at in range(len(data) + 1):
            parts = [data[:at], data[at:]]
            try:
                got = text(parts)
            except Exception as error:
                return Verdict.raised(
                    f"text({parts!r})",
                    error,
                    *(
                        (
                            _text_hints.next(_TOGETHER),
                            "A frame may end in the middle of a character.",
                        )
                        if isinstance(error, UnicodeDecodeError)
                        else (_text_hints.next(), "")
                    ),
                    "RFC 6455 §5.6",
                )
            if got != message:
                return Verdict(
                    False,
                    f"text({parts!r}) does not say what was sent.",
                    got,
                    message,
                    "A character was cut in two, and each half was replaced."
                    if isinstance(got, str) and "\ufffd" in got
                    else "",
                    "RFC 6455 §5.6",
                    _text_hints.next(_TOGETHER if isinstance(got, str) and "\ufffd" in got else ""),
                )
    for bad in ([b"caf\xe9"], [b"\xc3", b"("], [b"\xf0\x9d", b"\x84"]):
        try:
            got = text(bad)
        except UnicodeDecodeError:
            continue
        except Exception as error:
            return Verdict.raised(f"text({bad!r})", error, _text_hints.next())
        return Verdict(
            False,
            f"text({bad!r}) is no UTF-8, and it gave an answer all the same.",
            got,
            "UnicodeDecodeError",
            "Leniency here lets different peers read different texts out of the same bytes.",
            "RFC 6455 §8.1",
            _text_hints.next("let UnicodeDecodeError come out: the peer has earned 1007."),
        )
    return Verdict(True, "wherever it is cut, and never where it is wrong.", rfc="RFC 6455 §8.1")


SOLUTIONS = Solutions(
    cut="""\
from wslab.wire import encode_frame

def cut(payload, parts):
    size = -(-len(payload) // parts)
    frames = []
    for number in range(parts):
        part = payload[number * size:(number + 1) * size]
        frames.append(encode_frame(1 if number == 0 else 0, part, fin=number == parts - 1))
    return frames
""",
    text="""\
def text(payloads):
    return b"".join(payloads).decode()
""",
)

solution = SOLUTIONS.show


def trace_bytes() -> bytes:
    """What a client sent, to be counted: two messages, one of them in parts with a ping between."""
    key = b"\x0f\x1e\x2d\x3c"
    return b"".join(
        [
            encode_frame(1, b"first", masking_key=key, fin=False),
            encode_frame(0, b" and", masking_key=key, fin=False),
            encode_frame(9, b"?", masking_key=key),
            encode_frame(0, b" last", masking_key=key),
            encode_frame(2, b"\x00\x01", masking_key=key),
        ]
    )
