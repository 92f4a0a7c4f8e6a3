"""HAR: what a browser's DevTools save, out and in."""

from __future__ import annotations

import base64
import json

import pytest

from wslab.wire import Capture, CaptureError, accept_key, load, save
from wslab.wire.formats import har, jsonl
from wslab.wire.protocol.deflate import Deflater

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import KEY, conversation, encode_frame

# As Chrome writes it, in short: a page, a socket with messages, a socket that was refused.
CHROME = {
    "log": {
        "version": "1.2",
        "creator": {"name": "WebInspector", "version": "537.36"},
        "pages": [],
        "entries": [
            {"request": {"method": "GET", "url": "https://example.test/"}, "response": {}},
            {
                "_initiator": {"type": "script"},
                "_priority": "High",
                "_resourceType": "websocket",
                "_webSocketMessages": [
                    {"type": "send", "time": 1700000001.5, "opcode": 1, "data": "Grüße"},
                    {"type": "receive", "time": 1700000001.75, "opcode": 2, "data": "AAEC/w=="},
                    {"type": "receive", "time": 1700000002, "opcode": 1, "data": ""},
                    {"type": "error", "time": 1700000003, "opcode": -1, "data": "broken pipe"},
                ],
                "connection": "17",
                "request": {
                    "method": "GET",
                    "url": "wss://example.test/chat?room=1",
                    "httpVersion": "HTTP/1.1",
                    "headers": [
                        {"name": "Host", "value": "example.test"},
                        {"name": "Connection", "value": "Upgrade"},
                        {"name": "Upgrade", "value": "websocket"},
                        {"name": "Cookie", "value": "login=hunter2"},
                        {"name": "Sec-WebSocket-Version", "value": "13"},
                        {"name": "Sec-WebSocket-Key", "value": "dGhlIHNhbXBsZSBub25jZQ=="},
                    ],
                },
                "response": {
                    "status": 101,
                    "statusText": "Switching Protocols",
                    "headers": [
                        {"name": "Upgrade", "value": "websocket"},
                        {"name": "Connection", "value": "Upgrade"},
                        {"name": "Set-Cookie", "value": "a=1\nb=2"},
                        {
                            "name": "Sec-WebSocket-Accept",
                            "value": accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
                        },
                    ],
                },
                "startedDateTime": "2023-11-14T22:13:20.500Z",
                "time": 2500,
                "timings": {"wait": 250},
            },
            {
                "_resourceType": "websocket",
                "_webSocketMessages": [],
                "request": {
                    "method": "GET",
                    "url": "ws://example.test/",
                    "headers": [{"name": "Upgrade", "value": "websocket"}],
                },
                "response": {"status": 403, "statusText": "Forbidden", "headers": []},
                "startedDateTime": "2023-11-14T22:13:25Z",
            },
        ],
    }
}


def test_a_streamed_response_is_as_long_as_its_chunks(tmp_path):
    capture = Capture()
    for connection in (1, 2):
        capture.open_connection()
        capture.record(connection, "client", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for piece in (head, b"2\r\nhi\r\n", b"0\r\n\r\n"):
        for connection in (1, 2):
            capture.record(connection, "server", piece)
    path = save(capture, tmp_path / "c.har")
    for entry in json.loads(path.read_text("utf-8"))["log"]["entries"]:
        assert entry["response"]["bodySize"] == len(b"2\r\nhi\r\n0\r\n\r\n")


def test_what_chrome_saved():
    capture = har.loads(json.dumps(CHROME))
    rows = capture.index.rows()
    assert [(r.connection, r.direction, r.kind, r.preview, r.broken) for r in rows] == [
        (1, "client", "request", "GET /chat?room=1 HTTP/1.1", False),
        (1, "server", "response", "101 Switching Protocols", False),
        (1, "client", "text", '"Grüße"', False),
        (1, "server", "binary", "00 01 02 ff", False),
        (1, "server", "text", '""', False),
        (2, "client", "request", "GET / HTTP/1.1", True),
        (2, "server", "response", "403 Forbidden", False),
    ]
    assert [row.time for row in rows] == pytest.approx([0, 0.25, 1, 1.25, 1.5, 4.5, 4.5])
    assert capture.started.isoformat() == "2023-11-14T22:13:20.500000+00:00"
    request = capture.index.unit(0)
    assert request.field("Cookie").value == "*************"
    assert [h.value for h in capture.index.unit(1).fields if h.name == "Set-Cookie"] == ["***"] * 2
    assert capture.index.unit(2).masking_key == bytes(4)
    assert capture.notes[0].startswith("a HAR holds messages and headers, but no bytes")
    assert capture.notes[1:] == [
        "entry 1: the browser reported an error, and no frame: 'broken pipe'",
        "1 entry without a WebSocket left out",
    ]


@pytest.mark.parametrize(
    ("written", "seconds"), [(lambda t: 1000 * t, [1, 1.25, 1.5]), (lambda t: -1, [0.25] * 3)]
)
def test_the_same_from_playwright_with_milliseconds_or_no_time_at_all(written, seconds):
    har_file = json.loads(json.dumps(CHROME))
    for message in har_file["log"]["entries"][1]["_webSocketMessages"]:
        message["time"] = written(message["time"])
    rows = har.loads(json.dumps(har_file)).index.rows()
    assert [row.preview for row in rows[2:5]] == ['"Grüße"', "00 01 02 ff", '""']
    assert [row.time for row in rows[:5]] == pytest.approx([0, 0.25, *seconds])


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf"), 1e300, 10**400])
def test_a_time_that_is_none_is_unknown(time, tmp_path):
    har_file = json.loads(json.dumps(CHROME))
    entry = har_file["log"]["entries"][1]
    entry["timings"]["wait"] = time
    for message in entry["_webSocketMessages"]:
        message["time"] = time
        message["_marks"] = [{"name": "held", "time": time}]
    capture = har.loads(json.dumps(har_file))
    assert [row.time for row in capture.index.rows()[:5]] == [0] * 5
    for name in ("c.pcapng", "c.har", "c.jsonl"):
        save(capture, tmp_path / name)


@pytest.mark.parametrize(
    "started", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00"]
)
@pytest.mark.parametrize("messages", [[], [{"type": "send", "time": 9, "opcode": 1, "data": ""}]])
def test_a_start_that_no_calendar_has_is_unknown(started, messages):
    entry = CHROME["log"]["entries"][1] | {
        "startedDateTime": started, "timings": {"wait": 1e16}, "_webSocketMessages": messages
    }  # fmt: skip
    capture = har.loads(json.dumps({"log": {"entries": [entry]}}))
    assert [row.time for row in capture.index.rows()] == [0] * (2 + len(messages))
    assert capture.started.timestamp() == (9 if messages else 0)


def test_out_as_chrome_writes_it(tmp_path):
    capture = conversation()
    log = json.loads(save(capture, tmp_path / "c.har").read_text("utf-8"))["log"]
    assert log["version"] == "1.2"
    first, second, third = log["entries"]
    assert first["_resourceType"] == "websocket"
    assert first["request"]["url"] == "ws://server.example.com/chat"
    assert first["response"]["status"] == 101
    assert {"name": "Upgrade", "value": "websocket"} in first["request"]["headers"]
    began = capture.started.timestamp()
    assert [(m["type"], m["opcode"], m["data"]) for m in first["_webSocketMessages"]] == [
        ("send", 1, "Grüße"),
        ("receive", 1, "Hello"),  # one message, whatever frames it came in
    ]
    assert first["_webSocketMessages"][0]["time"] == pytest.approx(began + 2, abs=1e-5)
    assert second["_webSocketMessages"][0]["opcode"] == 2
    assert base64.b64decode(second["_webSocketMessages"][0]["data"]) == bytes(range(256)) * 600
    assert [m["data"] for m in third["_webSocketMessages"]] == ["alone"]
    for entry in log["entries"]:
        assert entry["startedDateTime"].endswith("Z")
        assert min(entry["timings"][name] for name in ("send", "wait", "receive")) >= 0


def said(capture: Capture) -> list:
    return [(m.direction, m.kind, m.content) for m in capture.index.messages()]


def test_out_and_back(tmp_path):
    capture = conversation()
    loaded = load(save(capture, tmp_path / "c.har"))
    assert sorted(said(loaded)) == sorted(said(capture))
    assert not any(row.broken for row in loaded.index.rows())


def test_a_compressed_message_is_saved_as_what_it_says(tmp_path):
    deflate = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    capture = Capture()
    capture.open_connection()
    capture.record(1, "client", REQUEST[:-2] + deflate)
    capture.record(1, "server", RESPONSE[:-2] + deflate)
    payload = Deflater().deflate(b"Hello" * 9)
    capture.record(1, "client", encode_frame(1, payload, rsv1=True, masking_key=KEY))
    loaded = load(save(capture, tmp_path / "c.har"))
    assert said(loaded) == said(capture) == [("client", "text", b"Hello" * 9)]
    assert not any(row.broken for row in loaded.index.rows())


@pytest.mark.parametrize(
    ("target", "host", "url", "line"),
    [
        ("/chat", "[::1", "ws://[::1/chat", "GET /chat HTTP/1.1"),
        ("/chat?a=//[", "x]y", "ws://x]y/chat?a=//[", "GET /chat?a=//[ HTTP/1.1"),
        ("http://a/chat?x=1", "b", "ws://a/chat?x=1", "GET /chat?x=1 HTTP/1.1"),
        ("WSS://a?x=http://c/", "b", "wss://a?x=http://c/", "GET /?x=http://c/ HTTP/1.1"),
        ("*", "b", "ws://b/", "GET / HTTP/1.1"),
    ],
)
def test_any_target_and_any_host_make_a_url(tmp_path, target, host, url, line):
    capture = Capture()
    capture.open_connection()
    request = REQUEST.replace(b"/chat", target.encode())
    request = request.replace(b"server.example.com", host.encode())
    capture.record(1, "client", request)
    path = save(capture, tmp_path / "c.har")
    written = json.loads(path.read_text("utf-8"))["log"]["entries"][0]["request"]
    assert written["url"] == url
    assert [part["name"] for part in written["queryString"]] == (
        [url.partition("?")[2][0]] if "?" in url else []
    )
    assert load(path).index.rows()[0].preview == line


def test_a_response_stands_with_the_request_that_it_answers(tmp_path):
    capture = Capture()
    capture.open_connection()
    page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    capture.record(1, "server", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    capture.record(1, "client", b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n" + REQUEST)
    capture.record(1, "server", b"HTTP/1.1 102 Processing\r\n\r\n" + page)
    capture.record(1, "server", b"HTTP/1.1 103 Early Hints\r\n\r\n" + RESPONSE)
    capture.record(1, "client", encode_frame(1, b"hi", masking_key=KEY))
    path = save(capture, tmp_path / "c.har")
    entries = json.loads(path.read_text("utf-8"))["log"]["entries"]
    assert [entry["response"]["status"] for entry in entries] == [404, 101]
    assert said(load(path)) == [("client", "text", b"hi")]


def test_a_recording_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def fails(capture):
        raise OSError("on purpose")

    (tmp_path / "c.har").write_text("older")
    monkeypatch.setattr(har, "dumps", fails)
    with pytest.raises(OSError, match="on purpose"):
        save(conversation(), tmp_path / "c.har")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("c.har", "older")]


PLAIN = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SPLIT = b"GET / HTTP/1.1\r\n" + b"X:y\n" * 60_000 + b"\n"  # 240 kB; longer as a HAR has it
HI = encode_frame(1, b"hi", masking_key=KEY)
HELLO = encode_frame(1, b"hello")


@pytest.mark.parametrize(
    "crossed",
    [
        [("server", RESPONSE + HELLO), ("client", PLAIN + HI)],  # nobody asked for it
        [
            ("client", PLAIN),
            ("server", b"HTTP/1.1 204 No\r\n\r\n" + RESPONSE + HELLO),
            ("client", HI),
        ],
        [("client", REQUEST + HI), ("server", RESPONSE + HELLO)],  # sent too early
        [("client", PLAIN + REQUEST), ("server", RESPONSE + HELLO), ("client", HI)],
        [("client", SPLIT), ("server", RESPONSE + HELLO), ("client", HI)],
        [("server", b"HTTP/1.1 101 \x85 a\n: b\n\n" + HELLO), ("client", HI)],
    ],
)
def test_messages_survive_whatever_handshake_stands_before_them(crossed, tmp_path):
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    for time, (direction, data) in enumerate(crossed):
        capture.record(connection, direction, data, at=time)
    assert len(said(capture)) == 2
    assert timed(load(save(capture, tmp_path / "c.har"))) == timed(capture)


def test_messages_survive_without_the_answer_to_the_upgrade(tmp_path):
    capture = Capture(clock=lambda: 0.0)
    capture.record(capture.open_connection(), "client", REQUEST + HI)
    assert capture.assume_upgraded(1)
    again = load(save(capture, tmp_path / "c.har"))
    assert timed(again) == timed(capture)
    what = "entry 0 has messages, but the status 0 of an unknown answer: frames alone"
    assert what in again.notes


def test_messages_stay_in_their_order_where_a_clock_goes_back(tmp_path):
    capture = Capture(clock=lambda: 0.0)
    connections = [capture.open_connection(upgraded=True, at=0) for _ in range(2)]
    for at in (5, 3, 4):
        for connection in connections:
            capture.record(connection, "server", encode_frame(2, bytes([at])), at=at)
    again = load(save(capture, tmp_path / "c.har"))
    for connection in connections:
        assert timed(again, connection) == timed(capture, connection)


def timed(capture: Capture, connection: int | None = None) -> list[tuple[object, ...]]:
    """Each message and its direction, opcode, content and moment, in microseconds."""
    return [
        (m.direction, m.kind, m.content, round(capture.started.timestamp() * 1e6 + m.time * 1e6))
        for m in capture.index.messages(connection)
    ]


def test_our_own_har_on_one_line_is_a_har(tmp_path):
    capture = conversation()
    path = save(capture, tmp_path / "c.har")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8"))), "utf-8")
    assert sorted(said(load(path))) == sorted(said(capture))
    path.write_text('{"log": {"creator": {"name": "wslab"}, "entries": []}}')
    assert said(load(path)) == []


def marked() -> Capture:
    """A recording in which a debugger did something to everything that a HAR has, and to a ping."""
    now = 0.0
    capture = Capture(clock=lambda: now)
    capture.open_connection()
    end = encode_frame(1, b"d", masking_key=KEY)
    for at, direction, data, *marks in [
        (1, "client", REQUEST, "held", "delivered"),
        (2, "server", RESPONSE, "delayed", "delivered"),
        (3, "client", encode_frame(1, b"a", masking_key=KEY), "held", "edited", "delivered"),
        (4, "server", encode_frame(2, b"b"), "duplicated"),
        (5, "server", encode_frame(9, b"?"), "dropped"),
        (6, "server", encode_frame(1, b"c1", fin=False), "held", "delivered"),
        (7, "server", encode_frame(0, b"c2", fin=False), "edited", "delivered"),
        (8, "server", encode_frame(0, b"c3")),
        (9, "client", end, "injected"),
    ]:
        now, offset = float(at), capture.size(1, direction)
        capture.record(1, direction, data)
        for name in marks:
            now += 0.25
            instead = encode_frame(1, b"changed") if name == "edited" else None
            capture.mark(1, direction, name, offset, len(data), data=instead, note=f"why {name}")
    now = 10.0
    capture.mark(1, "client", "cut", note="FIN")
    return capture


def test_what_a_debugger_did_comes_back(tmp_path):
    path = save(marked(), tmp_path / "c.har")
    entry = json.loads(path.read_text("utf-8"))["log"]["entries"][0]
    assert [mark["name"] for mark in entry["request"]["_marks"]] == ["held", "delivered"]
    first, _, third, last = entry["_webSocketMessages"]
    assert [mark["name"] for mark in first["_marks"]] == ["held", "edited", "delivered"]
    assert bytes.fromhex(first["_marks"][1]["hex"]) == encode_frame(1, b"changed")
    assert [mark["offset"] for mark in third["_marks"]] == [0, 0, 4, 4]
    assert last["_marks"][0].keys() == {"name", "time", "note"}
    assert [(m["name"], m["direction"]) for m in entry["_marks"]] == [
        ("dropped", "server"), ("cut", "client"),
    ]  # fmt: skip

    loaded = load(path)
    index = loaded.index
    assert [(row.kind, row.mark) for row in index.rows()] == [
        ("request", "held 0.2 s"),
        ("response", "delayed 0.2 s"),
        ("text", "edited, held 0.5 s"),
        ("binary", "duplicated"),
        ("text", "edited, held 1.2 s"),
        ("text", "injected"),
    ]
    notes = [event.note for event in index.marks(2)]
    assert notes == ["why held", "why edited", "why delivered"]
    assert loaded.delivered(1, "client") == REQUEST + encode_frame(1, b"changed")
    assert loaded.events[-1][3:5] == ("client", "cut")
    assert loaded.notes[1:] == [
        "entry 0: a debugger dropped a ping of the server, which is not in a HAR",
        "entry 0: what an edit put into one frame of a message is left out",
    ]
    assert "held" in "".join(jsonl.lines(loaded))


@pytest.mark.parametrize(
    "marks",
    [5, [7], [{}], [{"name": "eaten", "time": 1}], [{"name": "held", "time": "noon"}],
     [{"name": "edited", "time": 1, "hex": "xy"}], [{"name": "held", "time": 1, "offset": 1e999}]],
)  # fmt: skip
def test_a_mark_that_is_none_costs_no_message(marks):
    har_file = json.loads(json.dumps(CHROME))
    entry = har_file["log"]["entries"][1]
    for of in (entry, entry["request"], entry["response"], *entry["_webSocketMessages"]):
        of["_marks"] = marks
    capture = har.loads(json.dumps(har_file))
    assert [row.mark for row in capture.index.rows()] == [""] * 7
    assert any("mark" in note for note in capture.notes)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"log": {"entries": 5}}', "[" * 100_000])
def test_a_text_that_is_no_har(text):
    with pytest.raises(CaptureError, match="expected a HAR"):
        har.loads(text)


@pytest.mark.parametrize(
    "entry",
    [
        {"_webSocketMessages": 5, "request": {}},
        {"_webSocketMessages": [{}], "request": {"headers": [{"name": "a"}]}},
        {"_resourceType": "websocket"},
        {"_resourceType": "websocket", "request": {"url": "ws://[", "headers": [1]}},
        {"_resourceType": "websocket", "request": None, "response": 7},
    ],
)
def test_an_entry_that_is_none_costs_no_other(entry):
    har_file = {"log": {"entries": [entry, *CHROME["log"]["entries"]]}}
    capture = har.loads(json.dumps(har_file))
    assert len(capture.index.connections) == 2
    assert any(note.startswith("entry 0 was left out") for note in capture.notes)


@pytest.mark.parametrize(
    "broken", [{"response": {"status": 101, "headers": [{"name": "x"}]}}, {"response": 5},
               {"request": {"url": 5, "headers": [{"name": "a"}]}}],
)  # fmt: skip
def test_of_an_entry_that_is_left_out_nothing_is_taken(broken):
    entry = CHROME["log"]["entries"][1] | broken
    capture = har.loads(json.dumps({"log": {"entries": [entry]}}))
    assert capture.index.connections == []
    assert [note[:20] for note in capture.notes] == ["entry 0 was left out"]


def test_a_message_that_lacks_something_costs_no_other():
    messages = [
        {"type": "receive", "opcode": 1, "data": "first"},
        {"type": "send", "time": 1700000001.5, "opcode": 1, "data": "timed"},
        {"type": "receive", "data": "without both"},
        {"type": "receive", "data": {"a": 1}},
        "no message",
        {"type": "receive", "time": 1700000002, "opcode": 2, "data": "AAE="},
    ]
    entry = CHROME["log"]["entries"][1] | {"_webSocketMessages": messages}
    capture = har.loads(json.dumps({"log": {"entries": [entry]}}))
    rows = capture.index.rows()[2:]
    assert [(row.preview, row.time) for row in rows] == [
        ('"first"', pytest.approx(0.25)),
        ('"timed"', pytest.approx(1.0)),
        ('"without both"', pytest.approx(1.0)),
        ('"{"a": 1}"', pytest.approx(1.0)),
        ("00 01", pytest.approx(1.5)),
    ]
    assert capture.notes[1:] == [
        "entry 0: a message was left out: 'no message'",
        "entry 0: messages without a time are put beside the one before: 3",
        "entry 0: messages without an opcode are taken for text: 2",
    ]


def test_messages_without_a_handshake_are_frames_alone():
    entry = {
        "_webSocketMessages": [{"type": "send", "time": 3, "opcode": 2, "data": "not base64"}],
        "request": {"url": "ws://x/", "headers": [{"name": ":method", "value": "CONNECT"}]},
    }
    capture = har.loads(json.dumps({"log": {"entries": [entry]}}))
    assert [row.kind for row in capture.index.rows()] == ["binary"]
    assert capture.index.unit(0).payload == b"not base64"
    assert len(capture.notes) == 3
