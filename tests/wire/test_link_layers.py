"""Link types, tags and tunnels: each carries the same conversation, and tshark finds it too."""

from __future__ import annotations

import gzip
import random
import shutil
import struct
import subprocess

import pytest

from wslab.wire import CaptureError, load, load_streams
from wslab.wire.formats import link_layers, pcapng
from wslab.wire.formats.tcp_streams import Reassembler

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import CLIENT, SERVER, ipv6, packets_of, pcap, read, segments, told

MACS = b"\2\0\0\0\0\1\2\0\0\0\0\2"
ETHERNET = MACS + b"\x08\x00"
SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"
VXLAN = b"\x08\0\0\0\0\0\x2a\0"
WIFI = b"\x08\x01\0\0" + bytes(18) + b"\x10\0"
QOS = b"\x88\x01\0\0" + bytes(18) + b"\x10\0\0\0"


def in_ip(protocol, before):
    """Put a packet into another of IPv4, behind `before`."""

    def put(packet):
        size = 20 + len(before) + len(packet)
        head = struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0x4000, 64, protocol, 0)
        return ETHERNET + head + b"\x0a\0\0\1\x0a\0\0\2" + before + packet

    return put


def in_udp(port, before):
    def put(packet):
        size = 8 + len(before) + len(packet)
        return in_ip(17, struct.pack("!HHHH", 50000, port, size, 0) + before)(packet)

    return put


def behind(before):
    return lambda packet: before + packet


CARRIERS = {
    "VLAN in VLAN": (1, behind(MACS + b"\x88\xa8\0\5\x81\0\0\6\x08\0")),
    "MPLS, two labels": (1, behind(MACS + b"\x88\x47\0\1\0\x40\0\1\1\x40")),
    "MPLS with Ethernet": (1, behind(MACS + b"\x88\x47\0\1\1\x40" + bytes(4) + ETHERNET)),
    "PPPoE": (
        1, lambda p: MACS + b"\x88\x64\x11\0\0\7" + struct.pack("!H", len(p) + 2) + b"\0\x21" + p
    ),
    "LLC": (1, lambda p: MACS + struct.pack("!H", len(p) + 8) + SNAP + p),
    "IP in IP": (1, in_ip(4, b"")),
    "GRE": (1, in_ip(47, b"\0\0\x08\0")),
    "GRE with a key and Ethernet": (1, in_ip(47, b"\x20\0\x65\x58\0\0\0\1" + ETHERNET)),
    "ERSPAN": (1, in_ip(47, b"\x10\0\x88\xbe" + bytes(4) + b"\x10\1\0\0" + bytes(4) + ETHERNET)),
    "VXLAN": (1, in_udp(4789, VXLAN + ETHERNET)),
    "VXLAN in VXLAN": (1, lambda p: in_udp(4789, VXLAN)(in_udp(4789, VXLAN + ETHERNET)(p))),
    "Geneve": (1, in_udp(6081, b"\0\0\x65\x58\0\0\1\0" + ETHERNET)),
    "GTP-U": (1, lambda p: in_udp(2152, b"\x30\xff" + struct.pack("!H", len(p)) + b"\0\0\0\1")(p)),
    "AH": (1, in_ip(51, b"\4\4\0\0\0\0\0\1\0\0\0\1" + bytes(12))),
    "PPP": (9, behind(b"\xff\3\0\x21")),
    "PPP, compressed": (9, behind(b"\x21")),
    "PPP in HDLC": (50, behind(b"\xff\3\0\x21")),
    "Cisco's HDLC": (104, behind(b"\x0f\0\x08\0")),
    "Wi-Fi": (105, behind(WIFI + SNAP)),
    "Wi-Fi with quality of service": (105, behind(QOS + SNAP)),
    "radiotap": (127, behind(b"\0\0\x08\0\0\0\0\0" + WIFI + SNAP)),
    "PPI": (192, behind(b"\0\0\x08\0\x69\0\0\0" + WIFI + SNAP)),
    "cooked with a VLAN": (113, behind(bytes(3) + b"\1\0\6" + bytes(8) + b"\x81\0\0\5\x08\0")),
    "NFLOG": (
        239, lambda p: b"\2\0\0\0\x08\0\1\0" + bytes(4) + struct.pack("<HH", len(p) + 4, 9) + p
    ),
    "PKTAP": (258, behind(struct.pack("<III", 108, 1, 1) + bytes(96) + ETHERNET)),
}  # fmt: skip


def block(kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def conversation(port):
    client = (CLIENT[0], port)
    parts = [[client if end == CLIENT else end for end in part[:2]] + list(part[2:])
             for part in segments()]  # fmt: skip
    return packets_of(parts)


def all_carriers():
    """One file with an interface for each carrier, the old packet block for every second one."""
    file = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    packets = b""
    for number, (link, put) in enumerate(CARRIERS.values()):
        file += block(1, struct.pack("<HHI", link, 0, 0))
        for packet in map(put, conversation(40000 + number)):
            sizes = struct.pack("<IIII", 0, 0, len(packet), len(packet))
            if number % 2:
                packets += block(2, struct.pack("<HH", number, 0xFFFF) + sizes + packet)
            else:
                packets += block(6, struct.pack("<I", number) + sizes + packet)
    return file + packets


PLAIN = [unit[1:] for unit in told(read(pcap(conversation(40000))))]


def test_every_carrier_carries_the_same():
    capture = read(all_carriers())
    units = told(capture)
    for connection, name in enumerate(CARRIERS, 1):
        assert [unit[1:] for unit in units if unit[0] == connection] == PLAIN, name
    assert capture.notes == []


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is the oracle")
def test_tshark_finds_it_in_every_carrier(tmp_path):
    path = tmp_path / "carriers.pcapng"
    path.write_bytes(all_carriers())
    ran = subprocess.run(
        ["tshark", "-r", path, "-Y", "websocket", "-T", "fields", "-e", "tcp.srcport"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = {int(port) for line in ran.stdout.split() for port in line.split(",")}
    missed = [name for number, name in enumerate(CARRIERS) if 40000 + number not in found]
    assert missed == ["MPLS with Ethernet"]  # no label says what follows: a setting of tshark does


ESP = in_ip(50, b"\0\0\0\1\0\0\0\1")(bytes(40))


@pytest.mark.parametrize(
    ("link", "packet", "what"),
    [
        (1, ESP, "ESP (IPsec), which is encrypted"),
        (1, in_udp(51820, b"\4\0\0\0")(bytes(40)), "WireGuard, which is encrypted"),
        (1, in_udp(443, b"\xc0\0\0\0\1")(bytes(40)), "QUIC (HTTP/3), which is encrypted"),
        (105, b"\x08\x41" + bytes(60), "Wi-Fi's data, which is encrypted"),
        (1, MACS + b"\x88\xe5" + bytes(60), "MACsec, which is encrypted"),
        (1, MACS + b"\x12\x34" + bytes(60), "EtherType 0x1234"),
        (1, in_udp(1701, b"")(bytes(40)), "L2TP"),
        (220, bytes(80), "USB, which holds no TCP"),
        (258, struct.pack("<III", 108, 1, 220) + bytes(96), "link type 220"),
    ],
)
def test_what_is_not_read_is_counted_and_named(link, packet, what):
    notes = read(pcap([packet, packet], link)).notes
    assert notes[0] == f"2 packets of {what} left out"
    assert notes[1:] == [] if ", which" in what else "tshark -r FILE" in notes[1]


@pytest.mark.parametrize("packet", [MACS + b"\x08\x06" + bytes(46), in_udp(53, b"")(bytes(40))])
def test_what_can_hold_no_tcp_is_passed_over_but_not_where_all_is(packet):
    (note,) = read(pcap([packet], 1)).notes
    assert note.startswith("1 packet left out: no TCP was found there, over which WebSocket runs")
    assert read(pcap([packet, *(ETHERNET + one for one in conversation(40000))], 1)).notes == []


def test_a_packet_in_a_fragment_of_its_own_is_whole():
    for more, count in ((0, 0), (1, 1)):
        fragment = bytes([6, 0, 0, more, 0, 0, 0, 1])
        packet = struct.pack(">IHBB", 6 << 28, 28, 44, 64) + bytes(32) + fragment + bytes(20)
        notes = read(pcap([packet], 101)).notes
        assert any("1 fragmented IP packet" in note for note in notes) == bool(count)


def test_tunnels_end_somewhere():
    packet = b""
    for _ in range(40):
        packet = in_ip(4, b"")(packet)[14:]
    assert read(pcap([packet])).notes[0] == "1 packet of tunnels in tunnels left out"


def test_ipv6_in_ipv4():
    packets = [in_ip(41, b"")(packet) for packet in packets_of(segments(), ip=ipv6)]
    assert [unit[1:] for unit in told(read(pcap(packets, 1)))] == PLAIN


def test_no_packet_is_too_strange():
    chance, packets = random.Random(1), []
    for link, put in CARRIERS.values():
        for packet in map(put, conversation(40000)[:5]):
            for _ in range(60):
                strange = bytearray(packet[: chance.randrange(len(packet) + 1)])
                for _ in range(chance.randrange(4) if strange else 0):
                    strange[chance.randrange(min(90, len(strange)))] = chance.randrange(256)
                packets.append((link, bytes(strange)))
    for link in link_layers.LINKS:
        packets += [(link, chance.randbytes(chance.randrange(120))) for _ in range(200)]
    reassembler = Reassembler()
    for link, packet in packets:
        reassembler.feed(0, link, packet)
    assert reassembler.packets == len(packets)


# --- Files ----------------------------------------------------------------------------------------


def test_gzip_another_magic_and_snoop(tmp_path):
    packets = [ETHERNET + packet for packet in conversation(40000)]
    sizes = [struct.pack("<II", len(packet), len(packet)) for packet in packets]
    with_interface = struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    snoop = b"snoop\0\0\0" + struct.pack(">II", 2, 4)
    for packet, size in zip(packets, sizes, strict=True):
        with_interface += bytes(8) + size + bytes(8) + packet
        padded = packet + bytes(-len(packet) % 4)
        length = len(packet)
        snoop += struct.pack(">IIIIII", length, length, 24 + len(padded), 0, 0, 0) + padded
    for name, file in {
        "a.pcap.gz": gzip.compress(pcap(packets, 1)), "b.pcap": with_interface, "c.snoop": snoop,
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(file)
        assert [unit[1:] for unit in told(load(tmp_path / name))] == PLAIN, name
    assert read(pcap([])).notes == ["the file holds no packets"]


def exported(source, target, data):
    def tag(kind, value):
        return struct.pack("!HH", kind, len(value)) + value

    return (
        tag(12, b"http") + tag(20, source[0]) + tag(21, target[0]) + tag(24, b"\0\0\0\2")
        + tag(25, struct.pack("!I", source[1])) + tag(26, struct.pack("!I", target[1]))
        + tag(0, b"") + data
    )  # fmt: skip


def test_what_tshark_exports_from_inside_tls():
    packets = [exported(CLIENT, SERVER, REQUEST), exported(SERVER, CLIENT, RESPONSE),
               exported(SERVER, CLIENT, b"\x81\x02"), exported(SERVER, CLIENT, b"hi")]  # fmt: skip
    capture = read(pcap(packets, 252))
    assert [row.preview for row in capture.index.rows()][2:] == ['"hi"']
    assert capture.stream(1, "client") == REQUEST


HELLO = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(194)
BAD = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


def one_exchange(asked, answered):
    return read(pcap(packets_of([(CLIENT, SERVER, 9, b"", 2), (SERVER, CLIENT, 9, b"", 18),
                                 (CLIENT, SERVER, 10, asked, 16),
                                 (SERVER, CLIENT, 10, answered, 16)])))  # fmt: skip


def test_peers_that_do_not_understand_each_other(tmp_path):
    to_plain = "a ClientHello answered by plain HTTP, which is wss:// to a ws:// port"
    assert one_exchange(HELLO, BAD).notes == [f"1 connection left out: {to_plain}"]
    to_tls = one_exchange(REQUEST, b"\x15\x03\x01\x00\x02\x02\x46")
    assert to_tls.notes == [
        "connection 1: plain HTTP answered by TLS, which is ws:// to a wss:// port"
    ]
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    (note,) = one_exchange(preface, b"\0\0\0\4\0\0\0\0\0").notes
    assert note.startswith("1 connection of HTTP/2 left out: a WebSocket there begins with an ext")
    old = REQUEST.replace(b"GET /chat", b"GET /socket.io/?EIO=3")
    body = b'{"code":5,"message":"Unsupported protocol version"}'
    (note,) = one_exchange(old, b"HTTP/1.1 400 B\r\nContent-Length: 51\r\n\r\n" + body).notes
    assert note.startswith("connection 1: Socket.IO's server refuses EIO=3: clients of Socket.IO")
    for name, data in {"client": HELLO, "server": BAD}.items():
        (tmp_path / name).write_bytes(data)
    with (tmp_path / "client").open("rb") as client, (tmp_path / "server").open("rb") as server:
        assert load_streams(client, server).notes == [f"connection 1: {to_plain}"]


def test_keys_in_the_file_and_the_command_that_uses_them():
    secrets = b"CLIENT_RANDOM aa bb\n"
    body = struct.pack("<II", pcapng.TLS_KEY_LOG, len(secrets)) + secrets
    file = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(10, body)
    assert 'tshark -r FILE -U "OSI layer 7" -w plain.pcapng' in read(file).notes[0]


FOLLOW = f"""
====
Follow: tcp,raw
Filter: tcp.stream eq 0
Node 0: 192.0.2.7:50000
Node 1: 192.0.2.8:8080
{REQUEST.hex()}
\t{RESPONSE.hex()}
818200000000{b"hi".hex()}
\t8102{b"ho".hex()}
====
"""


@pytest.mark.parametrize("text", [FOLLOW, "\n".join(FOLLOW.split("\n")[6:-2])])
def test_what_tshark_follows(tmp_path, text):
    path = tmp_path / "stream.txt"
    path.write_text(text)
    rows = load(path).index.rows()
    assert [(row.direction, row.preview) for row in rows][2:] == [
        ("client", '"hi"'),
        ("server", '"ho"'),
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'{"constants": {"logEventTypes": {}}, "events": []}', "a net log of Chrome"),
        (b'{"method": "Network.webSocketFrameSent", "params": {}}', "events of the Chrome Dev"),
        (b'<?xml version="1.0"?>\n<items burpVersion="2024.1"/>', "items of Burp"),
        (b'[{"_index": "packets", "_source": {"layers": {}}}]', "the JSON of tshark: give"),
        (b"1234:9:websocket;0:~", "flows of mitmproxy: .*mitmdump"),
        (b"GMBU" + bytes(40), "Network Monitor: convert it: editcap"),
        (b"\xfd7zXZ\0\0", "xz: unpack it: unxz FILE"),
        (BAD, "the bytes of a connection: .*--client FILE"),
    ],
)  # fmt: skip
def test_what_other_tools_wrote_is_named(tmp_path, content, what):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=rf"file: th(is is|ese are) .*{what}"):
        load(path)
