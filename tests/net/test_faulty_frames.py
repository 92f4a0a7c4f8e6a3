"""Each fault after the handshake, by a server and by a client, before a correct peer."""

from __future__ import annotations

import pytest

from wslab.net import (
    Client,
    ConnectFailed,
    EchoServer,
    FaultyServer,
    HandshakeFailed,
    NotConnected,
    RawClient,
    Tap,
    TimedOut,
    connect,
    visit,
)
from wslab.net.cases import FAULTY_FRAMES, FAULTY_SERVERS, MISBEHAVIOURS
from wslab.net.clients import opening_request
from wslab.wire import Capture, Opcode, encode_frame
from wslab.wire.protocol import parse_head

ACTIVE = [fault for fault in FAULTY_FRAMES.values() if fault.expected is not None]
CLIENTS = [fault for fault in ACTIVE if "client" in fault.by]
SERVERS = [fault for fault in ACTIVE if "server" in fault.by]


def by_name(fault):
    return fault.name


def last_close(capture, direction):
    """The code of the close frame that this side sent; 1005 for one without, None for none."""
    index = capture.index
    frames = [row for row in index.rows() if row.kind == "close" and row.direction == direction]
    if not frames:
        return None
    payload = index.unit(frames[-1].number).payload
    return int.from_bytes(payload[:2], "big") if payload else 1005


@pytest.mark.parametrize("fault", CLIENTS, ids=by_name)
def test_a_server_answers_the_client_with_the_code_that_the_fault_earns(fault, capture):
    with EchoServer() as server, Tap(server.port, capture) as tap:
        first, second = visit(fault.name, tap.url), visit(fault.name, tap.url)
    assert first.close_code == fault.expected == last_close(capture, "server")
    assert first.ended == "eof"
    assert first.sent == second.sent  # the same every time
    assert str(first) == f"{fault.name}: the server sent close code {fault.expected}, TCP ended"


@pytest.mark.parametrize("fault", SERVERS, ids=by_name)
def test_a_client_answers_the_server_with_the_code_that_the_fault_earns(fault, capture):
    with FaultyServer(fault.name) as server, Tap(server.port, capture) as tap:
        client = connect(tap.url)
        assert client.state == "OPEN"  # it behaves until the first message comes
        client.send("Hello")
        with pytest.raises(NotConnected):
            client.recv()
    # Who fails a connection reports 1006: the peer's own close frame never came.
    assert last_close(capture, "client") == fault.expected
    assert client.close_code == (1006 if fault.expected in (1002, 1007, 1009) else fault.expected)


@pytest.mark.parametrize("name", ["vanishes", "half-closes", "cuts-a-frame-short"])
def test_an_end_without_a_close_frame_is_1006(name, capture):
    with FaultyServer(name) as server, Tap(server.port, capture) as tap:
        client = connect(tap.url)
        client.send("Hello")
        with pytest.raises(NotConnected, match="1006"):
            client.recv()
    assert client.close_code == 1006
    assert last_close(capture, "server") is None


def test_a_client_that_breaks_off_leaves_the_server_standing():
    with EchoServer() as server:
        for name in ("vanishes", "half-closes", "cuts-a-frame-short"):
            assert visit(name, server.url).close_code is None
        client = connect(server.url)
        client.send("still there?")
        assert client.recv() == "still there?"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("never-answers-close", 1006),
        ("never-answers", 1006),
        ("answers-another-code", 4999),
        ("keeps-tcp-open", 1000),
    ],
)
def test_how_a_close_is_answered_is_up_to_the_fault(name, code):
    with FaultyServer(name) as server:
        client = Client(server.url, close_timeout=0.2).connect()
        client.close()
        assert (client.state, client.close_code) == ("CLOSED", code)


def test_a_server_that_has_not_begun_yet_behaves():
    with FaultyServer("masks-its-frames") as server:
        client = connect(server.url)
        assert client.ping() >= 0
        client.close(4000, "never mind")
        assert client.close_code == 4000


def test_who_never_answers_does_not_answer_a_ping_either():
    with FaultyServer("never-answers") as server, Tap(server.port, Capture()) as tap:
        client = Client(tap.url, close_timeout=0.2).connect()
        with pytest.raises(TimedOut):
            client.ping(timeout=0.2)
        client.close()
        assert last_close(tap.capture, "server") is None


def test_who_never_answers_a_close_answers_a_message_in_fragments():
    fragments = [(Opcode.TEXT, b"a"), (Opcode.CONTINUATION, b"b"), (Opcode.CONTINUATION, b"c")]
    with FaultyServer("never-answers-close") as server, RawClient(server.url) as client:
        client.send(opening_request(client.address))
        assert parse_head(client.read_head()).status == 101
        for opcode, payload in fragments:
            fin = payload == b"c"
            client.send(encode_frame(opcode, payload, fin=fin, masking_key=b"1234"))
        assert client.read_exactly(9) == b"\x01\x01a\x00\x01b\x80\x01c"


def test_one_table_lists_the_faults_of_the_handshake_and_those_after_it():
    assert set(FAULTY_SERVERS) < set(MISBEHAVIOURS)
    assert not set(FAULTY_SERVERS) & set(FAULTY_FRAMES)
    assert {name for name in MISBEHAVIOURS if name not in FAULTY_SERVERS} == {
        fault.name for fault in FAULTY_FRAMES.values() if "server" in fault.by
    }
    for fault in MISBEHAVIOURS.values():
        assert fault.what
        assert fault.rule.startswith("RFC ")


def test_a_client_that_is_no_such_client():
    with pytest.raises(KeyError, match="masks-its-frames"):
        visit("masks-its-frames", 8000)  # a server's fault
    with pytest.raises(KeyError, match="no-such-fault"):
        visit("no-such-fault", 8000)


def test_where_no_websocket_opens(refused_port):
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{refused_port}"):
        visit("goes-away", refused_port)
    with FaultyServer("answers-200") as server, pytest.raises(HandshakeFailed, match="got 200"):
        visit("goes-away", server.url)
