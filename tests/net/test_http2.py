"""WebSocket over HTTP/2, with hypercorn as the server and `h2` under our client."""

from __future__ import annotations

import sys

import pytest

from wslab.exercises.in_production import HTTP2_BYTES
from wslab.net import HandshakeFailed, PackageMissing
from wslab.net.http2 import PREFACE, Http2Client, Hypercorn, frames, inside, sockets
from wslab.net.programs import ProgramMissing
from wslab.net.servers import RawServer
from wslab.net.servers.relay import RawRelay
from wslab.wire import encode_frame

SETTINGS = bytes.fromhex("000006 04 00 00000000 0008 00000001")
CONNECT_SETTINGS_ACK = bytes.fromhex("000000 04 01 00000000")


@pytest.fixture
def server():
    with Hypercorn("test") as server:
        yield server


@pytest.fixture
def relay(server):
    with RawRelay(server.port, "test") as relay:
        yield relay


def data_frame(data: bytes, stream: int = 1, flags: int = 0) -> bytes:
    return len(data).to_bytes(3, "big") + bytes((0, flags)) + stream.to_bytes(4, "big") + data


def test_a_frame_is_read_however_its_bytes_were_cut():
    stream = PREFACE + SETTINGS + CONNECT_SETTINGS_ACK + data_frame(b"\x81\x05Hello", 7, 1)
    for size in (1, 5, len(stream)):
        cut = [("client", stream[at : at + size]) for at in range(0, len(stream), size)]
        first, ack, data = frames(cut)
        assert (first.type, first.stream, first.rfc) == ("SETTINGS", 0, "RFC 8441 §3")
        assert first.fields == (("ENABLE_CONNECT_PROTOCOL", "1"),)
        assert ack.flags == ("ACK",)
        assert (data.head.hex(" "), data.stream) == ("00 00 07 00 01 00 00 00 07", 7)
        assert (data.flags, data.data, data.rfc) == (
            ("END_STREAM",), b"\x81\x05Hello", "RFC 9113 §6.1",
        )  # fmt: skip
        assert data.says == "text: 81 05 48 65 6c 6c 6f"


def test_padding_is_not_data_and_the_reserved_bit_is_no_stream():
    padded = bytes.fromhex("00000b 00 08 80000001 03") + b"\x81\x05Hello" + bytes(3)
    (one,) = frames([("server", padded)])
    assert (one.stream, one.flags, one.data) == (1, ("PADDED",), b"\x81\x05Hello")


def test_data_may_cut_a_websocket_frame_anywhere():
    whole = encode_frame(1, b"Hello", masking_key=b"\1\2\3\4")
    found = frames([("client", data_frame(whole[:3]) + data_frame(b"", 3) + data_frame(whole[3:]))])
    (unit,) = inside(found, 1)
    assert (unit.kind, unit.payload, unit.data) == ("text", b"Hello", whole)
    assert inside(found, 3) == []


def test_two_sockets_and_a_request_share_a_connection(relay):
    with Http2Client(relay.port) as client:
        one, two = client.open(), client.open()
        client.send(one, "Grüße")
        assert bytes(client.data[client.get()]) == b"<title>echo</title>HTTP/2"
        client.wait(lambda: bool(client.data[one]))
        assert client.data[one] == encode_frame(1, "Grüße".encode())
        client.close(one)
        client.send(two, "still here")
        client.wait(lambda: bool(client.data[two]))
    (crossed,) = relay.crossed
    found = frames(crossed)
    assert sockets(found) == [one, two] == [1, 3]
    assert [unit.kind for unit in inside(found, one)] == ["text", "text", "close", "close"]
    assert {bool(unit.masking_key) for unit in inside(found, two)} == {True, False}
    asked, again = (
        int.from_bytes(frame.head[:3], "big")
        for frame in found
        if (frame.direction, frame.type) == ("client", "HEADERS") and frame.stream != 5
    )
    assert again * 5 < asked  # RFC 7541: what was said before takes a byte


def test_what_is_not_read_holds_up_the_other_sockets(relay):
    with Http2Client(relay.port) as client:
        one, two = client.open(), client.open()
        client.reads = False
        for _ in range(5):
            client.send(one, "x" * 16_000)
        client.wait(lambda: len(client.data[one]) == 65_535)
        client.send(two, "hi")
        client.wait_in_vain(lambda: bool(client.data[two]))
        assert client.data[two] == b""
        client.read_on()
        client.wait(lambda: bool(client.data[two]))
        assert client.data[two] == b"\x81\x02hi"


async def _offers_no_websocket(connection):
    await connection.send(CONNECT_SETTINGS_ACK.replace(b"\x04\x01", b"\x04\x00"))
    await connection.wait_end()


def test_a_server_that_does_not_offer_it_is_not_asked():
    with (
        RawServer(_offers_no_websocket, name="plain h2", reads_head=False) as server,
        Http2Client(server.port) as client,
        pytest.raises(HandshakeFailed, match="ENABLE_CONNECT_PROTOCOL"),
    ):
        client.open()


@pytest.mark.parametrize("name", ["h2", "hpack"])
def test_a_missing_package_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, f"{name}.connection", None)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PackageMissing, match=r"pip install 'wslab\[production\]'"):
        Http2Client(1) if name == "h2" else frames([])


def test_hypercorn_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypercorn", None)
    with pytest.raises(ProgramMissing, match=r"pip install 'wslab\[production\]'"):
        Hypercorn("absent").start()


def test_the_bytes_of_the_exercise_are_what_it_says():
    found = frames([("server", HTTP2_BYTES)])
    lengths = [int.from_bytes(one.head[:3], "big") for one in found]
    assert list(zip(lengths, (one.stream for one in found), strict=True)) == [
        (7, 1),
        (4, 3),
        (3, 1),
    ]
    assert [unit.payload for unit in inside(found, 1)] == [b"Hello"]
    assert [unit.payload for unit in inside(found, 3)] == [b"hi"]
