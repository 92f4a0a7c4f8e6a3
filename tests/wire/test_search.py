"""Rows found by what they are: the words that a link in the prose says it with."""

from __future__ import annotations

import pytest

from wslab.wire.recording import Capture, Search

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@pytest.fixture(scope="module")
def capture():
    """Rows 0 to 10; the literal bytes stand beside what they are."""
    capture = Capture()
    one, two = capture.open_connection(), capture.open_connection()
    for connection in (one, two):
        capture.record(connection, "client", REQUEST)  # rows 0 and 2
        capture.record(connection, "server", RESPONSE)  # rows 1 and 3
    frames = [
        (one, "client", "81 85 37 fa 21 3d 7f 9f 4d 51 58"),  # 4: text "Hello", masked
        (one, "server", "81 05 48 65 6c 6c 6f"),  # 5: text "Hello"
        (two, "client", "82 85 00 00 00 00 48 65 6c 6c 6f"),  # 6: binary, the same bytes
        (one, "server", "89 03 61 20 62"),  # 7: ping "a b"
        (two, "server", "01 02 c3 9f"),  # 8: text "ß", more follows
        (two, "client", "83 80 00 00 00 00"),  # 9: opcode 3, which is reserved
        (one, "client", "88 86 00 00 00 00 0f a0 64 6f 6e 65"),  # 10: close 4000 "done"
    ]
    for connection, direction, data in frames:
        capture.record(connection, direction, bytes.fromhex(data))
    capture.set_name(two, "Ada in code")
    return capture


def rows(capture, text: str) -> list[int]:
    return [number for number in Search.parse(text).find(capture) if number is not None]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("kind=request", 2),
        ("kind=request which=first", 0),
        ("status=101&connection=1", 1),
        ('kind=request connection="Ada in code"', 2),
        ("text=Hello", 5),
        ("text=Hello from=client", 4),
        ("opcode=text which=first", 4),
        ("opcode=1 which=2", 5),
        ("payload=Hello", 6),
        ("binary=Hello", 6),
        ('ping="a b"', 7),
        ("opcode=9", 7),
        ("fin=0", 8),
        ("text=ß", 8),
        ("opcode=reserved", 9),
        ("rule=reserved-opcode", 9),
        ("close_code=4000", 10),
        ("reason=done from=client", 10),
        ("/CHAT which=first", 0),
        ('"4000 done"', 10),
        ("hello", 6),
    ],
)
def test_a_row_is_found_by_what_it_is(capture, text, row):
    assert rows(capture, text) == [row]


@pytest.mark.parametrize(
    "text",
    [
        "close_code=1006",
        "connection=Ada",
        "text=Hell",
        "status=404",
        "opcode=pong",
        "opcode=text which=4",
        "which",
    ],
)
def test_what_did_not_cross_is_not_found(capture, text):
    assert rows(capture, text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a term such as opcode=ping, got ''"),
        ("which=first", "expected a term"),
        ("colour=red", "got 'colour'"),
        ("opcode=sixteen", "an opcode from 0 to 15, got 'sixteen'"),
        ("kind=16", "got '16'"),
        ("from=Ada", "expected from=client or from=server, got from=Ada"),
        ("text=a which=0", "a number from 1 on, got '0'"),
        ('text="Hello', "expected terms such as opcode=ping, got 'text=\"Hello'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(text, problem):
    with pytest.raises(ValueError, match="expected") as refused:
        Search.parse(text)
    assert problem in str(refused.value)


def test_a_search_pauses_and_skips_what_is_no_longer_kept():
    capture = Capture(limit=2000)
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    for number in range(500):
        capture.record(connection, "server", b"\x81\x03%03d" % number)
    found = list(Search.parse("text=000").find(capture))
    assert len(found) >= 1
    assert set(found) == {None}
    assert rows(capture, "text=499") == [501]
    assert rows(capture, "status=101") == [1]  # handshakes are kept
