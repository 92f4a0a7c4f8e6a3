"""The exercises of the close codes: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import math
from typing import Any

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved
from wslab.wire import close_code

QUESTIONS = {
    "frame": Question(
        "A program calls close(1000). How many bytes of payload does its close frame carry?",
        ("None", "2", "4: the digits 1000", "123"),
        1,
        (
            "That would be a close frame without a code, which is allowed. Here there is one.",
            "Two bytes, the larger first: 1000 is 03 e8. A reason would follow, in UTF-8.",
            "The code is a number of 16 bits, not text.",
            "That is the room for a reason: 125 bytes of payload, less 2 for the code.",
        ),
        "RFC 6455 §5.5.1",
    ),
    "masked": Question(
        "A server masks a frame by mistake. The client closes with 1002, protocol error. Which "
        "code does the client's own API report?",
        ("1002", "1006", "1000", "1005"),
        1,
        (
            "That is what it sent. What an API reports is the code that it received.",
            "It received no close frame at all, and 1006 is the name for that.",
            "That would be an ending in good order.",
            "1005 is for a close frame without a code; here none came.",
        ),
        "RFC 6455 §7.1.5",
    ),
    "abnormal": Question(
        "Your API reports 1006. Which bytes stood in the close frame?",
        ("03 ee, which is 1006", "None: the frame was empty", "There was no close frame"),
        2,
        (
            "Nobody may send 1006, and no library lets you. It is a word between an API and its "
            "program.",
            "An empty close frame is reported as 1005.",
            "1006 says only that TCP ended and no close frame had come. Why, it cannot tell.",
        ),
        "RFC 6455 §7.1.5",
    ),
    "tcp": Question(
        "Both close frames have crossed. Which side should end the TCP connection first?",
        ("The one that closed first", "The server", "The client", "Whichever is faster"),
        1,
        (
            "The roles in the closing handshake do not matter here.",
            "The server: whoever ends TCP first keeps the port in TIME_WAIT for a while, and the "
            "server can afford that, as its port is open anyway. A client waits for it.",
            "The client waits, and ends TCP itself only when the server does not.",
            "There is a rule, so that nobody has to guess.",
        ),
        "RFC 6455 §7.1.1",
    ),
}
"""By name; `lab.ask(name)` shows one."""


# --- Build the payload of a close frame


def _payload(code: int, reason: str, *, limit: int = 125) -> bytes:
    data = code.to_bytes(2, "big") + reason.encode()
    if len(data) > limit:
        raise ValueError("a close frame carries 125 bytes at most")
    return data


def _counts_characters(code: int, reason: str) -> bytes:
    if len(reason) > 123:
        raise ValueError("too long")
    return code.to_bytes(2, "big") + reason.encode()


def _wrong_payload(code: int, reason: str) -> str:
    size = len(reason.encode())
    if size <= 123:
        shown = reason if len(reason) < 20 else f"{reason[:6]}…"
        return f"payload({code}, {shown!r}) is not what stands in the frame."
    return (
        f"a reason of {len(reason)} characters, {size} bytes was let through: the frame would "
        f"carry {size + 2} bytes."
    )


check_payload = Exercise(
    "payload",
    "Whether `payload(code, reason)` gives a close frame's payload, and refuses one too long.",
    cases=[
        (1000, ""),
        (1001, "bye"),
        (4000, "schöne Grüße"),
        (3000, "é" * 61 + "!"),  # 123 bytes in 62 characters
        (1000, "x" * 124),
        (1000, "é" * 62),
    ],
    expected=_payload,
    mistakes={
        "The smaller byte came first: the network's order is the larger first.": (
            lambda code, reason: code.to_bytes(2, "little") + reason.encode()
        ),
        "The code is not written in digits: it is one number of 16 bits.": (
            lambda code, reason: str(code).encode() + reason.encode()
        ),
        "Two bytes are enough for a code.": (
            lambda code, reason: code.to_bytes(4, "big") + reason.encode()
        ),
        "The code is missing in front of the reason.": lambda code, reason: reason.encode(),
        "The reason is UTF-8, where ö takes two bytes.": (
            lambda code, reason: code.to_bytes(2, "big") + reason.encode("latin-1", "replace")
        ),
        "The limit is on bytes, not on characters: é takes two in UTF-8.": Mistake(
            _counts_characters, rfc="RFC 6455 §5.5"
        ),
        "The reason may have 123 bytes: this one has exactly that many.": (
            lambda code, reason: _payload(code, reason, limit=124)
        ),
    },
    hints=(
        "a code of 16 bits, the larger byte first: code.to_bytes(2, ...).",
        "then the reason as UTF-8: reason.encode().",
        "125 bytes at most for all of it: count bytes after encoding, and raise ValueError.",
    ),
    rfc="RFC 6455 §5.5.1",
    wrong=_wrong_payload,
    praise="code, reason and limit are right, byte for byte.",
    solution="""\
def payload(code, reason):
    data = code.to_bytes(2, "big") + reason.encode()
    if len(data) > 125:
        raise ValueError("a close frame carries 125 bytes at most")
    return data
""",
)

# --- Trace: read both APIs off the wire

_check_sends = Exercise(
    "sends",
    "Whether `code` is that of the client's close frame, in the ending `result`.",
    expected=lambda result: result.observed.client_sends,
    mistakes={
        "1002 is for a frame of the wrong form. Here the form is right, the text is not.": (
            lambda result: 1002
        ),
        "That is the server's code, and the client could not accept its frame.": (
            lambda result: result.observed.server_sends
        ),
    },
    hints=(
        "what is broken in the server's frame: its form, or the text in it?",
        "a side that fails a connection says why: the table in part 3 has a code for each reason.",
        "a reason is text, and text must be UTF-8; the code for content of the wrong form is 1007.",
    ),
    rfc="RFC 6455 §7.4.1",
    wrong="the code in the client's close frame is another.",
    untouched="two numbers are needed: put them in place of the dots.",
)
_check_reports = Exercise(
    "reports",
    "Whether `code` is what the client's API reports, in the ending `result`.",
    expected=lambda result: result.observed.client_reports,
    mistakes={
        "That is what the client sent. An API reports what it received.": (
            lambda result: result.observed.client_sends
        ),
        "That stands in the server's frame, but the client could not accept that frame.": (
            lambda result: result.observed.server_sends
        ),
    },
    hints=(
        "an API reports the code that came, in a close frame that it could accept.",
        "a side that fails the connection takes no answer any more: for it none came.",
        "no close frame accepted means 1006, whatever was sent.",
    ),
    rfc="RFC 6455 §7.1.5",
    wrong="the client's API reports something else.",
    untouched="two numbers are needed: put them in place of the dots.",
)


def check_trace(client_sends: Any, client_reports: Any, result: Any) -> Verdict:
    """Whether the two codes are those of this very ending: sent by the client, and reported."""
    if not (verdict := _check_sends(client_sends, result)):
        return verdict
    if not (verdict := _check_reports(client_reports, result)):
        return verdict
    known = close_code(client_sends)
    return solved(
        f"{client_sends} ({known.meaning}) on the wire, {client_reports} in the API.",
        "RFC 6455 §7.1.5",
    )


# --- Bug hunt: when to connect again

_AGAIN = (1001, 1006, 1011, 1012, 1013)
_NEVER = (1000, 1002, 1003, 1007, 1008, 1010)


def _wait(waits: list[Any], code: int) -> Verdict | None:
    """What is wrong with these seconds to wait after `code`, of twelve attempts."""
    known = close_code(code)
    if code in _NEVER:
        if waits[0] is None:
            return None
        return not_yet(
            f"after {code} ({known.name}) it connects again, in {waits[0]} s.",
            misconception=f"{known.meaning[:1].upper()}{known.meaning[1:]}: {known.then}.",
            rfc="RFC 6455 §7.4.1",
        )
    if None in waits:
        return not_yet(
            f"after {code} ({known.name}) it never connects again.",
            misconception=f"This passes: {known.then}.",
        )
    if any(not isinstance(seconds, int | float) or math.isnan(seconds) for seconds in waits):
        text = f"after {code} it gives something else than a number of seconds, or None."
        return not_yet(text, waits[0])
    if waits[0] <= 0:
        return not_yet(
            f"after {code} it connects again at once, without a wait.",
            misconception="A server that has just fallen over gets all its clients in one moment.",
        )
    if waits[5] < 2 * waits[0]:
        return not_yet(
            f"after {code} it waits {waits[0]:g} s the first time, and {waits[5]:g} s the "
            "sixth: the wait must grow."
        )
    if waits[-1] > 600:
        return not_yet(
            f"after {code} the twelfth wait is {waits[-1]:g} s: put a limit to it.",
            misconception="2 ** 11 seconds are half an hour: by then nobody sits there any more.",
        )
    return None


check_wait = Exercise(
    "wait",
    'Whether `wait(code, attempt)` gives seconds to wait, or None for "do not connect again".',
    cases=[(code,) for code in _NEVER + _AGAIN],
    use=lambda wait, code: [wait(code, attempt) for attempt in range(12)],
    judge=_wait,
    hints=(
        "go through the table of codes: after which of them does the same thing happen again?",
        "a thousand clients that lost their server come back together: who gets in?",
        "1006, 1001, 1011, 1012 and 1013 pass by themselves; 1000, 1002, 1007, 1008 do not.",
        "2 ** attempt, with a limit, grows.",
    ),
    rfc="RFC 6455 §7.2.3",
    praise="it gives up where nothing would change, and is patient where something may. In a real "
    "client add a random part, so that not all come back in the same second.",
    call="wait",
    solution="""\
def wait(code, attempt):
    if code in (1001, 1006, 1011, 1012, 1013, 1014):
        return min(2**attempt, 60)  # seconds; a real client adds a random part
    return None
""",
)


SOLUTIONS = Solutions(check_payload, check_wait)

solution = SOLUTIONS.show
