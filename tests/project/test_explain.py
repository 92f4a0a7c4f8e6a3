"""`wslab explain` in a shell: every kind of input, the JSON's shape, errors on one line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wslab import cli
from wslab.commands.explain import PROTOCOLS
from wslab.wire import Capture, accept_key, encode_frame, formats, save
from wslab.wire.accounts import text as account_text
from wslab.wire.payloads import PAYLOADS

ROOT = Path(__file__).resolve().parents[2]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\n\r\n"
).encode()
CLIENT = REQUEST + encode_frame(1, "Grüße".encode(), masking_key=b"\x01\x02\x03\x04") + b"\x81"
SERVER = (
    RESPONSE + encode_frame(2, b"\x00\xff") + encode_frame(1, b"not masked", masking_key=b"key!")
)


@pytest.fixture
def capture() -> Capture:
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    capture.record(1, "client", REQUEST)
    capture.record(1, "server", SERVER)
    capture.record(1, "client", CLIENT[len(REQUEST) :])
    return capture


def explain(capsys, *arguments: object) -> str:
    assert cli.main(["explain", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_frames_in_hex(capsys):
    found = json.loads(explain(capsys, "--hex", "81 05 48 65 6c 6c 6f", "--json"))
    (unit,) = found["units"]
    fields = unit.pop("fields")
    assert unit == {
        "connection": 1,
        "direction": "server",
        "kind": "text",
        "time": 0.0,
        "offset": 0,
        "length": 7,
        "violations": [],
    }
    assert [(f["name"], f["bit"], f["bits"], f["value"]) for f in fields] == [
        ("FIN", 0, 1, 1),
        ("RSV1", 1, 1, 0),
        ("RSV2", 2, 1, 0),
        ("RSV3", 3, 1, 0),
        ("opcode", 4, 4, 1),
        ("MASK", 8, 1, 0),
        ("payload length", 9, 7, 5),
        ("payload", 16, 40, "48656c6c6f"),
    ]
    assert all(set(f) == {"name", "bit", "bits", "value", "meaning", "rfc"} for f in fields)
    assert fields[0]["rfc"] == "RFC 6455 §5.2"
    (message,) = found["messages"]
    assert message["text"] == "Hello"
    assert found["incomplete"] == {"client": 0, "server": 0}


@pytest.mark.parametrize(
    ("text", "options", "direction", "rules"),
    [
        ("818537fa213d7f9f4d5158", [], "client", []),
        ("0x81,0x85,0x37,0xfa,0x21,0x3d,0x7f,0x9f,0x4d,0x51,0x58", [], "client", []),
        (r"\x81\x00", ["--from", "client"], "client", ["frame-not-masked"]),
        ("81-80-00-00-00-00", ["--from", "server"], "server", ["frame-masked"]),
        ("8100", [], "server", []),
    ],
)
def test_who_sent_the_hex(capsys, text, options, direction, rules):
    found = json.loads(explain(capsys, "--hex", text, *options, "--json"))
    (unit,) = found["units"]
    assert unit["direction"] == direction
    assert [v["rule"] for v in unit["violations"]] == rules
    assert all(v["close_code"] == 1002 and v["rfc"] for v in unit["violations"])


def test_an_incomplete_frame_breaks_rules_already(capsys):
    head = "ff ff ff ff ff ff ff ff ff ff 00 00 00 00"
    found = json.loads(explain(capsys, "--hex", head, "--json"))
    assert list(found) == [
        "connections", "units", "messages", "incomplete", "incomplete_violations", "explanations",
        "endings", "notes",
    ]  # fmt: skip
    assert found["incomplete"] == {"client": 14, "server": 0}
    broken = found["incomplete_violations"]
    assert [violation["rule"] for violation in broken] == [
        "rsv1-without-extension",
        "rsv2-set",
        "rsv3-set",
        "reserved-opcode",
        "control-frame-too-long",
        "length-too-big",
    ]
    for violation in broken:
        assert (violation["connection"], violation["direction"]) == (1, "client")
        assert violation["close_code"] == 1002
        assert violation["rfc"].startswith("RFC 6455 §5")
    found = json.loads(explain(capsys, "--hex", "8105", "--json"))
    assert (found["incomplete"]["server"], found["incomplete_violations"]) == (2, [])


def test_connections_have_names(capsys, tmp_path, capture):
    capture.set_name(1, "Ada")
    capture.open_connection()
    save(capture, tmp_path / "named.jsonl")
    found = json.loads(explain(capsys, tmp_path / "named.jsonl", "--json"))
    assert found["connections"] == [
        {"connection": 1, "label": "#1 Ada"},
        {"connection": 2, "label": "#2"},
    ]


def test_every_kind_of_file_tells_the_same(capsys, tmp_path, capture, monkeypatch):
    (tmp_path / "c.bin").write_bytes(CLIENT)
    (tmp_path / "s.bin").write_bytes(SERVER)
    raw = explain(capsys, "--client", tmp_path / "c.bin", "--server", tmp_path / "s.bin", "--json")
    expected = json.loads(raw)
    assert [(u["direction"], u["kind"]) for u in expected["units"]] == [
        ("client", "request"),
        ("server", "response"),
        ("client", "text"),
        ("server", "binary"),
        ("server", "text"),
    ]
    assert [m.get("text", m.get("hex")) for m in expected["messages"]] == [
        "Grüße",
        "00ff",
        "not masked",
    ]
    assert expected["incomplete"] == {"client": 1, "server": 0}
    for unit in expected["units"]:
        end = 0
        for field in unit["fields"]:
            assert field["bit"] == end
            end += field["bits"]
        assert end == 8 * unit["length"]

    def ordered(found: dict) -> list:
        return [
            sorted(found[key], key=lambda entry: (entry["direction"], entry.get("offset")))
            for key in ("units", "messages")
        ] + [found["incomplete"]]

    for name in ("c.jsonl", "c.pcapng"):
        found = json.loads(explain(capsys, save(capture, tmp_path / name), "--json"))
        assert ordered(found) == ordered(expected)
        with monkeypatch.context() as small:
            small.setattr(formats, "LARGE_FILE", 0)  # so this is large, and read twice
            found = json.loads(explain(capsys, tmp_path / name, "--json"))
        assert ordered(found) == ordered(expected)
    har = json.loads(explain(capsys, save(capture, tmp_path / "c.har"), "--json"))
    assert [m.get("text", m.get("hex")) for m in har["messages"]] == ["00ff", "not masked", "Grüße"]
    assert har["notes"]


def test_the_readable_account(capsys, tmp_path, capture):
    path = save(capture, tmp_path / "c.jsonl")
    text = explain(capsys, path)
    assert "GET /chat HTTP/1.1" in text
    assert "81 87 01 02 03 04" in text
    assert "✗ frame-masked: A server must not mask any frame." in text
    assert "(RFC 6455 §5.1, close code 1002)" in text
    assert "the last 1 byte from the client is no whole unit" in text
    assert "\x1b" not in text
    brief = explain(capsys, path, "--brief").splitlines()
    assert len(brief) == 7
    assert brief[4].split() == ["4", "0.000000", "client", "──▶", "text", "13", '"Grüße"']
    assert brief[3].endswith("✗ broken")


def test_nothing_that_a_peer_sent_reaches_the_terminal(capsys):
    evil = "\x1b]0;title\x07\x1b[2J‮\r\nfake".encode()
    for kind, payload in ((1, evil), (9, evil), (8, b"\x03\xe8" + evil)):
        for option in ([], ["--brief"]):
            text = explain(capsys, "--hex", encode_frame(kind, payload).hex(), *option)
            assert not set("\x1b\x07\r\u202e") & set(text)


def test_a_long_list_is_made_as_line_by_line():
    capture = Capture(clock=lambda: 0.0)
    texts = ["short", "", "x" * 77, "x" * 78, "é", "a\x00b", "\x1b[1m", "x" * 300, '"', "日本語"]
    for upgraded in (1, 2):
        capture.open_connection(upgraded=True)
        for number, text in enumerate(texts * 3):
            masked = encode_frame(1, text.encode(), masking_key=bytes([number] * 4))
            capture.record(upgraded, "client", masked)
            capture.record(upgraded, "server", encode_frame(1, text.encode()))
            odd = encode_frame(number % 16, b"\xff" + text.encode()[:100], fin=number % 3 > 0)
            capture.record(upgraded, "server", odd)
    capture.set_name(2, "Ada")
    listed_as_line_by_line(capture)
    assert "#2 Ada client ──▶" in next(
        line for line in account_text.lines(capture, brief=True) if "#2" in line
    )


@pytest.mark.parametrize("texts", [["equally long"], ["some", "longer", "than others", "Grüße"]])
def test_a_very_long_list_too(texts):
    now = 0.0
    capture = Capture(clock=lambda: now)
    connection = capture.open_connection(upgraded=True)
    now = 9_998.5  # it gets to ten thousand seconds, which is one digit more
    waiting = b""
    for number in range(2_345):
        now += 0.001
        text = texts[number % len(texts)].encode()
        waiting += encode_frame(1, text, masking_key=number.to_bytes(4, "big"))
        if number % 7 == 0:  # a chunk brings more than one frame
            capture.record(connection, "client", waiting)
            waiting = b""
    listed_as_line_by_line(capture)


def listed_as_line_by_line(capture):
    rows = capture.index.rows()
    pen, whose = account_text.Pen(True), account_text.row_labels(capture)
    expected = [account_text.row_line(row, whose, pen) for row in rows]
    assert list(account_text.lines(capture, colour=True, brief=True))[: len(rows)] == expected


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "expected one of: a FILE, --client and --server, or --hex"),
        (["a", "--hex", "81"], "expected one of"),
        (["a", "--client", "b"], "expected one of"),
        (["a", "--from", "client"], "--from says who sent the bytes of --hex"),
        (["--hex", "8"], "an odd number of digits (1)"),
        (["--hex", "81 xy"], "or as a program prints them; got '81 xy'"),
        (["--hex", "81 17"], "these may be bytes in hex or bytes in decimal"),
        (
            ["--hex", "81", "--decode", "smtp"],
            "expected a protocol to decode, one of auto, graphql",
        ),
        (["missing.jsonl"], "cannot read missing.jsonl: No such file"),
        (["--client", "missing.bin"], "cannot read missing.bin: No such file"),
        (["."], "cannot read ."),
        (["empty"], "empty: expected a recording, got an empty file"),
        (["text"], "expected a line of a wslab capture, a HAR, a pcap, a pcapng, or bytes as"),
        (["json"], "json: expected a HAR"),
        (["cut.pcap"], "cut.pcap: expected a pcap header of 24 bytes, got 4"),
    ],
)
def test_what_cannot_be_explained(tmp_path, monkeypatch, capsys, arguments, error):
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    Path("text").write_text("hello\nworld")
    Path("json").write_text('{"log": 1}')
    Path("cut.pcap").write_bytes(b"\xd4\xc3\xb2\xa1")
    assert cli.main(["explain", *arguments]) == 2
    said = capsys.readouterr().err
    assert error in said
    assert said.startswith("wslab explain: ")
    assert said.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
def test_a_stream_through_a_pipe(tmp_path):
    (tmp_path / "s.bin").write_bytes(SERVER)
    out = explain_piped(tmp_path, CLIENT, "--client", "pipe", "--server", "s.bin")
    assert len(json.loads(out)["units"]) == 5


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
@pytest.mark.parametrize("name", ["c.jsonl", "c.har", "c.pcapng"])
def test_a_file_through_a_pipe(tmp_path, capture, name):
    content = save(capture, tmp_path / name).read_bytes()
    assert len(json.loads(explain_piped(tmp_path, content, "pipe"))["messages"]) == 3


def explain_piped(folder, content: bytes, *arguments: str) -> bytes:
    """What `explain` says where the file `pipe` is one."""
    os.mkfifo(folder / "pipe")
    run = subprocess.Popen(
        [sys.executable, "-m", "wslab", "explain", "--json", *arguments],
        stdout=subprocess.PIPE, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    # Opening a pipe waits for its reader, which may have died.
    threading.Thread(target=(folder / "pipe").write_bytes, args=[content], daemon=True).start()
    with ended_in_time(run):
        out, _ = run.communicate()
    assert run.returncode == 0
    return out


@contextlib.contextmanager
def ended_in_time(run: subprocess.Popen) -> Iterator[None]:
    """Kill it after a minute, so that nothing waits for ever for what it writes."""
    timer = threading.Timer(60, run.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals are POSIX's")
@pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_and_a_pager(extra, coloured):
    shown = explain_on_a_terminal({"PAGER": "sed s/^/paged:/", **extra})
    assert b"paged:" in shown
    assert (b"\x1b[38;5;175m" in shown) is coloured


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals are POSIX's")
@pytest.mark.parametrize("pager", ["no-such-pager", "/"])
def test_where_there_is_no_such_pager_the_account_stands_there(pager):
    shown = explain_on_a_terminal({"PAGER": pager, "NO_COLOR": "1"})
    assert b"89 00" in shown
    assert b"1 unit in 1 connection" in shown


def explain_on_a_terminal(extra: dict[str, str]) -> bytes:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, **extra}
    if "NO_COLOR" not in extra:
        environment.pop("NO_COLOR", None)
    with os.fdopen(ours, "rb", buffering=0) as screen:
        run = subprocess.Popen(
            [sys.executable, "-m", "wslab", "explain", "--hex", "8900"],
            stdout=theirs, cwd=ROOT, env=environment,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        with ended_in_time(run), contextlib.suppress(OSError):
            while piece := screen.read(4096):
                shown += piece  # until EOF, or until Linux says EIO
        assert run.wait(timeout=60) == 0
    return shown


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is full")
@pytest.mark.parametrize("option", ["--json", "--brief", "--no-pager"])
def test_a_disk_that_is_full_is_told_in_one_line(option):
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "wslab", "explain", "--hex", "8900", option],
            stdout=full, stderr=subprocess.PIPE, cwd=ROOT, timeout=60,
        )  # fmt: skip
    assert run.returncode == 2
    assert run.stderr == b"wslab explain: cannot write the account: No space left on device\n"


def test_what_is_inside_the_messages_is_explained_where_it_is_asked_for(capsys):
    publish = "82 07 30 05 00 01 61 68 69"
    text = explain(capsys, "--hex", publish, "--decode", "mqtt")
    assert "inside: MQTT PUBLISH, a message with 7 bytes" in text
    assert "topic                a  where it is published" in text
    brief = explain(capsys, "--hex", publish, "--decode", "mqtt", "--brief")
    assert brief.splitlines()[0].endswith("MQTT PUBLISH")
    for how in ((), ("--decode", "auto")):
        assert "inside" not in explain(capsys, "--hex", publish, *how)
    account = json.loads(explain(capsys, "--hex", publish, "--decode", "mqtt", "--json"))
    (message,) = account["messages"]
    assert message["inside"]["says"] == "MQTT PUBLISH"
    assert [field["name"] for field in message["inside"]["fields"]][-1] == "application message"


def test_the_protocols_of_the_help_are_those_that_there_are():
    assert {*PROTOCOLS} == {*PAYLOADS}


def test_only_what_is_looked_for_is_explained_and_marked(capsys, tmp_path, capture):
    file = tmp_path / "capture.jsonl"
    save(capture, file)
    cli.main(["explain", str(file), "--brief"])
    every = capsys.readouterr().out.splitlines()
    assert cli.main(["explain", str(file), "--find", "from=client", "--brief"]) == 0
    few = capsys.readouterr().out.splitlines()
    assert few[:-1] == [line for line in every if "client ──▶" in line]
    assert few[-1] == f"{len(few) - 1} of {len(capture.index)} units"
    assert cli.main(["explain", "--hex", "81 05 48 65 6c 6c 6f", "--find", "LL"]) == 0
    shown = capsys.readouterr().out
    assert "        48 65 6c 6c 6f                                   Hello\n" in shown
    assert "              ^^ ^^                                        ^^\n" in shown
    assert "found at byte 2 of the content: He«ll»o\n" in shown
    assert cli.main(["explain", "--hex", "81 05 48 65 6c 6c 6f", "--find", "opcode=text"]) == 0
    assert "        81 05\n        ^^\n" in capsys.readouterr().out


def test_a_search_ends_like_grep(capsys):
    explained = ["explain", "--hex", "81 05 48 65 6c 6c 6f", "--find"]
    assert cli.main([*explained, "opcode=ping"]) == 1
    assert capsys.readouterr().out == "0 of 1 units\n"
    assert cli.main([*explained, "re:("]) == 2
    assert capsys.readouterr().err.startswith(
        "wslab explain: --find: expected a regular expression after re:, got '('"
    )


def test_what_is_found_as_json(capsys):
    frames = "81 05 48 65 6c 6c 6f 89 00 c1 07 f2 48 cd c9 c9 07 00"
    assert cli.main(["explain", "--hex", frames, "--find", "l", "--json"]) == 0
    account = json.loads(capsys.readouterr().out)
    assert [(unit["row"], unit["kind"]) for unit in account["units"]] == [(0, "text"), (2, "text")]
    for unit in account["units"]:  # the second is compressed
        assert unit["found"] == [
            {"offset": 2, "length": 1, "of": "content"},
            {"offset": 3, "length": 1, "of": "content"},
        ]
    assert set(account) == {"connections", "units", "notes"}
