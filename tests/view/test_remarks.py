"""Remarks between the rows: after a pause, on a thread of their own, and only while true."""

from __future__ import annotations

import threading

import pytest

from wslab.view.wire import remarks as remarks_module
from wslab.view.wire.remarks import MOST, PAUSE
from wslab.view.wire.wire_view import WireView
from wslab.wire.recording import Capture

PAGE = b"HTTP/1.1 500 Oops\r\nContent-Length: 60\r\n\r\n" + 12 * b"sorry"  # 101 bytes
HELLO = bytes.fromhex("81 05 48 65 6c 6c 6f")


def look(wire, seconds: float = 2 * PAUSE) -> list[dict]:
    """Let time pass without traffic, and what is looked for be found; all that was told then."""
    before = len(wire.all("remarks"))
    wire.pump.turn(seconds)
    for thread in threading.enumerate():
        if thread.name == "wslab-view-remarks":
            thread.join(10)
    wire.pump.turn(0.5)
    return wire.all("remarks")[before:]


@pytest.fixture
def talked(wire, recording) -> int:
    """The number of a connection whose handshake and greeting a page has seen."""
    connection = recording.talk()
    wire.says(do="hello", count=0)
    return connection


def test_an_error_page_in_the_socket_is_named_behind_its_first_row(wire, recording, talked):
    recording.capture.record(talked, "server", PAGE)
    (told,) = look(wire)
    (remark,) = told["fresh"]
    rows = wire.page().rows
    assert (told["all"], told["gone"]) == (True, [])
    assert (remark["connection"], remark["direction"], remark["tone"]) == (
        talked,
        "server",
        "wrong",
    )
    assert remark["says"].startswith("These 101 bytes are an HTTP response, not a frame")
    assert "a framework, a middleware or a proxy" in remark["evidence"]
    assert remark["url"].endswith("#section-5.2")
    assert bytes.fromhex(remark["hex"]) == PAGE
    assert (remark["length"], remark["offset"]) == (101, 136)  # after a 101 and a text
    assert remark["number"] < 0
    # Read as a frame, "HT" (48 54) is the head of a close frame of 86 bytes, which all came.
    assert (remark["row"], rows[4][1], len(rows)) == (4, 86, 5)
    assert remark["time"] == rows[-1][0]


def test_bytes_that_make_no_row_are_named_behind_the_last_row_that_had_come(
    wire, recording, talked
):
    """Its length says 11,265 bytes, in the wrong byte order: the frame never ends."""
    recording.capture.record(talked, "client", bytes.fromhex("81 80 37 fa 21 3d"))
    recording.capture.record(talked, "server", b"\x81\x7e\x2c\x01" + b"z" * 300 + b"\x81\x02ok")
    recording.capture.record(talked, "client", bytes.fromhex("89 80 37 fa 21 3d"))
    (told,) = look(wire)
    (remark,) = told["fresh"]
    assert "other byte order" in remark["says"]
    assert (len(wire.page().rows), remark["row"]) == (6, 4)  # the client's ping came later
    assert len(bytes.fromhex(remark["hex"])) == 128


def test_a_head_that_never_ends_stands_before_the_first_row(wire, recording):
    capture = recording.capture
    capture.record(capture.open_connection(), "client", b"GET / HTTP/1.1\r\nHost: a\r\n")
    wire.says(do="hello", count=0)
    (told,) = look(wire)
    assert [one["row"] for one in told["fresh"]] == [-1]
    assert "the empty line is missing" in told["fresh"][0]["says"]


def test_a_remark_goes_when_more_bytes_make_it_untrue(wire, recording):
    capture = recording.capture
    connection = capture.open_connection()
    capture.record(connection, "client", b"GET / HTTP/1.1\r\nHost: a\r\n")
    wire.says(do="hello", count=0)
    (first,) = look(wire)
    capture.record(connection, "client", b"\r\n")
    (gone,) = look(wire)
    assert gone == {"all": False, "gone": [first["fresh"][0]["number"]], "fresh": []}
    assert look(wire) == []


def closed(recording, connection: int) -> None:
    """Closes a connection in good order: a close frame each way, and the server ends TCP first."""
    capture = recording.capture
    capture.record(connection, "client", bytes.fromhex("88 82 00 00 00 00 03 e8"))
    capture.record(connection, "server", bytes.fromhex("88 02 03 e8"))
    capture.end(connection, "server")
    capture.end(connection, "client")


def test_a_clean_end_is_told_in_a_few_quiet_words_behind_its_last_row(wire, recording, talked):
    closed(recording, talked)
    (told,) = look(wire)
    (remark,) = told["fresh"]
    assert (remark["row"], remark["direction"], remark["tone"]) == (5, None, "quiet")
    assert remark["says"] == "The server's side ended TCP: both APIs say 1000."
    assert remark["evidence"].startswith(
        "Close 1000 from the client, close 1000 from the server, then the server's side sent FIN. "
    )
    assert remark["url"].endswith("rfc6455.html#section-7.1.5")
    assert remark["hex"] == ""


def test_an_end_without_a_close_frame_is_louder_and_stands_where_it_came(wire, recording, talked):
    recording.capture.end(talked, "server")
    recording.talk()
    (first,) = look(wire)
    assert [one["row"] for one in first["fresh"]] == [3]  # the other connection came later
    recording.capture.end(talked, "client")
    (told,) = look(wire)
    (remark,) = told["fresh"]
    assert remark["number"] == first["fresh"][0]["number"]  # more is known of the same ending
    assert (remark["tone"], remark["row"]) == ("odd", 3)
    assert remark["says"].startswith("The server's side sent FIN without a close frame")
    assert remark["says"].endswith("both APIs say 1006.")


def test_a_recording_with_a_limit_tells_of_what_it_keeps(wire, recording, talked):
    capture = recording.capture
    closed(recording, talked)
    capture.limit = 4_000
    recording.frames(HELLO, 5_000)
    closed(recording, recording.talk())
    capture.record(capture.open_connection(upgraded=True), "server", PAGE)
    assert capture.dropped
    (told,) = look(wire, 30)
    shown = {(one["connection"], one["direction"]): one["row"] for one in told["fresh"]}
    assert (3, None) in shown
    rows = wire.page().rows
    assert rows[shown[4, "server"]][3] == 4
    assert all(row < len(rows) for row in shown.values())


def test_nothing_is_looked_for_before_the_pause_nor_again_without_news(
    wire, recording, talked, monkeypatch
):
    looked = []
    found = remarks_module.explanations
    monkeypatch.setattr(
        remarks_module, "explanations", lambda capture: looked.append(1) or found(capture)
    )
    for _ in range(5):
        recording.capture.record(talked, "server", HELLO)
        wire.pump.turn(0.8 * PAUSE)
    assert looked == []
    look(wire)
    assert looked == [1]
    look(wire, 60)
    assert looked == [1]
    recording.capture.record(talked, "server", HELLO)
    assert look(wire) == []  # healthy: nothing to tell
    assert looked == [1, 1]


def test_a_page_that_opens_later_gets_all_remarks_and_a_view_at_rest_has_them(
    wire, recording, talked
):
    recording.capture.record(talked, "server", PAGE)
    wire.view.rest()
    look(wire)
    (told,) = wire.all("remarks")
    wire.says(do="hello", count=0, page="p2")
    assert wire.all("remarks") == [told, told]
    assert told["all"]


def test_thousands_of_remarks_come_in_parts(wire, recording):
    capture = recording.capture
    for _ in range(MOST + 10):
        capture.record(capture.open_connection(upgraded=True), "server", PAGE)
    wire.says(do="hello", count=0)
    first, second = look(wire)
    assert [len(one["fresh"]) for one in (first, second)] == [MOST, 10]
    assert (first["all"], second["all"]) == (True, False)
    numbers = {remark["number"] for one in (first, second) for remark in one["fresh"]}
    assert len(numbers) == MOST + 10


def test_a_fault_while_looking_is_shown_and_the_rows_go_on(wire, recording, talked, monkeypatch):
    def fail(capture: Capture) -> None:
        raise ZeroDivisionError("division by zero")

    with monkeypatch.context() as broken:
        broken.setattr(remarks_module, "explanations", fail)
        recording.capture.record(talked, "server", PAGE)
        look(wire)
    assert wire.all("failed") == ["ZeroDivisionError: division by zero"]
    recording.capture.record(talked, "client", bytes.fromhex("89 80 37 fa 21 3d"))
    (told,) = look(wire)
    assert len(told["fresh"]) == 1


def test_a_view_without_remarks_looks_for_none(watch, pump, recording):
    wire = watch(WireView(recording.capture, remarks=False, served_by=pump))
    recording.capture.record(recording.talk(), "server", PAGE)
    wire.says(do="hello", count=0)
    assert look(wire) == []
