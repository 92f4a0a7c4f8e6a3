"""The recording: to disk and back, secrets masked, subscribers kept apart."""

from __future__ import annotations

import itertools
import os
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture, CaptureError, encode_frame, load, save
from wslab.wire.formats import jsonl
from wslab.wire.protocol.http import MAX_HEAD

from .test_handshake import REQUEST, RESPONSE

SECRET = REQUEST.replace(
    b"Origin: ",
    b"Cookie: login=hunter2; theme=dark\r\n"
    b"aUTHORIZATION:Basic aHVudGVyMg==\r\n"
    b" hunter2 folded\r\n"
    b"Proxy-Authorization: hunter2\r\n"
    b"X-Cookie: shown\r\nOrigin: ",
)


@given(st.lists(st.integers(0, len(SECRET)), max_size=8))
def test_secrets_are_masked_wherever_the_bytes_are_cut(cuts):
    capture = Capture()
    connection = capture.open_connection()
    edges = [0, *sorted(cuts), len(SECRET)]
    for a, b in itertools.pairwise(edges):
        capture.record(connection, "client", SECRET[a:b])
    recorded = capture.stream(connection, "client")
    assert len(recorded) == len(SECRET)
    assert b"hunter2" not in recorded
    assert b"aHVudGVyMg" not in recorded
    assert b"Cookie: ************** **********\r\n" in recorded
    assert b"X-Cookie: shown\r\n" in recorded
    # Nothing but the values was touched.
    changed = [a for a, b in zip(SECRET, recorded, strict=True) if a != b]
    assert b"\r" not in bytes(changed)
    assert b" " not in bytes(changed)


def test_frames_that_look_like_headers_are_left_alone():
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    lookalike = b"\r\nCookie: not a header\r\n"
    capture.record(connection, "server", RESPONSE + lookalike)
    capture.record(connection, "client", lookalike)
    assert capture.stream(connection, "server") == RESPONSE + lookalike
    assert capture.stream(connection, "client") == REQUEST + lookalike


def test_a_second_request_after_a_page_is_masked_too():
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", SECRET)
    capture.record(connection, "server", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    capture.record(connection, "client", SECRET)
    assert b"hunter2" not in capture.stream(connection, "client")


def streams_of(*turns: tuple[str, bytes]) -> tuple[bytes, bytes]:
    """What is recorded of both directions, the same however the bytes are cut."""
    found = set()
    for size in (1, 7, 1000):
        capture = Capture()
        connection = capture.open_connection()
        for direction, data in turns:
            for at in range(0, len(data), size):
                capture.record(connection, direction, data[at : at + size])
        found.add((capture.stream(connection, "client"), capture.stream(connection, "server")))
    assert len(found) == 1
    return found.pop()


GET = b"GET /a HTTP/1.1\r\nHost: a\r\nCookie: hunter2\r\n\r\n"
MASKED = GET.replace(b"hunter2", b"*******")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 59\r\n\r\n"
        b"It says:\r\n\r\nHTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1c\r\n\r\n\r\nHTTP/1.1 101 x\r\n\r\nfrom \r\n0\r\n\r\n",
        b"HTTP/2 101 x\r\n\r\n",
        b"HTTP/1.1 1010 x\r\n\r\n",
    ],
)
def test_only_a_response_that_says_101_ends_the_masking(answer):
    assert streams_of(("client", GET), ("server", answer), ("client", GET)) == (MASKED * 2, answer)


def test_a_body_is_no_header_and_what_follows_it_is_none_of_its_lines():
    page = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}'
    quoting = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nCookie: shown"
    frame = encode_frame(1, b"\nCookie: choc chip\nnext")
    post = b"POST / HTTP/1.1\r\nContent-Length: 16\r\n\r\na\r\nCookie: shown"
    client, server = streams_of(
        ("client", post), ("server", page), ("client", GET), ("server", quoting),
        ("client", REQUEST), ("server", RESPONSE + frame),
    )  # fmt: skip
    assert client == post + MASKED + REQUEST
    assert server == page + quoting + RESPONSE + frame


def test_an_answer_to_head_has_no_body_that_could_hide_a_login():
    asked = b"HEAD / HTTP/1.1\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    login = b"HTTP/1.1 200 OK\r\nSet-Cookie: hunter2\r\nContent-Length: 0\r\n\r\n"
    _, server = streams_of(
        ("client", asked), ("server", answer), ("client", GET), ("server", login)
    )
    assert server == answer + login.replace(b"hunter2", b"*******")


def test_a_login_in_a_head_that_has_no_end_is_masked_to_its_own():
    longest = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nCookie: " + b"s" * MAX_HEAD
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", longest + b"\r\nX: shown\r\n\r\n")
    recorded = capture.stream(connection, "client")
    assert recorded.endswith(b"*\r\nX: shown\r\n\r\n")
    assert set(recorded[len(longest) - MAX_HEAD : len(longest)]) == set(b"*")


def test_a_request_that_goes_on_behind_a_101_is_masked_to_its_end():
    sent = REQUEST[:30] + b"\r\n" + b"Cookie: hunter2\r\n" + REQUEST[30:]
    frame = encode_frame(1, b"\nCookie: shown\n")
    for cut in (0, 25):
        client, _ = streams_of(
            ("client", sent[:cut]), ("server", RESPONSE), ("client", sent[cut:] + frame)
        )
        assert client == sent.replace(b"hunter2", b"*******") + frame
    assert streams_of(("server", RESPONSE), ("client", frame + GET)) == (frame + GET, RESPONSE)


def test_nothing_is_masked_or_kept_for_masking_once_frames_are_spoken():
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    assert not capture._masks


def test_to_disk_and_back(tmp_path):
    capture = Capture()
    for _ in range(2):
        capture.open_connection()
    capture.record(2, "client", SECRET[:50])
    capture.record(1, "client", REQUEST)
    capture.record(2, "client", SECRET[50:])
    capture.record(1, "server", RESPONSE + b"\x81\x02\xc3")
    capture.end(2, "client", "reset")
    capture.record(1, "server", b"\xa4")
    capture.end(1, "server")
    path = save(capture, tmp_path / "capture.jsonl")
    loaded = load(path)
    assert list(jsonl.lines(loaded)) == list(jsonl.lines(capture))
    assert [row[2:] for row in loaded.index.rows()] == [row[2:] for row in capture.index.rows()]
    assert [e._replace(time=0) for e in loaded.events] == [
        e._replace(time=0) for e in capture.events
    ]
    assert b"hunter2".hex() not in path.read_text()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "got an empty file"),
        ("hello", "line 1: expected a line of a wslab capture"),
        ('{"wslab": "capture", "version": 2, "started": "2026-01-01"}', "line 1"),
        ('{"wslab": "capture", "version": 1, "started": "2026-01-01"}\n[]', "line 2"),
        (
            '{"wslab": "capture", "version": 1, "started": "2026-01-01"}\n'
            '{"time": 0, "connection": 1, "direction": "client", "hex": "00"}',
            "line 2.*open_connection",
        ),
    ],
)
def test_a_file_that_is_no_capture(tmp_path, text, where):
    path = tmp_path / "capture.jsonl"
    path.write_text(text)
    with pytest.raises(CaptureError, match=where):
        load(path)


HEAD = '{"wslab": "capture", "version": 1, "started": "2026-01-01T00:00:00+00:00"'
OPEN = '{"time": 0, "connection": 1, "event": "open"}'


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ([HEAD + ', "dropped": Infinity}'], "line 1: .*infinity"),
        ([HEAD + "}", "[" * 200_000], "line 2: .*recursion"),
        ([HEAD + "}", '{"time": 1' + 400 * "0" + ', "connection": 1, "event": "open"}'], "line 2"),
    ],
)
def test_a_line_that_python_reads_and_no_capture_has(tmp_path, lines, where):
    path = tmp_path / "capture.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(CaptureError, match=where):
        load(path)


CHUNK = '{"time": 1, "connection": %d, "direction": "client", "hex": "%s"}'


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        ("[]", "line 4 .*left out: .*get"),
        ("[" * 200_000, "line 4 .*recursion"),
        (CHUNK % (1, "abc"), "line 4 .*fromhex"),
        ((CHUNK % (1, "ab"))[:-9], "line 4 .*not JSON: .* at character 56"),
        (CHUNK % (2, "ab"), "line 4 .*expected a connection from 1 to 1"),
        (OPEN, "line 4 .*connection 1 opens out of turn"),
        ('{"time": 0, "connection": Infinity, "hex": "00"}', "line 4 .*inf"),
        ('{"time": 0, "connection": 1, "event": "held", "direction": "client", "length": 1e999}',
         "line 4 .*infinity"),
        ('{"time": 0, "connection": "1", "direction": "client", "event": "eof"}',
         "line 4 .*expected the number of a connection, got '1'"),
        ('{"time": 0, "connection": 1.5, "direction": "client", "event": "held"}',
         "line 4 .*expected the number of a connection, got 1.5"),
        ('{"time": 0, "connection": 1, "event": "Cookie: id=hunter2"}',
         r"line 4 .*no such event: 'Cookie: \*"),
        ("\xff\x00\x1b", "line 4 "),
    ],
)  # fmt: skip
def test_a_damaged_line_is_left_out_and_all_others_are_read(tmp_path, damaged, why):
    path = tmp_path / "capture.jsonl"
    lines = [HEAD + "}", OPEN, CHUNK % (1, "4745"), damaged, CHUNK % (1, "54")]
    path.write_text("\n".join(lines), "latin-1")
    capture = load(path)
    assert re.match(why, capture.notes[0])
    if "not JSON" in why or "fromhex" in why:  # it still says whose bytes are missing
        # Behind them may stand the rest of a line with a login.
        assert capture.stream(1, "client") == b"GE*"
        assert [event.name for event in capture.events] == ["open", "gap"]
        assert len(capture.notes) == 1
        return
    assert capture.stream(1, "client") == b"GET"
    assert len(capture.events) == 1
    assert "wrong places" in capture.notes[1]
    assert "hunter2" not in "".join(capture.notes)


def test_a_connection_whose_opening_is_damaged_is_opened_all_the_same(tmp_path):
    path = tmp_path / "capture.jsonl"
    path.write_text("\n".join([HEAD + "}", OPEN, OPEN[:-5], CHUNK % (2, "47"), CHUNK % (4, "45")]))
    capture = load(path)
    assert [capture.stream(number, "client") for number in (1, 2)] == [b"", b"G"]
    assert capture.index.connections == [1, 2]
    assert [note[:6] for note in capture.notes[:2]] == ["line 3", "line 5"]


def test_of_many_damaged_lines_the_first_are_named_and_the_others_counted(tmp_path):
    path = tmp_path / "capture.jsonl"
    path.write_text("\n".join([HEAD + "}", OPEN] + 100 * ["?"]))
    notes = load(path).notes
    assert len(notes) == 22
    assert notes[20] == "80 more lines were damaged and left out"


def test_a_byte_order_mark_in_front_is_no_part_of_the_first_line(tmp_path):
    path = tmp_path / "capture.jsonl"
    path.write_text(f"\ufeff{HEAD}}}\n{OPEN}\n", "utf-8")
    assert load(path).index.connections == [1]


def test_a_subscriber_hears_and_cannot_hurt():
    capture = Capture()
    heard = []

    def broken():
        raise RuntimeError("on purpose")

    capture.subscribe(broken)
    unsubscribe = capture.subscribe(lambda: heard.append(len(capture)))
    connection = capture.open_connection()
    capture.record(connection, "client", b"x")
    unsubscribe()
    unsubscribe()
    capture.record(connection, "client", b"y")
    assert heard == [0, 1]
    assert [str(fault) for fault in capture.faults] == ["on purpose"] * 3


def test_waiting_ends_with_what_was_waited_for_and_at_the_latest_in_time():
    capture = Capture()
    connection = capture.open_connection()
    assert not capture.wait_until(lambda: len(capture) > 0, 0.0)
    looked = threading.Event()

    def record():
        assert looked.wait(10)
        for _ in range(3):
            capture.record(connection, "client", b"x")

    def all_there():
        looked.set()
        return len(capture) == 3

    recording = threading.Thread(target=record)
    recording.start()
    assert capture.wait_until(all_there, 10)
    recording.join(10)
    assert capture._subscribers == []


def test_a_connection_that_was_never_opened():
    with pytest.raises(ValueError, match=r"open_connection\(\) gives"):
        Capture().record(1, "client", b"x")


def test_the_recorder_of_one_direction_does_what_record_does():
    slow, fast = Capture(), Capture()
    told: list[int] = []
    fast.subscribe(lambda: told.append(len(fast)))
    for capture in (slow, fast):
        capture.open_connection()
    record = {side: fast.recorder(1, side) for side in ("client", "server")}
    for side, data in (("client", SECRET), ("server", RESPONSE), ("client", b""), ("client", b"x")):
        slow.record(1, side, data)
        record[side](data)
    for side in ("client", "server"):
        assert fast.stream(1, side) == slow.stream(1, side)
    assert b"hunter2" not in fast.stream(1, "client")
    assert (len(fast), told) == (3, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="a connection from 1 to 1"):
        fast.recorder(2, "client")


def test_a_link_stays_a_link_and_permissions_stay_as_they_are(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "kept.txt", tmp_path / "here.jsonl"
    target.write_text("older")
    target.chmod(0o600)
    link.symlink_to(Path("far", "kept.txt"))
    (tmp_path / "twice.jsonl").symlink_to(link)
    for path in (link, tmp_path / "twice.jsonl", tmp_path / "dangling.jsonl"):
        if path.name == "dangling.jsonl":
            path.symlink_to("far/new.txt")
        assert save(Capture(), path) == path
        assert path.is_symlink()
        assert "wslab" in path.resolve().read_text()
    if os.name == "posix":
        assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["kept.txt", "new.txt"]


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
def test_what_leads_to_no_file_is_written_there(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link.jsonl"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    save(Capture(), link)
    reader.join(10)
    assert "wslab" in read[0]
    assert pipe.is_fifo()
    assert link.is_symlink()
