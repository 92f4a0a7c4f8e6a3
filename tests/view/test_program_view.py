"""The view of a program: each line once, errors marked, the state when it changes."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from wslab.view.panels.client import KEPT
from wslab.view.panels.program_view import ProgramView


class Line(NamedTuple):
    time: float
    name: str
    text: str


class Stub:
    """A program that does what the test says; the view knows programs by their protocol."""

    name = "server"
    state = "running, process 7"
    is_running = True

    def __init__(self):
        self.lines, self.subscribers = [], []

    def subscribe(self, callback):
        self.subscribers.append(callback)
        return lambda: callback in self.subscribers and self.subscribers.remove(callback)

    def prints(self, *texts, name="out"):
        for text in texts:
            self.lines.append(Line(float(len(self.lines)), name, text))
        for callback in self.subscribers:
            callback()


@pytest.fixture
def stub():
    return Stub()


@pytest.fixture
def view(stub, pump, watch):
    watched = watch(ProgramView(stub, served_by=pump))
    watched.says(do="hello")
    watched.pump.turn(0.5)
    return watched


def test_a_page_hears_each_line_once_and_the_state_when_it_changes(view, stub):
    stub.prints("I listen", "<b>")
    view.pump.turn(0.5)
    stub.prints("Error: no", name="err")
    stub.state, stub.is_running = "ended with exit code 1", False
    stub.prints()
    view.pump.turn(0.5)
    lines = [line for batch in view.all("lines") for line in batch]
    assert lines == [[0.0, "out", "I listen"], [1.0, "out", "<b>"], [2.0, "err", "Error: no"]]
    assert view.all("state") == [["running, process 7", True], ["ended with exit code 1", False]]


def test_a_page_that_opens_later_hears_what_is_kept(view, stub):
    stub.prints(*map(str, range(KEPT + 5)))
    view.pump.turn(0.5)
    view.says(do="hello")
    view.pump.turn(0.5)
    assert [line[2] for line in view.all("lines")[-1]] == [str(n) for n in range(5, KEPT + 5)]
    assert len(view.all("state")) == 2


def test_a_saved_notebook_shows_its_lines_as_text(view, stub):
    stub.prints("<script>")
    saved = view.view.static()
    assert "node · server: running, process 7\n- <script>" in saved["text/plain"]
    assert "<script>" not in saved["text/html"]


def test_a_view_at_rest_hears_no_more(view, stub):
    view.view.rest()
    assert stub.subscribers == []
