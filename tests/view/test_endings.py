"""The gallery's side in the kernel: what a button starts, and what the pages are told."""

from __future__ import annotations

import threading

import pytest

from wslab.net.cases.endings import ENDINGS, play
from wslab.net.peers.library import LibraryPeers
from wslab.view.experiments.endings import CodeTable, Endings
from wslab.wire import Capture

STACKS = {"websockets": "websockets 17 (Python)", "ws": "-Node is not here"}


@pytest.fixture(scope="module")
def results():
    peers = LibraryPeers()
    capture = Capture()
    yield {name: play(ENDINGS[name], peers, capture) for name in ("1000", "1002", "1015")}
    peers.stop()


@pytest.fixture
def gallery(results, pump, watch):
    played = threading.Event()

    def make(name, stack):
        if stack == "netscape":
            raise KeyError("no such stack")
        return results[name]

    watched = watch(Endings(list(ENDINGS.values()), STACKS, make, served_by=pump))
    tell = watched.view.tell

    def told(*arguments):
        tell(*arguments)
        played.set()

    watched.view.tell = told
    watched.played = played
    watched.says(do="hello")
    pump.turn(0.1)
    return watched


def press(gallery, pump, name, stack="websockets"):
    gallery.says(do="play", name=name, stack=stack)
    gallery.played.clear()
    pump.turn(0.1)
    assert gallery.played.wait(10)
    pump.turn(0.1)
    return gallery.all("outcomes")[-1][-1]


def test_each_ending_has_a_button_and_a_missing_stack_says_why(gallery):
    names = [entry["name"] for entry in gallery.view._endings]
    assert names == list(ENDINGS)
    assert gallery.view._stacks[1] == {
        "name": "ws",
        "label": "Node is not here",
        "missing": True,
    }
    never = {entry["name"] for entry in gallery.view._endings if not entry["sendable"]}
    assert never == {"1004", "1005", "1006", "1015"}


def test_a_button_plays_and_its_three_columns_are_told(gallery, pump):
    outcome = press(gallery, pump, "1002")
    assert outcome["as_documented"]
    assert (outcome["client"]["code"], outcome["client"]["clean"]) == (1006, False)
    assert outcome["client"]["name"] == "Abnormal Closure"
    assert (outcome["client"]["raw"], outcome["server"]["raw"]) == (False, True)
    assert outcome["server"]["said"] == ["close 1002"]
    assert [line["text"] for line in outcome["wire"] if line["kind"] == "close"] == [
        "close 1002 incorrect masking"
    ]
    assert press(gallery, pump, "1015")["client"]["name"] is None


def test_a_play_that_fails_is_told(gallery, pump):
    assert "no such stack" in press(gallery, pump, "1000", "netscape")["problem"]


def test_a_name_that_nobody_knows_starts_nothing(gallery, pump):
    gallery.says(do="play", name="9999", stack="websockets")
    pump.turn(0.2)
    assert gallery.all("outcomes") == []


def test_a_page_that_opens_later_sees_the_last_result(gallery, pump, results):
    gallery.view.show(results["1000"])
    pump.turn(0.1)
    gallery.says(do="hello")
    pump.turn(0.1)
    first, again = gallery.all("outcomes")
    assert first == again


def test_a_static_account_and_the_table_of_codes(gallery):
    html = gallery.view.static()["text/html"]
    assert "Normal Closure" in html
    table = CodeTable()
    assert "https://www.rfc-editor.org/rfc/rfc6455.html#section-7.4.1" in table._repr_html_()
    assert "1006  Abnormal Closure" in repr(table)
