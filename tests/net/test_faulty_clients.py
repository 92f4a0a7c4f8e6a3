"""Each faulty client, sent for real to a server that follows the RFCs."""

from __future__ import annotations

import pytest

from wslab.net import Address, ConnectFailed, EchoServer, RawConnection, RawServer, Tap, visit
from wslab.net.cases import FAULTY_CLIENTS
from wslab.net.clients import KEY, opening_request
from wslab.wire import accept_key
from wslab.wire.protocol import parse_head

NAMES = list(FAULTY_CLIENTS)


@pytest.mark.parametrize("name", NAMES)
def test_the_server_answers_as_the_rfcs_ask(name, capture):
    fault = FAULTY_CLIENTS[name]
    with EchoServer(origins=[None]) as server, Tap(server.port, capture) as tap:
        result = visit(name, tap.url)
        around = visit(name, server.port)
    assert result.status == around.status == fault.expected
    assert result.name == name
    phrase = parse_head(result.answer).first_line.partition(" ")[2]
    word = "accepted" if fault.expected == 101 else "refused"
    assert result.outcome == f"{word} with {phrase}"
    assert result.api == f"HTTP status {phrase}"
    # On the wire is what the result says, byte for byte.
    assert capture.stream(1, "client") == result.sent
    assert capture.stream(1, "server") == result.answer


@pytest.mark.parametrize("name", NAMES)
def test_each_is_the_same_every_time_and_differs_from_the_right_one(name):
    with EchoServer() as server:
        first, second = visit(name, server.url).sent, visit(name, server.url).sent
        right = opening_request(Address.parse(server.url))
    assert first == second
    assert (first == right) == (name == "correct")
    assert first.endswith(b"\r\n\r\n")


def test_the_right_one_is_right():
    assert opening_request(Address.parse("ws://127.0.0.1:8000/chat")) == (
        b"GET /chat HTTP/1.1\r\n"
        b"Host: 127.0.0.1:8000\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"\r\n"
    )
    with EchoServer() as server:
        answer = parse_head(visit("correct", server.url).answer)
    assert answer.get("Sec-WebSocket-Accept") == accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_only_a_server_that_checks_refuses_a_foreign_origin():
    with EchoServer() as server:
        assert visit("foreign-origin", server.url).status == 403
    with EchoServer(open_to_all=True) as server:
        assert visit("foreign-origin", server.url).status == 101


def test_refusals_of_the_upgrade_say_which_protocol_is_wanted():
    with EchoServer() as server:
        for name in ("missing-upgrade", "wrong-upgrade", "missing-connection", "wrong-connection"):
            assert parse_head(visit(name, server.url).answer).get("Upgrade") == "websocket"
        assert parse_head(visit("post-method", server.url).answer).get("Allow") == "GET"


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError, match="no-such-fault"):
        visit("no-such-fault", 8000)


def test_nobody_there_is_told(refused_port):
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{refused_port}"):
        visit("correct", refused_port)


async def _nothing(connection: RawConnection) -> None:
    """Closes without a word."""


async def _noise(connection: RawConnection) -> None:
    await connection.send(b"\x00\x01\x02")


async def _cut(connection: RawConnection) -> None:
    connection.reset()


async def _hang(connection: RawConnection) -> None:
    await connection.wait_end()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (_nothing, "nothing came back, the server closed"),
        (_noise, "nothing that is HTTP came back, the server closed"),
        (_cut, "nothing came back, the connection was reset"),
        (_hang, "nothing came back, timeout"),
    ],
)
def test_no_answer_is_an_outcome_too(script, outcome):
    with RawServer(script) as server:
        result = visit("correct", server.port, timeout=0.2)
    assert (result.status, result.outcome, result.api) == (None, outcome, "no HTTP status")
