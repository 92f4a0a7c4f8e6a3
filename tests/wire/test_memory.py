"""What a recording takes of memory: counted bytes, in proportion to the file that it comes from."""

from __future__ import annotations

import gc
import io
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from wslab.wire import Capture, encode_frame
from wslab.wire.accounts.json import json_pieces
from wslab.wire.accounts.text import text_pieces
from wslab.wire.formats import har, jsonl, pcapng

from .test_doubling import REQUEST, RESPONSE, A, packet, pcap

GET = b"GET / HTTP/1.1\r\n\r\n"


def taken(make: Callable[[], object]) -> int:
    """Bytes that what `make` returns holds."""
    make()  # what is made once only has been made then
    gc.collect()
    tracemalloc.start()
    try:
        kept = make()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if kept else 0
    finally:
        tracemalloc.stop()


def connections(count: int, *, talking: bool = False) -> Capture:
    capture = Capture(clock=lambda: 0.0)
    extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    for _ in range(count):
        number = capture.open_connection()
        if talking:
            capture.record(number, "client", REQUEST[:-2] + extension)
            capture.record(number, "server", RESPONSE[:-2] + extension + encode_frame(1, b"a"))
    return capture


def indexed(capture: Capture) -> Capture:
    assert len(capture.index) >= 0
    return capture


def test_an_empty_connection_takes_less_than_ten_times_its_line():
    file = "".join(jsonl.lines(connections(3000))).encode()
    size = taken(lambda: indexed(jsonl.read(io.BytesIO(file), "it")))
    assert size < 8 * len(file)
    assert size / 3000 < 450


@pytest.mark.parametrize(
    "data",
    [b"G", b"\0", b"\n", b"GET / HTTP/1.1", GET, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2 * GET, A],
)
@pytest.mark.parametrize("ended", [True, False])
def test_a_connection_with_a_byte_or_a_frame_takes_less_than_ten_times_its_lines(data, ended):
    capture = Capture(clock=lambda: 0.0)
    for _ in range(3000):
        number = capture.open_connection(upgraded=data == A)
        capture.record(number, "server" if data == A else "client", data)
        if ended:
            capture.end(number, "client")
            capture.end(number, "server")
    file = "".join(jsonl.lines(capture)).encode()
    assert taken(lambda: indexed(jsonl.read(io.BytesIO(file), "it"))) < 10 * len(file)


@pytest.mark.parametrize("status", [b"101 Switching Protocols", b"200 OK"])
def test_a_short_exchange_takes_less_than_ten_times_its_lines(status):
    capture = Capture(clock=lambda: 0.0)
    for _ in range(3000):
        number = capture.open_connection()
        capture.record(number, "client", GET)
        capture.record(number, "server", b"HTTP/1.1 " + status + b"\r\n\r\n")
    file = "".join(jsonl.lines(capture)).encode()
    assert taken(lambda: indexed(jsonl.read(io.BytesIO(file), "it"))) < 10 * len(file)


@pytest.mark.parametrize("format", ["jsonl", "pcapng", "har"])
def test_a_handshake_takes_less_than_ten_times_its_part_of_a_file(format):
    capture = connections(300, talking=True)
    if format == "jsonl":
        file = "".join(jsonl.lines(capture)).encode()
        size = taken(lambda: indexed(jsonl.read(io.BytesIO(file), "it")))
    elif format == "har":
        text = har.dumps(capture)
        file = text.encode()
        size = taken(lambda: indexed(har.loads(text)))
    else:
        file = b"".join(pcapng.blocks(capture))
        size = taken(lambda: indexed(pcapng.read(file)))
    assert size < 10 * len(file)


def test_a_connection_that_only_knocks_takes_less_than_ten_times_its_packet():
    packets = [packet(place, flags=2, source=1000 + place) for place in range(3000)]
    file = pcap(packets)
    assert len(file) == struct.calcsize("<IHHiIII") + 3000 * 56
    tracemalloc.start()
    try:
        pcapng.read(file)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(file)
    finally:
        tracemalloc.stop()


def test_many_connections_with_much_in_each_take_their_bytes():
    capture = Capture(clock=lambda: 0.0)
    for _ in range(8):
        number = capture.open_connection(upgraded=True)
        capture.record(number, "server", encode_frame(2, bytes(1 << 20)))
    file = b"".join(pcapng.blocks(capture))

    def read() -> Capture:
        again = pcapng.read(file)
        for account in (text_pieces(again), json_pieces(again)):  # they look at each of them
            assert sum(map(len, account)) > 0
        return again

    assert taken(read) < 1.5 * len(file)
