"""What a debugger did to frames on their way: sent and delivered both stay readable."""

from __future__ import annotations

import itertools

import pytest

from wslab.wire import Capture, encode_frame, load, save
from wslab.wire.formats import jsonl

from .test_handshake import REQUEST, RESPONSE

HELLO, PING, BYE = encode_frame(1, b"Hello"), encode_frame(9, b"?"), encode_frame(1, b"Bye")


@pytest.fixture
def capture():
    ticks = itertools.count()
    capture = Capture(clock=lambda: float(next(ticks)))
    capture.open_connection(upgraded=True)
    return capture


def put(capture: Capture, data: bytes, *marks: str, instead: bytes | None = None) -> int:
    offset = capture.size(1, "server")
    capture.record(1, "server", data)
    for name in marks:
        capture.mark(
            1, "server", name, offset, len(data), data=instead if name == "edited" else None
        )
    return offset


def test_without_marks_both_are_what_was_recorded(capture):
    put(capture, HELLO + PING)
    assert capture.sent(1, "server") == capture.delivered(1, "server") == HELLO + PING


def test_each_kind_of_mark_has_its_effect_on_what_was_sent_and_delivered(capture):
    put(capture, HELLO)
    put(capture, PING, "dropped")
    put(capture, HELLO, "edited", "delivered", instead=BYE)
    put(capture, PING, "delivered", "duplicated")
    put(capture, BYE, "injected", "delivered")
    put(capture, HELLO, "held")
    assert capture.sent(1, "server") == HELLO + PING + HELLO + PING + HELLO
    assert capture.delivered(1, "server") == HELLO + BYE + PING + PING + BYE
    assert [row.mark for row in capture.index.rows()] == [
        "", "dropped", "edited", "duplicated", "injected", "held",
    ]  # fmt: skip


def test_held_frames_are_delivered_in_the_order_in_which_they_were_let_go(capture):
    first, second = put(capture, HELLO, "held"), put(capture, BYE, "held")
    assert capture.delivered(1, "server") == b""
    capture.mark(1, "server", "delivered", second, len(BYE))
    capture.mark(1, "server", "delivered", first, len(HELLO))
    assert capture.delivered(1, "server") == BYE + HELLO
    assert [row.mark for row in capture.index.rows()] == ["held 4.0 s", "held 1.0 s"]
    assert [event.name for event in capture.index.marks(0)] == ["held", "delivered"]
    assert capture.index.marked == [0, 1, 1, 0]


def test_a_unit_and_its_export_say_so_too(capture):
    put(capture, HELLO, "edited", "delivered", instead=BYE)
    unit = capture.index.unit(0)
    assert unit.mark == unit.to_json()["mark"] == "edited"
    assert "edited on its way" in str(unit)
    assert unit.data == HELLO, "what was sent"
    put(capture, HELLO)
    assert "mark" not in capture.index.unit(1).to_json()


def test_marks_go_to_disk_and_come_back(capture, tmp_path):
    put(capture, HELLO, "held", "edited", "delivered", instead=BYE)
    put(capture, PING, "dropped")
    capture.mark(1, "client", "cut", note="by hand")
    loaded = load(save(capture, tmp_path / "capture.jsonl"))
    assert list(jsonl.lines(loaded)) == list(jsonl.lines(capture))
    assert loaded.events == capture.events
    assert loaded.delivered(1, "server") == BYE
    assert [row.mark for row in loaded.index.rows()] == ["edited, held 2.0 s", "dropped"]


def test_an_edited_request_keeps_its_secrets():
    capture = Capture()
    connection = capture.open_connection()
    secret = REQUEST.replace(b"Origin: ", b"Cookie: hunter2\r\nOrigin: ")
    capture.record(connection, "client", secret)
    capture.mark(connection, "client", "edited", 0, len(secret), data=secret)
    capture.mark(connection, "client", "delivered", 0, len(secret))
    capture.record(connection, "server", RESPONSE)
    assert b"hunter2" not in capture.delivered(connection, "client")
    assert not any("hunter2" in line for line in jsonl.lines(capture))


def test_a_mark_on_the_beginning_of_a_unit_is_its_rows_as_soon_as_it_is_whole(capture):
    put(capture, HELLO[:3], "delayed")
    assert capture.index.rows() == []
    capture.record(1, "server", HELLO[3:] + PING)
    capture.mark(1, "server", "dropped", len(HELLO), len(PING))
    assert [row.mark for row in capture.index.rows()] == ["delayed", "dropped"]
    assert capture.index.marked == [0, 1]


def test_a_mark_on_no_whole_unit_is_no_rows(capture):
    put(capture, HELLO[:3], "dropped")
    assert capture.delivered(1, "server") == b""
    assert capture.index.rows() == []
