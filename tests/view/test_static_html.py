"""The static account: everything escaped, nothing loaded, bounded, true to the recording."""

from __future__ import annotations

from html.parser import HTMLParser

from wslab.view import render
from wslab.view.live.static_html import hex_lines, summary
from wslab.wire.recording import Capture

EVIL = "</pre><script>alert(1)</script><img src=x onerror=alert(2)> & \" '"


class Checker(HTMLParser):
    """What tags and attributes there are, and whether they are closed in order."""

    VOID = frozenset({"br", "hr", "img"})

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open, self.text = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def text_frame(text: str) -> bytes:
    payload = text.encode()
    return bytes([0x81, len(payload)]) + payload


def test_what_crossed_is_escaped_and_nothing_is_loaded_or_run(recording):
    recording.talk()
    recording.frames(text_frame(EVIL))
    connection = recording.capture.open_connection()
    recording.capture.record(
        connection, "client", b"GET /<script> HTTP/1.1\r\nX-<b>: <i>\"'\r\n\r\n"
    )
    page = Checker(render(recording.capture, server_label=EVIL))
    assert set(page.tags) <= {
        *("div", "details", "summary", "span", "code", "table", "tr", "th", "td", "pre", "p", "b"),
        "a",
    }
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    links = [value for name, value in page.attributes if name == "href"]
    assert links
    assert all(link.startswith("https://www.rfc-editor.org/rfc/rfc") for link in links)
    assert "<script>alert(1)</script>" in "".join(page.text)


def test_every_row_is_an_arrow_with_its_kind_direction_fields_and_bytes(recording):
    recording.talk()
    html = render(recording.capture)
    page = Checker(html)
    rows = [value for name, value in page.attributes if name == "data-wslab-row"]
    assert rows == ["0", "1", "2", "3"]
    text = "".join(page.text)
    assert "101 Switching Protocols" in text
    assert "Sec-WebSocket-Accept" in text
    assert "0000  81 85 37 fa 21 3d 7f 9f  4d 51 58" in text
    assert "client → server" in text  # for readers that take styles away


def test_a_broken_rule_is_told_with_a_word_and_a_sign(recording):
    connection = recording.talk()
    recording.capture.record(connection, "client", bytes.fromhex("81 05 48 65 6c 6c 6f"))
    text = "".join(Checker(render(recording.capture)).text)
    assert "⚠ broken" in text
    assert "Answer: close code 1002." in text
    assert "⚠ broken" in summary(recording.capture)


def test_it_is_bounded_and_says_how_much_more_there_is(recording):
    recording.frames(text_frame("hello"), 5000)
    html = render(recording.capture)
    assert "4,950 more rows" in html
    assert len(html) < 600_000
    assert "… and 4,980 more" in summary(recording.capture)
    assert html.count("data-wslab-row") == 50
    assert render(recording.capture, rows=3).count("data-wslab-row") == 3


def test_a_large_payload_is_cut(recording):
    size = 1_000_000
    recording.frames(bytes([0x82, 127]) + size.to_bytes(8, "big") + bytes(size))
    html = render(recording.capture)
    assert len(html) < 20_000
    assert "999,754 more bytes" in html


def test_it_says_what_is_no_longer_kept_and_how_more_would_be(recording):
    recording.capture.limit = 10_000
    recording.frames(text_frame("hello"), 3000)
    assert recording.capture.dropped
    for text in ("".join(Checker(render(recording.capture)).text), summary(recording.capture)):
        assert " KiB) are no longer kept, only their rows: the limit of" in text
        assert "capture.limit = 20_000 (bytes" in text
    assert 'data-wslab="loss"' in render(recording.capture)
    assert "longer kept" not in render(Capture())


def test_an_empty_recording_says_so():
    assert "Nothing has crossed" in render(Capture())
    assert summary(Capture()) == "wire: 0 rows"


def test_hex_lines_stand_under_each_other():
    lines = hex_lines(bytes(range(0x40, 0x40 + 20)), 256).splitlines()
    assert lines == [
        "0000  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO",
        "0010  50 51 52 53                                       PQRS",
    ]
