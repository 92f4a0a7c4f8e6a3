"""What browsers tell their DevTools of one conversation, beside what crossed.

Chrome's side is live. Firefox's was recorded by `tools/devtools_pictures.py`, which read it from
the pane itself, together with the wire of that run: here it is held against that wire.
"""

from __future__ import annotations

import functools
import json
import os

import pytest

from wslab.installed import CHROMIUM, find
from wslab.net import Tap
from wslab.net.browsers import (
    PICTURES,
    RECORDED,
    Chromium,
    ConversationServer,
    Played,
    beside,
    bits,
    devtools_picture,
    play,
    recorded_play,
    told_by_chrome,
    told_by_firefox,
)
from wslab.wire import Capture, load

HA = "ha" * 200
CROSSED = [
    ("client", "request", ""),
    ("server", "response", ""),
    ("client", "text", "FIN RSV1 MASK"),
    ("client", "text", "FIN RSV1 MASK"),
    ("server", "text", "FIN"),
    ("server", "text", "FIN RSV1"),
    ("server", "ping", "FIN"),
    ("client", "pong", "FIN MASK"),
    ("server", "text", ""),
    ("server", "continuation", ""),
    ("server", "continuation", "FIN"),
    ("server", "pong", "FIN"),
    ("server", "binary", "FIN"),
    ("client", "close", "FIN MASK"),
    ("server", "text", "FIN"),
    ("server", "close", "FIN"),
    ("server", "text", "FIN"),
]
"""The conversation: who sent what, and which bits were set."""
CHROME = [
    "webSocketCreated",
    "webSocketWillSendHandshakeRequest",
    "webSocketHandshakeResponseReceived",
    ("webSocketFrameSent", "Hello", "5"),
    ("webSocketFrameSent", HA, "400"),
    ("webSocketFrameReceived", "Hello", "5"),
    ("webSocketFrameReceived", HA, "400"),
    None,  # the ping
    None,  # the pong
    None,  # two frames of a message
    None,
    ("webSocketFrameReceived", "in three frames", "15"),
    None,  # the unasked pong
    ("webSocketFrameReceived", "Binary message", "3\N{NO-BREAK SPACE}B"),
    None,  # the page's close frame
    None,  # what the server said after it
    None,  # the server's close frame
    None,  # and what it said after that
    ("webSocketFrameError", "Data frame received after close", "N/A"),
    "webSocketClosed",
]
"""What CDP tells, line by line: nothing before the request, then what crossed, then the end."""


@functools.cache
def live() -> Played:
    if find(CHROMIUM) is None:
        reason = f"no Chromium on this machine: {CHROMIUM.remedy}"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    capture = Capture()
    with (
        ConversationServer("test") as server,
        Tap(server.url, capture, name="test") as tap,
        Chromium("test") as chromium,
    ):
        return play(chromium, chromium.open(), tap.url, capture)


def recorded() -> Played:
    return recorded_play(Capture())


@pytest.mark.parametrize("make", [live, recorded])
def test_what_chrome_tells_beside_what_crossed(make):
    played = make()
    told = told_by_chrome(played.events)
    lines = beside(played.capture, played.connection, told)
    rows = [row for row, _ in lines if row is not None]
    assert [(row.direction, row.kind, bits(played.capture, row)) for row in rows] == CROSSED
    assert [row.preview for row in rows if row.broken] == ['"too late"']
    for (_, (one,)), expected in zip(lines, CHROME, strict=True):
        if one is None or isinstance(expected, str):
            assert (one and one.name) == expected
        else:
            assert (one.name, one.text, one.length) == expected
    # The frame's header is told by its opcode, and by the bit MASK; the masking key never is.
    assert {one.header for one in told if one.kind in ("text", "binary")} == {
        "opcode 1, mask true",
        "opcode 1, mask false",
        "opcode 2, mask false",
    }
    keys = [played.capture.index.unit(row.number).masking_key for row in rows]
    events = json.dumps([event.params for event in played.events])
    assert not [key for key in keys if key and key.hex() in events]
    assert played.page == [
        "open, extensions: permessage-deflate",
        "message: Hello",
        f"message: {HA}",
        "message: in three frames",
        "message: 3 bytes",
        "error",
        'close: code 1006, reason "", wasClean false',
    ]


@pytest.mark.parametrize("make", [live, recorded])
def test_the_heads_are_told_in_another_spelling(make):
    played = make()
    (answer,) = (e for e in played.events if e.method.endswith("ResponseReceived"))
    told, index = answer.params["response"], played.capture.index
    request, response = (
        index.unit(row.number).data.decode()
        for row in index.rows()
        if row.connection == played.connection and row.kind in ("request", "response")
    )
    # RFC 6455 §4.1 has the path in the request line; Chrome tells the whole URL.
    asked = told["requestHeadersText"]
    assert request.startswith("GET / HTTP/1.1\r\n")
    assert asked.startswith("GET ws://127.0.0.1:")
    assert asked.partition("\r\n")[2] == request.partition("\r\n")[2]
    # Spaces around a value are gone (RFC 9112 §5.1 lets a reader drop them), and nothing else.
    assert "CONNECTION:   Upgrade\r\n" in response
    assert "X-Lab:  two \r\n" in response
    tidy = response.replace(":   ", ": ").replace(":  two ", ": two")
    assert told["headersText"] == tidy


def test_the_tab_headers_sorts_the_fields_and_spells_them_in_its_own_way():
    head = json.loads((RECORDED / "chrome.jsonl").read_text("utf-8").splitlines()[0])
    assert head["header_names"][3:9] == [
        "Connection",
        "Sec-Websocket-Accept",
        "Sec-Websocket-Extensions",
        "Upgrade",
        "X-Lab",
        "X-Lab",
    ]


def test_firefox_discards_what_comes_after_a_close():
    # RFC 6455 §1.4: "a peer discards any further data received".
    head = json.loads((RECORDED / "firefox.jsonl").read_text("utf-8").splitlines()[0])
    assert head["page"][-1] == 'close: code 4001, reason "bye", wasClean true'
    assert "error" not in head["page"]


def test_what_firefox_shows_beside_what_crossed():
    capture = load(RECORDED / "firefox-wire.jsonl")
    (connection,) = {row.connection for row in capture.index.rows() if row.kind == "ping"}
    lines = beside(capture, connection, told_by_firefox())
    shown = [(row and row.preview, one and one.text) for row, (one,) in lines]
    assert [text for _, text in shown] == [
        "GET / HTTP/1.1", "HTTP/1.1 101 Web  Socket Protocol Handshake",
        "Hello", HA, "Hello", HA,
        "are you there?", "are you there?",
        None, None, "in three frames",
        "unasked", "\0\1ÿ",
        "\x0f¡bye", "still here", "\x0f¡bye",
        None,
        "Connection Closed: 4001 bye",
    ]  # fmt: skip
    # Control frames only after they were switched on: ping, pong, pong, and two goodbyes.
    hidden = [row.kind for row, (one,) in lines if one and one.hidden]
    assert hidden == ["ping", "pong", "pong", "close", "close"]
    # In its own list the pong stands before the ping that it answers.
    order = [one.kind for one in told_by_firefox() if one.content == b"are you there?"]
    assert order == ["pong", "ping"]
    # Size is that of the message; on the wire the long one took a few.
    (long,) = (row for row, (one,) in lines if one and one.text == HA and row.direction == "client")
    assert (long.length < 20, bits(capture, long)) == (True, "FIN RSV1 MASK")


def test_firefox_tells_the_bit_mask_and_fin_as_they_crossed_but_joins_frames():
    _, *rows = map(json.loads, (RECORDED / "firefox.jsonl").read_text("utf-8").splitlines())
    frames = [row for row in rows if "MaskBit" in row["cells"]]
    assert {row["cells"]["FinBit"] for row in frames} == {"true"}  # three frames are one row
    for row in frames:
        assert row["cells"]["MaskBit"] == str(row["direction"] == "client").lower()
    assert not [row for row in frames if any("RSV" in column for column in row["cells"])]


def test_the_har_holds_the_messages_and_the_error_and_nothing_else():
    har = json.loads((RECORDED / "chrome.har").read_text("utf-8"))
    (entry,) = (e for e in har["log"]["entries"] if e["_resourceType"] == "websocket")
    assert [(m["type"], m["opcode"], m["data"]) for m in entry["_webSocketMessages"]] == [
        ("send", 1, "Hello"),
        ("send", 1, HA),
        ("receive", 1, "Hello"),
        ("receive", 1, HA),
        ("receive", 1, "in three frames"),
        ("receive", 2, "AAH/"),
        ("error", -1, "Data frame received after close"),
    ]
    capture = load(RECORDED / "chrome.har")
    rows = capture.index.rows()
    assert [(row.direction, row.kind) for row in rows] == [
        ("client", "request"), ("server", "response"),
        ("client", "text"), ("client", "text"), ("server", "text"), ("server", "text"),
        ("server", "text"), ("server", "binary"),
    ]  # fmt: skip
    assert any("Data frame received after close" in note for note in capture.notes)


def test_firefox_saves_a_har_without_messages():
    text = (RECORDED / "firefox.har").read_text("utf-8")
    entries = json.loads(text)["log"]["entries"]
    assert [e["response"]["status"] for e in entries if e["request"]["url"][:3] == "ws:"] == [101]
    assert "_webSocketMessages" not in text
    assert list(load(RECORDED / "firefox.har").index.messages()) == []


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_both_themes_and_words_for_those_who_do_not_see_it(name):
    picture = devtools_picture(name)
    for image in (picture.light, picture.dark):
        assert (image[:4], image[8:12]) == (b"RIFF", b"WEBP")
        assert 10_000 < len(image) < 80_000
    assert picture.light != picture.dark
    assert picture.alt.endswith(".")
    assert picture.caption.startswith(("Chrome 1", "Firefox 1"))


def test_a_picture_that_is_not_there():
    with pytest.raises(KeyError, match=r"expected one of chrome-messages, .* got 'edge'"):
        devtools_picture("edge")
