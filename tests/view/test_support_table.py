"""The table of browsers: the extract of MDN's data, and what a saved notebook shows of it."""

from __future__ import annotations

import re

import browser_support
import pytest

from wslab.view import SupportTable
from wslab.view.live.assets import asset


@pytest.fixture
def table():
    table = SupportTable("ws://127.0.0.1:9/")
    yield table
    table.close()


def test_the_extract_says_where_it_is_from_and_has_every_browser(table):
    data = table.data
    assert data["source"] == browser_support.PACKAGE
    assert data["licence"] == "CC0 1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", data["date"])
    assert data["browsers"] == browser_support.BROWSERS
    for feature in data["features"]:
        assert feature["support"].keys() == data["browsers"].keys(), feature["key"]


def test_the_page_has_a_question_for_every_feature_but_one(table):
    script = asset("panels/support_table.js")
    keys = {feature["key"] for feature in table.data["features"]}
    asked = set(re.findall(r'^  "([\w.]+)": ', script, re.MULTILINE))
    assert keys - asked == {"WebSocket.local_network_access"}
    assert asked <= keys


def test_two_rows_of_websocket_are_young_and_the_others_are_not(table):
    rows = {one["key"]: one["support"]["chrome"]["added"] for one in table.data["features"]}
    young = {key for key, added in rows.items() if key.startswith("WebSocket.") and int(added) > 37}
    assert young == {
        "WebSocket.WebSocket.url_parameter_http_https_relative",
        "WebSocket.local_network_access",
    }


def test_a_saved_notebook_shows_the_table_without_answers(table):
    static = table.static()
    assert table.data["version"] in static["text/plain"]
    assert re.search(
        r"^WebSocketStream \| 124 \| 124 \| no \| no", static["text/plain"], re.MULTILINE
    )
    assert static["text/html"].count("<tr>") == 1 + len(table.data["features"])
    assert "<th scope='row'>WebSocketStream</th><td>124</td>" in static["text/html"]


def compat(*statements, **more):
    support = {"chrome": list(statements) if len(statements) > 1 else statements[0]}
    return {"__compat": {"support": support, **more}}


def test_an_extract_takes_the_newest_statement_about_the_standards_own_name():
    prefixed = {"version_added": "7", "version_removed": "11", "prefix": "Moz"}
    socket = compat({"version_added": "11"}, prefixed, mdn_url="https://mdn.example/")
    socket["close_event"] = compat(
        {"version_added": "5", "flags": [{"type": "preference", "name": "x"}]},
        description="<code>close</code> event &amp; more",
    )
    socket["close_event"]["code"] = compat({"version_added": False})
    others = {name: compat(prefixed) for name in browser_support.INTERFACES}
    meta = {"version": "1.2.3", "timestamp": "2026-11-12T14:10:29.391Z"}
    taken = browser_support.extract({"__meta": meta, "api": {"WebSocket": socket, **others}})
    assert (taken["version"], taken["date"]) == ("1.2.3", "2026-11-12")
    first, event, below, *rest = taken["features"]
    assert (first["key"], first["mdn"]) == ("WebSocket", "https://mdn.example/")
    assert first["support"]["chrome"] == {"added": "11"}
    assert first["support"]["nodejs"] == {"added": False}  # no word about it
    assert (event["key"], event["name"]) == ("WebSocket.close_event", "close event & more")
    assert event["support"]["chrome"] == {"added": "5", "flag": "x"}
    assert below["key"] == "WebSocket.close_event.code"
    assert [one["support"]["chrome"] for one in rest] == [{"added": False}] * 3
