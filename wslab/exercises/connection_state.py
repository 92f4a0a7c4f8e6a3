"""The exercises of the states: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wslab.exercises.hints import Hints
from wslab.exercises.question import Question
from wslab.exercises.solutions import Solutions
from wslab.exercises.verdict import Verdict
from wslab.wire import TRANSITIONS, Event, State, states_of

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

_table_hints = Hints(
    "four states, and three ways forward from CONNECTING, OPEN and CLOSING; none leads back.",
    "a close frame moves OPEN to CLOSING, whoever sends it; in CLOSING it changes nothing more.",
    "the end of TCP leads to CLOSED from everywhere.",
    "solution('next_state') shows one.",
)

EVENTS = {
    "receives 101": Event.RECEIVES_101,
    "receives refusal": Event.RECEIVES_REFUSAL,
    "sends close": Event.SENDS_CLOSE,
    "receives close": Event.RECEIVES_CLOSE,
    "tcp ends": Event.TCP_ENDS,
}
"""The events of the exercise, by the words that it uses."""


def check_next_state(next_state: Callable[[str, str], str]) -> Verdict:
    """Whether `next_state(state, event)` agrees with the table, for a client."""
    for state in State:
        for word, event in EVENTS.items():
            expected = TRANSITIONS.get((state, event), state).name
            call = f"next_state({state.name!r}, {word!r})"
            try:
                got = next_state(state.name, word)
            except Exception as error:
                return Verdict.raised(call, error, _table_hints.next())
            if got == expected:
                continue
            return Verdict(
                False,
                f"{call} leads somewhere else.",
                got,
                expected,
                _table_misconception(state, word, got),
                "RFC 6455 §7.1",
                _table_hints.next(),
            )
    return Verdict(
        True,
        f"all {len(State) * len(EVENTS)} cases agree with the table that draws the diagram.",
        rfc="RFC 6455 §7.1",
    )


def _table_misconception(state: State, word: str, got: object) -> str:
    if got is None or got is ...:
        return "The function returned nothing yet."
    if word in ("sends close", "receives close") and got == "CLOSED":
        return "A close frame begins the end. CLOSED is when TCP has ended as well."
    if state is State.OPEN and word == "receives close" and got == "OPEN":
        return "The other side will send no more, and must be answered: that is CLOSING."
    if state is State.CLOSED:
        return "Nothing leads out of CLOSED: a new connection is a new WebSocket."
    if state is State.CONNECTING and word in ("sends close", "receives close"):
        return "Before the 101 there are no frames, so this changes nothing."
    return ""


# --- Trace: the states of a story

_trace_hints = Hints(
    "begin with CONNECTING, and write down each state once, in order.",
    "look for a close frame of this peer, or to it: without one there is no CLOSING.",
    "a FIN or RST without any close frame leads from OPEN to CLOSED at once.",
)


def check_trace(states: Sequence[str], story: Sequence[Any]) -> Verdict:
    """Whether `states` are those of the client in this story, each once, in order."""
    expected = [state.name for state in states_of("client", list(story))]
    if not isinstance(states, list | tuple) or not all(isinstance(one, str) for one in states):
        return Verdict(
            False,
            "a list of names is needed: put them in place of the dots.",
            hint=_trace_hints.next(),
        )
    given = [state.strip().upper() for state in states]
    if given != expected:
        why = ""
        if "CLOSING" in given and "CLOSING" not in expected:
            why = "There is no close frame in this story, so nobody was ever CLOSING."
        return Verdict(
            False,
            "not the way that this client went.",
            " → ".join(given),
            " → ".join(expected) if len(given) == len(expected) else f"{len(expected)} states",
            why,
            "RFC 6455 §7.1.4",
            _trace_hints.next(),
        )
    return Verdict(True, " → ".join(expected), rfc="RFC 6455 §7.1.4")


# --- Bug hunt: a client that sends at the wrong time

_outbox_hints = Hints(
    "go through the four states one by one: what does the outbox do in each?",
    "CONNECTING is not the end: what is written then should be kept and sent later.",
    "in CLOSING nothing may be sent any more, and nothing should pretend that it was.",
    "solution('outbox') shows one.",
)


def check_outbox(outbox: Callable[[str, list[str], str], tuple[list[str], list[str]]]) -> Verdict:
    """Whether `outbox(state, waiting, message)` gives (to send now, still waiting), and never loses
    or reorders a message; it raises ConnectionError where nothing can be sent any more.
    """
    cases: list[tuple[str, list[str], tuple[list[str], list[str]] | None, str]] = [
        (
            "CONNECTING",
            [],
            ([], ["new"]),
            "While CONNECTING a message has to wait, not to be lost.",
        ),
        ("CONNECTING", ["a"], ([], ["a", "new"]), "What came first stays first."),
        ("OPEN", [], (["new"], []), "An OPEN connection sends at once."),
        ("OPEN", ["a", "b"], (["a", "b", "new"], []), "What waited goes out first, in order."),
        ("CLOSING", [], None, "After a close frame nothing more may be sent (RFC 6455 §5.5.1)."),
        ("CLOSED", ["a"], None, "A message that nobody will send must not vanish in silence."),
    ]
    for state, waiting, expected, why in cases:
        call = f"outbox({state!r}, {waiting!r}, 'new')"
        try:
            got = outbox(state, list(waiting), "new")
        except ConnectionError:
            if expected is None:
                continue
            return Verdict(
                False,
                f"{call} raised ConnectionError.",
                misconception=why,
                rfc="RFC 6455 §4.1",
                hint=_outbox_hints.next(),
            )
        except Exception as error:
            return Verdict.raised(call, error, _outbox_hints.next())
        if expected is None or not isinstance(got, tuple | list) or tuple(got) != expected:
            return Verdict(
                False,
                f"{call} is not right.",
                got,
                "raises ConnectionError" if expected is None else expected,
                why,
                "RFC 6455 §5.5.1" if expected is None else "RFC 6455 §4.1",
                _outbox_hints.next(),
            )
    return Verdict(
        True,
        "nothing is lost, nothing is sent too late, and the order is kept.",
        rfc="RFC 6455 §5.5.1",
    )


SOLUTIONS = Solutions(
    next_state="""\
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
    outbox="""\
def outbox(state, waiting, message):
    if state == "CONNECTING":
        return [], waiting + [message]
    if state == "OPEN":
        return waiting + [message], []
    raise ConnectionError(f"the connection is {state}: nothing can be sent any more")
""",
)

solution = SOLUTIONS.show
