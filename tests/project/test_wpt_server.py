"""What web-platform-tests expect behind each path, tried with the library's client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from wpt_server import BASE, WptServer


@pytest.fixture(scope="module")
def server() -> Iterator[WptServer]:
    server = WptServer()
    server.start()
    yield server
    server.stop()


def opened(server: WptServer, path: str, *subprotocols: str) -> ClientConnection:
    url = f"ws://127.0.0.1:{server.port}{path}"
    return connect(url, subprotocols=subprotocols or None, compression=None, proxy=None)


@pytest.mark.parametrize("path", ["/echo", f"{BASE}proxy/4321/echo"])
def test_echo_ends_with_goodbye_below_a_proxys_path_too(server, path):
    with opened(server, path, "chat", "echo") as client:
        assert client.subprotocol == "echo"
        for message in ["", b"\x00\xff", "Goodbye"]:
            client.send(message)
            assert client.recv(5) == message
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(5)
    assert closed.value.rcvd.code == 1000


@pytest.mark.parametrize(
    ("path", "sent", "told"),
    [
        ("/echo-query?x%00y", None, "x%00y"),
        ("/empty-message", "", "pass"),
        ("/empty-message", "x", "fail"),
        ("/referrer", None, "MISSING AS PER FETCH"),
        ("/echo_raw", b"\x81\x02hi", "hi"),
        ("/receive-many-with-backpressure", b"four", "4"),
    ],
)
def test_paths_tell_what_they_got(server, path, sent, told):
    with opened(server, path) as client:
        if sent is not None:
            client.send(sent)
        assert client.recv(5) == told


def test_the_first_subprotocol_is_taken_and_told(server):
    with opened(server, "/protocol_array", "foobar", "foobar2") as client:
        assert client.subprotocol == client.recv(5) == "foobar"


def test_a_close_frame_comes_with_the_answer_and_no_second_one(server):
    with opened(server, "/simple_handshake") as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(5)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "PASS")
    assert closed.value.rcvd_then_sent


@pytest.mark.parametrize("path", ["/wrong_accept_key", "/handshake_protocol", "/invalid", "/none"])
def test_bad_handshakes_are_bad(server, path):
    with pytest.raises(InvalidHandshake):
        opened(server, path)
