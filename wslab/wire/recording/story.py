"""Tells the story of a connection: which recorded events moved its two peers between states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, get_args

from ..fields import Direction
from ..protocol.connection_state import (
    TCP,
    TCP_TRANSITIONS,
    TRANSITIONS,
    Peer,
    State,
    StateEvent,
    after,
)
from .capture import Capture
from .index import Index, Row
from .log import Event


class Step(NamedTuple):
    """The effect of one event on the wire on one peer's state."""

    time: float
    """Seconds since the capture began."""
    peer: Peer
    event: StateEvent
    before: State
    after: State
    tcp: TCP
    """The peer's TCP afterwards."""
    row: int | None
    """The row of the unit that caused it; None for the end of a TCP stream."""

    def __str__(self) -> str:
        moved = f"{self.before.name} → {self.after.name}"
        return f"{self.time:9.3f}  {self.peer} {self.event.value}: {moved}"


_MOVES = {
    "request": (StateEvent.SENDS_REQUEST, StateEvent.RECEIVES_REQUEST),
    "101": (StateEvent.SENDS_101, StateEvent.RECEIVES_101),
    "refusal": (StateEvent.SENDS_REFUSAL, StateEvent.RECEIVES_REFUSAL),
    "close": (StateEvent.SENDS_CLOSE, StateEvent.RECEIVES_CLOSE),
    "eof": (StateEvent.SENDS_FIN, StateEvent.RECEIVES_FIN),
    "reset": (StateEvent.TCP_ENDS, StateEvent.TCP_ENDS),
}
"""By what crosses: the event for the peer that sent it, and for the one that received it."""


def steps(capture: Capture, connection: int) -> list[Step]:
    """The steps of the two peers of a connection, in order; the sender's step comes first.

    A unit that a debugger holds reaches the other peer when it is delivered; one that it drops
    never does. Frames that change no state (text, ping ...) are left out.
    """
    now: dict[Peer, State] = {"client": State.CONNECTING, "server": State.CONNECTING}
    tcp: dict[Peer, TCP] = {"client": TCP.ESTABLISHED, "server": TCP.ESTABLISHED}
    marks = [event for event in list(capture.events) if event.connection == connection]
    if any(event.name == "upgraded" for event in marks):
        now = {"client": State.OPEN, "server": State.OPEN}
    found: list[Step] = []
    for time, _, peer, event, row in sorted(_happenings(capture, connection, marks)):
        before, wire = now[peer], TCP_TRANSITIONS.get((tcp[peer], event), tcp[peer])
        if (before, event) not in TRANSITIONS and wire is tcp[peer]:
            continue
        now[peer], tcp[peer] = after(before, event), wire
        found.append(Step(time, peer, event, before, now[peer], wire, row if row >= 0 else None))
    return found


class _Happening(NamedTuple):
    time: float
    turn: int
    """Orders events of the same time: as they were recorded, the sender first."""
    peer: Peer
    event: StateEvent
    row: int
    """-1 for none."""

    def __lt__(self, other: tuple[object, ...]) -> bool:
        return (self.time, self.turn) < other[:2]


def _happenings(capture: Capture, connection: int, marks: list[Event]) -> Iterator[_Happening]:
    turn = 0
    index = capture.index
    both = (index.rows_of(connection, direction) for direction in get_args(Direction))
    for row in sorted(chain(*both)):  # by number
        if (what := _what(row, index)) is None:
            continue
        sender, receiver = _in_order(row.direction)
        sends, receives = _MOVES[what]
        mine = index.marks(row.number)
        if not any(mark.name == "injected" for mark in mine):
            yield _Happening(row.time, turn, sender, sends, row.number)
        delivered = [mark.time for mark in mine if mark.name == "delivered"]
        if not mine or delivered:
            at = delivered[0] if mine else row.time
            yield _Happening(at, turn + 1, receiver, receives, row.number)
        turn += 2
    free: dict[Peer, float | None] = {}
    for end in marks:
        if end.name not in ("eof", "reset") or end.direction is None:
            continue
        sender, receiver = _in_order(end.direction)
        sends, receives = _MOVES[end.name]
        yield _Happening(end.time, turn, sender, sends, -1)
        if sender not in free:
            free[sender] = _all_gone(marks, sender)
        # A TCP stream keeps its order: its end comes after what was held before it.
        if (gone := free[sender]) is not None:
            yield _Happening(max(end.time, gone), turn + 1, receiver, receives, -1)
        turn += 2


def _all_gone(marks: list[Event], sender: Peer) -> float | None:
    """The time at which a direction's last held unit was delivered; None while one still waits."""
    mine = [mark for mark in marks if mark.direction == sender and mark.is_mark]
    held = {mark.offset for mark in mine if mark.name in ("held", "delayed")}
    gone = {mark.offset: mark.time for mark in mine if mark.name in ("delivered", "dropped")}
    return max((gone[offset] for offset in held), default=0.0) if held <= set(gone) else None


def _in_order(direction: Direction) -> tuple[Peer, Peer]:
    return ("client", "server") if direction == "client" else ("server", "client")


def _what(row: Row, index: Index) -> str | None:
    if row.kind != "response":
        return row.kind if row.kind in ("request", "close") else None
    status = row.preview[:3]
    if status != "101":
        return None if status.startswith("1") else "refusal"
    # A broken request does not count here: the client itself sent it.
    rules = {violation.rule for violation in index.unit(row.number).violations}
    return "refusal" if rules - {"broken-request-accepted"} else "101"


def states_of(peer: Peer, steps: Iterable[Step]) -> list[State]:
    """The states that `peer` went through, each once."""
    states = [State.CONNECTING]
    for step in steps:
        if step.peer == peer and step.after is not states[-1]:
            states.append(step.after)
    return states
