"""Who may use the echo server of the lessons, tried for real."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers

from wslab.net import EchoServer, HandshakeFailed, connect
from wslab.net.servers.origin import refuse_unless_local


@pytest.fixture
def server():
    with EchoServer("page echo") as server:
        yield server


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://127.0.0.1:8888", "https://localhost:8888", "http://[::1]:8888"],
)
def test_programs_frames_and_pages_of_this_machine_get_in(server, origin):
    with connect(server.url, origin=origin) as client:
        client.send("hello")
        assert client.recv() == "hello"


@pytest.mark.parametrize(("host", "gets_in"), [("hub.example", True), ("other.example", False)])
def test_a_hubs_page_gets_in_through_its_proxy(host, gets_in):
    # jupyter-server-proxy leaves Host and Origin as the browser sent them.
    headers = Headers([("Host", host), ("Origin", "https://hub.example")])
    assert (refuse_unless_local(headers) is None) == gets_in


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://127.0.0.1.evil.example", "nullx", "http://[", "file://"],
)
def test_pages_of_strangers_do_not(server, origin):
    with pytest.raises(HandshakeFailed) as refused:
        connect(server.url, origin=origin)
    assert refused.value.status == 403
    assert b"other sites may not come in" in refused.value.body


def test_a_lesson_opens_its_server_on_purpose():
    with (
        EchoServer("open", open_to_all=True) as server,
        connect(server.url, origin="https://evil.example") as client,
    ):
        assert client.state == "OPEN"
