"""The states of a connection, and the events that move it from one to the next: one table.

Source: RFC 6455 §4.1 and §4.2.2 (CONNECTING, OPEN), §7.1.3 (CLOSING), §7.1.4 (CLOSED). The names
are those of the WHATWG standard's `readyState`. Each row describes *one peer*: each peer has its
own state, and while bytes are on their way the two states may differ. The same bytes move both
peers: first the one that sends them, then the one that receives them.

An onlooker, such as the wire view, sees both directions at once. The last four names of
`StateEvent` are for it.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, NamedTuple


class State(Enum):
    """The `readyState` of a connection, with the standard's numbers."""

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


class StateEvent(Enum):
    """Something that can happen to a peer; the value describes it in words."""

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
    CALLS_CLOSE = "calls close()"

    # As an onlooker sees it.
    ACCEPTED = RECEIVES_101
    REFUSED = RECEIVES_REFUSAL
    CLOSE_FRAME = RECEIVES_CLOSE
    TCP_CLOSED = TCP_ENDS


Peer = Literal["client", "server"]


class Edge(NamedTuple):
    """One row of the table: an event moves a peer from one state to the next."""

    before: State
    event: StateEvent
    after: State
    rfc: str
    peer: Peer | None = None
    """The only peer to which this can happen; None: either."""


_C, _O, _G, _D = State.CONNECTING, State.OPEN, State.CLOSING, State.CLOSED

EDGES: tuple[Edge, ...] = (
    Edge(_C, StateEvent.SENDS_REQUEST, _C, "RFC 6455 §4.1", "client"),
    Edge(_C, StateEvent.RECEIVES_REQUEST, _C, "RFC 6455 §4.2.1", "server"),
    Edge(_C, StateEvent.RECEIVES_101, _O, "RFC 6455 §4.1", "client"),
    Edge(_C, StateEvent.SENDS_101, _O, "RFC 6455 §4.2.2", "server"),
    Edge(_C, StateEvent.RECEIVES_REFUSAL, _D, "RFC 6455 §4.1", "client"),
    Edge(_C, StateEvent.SENDS_REFUSAL, _D, "RFC 6455 §4.2.2", "server"),
    # No byte tells of this one: a page gives up before the answer has come.
    Edge(_C, StateEvent.CALLS_CLOSE, _G, "WHATWG: close()", "client"),
    # A peer that ends TCP before the 101 has given up.
    Edge(_C, StateEvent.SENDS_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_C, StateEvent.RECEIVES_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_C, StateEvent.TCP_ENDS, _D, "RFC 6455 §7.1.4"),
    Edge(_O, StateEvent.SENDS_CLOSE, _G, "RFC 6455 §7.1.3"),
    Edge(_O, StateEvent.RECEIVES_CLOSE, _G, "RFC 6455 §7.1.3"),
    # TCP can be half closed, a WebSocket cannot: without a close frame a FIN is the end.
    Edge(_O, StateEvent.SENDS_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_O, StateEvent.RECEIVES_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_O, StateEvent.TCP_ENDS, _D, "RFC 6455 §7.1.4"),
    Edge(_G, StateEvent.SENDS_CLOSE, _G, "RFC 6455 §5.5.1"),
    Edge(_G, StateEvent.RECEIVES_CLOSE, _G, "RFC 6455 §5.5.1"),
    # Its own half of TCP has ended; it is CLOSED when the other half ends too.
    Edge(_G, StateEvent.SENDS_FIN, _G, "RFC 6455 §7.1.1"),
    Edge(_G, StateEvent.RECEIVES_FIN, _D, "RFC 6455 §7.1.4"),
    Edge(_G, StateEvent.TCP_ENDS, _D, "RFC 6455 §7.1.4"),
)
"""Every event that changes a state."""

TRANSITIONS: dict[tuple[State, StateEvent], State] = {
    (edge.before, edge.event): edge.after for edge in EDGES
}
"""The same edges by state and event."""


def after(state: State, event: StateEvent) -> State:
    """The state that `event` leads to; `state` itself if the table has no such edge."""
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


TCP_TRANSITIONS: dict[tuple[TCP, StateEvent], TCP] = {
    (TCP.ESTABLISHED, StateEvent.SENDS_FIN): TCP.FIN_WAIT,
    (TCP.ESTABLISHED, StateEvent.RECEIVES_FIN): TCP.CLOSE_WAIT,
    (TCP.FIN_WAIT, StateEvent.RECEIVES_FIN): TCP.CLOSED,
    (TCP.CLOSE_WAIT, StateEvent.SENDS_FIN): TCP.CLOSED,
    (TCP.ESTABLISHED, StateEvent.TCP_ENDS): TCP.CLOSED,
    (TCP.FIN_WAIT, StateEvent.TCP_ENDS): TCP.CLOSED,
    (TCP.CLOSE_WAIT, StateEvent.TCP_ENDS): TCP.CLOSED,
}
"""What a FIN or a RST does to a peer's TCP (RFC 9293 §3.6); LAST-ACK and TIME-WAIT are left out."""
