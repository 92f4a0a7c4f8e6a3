"""A seat in the chat, seen from the kernel: what a page asks is done, what was said is told."""

from __future__ import annotations

import json
import threading
from typing import NamedTuple

from wslab.view.experiments import Bar, ResultTable
from wslab.view.panels.chat_panel import ChatPanel
from wslab.view.panels.client import KEPT
from wslab.view.panels.page_frame import PageFrame


class Event(NamedTuple):
    name: str


class Stub:
    """A client that has what the test gives it."""

    state, error = "CLOSED", None

    def __init__(self):
        self.inbox, self.calls, self.events = [], [], []

    @property
    def waiting(self):
        return len(self.inbox)

    def recv(self, timeout):
        return self.inbox.pop(0)

    def subscribe(self, callback):
        return lambda: None

    def connect(self, url):
        self.calls.append(("connect", url))
        self.state = "OPEN"

    def send(self, message):
        raise ConnectionError("cannot send:\nnothing was connected yet")

    def close(self, code, reason):
        self.state = "CLOSED"

    def hears(self, *events):
        self.inbox += [event if isinstance(event, (str, bytes)) else json.dumps(event)
                       for event in events]  # fmt: skip


def seat(watch, pump):
    client = Stub()
    watched = watch(ChatPanel(client, "ws://127.0.0.1:9/chat", "Ada Lovelace", served_by=pump))
    watched.says(do="hello")
    return client, watched


def told(watched, pump):
    watched.view.tell()
    pump.turn(1)
    return [tuple(line) for lines in watched.all("lines") for line in lines]


def test_it_joins_under_its_name(watch, pump):
    client, watched = seat(watch, pump)
    watched.view.join()
    watched.view.join("Zoë & co")
    assert client.calls == [
        ("connect", "ws://127.0.0.1:9/chat?name=Ada%20Lovelace"),
        ("connect", "ws://127.0.0.1:9/chat?name=Zo%C3%AB%20%26%20co"),
    ]


def test_what_is_said_is_told_in_order_with_who_said_it(watch, pump):
    client, watched = seat(watch, pump)
    client.state = "OPEN"
    client.hears(
        {"event": "welcome", "name": "Ada (2)", "people": ["Ada"]},
        {"event": "join", "name": "Ada (2)"},
        {"event": "message", "from": "Ada", "text": "<b>hi</b>"},
        {"event": "leave", "name": "Ada", "why": "said goodbye"},
    )
    assert told(watched, pump) == [
        ("join", "Ada (2)", "came in"),
        ("message", "Ada", "<b>hi</b>"),
        ("leave", "Ada", "said goodbye"),
    ]
    assert watched.all("client")[-1] == {"state": "OPEN", "me": "Ada (2)", "people": ["Ada (2)"]}
    assert watched.view.people == ["Ada (2)"]


def test_what_is_no_event_is_shown_as_it_stands(watch, pump):
    client, watched = seat(watch, pump)
    client.state = "OPEN"
    odd = ["plain", "[1, 2]", '{"event": "message"}', "[" * 100_000, '{"event": 7}', b"\x00\x01"]
    client.hears(*odd)
    lines = told(watched, pump)
    assert [line[0] for line in lines] == ["message"] * 6
    assert [line[2][:20] for line in lines] == [
        "plain", "[1, 2]", '{"event": "message"}', "[" * 20, '{"event": 7}', "2 bytes",
    ]  # fmt: skip


def test_what_came_just_before_the_end_is_told_before_it(watch, pump):
    client, watched = seat(watch, pump)
    client.state = "OPEN"
    told(watched, pump)
    client.hears("last words")
    client.state, client.error = "CLOSED", "the server closed the connection with code 1008"
    client.events += [Event("message"), Event("close")]
    assert told(watched, pump) == [
        ("message", "", "last words"),
        ("end", "", "the server closed the connection with code 1008"),
    ]


def test_who_is_shown_out_at_once_is_told_so_too(watch, pump):
    client, watched = seat(watch, pump)
    client.error = "code 1008: a name may not hold U+202E"
    client.events += [Event("open"), Event("close")]  # between two looks; it is CLOSED again
    assert told(watched, pump) == [("end", "", client.error)]
    assert told(watched, pump) == [("end", "", client.error)]  # once


def test_a_new_page_is_told_what_is_kept_and_a_flood_is_cut(watch, pump):
    client, watched = seat(watch, pump)
    client.state = "OPEN"
    client.hears(*(str(number) for number in range(KEPT + 50)))
    assert len(told(watched, pump)) == KEPT
    assert watched.all("first") == [50]
    watched.says(do="hello", page="p2")
    assert len(told(watched, pump)) == 2 * KEPT


def test_a_problem_is_told_in_one_line_to_the_page_that_asked(watch, pump):
    _, watched = seat(watch, pump)
    watched.says(do="send", message="hi", number="p1/1")
    pump.turn(1)
    sent = threading.Event()
    watched.view._clicks.start({"do": "send"}, sent.set)  # after the one before it
    assert sent.wait(10)
    pump.turn(1)
    assert watched.all("done")[0][0] == {
        "number": "p1/1",
        "do": "send",
        "problem": "cannot send: nothing was connected yet",
        "took": None,
    }


def test_strange_questions_are_passed_over(watch, pump):
    _, watched = seat(watch, pump)
    for question in ({"do": "join", "name": 7}, {"do": "dance"}, {"do": "send"}):
        watched.says(**question)
    pump.turn(1)
    assert watched.view.problem is None


def test_without_a_page_there_is_a_word_of_what_it_was(watch, pump):
    _, watched = seat(watch, pump)
    assert "Ada Lovelace" in watched.view.static()["text/plain"]
    assert 'data-wslab="chat"' in watched.view.static()["text/html"]


def test_a_frame_leaves_a_link_in_a_saved_notebook():
    frame = PageFrame(8000, "/?name=<b>")
    data, _ = frame._repr_mimebundle_()
    assert "http://127.0.0.1:8000/?name=&lt;b&gt;" in data["text/html"]
    frame.close()


def test_a_frame_tells_the_origin_that_it_goes_through():
    origins = []
    frame = PageFrame(8000, on_origin=origins.append)
    frame.origin = "https://hub.example"
    assert origins == ["https://hub.example"]
    frame.close()


def test_a_table_escapes_everything():
    table = ResultTable(["<i>"], [["<script>"], [Bar(2.0, "100%")], [Bar(-1, "&")]])
    html = table._repr_html_()
    assert "<script>" not in html
    assert "<i>" not in html
    assert "width:8.0em" in html
    assert "width:0.0em" in html
    assert repr(table).splitlines() == ["<i>", "<script>", "100%", "&"]
