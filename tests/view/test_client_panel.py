"""The client panel's side in the kernel: clicks run elsewhere, and all that happens is told."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

import pytest

from wslab.net import Client, EchoServer, stop_all
from wslab.view.panels.client import KEPT, shortened
from wslab.view.panels.client_panel import LONGEST_MESSAGE, ClientPanel


class Event(NamedTuple):
    time: float
    name: str
    text: str


class Stub:
    """A client that does what it is told by the test; the panel knows clients by their protocol."""

    url = "ws://127.0.0.1:9/"
    state = "CLOSED"
    subprotocol = close_code = close_reason = None

    def __init__(self):
        self.events, self.calls, self.subscribers = [], [], []
        self.may_end = threading.Event()
        self.may_end.set()
        self.raises = None

    def subscribe(self, callback):
        self.subscribers.append(callback)
        return lambda: callback in self.subscribers and self.subscribers.remove(callback)

    def changed(self, state=None, *events):
        self.state = state or self.state
        self.events += [Event(time.time(), *event) for event in events]
        for callback in self.subscribers:
            callback()

    def _call(self, *call):
        self.calls.append((threading.current_thread().name, *call))
        assert self.may_end.wait(10)
        if self.raises:
            raise self.raises
        return 0.001

    def connect(self, url):
        return self._call("connect", url)

    def send(self, message):
        return self._call("send", message)

    def ping(self):
        return self._call("ping")

    def close(self, code, reason):
        return self._call("close", code, reason)


@pytest.fixture
def stub():
    return Stub()


@pytest.fixture
def panel(stub, pump, watch):
    watched = watch(ClientPanel(stub, served_by=pump))
    watched.says(do="hello")
    watched.pump.turn(0.5)
    return watched


def until(panel, condition, seconds=10.0):
    """Turn the pump until something that another thread does has reached the page."""
    told = threading.Event()
    notify = panel.pump.notify
    panel.pump.notify = lambda view: (notify(view), told.set())
    deadline = time.monotonic() + seconds
    while True:
        panel.pump.turn(0.1)
        if condition():
            return
        assert told.wait(deadline - time.monotonic()), "it never came"
        told.clear()


def test_a_page_that_opens_is_told_the_state(panel):
    assert panel.all("client") == [
        {
            "state": "CLOSED",
            "subprotocol": None,
            "close_code": None,
            "close_reason": None,
            "running": [],
        }
    ]


def test_a_click_runs_on_a_thread_of_its_own_and_its_end_is_told_to_the_one_who_clicked(
    panel, stub
):
    stub.may_end.clear()
    panel.says(do="connect", url="ws://127.0.0.1:9/chat", number="p1/1")
    panel.pump.turn(0.5)
    assert panel.all("client")[-1]["running"] == ["connect"]
    stub.may_end.set()
    until(panel, lambda: panel.all("done"))
    assert stub.calls == [("wslab-view-connect", "connect", "ws://127.0.0.1:9/chat")]
    assert panel.all("done")[0][0]["number"] == "p1/1"
    assert panel.all("client")[-1]["running"] == []


def test_close_gets_through_while_connect_hangs(panel, stub):
    stub.may_end.clear()
    panel.says(do="connect", url="ws://127.0.0.1:9/")
    panel.says(do="close", code=1000, reason="changed my mind")
    panel.pump.turn(0.5)
    stub.may_end.set()
    until(panel, lambda: sum(map(len, panel.all("done"))) == 2)
    assert {call[1] for call in stub.calls} == {"connect", "close"}


def test_messages_go_out_in_the_order_of_the_clicks(panel, stub):
    for number in range(50):
        panel.says(do="send", message=str(number), number=f"p1/{number}")
    until(panel, lambda: sum(map(len, panel.all("done"))) == 50)
    assert [call[2] for call in stub.calls] == [str(number) for number in range(50)]


def test_a_problem_is_one_line_and_no_traceback(panel, stub):
    stub.raises = ValueError("expected ws:// or wss://,\n   got http://")
    panel.says(do="connect", url="http://x")
    until(panel, lambda: panel.all("done"))
    assert panel.all("done")[0][0]["problem"] == "expected ws:// or wss://, got http://"
    assert panel.view.problem is None


def test_what_no_page_of_ours_asks_is_ignored(panel, stub):
    for nonsense in ({"do": "connect"}, {"do": "connect", "url": 5}, {"do": "format"}, {}):
        panel.view._handle_custom_msg(nonsense, [])
    panel.pump.turn(1.0)
    assert stub.calls == []
    assert panel.view.problem is None


def test_events_are_told_once_and_numbered(panel, stub):
    stub.changed("OPEN", ("open", "open"))
    panel.pump.turn(0.5)
    stub.changed(None, ("sent", "a"), ("message", "a"))
    panel.pump.turn(0.5)
    assert panel.all("first") == [0, 1]
    assert [[event[1] for event in events] for events in panel.all("events")] == [
        ["open"],
        ["sent", "message"],
    ]


def test_a_flood_of_events_is_cut_to_the_newest_and_the_number_tells_how_many_are_missing(
    panel, stub
):
    stub.changed("OPEN", *[("message", str(number)) for number in range(1000)])
    panel.pump.turn(0.5)
    assert panel.all("first") == [1000 - KEPT]
    assert panel.all("events")[0][-1][2] == "999"
    stub.events = stub.events[-10:]  # the client forgets its oldest
    stub.changed(None, ("message", "next"))
    panel.pump.turn(0.5)
    assert panel.all("first")[-1] == 1000


def test_a_page_that_opens_later_is_told_what_happened_before(panel, stub):
    stub.changed("OPEN", ("open", "open"), ("message", "<b>"))
    panel.pump.turn(0.5)
    panel.says(do="hello", page="p2")
    panel.pump.turn(0.5)
    assert panel.all("first") == [0, 0]
    assert panel.all("client")[-1]["state"] == "OPEN"


def test_closing_the_panel_leaves_the_client_alone(panel, stub):
    panel.view.close()
    panel.view.close()
    assert stub.subscribers == []
    assert stub.calls == []


def test_a_panel_at_rest_still_does_what_is_clicked(panel, stub):
    panel.view.rest()
    told = threading.Event()
    send = panel.view.send
    panel.view.send = lambda content, buffers: (
        send(content, buffers),
        "done" in content and told.set(),
    )
    panel.says(do="connect", url="ws://127.0.0.1:9/")
    assert told.wait(10)
    assert [call[1] for call in stub.calls] == ["connect"]
    assert panel.pump.step() is None


def test_texts_are_shortened_for_the_page():
    assert shortened("x" * 5000).startswith("x" * 2000)
    assert "5,000 characters" in shortened("x" * 5000)


def test_the_limit_of_a_message_stays_below_what_jupyters_server_takes(stub, pump, watch):
    panel = watch(ClientPanel(stub, max_message=2**30, served_by=pump))
    assert panel.view._max_message == LONGEST_MESSAGE
    # Every character may take six as JSON: "\\u0000".
    assert LONGEST_MESSAGE * 6 < 10 * 2**20


def test_it_drives_a_real_client_to_a_real_server(pump, watch):
    server = EchoServer().start()
    try:
        client = Client(server.url)
        panel = watch(ClientPanel(client, served_by=pump))
        panel.says(do="hello")
        panel.says(do="connect", url=server.url)
        until(panel, lambda: (panel.all("client") or [{}])[-1].get("state") == "OPEN")
        panel.says(do="send", message="Grüße 🌍")
        names = lambda: [event[1] for events in panel.all("events") for event in events]  # noqa: E731
        until(panel, lambda: "message" in names())
        panel.says(do="ping")
        until(panel, lambda: any(d["do"] == "ping" for done in panel.all("done") for d in done))
        took = [d["took"] for done in panel.all("done") for d in done if d["do"] == "ping"]
        assert 0 < took[0] < 10
        panel.says(do="close", code=1000, reason="bye")
        until(panel, lambda: panel.all("client")[-1]["state"] == "CLOSED")
        assert panel.all("client")[-1]["close_code"] == 1000
        panel.says(do="send", message="too late")
        until(panel, lambda: any(d["problem"] for done in panel.all("done") for d in done))
    finally:
        stop_all()
