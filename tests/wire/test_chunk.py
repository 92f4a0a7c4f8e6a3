"""Chunks of a streamed response, explained: every byte of them, whatever they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture
from wslab.wire.protocol.chunk import chunk_fields
from wslab.wire.protocol.http import parse_head

STREAM = parse_head(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
OTHER = parse_head(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")


def told(data: bytes, head=OTHER) -> list[tuple[str, int, object]]:
    """Name, bytes and value of each field."""
    return [(one.name, one.bits // 8, one.value) for one in chunk_fields(data, len(data), head)]


def test_a_chunk_is_its_size_its_data_and_a_line_end():
    assert told(b"5;a=b\r\nHello\r\n") == [
        ("chunk size", 7, "5;a=b"), ("chunk data", 5, "Hello"), ("line end", 2, ""),
    ]  # fmt: skip


def test_the_last_chunk_may_bring_trailers():
    assert told(b"0\r\n\r\n") == [("last chunk", 3, "0"), ("empty line", 2, "")]
    assert told(b"0\r\nA: b\r\n\r\n") == [
        ("last chunk", 3, "0"), ("trailers", 6, "A: b\r\n"), ("empty line", 2, ""),
    ]  # fmt: skip


def test_an_event_stream_is_read_line_by_line():
    """WHATWG HTML, 9.2.6: a line is a field, one without a name a comment, an empty one an end."""
    event = b"id: 7\nevent: tick\ndata: 1\ndata:2\n: idle\nretry: 100\n\n"
    assert told(b"%x\r\n%b\r\n" % (len(event), event), STREAM) == [
        ("chunk size", 4, "34"), ("id", 6, "7"), ("event", 12, "tick"), ("data", 8, "1"),
        ("data", 7, "2"), ("comment", 7, "idle"), ("retry", 11, "100"), ("empty line", 1, ""),
        ("line end", 2, ""),
    ]  # fmt: skip


@given(st.binary(max_size=80), st.sampled_from([STREAM, OTHER]), st.integers(0, 40))
def test_the_fields_of_any_bytes_cover_each_once(data, head, rest):
    for whole in (data, b"%x\r\n%b\r\n" % (len(data), data), b"0\r\n" + data):
        fields, place = chunk_fields(whole, len(whole) + rest, head), 0
        for field in fields:
            assert field.bit == place
            place += field.bits
        assert place == 8 * (len(whole) + rest)


def test_a_stream_is_explained_through_its_capture():
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    capture.record(connection, "server", head + b"9\r\ndata: 1\n\n\r\n")
    assert "What was asked for." in capture.index.unit(1).field("status line").meaning
    assert capture.index.unit(2).field("data").value == "1"
