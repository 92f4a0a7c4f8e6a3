"""Two raw streams in files: the same account as of a recording made live, and no more memory."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslab.wire import Capture, CaptureError, encode_frame, load, load_pasted
from wslab.wire.accounts import json as account_json
from wslab.wire.accounts import json_pieces
from wslab.wire.accounts import text as account_text
from wslab.wire.formats import raw_streams
from wslab.wire.protocol.deflate import Deflater

from .test_handshake import REQUEST, RESPONSE
from .test_index import CLIENT, PAGE, SERVER

KEY = b"\x01\x02\x03\x04"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def account(capture: Capture) -> dict:
    return json.loads("".join(json_pieces(capture)))


def of_files(client: bytes | None, server: bytes | None) -> Capture:
    return raw_streams.load_streams(
        None if client is None else io.BytesIO(client),
        None if server is None else io.BytesIO(server),
    )


def in_memory(client: bytes, server: bytes) -> Capture:
    """The same, each direction's handshake in its turn."""
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    cut = client.find(b"\r\n\r\n") + 4
    for direction, data in (("client", client[:cut]), ("server", server), ("client", client[cut:])):
        capture.record(1, direction, data)
    return capture


def by_direction(found: dict) -> dict:
    """Without what depends on how the two directions took turns."""
    for key in ("units", "messages"):
        found[key] = sorted(found[key], key=lambda unit: unit["direction"])
    return found


@pytest.fixture(params=[1 << 20, 64])
def window(request, monkeypatch):
    """Also in pieces so small that everything lies across their edges."""
    monkeypatch.setattr(raw_streams, "STEP", request.param)
    monkeypatch.setattr(account_json, "_PIECE", request.param)


def test_the_same_as_in_memory(window):
    deflater = Deflater()
    squeezed = [
        encode_frame(1, deflater.deflate(text), rsv1=True, masking_key=KEY)
        for text in (b"Hello " * 50, b"Hello again " * 50)
    ]
    # What starts a message in fragments is interrupted by another, and so is lost.
    odd = [encode_frame(1, b"lost", fin=False), encode_frame(2, b"\xff" * 300), b"\x81\x7e\x00"]
    for client, server in (
        (CLIENT, SERVER),
        (CLIENT[:-3], SERVER[:-1]),
        (
            REQUEST[:-2] + DEFLATE + b"".join(squeezed),
            RESPONSE[:-2] + DEFLATE + encode_frame(1, b"plain") + b"".join(odd),
        ),
    ):
        expected = by_direction(account(in_memory(client, server)))
        assert by_direction(account(of_files(client, server))) == expected


def test_frames_alone_and_one_side_alone():
    frames = encode_frame(1, b"Hello", masking_key=KEY)
    capture = of_files(frames, encode_frame(2, b"\x00"))
    assert [row.kind for row in capture.index.rows()] == ["text", "binary"]
    capture = of_files(None, SERVER)
    assert [row.kind for row in capture.index.rows()] == ["response", "pong", "binary", "close"]
    assert account(of_files(b"", b""))["units"] == []


def test_a_client_alone_that_goes_on_was_answered_with_yes(window):
    capture = of_files(CLIENT, None)
    rows = capture.index.rows()
    assert [row.kind for row in rows[:3]] == ["request", "text", "binary"]
    assert [row.broken for row in rows[:3]] == [False] * 3
    assert capture.index.incomplete(1, "client") == 0
    assert capture.index.state(1) == "CLOSED"
    assert account(capture)["messages"][0]["text"] == "Grüße"
    assert any("nothing tells that the upgrade was accepted" in note for note in capture.notes)
    alone = of_files(REQUEST, None)
    assert alone.notes == ["nothing is known of what the server sent"]
    # Where the server's stream is known, its silence is its answer.
    assert of_files(CLIENT, b"").index.incomplete(1, "client") == len(CLIENT) - len(REQUEST)


def test_what_a_client_alone_compressed_is_inflated():
    squeezed = encode_frame(1, Deflater().deflate(b"Hello" * 9), rsv1=True, masking_key=KEY)
    capture = of_files(REQUEST[:-2] + DEFLATE + squeezed, None)
    unit = capture.index.unit(1)
    assert (unit.inflated, unit.violations) == (b"Hello" * 9, ())


def test_logins_are_masked_in_every_request_of_a_client_alone(window):
    get = b"GET /a HTTP/1.1\r\nHost: a\r\nCookie: hunter2\r\n\r\n"
    post = b"POST /a HTTP/1.1\r\nContent-Length: 15\r\n\r\nCookie: shown\r\n"
    upgrade = REQUEST[:-2] + b"Cookie: hunter2\r\n\r\n"
    for server in (None, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
        for client in (get + get, get + post + get, upgrade + get + get):
            capture = of_files(client, server)
            masked = client.replace(b"hunter2", b"*******")
            assert capture.log.streams[0][: len(client)] == masked
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: hunter2\r\nContent-Length: 0\r\n\r\n"
    capture = of_files(None, answer * 2)
    assert b"hunter2" not in capture.log.streams[1][:200]
    assert len(capture.index) == 2


def test_handshakes_that_took_turns_before():
    refused = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    capture = of_files(REQUEST + CLIENT, refused + early + SERVER)
    kinds = [row.kind for row in capture.index.rows()]
    assert kinds[:5] == ["request", "response", "request", "response", "response"]
    assert not any("data-before-response" in str(row) for row in capture.index.rows())
    assert [row.preview for row in capture.index.rows()[1:5:2]] == ["503 Busy", "103 Early Hints"]
    broken = [v.rule for n in range(6) for v in capture.index.unit(n).violations]
    assert broken == []


def test_logins_are_masked():
    secret = REQUEST.replace(b"Origin: ", b"Cookie: hunter2\r\nOrigin: ")
    capture = of_files(secret + CLIENT[len(REQUEST) :], SERVER)
    assert capture.index.unit(0).field("Cookie").value == "*******"
    assert "hunter2" not in "".join(json_pieces(capture))
    assert capture.index.unit(2).payload == "Grüße".encode()


def test_of_large_frames_only_the_recording_and_one_message_are_held():
    """A text of 48 MiB in one frame, and one in two: described, checked and written in pieces."""
    size = 24 << 20
    client = REQUEST + encode_frame(1, b"a" * size, masking_key=KEY)
    server = RESPONSE + encode_frame(1, b"\xc3\xa4" * (size // 2), fin=False)
    server += encode_frame(0, b"\xc3")
    files = io.BytesIO(client), io.BytesIO(server)
    del client, server
    tracemalloc.start()
    try:
        capture = raw_streams.load_streams(*files)
        ends = {}
        written = 0
        for piece in json_pieces(capture):
            written += len(piece)
            ends[written] = piece[-20:]
        lines = list(account_text.lines(capture))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The recording, the next message of each direction, and the pieces of one.
    assert peak < 5 * size + (12 << 20)
    assert written > 5.5 * size
    assert any("text-not-utf8" in line for line in lines)
    unit = capture.index.unit(2, 100)
    assert (unit.length, len(unit.payload)) == (size + 14, 100)
    assert unit.fields[-1].bits == 8 * size
    assert sum(field.bits for field in unit.fields) == 8 * unit.length


def test_what_a_limited_recording_no_longer_has_is_listed_as_that():
    capture = Capture(clock=lambda: 0.0, limit=2000)
    capture.open_connection()
    capture.record(1, "client", REQUEST)
    capture.record(1, "server", RESPONSE)
    for number in range(200):
        capture.record(1, "client", encode_frame(1, b"message %d" % number, masking_key=KEY))
    assert capture.dropped
    lines = list(account_text.lines(capture, brief=True))
    assert lines[2].endswith("no longer kept")
    assert lines[201].endswith('"message 199"')
    assert len(list(account_text.lines(capture))) > 202
    units = account(capture)["units"]
    assert (units[2]["length"], units[2]["fields"]) == (15, [])


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200), st.booleans())
def test_no_bytes_make_it_raise(client, server, handshaken):
    if handshaken:
        client, server = REQUEST + client, RESPONSE + server
    capture = of_files(client, server)
    found = account(capture)
    for direction, data in (("client", client), ("server", server)):
        position = 0
        for unit in found["units"]:
            if unit["direction"] != direction:
                continue
            assert unit["offset"] == position
            position += unit["length"]
            bit = 0
            for field in unit["fields"]:
                assert field["bit"] == bit
                bit += field["bits"]
            assert bit == 8 * unit["length"]
        assert found["incomplete"][direction] == len(data) - position
    list(account_text.lines(capture))
    list(account_text.lines(capture, brief=True))


@pytest.mark.parametrize(
    ("head", "messages"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (24 << 20), 0),
        (b"HTTP/1.1 200 OK\r\n\r\n", 0),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
            + RESPONSE
            + encode_frame(2, bytes(24 << 20))[:10],
            1,
        ),
    ],
    ids=["with a length", "to the end", "and a frame"],
)
def test_a_large_body_and_what_follows_one_are_held_once(head, messages):
    files = io.BytesIO(PAGE + REQUEST), io.BytesIO(head + bytes(24 << 20))
    tracemalloc.start()
    try:
        capture = raw_streams.load_streams(*files)
        for _ in json_pieces(capture):
            pass
        for _ in account_text.lines(capture):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A message is joined: its pieces, and then the whole.
    assert peak - sum(map(len, capture.log.streams)) < (12 << 20) + messages * 2 * (24 << 20)


def test_two_empty_files_say_so():
    notes = raw_streams.load_streams(io.BytesIO(), io.BytesIO()).notes
    assert notes == ["nothing was sent in either direction"]


ASK = b"\x81\x82\x01\x02\x03\x04\x69\x6b"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (REQUEST + RESPONSE + ASK + b"\x81\x02yo" + ASK, "client server client server client"),
        (REQUEST + RESPONSE + b"\x81\x02yo" + ASK[:3], "client server server"),
        (REQUEST + REFUSAL, "client server"),
        (REQUEST + REFUSAL + REQUEST + RESPONSE + ASK, "client server client server client"),
    ],
)
def test_both_directions_in_one_stream_are_told_apart(tmp_path, data, rows):
    path = tmp_path / "follow.bin"
    path.write_bytes(data)
    for capture in (load(path), load_pasted(data.hex())):
        assert [row.direction for row in capture.index.rows()] == rows.split()
        assert not any(row.broken for row in capture.index.rows())
        assert "both sides stand in one stream" in capture.notes[0]


def test_one_direction_is_not_taken_for_both():
    for data in (REQUEST + ASK, RESPONSE + b"\x81\x02yo", REQUEST + REQUEST):
        capture = load_pasted(data.hex())
        assert len({row.direction for row in capture.index.rows()}) == 1
        assert not any("one stream" in note for note in capture.notes)


def test_what_cannot_be_told_apart_names_what_to_save_instead():
    with pytest.raises(CaptureError, match=r"from byte 389 on: .* --client FILE"):
        raw_streams.load_joined(REQUEST + RESPONSE + b"a warning")


def test_lines_that_somebody_joined_tell_no_order():
    """Two lines, one of each side: that the client's frame came first is not known."""
    text = f"{(REQUEST + ASK).hex()}\n\t{(RESPONSE + b'yo').hex()}\n"
    capture = raw_streams.load_followed(text)
    assert [row.broken for row in capture.index.rows()][:3] == [False, False, False]
    true = raw_streams.load_followed(f"=====\nFollow: tcp,raw\n{text}")
    assert [row.broken for row in true.index.rows()][2]
