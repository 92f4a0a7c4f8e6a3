"""The states of a connection and what moves it from one to the next: one table.

Source: RFC 6455 §4.1 and §4.2.2 (CONNECTING, OPEN), §7.1.3 (CLOSING), §7.1.4 (CLOSED). The names
are those of the WHATWG standard's `readyState`. A row is read as *one peer* sees it: each peer has
a state of its own, and for as long as a byte is on its way the two may differ. The same bytes move
both: what one sends, the other receives.

An onlooker such as the wire view, who sees both directions at once, reads the table by the four
names at the end of `Event`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..fields import Direction

if TYPE_CHECKING:
    from ..recording.capture import Capture
    from ..recording.capture import Event as CaptureEvent
    from ..recording.index import Index, Row


class State(Enum):
    """`readyState`, with the standard's numbers."""

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


class Event(Enum):
    """What can happen to a peer. The value says it in words."""

    SENDS_REQUEST = "sends the request"
    RECEIVES_REQUEST = "receives the request"
    SENDS_101 = "answers 101"
    RECEIVES_101 = "receives a valid 101"
    SENDS_REFUSAL = "answers another status"
    RECEIVES_REFUSAL = "receives another status"
    SENDS_CLOSE = "sends a close frame"
    RECEIVES_CLOSE = "receives a close frame"
    SENDS_FIN = "ends its half of TCP"
    RECEIVES_FIN = "hears the other half of TCP end"
    TCP_ENDS = "TCP breaks off"

    # The onlooker's names.
    ACCEPTED = RECEIVES_101
    REFUSED = RECEIVES_REFUSAL
    CLOSE_FRAME = RECEIVES_CLOSE
    TCP_CLOSED = TCP_ENDS


Peer = Literal["client", "server"]


class Edge(NamedTuple):
    """One row of the table."""

    before: State
    event: Event
    after: State
    rfc: str
    peer: Peer | None = None
    """Who can take this edge; None: either."""


_C, _O, _G, _D = State.CONNECTING, State.OPEN, State.CLOSING, State.CLOSED

EDGES: tuple[Edge, ...] = (
    Edge(_C, Event.SENDS_REQUEST, _C, "RFC 6455 §4.1", "client"),
    Edge(_C, Event.RECEIVES_REQUEST, _C, "RFC 6455 §4.2.1", "server"),
    Edge(_C, Event.RECEIVES_101, _O, "RFC 6455 §4.1", "client"),
    Edge(_C, Event.SENDS_101, _O, "RFC 6455 §4.2.2", "server"),
    Edge(_C, Event.RECEIVES_REFUSAL, _D, "RFC 6455 §4.1", "client"),
    Edge(_C, Event.SENDS_REFUSAL, _D, "RFC 6455 §4.2.2", "server"),
    # A peer that ends TCP before the 101 has given up.
    Edge(_C, Event.SENDS_FIN, _D, "RFC 6455 §7.1.7"),
    Edge(_C, Event.RECEIVES_FIN, _D, "RFC 6455 §7.1.7"),
    Edge(_C, Event.TCP_ENDS, _D, "RFC 6455 §7.1.4"),
    Edge(_O, Event.SENDS_CLOSE, _G, "RFC 6455 §7.1.3"),
    Edge(_O, Event.RECEIVES_CLOSE, _G, "RFC 6455 §7.1.3"),
    # TCP can be half closed, a WebSocket cannot: without a close frame a FIN is the end.
    Edge(_O, Event.SENDS_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_O, Event.RECEIVES_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_O, Event.TCP_ENDS, _D, "RFC 6455 §7.1.4"),
    Edge(_G, Event.SENDS_CLOSE, _G, "RFC 6455 §5.5.1"),
    Edge(_G, Event.RECEIVES_CLOSE, _G, "RFC 6455 §5.5.1"),
    # Its own half is over; it is CLOSED once the other half is.
    Edge(_G, Event.SENDS_FIN, _G, "RFC 6455 §7.1.1"),
    Edge(_G, Event.RECEIVES_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_G, Event.TCP_ENDS, _D, "RFC 6455 §7.1.4"),
)
"""The table."""

TRANSITIONS: dict[tuple[State, Event], State] = {
    (edge.before, edge.event): edge.after for edge in EDGES
}
"""The same, to look up."""


def after(state: State, event: Event) -> State:
    """The state that `event` leads to; the same one where the table has no such edge."""
    return TRANSITIONS.get((state, event), state)


def edges_of(peer: Peer) -> tuple[Edge, ...]:
    """The rows of the table that `peer` can take."""
    return tuple(edge for edge in EDGES if edge.peer in (None, peer))


# --- The layer beneath ----------------------------------------------------------------------------


class TCP(Enum):
    """The states of TCP that matter here (RFC 9293 §3.3.2)."""

    ESTABLISHED = "both halves are open"
    FIN_WAIT = "it has ended its half, and still hears the other"
    CLOSE_WAIT = "the other half has ended, its own has not"
    CLOSED = "both halves have ended"


TCP_TRANSITIONS: dict[tuple[TCP, Event], TCP] = {
    (TCP.ESTABLISHED, Event.SENDS_FIN): TCP.FIN_WAIT,
    (TCP.ESTABLISHED, Event.RECEIVES_FIN): TCP.CLOSE_WAIT,
    (TCP.FIN_WAIT, Event.RECEIVES_FIN): TCP.CLOSED,
    (TCP.CLOSE_WAIT, Event.SENDS_FIN): TCP.CLOSED,
    (TCP.ESTABLISHED, Event.TCP_ENDS): TCP.CLOSED,
    (TCP.FIN_WAIT, Event.TCP_ENDS): TCP.CLOSED,
    (TCP.CLOSE_WAIT, Event.TCP_ENDS): TCP.CLOSED,
}
"""What a FIN or a RST does to a peer's TCP (RFC 9293 §3.6); LAST-ACK and TIME-WAIT are left out."""


# --- A recording, read by the table ---------------------------------------------------------------


class Step(NamedTuple):
    """Something that crossed and what it did to one peer."""

    time: float
    """Seconds since the capture began."""
    peer: Peer
    event: Event
    before: State
    after: State
    tcp: TCP
    """The peer's TCP afterwards."""
    row: int | None
    """The row of the index whose bytes caused it; None for the end of a TCP stream."""

    def __str__(self) -> str:
        moved = f"{self.before.name} → {self.after.name}"
        return f"{self.time:9.3f}  {self.peer} {self.event.value}: {moved}"


_MOVES = {
    "request": (Event.SENDS_REQUEST, Event.RECEIVES_REQUEST),
    "101": (Event.SENDS_101, Event.RECEIVES_101),
    "refusal": (Event.SENDS_REFUSAL, Event.RECEIVES_REFUSAL),
    "close": (Event.SENDS_CLOSE, Event.RECEIVES_CLOSE),
    "eof": (Event.SENDS_FIN, Event.RECEIVES_FIN),
    "reset": (Event.TCP_ENDS, Event.TCP_ENDS),
}
"""What a thing that crosses is to the peer that sent it, and to the one that gets it."""


def steps(capture: Capture, connection: int) -> list[Step]:
    """What moved the two peers of a connection, in order; the sender of a thing moves first.

    A thing that a debugger holds reaches the other peer when it is delivered, and one that it drops
    never. Frames that leave both peers where they are (text, ping ...) are left out.
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
    """Orders things of the same time: as they were recorded, the sender first."""
    peer: Peer
    event: Event
    row: int
    """-1 for none."""

    def __lt__(self, other: tuple[object, ...]) -> bool:
        return (self.time, self.turn) < other[:2]


def _happenings(
    capture: Capture, connection: int, marks: list[CaptureEvent]
) -> Iterator[_Happening]:
    turn = 0
    index = capture.index
    for row in index.rows():
        if row.connection != connection or (what := _what(row, index)) is None:
            continue
        sender, receiver = _in_order(row.direction)
        sends, receives = _MOVES[what]
        mine = [mark for mark in marks if mark.direction == sender and mark.is_mark]
        mine = [mark for mark in mine if mark.offset == row.offset]
        if not any(mark.name == "injected" for mark in mine):
            yield _Happening(row.time, turn, sender, sends, row.number)
        delivered = [mark.time for mark in mine if mark.name == "delivered"]
        if not mine or delivered:
            at = delivered[0] if mine else row.time
            yield _Happening(at, turn + 1, receiver, receives, row.number)
        turn += 2
    for end in marks:
        if end.name not in ("eof", "reset") or end.direction is None:
            continue
        sender, receiver = _in_order(end.direction)
        sends, receives = _MOVES[end.name]
        yield _Happening(end.time, turn, sender, sends, -1)
        # Nothing overtakes on a TCP stream: its end comes after what was held before it.
        mine = [mark for mark in marks if mark.direction == sender and mark.is_mark]
        held = {mark.offset for mark in mine if mark.name in ("held", "delayed")}
        gone = {m.offset: m.time for m in mine if m.name in ("delivered", "dropped")}
        if held <= set(gone):
            at = max([end.time, *(gone[offset] for offset in held)])
            yield _Happening(at, turn + 1, receiver, receives, -1)
        turn += 2


def _in_order(direction: Direction) -> tuple[Peer, Peer]:
    return ("client", "server") if direction == "client" else ("server", "client")


def _what(row: Row, index: Index) -> str | None:
    if row.kind != "response":
        return row.kind if row.kind in ("request", "close") else None
    status = row.preview[:3]
    if status != "101":
        return None if status.startswith("1") else "refusal"
    # That the request was broken is not the client's to judge: it sent it.
    rules = {violation.rule for violation in index.unit(row.number).violations}
    return "refusal" if rules - {"broken-request-accepted"} else "101"


def path(steps: Iterable[Step], peer: Peer) -> list[State]:
    """The states that `peer` went through, each once."""
    states = [State.CONNECTING]
    for step in steps:
        if step.peer == peer and step.after is not states[-1]:
            states.append(step.after)
    return states
