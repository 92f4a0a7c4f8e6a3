"""A recording with a limit: the oldest frames go, offsets and rows stay, and it says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture, Deflater, encode_frame, load, save
from wslab.wire.recording.index import DROPPED
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
