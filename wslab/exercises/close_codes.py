"""The exercises of the close codes: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from wslab.exercises.hints import Hints
from wslab.exercises.question import Question
from wslab.exercises.solutions import Solutions
from wslab.exercises.verdict import Verdict
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

_payload_hints = Hints(
    "a code of 16 bits, the larger byte first: code.to_bytes(2, ...).",
    "then the reason as UTF-8: reason.encode().",
    "125 bytes at most for all of it: count bytes after encoding, and raise ValueError.",
    "solution('payload') shows one.",
)


def check_payload(payload: Callable[[int, str], bytes]) -> Verdict:
    """Whether `payload(code, reason)` gives a close frame's payload, and refuses one too long."""
    longest = "é" * 61 + "!"  # 123 bytes in 62 characters
    for code, reason in [(1000, ""), (1001, "bye"), (4000, "schöne Grüße"), (3000, longest)]:
        expected = code.to_bytes(2, "big") + reason.encode()
        call = f"payload({code}, {reason if len(reason) < 20 else reason[:6] + '…'!r})"
        try:
            got = payload(code, reason)
        except Exception as error:
            return Verdict.raised(
                call,
                error,
                _payload_hints.next(),
                "The reason may have 123 bytes: this one has exactly that many."
                if reason == longest and isinstance(error, ValueError)
                else "",
            )
        if got != expected:
            return Verdict(
                False,
                f"{call} is not what stands in the frame.",
                got,
                expected,
                _payload_misconception(code, reason, got),
                "RFC 6455 §5.5.1",
                _payload_hints.next(),
            )
    for reason in ("x" * 124, "é" * 62):
        try:
            got = payload(1000, reason)
        except ValueError:
            continue
        except Exception as error:
            text = f"a reason that is too long raised {type(error).__name__}, not ValueError"
            return Verdict(False, text, hint=_payload_hints.next())
        characters = f"{len(reason)} characters, {len(reason.encode())} bytes"
        size = f"{len(got)} bytes" if isinstance(got, bytes) else repr(got)
        return Verdict(
            False,
            f"a reason of {characters} was let through: the frame would carry {size}.",
            misconception="The limit is on bytes, not on characters: é takes two in UTF-8."
            if len(reason) < 124
            else "",
            rfc="RFC 6455 §5.5",
            hint=_payload_hints.next(),
        )
    return Verdict(True, "code, reason and limit are right, byte for byte.", rfc="RFC 6455 §5.5.1")


def _payload_misconception(code: int, reason: str, got: object) -> str:
    if got is None or got is ...:
        return "The function returned nothing yet."
    if not isinstance(got, bytes):
        return f"A payload is bytes, and this is {type(got).__name__}."
    text = reason.encode()
    return {
        code.to_bytes(2, "little") + text: "The smaller byte came first: the network's order is "
        "the larger first.",
        str(code).encode()
        + text: "The code is not written in digits: it is one number of 16 bits.",
        code.to_bytes(4, "big") + text: "Two bytes are enough for a code.",
        text: "The code is missing in front of the reason.",
        code.to_bytes(2, "big") + reason.encode("latin-1", "replace"): "The reason is UTF-8, "
        "where ö takes two bytes.",
    }.get(got, "")


# --- Trace: read both APIs off the wire

_sent_hints = Hints(
    "what is broken in the server's frame: its form, or the text in it?",
    "a side that fails a connection says why: the table in part 3 has a code for each reason.",
    "a reason is text, and text must be UTF-8; the code for content of the wrong form is 1007.",
)
_reported_hints = Hints(
    "an API reports the code that came, in a close frame that it could accept.",
    "a side that fails the connection takes no answer any more: for it none came.",
    "no close frame accepted means 1006, whatever was sent.",
)


def check_trace(client_sends: Any, client_reports: Any, result: Any) -> Verdict:
    """Whether the two codes are those of this very ending: sent by the client, and reported."""
    expected = (result.observed.client_sends, result.observed.client_reports)
    if not all(isinstance(code, int) for code in (client_sends, client_reports)):
        return Verdict(
            False,
            "two numbers are needed: put them in place of the dots.",
            hint=_sent_hints.next(),
        )
    if client_sends != expected[0]:
        return Verdict(
            False,
            "the code in the client's close frame is another.",
            client_sends,
            misconception="1002 is for a frame of the wrong form. Here the form is right, the text "
            "is not."
            if client_sends == 1002
            else "That is the server's code, and the client could not accept its frame."
            if client_sends == result.observed.server_sends
            else "",
            rfc="RFC 6455 §7.4.1",
            hint=_sent_hints.next(),
        )
    if client_reports != expected[1]:
        return Verdict(
            False,
            "the client's API reports something else.",
            client_reports,
            misconception="That is what the client sent. An API reports what it received."
            if client_reports == expected[0]
            else "That stands in the server's frame, but the client could not accept that frame."
            if client_reports == result.observed.server_sends
            else "",
            rfc="RFC 6455 §7.1.5",
            hint=_reported_hints.next(),
        )
    return Verdict(
        True,
        f"{expected[0]} ({close_code(expected[0]).meaning}) on the wire, {expected[1]} in the API.",
        rfc="RFC 6455 §7.1.5",
    )


# --- Bug hunt: when to connect again

_wait_hints = Hints(
    "go through the table of codes: after which of them does the same thing happen again?",
    "a thousand clients that lost their server come back together: who gets in?",
    "1006, 1001, 1011, 1012 and 1013 pass by themselves; 1000, 1002, 1007, 1008 do not.",
    "2 ** attempt, with a limit, grows; solution('wait') shows one.",
)

_AGAIN = (1001, 1006, 1011, 1012, 1013)
_NEVER = (1000, 1002, 1003, 1007, 1008, 1010)


def check_wait(wait: Callable[[int, int], float | None]) -> Verdict:
    """Whether `wait(code, attempt)` gives seconds to wait, or None for "do not connect again"."""
    try:
        for code in _NEVER:
            if (got := wait(code, 0)) is not None:
                return Verdict(
                    False,
                    f"after {code} ({close_code(code).name}) it connects again, in {got} s.",
                    misconception=f"{close_code(code).meaning[:1].upper()}"
                    f"{close_code(code).meaning[1:]}: {close_code(code).then}.",
                    rfc="RFC 6455 §7.4.1",
                    hint=_wait_hints.next(),
                )
        for code in _AGAIN:
            waits = [wait(code, attempt) for attempt in range(12)]
            gone = [attempt for attempt, seconds in enumerate(waits) if seconds is None]
            if gone:
                return Verdict(
                    False,
                    f"after {code} ({close_code(code).name}) it never connects again.",
                    misconception=f"This passes: {close_code(code).then}.",
                    rfc="RFC 6455 §7.2.3",
                    hint=_wait_hints.next(),
                )
            seconds = [value for value in waits if value is not None]
            if (problem := _wait_problem(code, seconds)) is not None:
                return problem
    except Exception as error:
        return Verdict.raised("wait", error, _wait_hints.next())
    return Verdict(
        True,
        "it gives up where nothing would change, and is patient where something may. In a real "
        "client add a random part, so that not all come back in the same second.",
        rfc="RFC 6455 §7.2.3",
    )


def _wait_problem(code: int, seconds: list[float]) -> Verdict | None:
    numbers = [value for value in seconds if isinstance(value, int | float)]
    if len(numbers) < len(seconds) or any(map(math.isnan, numbers)):
        return Verdict(
            False,
            f"after {code} it gives something else than a number of seconds, or None.",
            seconds[0],
            hint=_wait_hints.next(),
        )
    if seconds[0] <= 0:
        return Verdict(
            False,
            f"after {code} it connects again at once, without a wait.",
            misconception="A server that has just fallen over gets all its clients in one moment.",
            rfc="RFC 6455 §7.2.3",
            hint=_wait_hints.next(),
        )
    if seconds[5] < 2 * seconds[0]:
        return Verdict(
            False,
            f"after {code} it waits {seconds[0]:g} s the first time, and {seconds[5]:g} s the "
            "sixth: the wait must grow.",
            rfc="RFC 6455 §7.2.3",
            hint=_wait_hints.next(),
        )
    if seconds[-1] > 600:
        return Verdict(
            False,
            f"after {code} the twelfth wait is {seconds[-1]:g} s: put a limit to it.",
            misconception="2 ** 11 seconds are half an hour: by then nobody sits there any more.",
            rfc="RFC 6455 §7.2.3",
            hint=_wait_hints.next(),
        )
    return None


SOLUTIONS = Solutions(
    payload="""\
def payload(code, reason):
    data = code.to_bytes(2, "big") + reason.encode()
    if len(data) > 125:
        raise ValueError("a close frame carries 125 bytes at most")
    return data
""",
    wait="""\
def wait(code, attempt):
    if code in (1001, 1006, 1011, 1012, 1013, 1014):
        return min(2**attempt, 60)  # seconds; a real client adds a random part
    return None
""",
)

solution = SOLUTIONS.show
