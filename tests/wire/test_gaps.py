"""Bytes that a capture lost or cut: reading goes on behind them, and the gap is a row."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess

import pytest

from wslab.wire import Capture, encode_frame, load, save
from wslab.wire.formats import jsonl, pcapng
from wslab.wire.protocol import Deflater

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import ACK, CLIENT, FIN, KEY, SERVER, SYN, ipv4, packets_of, pcap, read, tcp

DEFLATE = RESPONSE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
OFFER = REQUEST.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")


def talk(*pieces: tuple[str, bytes], request=REQUEST, response=RESPONSE, end=True) -> list[tuple]:
    """The segments of a conversation with its handshake; each piece is one segment."""
    parts = [(CLIENT, SERVER, 999, b"", SYN), (SERVER, CLIENT, 4999, b"", SYN | ACK)]
    at = {"client": 1000, "server": 5000}
    for who, data in (("client", request), ("server", response), *pieces):
        ways = (CLIENT, SERVER) if who == "client" else (SERVER, CLIENT)
        parts.append((*ways, at[who], data, ACK))
        at[who] += len(data)
    if end:
        parts.append((CLIENT, SERVER, at["client"], b"", FIN | ACK))
        parts.append((SERVER, CLIENT, at["server"], b"", FIN | ACK))
    return parts


def lines(capture: Capture) -> list[str]:
    """Sender, kind and preview of each row."""
    return [f"{row.direction} {row.kind} {row.preview}" for row in capture.index.rows()]


def cut(packets: list[bytes], most: int, whole: int = 4) -> bytes:
    """A pcap in which no packet has more than `most` bytes, except the first `whole`."""
    file = pcap([])
    for number, packet in enumerate(packets):
        here = packet if number < whole else packet[:most]
        file += struct.pack("<IIII", 1_700_000_000, number, len(here), len(packet)) + here
    return file


TEXTS = [("server", encode_frame(1, b"message %d" % number)) for number in range(6)]


def test_a_lost_packet_is_a_row_and_what_follows_is_read():
    parts = talk(*TEXTS)
    del parts[6]  # "message 2", of 11 bytes
    capture = read(pcap(packets_of(parts)))
    assert lines(capture)[2:] == [
        'server text "message 0"',
        'server text "message 1"',
        "server gap 11 bytes missing",
        'server text "message 3"',
        'server text "message 4"',
        'server text "message 5"',
    ]
    assert capture.notes == [
        "connection 1: 11 bytes of the server are missing in the file, in 1 gap"
    ]
    gap = capture.index.unit(4)
    assert (gap.missing, gap.data, gap.violations) == (11, b"", ())
    assert gap.to_json()["missing"] == 11
    assert [message.text for message in capture.index.messages()] == [
        "message 0", "message 1", "message 3", "message 4", "message 5",
    ]  # fmt: skip


def test_rows_keep_the_order_in_which_the_packets_came():
    """What waits for a packet that never comes must not be told at the end of the file."""
    ping, pong = encode_frame(9, b"?"), encode_frame(10, b"?", masking_key=KEY)
    turns = [("server", ping), ("client", pong)] * 4
    parts = talk(*turns)
    del parts[4]  # the first ping
    assert lines(read(pcap(packets_of(parts))))[2:] == [
        'client pong "?"',
        "server gap 3 bytes missing",
        *['server ping "?"', 'client pong "?"'] * 3,
    ]


def test_a_late_packet_leaves_no_gap():
    parts = talk(*TEXTS)
    parts[6], parts[7], parts[8] = parts[8], parts[6], parts[7]
    capture = read(pcap(packets_of(parts)))
    assert [line.split()[1] for line in lines(capture)[2:]] == ["text"] * 6
    assert capture.notes == []


def test_the_length_of_a_cut_frame_tells_where_the_next_one_begins():
    """Packets of 96 bytes: what is missing is in the middle of a frame, whose length is known."""
    long = b"".join(b"%04d," % number for number in range(60))
    pieces = [
        ("server", encode_frame(1, long)),  # 81 7e 01 2c and 300 bytes
        ("server", encode_frame(1, b"short")),
        ("client", encode_frame(1, long, masking_key=KEY)),
        ("client", encode_frame(9, b"?", masking_key=KEY)),
    ]
    capture = read(cut(packets_of(talk(*pieces)), 40 + 56))
    begins = '"0000,0001,0002,0003,0004,0005,0006,0…'
    assert lines(capture)[2:] == [
        f"server gap 248 bytes missing in a text frame of 300: {begins}",
        'server text "short"',
        f"client gap 252 bytes missing in a text frame of 300: {begins}",
        'client ping "?"',
    ]
    gap = capture.index.unit(2)
    assert gap.data == b"\x81\x7e\x01\x2c" + long[:52]
    assert [field.name for field in gap.fields] == [
        "FIN", "RSV1", "RSV2", "RSV3", "opcode", "MASK", "payload length",
        "extended payload length", "beginning of the payload",
    ]  # fmt: skip
    assert gap.violations == ()


def test_a_frame_in_many_cut_packets_is_one_gap():
    large = encode_frame(2, bytes(range(256)) * 40)
    pieces = [("server", large[start : start + 1000]) for start in range(0, len(large), 1000)]
    capture = read(cut(packets_of(talk(*pieces, ("server", b"\x89\x00"))), 140))
    assert [line.split()[1] for line in lines(capture)[2:]] == ["gap", "ping"]
    gap = capture.index.unit(2)
    assert gap.length + gap.missing == len(large)


def test_packets_cut_within_the_handshake(tmp_path):
    """Of the request and the 101 only the beginnings are here."""
    capture = read(cut(packets_of(talk(*TEXTS[:2])), 40 + 45, 0))
    assert lines(capture) == [
        "client gap 185 bytes missing in a head: GET /chat HTTP/1.1",
        "server gap 114 bytes missing in a head: HTTP/1.1 101 Switching Protocols",
        'server text "message 0"',
        'server text "message 1"',
    ]
    assert capture.index.state(1) == "CLOSED"
    for name in ("c.jsonl", "c.pcapng"):
        assert lines(load(save(capture, tmp_path / name))) == lines(capture)


def test_a_gap_in_the_middle_of_frames_ends_where_a_segment_begins_with_a_frame():
    """The end of one frame, a whole one and the beginning of a third are missing."""
    stream = b"".join(data for _, data in TEXTS)
    parts = talk(("server", stream[:16]), ("server", stream[16:40]), ("server", stream[40:55]),
                 ("server", stream[55:]))  # fmt: skip
    del parts[5]
    capture = read(pcap(packets_of(parts)))
    assert lines(capture)[2:] == [
        'server text "message 0"',
        'server gap 24 bytes missing in a text frame of 9: "mes…',
        'server text "message 4"',
        'server text "message 5"',
    ]
    gap = capture.index.unit(3)
    assert gap.data == stream[11:16] + stream[40:44]
    assert gap.fields[-1].name == "behind the gap"
    assert "4 bytes behind the gap that cannot be read" in gap.fields[-1].meaning


def test_nobody_is_blamed_for_what_is_missing():
    """The beginning of a message in fragments, and what a compressed one refers to, are missing."""
    deflater = Deflater()
    texts = [b"the same words again and again, number %d" % number for number in range(4)]
    packed = [encode_frame(1, deflater.deflate(text), rsv1=True) for text in texts]
    parts = talk(
        ("server", packed[0]),
        ("server", packed[1] + encode_frame(2, b"\x01", fin=False)),
        ("server", encode_frame(0, b"\x02", fin=False) + encode_frame(0, b"\x03")),
        ("server", packed[2]),
        ("server", encode_frame(1, b"plain")),
        request=OFFER,
        response=DEFLATE,
    )
    del parts[5]
    capture = read(pcap(packets_of(parts)))
    index = capture.index
    assert [row.kind for row in index.rows(2)] == [
        "text", "gap", "continuation", "continuation", "text", "text",
    ]  # fmt: skip
    assert not any(row.broken for row in index.rows())
    assert not any(index.unit(row.number).violations for row in index.rows())
    assert "cannot be inflated" in index.rows()[6].preview
    found = list(index.messages())
    assert [message.violations for message in found] == [(), ()]
    assert [message.text for message in found] == [texts[0].decode(), "plain"]


def test_messages_that_need_nothing_from_before_a_gap_are_inflated():
    deflater = Deflater(no_context_takeover=True)
    packed = [encode_frame(1, deflater.deflate(b"number %d" % n), rsv1=True) for n in range(4)]
    parts = talk(*(("server", one) for one in packed), request=OFFER, response=DEFLATE)
    del parts[5]
    capture = read(pcap(packets_of(parts)))
    assert [message.text for message in capture.index.messages()] == [
        "number 0", "number 2", "number 3",
    ]  # fmt: skip
    assert lines(capture)[-1] == 'server text "number 3"'


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_the_same_gap(tmp_path):
    parts = talk(*TEXTS)
    seen = (CLIENT, SERVER, 1000 + len(REQUEST), b"", ACK)
    packets = packets_of(parts[:6])
    for part in (seen, *parts[7:]):
        source, target, *rest = part
        packets.append(ipv4(source, target, tcp(source, target, *rest)))
    path = tmp_path / "gap.pcap"
    path.write_bytes(pcap(packets))
    text = subprocess.run(
        ["tshark", "-r", path, "-Y", "tcp.analysis.lost_segment", "-T", "fields",
         "-e", "tcp.seq_raw", "-d", "tcp.port==8080,http"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    capture = pcapng.read(path.read_bytes())
    (gap,) = [row for row in capture.index.rows() if row.kind == "gap"]
    unit = capture.index.unit(gap.number)
    assert unit.missing is not None
    assert int(text) == 5000 + gap.offset + gap.length + unit.missing


def test_a_damaged_line_of_json_lines_is_a_gap():
    capture = pcapng.read(pcap(packets_of(talk(*TEXTS))))
    told = list(jsonl.lines(capture))
    place = next(number for number, line in enumerate(told) if b"message 2".hex() in line)
    told[place] = told[place][:70] + "\n"
    loaded = jsonl.read(io.BytesIO("".join(told).encode()), "it")
    assert [row.preview for row in loaded.index.rows(2)] == [
        '"message 0"', '"message 1"', "some bytes missing", *(f'"message {n}"' for n in (3, 4, 5)),
    ]  # fmt: skip
    assert loaded.index.unit(4).missing is None
    assert loaded.notes[0].startswith(f"line {place + 1} is damaged and was left out")
    assert len(loaded.notes) == 1
