"""SOCKS before HTTP or TLS: read, shown, and its login masked; CONNECT that leads to TLS."""

from __future__ import annotations

import io
import random

import pytest

from wslab.wire import Capture, load_pasted, load_streams
from wslab.wire.protocol import socks

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import CLIENT, SERVER, packets_of, pcap, read

ASK = b"\x81\x82\x37\xfa\x21\x3d\x5f\x93"
HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(194)
CONNECT = b"CONNECT lab.example:443 HTTP/1.1\r\nHost: lab.example:443\r\n\r\n"
YES = b"HTTP/1.1 200 Connection established\r\n\r\n"
NO = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
WELCOME, ANSWERED = b"\x05\x00", b"\x05\x00\x00\x01\0\0\0\0\0\0"

# what is asked and answered, in turns -> what the rows say
TALKS = {
    (b"\x05\x01\x00", WELCOME, b"\x05\x01\x00\x03\x0blab.example\x00\x50", ANSWERED): (
        "SOCKS 5 greeting: offers no login", "SOCKS 5 method: no login",
        "SOCKS 5 request: connect to lab.example:80", "SOCKS 5 answer: succeeded",
    ),
    (b"\x05\x02\x00\x02", b"\x05\x02", b"\x01\x03lab\x06s3cr3t", b"\x01\x00",
     b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x1f\x90", ANSWERED): (
        "SOCKS 5 greeting: offers no login, user name and password",
        "SOCKS 5 method: user name and password", "SOCKS 5 login",
        "SOCKS 5 verdict: login accepted", "SOCKS 5 request: connect to [::1]:8080",
        "SOCKS 5 answer: succeeded",
    ),
    (b"\x04\x01\x00\x50\xc0\x00\x02\x07s3cr3t\0", b"\0\x5a\0\x50\xc0\0\x02\x07"): (
        "SOCKS 4 request: connect to 192.0.2.7:80", "SOCKS 4 answer: granted",
    ),
    (b"\x04\x01\x01\xbb\0\0\0\x01\0lab.example\0", b"\0\x5a\0\0\0\0\0\0"): (
        "SOCKS 4 request: connect to lab.example:443", "SOCKS 4 answer: granted",
    ),
}  # fmt: skip
REFUSALS = {
    (b"\x05\x01\x00", b"\x05\xff"): "SOCKS 5 method: none of those offered",
    (b"\x05\x01\x02", b"\x05\x02", b"\x01\x01a\x01b", b"\x01\x01"): (
        "SOCKS 5 verdict: login refused"
    ),
    (b"\x05\x01\x00", WELCOME, b"\x05\x01\x00\x01\x7f\0\0\x01\0\x50",
     b"\x05\x05\x00\x01\0\0\0\0\0\0"): "SOCKS 5 answer: connection refused",
    (b"\x04\x01\x00\x50\xc0\x00\x02\x07\0", b"\0\x5b\0\0\0\0\0\0"): (
        "SOCKS 4 answer: rejected or failed"
    ),
}  # fmt: skip


def streams(talk) -> tuple[bytes, bytes]:
    return b"".join(talk[::2]), b"".join(talk[1::2])


def texts(capture: Capture) -> list[str]:
    return [row.preview for row in capture.index.rows() if row.kind == "socks"]


def captured(*turns: bytes) -> Capture:
    """A capture file of one connection in which the two sides take turns, the client first."""
    nexts = {CLIENT: 1000, SERVER: 9000}
    parts = [(CLIENT, SERVER, 999, b"", 2), (SERVER, CLIENT, 8999, b"", 18)]
    for number, data in enumerate(turns):
        source, target = (SERVER, CLIENT) if number % 2 else (CLIENT, SERVER)
        parts.append((source, target, nexts[source], data))
        nexts[source] += len(data)
    return read(pcap(packets_of(parts)))


@pytest.mark.parametrize("talk", TALKS)
def test_each_message_is_a_row_and_then_the_conversation_begins(talk):
    asked, answered = streams(talk)
    capture = load_streams(
        io.BytesIO(asked + REQUEST + ASK), io.BytesIO(answered + RESPONSE + b"\x81\x02hi")
    )
    rows = capture.index.rows()
    assert tuple(texts(capture)) == TALKS[talk]
    assert [row.length for row in rows[: len(talk)]] == [len(data) for data in talk]
    assert [row.direction for row in rows[: len(talk)]] == (["client", "server"] * 3)[: len(talk)]
    assert [(row.kind, row.broken) for row in rows[len(talk) :]] == [
        ("request", False), ("response", False), ("text", False), ("text", False),
    ]  # fmt: skip
    for row in rows[: len(talk)]:
        unit = capture.index.unit(row.number)
        assert sum(field.bits for field in unit.fields) == 8 * unit.length


@pytest.mark.parametrize("talk", REFUSALS)
def test_a_refusal_is_said_in_words(talk):
    told = texts(load_streams(*map(io.BytesIO, streams(talk))))
    assert (told[-1], len(told)) == (REFUSALS[talk], len(talk))
    assert texts(captured(*talk)) == told


@pytest.mark.parametrize("talk", TALKS)
def test_a_capture_file_of_it(talk):
    kinds = [row.kind for row in captured(*talk, REQUEST, RESPONSE, ASK).index.rows()]
    assert kinds == [*["socks"] * len(talk), "request", "response", "text"]
    capture = captured(*talk, HELLO)
    assert not len(capture.index)
    host = TALKS[talk][-2].rpartition(" ")[2]
    assert capture.notes[0] == f"1 connection with TLS left out: encrypted (SOCKS to {host})"
    assert "tshark" in capture.notes[1]


@pytest.mark.parametrize("talk", TALKS)
def test_one_side_alone_and_pasted(talk):
    asked, answered = streams(talk)
    said = list(TALKS[talk])
    assert texts(load_streams(io.BytesIO(asked + REQUEST + ASK), None)) == said[::2]
    assert texts(load_streams(None, io.BytesIO(answered + RESPONSE))) == said[1::2]
    pasted = load_pasted((asked + REQUEST).hex())
    assert (texts(pasted), pasted.index.rows()[-1].kind) == (said[::2], "request")


def test_frames_that_begin_with_the_same_bytes_stay_frames():
    for data in (b"\x05\x01\x00", b"\x05\x00\x81\x02hi", b"\0\x5a" + bytes(90)):
        capture = load_streams(None, io.BytesIO(data))
        assert not texts(capture)
        assert len(capture.index)


@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize("seed", range(6))
def test_no_login_is_kept_wherever_the_bytes_were_split(talk, seed):
    asked, answered = streams(talk)
    request = REQUEST.replace(b"/chat", b"/?token=hunter2hunter2")
    chance, capture = random.Random(seed), Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    data = asked + request
    while data:
        count = chance.choice([1, 2, 5, 30]) if seed else len(data)
        capture.record(connection, "client", data[:count])
        assert b"s3c" not in bytes(capture.log.streams[0])
        data = data[count:]
    capture.record(connection, "server", answered + RESPONSE)
    kept = bytes(capture.log.streams[0])
    assert len(kept) == len(asked + request)
    assert b"hunter2" not in kept
    assert kept.endswith(request.replace(b"hunter2hunter2", b"*" * 14))
    assert not any(row.broken for row in capture.index.rows())
    assert texts(capture) == [*TALKS[talk][::2], *TALKS[talk][1::2]]


def test_no_bytes_make_it_raise():
    chance = random.Random(7)
    for _ in range(2000):
        data = bytes(chance.choices(range(6), k=chance.randrange(30)))
        for direction in ("client", "server"):
            for name, start, stop in socks.messages(direction, data):
                message = data[start:stop]
                assert socks.text(name, message).startswith("SOCKS")
                assert socks.masked(name, message)[:2] == message[:2]
                bits = sum(field.bits for field in socks.fields(name, message))
                assert bits == 8 * len(message)


def test_connect_to_tls_names_the_host_and_the_command():
    for turns in ((CONNECT, YES, HELLO), (CONNECT, NO, CONNECT, YES, HELLO)):
        capture = captured(*turns)
        assert not len(capture.index)
        assert capture.notes[0].endswith("encrypted (CONNECT lab.example:443)")
        assert "tls.keylog_file" in capture.notes[1]
    chopped = captured(*(part for byte in CONNECT + HELLO for part in (bytes([byte]), b"")))
    assert chopped.notes[0].endswith("encrypted (CONNECT lab.example:443)")
    both = load_streams(io.BytesIO(CONNECT + HELLO), io.BytesIO(YES + b"\x15\x03\x03\0\2\2\x28"))
    assert [row.kind for row in both.index.rows()] == ["request", "response", "tls", "tls"]


def test_connect_that_is_refused_or_goes_unanswered_is_kept():
    login = CONNECT[:-2] + b"Proxy-Authorization: Basic aHVudGVyMg==\r\n\r\n"
    for turns in ((CONNECT, NO), (CONNECT,), (CONNECT, NO, login, NO)):
        capture = captured(*turns)
        assert len(capture.index) == len(turns)
        assert b"aHVudGVyMg" not in bytes(capture.log.streams[0])
    page = captured(CONNECT.replace(b"443", b"80"), YES, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert page.notes == ["1 TCP connection without a WebSocket request left out"]
