"""One table of states, read by each peer, by an onlooker, and over a recording."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import State as LibraryState

from wslab.wire import Capture, encode_frame, rfc_url, states_of, steps
from wslab.wire.protocol.connection_state import (
    EDGES,
    TCP,
    TRANSITIONS,
    State,
    StateEvent,
    after,
    edges_of,
)

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x01\x02\x03\x04"
CLOSE = encode_frame(8, b"\x03\xe8done", masking_key=KEY)
ECHO = encode_frame(8, b"\x03\xe8done")
CONNECTING, OPEN, CLOSING, CLOSED = State.CONNECTING, State.OPEN, State.CLOSING, State.CLOSED


def ticking():
    counter = itertools.count()
    return Capture(clock=lambda: float(next(counter)))


def test_the_states_are_those_of_the_library_number_for_number():
    assert {state.name: state.value for state in State} == {
        state.name: int(state) for state in LibraryState
    }


def test_each_row_stands_once_and_cites_its_section():
    assert len(TRANSITIONS) == len(EDGES)
    for edge in EDGES:
        assert rfc_url(edge.rfc)
        assert after(edge.before, edge.event) is edge.after
    assert set(edges_of("client")) | set(edges_of("server")) == set(EDGES)


def test_nothing_leads_back_and_nothing_out_of_closed():
    for edge in EDGES:
        assert edge.after.value >= edge.before.value
        assert edge.before is not State.CLOSED
    for event in StateEvent:
        assert after(State.CLOSED, event) is State.CLOSED


def test_the_onlooker_has_names_of_its_own_for_four_of_the_events():
    assert after(CONNECTING, StateEvent.ACCEPTED) is OPEN
    assert after(CONNECTING, StateEvent.REFUSED) is CLOSED
    assert after(OPEN, StateEvent.CLOSE_FRAME) is CLOSING
    for state in State:
        assert after(state, StateEvent.TCP_CLOSED) is CLOSED


def test_a_whole_life_as_each_peer_sees_it():
    capture = ticking()
    connection = capture.open_connection()
    assert steps(capture, connection) == []
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    capture.record(connection, "client", encode_frame(1, b"Hi", masking_key=KEY))
    capture.record(connection, "client", CLOSE)
    capture.record(connection, "server", ECHO)
    capture.end(connection, "server")
    capture.end(connection, "client")
    found = steps(capture, connection)
    assert [(s.peer, s.event.name, s.after.name, s.tcp.name, s.row) for s in found] == [
        ("client", "SENDS_REQUEST", "CONNECTING", "ESTABLISHED", 0),
        ("server", "RECEIVES_REQUEST", "CONNECTING", "ESTABLISHED", 0),
        ("server", "SENDS_101", "OPEN", "ESTABLISHED", 1),
        ("client", "RECEIVES_101", "OPEN", "ESTABLISHED", 1),
        ("client", "SENDS_CLOSE", "CLOSING", "ESTABLISHED", 3),
        ("server", "RECEIVES_CLOSE", "CLOSING", "ESTABLISHED", 3),
        ("server", "SENDS_CLOSE", "CLOSING", "ESTABLISHED", 4),
        ("client", "RECEIVES_CLOSE", "CLOSING", "ESTABLISHED", 4),
        ("server", "SENDS_FIN", "CLOSING", "FIN_WAIT", None),
        ("client", "RECEIVES_FIN", "CLOSED", "CLOSE_WAIT", None),
        ("client", "SENDS_FIN", "CLOSED", "CLOSED", None),
        ("server", "RECEIVES_FIN", "CLOSED", "CLOSED", None),
    ]
    assert (
        states_of("client", found)
        == states_of("server", found)
        == [CONNECTING, OPEN, CLOSING, CLOSED]
    )
    assert str(found[2]).endswith("server answers 101: CONNECTING → OPEN")


def test_a_held_close_frame_leaves_the_peers_in_different_states_until_it_is_delivered():
    capture = ticking()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, "client", CLOSE)
    capture.mark(connection, "client", "held", 0, len(CLOSE))
    found = steps(capture, connection)
    assert [(s.peer, s.after.name) for s in found] == [("client", "CLOSING")]
    capture.end(connection, "client")
    assert [s.peer for s in steps(capture, connection)] == ["client", "client"]
    capture.mark(connection, "client", "delivered", 0, len(CLOSE))
    late = steps(capture, connection)[-2:]
    assert [(s.peer, s.event.name) for s in late] == [
        ("server", "RECEIVES_CLOSE"),
        ("server", "RECEIVES_FIN"),
    ]
    assert late[0].time > found[0].time


def test_a_dropped_close_frame_never_reaches_the_other_peer():
    capture = ticking()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, "server", ECHO)
    capture.mark(connection, "server", "dropped", 0, len(ECHO))
    assert [s.peer for s in steps(capture, connection)] == ["server"]


def test_an_injected_close_frame_was_never_sent():
    capture = ticking()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, "server", ECHO)
    capture.mark(connection, "server", "injected", 0, len(ECHO))
    capture.mark(connection, "server", "delivered", 0, len(ECHO))
    assert [(s.peer, s.event.name) for s in steps(capture, connection)] == [
        ("client", "RECEIVES_CLOSE")
    ]


def test_a_refusal_and_a_reset_lead_straight_to_closed():
    capture = ticking()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    assert states_of("client", steps(capture, connection)) == [CONNECTING, CLOSED]
    other = capture.open_connection(upgraded=True)
    capture.end(other, "server", "reset")
    found = steps(capture, other)
    assert {(s.peer, s.before, s.after, s.tcp) for s in found} == {
        ("client", OPEN, CLOSED, TCP.CLOSED),
        ("server", OPEN, CLOSED, TCP.CLOSED),
    }


happenings = st.lists(
    st.tuples(
        st.sampled_from(["client", "server"]),
        st.sampled_from([REQUEST, RESPONSE, CLOSE, ECHO, b"\x81\x00", "eof", "reset"]),
    ),
    max_size=12,
)


@given(happenings)
def test_whatever_crosses_every_step_is_an_edge_of_the_table(what):
    capture = ticking()
    connection = capture.open_connection()
    for side, thing in what:
        if isinstance(thing, str):
            capture.end(connection, side, thing)
        else:
            capture.record(connection, side, thing)
    found = steps(capture, connection)
    for peer in ("client", "server"):
        state = CONNECTING
        for step in found:
            if step.peer == peer:
                assert step.before is state
                assert after(step.before, step.event) is step.after
                state = step.after
