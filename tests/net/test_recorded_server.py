"""A recorded server says to live clients what it said then, and tells where they depart from it."""

from __future__ import annotations

import contextlib
import itertools
from functools import partial
from random import Random

import pytest
from websockets.sync import client as sync

from wslab.net import (
    EchoServer,
    FaultyServer,
    RawClient,
    RecordedServer,
    Tap,
    WrongValue,
    WslabError,
    replay,
)
from wslab.net.cases import ENDINGS, MISBEHAVIOURS, play
from wslab.net.peers.library import LibraryPeers
from wslab.net.recorded import conversation
from wslab.wire import Agreement, Capture, Deflater, encode_frame, load, save

REQUEST = (
    b"GET /room?token=abc HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)
KEY = b"\x01\x02\x03\x04"

connect = partial(sync.connect, ping_interval=None)
"""Without a thread for pings, which may outlive its client for a moment."""


def talk(*said: tuple[str, bytes], response: bytes = RESPONSE, request: bytes = REQUEST) -> Capture:
    """A recording of one connection: its handshake, then who said which bytes, a second apart."""
    now = 0.0
    capture = Capture(clock=lambda: now)
    number = capture.open_connection()
    for direction, data in [("client", request + b"\r\n"), ("server", response + b"\r\n"), *said]:
        capture.record(number, direction, data)
        now += 1.0
    if said[-1:] == CLOSE[-1:]:
        capture.end(number, "server")
    return capture


def client_says(text: bytes, opcode: int = 1, **bits: bool) -> tuple[str, bytes]:
    return "client", encode_frame(opcode, text, masking_key=KEY, **bits)


def server_says(text: bytes, opcode: int = 1, **bits: bool) -> tuple[str, bytes]:
    return "server", encode_frame(opcode, text, **bits)


def chunks_of(capture: Capture) -> list[tuple[str, bytes]]:
    return [(chunk.direction, chunk.data) for chunk in capture]


def departures(server: RecordedServer) -> list[str]:
    server.wait_ended()
    return [one.text for guest in server.conversations for one in guest.departures]


CLOSE = (client_says(b"\x03\xe8", 8), server_says(b"\x03\xe8", 8))
GREETING = (client_says(b'{"say": "hello", "to": [1, 2]}'), server_says(b"welcome"))


# --- The round trip: `replay` plays the client, and finds the server as it was


def assert_the_same_again(capture: Capture) -> None:
    with RecordedServer(capture) as server:
        result = replay(capture, server.url)
        server.wait_ended()
    assert result.same, f"{result}\n{server}"
    assert departures(server) == []
    assert list(server.log) == []


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_an_echo_is_served_as_it_was(compression, capture, tmp_path):
    with (
        EchoServer(compression=compression) as echo,
        Tap(echo.port, capture) as tap,
        connect(tap.url, compression=compression) as client,
    ):
        for message in ("hello", b"\x00\x01", "hello" * 3000, ["frag", "men", "ted"]):
            client.send(message)
            client.recv()
        client.ping(b"p").wait(5)
        client.close(4001, "done")
    assert_the_same_again(capture)
    assert_the_same_again(load(save(capture, tmp_path / "talk.jsonl")))
    assert_the_same_again(load(save(capture, tmp_path / "talk.pcapng")))


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_server_that_misbehaved_does_so_again(name, capture):
    with FaultyServer(name) as faulty, Tap(faulty.port, capture) as tap:
        with contextlib.suppress(WslabError), RawClient(tap.url, timeout=0.2) as client:
            client.upgrade().send(client_says(b"hi")[1] + CLOSE[0][1])
            client.read_to_end()
        capture.wait_until(lambda: len(capture.events) > 2, timeout=1.0)
    assert_the_same_again(capture)


@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "1015"])  # that is TLS
def test_an_ending_is_what_it_was(name, capture):
    peers = LibraryPeers()
    try:
        play(ENDINGS[name], peers, capture)
    finally:
        peers.stop()
    if not capture.index.connections:
        pytest.skip("nothing crosses the wire in this one")
    assert_the_same_again(capture)


def test_bytes_go_out_as_they_were_fragments_and_unfinished_frames_too():
    said = [
        client_says(b"go"),
        server_says(b"one ", fin=False),
        server_says(b"in between", 9),
        server_says(b"message", 0),
        ("server", b"\x81\x05cut"),
    ]
    capture = talk(*said)
    capture.end(1, "server", "reset")
    with RecordedServer(capture) as server, RawClient(server.port) as client:
        client.send(REQUEST + b"\r\n" + said[0][1])
        assert client.read_to_end().endswith(
            b"".join(data for who, data in said if who == "server")
        )
        assert client.ended == "reset"


def some_talk(random: Random) -> Capture:
    """A talk that nobody would have: fragments with pings between them, pongs that answer nothing,
    compressed messages, frames cut in two, a close without an answer, and every kind of end."""
    compressed = random.random() < 0.5
    agreed = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" * compressed
    capture = talk(request=REQUEST + agreed, response=RESPONSE + agreed)
    begun = dict.fromkeys(("client", "server"), False)  # a fragmented message
    deflaters = {who: Deflater() for who in begun}
    for number in range(random.randrange(15)):
        who = random.choice([*begun])
        key = {"masking_key": KEY if who == "client" else None}
        match random.choice(["message", "part", "ping", "pong", "odd"]):
            case "part":
                begun[who], opcode = not begun[who], 0 if begun[who] else 1
                data = encode_frame(opcode, b"part", fin=not begun[who], **key)
            case "message" if not begun[who] and compressed:
                data = encode_frame(1, deflaters[who].deflate(b"hello"), rsv1=True, **key)
            case "message" if not begun[who]:
                data = encode_frame(2, b"%d" % number, **key)
            case "odd":
                data = encode_frame(3, b"odd", **key)
            case kind:
                data = encode_frame(9 if kind == "ping" else 10, b"%d" % (number % 3), **key)
        at = random.choice([0, 1])
        for piece in (data[:at], data[at:]):
            capture.record(1, who, piece)
    for who in random.sample([*begun], random.randrange(3)):
        key = {"masking_key": KEY if who == "client" else None}
        capture.record(1, who, encode_frame(8, b"\x0f\xa1", **key))
    for who in random.sample([*begun], random.randrange(3)):
        capture.end(1, who, random.choice(["eof", "reset"] if who == "server" else ["eof"]))
    return capture


@pytest.mark.parametrize("seed", range(25))
def test_whatever_was_said_is_said_again(seed, monkeypatch):
    monkeypatch.setattr(conversation, "CLOSING", 10.0)  # `replay` ends it, however late
    capture = some_talk(Random(seed))
    with contextlib.suppress(WrongValue):  # nobody said anything
        assert_the_same_again(capture)


# --- Other libraries as clients


def test_a_client_of_another_library_gets_what_was_said():
    capture = talk(*GREETING, server_says(b"\x00\xff", 2), *CLOSE)
    with RecordedServer(capture) as server, connect(server.url) as client:
        client.send('{"to":[1,2],"say":"hello"}')  # the same values: the same JSON
        assert client.recv() == "welcome"
        assert client.recv() == b"\x00\xff"
        client.ping(b"not recorded").wait(5)
        client.close()
        assert departures(server) == []
    assert client.close_code == 1000
    assert "as recorded, 1 of 1 messages came" in str(server)


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_recording_with_compression_serves_both_kinds_of_clients(compression, capture):
    with (
        EchoServer(compression=Agreement(), max_size=2**22) as echo,
        Tap(echo.port, capture) as tap,
        connect(tap.url, max_size=None) as client,
    ):
        for message in ("again and " * 200_000, b"\x00" * 5000):
            client.send(message)
            assert client.recv() == message
    with (
        RecordedServer(capture) as server,
        connect(server.url, compression=compression, max_size=None) as client,
    ):
        for message in ("again and " * 200_000, b"\x00" * 5000):
            client.send(message)
            assert client.recv() == message
    assert departures(server) == []
    assert ("messages go out inflated" in str(server)) == (compression is None)


# --- Where a client departs


DIALOGUE = (
    *GREETING,
    client_says(b"second"), server_says(b"2"),
    client_says(b"third"), server_says(b"3"),
    *CLOSE,
)  # fmt: skip
HELLO = '{"say": "hello", "to": [1, 2]}'


@pytest.mark.parametrize(
    ("sent", "heard", "told"),
    [
        ([HELLO, "second", "third"], ["welcome", "2", "3"], []),
        (
            ['{"say": "hello", "to": [1, 3]}', "secund", "third"], ["welcome", "2", "3"],
            ["expected text '{\"say\": \"hello\", \"to\": [1, 2]}', 30 bytes (row 2), got text "
             "'{\"say\": \"hello\", \"to\": [1, 3]}', 30 bytes: $.to[1] is 3, not 2",
             "expected text 'second', 6 bytes (row 4), got text 'secund', 6 bytes: "
             "they differ from byte 3 on"],
        ),
        (
            [HELLO, "third", "second"], ["welcome", "2", "3"],
            ["got text 'third', 5 bytes (row 6) before text 'second', 6 bytes (row 4)",
             "got text 'second', 6 bytes (row 4) later than recorded"],
        ),
        (
            ["extra", HELLO, "second", "third"], ["welcome", "2", "3"],
            ["expected text '{\"say\": \"hello\", \"to\": [1, 2]}', 30 bytes (row 2), got text "
             "'extra', 5 bytes: they differ from byte 0 on",
             "got text '{\"say\": \"hello\", \"to\": [1, 2]}', 30 bytes (row 2) "
             "later than recorded"],
        ),
        (
            [HELLO, "second", "third", b"more"], ["welcome", "2", "3"],
            ["got binary 6d 6f 72 65, 4 bytes, which the recording does not have"],
        ),
        (
            [HELLO], ["welcome"],
            ["close 1000 came before text 'second', 6 bytes (row 4) and 1 more"],
        ),
    ],
)  # fmt: skip
def test_each_departure_is_told_and_the_recording_goes_on(sent, heard, told):
    with (
        RecordedServer(talk(*DIALOGUE)) as server,
        connect(server.url) as client,
    ):
        for message in sent:
            client.send(message)
        assert [client.recv() for _ in heard] == heard
        client.close()
        assert client.close_code == 1000
        server.wait_ended()
    assert departures(server)[-len(told) or 99 :] == told
    assert server.conversations[0].same == (not told)


def test_another_path_and_another_end_are_departures():
    with RecordedServer(talk(*DIALOGUE)) as server, RawClient(server.port) as client:
        client.send(REQUEST.replace(b"room", b"hall") + b"\r\n" + GREETING[0][1])
        client.read_exactly(len(RESPONSE) + 2 + len(GREETING[1][1]))
        client.reset()
        assert departures(server) == [
            "expected request 'GET /room?token=*** HTTP/1.1' (row 0), got request "
            "'GET /hall?token=*** HTTP/1.1': another target",
            "the client ended before text 'second', 6 bytes (row 4) and 1 more",
        ]


def test_what_never_comes_is_awaited_for_as_long_as_asked():
    capture = talk(*GREETING, server_says(b"more"))
    with (
        RecordedServer(capture, patience=0.05) as server,
        connect(server.url) as client,
    ):
        assert [client.recv(), client.recv()] == ["welcome", "more"]
    assert departures(server)[0].startswith("went on after 0.05 s without text")


# --- The handshake


def test_the_key_is_answered_and_the_rest_of_the_response_is_as_recorded():
    response = RESPONSE + b"Sec-WebSocket-Protocol: chat\r\nX-Room: blue\r\nSet-Cookie: id=1\r\n"
    request = REQUEST + b"Sec-WebSocket-Protocol: other, chat\r\n"
    capture = talk(*GREETING, response=response, request=request)
    with RecordedServer(capture) as server:
        with connect(server.url, subprotocols=["chat"]) as client:
            assert client.subprotocol == "chat"  # and the library has checked the accept
            assert client.response.headers["X-Room"] == "blue"
            client.send(HELLO)
            assert client.recv() == "welcome"
        with connect(server.url) as client:
            assert client.subprotocol is None
    assert "Set-Cookie: masked in the recording, and sent as stars" in str(server)


def test_each_client_gets_the_connection_that_it_asks_for(capture):
    for name in (b"red", b"blue", b"red"):
        now = talk(server_says(name), request=REQUEST.replace(b"room", name))
        number = capture.open_connection()
        for chunk in now:
            capture.record(number, chunk.direction, chunk.data)
    capture.record(3, "server", encode_frame(1, b"the second one"))
    with RecordedServer(capture) as server:
        for path, heard in [("red", 1), ("blue", 1), ("red", 2), ("red", 1)]:
            url = f"ws://127.0.0.1:{server.port}/{path}"
            with connect(url) as client:
                assert client.recv() == path
                if heard == 2:
                    assert client.recv() == "the second one"
        server.wait_ended()
    assert [one.label for one in server.conversations] == [
        f"client {client} as #{number}" for client, number in enumerate([1, 2, 3, 1], 1)
    ]


def test_frames_without_a_handshake_are_served_to_a_client_that_shakes_hands(capture):
    number = capture.open_connection(upgraded=True)
    for direction, data in DIALOGUE:
        capture.record(number, direction, data)
    with (
        RecordedServer(capture) as server,
        connect(server.url, subprotocols=["chat"]) as client,
    ):
        client.send(HELLO)
        assert client.recv() == "welcome"
        assert client.subprotocol == "chat"


def test_what_was_said_to_a_proxy_is_left_out(capture):
    number = capture.open_connection()
    request, response = (data for _, data in chunks_of(talk()))
    connect = b"CONNECT lab.example:80 HTTP/1.1\r\nHost: lab.example:80\r\n\r\n"
    for direction, data in [
        ("client", connect), ("server", b"HTTP/1.1 200 Connection established\r\n\r\n"),
        ("client", request), ("server", response), *GREETING,
    ]:  # fmt: skip
        capture.record(number, direction, data)
    with RecordedServer(capture) as server, RawClient(server.port) as client:
        client.send(request + GREETING[0][1])
        assert client.read_exactly(len(response)) == response
        assert client.read_exactly(len(GREETING[1][1])) == GREETING[1][1]
        assert server.conversations[0].departures == []


def test_with_the_servers_side_alone_nothing_is_compared(capture):
    number = capture.open_connection()
    capture.record(number, "server", chunks_of(talk())[1][1] + GREETING[1][1])
    with (
        RecordedServer(capture) as server,
        connect(server.url) as client,
    ):
        client.send("anything")
        assert client.recv() == "welcome"
    assert departures(server) == []
    assert "only the server's side: nothing is compared" in str(server)


def test_a_page_that_comes_by_http_is_told_that_this_is_a_websocket():
    with RecordedServer(talk(*GREETING)) as server, RawClient(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "without a request, a response or a frame"),
        ([], "nothing from it but the answer to the handshake"),
        ([client_says(b"hi")], "nothing from it but the answer to the handshake"),
    ],
)
def test_a_recording_without_a_server_cannot_be_served(said, why):
    with pytest.raises(WrongValue, match=why):
        RecordedServer(Capture() if said is None else talk(*said))


def test_a_recording_of_clients_alone_cannot_be_served(capture):
    number = capture.open_connection()
    capture.record(number, "client", REQUEST + b"\r\n")
    with pytest.raises(WrongValue, match="only what clients sent"):
        RecordedServer(capture)


# --- Time, and clients that mean no good


def test_it_takes_its_time_again_if_asked_to():
    now = 0.0
    capture = Capture(clock=lambda: now)
    number = capture.open_connection()
    said = [("client", REQUEST + b"\r\n"), ("server", RESPONSE + b"\r\n")]
    for direction, data in [*said, server_says(b"1"), server_says(b"2")]:
        capture.record(number, direction, data)
        now += 0.08
    with RecordedServer(capture, timing=True) as server:
        result = replay(capture, server.url)
    assert result.same, str(result)
    times = [row.time for row in result.capture.index.rows()]
    assert all(later - earlier >= 0.079 for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize(
    "data",
    ids=["nothing", "zeros", "lines", "half a request", "ones"],
    argvalues=[
        b"",
        b"\x00" * 70_000,
        b"GET / HTTP/1.1\r\n" * 9000,
        REQUEST,
        REQUEST + b"\r\n" + b"\xff" * 999,
    ],
)
def test_it_stops_whatever_a_client_sends(data):
    server = RecordedServer(talk(*GREETING)).start()
    with RawClient(server.port) as client:
        client.send(data)
        server.stop()
        client.read_to_end()
        assert client.ended
    assert [line for line in server.log if "LimitOverrunError" not in str(line)] == []


def test_a_client_that_never_ends_is_cut_off(monkeypatch):
    monkeypatch.setattr(conversation, "ROOM", 1000)
    with RecordedServer(talk(*GREETING)) as server, RawClient(server.port) as client:
        client.send(REQUEST + b"\r\n" + b"\x82\xff" + b"\0\0\0\1\0\0\0\0" + bytes(5000))
        client.read_to_end()
        assert client.ended == "reset"
        server.wait_ended()
    assert "far more than were recorded" in str(server)
