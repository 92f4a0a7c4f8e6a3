"""The index: any bytes, cut anywhere, give the same rows, and nothing makes it raise."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture, encode_frame
from wslab.wire.protocol import http, parse_head
from wslab.wire.recording.fair_lock import FairLock
from wslab.wire.recording.index import Index

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x01\x02\x03\x04"
CLIENT = REQUEST + b"".join(
    [
        encode_frame(1, "Grüße".encode(), masking_key=KEY),
        encode_frame(2, bytes(300), masking_key=KEY),
        encode_frame(1, b"a", masking_key=KEY, fin=False),
        encode_frame(9, b"between", masking_key=KEY),
        encode_frame(0, b"b", masking_key=KEY),
        encode_frame(8, b"\x03\xe8done", masking_key=KEY),
        encode_frame(1, b"late", masking_key=KEY),
    ]
)
SERVER = RESPONSE + b"".join(
    [encode_frame(10, b"between"), encode_frame(2, bytes(70000)), encode_frame(8, b"\x03\xe8")]
)


BOTH = [("client", CLIENT), ("server", SERVER)]


def rows(pieces: list[tuple[str, bytes]], update_each_time: bool = False):
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    for direction, data in pieces:
        capture.record(connection, direction, data)
        if update_each_time:
            capture.index.update()
    index = capture.index
    units = [index.unit(number) for number in range(len(index))]
    return units, [index.incomplete(1, side) for side in ("client", "server")]


def whole(direction: str, pieces) -> list:
    """One direction's units, without what depends on the order between the two."""
    return [
        (u.kind, u.offset, u.data, u.fields, u.violations)
        for u in rows(pieces)[0]
        if u.direction == direction
    ]


cuts = st.lists(st.integers(0, len(CLIENT)), max_size=12)


@given(cuts, cuts)
def test_any_split_gives_the_same_units(client_cuts, server_cuts):
    def cut(direction, data, at):
        edges = [0, *sorted(min(edge, len(data)) for edge in at), len(data)]
        return [(direction, data[a:b]) for a, b in itertools.pairwise(edges)]

    pieces = cut("client", CLIENT, client_cuts) + cut("server", SERVER, server_cuts)
    expected = [("client", CLIENT), ("server", SERVER)]
    for direction in ("client", "server"):
        assert whole(direction, pieces) == whole(direction, expected)


PAGE = b"GET / HTTP/1.1\r\nHost: server.example.com\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello"


@given(st.lists(st.integers(0, len(PAGE + CLIENT)), max_size=8), st.integers(0, len(FOUND)))
def test_requests_in_a_row_are_each_answered_and_frames_follow_the_upgrade(cuts, cut):
    """RFC 9112 §9.3.2: the client may ask again before it has its answer."""
    edges = [0, *sorted(cuts), len(PAGE + CLIENT)]
    asked = [("client", (PAGE + CLIENT)[a:b]) for a, b in itertools.pairwise(edges)]
    answered = [("server", FOUND[:cut]), ("server", FOUND[cut:] + SERVER)]
    expected = ["request", "request", *[unit[0] for unit in whole("client", BOTH)][1:]]
    in_turn = [("client", PAGE), answered[0], ("client", CLIENT), answered[1]]
    for pieces in ([*asked, *answered], in_turn):
        units, incomplete = rows(pieces)
        assert [u.kind for u in units if u.direction == "client"] == expected
        kinds = [u.kind for u in units if u.direction == "server"]
        assert kinds == ["response", "response", "pong", "binary", "close"]
        assert incomplete == [0, 0]


def test_one_byte_at_a_time():
    pieces = [("client", bytes([byte])) for byte in CLIENT]
    pieces += [("server", bytes([byte])) for byte in SERVER[:600]]
    units, incomplete = rows(pieces, update_each_time=True)
    assert [u.kind for u in units if u.direction == "client"] == [
        "request",
        "text",
        "binary",
        "text",
        "ping",
        "continuation",
        "close",
        "text",
    ]
    assert incomplete == [0, 600 - len(RESPONSE) - 9]


@given(st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=60))))
def test_no_bytes_make_it_raise(pieces):
    for upgraded in (False, True):
        capture = Capture()
        connection = capture.open_connection(upgraded=upgraded)
        for direction, data in pieces:
            capture.record(connection, direction, data)
            index = capture.index
            index.rows()
        capture.end(connection, "client")
        capture.end(connection, "server", "reset")
        index = capture.index
        assert index.state(connection) == "CLOSED"
        for direction in ("client", "server"):
            offset = 0
            for number in range(len(index)):
                unit = index.unit(number)
                str(unit)
                if unit.direction == direction:
                    assert unit.offset == offset
                    offset += unit.length
                    bits = 0
                    for field in unit.fields:
                        assert field.bit == bits
                        bits += field.bits
                    assert bits == 8 * unit.length
            rest = len(capture.stream(connection, direction)) - offset
            assert index.incomplete(connection, direction) == rest


def test_a_length_with_its_first_bit_set_is_waited_for_and_costs_nothing():
    units, incomplete = rows(
        [("client", REQUEST), ("server", RESPONSE + b"\x82\x7f" + b"\xff" * 8)]
    )
    assert len(units) == 2
    assert incomplete == [0, 10]


def test_rows_come_in_the_order_of_time():
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    for number in range(3):
        text = str(number).encode()
        capture.record(connection, "client", encode_frame(1, text, masking_key=KEY))
        capture.record(connection, "server", encode_frame(1, text))
    found = [(row.direction, row.preview) for row in capture.index.rows(2)]
    assert found == [(d, f'"{n}"') for n in range(3) for d in ("client", "server")]


def test_connections_whose_openings_are_told_out_of_turn_keep_their_bytes():
    capture = Capture()
    capture.open_connection()
    capture.open_connection(upgraded=True)
    capture.events.reverse()
    capture.record(2, "server", encode_frame(1, b"Hello"))
    capture.record(1, "client", REQUEST)
    found = [(row.connection, row.kind) for row in capture.index.rows()]
    assert found == [(2, "text"), (1, "request")]


def test_states_of_several_connections():
    capture = Capture()
    states = []
    for _ in range(2):
        capture.open_connection()
    for direction, data in [
        ("client", REQUEST),
        ("server", RESPONSE),
        ("client", encode_frame(8, masking_key=KEY)),
    ]:
        capture.record(2, direction, data)
        states.append(capture.index.state(2))
    capture.end(2, "client")
    capture.end(2, "server")
    assert [*states, capture.index.state(2)] == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
    assert capture.index.state(1) == "CONNECTING"
    assert capture.index.connections == [1, 2]


def test_a_preview_stays_on_its_line_and_hides_nothing():
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    for text in ["two\nlines", "\u202eright to left", "<b>bold</b>", "x" * 500]:
        capture.record(connection, "server", encode_frame(1, text.encode()))
    previews = [row.preview for row in capture.index.rows()]
    assert previews[:3] == ['"two\\nlines"', '"\\u202eright to left"', '"<b>bold</b>"']
    assert len(previews[3]) == 80


def take_turns(*turns: tuple[str, bytes]) -> Capture:
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    for direction, data in turns:
        capture.record(connection, direction, data)
    return capture


def seen(capture: Capture) -> list[tuple[str, str, int, list[str]]]:
    """Who sent what, how long, and the rules it breaks; what is no whole unit at the end."""
    index = capture.index
    units = [index.unit(number) for number in range(len(index))]
    found = [(u.direction, u.kind, u.length, [v.rule for v in u.violations]) for u in units]
    for direction in ("client", "server"):
        if left := index.incomplete(1, direction):
            found.append((direction, "incomplete", left, []))
    return found


HELLO = encode_frame(1, b"hi", masking_key=KEY)
OPENED = [("client", "request", len(REQUEST), []), ("server", "response", len(RESPONSE), [])]


def test_an_answer_that_comes_before_the_end_of_a_body_is_the_one_to_that_request():
    post = b"POST /u HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    too_large = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    found = seen(
        take_turns(
            ("client", post + b"he"), ("server", too_large), ("client", b"llo"),
            ("client", REQUEST), ("server", RESPONSE), ("client", HELLO),
        )
    )  # fmt: skip
    assert found == [
        ("server", "response", len(too_large), []),
        ("client", "request", len(post) + 5, []),
        *OPENED,
        ("client", "text", len(HELLO), []),
    ]


def test_an_upgrade_that_was_refused_before_its_body_ended_waits_for_nothing_more():
    posted = REQUEST[:-2] + b"Content-Length: 5\r\n\r\n"
    refused = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    found = seen(
        take_turns(
            ("client", posted + b"he"), ("server", refused), ("client", b"llo"),
            ("client", REQUEST), ("server", RESPONSE), ("client", HELLO),
        )
    )  # fmt: skip
    assert [unit[:2] for unit in found] == [
        ("server", "response"), ("client", "request"), ("client", "request"),
        ("server", "response"), ("client", "text"),
    ]  # fmt: skip


def test_a_101_ends_a_request_whose_body_never_came():
    announced = REQUEST[:-2] + b"Content-Length: 3\r\n\r\n"
    found = seen(take_turns(("client", announced), ("server", RESPONSE), ("client", HELLO)))
    expected = [("client", "request", len(announced), []), OPENED[1]]
    assert found == [*expected, ("client", "text", len(HELLO), [])]


def test_a_101_that_comes_too_early_leaves_the_request_to_its_end():
    for cut in (0, 1, 3, 10, len(REQUEST) - 1):
        found = seen(
            take_turns(
                ("client", REQUEST[:cut]), ("server", RESPONSE), ("client", REQUEST[cut:] + HELLO)
            )
        )
        assert found == [OPENED[1], OPENED[0], ("client", "text", len(HELLO), [])]


def test_what_looks_like_no_request_are_frames_after_a_101_that_nobody_asked_for():
    found = seen(take_turns(("client", HELLO), ("server", RESPONSE)))
    assert found == [OPENED[1], ("client", "text", len(HELLO), ["data-before-response"])]
    blank = encode_frame(2, b"\r\n\r\n" * 2, masking_key=bytes(4))
    for pieces in ([blank + HELLO], [blank[:1], blank[1:], HELLO]):
        found = seen(take_turns(("server", RESPONSE), *[("client", piece) for piece in pieces]))
        assert found == [
            OPENED[1], ("client", "binary", len(blank), []), ("client", "text", len(HELLO), []),
        ]  # fmt: skip


def test_a_body_in_many_pieces_is_looked_at_once(monkeypatch):
    """By a count of the bytes, not by a clock. The head is too long to be read again as a whole."""
    chunked = b"HTTP/1.1 200 OK\r\nLong: " + b"a" * 256 + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"1\r\na\r\n" * 2000 + b"0\r\nTrailer: x\r\n\r\n"
    parsed = []
    monkeypatch.setattr(http, "parse_head", lambda data: parsed.append(data) or parse_head(data))

    class Counted(bytearray):
        handed_out = 0

        def __getitem__(self, key):
            found = super().__getitem__(key)
            Counted.handed_out += len(found) if isinstance(key, slice) else 1
            return found

    capture = Capture()
    connection = capture.open_connection()
    capture.log.streams[1] = Counted()
    for at in range(0, len(chunked), 7):
        capture.record(connection, "server", chunked[at : at + 7])
        capture.index.update()
    assert len(parsed) == 2  # by the index and by the mask of logins
    assert Counted.handed_out < 2 * len(chunked)
    head, *chunks, last = [length for _, _, length, _ in seen(capture)]
    assert (head, set(chunks), len(chunks), last) == (len(chunked) - 12_000 - 17, {6}, 2000, 17)


@given(st.lists(st.integers(0, 140), max_size=6), st.binary(max_size=5))
def test_chunks_end_where_they_end_however_the_bytes_are_cut(cuts, behind):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + b"5;a=b\r\nHello\r\n00A\r\n0123456789\r\n0\r\nT: x\r\n\r\n"
    edges = [0, *sorted(cuts), len(whole + behind)]
    pieces = [("server", (whole + behind)[a:b]) for a, b in itertools.pairwise(edges)]
    assert seen(take_turns(*pieces))[:4] == [
        ("server", "response", len(head), []),
        ("server", "chunk", len(b"5;a=b\r\nHello\r\n"), []),
        ("server", "chunk", len(b"00A\r\n0123456789\r\n"), []),
        ("server", "chunk", len(b"0\r\nT: x\r\n\r\n"), []),
    ]


def test_an_answer_to_an_upgrade_is_no_stream():
    refused = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
    units = seen(take_turns(("client", REQUEST), ("server", refused)))
    assert units[1] == ("server", "response", len(refused), [])


def test_a_stream_that_breaks_off_is_told_as_far_as_it_came():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    capture = take_turns(("client", PAGE), ("server", head + b"2\r\nhi\r\n9\r\nthis i"))
    assert seen(capture)[1:] == [
        ("server", "response", len(head), []), ("server", "chunk", 7, []),
        ("server", "incomplete", 9, []),
    ]  # fmt: skip
    capture.end(1, "server")
    assert seen(capture)[3:] == [("server", "chunk", 9, [])]
    assert [row.preview for row in capture.index.rows()[2:]] == ["hi", "this i"]
    capture = take_turns(("client", PAGE), ("server", head + b"2\r\nhi\r\n"))
    capture.end(1, "server")
    assert seen(capture)[2:] == [("server", "chunk", 7, [])]


def test_a_stream_at_its_limit_forgets_its_oldest_chunks():
    capture = Capture(limit=40_000)
    connection = capture.open_connection()
    capture.record(connection, "client", PAGE)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    capture.record(connection, "server", head)
    for number in range(8000):
        capture.record(connection, "server", b"A\r\ntick %05d\r\n" % number)
    rows = capture.index.rows()
    kept = [row.preview for row in rows if not capture.index.is_gone(row.number)]
    assert kept[-1] == "tick 07999"
    assert 1000 < len(kept) < 6000


def test_http_behind_an_upgrade_request_has_not_waited_for_the_answer():
    """RFC 6455 §4.1: the client must wait for the response before it sends any further data."""
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    capture = take_turns(
        ("client", REQUEST + PAGE), ("client", PAGE[:9]), ("server", refused),
        ("client", PAGE[9:] + PAGE),
    )  # fmt: skip
    early = ["data-before-response"]
    assert [unit[::3] for unit in seen(capture)] == [
        ("client", []), ("server", []), ("client", early), ("client", early), ("client", []),
    ]  # fmt: skip
    assert [row.broken for row in capture.index.rows()] == [False, False, True, True, False]


def test_of_a_large_body_only_what_is_wanted_is_held():
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    index = take_turns(("client", PAGE), ("server", page + b"x" * 100000)).index
    unit = index.unit(1, 10)
    assert unit.data == page + b"x" * 10
    assert (unit.length, unit.body_rest) == (len(page) + 100000, 99990)
    assert unit.field("body")._replace(value="") == index.unit(1).field("body")._replace(value="")
    assert unit.field("body").value == "x" * 10
    assert index.unit(1).data == page + b"x" * 100000


def test_a_long_recording_is_indexed_in_slices_and_others_get_their_turn_in_between():
    capture = Capture()
    number = capture.open_connection(upgraded=True)
    for _ in range(64):
        capture.record(number, "server", b"\x81\x00" * 4096)
    index, steps = Index(capture.log), []
    while index.step(1 << 14):
        steps.append(len(index))
    assert len(index) == 64 * 4096
    assert max(b - a for a, b in itertools.pairwise([0, *steps])) <= 3 * 4096


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("most", [1, 100, 5000])
def test_slices_of_any_size_give_the_same_rows(connections, most):
    capture = Capture(clock=lambda: 0.0)
    for number in range(1, connections + 1):
        capture.open_connection()
        capture.record(number, "client", REQUEST)
        capture.record(number, "server", RESPONSE)
    for turn in range(50):
        for number in range(1, connections + 1):
            capture.record(number, "server", b"\x81\x05Hello" * (turn % 7 + 1))
            capture.mark(number, "server", "delayed", 0, 7)
            capture.record(number, "client", b"\x81\x80abcd"[: turn % 5 + 1])
    index = Index(capture.log)
    while index.step(most):
        pass
    assert index.rows() == capture.index.rows()
    assert len(index) > 200


def test_who_waits_for_a_fair_lock_gets_it_before_the_one_that_just_had_it():
    lock, order = FairLock(), []
    waits = threading.Event()

    def other() -> None:
        waits.set()
        with lock:
            order.append("other")

    thread = threading.Thread(target=other)
    with lock, lock:
        thread.start()
        assert waits.wait(10.0)
        while not lock._next.locked():  # it stands in front now
            pass
    with lock:
        order.append("again")
    thread.join()
    assert order == ["other", "again"]
