"""The states of a connection and what moves it from one to the next: one table.

Source: RFC 6455 §4.1 (CONNECTING, OPEN), §7.1.3 (CLOSING), §7.1.4 (CLOSED). The names are those of
the WHATWG standard's `readyState`. A row is read as one peer sees it; the wire view reads the
table as an onlooker does who sees both directions.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """`readyState`, with the standard's numbers."""

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


class Event(Enum):
    """What can happen to a connection."""

    ACCEPTED = "the response is a valid 101"
    REFUSED = "the response is anything else"
    CLOSE_FRAME = "a close frame crosses"
    TCP_CLOSED = "the TCP connection ends"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CONNECTING, Event.ACCEPTED): State.OPEN,
    (State.CONNECTING, Event.REFUSED): State.CLOSED,
    (State.CONNECTING, Event.TCP_CLOSED): State.CLOSED,
    (State.OPEN, Event.CLOSE_FRAME): State.CLOSING,
    (State.OPEN, Event.TCP_CLOSED): State.CLOSED,
    (State.CLOSING, Event.TCP_CLOSED): State.CLOSED,
}


def after(state: State, event: Event) -> State:
    """The state that `event` leads to; the same one where the table has no such edge."""
    return TRANSITIONS.get((state, event), state)
