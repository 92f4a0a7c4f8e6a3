"""A recording with a limit: the oldest frames go, offsets and rows stay, and it says so."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture, Deflater, encode_frame, load, save
from wslab.wire.recording.index import DROPPED
from wslab.wire.recording.trimmed_array import TrimmedArray
from wslab.wire.recording.trimmed_stream import TrimmedStream

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x01\x02\x03\x04"
PMD = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


@given(st.binary(max_size=40), st.integers(0, 40), st.lists(st.integers(0, 50)), st.data())
def test_it_reads_as_if_what_was_dropped_were_zeros(data, start, drops, draw):
    start = min(start, len(data))
    stream, expected = TrimmedStream(bytearray(data), start), bytearray(data)
    dropped = 0
    for drop in drops:
        drop = min(drop, len(data))
        dropped += stream.drop(drop)
        if drop > start:
            expected[start:drop] = bytes(drop - start)
        stream += b"more"
        data += b"more"
        expected += b"more"
    assert len(stream) == len(expected)
    assert stream[:] == expected
    assert [stream[place] for place in range(len(stream))] == list(expected)
    a, b = draw.draw(st.integers(-60, 90)), draw.draw(st.integers(-60, 90))
    assert stream[a:b] == expected[a:b]
    assert stream.find(b"m", 3, 60) == expected.find(b"m", 3, 60)
    assert stream.kept(0, len(data)) == data[:start] + data[start + dropped :]
    with pytest.raises(IndexError):
        stream[len(data)]


def conversation(limit: int, count: int, extended: bytes = b"\r\n") -> Capture:
    capture = Capture(limit=limit)
    deflater = Deflater()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST[:-2] + extended)
    capture.record(connection, "server", RESPONSE[:-2] + extended)
    for number in range(count):
        text = f"message {number}".encode()
        if extended == b"\r\n":
            capture.record(connection, "client", encode_frame(1, text, masking_key=KEY))
        else:
            payload = deflater.deflate(text)
            frame = encode_frame(1, payload, masking_key=KEY, rsv1=True)
            capture.record(connection, "client", frame)
        # Cut inside frames: a read ends where it ends.
        frame = encode_frame(1, text)
        capture.record(connection, "server", frame[:5])
        capture.record(connection, "server", frame[5:])
    return capture


def test_the_oldest_frames_go_and_everything_else_stays(tmp_path):
    free, tight = conversation(1 << 30, 2000), conversation(10_000, 2000)
    assert free.dropped == 0
    kept = sum(len(chunk.data) for chunk in tight)
    assert 8000 < kept <= 10_000 + len(REQUEST + RESPONSE)
    assert tight.dropped == sum(len(chunk.data) for chunk in free) - kept
    assert f"{tight.dropped} dropped" in repr(tight)
    assert free.loss == ""

    rows, all_rows = tight.index.rows(), free.index.rows()
    assert [row[:1] + row[2:8] for row in rows] == [row[:1] + row[2:8] for row in all_rows]
    gone = [row.preview == DROPPED for row in rows]
    assert gone == [False, False] + [True] * sum(gone) + [False] * (len(rows) - 2 - sum(gone))
    assert tight.index.dropped == sum(gone)
    assert tight.loss == (
        f"The oldest {sum(gone):,} frames ({tight.dropped / 1024:.1f} KiB) are no longer kept, "
        "only their rows: the limit of this recording is 9.8 KiB."
    )
    for name in ("c.jsonl", "c.pcapng", "c.har"):
        loaded = load(save(tight, tmp_path / name))
        assert f"{tight.dropped} bytes of its oldest frames were not kept" in loaded.notes
    for row in (0, 1, len(rows) - 1):
        assert tight.index.unit(row).data == free.index.unit(row).data
    unit = tight.index.unit(2)
    assert (unit.kind, unit.length, unit.data, unit.fields) == ("text", all_rows[2].length, b"", ())
    assert not any(row.broken for row in rows)

    texts = [message.text for message in tight.index.messages()]
    assert texts == [message.text for message in free.index.messages()][-len(texts) :]
    assert len(texts) == len(rows) - 2 - sum(gone)

    loaded = load(save(tight, tmp_path / "tight.jsonl"))
    assert [message.text for message in loaded.index.messages()] == texts
    assert loaded.notes == [f"{tight.dropped} bytes of its oldest frames were not kept"]
    assert not any(row.broken for row in loaded.index.rows())


@pytest.mark.parametrize("looked", [False, True])
def test_what_refers_to_dropped_messages_cannot_be_inflated_unless_somebody_looked(looked):
    capture = conversation(1 << 30, 500, PMD)
    capture.limit = 5000
    if looked:
        capture.index.rows()
    capture.record(1, "client", encode_frame(9, masking_key=KEY))
    assert capture.dropped > 1000
    deflater = Deflater()
    for number in range(500):
        deflater.deflate(f"message {number}".encode())
    again = encode_frame(1, deflater.deflate(b"message 7"), rsv1=True, masking_key=KEY)
    capture.record(1, "client", again)
    last = capture.index.rows()[-1]
    assert (
        last.preview == '"message 7"' if looked else last.preview.startswith("cannot be inflated")
    )
    assert not last.broken


def test_a_frame_that_is_just_coming_is_never_cut():
    capture = Capture(limit=1000)
    connection = capture.open_connection(upgraded=True)
    frame = encode_frame(2, bytes(5000))
    for start in range(0, len(frame), 100):
        capture.record(connection, "server", frame[start : start + 100])
    assert capture.dropped == 0
    (row,) = capture.index.rows()
    assert capture.index.unit(0).payload == bytes(5000)
    capture.record(connection, "server", encode_frame(1, b"next"))
    assert [r.preview for r in capture.index.rows()][1:] == ['"next"']
    assert capture.dropped in (0, len(frame))
    assert row.length == capture.index.rows()[0].length


# --- What is known about the bytes has a limit, too


def burst(frames: int, size: int = 0, marks: bool = False, limit: int = 1 << 20) -> Capture:
    """A recording of this many frames, a thousand in a read; with marks on one in a hundred."""
    capture = Capture(clock=lambda: 0.0, limit=limit)
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    frame = encode_frame(1, bytes(size), masking_key=KEY)
    for _ in range(frames // 1000):
        start = capture.size(connection, "client")
        capture.record(connection, "client", frame * 1000)
        for place in range(0, 1000 if marks else 0, 100):
            capture.mark(connection, "client", "delayed", start + place * len(frame), len(frame))
            capture.mark(connection, "client", "delivered", start + place * len(frame), len(frame))
    return capture


def kept(capture: Capture) -> int:
    """Rows, chunks and marks for which there is memory."""
    index, log = capture._index, capture.log
    rows = len(index._table.start) - index.first
    return rows + len(log.time_of) - log.first + len(log.events) + len(index._row_marks)


@pytest.mark.parametrize("marks", [False, True])
def test_of_the_smallest_frames_the_oldest_rows_go_too(marks, tmp_path):
    once, twice = burst(300_000, marks=marks), burst(600_000, marks=marks)
    for capture in (once, twice):
        assert kept(capture) < 100_000
        assert capture.size(1, "client") - capture.dropped < (1 << 20)
    assert len(twice.index) == 600_002
    assert twice.index.first > 500_000
    rows = twice.index.rows(0, 5)
    assert [row.kind for row in rows[:2]] == ["request", "response"]
    assert [(row.number, row.preview) for row in rows[2:]] == [(n, DROPPED) for n in (2, 3, 4)]
    assert twice.index.unit(2).data == b""
    last = twice.index.rows(600_001)[0]
    assert (last.number, last.kind, last.length, last.connection) == (600_001, "text", 6, 1)
    assert last.offset == len(REQUEST) + 599_999 * 6
    assert f"only the rows from {twice.index.first:,} on" in twice.loss
    assert [*twice.index.numbers()] == [0, 1, *range(twice.index.first, 600_002)]
    assert len(twice.index.rows_of(1, "client")) == 600_002 - twice.index.first + 1
    count = sum(1 for _ in twice.index.messages())
    assert 10_000 < count <= 600_002 - twice.index.first
    for name in ("c.jsonl", "c.pcapng", "c.har"):
        loaded = load(save(twice, tmp_path / name))
        assert len(list(loaded.index.messages())) == count
        assert not any(row.broken for row in loaded.index.rows())
    loaded = load(tmp_path / "c.jsonl")
    assert [row.kind for row in loaded.index.rows()[:3]] == ["request", "response", "text"]
    marked = sum(bool(row.mark) for row in loaded.index.rows())
    assert abs(marked - count / 100) < 2 if marks else not marked


def test_where_rows_go_the_others_are_as_they_were():
    tiny, whole = (burst(100_000, 3, True, limit) for limit in (1 << 20, 1 << 30))
    first = tiny.index.first
    assert first > 2
    tail = [row for row in tiny.index.rows(first) if row.preview != DROPPED]
    assert tail == whole.index.rows(100_002 - len(tail))
    assert len(tail) > 5000


@pytest.mark.parametrize("size", [1 << 22, 1 << 40])
def test_a_frame_that_is_too_long_is_a_row_before_its_end_and_takes_no_more_memory(size, tmp_path):
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE + encode_frame(1, b"before"))
    head = b"\x82\x7f" + size.to_bytes(8, "big")
    capture.record(connection, "server", head)
    left, piece = size, bytes(1 << 16)
    for _ in range(min(size, 64 << 20) >> 16):
        capture.record(connection, "server", piece)
        left -= len(piece)
        assert capture.size(connection, "server") - capture.dropped < 3 << 20
    index = capture.index
    row = index.rows()[-1]
    assert (row.kind, row.length) == ("binary", size + len(head))
    assert index.unit(row.number).length == size + len(head)
    if left:
        assert index.missing(connection, "server") == left
        assert index.incomplete(connection, "server") > 0
    else:
        capture.record(connection, "server", encode_frame(1, b"after"))
        assert capture.index.rows()[-1].preview == '"after"'
        assert [message.text for message in capture.index.messages()][-1:] == ["after"]
    for name in ("c.jsonl", "c.pcapng", "c.har"):
        loaded = load(save(capture, tmp_path / name))
        assert len(loaded.index) <= 3 + (not left)  # of what was cut there is no rest
        assert not any(row.broken for row in loaded.index.rows())


@pytest.mark.parametrize("head", ["Content-Length: 1099511627776", "Transfer-Encoding: chunked"])
def test_a_body_that_never_ends_takes_no_more_memory(head, tmp_path):
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    connection = capture.open_connection()
    capture.record(connection, "client", f"POST / HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
    for _ in range(200):
        capture.record(connection, "client", b"10000\r\n" + bytes(1 << 16) + b"\r\n")
        assert capture.size(connection, "client") - capture.dropped < 3 << 20
    assert capture.dropped > 10 << 20
    for name in ("c.jsonl", "c.pcapng", "c.har"):
        save(capture, tmp_path / name)


def test_frames_behind_a_request_that_nobody_answers_keep_to_the_limit():
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    for number in range(100):
        frame = encode_frame(1, f"{number}".encode() * 30_000, masking_key=KEY)
        capture.record(connection, "client", frame)
        assert capture.size(connection, "client") - capture.dropped < 3 << 20
    assert capture.index.rows()[-1].preview.startswith('"9999')
    capture.record(connection, "server", RESPONSE + encode_frame(1, b"at last"))
    capture.record(connection, "client", encode_frame(1, b"fine", masking_key=KEY))
    rows = capture.index.rows()[-3:]
    assert [row.kind for row in rows] == ["response", "text", "text"]
    assert [row.preview for row in rows[1:]] == ['"at last"', '"fine"']


def test_logins_are_masked_in_http_that_was_dropped_too():
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    connection = capture.open_connection()
    for _ in range(3000):
        head = b"GET / HTTP/1.1\r\nX: " + bytes(1000) + b"\r\nCookie: name=s3cret\r\n\r\n"
        for start in range(0, len(head), 400):
            capture.record(connection, "client", head[start : start + 400])
    assert capture.dropped > 1 << 20
    assert b"s3cret" not in capture.stream(connection, "client")


def test_many_requests_on_one_connection_keep_to_the_limit(tmp_path):
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    connection = capture.open_connection()
    for _ in range(3000):
        capture.record(connection, "client", b"GET / HTTP/1.1\r\nX: " + bytes(1000) + b"\r\n\r\n")
        capture.record(connection, "server", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert kept(capture) < 3000
    assert len(capture._index._table.others) < 1000
    assert capture.size(connection, "client") - capture.dropped < 1 << 20
    assert capture.index.rows()[-1].kind == "response"
    loaded = load(save(capture, tmp_path / "c.jsonl"))
    assert {row.kind for row in loaded.index.rows()} == {"request", "response"}


def test_an_array_keeps_its_places():
    values = TrimmedArray(array("I", range(10)))
    values.drop(4, [1])
    values.extend([10, 11])
    values.append(12)
    assert len(values) == 13
    assert [values[place] for place in range(-13, 13)] == [0, 1, 0, 0, *range(4, 13)] * 2
    assert list(values[2:6]) == [4, 5]
    assert list(values) == [1, *range(4, 13)]
    assert list(values.places) == [1, *range(4, 13)]
    values.drop(6, [5])
    values[5] = values[7] = 70
    assert list(values) == [70, 6, 70, *range(8, 13)]


# --- Connections that are over have a limit, too


WAYS_TO_END = {
    "without a byte": (b"", b""),
    "within a request": (REQUEST[:60], b""),
    "without an answer": (REQUEST + b"\x81\x85", b""),
    "after the handshake": (REQUEST, RESPONSE),
    "with a frame": (REQUEST, RESPONSE + encode_frame(1, b"Hello")),
    "within a frame": (REQUEST, RESPONSE + b"\x82\x7e\xff\xff" + bytes(20_000)),
}


def visits(count: int, sent: tuple[bytes, bytes]) -> Capture:
    """A recording of one connection that stays, and of so many that come and go."""
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    capture.open_connection()
    capture.record(1, "client", REQUEST)
    capture.record(1, "server", RESPONSE)
    for _ in range(count):
        number = capture.open_connection()
        for direction, data in zip(("client", "server"), sent, strict=True):
            capture.record(number, direction, data)
            capture.end(number, direction)
    return capture


def known(capture: Capture) -> tuple[int, int, int]:
    """Connections, heads and events for which there is memory; bytes too."""
    index, log = capture.index, capture.log
    begun = sum(connection.begun for connection in index._connections)
    marks = len(log.events) - len(index._connections)  # each keeps its beginning
    return begun, len(index._table.others) + marks, capture._size


@pytest.mark.parametrize("how", WAYS_TO_END)
def test_connections_that_come_and_go_take_no_more_the_more_they_are(how, tmp_path):
    once, twice = visits(800, WAYS_TO_END[how]), visits(1600, WAYS_TO_END[how])
    for capture in (once, twice):
        begun, others, size = known(capture)
        assert begun < 650
        assert others < 2400
        assert size < 2 << 20
        # Beginning and state of all are kept, and all of the one that stays.
        assert len(capture.index.connections) == len(capture.log.streams) // 2
        assert (capture.index.state(1), capture.index.state(2)) == ("OPEN", "CLOSED")
        assert [row.kind for row in capture.index.rows_of(1, "client")] == ["request"]
        assert capture.stream(1, "server") == RESPONSE
        capture.record(1, "server", encode_frame(1, b"still here"))
        assert capture.index.rows()[-1].preview == '"still here"'
    gone = twice.index.forgotten
    assert gone > once.index.forgotten + 600
    if how != "without a byte":
        assert f"Nothing is kept of {gone:,} connections that are closed." in twice.loss
    for name in ("c.jsonl", "c.pcapng", "c.har"):
        loaded = load(save(twice, tmp_path / name))
        assert "still here" in [m.content.decode() for m in loaded.index.messages(1)]


def test_unfinished_frames_of_many_connections_share_their_room():
    capture = Capture(clock=lambda: 0.0, limit=4 << 20)
    for _ in range(200):
        capture.open_connection(upgraded=True)
    for _ in range(16):
        for number in range(1, 201):
            data = bytes(1 << 14)
            if not capture.size(number, "server"):
                data = b"\x82\x7f" + (1 << 40).to_bytes(8, "big") + data
            capture.record(number, "server", data)
    assert capture._size < (4 << 20) + 200 * (1 << 16)
    assert capture.dropped > 30 << 20
