"""pcapng out and back, pcap and pcapng of others in, and tshark's word on what we write."""

from __future__ import annotations

import itertools
import random
import re
import shutil
import struct
import subprocess
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wslab.wire import Capture, CaptureError, encode_frame, load, save
from wslab.wire.formats import jsonl, pcapng

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x01\x02\x03\x04"


def conversation() -> Capture:
    """Two connections with every kind of frame, a third of frames alone, at known times."""
    now = 0.0
    capture = Capture(clock=lambda: now)
    capture.started = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    for _ in range(2):
        now += 0.25
        capture.open_connection()
    capture.open_connection(upgraded=True)
    for connection in (2, 1):
        now += 0.25
        capture.record(connection, "client", REQUEST)
        capture.record(connection, "server", RESPONSE)
    now += 1
    capture.record(1, "client", encode_frame(1, "Grüße".encode(), masking_key=KEY))
    capture.record(1, "server", encode_frame(1, b"Hel", fin=False) + encode_frame(9, b"between"))
    capture.record(1, "client", encode_frame(10, b"between", masking_key=KEY))
    now += 1
    capture.record(1, "server", encode_frame(0, b"lo"))
    capture.record(2, "server", encode_frame(2, bytes(range(256)) * 600))
    capture.record(3, "server", encode_frame(1, b"alone"))
    capture.record(1, "client", encode_frame(8, b"\x03\xe8done", masking_key=KEY))
    capture.record(1, "server", encode_frame(8, b"\x03\xe8done"))
    capture.end(1, "client")
    capture.end(1, "server")
    capture.end(2, "server", "reset")
    return capture


def told(capture: Capture) -> list:
    """What a recording holds, without when and how it was cut."""
    index = capture.index
    units = [index.unit(row.number) for row in index.rows()]
    return [(u.connection, u.direction, u.kind, u.offset, u.data, u.violations) for u in units]


def test_out_and_back(tmp_path):
    capture = conversation()
    loaded = load(save(capture, tmp_path / "c.pcapng"))
    assert told(loaded) == told(capture)
    assert loaded.notes == []
    assert loaded.started == capture.started
    for name in ("open", "upgraded", "eof", "reset"):
        assert [e.connection for e in loaded.events if e.name == name] == [
            e.connection for e in capture.events if e.name == name
        ]
    times = [row.time for row in capture.index.rows()]
    assert [row.time for row in loaded.index.rows()] == pytest.approx(times, abs=1e-8)
    # And once more, through each of the formats.
    again = load(save(loaded, tmp_path / "c.jsonl"))
    assert told(load(save(again, tmp_path / "d.pcapng"))) == told(capture)


def test_what_a_debugger_did_is_told_beside_the_packet(tmp_path):
    capture = conversation()
    capture.mark(1, "client", "dropped", len(REQUEST), 13, note="by hand")
    content = save(capture, tmp_path / "c.pcapng").read_bytes()
    words = f"13 bytes at {len(REQUEST)} of the client's stream: dropped (by hand)"
    assert words.encode() in content


def marked() -> Capture:
    """A recording with every kind of mark: long edits, odd notes, a cut with no end behind it."""
    capture = conversation()
    start, end = len(REQUEST), capture.size(1, "client")
    capture.mark(1, "client", "held", start, 13, note='rule "a"\n(b) \u2028\\')
    capture.mark(1, "client", "edited", start, 13, data=bytes(50_000), note="(by) hand)")
    capture.mark(1, "client", "delivered", start, 13)
    capture.mark(1, "client", "dropped", end - 12, 12)
    large = capture.size(2, "server") - len(RESPONSE)
    capture.mark(2, "server", "delayed", len(RESPONSE), large)  # in more than one packet
    capture.mark(2, "server", "duplicated", len(RESPONSE), large)
    capture.mark(1, "server", "cut", note="FIN")
    capture.end(1, "server")
    capture.mark(3, "server", "cut", note="frames alone")
    return capture


def marks_of(capture: Capture) -> list:
    """What was done, in its order for each stream, without where it stands among the chunks."""
    return sorted(
        ((e.connection, e.direction, *e[4:], pytest.approx(e.time, abs=1e-8))
         for e in capture.events if e.is_mark or e.name == "cut"),
        key=lambda mark: mark[:2],
    )  # fmt: skip


def test_what_a_debugger_did_comes_back(tmp_path):
    capture = marked()
    loaded = load(save(capture, tmp_path / "c.pcapng"))
    assert marks_of(loaded) == marks_of(capture)
    assert len(marks_of(loaded)) == 8
    assert [row.mark for row in loaded.index.rows()] == [r.mark for r in capture.index.rows()]
    for connection, direction in ((1, "client"), (1, "server"), (2, "server")):
        assert loaded.delivered(connection, direction) == capture.delivered(connection, direction)
    assert told(loaded) == told(capture)
    assert sum(bool(row.mark) for row in loaded.index.rows()) == 3


def test_a_comment_that_somebody_changed_costs_only_itself(tmp_path):
    content = save(marked(), tmp_path / "c.pcapng").read_bytes()
    for old, new in ((b"dropped", b"drapped"), (b"them: 00", b"them: 0x"), (b"hand)", b"ha\\d)")):
        loaded = read(content.replace(old, new))
        assert 5 < len(marks_of(loaded)) <= 8
        loaded.index.rows()


def test_marks_on_what_is_no_longer_kept_go_with_it(tmp_path):
    capture = Capture(limit=4000)
    capture.open_connection(upgraded=True)
    frame = encode_frame(2, bytes(100))
    for number in range(60):
        capture.record(1, "server", frame)
        if number % 10 == 0:
            capture.mark(1, "server", "duplicated", number * len(frame), len(frame))
    assert capture.dropped
    loaded = load(save(capture, tmp_path / "c.pcapng"))
    again = load(save(capture, tmp_path / "c.jsonl"))
    marked = [row.number for row in loaded.index.rows() if row.mark]
    assert marked == [row.number for row in again.index.rows() if row.mark]
    assert 0 < len(marked) < 6


# --- Files of other programs ----------------------------------------------------------------------

CLIENT, SERVER = (b"\x0a\x00\x00\x01", 50000), (b"\x0a\x00\x00\x02", 8080)
FRAMES = b"".join(encode_frame(1, b"message %d" % n, masking_key=KEY) for n in range(40))
SYN, ACK, FIN, RST = 2, 16, 1, 4


def tcp(source, target, sequence: int, data: bytes = b"", flags: int = ACK) -> bytes:
    """A TCP segment and its port numbers."""
    head = struct.pack("!HHIIBBHHH", source[1], target[1], sequence & 0xFFFFFFFF, 0, 80, flags,
                       65535, 0, 0)  # fmt: skip
    return head + data


def ipv4(source, target, segment: bytes, options: bytes = b"") -> bytes:
    size = 20 + len(options) + len(segment)
    first = 0x40 | (5 + len(options) // 4)
    head = struct.pack("!BBHHHBBH", first, 0, size, 0, 0x4000, 64, 6, 0)
    return head + source[0] + target[0] + options + segment


def ipv6(source, target, segment: bytes, extension: bytes = b"") -> bytes:
    following = 0 if extension else 6
    head = struct.pack("!IHBB", 0x60000000, len(extension) + len(segment), following, 64)
    return head + source[0] * 4 + target[0] * 4 + extension + segment


def segments(start: int = 1000, size: int = 100, syn: bool = True) -> list[tuple]:
    """A conversation as (source, target, sequence, data, flags), each side cut into pieces."""
    other = start ^ 0x5A5A5A5A
    packets = []
    if syn:
        packets += [
            (CLIENT, SERVER, start - 1, b"", SYN),
            (SERVER, CLIENT, other - 1, b"", SYN | ACK),
        ]
    packets += [
        (CLIENT, SERVER, start, REQUEST, ACK),
        (SERVER, CLIENT, other, RESPONSE, ACK),
    ]
    start, other = start + len(REQUEST), other + len(RESPONSE)
    for piece in range(0, len(FRAMES), size):
        packets.append((CLIENT, SERVER, start + piece, FRAMES[piece : piece + size], ACK))
    packets.append((SERVER, CLIENT, other, encode_frame(1, b"hi"), ACK))
    packets.append((CLIENT, SERVER, start + len(FRAMES), b"", FIN | ACK))
    packets.append((SERVER, CLIENT, other + 4, b"", FIN | ACK))
    return packets


def pcap(packets: list[bytes], link: int = 101, order: str = "<", nano: bool = False) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    file = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, packet in enumerate(packets):
        size = len(packet)
        file += struct.pack(order + "IIII", 1_700_000_000, number, size, size) + packet
    return file


def read(file: bytes) -> Capture:
    """The recording, which is the same when the file is read twice."""
    capture = pcapng.read(file)
    again = pcapng.read(file, twice=True)
    assert list(jsonl.lines(again)) == list(jsonl.lines(capture))
    assert again.notes == capture.notes
    return capture


def packets_of(parts, ip=ipv4, link=lambda packet: packet) -> list[bytes]:
    return [link(ip(source, target, tcp(source, target, *rest))) for source, target, *rest in parts]


def is_whole(capture: Capture) -> bool:
    assert capture.index.connections == [1]
    return (
        capture.stream(1, "client") == REQUEST + FRAMES
        and capture.stream(1, "server") == RESPONSE + encode_frame(1, b"hi")
        and capture.index.state(1) == "CLOSED"
        and capture.notes == []
    )


def ether_type(packet: bytes) -> bytes:
    return b"\x08\x00" if packet[0] < 0x60 else b"\x86\xdd"


LINKS = {
    "raw": (101, lambda p: p),
    "ethernet": (1, lambda p: bytes(12) + ether_type(p) + p),
    "vlan": (1, lambda p: bytes(12) + b"\x81\x00\x00\x05" + ether_type(p) + p),
    "cooked": (113, lambda p: bytes(14) + ether_type(p) + p),
    "cooked 2": (276, lambda p: ether_type(p) + bytes(18) + p),
    "null": (0, lambda p: b"\x02\x00\x00\x00" + p),
    "loop": (108, lambda p: b"\x00\x00\x00\x02" + p),
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("ip", [ipv4, ipv6])
def test_every_link_type(ip, name, order):
    number, link = LINKS[name]
    assert is_whole(read(pcap(packets_of(segments(), ip, link), number, order, nano=True)))


def test_options_and_extensions_of_ip():
    with_options = packets_of(segments(), lambda s, t, p: ipv4(s, t, p, b"\x01" * 4))
    assert is_whole(read(pcap(with_options)))
    hop_by_hop = b"\x06\x00" + bytes(6)
    assert is_whole(read(pcap(packets_of(segments(), lambda s, t, p: ipv6(s, t, p, hop_by_hop)))))


@pytest.mark.parametrize("order", "<>")
def test_a_pcapng_of_another_program(order):
    """Both byte orders, microseconds, simple packets and blocks that nobody knows."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + size + body + size

    file = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    file += block(1, struct.pack(order + "HHI", 101, 0, 0))
    file += block(0x0BAD, b"whatever")
    for number, packet in enumerate(packets_of(segments())):
        size = len(packet)
        if number % 2:
            file += block(3, struct.pack(order + "I", size) + packet)
        else:
            file += block(6, struct.pack(order + "IIIII", 0, 0, number, size, size) + packet)
    assert is_whole(read(file))


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([1000, 0xFFFFFF80]))
def test_late_early_repeated_and_overlapping_segments(random: random.Random, start):
    parts = segments(start, size=37)
    opening, data, ending = parts[:4], parts[4:-2], parts[-2:]
    begin = start + len(REQUEST)
    for _ in range(10):  # retransmissions, cut in another way
        a, b = sorted(random.sample(range(len(FRAMES)), 2))
        data.append((CLIENT, SERVER, begin + a, FRAMES[a:b], ACK))
    random.shuffle(data)
    assert is_whole(read(pcap(packets_of([*opening, *data, *ending]))))
    assert is_whole(read(pcap(packets_of([*opening, *ending, *data]))))


def test_what_is_missing_is_told():
    parts = segments()
    del parts[5]
    capture = read(pcap(packets_of(parts)))
    start = len(REQUEST) + 100
    whole = REQUEST + FRAMES
    assert capture.stream(1, "client") == whole[:start] + whole[start + 100 :]
    assert capture.notes == [
        "connection 1: 100 bytes of the client are missing in the file, in 1 gap"
    ]


def test_a_conversation_whose_beginning_was_not_caught():
    capture = read(pcap(packets_of(segments(syn=False))))
    assert capture.stream(1, "client") == REQUEST + FRAMES
    # From the middle of the frames nobody can tell what they are.
    capture = read(pcap(packets_of(segments(syn=False)[3:])))
    assert capture.index.connections == []
    assert capture.notes == ["1 TCP connection without a WebSocket request left out"]


def test_a_port_that_is_used_again_is_another_connection():
    packets = packets_of(segments(1000)) + packets_of(segments(900_000))
    capture = read(pcap(packets))
    assert capture.index.connections == [1, 2]
    assert capture.stream(1, "client") == capture.stream(2, "client") == REQUEST + FRAMES


def test_data_in_a_syn_begin_behind_it():
    """TCP Fast Open (RFC 7413)."""
    syn, _, request, *rest = segments()
    opening = [
        (*syn[:3], REQUEST[:90], SYN),
        (SERVER, CLIENT, (1000 ^ 0x5A5A5A5A) - 1, b"", SYN | ACK),
        (CLIENT, SERVER, 1090, REQUEST[90:], ACK),
    ]
    assert is_whole(read(pcap(packets_of([*opening, *rest]))))
    # Where the server did not take them they come once more.
    assert is_whole(read(pcap(packets_of([*opening[:2], request, *rest]))))


@pytest.mark.parametrize("older", [[0], [1], [0, 1], [1, 0]])
def test_a_syn_after_the_end_of_an_older_connection_begins_another(older):
    end = [
        (CLIENT, SERVER, 900_000, b"GET /old HTTP/1.1\r\n\r\n", ACK),
        (SERVER, CLIENT, 800_000, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ACK),
    ]
    capture = read(pcap(packets_of([end[number] for number in older] + segments())))
    assert capture.stream(1, "client") == REQUEST + FRAMES
    assert capture.notes == ["1 TCP connection without a WebSocket request left out"]


def test_a_syn_that_comes_late_begins_no_other():
    syn, answer, *rest = segments()
    assert is_whole(read(pcap(packets_of([*rest[:1], syn, answer, *rest[1:]]))))


def test_a_body_that_ends_with_a_fin_after_a_reset_comes_back(tmp_path):
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    capture.record(1, "client", b"GET /chat HTTP/1.1\r\nHost: x\r\n\r\n")
    capture.record(1, "server", b"HTTP/1.1 200 OK\r\n\r\nhello")
    capture.end(1, "client", "reset")
    capture.end(1, "server", "eof")
    assert len(told(capture)) == 2
    # A file of ours keeps what is no WebSocket, too.
    loaded = load(save(capture, tmp_path / "c.pcapng"))
    assert told(loaded) == told(capture)
    assert [e[3:5] for e in loaded.events] == [e[3:5] for e in capture.events]


@pytest.mark.parametrize(
    "file",
    [
        pcap([]) + bytes(8) + b"\xf0\xff\xff\xff" * 2,
        b"".join(pcapng.blocks(Capture())) + b"\x06\x00\x00\x00\xf0\xff\xff\xff",
    ],
    ids=["pcap", "pcapng"],  # not the bytes: they have the time in them
)
def test_a_length_of_four_gigabytes_takes_no_memory(file):
    tracemalloc.start()
    try:
        capture = pcapng.read(file + bytes(90))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    assert re.search("the file ends in the middle of a|a packet says that it is", capture.notes[0])


def test_packets_of_no_interface_are_counted():
    block = struct.pack("<IIIIIII", 6, 36, 5, 0, 0, 4, 4) + b"abcd" + struct.pack("<I", 36)
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    assert pcapng.read(section + block * 3).notes == [
        "3 packets of an interface that the file does not describe left out"
    ]


def test_others_are_left_out_and_counted():
    def alone(port: int, data: bytes) -> list[tuple]:
        other = (CLIENT[0], port)
        return [(other, SERVER, 9, b"", SYN), (other, SERVER, 10, data, ACK)]

    parts = alone(1, b"\x16\x03\x01\x02\x00 hello") + alone(2, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    packets = packets_of(parts + segments())
    packets.insert(3, ipv4(CLIENT, SERVER, b"")[:9] + b"\x11" + bytes(40))  # UDP
    packets.insert(4, b"\x45")
    fragment = bytearray(packets_of(segments())[0])
    fragment[6] = 0x20
    capture = read(pcap([*packets, bytes(fragment)]))
    assert capture.stream(1, "client") == REQUEST + FRAMES
    assert capture.notes == [
        "1 connection with TLS left out: encrypted",
        "with the keys that a program wrote where SSLKEYLOGFILE says: tshark -r FILE -o "
        'tls.keylog_file:KEYS -U "OSI layer 7" -w plain.pcapng; then wslab explain plain.pcapng',
        "1 TCP connection without a WebSocket request left out",
        "1 fragmented IP packet left out",
    ]


def test_logins_are_masked_as_in_every_recording():
    secret = REQUEST.replace(b"Origin: ", b"Cookie: hunter2\r\nOrigin: ")
    parts = [(CLIENT, SERVER, 0, b"", SYN), (CLIENT, SERVER, 1, secret, ACK)]
    assert b"hunter2" not in read(pcap(packets_of(parts))).stream(1, "client")


FILE = b"".join(pcapng.blocks(conversation()))


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(FILE)), st.integers(0, 40))
@example(b"\0\0\0\0", 117, 4)  # packets of the year 58,000
@example(b"000000", FILE.index(b"+00:00"), 6)  # a start without a time zone
def test_no_bytes_make_it_raise(noise, at, cut):
    for file in (FILE[:at], FILE[:at] + noise + FILE[at + cut :], FILE[:4] + noise,
                 pcap([noise]), pcap([noise], 1), pcap([FILE])[: 24 + at] + noise):  # fmt: skip
        try:
            capture = read(file)
        except CaptureError:
            continue
        for row in capture.index.rows():
            capture.index.unit(row.number)
        b"".join(pcapng.blocks(capture))


# --- tshark ---------------------------------------------------------------------------------------

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark"
)


def tshark(path, *arguments: str) -> list[list[str]]:
    fields = itertools.chain.from_iterable(("-e", field) for field in arguments)
    run = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", *fields],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [line.split("\t") for line in run.stdout.splitlines()]


@needs_tshark
def test_tshark_sees_the_same_conversation(tmp_path):
    """Opcodes, lengths, masks and texts, frame by frame; and nothing odd about the TCP."""
    capture = conversation()
    path = save(capture, tmp_path / "c.pcapng")
    seen: dict[tuple[int, str], list[tuple[int, bool, bool]]] = {}
    rows = tshark(path, "tcp.stream", "tcp.srcport", "websocket.opcode", "websocket.fin",
                  "websocket.mask")  # fmt: skip
    for stream, port, opcodes, fins, masks in rows:
        if opcodes:
            whose = seen.setdefault((int(stream) + 1, "server" if port == "80" else "client"), [])
            for opcode, fin, mask in zip(
                opcodes.split(","), fins.split(","), masks.split(","), strict=True
            ):
                whose.append((int(opcode), fin == "1", mask == "1"))
    index = capture.index
    ours: dict[tuple[int, str], list[tuple[int, bool, bool]]] = {}
    for row in index.rows():
        unit = index.unit(row.number)
        if unit.opcode is not None and unit.connection != 3:  # no handshake: tshark cannot know
            whose = ours.setdefault((unit.connection, unit.direction), [])
            whose.append((unit.opcode, unit.fin, unit.masking_key is not None))
    # tshark lists a message in fragments once, where it ends.
    fragments = [(1, False, False), (9, True, False), (0, True, False), (8, True, False)]
    assert ours[1, "server"] == fragments
    assert [entry for entry in seen.pop((1, "server")) if entry[1]] == fragments[1:]
    del ours[1, "server"]
    assert seen == ours
    texts = [row[0] for row in tshark(path, "websocket.payload.text") if row[0]]
    assert "Grüße" in texts
    assert [row for row in tshark(path, "_ws.expert.message") if "TCP" in row[0]] == []
    assert not [row for row in tshark(path, "tcp.analysis.flags") if row[0]]
    heads = [row for row in tshark(path, "http.request.uri", "http.response.code") if any(row)]
    assert [row[1] for row in heads if row[1]] == ["101", "101"]


@needs_tshark
@pytest.mark.parametrize("size", [1448, 17])
def test_tshark_finds_the_same_frames_however_they_were_cut(tmp_path, size):
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    capture.record(1, "client", REQUEST)
    capture.record(1, "server", RESPONSE)
    for start in range(0, len(FRAMES), size):
        capture.record(1, "client", FRAMES[start : start + size])
    path = save(capture, tmp_path / "c.pcapng")
    texts = [row[0] for row in tshark(path, "websocket.payload.text") if row[0]]
    assert ",".join(texts) == ",".join(f"message {number}" for number in range(40))


@needs_tshark
def test_what_tshark_writes_we_read(tmp_path):
    """The same packets in every format that it can write."""
    path = save(conversation(), tmp_path / "c.pcapng")
    for format in ("pcap", "nsecpcap", "pcapng"):
        other = tmp_path / f"other.{format}"
        subprocess.run(
            ["tshark", "-r", path, "-F", format, "-w", other],
            capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        expected = [unit for unit in told(conversation()) if unit[0] != 3 or format == "pcapng"]
        assert told(load(other)) == expected
