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
        "The smaller byte came first: the network's order is the larger first.": Mistake(
            lambda code, reason: code.to_bytes(2, "little") + reason.encode(),
            "code.to_bytes(2, 'big').",
        ),
        "The code is not written in digits: it is one number of 16 bits.": Mistake(
            lambda code, reason: str(code).encode() + reason.encode(),
            "code.to_bytes(2, 'big') makes two bytes of a number.",
        ),
        "Two bytes are enough for a code.": Mistake(
            lambda code, reason: code.to_bytes(4, "big") + reason.encode(),
            "code.to_bytes(2, 'big').",
        ),
        "The code is missing in front of the reason.": Mistake(
            lambda code, reason: reason.encode(),
            "two bytes of code come first: code.to_bytes(2, 'big').",
        ),
        "The reason is missing behind the code.": Mistake(
            lambda code, reason: code.to_bytes(2, "big"), "the reason follows: reason.encode()."
        ),
        "The reason is UTF-8, where ö takes two bytes.": Mistake(
            lambda code, reason: code.to_bytes(2, "big") + reason.encode("latin-1", "replace"),
            "reason.encode() is UTF-8.",
        ),
        "The limit is on bytes, not on characters: é takes two in UTF-8.": Mistake(
            _counts_characters, "encode the reason first, then count.", "RFC 6455 §5.5"
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
        "1002 is for a frame of the wrong form. Here the form is right, the text is not.": Mistake(
            lambda result: 1002,
            "the table in part 3 has a code of its own for text that is not UTF-8.",
        ),
        "That is the server's code, and the client could not accept its frame.": Mistake(
            lambda result: result.observed.server_sends,
            "what is wrong with the reason in the server's frame? The client says it with a code.",
        ),
        "Nobody may send 1006: it is what an API reports where no close frame came.": Mistake(
            lambda result: 1006, "the first number is one that stands in a frame."
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
        "That is what the client sent. An API reports what it received.": Mistake(
            lambda result: result.observed.client_sends,
            "did a close frame come that the client could accept? If not, which code says so?",
        ),
        "That stands in the server's frame, but the client could not accept that frame.": Mistake(
            lambda result: result.observed.server_sends,
            "for the API no close frame came: which code says so?",
        ),
        "1005 is for a close frame without a code. Here none came that counts.": Mistake(
            lambda result: 1005, "one code stands for 'no close frame came'."
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

_AGAIN = (1001, 1006, 1011, 1012, 1013, 1014)
_NEVER = (1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1015)
_ATTEMPTS, _DRAWS = 12, 20
"""How many waits are asked for, and how often each: some of it may be chance."""


def _wait(draws: list[list[Any]], code: int) -> Verdict | None:
    """What is wrong with these seconds to wait after `code`: `_DRAWS` for each attempt."""
    known, waits = close_code(code), [wait for some in draws for wait in some]
    if code in _NEVER:
        again = [wait for wait in waits if wait is not None]
        if not again:
            return None
        return not_yet(
            f"after {code} ({known.name}) it connects again, in {again[0]!r:.30} s.",
            misconception=f"{known.meaning[:1].upper()}{known.meaning[1:]}: {known.then}.",
            rfc="RFC 6455 §7.4.1",
            hint="waiting alone changes nothing here: return None for it, and for every other code "
            "after which the same would happen again.",
        )
    if None in waits:
        return not_yet(
            f"after {code} ({known.name}) it "
            + ("never connects again." if waits[0] is None else "does not always connect again."),
            misconception=f"This passes: {known.then}.",
            hint="return a number of seconds for it.",
        )
    if any(not isinstance(seconds, int | float) or math.isnan(seconds) for seconds in waits):
        text = f"after {code} it gives something else than a number of seconds, or None."
        return not_yet(text, waits[0], hint="a number of seconds, or None: nothing else.")
    longest = [max(some) for some in draws]
    if min(waits) < 0 or min(longest) <= 0:
        return not_yet(
            f"after {code} it connects again at once, without a wait.",
            misconception="A server that has just fallen over gets all its clients in one moment.",
            hint="wait before the first attempt as well: 2 ** attempt is 1, 2, 4, … seconds.",
        )
    if max(longest[5:]) < 2 * longest[0]:
        return not_yet(
            f"after {code} it waits {longest[0]:.3g} s the first time, and {longest[5]:.3g} s the "
            "sixth: the wait must grow.",
            hint="2 ** attempt doubles it each time.",
        )
    if max(longest) > 600:
        return not_yet(
            f"after {code} one of the first twelve waits is {max(longest):.4g} s: put a limit to "
            "it.",
            misconception="2 ** 11 seconds are half an hour: by then nobody sits there any more.",
            hint="min(2 ** attempt, 60) never waits more than a minute.",
        )
    return None


check_wait = Exercise(
    "wait",
    'Whether `wait(code, attempt)` gives seconds to wait, or None for "do not connect again".',
    cases=[(code,) for code in _NEVER + _AGAIN],
    use=lambda wait, code: [
        [wait(code, attempt) for _ in range(_DRAWS)] for attempt in range(_ATTEMPTS)
    ],
    judge=_wait,
    hints=(
        "go through the table of codes: after which of them does the same thing happen again?",
        "a thousand clients that lost their server come back together: who gets in?",
        "1001, 1006 and 1011 to 1014 pass by themselves; all others do not.",
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
