"""The lab of the close codes, on real sockets: the gallery by code, and nothing left behind."""

from __future__ import annotations

import pytest

from wslab.labs import close_codes
from wslab.net import NotRunning
from wslab.net.cases import ENDINGS
from wslab.wire import CLOSE_CODES


def test_an_ending_by_code_and_by_name(lab):
    gallery = lab.endings()
    result = lab.ending(1001)
    assert result.as_documented
    assert (result.client.code, result.client.clean) == (1001, True)
    assert "received 1001 (going away)" in repr(result)
    assert lab.ending("both-at-once").client.code == 4001
    assert gallery.problem is None
    # All plays are on the wire view as well.
    assert {row.connection for row in lab.capture.index.rows()} == {1, 2}
    with pytest.raises(KeyError, match="data-after-close"):
        lab.ending(1234)
    with pytest.raises(KeyError, match="expected the stack"):
        lab.ending(1000, "netscape")


def test_on_ws_the_same_or_the_way_to_get_it(lab, monkeypatch, tmp_path):
    assert lab.ending(1011, "ws").client.code == 1006
    assert lab.ending(1011, "websockets").client.code == 1011
    assert lab.stacks["ws"].startswith("ws ")
    monkeypatch.setenv("WSLAB_NODE", str(tmp_path))
    assert lab.stacks["ws"].startswith("-Node is here")


def test_the_lesson_tells_of_each_ending_and_names_it_after_its_code():
    assert list(close_codes.STORIES) == list(ENDINGS)
    for ending in ENDINGS.values():
        shown = close_codes.experiment(ending, lambda choice: None)
        assert shown.title
        if ending.code in CLOSE_CODES:
            assert shown.title == CLOSE_CODES[ending.code].name


def test_what_each_api_lets_pass(lab):
    table = lab.try_close(999, 1000, 1001, 1006)
    marks = {
        name: "".join(row[place][0] for row in table.rows)
        for place, name in enumerate(table.headings)
        if place > 0
    }
    assert [row[0] for row in table.rows] == [f"close({code})" for code in (999, 1000, 1001, 1006)]
    assert marks["a browser's rules (wslab's client)"] == "✗✓✗✗"
    assert marks["websockets"] == "✗✓✓✗"
    assert marks.get("ws", "✗✓✓✗") == "✗✓✓✗"


def test_the_wire_says_how_connections_ended_only_to_those_who_ask(lab):
    """What the APIs report is what the learner is to find out."""
    lab.ending(1002)
    assert lab.wire()._remarks is None
    assert lab.wire(remarks=True)._remarks is not None


def test_the_mystery_shows_only_its_wire(lab, capsys):
    result = lab.mystery()
    out = capsys.readouterr().out
    assert "client ──▶  close ?\n" in out
    assert "◀── server  close 1000" in out
    assert "1007" not in out
    assert "1006" not in out
    assert result.client.code == 1006


def test_the_table_of_codes(lab):
    html = lab.codes()._repr_html_()
    assert "Normal Closure" in html
    assert "never in a frame" in html
    assert "https://www.rfc-editor.org/rfc/rfc6455.html#section-7.4.1" in html
    assert "data-wslab='close-codes'" in html
    assert "1006  Abnormal Closure" in repr(lab.codes())
    assert repr(lab.codes(1001, 4000)).count("\n") == 2  # the headings, and two codes


def test_opening_again_replaces_everything(lab):
    lab.endings()
    lab.browser()
    lab.browser()
    with close_codes.open() as again:
        assert "closed" in repr(lab)
        assert again.ending(1000).as_documented


def test_the_gallery_of_a_closed_lab_stays_and_plays_no_more(lab):
    gallery = lab.endings()
    lab.close()
    with pytest.raises(NotRunning, match="run the cell that opens it"):
        lab.ending(1000)
    assert gallery.comm is not None
