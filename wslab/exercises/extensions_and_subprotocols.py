"""The exercises on extensions and subprotocols: questions, checks, hints in steps, solutions."""

from __future__ import annotations

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question

QUESTIONS = {
    "none-in-common": Question(
        "A page offers the subprotocol chat. The server speaks only mqtt. What should the server "
        "answer?",
        (
            "101, without Sec-WebSocket-Protocol",
            "101, with Sec-WebSocket-Protocol: mqtt",
            "101, with an empty Sec-WebSocket-Protocol",
            "400 in any case",
        ),
        0,
        (
            "A response without the field means: no subprotocol. Whether that is good enough, the "
            "client decides.",
            "A client must fail the connection for a subprotocol that it did not offer.",
            "An empty value is no name: leave the whole field out.",
            "A server may refuse, but nothing in the RFC makes it do so.",
        ),
        "RFC 6455 §4.2.2",
    ),
}
"""By name; `lab.ask(name)` shows one."""


# --- Build: choose a subprotocol


def _choose(offered: list[str], supported: list[str]) -> str | None:
    return next((name for name in supported if name in offered), None)


check_choose = Exercise(
    "choose",
    "Whether `choose(offered, supported)` gives the server's favourite among those offered.",
    cases=[
        (["chat"], ["chat"]),
        (["chat", "superchat"], ["superchat", "chat"]),
        (["mqtt"], ["superchat", "chat"]),
        ([], ["chat"]),
        (["Chat"], ["chat"]),
        (["superchat"], ["chat", "superchat"]),
        (["chat", "chat.v2"], ["chat.v2"]),
    ],
    expected=_choose,
    mistakes={
        "The client's order decided: here the server's favourite comes first.": Mistake(
            lambda offered, supported: next((n for n in offered if n in supported), None),
            "walk through supported, and ask of each whether it is in offered.",
        ),
        "A server names one subprotocol, not all that fit.": Mistake(
            lambda offered, supported: [n for n in supported if n in offered],
            "return the first one that fits.",
        ),
        "One string with all that fit is still a list, and a client refuses it.": Mistake(
            lambda offered, supported: ", ".join(n for n in supported if n in offered),
            "return the first one that fits.",
            "RFC 6455 §11.3.4",
        ),
        "Names are compared letter by letter: Chat and chat are two.": Mistake(
            lambda offered, supported: next(
                (n for n in supported if n.lower() in [one.lower() for one in offered]), None
            ),
            "compare without lower().",
        ),
        "Where nothing fits, the answer is None: the field is left out.": Mistake(
            lambda offered, supported: _choose(offered, supported) or "",
            "return None, not an empty text.",
        ),
        "Nobody offered that one: a client must fail the connection.": Mistake(
            lambda offered, supported: _choose(offered, supported) or supported[0],
            "return None where nothing fits.",
        ),
        "chat is a part of superchat, but not the same name.": Mistake(
            lambda offered, supported: next((n for n in supported if n in ",".join(offered)), None),
            "`in` on a list compares whole names; on a text it finds parts.",
        ),
    },
    hints=(
        "walk through one of the two lists, and look each name up in the other.",
        "which list says what the *server* likes best? Walk through that one.",
        "return None at the end: nothing fits.",
    ),
    rfc="RFC 6455 §4.2.2",
    praise="at most one, of those offered, the server's favourite first.",
    solution="""\
def choose(offered, supported):
    for name in supported:  # the server's favourite first
        if name in offered:
            return name
    return None  # no field in the response
""",
)


SOLUTIONS = Solutions(check_choose)

solution = SOLUTIONS.show
