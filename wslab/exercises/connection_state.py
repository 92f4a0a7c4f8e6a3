"""The exercises of the states: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved
from wslab.wire import TRANSITIONS, State, StateEvent, states_of

QUESTIONS = {
    "open": Question(
        "The server has just sent its 101, and the bytes are on their way. Who is OPEN?",
        ("Both", "Neither", "The server only", "The client only"),
        2,
        (
            "The client has not read the answer yet: for it the handshake is not over.",
            "The server has said yes, and may send frames from now on.",
            "The server was done when it had said yes. The client follows when it has read that.",
            "The client is still waiting for the answer.",
        ),
        "RFC 6455 §4.2.2",
    ),
    "closing": Question(
        "The client, a Python program, has sent its close frame, and it is held on the way. What "
        "may the server still do?",
        (
            "Nothing: the connection is closing",
            "Send messages, and the client will read them",
            "Send messages, but the client throws them away",
        ),
        1,
        (
            "The server does not know that yet: for it the connection is OPEN.",
            "It is OPEN, so it sends; the client is CLOSING, which ends its sending, not its "
            "reading. (A browser drops them: its script gets no message event in CLOSING.)",
            "So does a browser. A Python program that waits for the answer to its close frame "
            "still reads what comes before.",
        ),
        "RFC 6455 §5.5.1",
    ),
    "dead": Question(
        "A client has been OPEN for a minute, and nobody sends anything. Then somebody pulls the "
        "cable at the server's end. When does the client leave OPEN, without keepalive?",
        ("At once", "After some seconds, when TCP notices", "Never, as long as it sends nothing"),
        2,
        (
            "Nothing arrives that could tell it: no frame, no FIN, no RST.",
            "TCP sends nothing on a quiet connection, so it notices nothing.",
            "Exactly: this is a half-open connection. Only an attempt to send, or a ping that is "
            "not answered, brings it to light.",
        ),
        "RFC 6455 §5.5.2",
    ),
}
"""By name; `lab.ask(name)` shows one."""


# --- Build: the table

EVENTS = {
    "receives 101": StateEvent.RECEIVES_101,
    "receives refusal": StateEvent.RECEIVES_REFUSAL,
    "sends close": StateEvent.SENDS_CLOSE,
    "receives close": StateEvent.RECEIVES_CLOSE,
    "tcp ends": StateEvent.TCP_ENDS,
}
"""The events of the exercise, by the words that it uses."""


def _next(state: str, event: str) -> str:
    return TRANSITIONS.get((State[state], EVENTS[event]), State[state]).name


def _next_but(state: str, event: str, wrong: str) -> Callable[[str, str], str]:
    return lambda *case: wrong if case == (state, event) else _next(*case)


def _why_not(got: object, state: str, event: str) -> tuple[str, str]:
    right = _next(state, event)
    if right == state:
        hint = f"in {state} '{event}' changes nothing: return the state as it is."
    else:
        hint = f"in {state} '{event}' leads to {right}."
    if "close" in event and got == "CLOSED" and state != "CLOSED":
        return "A close frame begins the end. CLOSED is when TCP has ended as well.", hint
    if state == "CLOSED":
        return "Nothing leads out of CLOSED: a new connection is a new WebSocket.", hint
    if state == "CONNECTING" and "close" in event:
        return "Before the 101 there are no frames, so this changes nothing.", hint
    if event == "tcp ends":
        return "Without TCP there is no connection, whatever the state was.", hint
    if "close" in event:
        return "A close frame, sent or received, ends the state OPEN: CLOSING begins.", hint
    return "The answer to the request decides: 101 opens, any other status does not.", hint


check_next_state = Exercise(
    "next_state",
    "Whether `next_state(state, event)` agrees with the table, for a client.",
    cases=[(state.name, event) for state in State for event in EVENTS],
    expected=_next,
    mistakes={
        "The other side will send no more, and must be answered: that is CLOSING.": Mistake(
            _next_but("OPEN", "receives close", "OPEN"),
            "in OPEN 'receives close' leads to CLOSING, as 'sends close' does.",
        ),
        "A close frame begins the end. CLOSED is when TCP has ended as well.": Mistake(
            _next_but("OPEN", "sends close", "CLOSED"), "in OPEN 'sends close' leads to CLOSING."
        ),
        "Nothing leads out of CLOSED: a new connection is a new WebSocket.": Mistake(
            _next_but("CLOSED", "receives 101", "OPEN"),
            "test the state as well: 101 opens only in CONNECTING.",
        ),
        "Before the 101 there are no frames, so this changes nothing.": Mistake(
            _next_but("CONNECTING", "sends close", "CLOSING"),
            "test the state as well: a close frame moves only OPEN.",
        ),
    },
    why=_why_not,
    hints=(
        "four states, and three ways forward from CONNECTING, OPEN and CLOSING; none leads back.",
        "a close frame moves OPEN to CLOSING, whoever sends it; in CLOSING it changes nothing "
        "more.",
        "the end of TCP leads to CLOSED from everywhere.",
    ),
    rfc="RFC 6455 §7.1",
    wrong="{what} leads somewhere else.",
    praise="all {count} cases agree with the table that draws the diagram.",
    solution="""\
def next_state(state, event):
    if event == "tcp ends":
        return "CLOSED"
    if state == "CONNECTING" and event == "receives 101":
        return "OPEN"
    if state == "CONNECTING" and event == "receives refusal":
        return "CLOSED"
    if state == "OPEN" and event in ("sends close", "receives close"):
        return "CLOSING"
    return state
""",
)

# --- Trace: the states of a story


def _trace(states: object, story: Sequence[Any]) -> Verdict:
    expected = [state.name for state in states_of("client", list(story))]
    if not isinstance(states, list | tuple) or not all(isinstance(one, str) for one in states):
        return not_yet("a list of names is needed: put them in place of the dots.")
    given = [state.strip().upper() for state in states]
    if given == expected:
        return solved(" → ".join(expected))
    invented = "CLOSING" in given and "CLOSING" not in expected
    return not_yet(
        "not the way that this client went.",
        " → ".join(given),
        " → ".join(expected) if len(given) == len(expected) else f"{len(expected)} states",
        "There is no close frame in this story, so nobody was ever CLOSING." if invented else "",
        hint=_what_is_missing(given, expected),
    )


def _what_is_missing(given: list[str], expected: list[str]) -> str:
    if unknown := [state for state in given if state not in State.__members__]:
        return f"{unknown[0]!r} is no state: CONNECTING, OPEN, CLOSING or CLOSED."
    if len(set(given)) < len(given):
        return "write each state once."
    if more := [state for state in given if state not in expected]:
        return f"which line of the story would have led to {more[0]}? There is none: leave it out."
    if missing := [state for state in expected if state not in given]:
        return {
            "CONNECTING": "every client begins in CONNECTING.",
            "OPEN": "a valid 101 came: what was the client then?",
            "CLOSED": "TCP broke off: what was the client then?",
        }.get(missing[0], "a state is missing.")
    return "these are the states, in another order: follow the story from its first line."


check_trace = Exercise(
    "trace",
    "Whether `states` are those of the client in this story, each once, in order.",
    judge=_trace,
    hints=(
        "begin with CONNECTING, and write down each state once, in order.",
        "look for a close frame of this peer, or to it: without one there is no CLOSING.",
        "a FIN or RST without any close frame leads from OPEN to CLOSED at once.",
    ),
    rfc="RFC 6455 §7.1.4",
    untouched="a list of names is needed: put them in place of the dots.",
)

# --- Bug hunt: a client that sends at the wrong time


def _outbox(state: str, waiting: list[str], message: str) -> tuple[list[str], list[str]]:
    if state == "CONNECTING":
        return [], [*waiting, message]
    if state == "OPEN":
        return [*waiting, message], []
    raise ConnectionError(f"the connection is {state}")


def _outbox_but(state: str, wrong: Callable[[list[str], str], object]) -> Callable[..., object]:
    return lambda now, old, new: wrong(old, new) if now == state else _outbox(now, old, new)


_DO = {
    "CONNECTING": "in CONNECTING: return [], waiting + [message].",
    "OPEN": "in OPEN: return waiting + [message], [].",
    "CLOSING": "in CLOSING: raise ConnectionError.",
    "CLOSED": "in CLOSED: raise ConnectionError.",
}
"""Hints, by the state."""
_WHY = {
    ("CONNECTING", False): "While CONNECTING a message has to wait, not to be lost.",
    ("CONNECTING", True): "What came first stays first.",
    ("OPEN", False): "An OPEN connection sends at once.",
    ("OPEN", True): "What waited goes out first, in order.",
    ("CLOSING", False): "After a close frame nothing more may be sent (RFC 6455 §5.5.1).",
    ("CLOSED", True): "A message that nobody will send must not vanish in silence.",
}
"""By the state, and whether something waits."""

check_outbox = Exercise(
    "outbox",
    "Whether `outbox(state, waiting, message)` gives (to send now, still waiting), and never loses "
    "or reorders a message; it raises ConnectionError where nothing can be sent any more.",
    cases=[
        ("CONNECTING", [], "new"),
        ("CONNECTING", ["a"], "new"),
        ("OPEN", [], "new"),
        ("OPEN", ["a", "b"], "new"),
        ("CLOSING", [], "new"),
        ("CLOSED", ["a"], "new"),
    ],
    expected=_outbox,
    use=lambda outbox, *case: tuple(got) if isinstance(got := outbox(*case), list) else got,
    mistakes={
        _WHY[state, waits]: Mistake(_outbox_but(state, wrong), _DO[state])
        for state, waits, wrong in (
            ("CONNECTING", False, lambda old, new: ([], old)),
            ("CONNECTING", True, lambda old, new: ([], [new, *old])),
            ("OPEN", False, lambda old, new: ([], [*old, new])),
            ("OPEN", True, lambda old, new: ([new, *old], [])),
            ("CLOSING", False, lambda old, new: ([new], [])),
            ("CLOSED", True, lambda old, new: ([], old)),
        )
    },
    why=lambda got, state, waiting, message: (_WHY[state, bool(waiting)], _DO[state]),
    hints=(
        "go through the four states one by one: what does the outbox do in each?",
        "CONNECTING is not the end: what is written then should be kept and sent later.",
        "in CLOSING nothing may be sent any more, and nothing should pretend that it was.",
    ),
    rfc="RFC 6455 §5.5.1",
    praise="nothing is lost, nothing is sent too late, and the order is kept.",
    solution="""\
def outbox(state, waiting, message):
    if state == "CONNECTING":
        return [], waiting + [message]
    if state == "OPEN":
        return waiting + [message], []
    raise ConnectionError(f"the connection is {state}: nothing can be sent any more")
""",
)


SOLUTIONS = Solutions(check_next_state, check_outbox)

solution = SOLUTIONS.show
