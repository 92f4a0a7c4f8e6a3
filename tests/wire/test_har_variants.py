"""HAR as other tools than Chrome write it: other words, other files, HTTP/2, archives."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest

from wslab.wire import CaptureError, load
from wslab.wire.formats import har

from .test_har import CHROME

CHAT = CHROME["log"]["entries"][1]
TEXT = b"\x81\x01x"


def of(entry, *, creator="WebInspector"):
    return json.dumps({"log": {"creator": {"name": creator}, "entries": [entry]}})


def read(*messages, **changed):
    return har.loads(of(CHAT | {"_webSocketMessages": list(messages)} | changed))


def frames(capture):
    index = capture.index
    return [index.unit(row.number).data for row in index.rows() if "re" not in row.kind[:2]]


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        ({"type": "sent", "opcode": 1, "data": "x"}, b"\x81\x81\0\0\0\0x"),
        ({"type": "received", "opcode": "1", "data": "x"}, TEXT),
        ({"type": "request", "opcode": 1.0, "data": "x"}, b"\x81\x81\0\0\0\0x"),
        ({"type": "response", "opcode": "text", "data": "x"}, TEXT),
        ({"type": "in", "opcode": "Binary", "data": "AAE="}, b"\x82\x02\x00\x01"),
        ({"type": "text", "direction": "incoming", "payload": "x"}, TEXT),
        ({"type": "receive", "opcode": 1, "data": {"a": 1}}, b'\x81\x08{"a": 1}'),
        ({"type": "receive", "opcode": 1, "data": None}, b"\x81\x00"),
        ({"type": "receive", "opcode": 9, "data": "ping"}, b"\x89\x04ping"),
        ({"type": "receive", "opcode": "pong", "data": ""}, b"\x8a\x00"),
        ({"type": "receive", "opcode": 8, "data": "", "code": 1000}, b"\x88\x02\x03\xe8"),
        ({"type": "receive", "opcode": 8, "code": 1001, "reason": "bye"}, b"\x88\x05\x03\xe9bye"),
        ({"type": "send", "opcode": 8, "data": {"code": 4000}}, b"\x88\x82\0\0\0\0\x0f\xa0"),
        ({"type": "receive", "opcode": 8, "data": "1001 bye"}, b"\x88\x05\x03\xe9bye"),
        ({"type": "receive", "opcode": 8, "data": "A+lieWU="}, b"\x88\x05\x03\xe9bye"),
        ({"type": "receive", "opcode": 8, "data": "", "code": 1005}, b"\x88\x00"),
        ({"type": "receive", "opcode": 8, "data": "\x03\xe9bye"}, b"\x88\x05\x03\xe9bye"),
        ({"type": "webSocketFrameSent", "opcode": 1, "data": "x"}, b"\x81\x81\0\0\0\0x"),
        ({"direction": "server-to-client", "opCode": "0x2", "data": "AAE"}, b"\x82\x02\0\1"),
        ({"fromClient": False, "kind": "utf8", "message": "x"}, TEXT),
        ({"incoming": True, "opcode": 1, "text": "x"}, TEXT),
        ({"source": "server", "frameType": "text", "body": "x"}, TEXT),
        ({"type": "receive", "opcode": 1, "data": "eA==", "encoding": "base64"}, TEXT),
        ({"type": "receive", "opcode": 2, "data": "0001", "encoding": "hex"}, b"\x82\x02\0\1"),
        ({"type": "receive", "opcode": 2, "data": [0, 1]}, b"\x82\x02\0\1"),
        ({"type": "receive", "opcode": 2, "data": {"type": "Buffer", "data": [0, 1]}},
         b"\x82\x02\0\1"),
    ],
)  # fmt: skip
def test_a_message_in_other_words(message, frame):
    capture = read(message | {"time": 1700000001.5})
    assert frames(capture) == [frame]
    assert len(capture.notes) == 1
    # What is not in a HAR is said only where it is not.
    assert ("close frames are missing" in capture.notes[0]) == (frame[0] < 0x88)


@pytest.mark.parametrize(
    ("message", "note"),
    [
        (
            {"type": "error", "opcode": -1, "data": "Invalid frame header"},
            "entry 0: the browser reported an error, and no frame: 'Invalid frame header'",
        ),
        (
            {"type": "receive", "opcode": 8, "code": 1006},
            "entry 0: code 1006 is never sent: the connection ended without a close frame",
        ),
        (
            {"type": "close", "code": 1000, "reason": "bye"},
            "entry 0: closed with code 1000, reason 'bye'; not by whom",
        ),
        ({"type": "odd", "opcode": 1, "data": "x"}, "entry 0: odd with opcode 1: 'x'"),
    ],
)
def test_what_is_no_frame_is_said(message, note):
    capture = read(message | {"time": 1700000001.5})
    assert frames(capture) == []
    assert capture.notes[1:] == [note]


def test_a_reason_without_its_code():
    capture = read({"type": "receive", "time": 1700000001.5, "opcode": 8, "data": "going away"})
    assert frames(capture) == [b"\x88\x00"]
    assert "the close's reason 'going away' came without its code" in capture.notes[1]


@pytest.mark.parametrize(
    ("time", "at"),
    [(None, 0.25), ("2023-11-14T22:13:21Z", 0.5), (1700000001000, 0.5), (1700000001000000, 0.5)],
)
def test_a_time_as_tools_write_it(time, at):
    capture = read({"type": "receive", "opcode": 1, "data": "x", "time": time})
    assert capture.index.rows()[-1].time == pytest.approx(at)
    assert any("without a time" in note for note in capture.notes) == (time is None)


@pytest.mark.parametrize(
    ("version", "headers", "means"),
    [
        ("h2", [":method", ":protocol"], "HTTP/2: a CONNECT to /chat?room=1, with no key, "
         "answered by 200 (RFC 8441 §5)"),
        ("HTTP/1.1", ["Upgrade"], "HTTP/2: a CONNECT to /chat?room=1, with no key, "
         "answered by 200 (RFC 8441 §5)"),  # as Playwright writes it
        ("h3", [":method"], "HTTP/3: a CONNECT to /chat?room=1, with no key, "
         "answered by 200 (RFC 9220 §3)"),
    ],
)  # fmt: skip
def test_a_websocket_over_http_2_has_no_key(version, headers, means):
    request = CHAT["request"] | {
        "httpVersion": version, "headers": [{"name": name, "value": "x"} for name in headers]
    }  # fmt: skip
    message = {"type": "receive", "time": 1700000001.5, "opcode": 1, "data": "x"}
    capture = read(message, request=request, response={"status": 200, "headers": []})
    assert [row.preview for row in capture.index.rows()] == ['"x"']
    assert capture.notes[1:] == [f"entry 0 is a WebSocket over {means}: frames alone"]


@pytest.mark.parametrize("left", [{"name": "Sec-WebSocket-Key", "value": "[redacted]"}, None])
def test_what_was_taken_out_before_saving_is_no_fault(left):
    def kept(head):
        return head | {
            "headers": [h for h in head["headers"] if "Sec-WebSocket-" not in h["name"]]
            + [left] * bool(left)
        }

    capture = read(request=kept(CHAT["request"]), response=kept(CHAT["response"]))
    assert [row.broken for row in capture.index.rows()] == [False] * 2
    assert "made-up Sec-WebSocket-Key of AAAAAAAAAAAAAAAAAAAAAA== and" in capture.notes[1]


def test_a_wrong_accept_is_a_fault_still():
    wrong = json.loads(json.dumps(CHAT))
    wrong["response"]["headers"][-1]["value"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
    assert "accept-wrong" in har.loads(of(wrong)).index.unit(1).violations[0]


def test_what_a_proxy_or_firefox_saved():
    entry = {name: CHAT[name] for name in ("request", "response", "startedDateTime")}
    entry["request"] = entry["request"] | {"url": "https://example.test/chat"}
    capture = har.loads(of(entry, creator="Firefox"))
    assert [row.kind for row in capture.index.rows()] == ["request", "response"]
    assert capture.notes[1].startswith("entry 0 has no messages: Firefox did not save them")


def test_server_sent_events_are_named():
    capture = har.loads(of(CHAT["request"] | {"_resourceType": "eventsource"}))
    assert capture.notes == [
        "1 entry of Server-Sent Events, which are HTTP and no WebSocket, left out"
    ]


MESSAGES = [{"type": "receive", "time": 1700000001.5, "opcode": 1, "data": "x"}] * 2
LINES = "\n".join(map(json.dumps, MESSAGES))


@pytest.mark.parametrize("text", [json.dumps(MESSAGES), LINES])
def test_messages_without_a_har(text):
    assert frames(har.loads(text)) == [TEXT] * 2
    entries = har.loads(json.dumps([CHAT | {"_webSocketMessages": MESSAGES}]))
    assert len(entries.index.rows()) == 4


NAMES = ["_messages", "messages", "_websocketMessages", "webSocketMessages", "_web_socket_frames"]


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_messages_by_another_name(name):
    entry = {key: CHAT[key] for key in CHAT if key != "_webSocketMessages"}
    response = entry["response"]
    for holds in ({name: MESSAGES}, {"response": response | {name: MESSAGES}},
                  {"_webSocket": {name: MESSAGES}}):  # fmt: skip
        assert frames(har.loads(of(entry | holds))) == [TEXT] * 2


@pytest.mark.parametrize("of_one", [{"entries": [0]}, 0, [{"log": {"entries": [0]}}]])
def test_an_entry_without_its_log(of_one):
    entry = json.dumps(CHAT | {"_webSocketMessages": MESSAGES})
    assert frames(har.loads(json.dumps(of_one).replace("0", entry))) == [TEXT] * 2


def test_a_message_without_data_is_not_empty_in_silence():
    capture = read({"type": "receive", "opcode": 1, "time": 1700000001.5})
    assert capture.notes[1] == "entry 0: messages without data are taken for empty ones: 1"


def test_a_har_that_was_cut_off_says_so():
    text = of(CHAT | {"_webSocketMessages": MESSAGES})
    for length in (30, 300, len(text) - 1):
        with pytest.raises(CaptureError, match="it ends in the middle, at character"):
            har.loads(text[:length])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_har_in_another_encoding(tmp_path, encoding):
    path = tmp_path / "chat.har"
    path.write_bytes(of(CHAT | {"_webSocketMessages": MESSAGES}).encode(encoding))
    assert frames(load(path)) == [TEXT] * 2


def test_a_list_of_something_else(tmp_path):
    path = tmp_path / "list.har"
    path.write_text('[{"_type": "websocket"}]')
    with pytest.raises(CaptureError, match=r"expected a HAR.*nothing has a request or data"):
        load(path)


# --- Files beside it, archives --------------------------------------------------------------------


def attached(name="a.jsonl"):
    entry = {key: CHAT[key] for key in CHAT if key != "_webSocketMessages"}
    return of(entry | {"response": CHAT["response"] | {"content": {"_file": name}}})


def archive(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("folder", ["", "saved/"])
def test_messages_in_a_file_beside_it_and_in_an_archive(tmp_path, folder):
    (tmp_path / "har.har").write_text(attached())
    (tmp_path / "a.jsonl").write_text(LINES)
    zipped = tmp_path / "har.zip"
    zipped.write_bytes(archive({f"{folder}har.har": attached(), f"{folder}a.jsonl": LINES}))
    packed = tmp_path / "har.gz"
    packed.write_bytes(gzip.compress((tmp_path / "har.har").read_bytes()))
    for path in (tmp_path / "har.har", zipped, packed):
        assert frames(load(path)) == [TEXT] * 2


@pytest.mark.parametrize("name", ["export.json", "bytes.txt", "packed.har.gz"])
def test_an_archive_of_one_file_and_what_macos_adds(tmp_path, name):
    text = of(CHAT | {"_webSocketMessages": MESSAGES})
    content = {"export.json": text.encode(), "bytes.txt": (TEXT * 2).hex(" ").encode(),
               "packed.har.gz": gzip.compress(text.encode())}[name]  # fmt: skip
    path = tmp_path / "a.zip"
    path.write_bytes(archive({name: content, f"__MACOSX/._{name}": b"\0"}))
    assert frames(load(path)) == [TEXT] * 2


@pytest.mark.parametrize("name", ["../secret.jsonl", "/etc/hostname", "none.jsonl", "a\0", "."])
def test_a_name_leads_nowhere_else(tmp_path, name):
    folder = tmp_path / "saved"
    folder.mkdir()
    (tmp_path / "secret.jsonl").write_text(LINES)
    (folder / "a.har").write_text(attached(name))
    (folder / "a.zip").write_bytes(archive({"a.har": attached(name)}))
    for path in (folder / "a.har", folder / "a.zip"):
        capture = load(path)
        assert [row.kind for row in capture.index.rows()] == ["request", "response"]
        assert "which cannot be read" in capture.notes[1]


def test_a_bomb_does_not_go_off(tmp_path):
    zeros = bytes(40 << 20)
    for name, content in {
        "zip": archive({"a.har": zeros}),
        "gz": gzip.compress(zeros),
        "none.zip": archive({"a.txt": b""}),
        "two.zip": archive({"a.har": b"", "b.har": b""}),
        "cut.zip": archive({"a.har": b"{}"})[:-9],
    }.items():
        path = tmp_path / f"bomb.{name}"
        path.write_bytes(content)
        with pytest.raises(CaptureError, match=r"unpack|damaged|empty"):
            load(path)
