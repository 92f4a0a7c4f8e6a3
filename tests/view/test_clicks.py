"""Clicks: what came of each is told once, and what is under way is known until then."""

from __future__ import annotations

import threading

from wslab.view.live.clicks import Clicks, one_line


def test_a_click_is_under_way_until_its_outcome_is_told():
    told, go = threading.Event(), threading.Event()
    clicks = Clicks(told.set)
    content = {}
    clicks.start({"do": "ping", "number": "p1/1"}, lambda: go.wait(10) and 0.25)
    clicks.news(content)
    assert (clicks.running, content) == (["ping"], {})
    go.set()
    assert told.wait(10)
    clicks.news(content)
    assert clicks.running == []
    assert content["done"] == [{"number": "p1/1", "do": "ping", "problem": None, "took": 0.25}]
    content.clear()
    clicks.news(content)
    assert content == {}


def test_what_went_wrong_is_told_in_one_line():
    told = threading.Event()
    clicks, content = Clicks(told.set), {}
    clicks.start({"do": "send"}, lambda: [][0])
    assert told.wait(10)
    clicks.news(content)
    assert content["done"][0]["problem"] == "list index out of range"
    assert one_line(ValueError("a\n  b\tc")) == "a b c"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 10_000))) <= 400
