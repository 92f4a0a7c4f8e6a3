"""A header of the PROXY protocol before HTTP: read, shown, and no hole in the mask of logins."""

from __future__ import annotations

import io
import random

import pytest

from wslab.wire import Capture, load_streams

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import CLIENT, SERVER, packets_of, pcap, read

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PORTS = b"\xdc\x04\x01\xbb"

# the header -> what it says
HEADERS = {
    b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\r\n": (
        "PROXY TCP4 192.0.2.7 198.51.100.9 56324 443"
    ),
    b"PROXY TCP6 2001:db8::7 2001:db8::9 56324 443\r\n": (
        "PROXY TCP6 2001:db8::7 2001:db8::9 56324 443"
    ),
    b"PROXY UNKNOWN\r\n": "PROXY UNKNOWN",
    SIGNATURE + b"\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x09" + PORTS: (
        "192.0.2.7 port 56324 to 198.51.100.9 port 443"
    ),
    # Line ends in the addresses, and a TLV behind them.
    SIGNATURE + b"\x21\x11\0\x10\x0a\0\0\x02\x0a\x0d\x0a\x01" + PORTS + b"\x04\0\x01\0": (
        "10.0.0.2 port 56324 to 10.13.10.1 port 443"
    ),
    SIGNATURE + b"\x21\x21\0\x24\x20\x01\x0d\xb8" + bytes(11) + b"\x07" + b"\x20\x01\x0d\xb8"
    + bytes(11) + b"\x09" + PORTS: "2001:db8::7 port 56324 to 2001:db8::9 port 443",
    SIGNATURE + b"\x20\x00\0\0": "no addresses",  # LOCAL
    SIGNATURE + b"\x21\x31\0\xd8" + b"/tmp/a".ljust(108, b"\0") + b"/tmp/b".ljust(108, b"\0"): (
        "/tmp/a to /tmp/b"
    ),
    b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\n": (  # its line end is LF alone
        "PROXY TCP4 192.0.2.7 198.51.100.9 56324 443"
    ),
}  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_it_is_a_field_of_its_own_before_the_request(header):
    data = header + REQUEST + b"\x81\x82\x37\xfa\x21\x3d\x5f\x93"
    index = load_streams(io.BytesIO(data), io.BytesIO(RESPONSE + b"\x81\x02hi")).index
    assert [(row.kind, row.broken) for row in index.rows()] == [
        ("request", False), ("response", False), ("text", False), ("text", False),
    ]  # fmt: skip
    request = index.unit(0)
    first, second = request.fields[:2]
    assert (first.name, first.bits, first.value) == (
        "PROXY protocol", 8 * len(header), HEADERS[header],
    )  # fmt: skip
    assert (second.name, second.value) == ("request line", "GET /chat HTTP/1.1")
    assert sum(field.bits for field in request.fields) == 8 * request.length


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("seed", range(6))
def test_logins_behind_it_are_masked_wherever_the_bytes_were_split(header, seed):
    login = b"GET /?token=s3cr3t99xyz HTTP/1.1\r\nAuthorization: Bearer hunter2hunter2\r\n"
    data = header + login + REQUEST.partition(b"\r\n")[2]
    chance, capture = random.Random(seed), Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    size = len(data)
    while data:
        count = chance.choice([1, 2, 5, 30]) if seed else len(data)
        capture.record(connection, "client", data[:count])
        data = data[count:]
    kept = bytes(capture.log.streams[0])
    assert len(kept) == size
    assert kept.startswith(header + b"GET /?token=")
    assert b"s3cr3t" not in kept
    assert b"hunter2" not in kept
    (row,) = capture.index.rows()
    assert not row.broken


def test_each_of_several_proxies_has_its_field():
    data = b"PROXY UNKNOWN\r\n" + SIGNATURE + b"\x20\x00\0\0" + REQUEST
    index = load_streams(io.BytesIO(data), io.BytesIO(RESPONSE)).index
    assert not index.rows()[0].broken
    assert [(field.name, field.bits // 8) for field in index.unit(0).fields[:3]] == [
        ("PROXY protocol", 15), ("PROXY protocol", 16), ("request line", 20),
    ]  # fmt: skip


def test_tls_behind_it_in_a_capture_file_is_called_encrypted():
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(194)
    for header in HEADERS:
        packets = [(CLIENT, SERVER, 999, b"", 2), (CLIENT, SERVER, 1000, header + hello)]
        capture = read(pcap(packets_of(packets)))
        assert capture.notes[0] == "1 connection with TLS left out: encrypted"
