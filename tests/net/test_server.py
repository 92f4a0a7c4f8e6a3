"""The echo server: what it echoes, whom it lets in, how it starts and stops.

The client is the library's own blocking one, or a raw one, so that this does not rest on ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from wslab.net import (
    Client,
    EchoServer,
    HandshakeFailed,
    NotRunning,
    PortForbidden,
    PortTaken,
    RawClient,
    Server,
    Tap,
    WrongValue,
    loop,
    running,
    visit,
)
from wslab.net.clients import opening_request
from wslab.net.servers.server import HANDSHAKE_TIME
from wslab.wire import Capture
from wslab.wire.protocol import parse_head


def open_client(server, **options):
    options = {"compression": None, "ping_interval": None, "proxy": None} | options
    return connect(server.url, open_timeout=10, **options)


@pytest.mark.parametrize(
    "message", ["", "Hello", "zażółć gęślą jaźń 🙂", b"", b"\x00\xff", "x" * 70_000]
)
def test_text_comes_back_as_text_and_binary_as_binary(message):
    with EchoServer() as server, open_client(server) as client:
        client.send(message)
        assert client.recv(timeout=10) == message


def test_it_listens_on_loopback_only():
    with EchoServer() as server:
        assert server.url == f"ws://127.0.0.1:{server.port}/"
        with contextlib.closing(socket.socket()) as sock:
            sock.bind(("127.0.0.2", server.port))  # taken if it listened on every address


def test_it_counts_open_connections():
    with EchoServer() as server:
        assert server.connections == 0
        with open_client(server) as one, open_client(server) as two:
            for client in (one, two):
                client.send("x")
                client.recv(timeout=10)
            assert server.connections == 2


def test_it_answers_while_the_main_thread_is_blocked():
    with EchoServer() as server:
        url, heard = server.url, threading.Event()

        def other_program() -> None:
            with connect(url, proxy=None) as client:
                client.send("anybody there?")
                client.recv(timeout=10)
                heard.set()

        thread = threading.Thread(target=other_program)
        thread.start()
        assert heard.wait(10)  # the cell that does nothing but block
        thread.join()


def test_a_plain_get_is_told_to_upgrade():
    # RFC 9110 §15.5.22: 426 must name the protocol in Upgrade; §7.8: and Connection must name it.
    with EchoServer() as server, RawClient(server.url) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = parse_head(client.read_to_end())
        assert head.status == 426
        assert head.get("Upgrade") == "websocket"
        assert head.words("Connection") == ["upgrade", "close"]
        assert client.ended == "eof"


ASK = b" / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def answer_to(server, request):
    """The head of the answer, and what came after it."""
    with RawClient(server.port) as client:
        client.send(request)
        head, _, body = client.read_to_end().partition(b"\r\n\r\n")
    return parse_head(head + b"\r\n\r\n"), body


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"", 426),
        (b"Upgrade: websocket\r\n", 405),
        (b"Origin: https://attacker.example\r\n", 403),
        (b"Content-Length: 3\r\n", 400),
    ],
)
def test_head_is_answered_without_content(fields, status):
    # RFC 9110 §9.3.2: as GET, the header fields of the content included, but no content.
    with EchoServer() as server:
        head, body = answer_to(server, b"HEAD" + ASK + fields + b"\r\n")
    assert (head.status, body) == (status, b"")
    assert int(head.get("Content-Length")) > 0
    if status == 426:
        assert head.get("Upgrade") == "websocket"
        assert head.words("Connection") == ["upgrade", "close"]


@pytest.mark.parametrize(("method", "status"), [(b"GET", 400), (b"POST", 405), (b"GETS", 405)])
def test_only_the_method_that_is_wrong_is_called_wrong(method, status):
    with EchoServer() as server:
        head, body = answer_to(server, method + ASK + b"Content-Length: 3\r\n\r\na=b")
    assert head.status == status
    assert head.get("Allow") == (None if status == 400 else "GET")
    assert body == b"Expected a GET request without a body.\n"


def test_a_wrong_version_is_told_the_right_one():
    # RFC 6455 §4.2.2 (4) and §4.4.
    with EchoServer() as server:
        wrong = parse_head(visit("wrong-version", server.url).answer)
        missing = parse_head(visit("missing-version", server.url).answer)
    assert (wrong.status, wrong.get("Sec-WebSocket-Version")) == (426, "13")
    assert (missing.status, missing.get("Sec-WebSocket-Version")) == (400, "13")
    assert wrong.get("Server") == missing.get("Server")


def test_other_refusals_name_no_version():
    with EchoServer() as server:
        head = parse_head(visit("missing-key", server.url).answer)
    assert head.all("Sec-WebSocket-Version") == []


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:8888", True),
        ("http://lab.example:1234", True),
        ("https://attacker.example", False),
        ("http://lab.example:1234.attacker.example", False),
    ],
)
def test_a_foreign_origin_gets_403(origin, allowed):
    origins = [None, "http://localhost:8888", re.compile(r"http://lab\.example:\d+")]
    with EchoServer(origins=origins) as server:
        if allowed:
            with open_client(server, origin=origin):
                pass
        else:
            with pytest.raises(InvalidStatus, match="HTTP 403"), open_client(server, origin=origin):
                pass


def test_open_to_all_every_origin_is_let_in():
    origin = "https://attacker.example"
    with EchoServer(open_to_all=True) as server, open_client(server, origin=origin) as client:
        client.send("I am logged in here, am I not?")
        assert client.recv(timeout=10)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        (["chat"], "chat"),
        (["chat", "superchat"], "superchat"),
        (["other"], None),
    ],
)
def test_it_picks_the_subprotocol_it_likes_best_or_none(offered, chosen):
    with (
        EchoServer(subprotocols=["superchat", "chat"]) as server,
        open_client(server, subprotocols=offered) as client,
    ):
        assert client.subprotocol == chosen


def test_a_message_over_the_limit_is_answered_with_1009():
    with EchoServer(max_size=100) as server, open_client(server) as client:
        client.send("x" * 100)
        assert client.recv(timeout=10) == "x" * 100
        client.send("x" * 101)
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd.code == 1009


@pytest.mark.parametrize(("asked", "agreed"), [(None, []), ("deflate", ["permessage-deflate"])])
def test_compression_is_there_only_when_asked_for(asked, agreed):
    with (
        EchoServer(compression=asked) as server,
        open_client(server, compression="deflate") as client,
    ):
        assert [extension.name for extension in client.protocol.extensions] == agreed


def test_stopping_says_1001_and_frees_the_port():
    server = EchoServer().start()
    port = server.port
    with open_client(server) as client:
        client.send("x")
        client.recv(timeout=10)
        # The blocking client answers a close frame only from its own thread: it does.
        server.stop()
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd.code == 1001
    assert server.connections == 0
    with contextlib.closing(socket.socket()) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen()


def test_stopping_waits_neither_for_half_a_handshake_nor_for_a_client_that_says_nothing():
    server = EchoServer().start()
    with RawClient(server.port) as half, RawClient(server.port) as mute:
        half.send(b"GET / HTTP/1.1\r\nHost:")
        mute.send(opening_request(mute.address))
        assert parse_head(mute.read_head()).status == 101
        server.stop()
        assert half.read_to_end() == b""
        assert mute.read_to_end() == b"\x88\x02\x03\xe9"  # close 1001, never answered


def test_a_taken_port_says_which_of_ours_holds_it():
    with EchoServer(name="first") as first:
        with pytest.raises(PortTaken) as caught:
            EchoServer(name="second", port=first.port).start()
        message = str(caught.value)
        assert f"expected port {first.port} to be free for server 'second'" in message
        assert f"our own server 'first' at ws://127.0.0.1:{first.port}/ holds it" in message
        assert "stop_all()" in message
        with pytest.raises(PortTaken, match="our own server 'first'"):
            Tap(1, Capture(), port=first.port).start()
        assert first.is_running


def test_a_taken_port_says_that_somebody_else_holds_it():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"another program .* listens on 127.0.0.1:{port}"):
            EchoServer(port=port).start()


def test_a_forbidden_port_says_why():
    server = EchoServer(port=80)
    error = server._explain(PermissionError(13, "Permission denied"))
    assert isinstance(error, PortForbidden)
    assert "127.0.0.1:80 (Permission denied): ports below 1024" in str(error)


@pytest.mark.parametrize("port", [-1, 65536, "80", None])
def test_a_port_that_is_none_is_refused_at_once(port):
    with pytest.raises(WrongValue, match="expected a port from 0"):
        EchoServer(port=port)


def test_before_the_start_there_is_no_address():
    server = EchoServer()
    with pytest.raises(NotRunning, match=r"call start\(\) first"):
        _ = server.url
    assert repr(server) == "<EchoServer 'echo' not started>"
    server.start()
    assert repr(server) == f"<EchoServer 'echo' {server.url}>"
    server.stop()
    assert repr(server) == f"<EchoServer 'echo' {server.url}, stopped>"


class Crashing(Server):
    async def handle(self, connection: ServerConnection) -> None:
        await connection.recv()
        raise RuntimeError("the handler broke")


def test_a_handler_that_fails_closes_with_1011_and_is_logged_but_not_printed(capfd):
    with Crashing("crashing") as server, open_client(server) as client:
        client.send("x")
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd.code == 1011
    assert "RuntimeError: the handler broke" in repr(server.log)
    assert capfd.readouterr() == ("", "")


def test_a_connection_that_breaks_off_is_logged_but_not_printed(capfd):
    with EchoServer() as server:
        with RawClient(server.port) as client:
            client.send(opening_request(client.address))
            client.read_head()
            client.reset()
        server.stop()
        assert "a connection ended: no close frame received or sent" in repr(server.log)
    assert capfd.readouterr() == ("", "")


class Deaf(Server):
    """Its handler does not listen to the connection's end."""

    async def handle(self, connection: ServerConnection) -> None:
        self.entered.set()
        await connection.loop.create_future()


def test_stopping_does_not_wait_for_a_handler_that_never_ends():
    server = Deaf("deaf")
    server.entered = threading.Event()
    server.start()
    with RawClient(server.port) as client:
        client.send(opening_request(client.address))
        assert server.entered.wait(10)
        server.stop()
    assert server.connections == 0


class Stuck(EchoServer):
    """Its start, or its stop, never ends by itself."""

    def __init__(self, where: str) -> None:
        super().__init__("stuck")
        self.where = where
        self.reached = threading.Event()
        self.closed = threading.Event()

    async def _open(self, sock: socket.socket) -> None:
        await super()._open(sock)
        if self.where == "start":
            self.reached.set()
            await asyncio.get_running_loop().create_future()

    async def _close(self) -> None:
        if self.where == "stop":
            self.go_on = asyncio.Event()
            self.reached.set()
            await self.go_on.wait()
        await super()._close()
        self.closed.set()


def test_a_single_origin_or_subprotocol_may_stand_alone():
    server = EchoServer(origins="http://a.example", subprotocols="chat")
    assert server.subprotocols == ("chat",)
    with server:
        with pytest.raises(HandshakeFailed):
            Client(server.url).connect(origin="http://b.example")
        with Client(server.url).connect(
            origin="http://a.example", subprotocols=["talk", "chat"]
        ) as client:
            assert client.subprotocol == "chat"


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(WrongValue, match=r"expected a name as str, .* got None"):
        EchoServer(None)


def test_an_interrupted_start_leaves_nothing_behind(interrupt_when):
    server = Stuck("start")
    interrupt_when(server.reached)
    with pytest.raises(KeyboardInterrupt):
        server.start()
    assert server.closed.wait(10)
    assert not server.is_running
    assert list(running()) == []
    server.where = ""
    with server, open_client(server) as client:
        client.send("now it runs")
        assert client.recv(timeout=10) == "now it runs"


def test_an_interrupted_stop_stops_all_the_same(interrupt_when):
    server = Stuck("stop").start()
    interrupt_when(server.reached)
    with pytest.raises(KeyboardInterrupt):
        server.stop()
    assert list(running()) == []
    loop.start().call_soon_threadsafe(server.go_on.set)
    assert server.closed.wait(10)
    assert not server.is_running


def test_an_interrupt_that_lands_when_the_start_is_over_leaves_nothing_running(interrupt_when):
    over = threading.Event()

    class Late(Stuck):
        async def _start(self) -> None:
            await super()._start()
            over.set()
            # Holds the loop thread up, so that the interrupt comes before the answer.
            interrupted.wait(10)

    interrupted = threading.Event()
    server = Late("")
    cancel = loop._Call.cancel

    def cancelled(call):
        cancel(call)
        interrupted.set()

    interrupt_when(over)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._Call, "cancel", cancelled)
        with pytest.raises(KeyboardInterrupt):
            server.start()
    assert not server.is_running
    assert list(running()) == []
    assert server.closed.is_set()


def test_a_stop_that_is_interrupted_before_it_began_can_still_be_found(interrupt_when):
    server = Stuck("").start()
    asked, go_on = threading.Event(), threading.Event()
    begin = loop._Call.begin

    def begun(call):
        begin(call)
        asked.set()

    loop.start().call_soon_threadsafe(go_on.wait, 10)  # holds the loop thread up
    interrupt_when(asked)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop._Call, "begin", begun)
            with pytest.raises(KeyboardInterrupt):
                server.stop()
        assert server.is_running
        assert [entry.thing for entry in running()] == [server]
    finally:
        go_on.set()
    server.stop()
    assert list(running()) == []


def test_a_handshake_may_be_held_at_the_tap_for_minutes(monkeypatch):
    # The library's own limit is 10 seconds: who looked at a held request lost the connection.
    limit = "wslab.net.servers.server.HANDSHAKE_TIME"
    assert HANDSHAKE_TIME >= 300
    monkeypatch.setattr(limit, 0.01)  # and it is this one that counts
    with EchoServer() as server, socket.create_connection(("127.0.0.1", server.port), 10) as waits:
        assert waits.recv(100) == b""
