"""Times and dates that no clock shows, and halves of surrogate pairs, in files of every format."""

from __future__ import annotations

import json
import struct

import pytest

from wslab.wire import FORMATS, Capture, CaptureError, encode_frame, load, save
from wslab.wire.accounts import json_pieces, text_pieces
from wslab.wire.formats import pcapng

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import is_whole, packets_of, segments

STARTED = "2026-01-31T12:00:00+00:00"


def json_lines(time: str = "0.5", started: str = STARTED, note: str = "") -> str:
    where = f'{{"time": {time}, "connection": 1'
    return (
        f'{{"wslab": "capture", "version": 1, "started": "{started}"}}\n'
        f'{where}, "event": "upgraded"}}\n'
        f'{where}, "direction": "server", "hex": "{encode_frame(1, b"hello").hex()}"}}\n'
        f'{where}, "direction": "server", "event": "held", "offset": 0, "length": 7, '
        f'"note": {json.dumps(note)}}}\n'
    )


def har(time: str = "1769860800", started: str = f'"{STARTED}"', note: str = "") -> str:
    marks = f'"_marks": [{{"name": "held", "time": {time}, "note": {json.dumps(note)}}}]'
    request = REQUEST.decode().split("\r\n")[1:-2]
    response = RESPONSE.decode().split("\r\n")[1:-2]

    def headers(lines):
        return json.dumps([dict(zip(("name", "value"), h.split(": "), strict=True)) for h in lines])

    return f"""{{"log": {{"comment": {json.dumps(note)}, "entries": [{{
        "_resourceType": "websocket", "startedDateTime": {started}, "timings": {{"wait": {time}}},
        "request": {{"method": "GET", "url": "ws://a/", "headers": {headers(request)}, {marks}}},
        "response": {{"status": 101, "statusText": "x", "headers": {headers(response)}}},
        "_webSocketMessages": [
            {{"type": "send", "time": {time}, "opcode": 1, "data": "hello", {marks}}}
        ]}}]}}}}"""


def packets(ticks: int, resolution: int, offset: int) -> bytes:
    """A pcapng whose packets all came that many ticks after the interface's offset in seconds."""
    options = pcapng._option(9, bytes([resolution])) + pcapng._option(14, struct.pack("<q", offset))
    file = pcapng._block(pcapng.SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    file += pcapng._block(1, struct.pack("<HHI", 101, 0, 0) + options)
    for number, packet in enumerate(packets_of(segments())):
        file += pcapng._packet_block(min(ticks * number, 2**64 - 1), packet, [])
    return file


def everything_can_be_said(capture: Capture, folder) -> None:
    """Each account, each format, and each format read again."""
    for brief in (False, True):
        "".join(text_pieces(capture, brief=brief)).encode()
    "".join(json_pieces(capture)).encode()
    for suffix in FORMATS:
        again = load(save(capture, folder / f"again{suffix}"))
        assert len(again.index) == len(capture.index)


@pytest.mark.parametrize(
    "time", ["NaN", "Infinity", "-Infinity", "1e300", "1e999", '"nan"', "1e13", "null", "[]"]
)
def test_json_lines_with_no_such_time_are_refused_in_one_line(time, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json_lines(time))
    with pytest.raises(CaptureError, match="line 2: ") as refused:
        load(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("time", ["-1e12", "-0.5", "0", "1e12"])
@pytest.mark.parametrize(
    "started",
    [
        STARTED,
        "2026-01-31T12:00:00",
        "2026-01-31",
        "9999-12-31T23:59:59.999999+00:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_date_that_no_calendar_has_is_the_nearest_that_it_has(time, started, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json_lines(time, started))
    capture = load(path)
    assert next(iter(capture)).time == float(time)
    everything_can_be_said(capture, tmp_path)


@pytest.mark.parametrize(
    "time", ["NaN", "Infinity", "-Infinity", "1e300", "-1", "1e11", "253402300800", "2e14", "null"]
)
@pytest.mark.parametrize(
    "started",
    [f'"{STARTED}"', '"9999-12-31T23:59:59Z"', '"+275760-09-13T00:00:00Z"', "NaN", "1e300", "null"],
)
def test_a_har_with_any_time_is_read(time, started, tmp_path):
    path = tmp_path / "a.har"
    path.write_text(har(time, started))
    capture = load(path)
    assert [row.kind for row in capture.index.rows()] == ["request", "response", "text"]
    everything_can_be_said(capture, tmp_path)


@pytest.mark.parametrize("offset", [-(2**63), 0, 2**63 - 1])
@pytest.mark.parametrize("resolution", [0, 6, 9, 0x80, 0xFF])
def test_packets_of_any_time_are_read(resolution, offset, tmp_path):
    for ticks in (1, 2**59, 2**64 - 1):
        path = tmp_path / "a.pcapng"
        path.write_bytes(packets(ticks, resolution, offset))
        capture = load(path)
        assert is_whole(capture)
        everything_can_be_said(capture, tmp_path)


@pytest.mark.parametrize(("write", "suffix"), [(json_lines, ".jsonl"), (har, ".har")])
def test_half_a_surrogate_pair_in_a_note_is_escaped(write, suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    path.write_text(write(note="half \ud83d"))
    capture = load(path)
    assert {event.note for event in capture.events if event.is_mark} == {r"half \ud83d"}
    everything_can_be_said(capture, tmp_path)


def test_half_a_surrogate_pair_in_a_mark_is_escaped():
    capture = Capture()
    capture.open_connection(upgraded=True)
    capture.record(1, "server", encode_frame(1, b"hello"))
    capture.mark(1, "server", "held", 0, 7, note="\udcff")
    assert capture.events[-1].note == r"\udcff"
