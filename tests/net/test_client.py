"""The client handle: what it sends, receives and reports, with a real server at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException

from wslab.net import (
    Client,
    ConnectFailed,
    ConnectTimedOut,
    EchoServer,
    HandshakeFailed,
    NotConnected,
    RawConnection,
    RawServer,
    Server,
    TimedOut,
    WrongClose,
    WrongMessage,
    WrongURL,
    WrongValue,
    connect,
    loop,
    parse_url,
    running,
)
from wslab.net.clients.client import EVENTS_KEPT
from wslab.net.clients.connect_failure import explain
from wslab.wire import encode_frame
from wslab.wire.protocol import parse_head

from .conftest import PATIENCE


def names(client):
    return [event.name for event in client.events]


class Watcher:
    """Waits, with an end to its patience, until a client's state is what a test wants."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.changed = threading.Condition()
        self.states: list[str] = []
        self.unsubscribe = client.subscribe(self._look)

    def _look(self) -> None:
        with self.changed:
            state = self.client.state
            if self.states[-1:] != [state]:
                self.states.append(state)
            self.changed.notify_all()

    def wait_for(self, condition) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 10), (self.states, self.client.events)


class Scripted(Server):
    """A server whose handler a test gives."""

    def __init__(self, handler, **options) -> None:
        super().__init__("scripted", **options)
        self.handler = handler

    async def handle(self, connection: ServerConnection) -> None:
        await self.handler(connection)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", 5),
        ("compression", "gzip"),
        ("ping_interval", -1),
        ("ping_timeout", "x"),
        ("max_size", "x"),
        ("max_size", -1),
        ("close_timeout", "x"),
        ("close_timeout", float("nan")),
    ],
)
def test_an_option_that_cannot_work_is_refused_before_anything_is_connected(option, value):
    with pytest.raises(WrongValue, match=f"expected (a )?{option} .*, got {value!r}"):
        Client(**{option: value})


# Messages


@pytest.mark.parametrize(
    "message", ["", "Hello", "zażółć 🙂 \x00", b"", b"\x00\xff\x80", "x" * 200_000]
)
def test_a_message_goes_through_the_tap_and_comes_back(lab, message):
    with connect(lab.tap.url) as client:
        client.send(message)
        assert client.recv() == message
        assert (client.sent, client.received) == (1, 1)


@pytest.mark.parametrize("message", [bytearray(b"ab"), memoryview(b"ab")])
def test_other_kinds_of_bytes_are_sent_as_binary(lab, message):
    with connect(lab.server.url) as client:
        client.send(message)
        assert client.recv() == b"ab"


def test_messages_wait_until_they_are_read_and_keep_their_order(lab):
    with connect(lab.server.url) as client:
        for number in range(100):
            client.send(str(number))
        assert [client.recv() for _ in range(100)] == [str(number) for number in range(100)]
        assert client.waiting == 0


def test_many_threads_may_use_one_client(lab):
    with connect(lab.server.url) as client:
        threads = [
            threading.Thread(target=lambda n=n: [client.send(f"{n}") for _ in range(20)])
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        received = [client.recv() for _ in range(160)]
    assert sorted(received) == sorted(str(n) for n in range(8) for _ in range(20))


def test_waiting_for_a_message_that_does_not_come_ends():
    with EchoServer() as server, connect(server.url) as client:
        with pytest.raises(TimedOut, match=r"expected a message within 0\.01 s, none came"):
            client.recv(timeout=0.01)
        client.send("x")
        assert client.recv() == "x"


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("ok\ud800ok", r"half a surrogate pair, U\+D800, at position 2"),
        ("\udfff", r"half a surrogate pair, U\+DFFF, at position 0"),
        (42, "expected str .* or bytes .*, got int"),
        (None, "got NoneType"),
        (["a", "b"], "got list"),
    ],
)
def test_what_no_frame_can_carry_is_refused_before_anything_is_sent(lab, message, complaint):
    with connect(lab.tap.url) as client:
        before = len(lab.capture.stream(1, "client"))
        with pytest.raises(WrongMessage, match=complaint) as caught:
            client.send(message)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, TypeError)
        assert len(lab.capture.stream(1, "client")) == before
        client.send("still open")
        assert client.recv() == "still open"


def test_a_message_too_big_for_the_server_shows_1009(lab):
    client = connect(lab.tap.url)
    client.send("x" * 16_000_000)
    with pytest.raises(NotConnected, match=r"1009 \(Message Too Big\), reason \"frame with 16000"):
        client.recv()
    assert (client.state, client.close_code) == ("CLOSED", 1009)
    assert "the server closed the connection with code 1009" in client.error


def test_a_message_too_big_for_the_client_breaks_the_connection_off():
    async def flood(connection: ServerConnection) -> None:
        await connection.send("x" * 101)
        await connection.wait_closed()

    with Scripted(flood) as server:
        client = connect(server.url, max_size=100)
        with pytest.raises(NotConnected, match=r"broke the connection off with code 1009"):
            client.recv()
        assert client.close_code == 1006  # the server sent none, and 1006 is never sent


def test_a_server_that_takes_no_data_is_told_after_a_while():
    async def deaf(connection: RawConnection) -> None:
        await connection.upgrade()
        connection.writer.transport.pause_reading()
        await asyncio.get_running_loop().create_future()

    with RawServer(deaf) as server:
        client = connect(server.url)
        with pytest.raises(TimedOut, match=r"took no data for 0\.1 s: [\d,]+ bytes still wait"):
            client.send(b"x" * 20_000_000, timeout=0.1)


def test_a_server_that_takes_no_data_and_says_no_more_holds_nobody_up():
    """Half closed from there, and full here: CLOSED, but the connection is not gone by itself."""
    told = asyncio.Event()

    async def deaf_and_dumb(connection: RawConnection) -> None:
        await connection.upgrade()
        connection.writer.transport.pause_reading()
        await told.wait()
        connection.writer.write_eof()
        await asyncio.get_running_loop().create_future()

    with RawServer(deaf_and_dumb) as server:
        client = connect(server.url)
        closed = threading.Event()
        client.subscribe(lambda: closed.set() if client.state == "CLOSED" else None)
        with pytest.raises(TimedOut, match="took no data"):
            client.send(b"x" * 20_000_000, timeout=0.1)
        loop.start().call_soon_threadsafe(told.set)
        stop = threading.Thread(target=client.stop, daemon=True)
        stop.start()
        stop.join(PATIENCE)
        assert not stop.is_alive()
        assert closed.is_set()


# Pings


def test_a_ping_measures_the_round_trip(lab):
    with connect(lab.tap.url) as client:
        assert 0 < client.ping() < 10
        assert 0 < client.ping(b"payload") < 10
        assert 0 < client.ping("text") < 10
    assert names(client).count("ping") == names(client).count("pong") == 3


def test_a_ping_without_a_pong_times_out_and_may_be_tried_again():
    async def mute(connection: RawConnection) -> None:
        await connection.upgrade()
        await connection.wait_end()

    with RawServer(mute) as server:
        client = connect(server.url)
        for _ in range(2):
            with pytest.raises(TimedOut, match=r"expected a pong within 0\.01 s"):
                client.ping(b"same", timeout=0.01)


def test_a_ping_to_a_server_that_takes_no_data_times_out_too():
    async def deaf(connection: RawConnection) -> None:
        await connection.upgrade()
        connection.writer.transport.pause_reading()
        await asyncio.get_running_loop().create_future()

    def ping() -> None:
        with pytest.raises(TimedOut, match=r"expected a pong within 0\.01 s"):
            client.ping(b"same", timeout=0.01)

    with RawServer(deaf) as server:
        client = connect(server.url)
        with pytest.raises(TimedOut, match="took no data"):
            client.send(b"x" * 20_000_000, timeout=0.1)
        for _ in range(2):  # and may be tried again
            pinging = threading.Thread(target=ping, daemon=True)
            pinging.start()
            pinging.join(PATIENCE)
            assert not pinging.is_alive()
        assert client._connection is not None
        assert client._connection.pending_pings == {}


def test_a_ping_of_126_bytes_is_refused(lab):
    with connect(lab.server.url) as client:
        with pytest.raises(WrongMessage, match="at most 125 bytes, got 126"):
            client.ping(b"x" * 126)
        assert client.ping(b"x" * 125) > 0


def test_pings_from_the_server_are_told():
    async def pinging(connection: ServerConnection) -> None:
        await (await connection.ping(b"\x01\x02"))
        await connection.send("ponged")
        await connection.wait_closed()

    with Scripted(pinging) as server, connect(server.url) as client:
        assert client.recv() == "ponged"
        texts = [event.text for event in client.events if event.name == "ping"]
        assert texts == ["received 2 bytes: 01 02; the library answered with a pong"]


def test_no_ping_and_no_compression_unless_asked_for(lab):
    with connect(lab.tap.url) as client:
        client.send("x")
        client.recv()
    request = parse_head(lab.capture.stream(1, "client"))
    assert request.all("Sec-WebSocket-Extensions") == []
    with connect(lab.tap.url, compression="deflate"):
        request = parse_head(lab.capture.stream(2, "client"))
        assert "permessage-deflate" in request.get("Sec-WebSocket-Extensions")


# States and events


def test_the_state_follows_the_connection(lab):
    client = Client(lab.server.url)
    watcher = Watcher(client)
    assert (client.state, client.close_code, client.close_reason) == ("CLOSED", None, None)
    client.connect()
    assert client.state == "OPEN"
    assert client.close_code is None
    client.close()
    assert (client.state, client.close_code, client.close_reason) == ("CLOSED", 1000, "")
    assert watcher.states == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]


def test_the_events_tell_the_story(lab):
    started = time.time()
    client = connect(lab.server.url)
    client.send("Hello")
    client.recv()
    client.send(b"\x00\x01")
    client.recv()
    client.close()
    assert [(event.name, event.text) for event in client.events] == [
        ("open", f"open: {lab.server.url}"),
        ("sent", "Hello"),
        ("message", "Hello"),
        ("sent", "2 bytes: 00 01"),
        ("message", "2 bytes: 00 01"),
        (
            "close",
            "this client closed the connection with code 1000 (Normal Closure); "
            "the server answered 1000 (Normal Closure)",
        ),
    ]
    assert all(started <= event.time <= time.time() for event in client.events)
    assert client.error is None


def test_old_events_go(lab):
    with connect(lab.server.url) as client:
        for _ in range(EVENTS_KEPT // 2 + 1):
            client.send("x")
            client.recv()
        assert len(client.events) == EVENTS_KEPT
        assert "open" not in names(client)


def test_a_long_message_is_shortened_in_the_events(lab):
    with connect(lab.server.url) as client:
        client.send("y" * 1000)
        client.recv()
        assert client.events[-1].text == "y" * 200 + "… (1,000 characters)"


def test_a_subscription_ends_and_a_subscriber_that_fails_is_only_noted(lab, capfd):
    calls = []

    def fail() -> None:
        raise RuntimeError("I am broken")

    def call_back() -> None:
        client.send("from the loop thread")

    with connect(lab.server.url) as client:
        for callback in (fail, call_back):
            client.subscribe(callback)
        unsubscribe = client.subscribe(lambda: calls.append(1))
        client.send("x")
        assert client.recv() == "x"
        seen = len(calls)
        assert seen >= 1
        unsubscribe()
        unsubscribe()
        client.ping()
        assert len(calls) <= seen + 1  # the echo may have been on its way
        assert "a subscriber failed: RuntimeError: I am broken" in repr(client.log)
        assert "OnLoopThread" in repr(client.log)
    assert capfd.readouterr() == ("", "")


def test_it_tells_its_story(lab):
    client = Client()
    assert repr(client) == "<Client CLOSED>"
    client.connect(lab.server.url)
    client.send("x")
    client.recv()
    assert repr(client) == f"<Client OPEN {lab.server.url}, 1 sent, 1 received>"
    client.close(4001, "enough")
    assert repr(client) == (
        f"<Client CLOSED {lab.server.url}, 1 sent, 1 received; this client closed the connection "
        'with code 4001 (Private Code), reason "enough"; the server answered 4001 (Private Code), '
        'reason "enough">'
    )


# Ends


def test_after_the_end_what_came_can_still_be_read():
    async def three_and_out(connection: ServerConnection) -> None:
        for word in ("one", "two", "three"):
            await connection.send(word)
        await connection.close(4000, "that was all")

    with Scripted(three_and_out) as server:
        client = connect(server.url)
        Watcher(client).wait_for(lambda: client.state == "CLOSED")
        assert [client.recv() for _ in range(3)] == ["one", "two", "three"]
        story = r'the server closed the connection with code 4000 .*, reason "that was all"'
        with pytest.raises(NotConnected, match=story):
            client.recv()
        with pytest.raises(NotConnected, match=story):
            client.send("x")
        with pytest.raises(NotConnected, match=story):
            client.ping()
        assert (client.close_code, client.close_reason) == (4000, "that was all")
        assert client.error is None


def test_a_server_that_stops_says_1001(lab):
    client = connect(lab.tap.url)
    client.send("x")
    client.recv()
    lab.server.stop()
    with pytest.raises(NotConnected, match=r"1001 \(Going Away\)"):
        client.recv()
    assert client.close_code == 1001


def test_a_connection_that_is_cut_off_reports_1006(lab):
    client = connect(lab.tap.url)
    lab.tap.stop()
    with pytest.raises(NotConnected, match="broke off without a close frame"):
        client.recv()
    assert client.close_code == 1006
    assert "1006" in client.error


def test_a_server_that_breaks_the_protocol_gets_1002_and_1006_is_reported():
    async def masks(connection: RawConnection) -> None:
        await connection.upgrade()
        await connection.send(encode_frame(1, b"masked", masking_key=b"\1\2\3\4"))
        close_frame = await connection.reader.readexactly(8)
        assert close_frame[0] == 0x88

    with RawServer(masks) as server:
        client = connect(server.url)
        with pytest.raises(
            NotConnected, match=r"because of what the server sent: incorrect masking"
        ):
            client.recv()
        assert client.close_code == 1006
        assert list(server.log) == []


def test_closing_twice_is_closing_once(lab):
    client = connect(lab.server.url)
    client.close()
    client.close()
    client.stop()
    Client().close()
    assert names(client).count("close") == 1


def test_a_close_that_is_never_answered_ends_after_the_close_timeout():
    async def deaf(connection: RawConnection) -> None:
        await connection.upgrade()
        await connection.wait_end()

    with RawServer(deaf) as server:
        client = connect(server.url, close_timeout=0.05)
        client.close()
        assert (client.state, client.close_code) == ("CLOSED", 1006)
        assert "sent close code 1000 (Normal Closure), but no close frame came back" in client.error


def test_a_close_that_waits_long_says_why_and_goes_on(lab):
    client = connect(lab.tap.url, close_timeout=600.0)
    lab.tap.hold()
    with pytest.raises(TimedOut, match=r"within 0\.05 s.*hold\(\).*is CLOSING and waits on"):
        client.close(timeout=0.05)
    ended = threading.Event()
    client.subscribe(lambda: ended.set() if client.state == "CLOSED" else None)
    lab.tap.disarm()
    assert ended.wait(PATIENCE)
    assert client.close_code == 1000


@pytest.mark.parametrize("code", [0, 999, 1001, 1005, 1006, 1011, 1015, 2999, 5000, "1000", True])
def test_a_code_that_may_not_be_sent_is_refused_and_the_connection_stays_open(lab, code):
    with connect(lab.server.url) as client:
        with pytest.raises(WrongClose, match=r"expected (a )?close code"):
            client.close(code)
        client.send("still open")
        assert client.recv() == "still open"


@pytest.mark.parametrize(
    ("reason", "complaint"),
    [
        ("x" * 124, "at most 123 bytes in UTF-8, got 124"),
        ("ż" * 62, "at most 123 bytes in UTF-8, got 124"),
        ("\ud800", "half a surrogate pair at position 0"),
        (b"bytes", "expected the reason as str"),
    ],
)
def test_a_reason_that_may_not_be_sent_is_refused_too(lab, reason, complaint):
    with connect(lab.server.url) as client:
        with pytest.raises(WrongClose, match=complaint):
            client.close(1000, reason)
        assert client.state == "OPEN"
        client.close(1000, "x" * 123)
        assert client.close_reason == "x" * 123


# Connecting


def test_it_offers_subprotocols_and_shows_which_one_was_picked():
    with EchoServer(subprotocols=["chat"]) as server:
        with connect(server.url, subprotocols=["superchat", "chat"]) as client:
            assert client.subprotocol == "chat"
        with connect(server.url, subprotocols="chat") as client:
            assert client.subprotocol == "chat"
        with connect(server.url) as client:
            assert client.subprotocol is None


def test_it_sends_an_origin_and_headers(lab):
    with connect(lab.tap.url, origin="http://localhost:8888", headers={"X-Lesson": "2"}):
        request = parse_head(lab.capture.stream(1, "client"))
    assert request.get("Origin") == "http://localhost:8888"
    assert request.get("X-Lesson") == "2"
    assert "websockets/" in request.get("User-Agent")
    with connect(lab.tap.url, headers=[("X-A", "1"), ("X-A", "2")]):
        assert parse_head(lab.capture.stream(2, "client")).all("X-A") == ["1", "2"]


def test_connecting_again_replaces_the_connection(lab):
    client = connect(lab.tap.url)
    client.send("old")
    client.recv()
    client.connect()
    assert client.state == "OPEN"
    assert (client.sent, client.received, client.waiting) == (0, 0, 0)
    client.send("new")
    assert client.recv() == "new"
    client.close()
    rows = lab.capture.index.rows(0, 99)
    closes = [(row.connection, row.direction, row.preview) for row in rows if row.kind == "close"]
    assert closes[0][:2] == (1, "client")
    assert {number for number, _, _ in closes} == {1, 2}


def test_whoever_waits_on_the_replaced_connection_is_told(lab):
    client = connect(lab.server.url)
    caught = []

    def wait() -> None:
        began.set()
        try:
            client.recv(timeout=10)
        except NotConnected as error:
            caught.append(error)

    began = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    began.wait(10)
    client.connect()
    thread.join()
    assert "connect() was called again" in str(caught[0])


def test_it_must_be_connected_first():
    client = Client()
    for action in (lambda: client.send("x"), client.recv, client.ping):
        with pytest.raises(NotConnected, match=r"call connect\(url\) first"):
            action()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://127.0.0.1:8000/x", r"expected ws:// or wss://, got http://.*try 'ws://127.0.0.1"),
        ("HTTPS://127.0.0.1", r"got https://.*try 'wss://127.0.0.1'"),
        ("ftp://127.0.0.1", r"expected ws:// or wss:// \(RFC 6455 §3\), got ftp://"),
        ("127.0.0.1:8000", r"try 'ws://127.0.0.1:8000'"),
        ("ws://127.0.0.1 :80/", r"got a space at position 14"),
        ("ws://127.0.0.1/a b", r"or write %20"),
        ("ws://127.0.0.1/\n", None),
        ("ws://127.0.0.1/a\tb", r"the character '\\t' at position 16"),
        ("ws://\ud800/", r"the character '\\ud800'"),
        ("", "got an empty text"),
        (None, "got an empty text"),
        ("   ", "got an empty text"),
        (7, "expected a URL as str"),
        ("ws://", "expected a host after ws://"),
        ("ws://:80", "expected a host after ws://"),
        ("ws://127.0.0.1:0", "got 0 in"),
        ("ws://127.0.0.1:99999", "expected ws://host:port/path"),
        (f"ws://127.0.0.1:{'9' * 5000}/", "from 1 to 65535, got one of more than 20 digits"),
        ("ws://127.0.0.1:abc", "expected ws://host:port/path"),
        ("ws://[::1", "expected ws://host:port/path"),
        ("ws://a..b/", "expected ws://host:port/path"),
        ("ws://127.0.0.1/#part", "without '#'"),
        ("ws://user@127.0.0.1/", "username provided without password"),
    ],
)
def test_a_url_that_cannot_work_is_explained(url, complaint):
    client = Client(url)
    if complaint is None:  # white space around a pasted URL is no fault of the learner's
        with pytest.raises(ConnectFailed):
            client.connect()
        return
    with pytest.raises(WrongURL, match=complaint) as caught:
        client.connect()
    assert client.state == "CLOSED"
    assert client.error == str(caught.value)
    assert names(client) == ["error"]
    assert list(running()) == []


def test_a_wrong_url_leaves_an_open_connection_alone(lab):
    with connect(lab.server.url) as client:
        with pytest.raises(WrongURL):
            client.connect("http://127.0.0.1")
        assert (client.state, client.url) == ("OPEN", lab.server.url)
        client.send("x")
        assert client.recv() == "x"


def test_nobody_listening_says_what_is_running(lab, refused_port):
    client = Client(f"ws://127.0.0.1:{refused_port}/")
    with pytest.raises(ConnectFailed) as caught:
        client.connect()
    message = str(caught.value)
    assert f"expected a server at 127.0.0.1:{refused_port}, but nobody listens there" in message
    assert f"Ours are: echo {lab.server.url}, tap {lab.tap.url}." in message
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert (client.state, client.error, client.close_code) == ("CLOSED", message, None)


def test_every_address_of_a_name_refusing_is_the_same_story(refused_port):
    with pytest.raises(ConnectFailed, match="nobody listens there"):
        connect(f"ws://localhost:{refused_port}")


def test_a_host_name_that_does_not_exist():
    # Not looked up for real: the question would leave this machine.
    cause = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    error = explain(cause, parse_url("ws://nowhere.invalid/"), 10.0, reached=False)
    assert isinstance(error, ConnectFailed)
    assert "a host name that exists, got 'nowhere.invalid' (Name or service not known)" in str(
        error
    )


def test_a_refused_handshake_shows_status_and_body():
    with EchoServer(origins=["http://allowed.example"]) as server:
        with pytest.raises(HandshakeFailed) as caught:
            connect(server.url, origin="http://foreign.example")
        error = caught.value
        assert error.status == 403
        assert error.body.startswith(b"Failed to open a WebSocket connection: invalid Origin")
        assert error.headers["Content-Type"].startswith("text/plain")
        assert "expected 101 Switching Protocols" in str(error)
        assert 'got 403 Forbidden, and said: "Failed to open a WebSocket' in str(error)
        assert isinstance(error.__cause__, InvalidStatus)


def test_something_that_is_not_http():
    async def babble(connection: RawConnection) -> None:
        await connection.send(b"220 mail.example ESMTP\r\n")

    with RawServer(babble) as server:
        with pytest.raises(HandshakeFailed, match="got none that makes sense") as caught:
            connect(server.url)
        assert isinstance(caught.value.__cause__, InvalidMessage)
        assert caught.value.status is None


def test_a_plain_server_behind_a_wss_url(lab):
    with pytest.raises(ConnectFailed, match="the URL begins with ws://, not wss://"):
        connect(lab.server.url.replace("ws://", "wss://"))


def test_a_server_that_never_answers():
    async def hang(connection: RawConnection) -> None:
        await connection.wait_end()

    with RawServer(hang) as server:
        client = Client(server.url)
        with pytest.raises(
            ConnectTimedOut, match=r"within 0\.05 s.*the request was sent"
        ) as caught:
            client.connect(open_timeout=0.05)
        assert isinstance(caught.value, TimeoutError)
        assert isinstance(caught.value, ConnectFailed)
        assert isinstance(caught.value.__cause__, TimeoutError)
        assert client.state == "CLOSED"


@contextlib.contextmanager
def an_attempt_that_hangs() -> Iterator[Client]:
    """A client that is CONNECTING on another thread; what happens meanwhile makes it give up."""

    async def hang(connection: RawConnection) -> None:
        await connection.wait_end()

    with RawServer(hang) as server:
        client = Client(server.url)
        watcher = Watcher(client)
        caught = []

        def attempt() -> None:
            try:
                client.connect()
            except ConnectFailed as error:
                caught.append(error)

        thread = threading.Thread(target=attempt)
        thread.start()
        watcher.wait_for(lambda: client.state == "CONNECTING")
        yield client
        thread.join()
        assert "was given up" in str(caught[0])


def test_an_attempt_to_connect_can_be_given_up_from_another_thread():
    with an_attempt_that_hangs() as client:
        client.close()
    assert client.state == "CLOSED"
    assert list(running()) == []


def test_an_attempt_to_connect_can_be_replaced_from_another_thread(lab):
    with an_attempt_that_hangs() as client:
        client.connect(lab.server.url)
    client.send("x")
    assert client.recv() == "x"
    assert "client" in [entry.kind for entry in running()]
    client.close()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"subprotocols": ["a b"]}, "got 'a b'"),
        ({"subprotocols": "chat, superchat"}, "got 'chat, superchat'"),
        ({"subprotocols": [1]}, "got 1"),
        ({"subprotocols": 1}, "as a list of str, got 1"),
        ({"headers": [1]}, "pairs of name and value, got 1"),
        ({"headers": "X: 1"}, "pairs of name and value, got 'X: 1'"),
        ({"headers": 1}, "pairs of name and value, got 1"),
        ({"headers": {1: "x"}}, "header's name .* got 1"),
        ({"headers": {"X Y": "x"}}, "got 'X Y'"),
        ({"headers": {"X": 1}}, "the value of X as str, got 1"),
        ({"headers": {"X": "a\r\nEvil: 1"}}, r"got '\\r' at position 1\."),
        ({"headers": [("X", "日")]}, r"got '\\u65e5' at position 0\."),
        ({"origin": "x\r\nEvil: 1"}, "value of Origin without control characters"),
        ({"origin": 1}, "value of Origin as str"),
    ],
)
def test_a_handshake_that_cannot_be_sent_is_refused_before_anything_is_sent(
    lab, options, complaint
):
    with connect(lab.tap.url) as client:
        with pytest.raises(WrongValue, match=complaint) as refused:
            client.connect(lab.tap.url, **options)
        assert str(refused.value).startswith("the handshake cannot be sent like this: expected ")
        assert str(refused.value).endswith(". Nothing was sent")
        assert client.error == str(refused.value)
        assert client.state == "OPEN"  # as it was
        assert lab.tap.connections == 1


def test_what_iso_8859_1_can_carry_is_sent(lab):
    headers = {"X-Name": "Zo\u00eb\t!"}
    with connect(lab.tap.url, headers=headers, subprotocols=iter(["a", "b"])):
        request = lab.capture.stream(1, "client")
    assert b"X-Name: Zo\xeb\t!\r\n" in request
    assert b"Sec-WebSocket-Protocol: a, b\r\n" in request


def test_no_subprotocols_are_no_field(lab):
    with connect(lab.tap.url, subprotocols=[], headers={}):
        assert b"Sec-WebSocket-Protocol" not in lab.capture.stream(1, "client")


def test_the_librarys_own_exception_is_kept_as_the_cause():
    with EchoServer(origins=[]) as server:
        with pytest.raises(HandshakeFailed) as caught:
            connect(server.url)
        assert isinstance(caught.value.__cause__, WebSocketException)


# Interrupts


def test_interrupting_recv_loses_no_message_and_leaves_the_client_usable(lab, interrupt_when):
    with connect(lab.server.url) as client:
        waiting = threading.Event()
        interrupt_when(waiting)

        def wait_for_a_message() -> None:
            waiting.set()
            client.recv(timeout=30)

        with pytest.raises(KeyboardInterrupt):
            wait_for_a_message()
        client.send("after the interrupt")
        assert client.recv() == "after the interrupt"


def test_interrupting_connect_leaves_nothing_and_the_client_usable(lab, interrupt_when):
    arrived = threading.Event()

    async def hang(connection: RawConnection) -> None:
        arrived.set()
        await connection.wait_end()

    with RawServer(hang) as server:
        client = Client(server.url)
        watcher = Watcher(client)
        interrupt_when(arrived)
        with pytest.raises(KeyboardInterrupt):
            client.connect(open_timeout=30)
        watcher.wait_for(lambda: client.state == "CLOSED")
        assert loop.tasks() == [] or all("_serve" in repr(task) for task in loop.tasks())
        assert "client" not in [entry.kind for entry in running()]
        client.connect(lab.server.url)
        client.send("x")
        assert client.recv() == "x"
        client.close()


def test_the_inbox_of_a_client_that_nobody_reads_is_bounded(lab, monkeypatch):
    monkeypatch.setattr("wslab.net.clients.inbox.MAX_MESSAGES", 10)
    with connect(lab.server.url) as client:
        for number in range(15):
            client.send(str(number))
        client.ping()  # its pong comes after all the echoes
        assert client.received == 15
        assert client.waiting == 10
        assert client.recv() == "5"
        assert "too many unread messages" in repr(client.log)
        assert len(client.log) == 1
