"""Saving: a recording that a format cannot hold is not lost."""

from __future__ import annotations

import pytest

from wslab.commands import CommandError
from wslab.commands import tap as tap_command
from wslab.wire import FORMATS, Capture, SavedInstead, as_file, encode_frame, load, save


@pytest.fixture
def capture():
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, "server", encode_frame(1, b"Hello"))
    return capture


@pytest.fixture
def broken(monkeypatch):
    """No HAR can be written: the fault comes after its first piece."""

    def pieces(capture):
        yield b"{"
        raise IndexError("list index out of range")

    monkeypatch.setitem(FORMATS, ".har", FORMATS[".har"]._replace(pieces=pieces))


def test_where_a_format_fails_the_recording_is_beside_it_as_json_lines(capture, broken, tmp_path):
    older = tmp_path / "talk.har"
    older.write_text("older")
    with pytest.raises(SavedInstead, match=r"HAR could not be written \(IndexError: list") as said:
        save(capture, older)
    assert said.value.path == tmp_path / "talk.har.jsonl"
    assert str(said.value.path) in str(said.value)
    assert [message.text for message in load(said.value.path).index.messages()] == ["Hello"]
    assert older.read_text() == "older"
    with pytest.raises(SavedInstead) as again:
        save(capture, older)
    assert again.value.path == tmp_path / "talk.har-2.jsonl"  # no other file is written over
    names = ["talk.har", "talk.har-2.jsonl", "talk.har.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_the_tap_says_where_the_recording_is_when_a_format_fails(capture, broken, tmp_path):
    with pytest.raises(CommandError, match=r"HAR could not be written .*talk.har.jsonl instead"):
        tap_command._save(capture, tmp_path / "talk.har")
    assert len(load(tmp_path / "talk.har.jsonl").index) == 1


def test_a_file_for_the_browser_is_json_lines_where_its_format_fails(capture, broken):
    format, data, problem = as_file(capture, FORMATS[".har"])
    assert format.suffix == ".jsonl"
    assert data == b"".join(FORMATS[".jsonl"].pieces(capture))
    assert "HAR could not be written (IndexError: list index out of range)" in problem
    assert as_file(capture, FORMATS[".pcapng"])[2] == ""


def test_a_file_that_cannot_be_written_is_no_fault_of_the_format(capture, broken, tmp_path):
    with pytest.raises(FileNotFoundError):
        save(capture, tmp_path / "nowhere" / "talk.har")


@pytest.mark.parametrize("format", FORMATS)
def test_a_body_that_ends_with_the_connection_behind_many_rows_is_saved(format, tmp_path):
    capture = Capture(clock=lambda: 0.0)
    events, frames = capture.open_connection(), capture.open_connection(upgraded=True)
    capture.record(events, "client", b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
    capture.record(events, "server", b"HTTP/1.1 200 OK\r\n\r\ndata: without a length")
    for _ in range(5000):
        capture.record(frames, "server", encode_frame(1, b"a"))
    capture.end(events, "server")
    capture.record(frames, "server", encode_frame(1, b"the last"))
    path = save(capture, tmp_path / f"talk{format}")
    assert [message.text for message in load(path).index.messages()] == ["a"] * 5000 + ["the last"]


@pytest.mark.parametrize("content", ['{"log": {"entries": []}}', None])
def test_a_recording_of_nothing_says_so(tmp_path, content):
    path = tmp_path / "nothing.har"
    if content is None:
        path = save(Capture(), tmp_path / "nothing.jsonl")
    else:
        path.write_text(content)
    assert load(path).notes == ["nothing was recorded in it"]
