"""The lab of the lesson on the echo page, on real sockets."""

from __future__ import annotations

import re
from urllib.request import urlopen

import pytest

from wslab.net import HandshakeFailed


def test_the_page_and_the_socket_are_on_one_port_and_cross_the_tap(lab):
    page = urlopen(lab.page_url)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert b'<script src="echo.js" defer>' in page.read()
    assert urlopen(f"{lab.page_url}echo.js").read().decode() == lab.page_code().data
    with lab.connect(origin=lab.page_url.rstrip("/")) as client:
        client.send("Hello")
        assert client.recv() == "Hello"
    assert [unit.kind for unit in map(lab.capture.index.unit, range(4))].count("request") == 2


def test_a_page_of_another_site_gets_neither(lab):
    with pytest.raises(HandshakeFailed):
        lab.connect(origin="https://evil.example")


def test_a_message_in_three_parts_is_three_frames_and_one_message(lab, capsys):
    with lab.connect() as client:
        lab.say("one, ", "two, ", "three")
        assert client.recv() == "one, two, three"
        sent = [unit for unit in units(lab) if unit.direction == "server"][1:]
        assert [unit.data.hex(" ", 1)[:5] for unit in sent] == ["01 05", "00 05", "80 05"]
    assert capsys.readouterr().out == "to 1 connection\n"


def test_a_ping_is_answered_and_nobody_is_told(lab, capsys):
    with lab.connect(), lab.connect(name="other"):
        lab.ping()
        assert lab.capture.wait_until(lambda: kinds(lab).count("pong") == 2, 5)
        assert kinds(lab).count("ping") == 2
    assert capsys.readouterr().out == "to 2 connections\n"


def test_a_greeting_comes_first_and_a_farewell_has_its_reason(lab, capsys):
    lab.greet("<b>Welcome!</b>")
    client = lab.connect()
    assert client.recv() == "<b>Welcome!</b>"
    lab.dismiss(4000, "<i>")
    assert (client.close_code, client.close_reason) == (4000, "<i>")
    lab.greet("")
    with lab.connect() as another:
        another.send("first")
        assert another.recv() == "first"
    assert capsys.readouterr().out == "to 1 connection\n"


def units(lab):
    return [lab.capture.index.unit(row.number) for row in lab.capture.index.rows()]


def kinds(lab):
    return [row.kind for row in lab.capture.index.rows()]


# --- What DevTools show


def test_the_panes_beside_the_wire(lab, capsys):
    shown = table(lab.panes())
    if "Live: Chrome/" in capsys.readouterr().out:
        assert lab.panes().headings[4:] == ["Chrome's pane", "Firefox's pane, recorded"]
    assert shown["ping"] == ("nothing", "with Control: are you there? · 14 B")
    assert shown["close"] == ("nothing", r"with Control: \x0f¡bye · 5 B")
    assert shown['continuation "three "'] == ("nothing", "nothing")
    assert shown['continuation "frames"'] == ("in three frames · 15", "in three frames · 15 B")
    assert shown['text "still here"'] == ("nothing", "still here · 10 B")
    assert shown['text "too late"'] == ("nothing", "nothing")
    assert shown[""] == ("", "Connection Closed: 4001 bye")
    assert ["Data frame received after close · N/A", ""] in [row[4:] for row in lab.panes().rows]
    assert lab.panes("Firefox").headings[-1] == "Firefox's pane, recorded"


def test_without_a_chrome_the_recorded_conversation_is_shown_and_marked(lab, capsys, monkeypatch):
    monkeypatch.setattr("wslab.net.browsers.chromium.find", lambda wanted: None)
    shown = table(lab.devtools())
    out = capsys.readouterr().out
    assert out.startswith("RECORDED, not live: Chromium is not on this machine: install")
    assert "apt-get install chromium" in out
    assert "webSocketFrameReceived" in shown['continuation "frames"']
    assert lab.panes().headings[4:] == ["Chrome's pane, recorded", "Firefox's pane, recorded"]


def test_the_har_opens_on_a_wire_and_says_what_it_lacks(lab, capsys):
    view = lab.har()
    out = capsys.readouterr().out
    assert "no bytes" in out
    assert "Data frame received after close" in out
    assert len(view.capture.index) == 8
    assert lab.har_file.name == "chrome.har"


def test_a_picture_is_in_the_output_itself(lab):
    html = lab.picture("firefox-messages")._repr_html_()
    assert html.count('src="data:image/webp;base64,') == 2
    assert html.count('alt="The Network pane of Firefox') == 2


def table(shown):
    """By what crossed, or its kind alone: the last cells of its (last) row."""
    found = {}
    for row in shown.rows:
        for name in (row[1].partition(" ")[0], row[1]):
            found[name] = tuple(row[4:])
    return found


def test_without_a_page_the_gallery_tells_what_is_recorded(lab):
    gallery = lab.todays_browser()
    for name in gallery.experiments:
        chromium, firefox = gallery.run(name)
        assert re.fullmatch(r"Chromium \d+, recorded \d{4}-\d\d-\d\d", chromium)
        assert re.fullmatch(r"Firefox \d+, recorded \d{4}-\d\d-\d\d", firefox)
    assert "No page shows this gallery" in gallery._told[0]["note"]


def test_the_table_of_browsers_says_what_was_not_tried(lab):
    text = repr(lab.browsers())
    assert "not tried yet" in text
    lab._answers["ports"] = {"this browser": "error, close 1006"}
    (row,) = [row for row in lab.browsers().rows if row[0] == "ports: this browser"]
    assert row[1] == "error, close 1006"
