"""Messages, frames and reads of the same bytes."""

from __future__ import annotations

from wslab.wire import Capture, encode_frame
from wslab.wire.recording import layers_of

KEY = b"key!"


def recorded(*pieces: bytes) -> Capture:
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    for piece in pieces:
        capture.record(connection, "client", piece)
    return capture


def spans(found):
    return [(span.start, span.stop, span.kind) for span in found]


def test_one_message_in_parts_with_a_ping_between_read_in_two_pieces():
    data = b"".join(
        [
            encode_frame(1, b"abc", masking_key=KEY, fin=False),
            encode_frame(9, b"?", masking_key=KEY),
            encode_frame(0, b"de", masking_key=KEY),
        ]
    )
    found = layers_of(recorded(data[:12], data[12:]), 1, "client")
    assert spans(found.frames) == [(0, 9, "text"), (9, 16, "ping"), (16, 24, "continuation")]
    assert spans(found.messages) == [(0, 24, "text")]
    assert found.messages[0].label == '"abcde"'
    assert spans(found.reads) == [(0, 12, "read"), (12, 24, "read")]
    assert (found.start, found.stop) == (0, 24)


def test_what_came_before_the_start_is_left_out():
    first = encode_frame(1, b"first", masking_key=KEY)
    second = encode_frame(2, b"\x00", masking_key=KEY)
    found = layers_of(recorded(first, second), 1, "client", len(first))
    assert [span.label for span in found.messages] == ["1 bytes"]
    assert spans(found.reads) == [(11, 18, "read")]


def test_a_message_without_its_end_is_no_message_yet():
    found = layers_of(recorded(encode_frame(1, b"abc", masking_key=KEY, fin=False)), 1, "client")
    assert found.messages == ()
    assert len(found.frames) == 1
