"""Cutting streams into units: the same ones as the index, wherever the bytes were cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslab.net.tap import assembler
from wslab.net.tap.assembler import Piece, UnitAssembler
from wslab.wire import Capture, encode_frame

KEY = b"\x11\x22\x33\x44"
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
PAGE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope"
GET = b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
# Legal or not: where a frame ends does not depend on it.
FRAMES = st.builds(
    encode_frame,
    st.integers(0, 15),
    st.binary(max_size=300),
    masking_key=st.sampled_from([None, KEY]),
    fin=st.booleans(),
    rsv1=st.booleans(),
    length_form=st.sampled_from([None, 64]),
)
CONVERSATIONS = st.builds(
    lambda ours, theirs: (REQUEST + b"".join(ours), RESPONSE + b"".join(theirs)),
    st.lists(FRAMES, max_size=6),
    st.lists(FRAMES, max_size=6),
)


def chunks(draw: st.DrawFn, streams: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Both streams in pieces of any size, in any order between them."""
    left = dict(streams)
    order = []
    while any(left.values()):
        direction = draw(st.sampled_from([name for name, data in left.items() if data]))
        size = min(len(left[direction]), draw(st.sampled_from([1, 2, 3, 7, 40, 160, 1000])))
        order.append((direction, left[direction][:size]))
        left[direction] = left[direction][size:]
    return order


@st.composite
def crossings(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    client, server = draw(CONVERSATIONS)
    return chunks(draw, {"client": client, "server": server})


def feed_all(one: UnitAssembler, crossed: list[tuple[str, bytes]]) -> list[Piece]:
    return [piece for direction, data in crossed for piece in one.feed(direction, data)]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(crossings())
def test_units_are_the_rows_of_the_index_and_no_byte_is_lost(crossed):
    one, capture = UnitAssembler(), Capture()
    number = capture.open_connection()
    pieces = feed_all(one, crossed)
    for direction, data in crossed:
        capture.record(number, direction, data)
    units = sorted((p.direction, p.offset, len(p.data)) for p in pieces if p.what != "loose")
    rows = sorted((row.direction, row.offset, row.length) for row in capture.index.rows())
    assert units == rows
    for direction in ("client", "server"):
        mine = [*(p for p in pieces if p.direction == direction), *one.flush(direction)]
        assert b"".join(piece.data for piece in mine) == capture.stream(number, direction)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(crossings(), st.data())
def test_a_connection_met_in_its_middle_goes_on_byte_for_byte(crossed, data):
    met = data.draw(st.integers(0, len(crossed)))
    capture = Capture()
    number = capture.open_connection()
    for direction, chunk in crossed[:met]:
        capture.record(number, direction, chunk)
    index = capture.index
    one = UnitAssembler()
    for direction in ("client", "server"):
        stream = capture.stream(number, direction)
        if index.is_upgraded(number):
            start = len(stream) - index.incomplete(number, direction)
            frames = index.speaks_frames(number, direction)
            one.join_upgraded(direction, start, stream[start:], frames)
        else:
            one.join_http(direction, stream)
    passed = {d: capture.size(number, d) for d in ("client", "server")}
    pieces = feed_all(one, crossed[met:])
    for direction, chunk in crossed[met:]:
        capture.record(number, direction, chunk)
    for direction in ("client", "server"):
        mine = [*(p for p in pieces if p.direction == direction), *one.flush(direction)]
        rest = capture.stream(number, direction)[passed[direction] :]
        assert b"".join(piece.data for piece in mine) == rest
        offset = passed[direction]
        for piece in mine:
            assert piece.offset == offset
            offset += len(piece.data)
    whole = {(row.direction, row.offset) for row in capture.index.rows()}
    assert {(p.direction, p.offset) for p in pieces if p.what == "frame"} <= whole


def test_a_frame_too_large_to_be_held_passes_as_it_comes(monkeypatch):
    monkeypatch.setattr(assembler, "LARGEST", 100)
    one = UnitAssembler()
    one.join_upgraded("server", 0, b"")
    frame = encode_frame(2, b"x" * 500)
    after = encode_frame(1, b"next")
    pieces = one.feed("server", frame[:50])
    assert [(p.what, p.offset, len(p.data), p.unit) for p in pieces] == [
        ("large", 0, 50, len(frame))
    ]
    assert not one.between_units("server")
    pieces = one.feed("server", frame[50:] + after)
    assert [(p.what, p.offset) for p in pieces] == [("loose", 50), ("frame", len(frame))]
    assert one.between_units("server")


def test_what_comes_too_early_is_cut_as_the_index_cuts_it():
    hello = encode_frame(1, b"Hello", masking_key=KEY)
    announced = REQUEST[:-2] + b"Content-Length: 3\r\n\r\n"
    for crossed, whole in (
        ([("client", announced), ("server", RESPONSE), ("client", hello)], announced),
        ([("client", GET[:9]), ("server", RESPONSE), ("client", GET[9:] + hello)], GET),
        ([("client", hello), ("server", RESPONSE)], hello),
        ([("server", RESPONSE), ("client", GET + hello)], GET),
        ([("server", RESPONSE), ("client", hello)], hello),
    ):
        one, capture = UnitAssembler(), Capture()
        number = capture.open_connection()
        pieces = feed_all(one, crossed)
        for direction, data in crossed:
            capture.record(number, direction, data)
        units = sorted((p.direction, p.offset, len(p.data)) for p in pieces)
        rows = sorted((r.direction, r.offset, r.length) for r in capture.index.rows())
        assert units == rows
        assert whole in [piece.data for piece in pieces]


def test_an_ordinary_page_comes_before_the_handshake():
    one = UnitAssembler()
    hello = encode_frame(1, b"Hello", masking_key=KEY)
    assert [p.what for p in one.feed("client", GET + REQUEST + hello)] == ["head", "head"]
    assert [p.data for p in one.feed("server", PAGE)] == [PAGE]
    assert not one.upgraded
    pieces = one.feed("server", RESPONSE)
    assert [(p.direction, p.what) for p in pieces] == [("server", "head"), ("client", "frame")]
    assert one.upgraded


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BODIES = [
    (GET + REQUEST, OK + b"Content-Length: 9\r\n\r\n", b"nine byte"),
    (GET + REQUEST, CHUNKED,
     b"4\r\ndata\r\n11;x=y\r\n\r\n0\r\n\r\n0123456789\r\n0\r\n\r\n"),
    (GET + REQUEST, CHUNKED, b"1\r\nx\r\n0\r\nTrailer: x\r\n\r\n"),
]  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(BODIES), st.integers(0, 200), st.lists(st.integers(0, 200)))
def test_a_body_passes_as_it_comes_and_what_follows_is_found(parts, met, cuts):
    client, head, body = parts
    frame = encode_frame(1, b"Hello")
    stream = head + body + RESPONSE + frame
    one = UnitAssembler()
    one.feed("client", client)
    met = min(met, len(head + body))
    one.join_http("server", stream[:met])
    ends = sorted({len(stream), *(cut for cut in cuts if met < cut < len(stream))})
    pieces = []
    for start, end in zip([met, *ends], ends, strict=False):
        arrived = one.feed("server", stream[start:end])
        pieces += arrived
        if len(head) <= end:
            passed = sum(len(piece.data) for piece in pieces)
            size_line = len(b"11;x=y\r\n")
            assert passed >= min(end, len(head + body)) - met - max(size_line, 20)
    assert b"".join(piece.data for piece in pieces) == stream[met:]
    assert [piece.offset for piece in pieces] == [
        met + sum(len(piece.data) for piece in pieces[:place]) for place in range(len(pieces))
    ]
    assert one.upgraded
    assert [piece.data for piece in pieces[-2:]] == [RESPONSE, frame]


def test_a_body_without_an_end_passes_as_it_comes():
    one = UnitAssembler()
    one.feed("client", GET)
    pieces = one.feed("server", OK + b"\r\n")
    assert [(p.what, p.data) for p in pieces] == [("head", OK + b"\r\n")]
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        assert [(p.what, p.data) for p in one.feed("server", event)] == [("body", event)]
    assert not one.between_units("server")


def test_a_request_goes_ahead_of_the_body_that_waits_for_an_answer():
    one = UnitAssembler()
    put = b"PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert [(p.what, p.data) for p in one.feed("client", put)] == [("head", put)]
    assert [p.what for p in one.feed("server", b"HTTP/1.1 100 Continue\r\n\r\n")] == ["head"]
    pieces = one.feed("client", b"Hello" + REQUEST)
    assert [(p.what, p.data) for p in pieces] == [("body", b"Hello"), ("head", REQUEST)]
    assert [p.what for p in one.feed("server", PAGE + RESPONSE)] == ["head", "head"]
    assert one.upgraded


@pytest.mark.parametrize("size", [1, 3, 100])
def test_tls_records_come_one_by_one_and_their_bytes_stay_as_they_are(size):
    hello = b"\x16\x03\x01\x00\x2a\x01\x00\x00\x26\x03\x03" + bytes(36)
    sealed = b"\x17\x03\x03\x00\x05Hello"
    one, stream = UnitAssembler(), hello + sealed + sealed
    pieces = []
    for start in range(0, len(stream), size):
        pieces += one.feed("client", stream[start : start + size])
    assert [(p.what, p.data) for p in pieces] == [
        ("record", hello), ("record", sealed), ("record", sealed),
    ]  # fmt: skip
    assert one.between_units("client")
    assert not one.upgraded
