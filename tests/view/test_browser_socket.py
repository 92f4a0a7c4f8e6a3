"""The browser socket's side in the kernel: commands go to one page, in order, and none is lost."""

from __future__ import annotations

import json
import threading
import time

import pytest

from wslab.view.panels.browser_socket import (
    KEPT,
    LONGEST_MESSAGE,
    MOST_BYTES,
    BrowserSocket,
    BrowserSocketPanel,
    SocketEvent,
)

URL = "ws://127.0.0.1:9/"
OPEN = {
    "readyState": 1, "bufferedAmount": 7, "protocol": "p", "extensions": "", "binaryType": "blob",
    "url": URL, "exists": True, "route": "direct", "problem": None, "obeyed": 0,
}  # fmt: skip


@pytest.fixture
def socket(pump):
    socket = BrowserSocket(URL)
    socket.panel.close()
    socket.panel = BrowserSocketPanel(URL, served_by=pump)
    return socket


@pytest.fixture
def page(socket, watch):
    return watch(socket.panel)


def event(name, text="", **more):
    rest = SocketEvent(time.time(), name, text, **more)
    return list(rest)


def report(page, *events, by="p1", **state):
    batch = json.dumps(events).encode()
    page.says(batch, do="report", page=by, state={**OPEN, **state})
    page.pump.turn(0.5)


def commands(page, to=None):
    """What was commanded, in order: (number, command), and to whom if asked."""
    return [
        tuple(command)
        for _, content, _ in page.sent
        if "commands" in content and to in (None, content["to"])
        for command in content["commands"]
    ]


def test_what_is_told_before_there_is_a_page_waits_for_one(socket, page):
    socket.connect()
    socket.send("Grüße")
    page.pump.turn(1)
    assert page.sent == []
    assert socket.waiting == 2
    assert socket.events == []
    assert (socket.state, socket.route, socket.url) == ("CLOSED", None, URL)
    page.says(do="hello")
    page.pump.turn(1)
    assert commands(page, "p1") == [
        (1, {"do": "connect", "url": URL, "protocols": []}),
        (2, {"do": "send", "kind": "text", "text": "Grüße"}),
    ]
    report(page, obeyed=2)
    assert socket.waiting == 0


def test_every_command_reaches_the_page_once_and_bytes_travel_as_bytes(socket, page):
    page.says(do="hello")
    page.pump.turn(1)
    socket.connect("ws://127.0.0.1:8/", ["a", "b"])
    socket.send(b"\x00\xff")
    socket.send_blob(bytearray(b"blob"))
    socket.send_size(10)
    socket.binary_type = "arraybuffer"
    socket.close(4000, "bye")
    socket.close()
    page.pump.turn(1)
    assert [command for _, command in commands(page)] == [
        {"do": "connect", "url": "ws://127.0.0.1:8/", "protocols": ["a", "b"]},
        {"do": "send", "kind": "binary", "buffer": 0},
        {"do": "send", "kind": "blob", "buffer": 1},
        {"do": "send", "kind": "size", "size": 10},
        {"do": "binaryType", "type": "arraybuffer"},
        {"do": "close", "code": 4000, "reason": "bye"},
        {"do": "close", "code": None, "reason": None},
    ]
    assert page.sent[-1][2] == [b"\x00\xff", b"blob"]
    page.pump.turn(5)
    assert len(commands(page)) == 7


def test_a_page_that_is_loaded_again_gets_what_the_one_before_did_not_do(socket, page):
    page.says(do="hello", page="p1")
    socket.connect()
    socket.send("one")
    socket.send("two")
    page.pump.turn(1)
    report(page, obeyed=2)
    page.says(do="hello", page="p2")
    page.pump.turn(1)
    assert [number for number, _ in commands(page, "p2")] == [3]


def test_when_a_page_goes_the_commands_go_to_one_that_is_left(socket, page):
    page.says(do="hello", page="p1")
    page.says(do="hello", page="p2")
    page.pump.turn(1)
    page.says(do="bye", page="p2")
    socket.connect()
    page.pump.turn(1)
    assert [number for number, _ in commands(page, "p1")] == [1]
    assert socket.panel.shown
    page.says(do="bye", page="p1")
    page.pump.turn(1)
    assert not socket.panel.shown


def test_python_follows_the_page_in_which_a_socket_was_made_last(socket, page):
    page.says(do="hello", page="p1")
    page.says(do="hello", page="p2")
    page.pump.turn(1)
    report(page, event("message", "of the other"), by="p1", readyState=3)
    assert socket.events == []
    report(page, event("new WebSocket", "here"), by="p1", bufferedAmount=9)
    assert [e.text for e in socket.events] == ["here"]
    assert socket.buffered_amount == 9
    socket.send("x")
    page.pump.turn(1)
    assert commands(page, "p1")


def test_what_the_page_reports_can_be_read(socket, page):
    page.says(do="hello")
    report(
        page,
        event("open", "no subprotocol"),
        event("message", '"Hello"', size=5, type="string"),
        event("close", "code 1006", code=1006, reason="", was_clean=False),
        readyState=3,
        extensions="permessage-deflate",
        problem="InvalidAccessError: no",
    )
    assert [e.name for e in socket.events] == ["open", "message", "close"]
    assert (socket.events[1].size, socket.events[1].type) == (5, "string")
    assert (socket.events[2].code, socket.events[2].was_clean) == (1006, False)
    assert str(socket.events[0]).split() == ["open", "no", "subprotocol"]
    assert (socket.state, socket.ready_state) == ("CLOSED", 3)
    assert (socket.protocol, socket.extensions) == ("p", "permessage-deflate")
    assert (socket.binary_type, socket.route) == ("blob", "direct")
    assert socket.complaint.startswith("InvalidAccessError")
    assert "3 calls and events" in repr(socket)


def test_the_log_has_an_end(socket, page):
    page.says(do="hello")
    for _ in range(KEPT // 10_000 + 1):
        report(page, *[event("message")] * 10_000)
    assert len(socket.events) == KEPT


def test_waiting_ends_when_it_comes_and_says_why_when_it_does_not(socket, page):
    page.says(do="hello")
    page.pump.turn(1)
    threading.Timer(0.05, report, [page, event("open"), event("message", "1")]).start()
    assert socket.wait("message").text == "1"
    with pytest.raises(TimeoutError, match="did not come"):
        socket.wait("message", after=2, timeout=0.01)
    page.says(do="bye")
    page.pump.turn(1)
    with pytest.raises(TimeoutError, match="no page shows this socket"):
        socket.wait("close", timeout=0.01)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda s: s.send("\ud800"), ValueError, "half a surrogate pair at character 0"),
        (lambda s: s.send(5), TypeError, "expected str or bytes, got int"),
        (lambda s: s.send("x" * (LONGEST_MESSAGE + 1)), ValueError, r"send_size\(n\)"),
        (lambda s: s.send_blob("x"), TypeError, "expected str or bytes"),
        (lambda s: s.send_size(-1), ValueError, "from 0 to"),
        (lambda s: s.send_size(MOST_BYTES + 1), ValueError, "from 0 to"),
        (lambda s: setattr(s, "binary_type", "buffer"), ValueError, "'arraybuffer', got 'buffer'"),
    ],
)
def test_what_cannot_be_told_to_a_page_is_refused_at_once(socket, page, call, error, told):
    with pytest.raises(error, match=told):
        call(socket)
    assert socket.waiting == 0


def test_what_a_page_says_wrong_does_no_harm(socket, page):
    for nonsense in ({"do": "report"}, {"do": "report", "state": 5}, {"do": None}):
        page.says(**nonsense)
    page.pump.turn(1)
    assert socket.panel.problem is None


def test_a_reader_without_widgets_is_told_what_would_be_there(socket, page):
    data, _ = socket._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert URL in data["text/plain"]
    assert "run this cell again" in data["text/html"]
    socket.stop()
    socket.stop()
