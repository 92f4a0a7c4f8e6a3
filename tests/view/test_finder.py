"""The find bar's side in the kernel: what is found reaches the page, live, and holds nobody up."""

from __future__ import annotations

import threading
from array import array

from wslab.view.wire import finder
from wslab.wire import Deflater, encode_frame

from .conftest import REQUEST, RESPONSE

HELLO = bytes.fromhex("81 05 48 65 6c 6c 6f")
OTHER = bytes.fromhex("81 05 6f 74 68 65 72")
PARTS = bytes.fromhex("01 03 48 65 6c") + bytes.fromhex("80 02 6c 6f")  # "Hel", "lo"


def settle(wire) -> None:
    """Let the search come to the end of the rows, and tell the pages so."""
    while True:
        wire.pump.turn(1.0)
        looking = [one for one in threading.enumerate() if one.name == "wslab-view-find"]
        if not looking:
            return
        for thread in looking:
            thread.join(10)


def found(wire, page: str = "p1") -> tuple[list[int], dict]:
    """The rows that a page was told, and the last thing that it was told."""
    rows, last = array("I"), {}
    for _, content, buffers in wire.sent:
        for hits in content.get("hits", []):
            if hits["page"] != page:
                continue
            if hits["start"] == 0:
                rows = array("I")
            assert hits["start"] == len(rows)
            rows.frombytes(buffers[hits["buffer"]])
            last = hits
    return rows.tolist(), last


def search(wire, what: str, page: str = "p1") -> None:
    wire.says(do="search", what=what, page=page)
    settle(wire)


def test_what_is_found_reaches_the_page_and_so_does_what_comes_later(wire, recording):
    recording.talk()  # rows 0 to 3, of which 2 and 3 are "Hello"
    wire.says(do="hello", count=0)
    search(wire, "hello")
    assert found(wire)[0] == [2, 3]
    recording.frames(OTHER, 5000)
    recording.frames(HELLO, 3)
    settle(wire)
    rows, last = found(wire)
    assert rows == [2, 3, 5004, 5005, 5006]
    assert (last["looked"], last["problem"], last["what"]) == (5007, "", "hello")


def test_each_page_looks_for_its_own_and_a_page_for_one_thing_at_a_time(wire, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    wire.says(do="hello", count=0, page="p2")
    search(wire, "status=101")
    search(wire, "kind=request", page="p2")
    assert (found(wire)[0], found(wire, "p2")[0]) == ([1], [0])
    search(wire, "from=client")
    assert found(wire)[0] == [0, 2]
    search(wire, "")
    before = len(wire.sent)
    wire.says(do="bye", page="p2")
    recording.frames(HELLO, 3)
    settle(wire)
    assert all("hits" not in content for _, content, _ in wire.sent[before:])


def test_what_cannot_be_meant_is_said_in_one_line(wire, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    search(wire, "re:(a+")
    rows, last = found(wire)
    assert rows == []
    assert last["problem"].startswith("expected a regular expression after re:, got")


def test_a_search_that_takes_too_long_ends_with_a_sentence(wire, recording, monkeypatch):
    monkeypatch.setattr("wslab.wire.recording.patterns.PATIENCE", 0.0)
    recording.talk()
    recording.frames(b"\x81\x7e\x4e\x20" + b"a" * 20_000)
    wire.says(do="hello", count=0)
    search(wire, "re:(a*)!")
    assert "takes too long on a content of " in found(wire)[1]["problem"]
    wire.says(do="detail", number=4, page="p1")
    settle(wire)
    assert wire.all("detail")[-1]["found"] == []


def test_a_view_at_rest_still_finds(wire, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    wire.pump.turn(1.0)
    wire.view.rest()
    search(wire, "hello")
    assert found(wire)[0] == [2, 3]


def test_many_rows_come_in_several_messages(wire, recording, monkeypatch):
    monkeypatch.setattr(finder, "MOST", 1000)
    recording.talk()
    recording.frames(HELLO, 10_000)
    wire.says(do="hello", count=0)
    search(wire, "hello")
    wire.pump.turn(5.0)
    assert found(wire)[0] == list(range(2, 10_004))


def test_100_000_rows_come_whole_while_each_is_looked_at(wire, recording):
    wire.says(do="hello", count=0)
    wire.says(do="search", what="lo", page="p1")
    for _ in range(10):
        recording.frames(HELLO, 10_000)
        wire.pump.turn(1.0)
    settle(wire)
    page = wire.page()
    assert (len(page.rows), page.gaps) == (100_000, 0)
    assert found(wire)[0] == list(range(100_000))


def test_the_bytes_that_are_found_are_marked_in_the_unit_that_is_opened(wire, recording):
    recording.talk()
    recording.frames(PARTS)  # rows 4 and 5
    wire.says(do="hello", count=0)
    search(wire, "hello")
    assert found(wire)[0] == [2, 3, 4]
    marks = []
    for number in (1, 2, 3, 4, 5):
        wire.says(do="detail", number=number, page="p1")
        settle(wire)
        marks.append(wire.all("detail")[-1]["found"])
    assert marks == [[], [[6, 5]], [[2, 5]], [[2, 3]], [[2, 2]]]  # 2 is masked
    wire.says(do="detail", number=2, page="p2")  # a page that looks for nothing
    settle(wire)
    assert "found" not in wire.all("detail")[-1]


def test_the_bytes_that_are_found_are_marked_inside_the_message(wire, recording):
    recording.talk()
    recording.frames(b'\x81\x10{"say": "Hello"}')
    wire.says(do="hello", count=0)
    search(wire, "hello")
    wire.says(do="inside", number=4, page="p1", **{"as": None})
    settle(wire)
    assert wire.all("inside")[-1]["found"] == [[9, 5]]


def test_what_is_found_in_an_inflated_content_is_quoted(wire, recording):
    agreed = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    connection = recording.capture.open_connection()
    recording.capture.record(connection, "client", REQUEST[:-2] + agreed)
    recording.capture.record(connection, "server", RESPONSE[:-2] + agreed)
    payload = Deflater().deflate("Grüße, Hello again".encode())
    recording.capture.record(connection, "server", encode_frame(1, payload, rsv1=True))
    wire.says(do="hello", count=0)
    search(wire, "hello")
    wire.says(do="detail", number=len(recording.capture.index) - 1, page="p1")
    settle(wire)
    told = wire.all("detail")[-1]
    assert (told["found"], told["found_inflated"]) == ([], "byte 9: Grüße, «Hello» again")
