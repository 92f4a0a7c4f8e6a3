"""Twice as much takes twice the work: of everything in a recording that a stranger can make grow.

A new case is a function that makes so much of something, and gives what is to be done with it.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable

import pytest

from wslab.view.live import static_html
from wslab.wire import Capture, encode_frame, steps
from wslab.wire.accounts.difference import compare
from wslab.wire.accounts.json import json_pieces
from wslab.wire.accounts.text import text_pieces
from wslab.wire.formats import har, jsonl, load_streams, pcapng, tcp_streams
from wslab.wire.protocol.deflate import Deflater
from wslab.wire.protocol.http import parse_head
from wslab.wire.recording import Finding, Search, layers_of

from .doubling import CountedArray, CountedPattern, growth
from .test_handshake import REQUEST, RESPONSE

MOST = 2.4
"""Times that twice as much may take: the logarithm of a heap or a bisection is in it."""
SIZE = 300

KEY = b"\x12\x34\x56\x78"
A = encode_frame(1, b"a")
MASKED = encode_frame(1, b"a", masking_key=KEY)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
NO_LENGTH = b"HTTP/1.1 200 OK\r\n\r\nbody"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"
NO_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Work = Callable[[], object]
CASES: dict[str, Callable[[int], Work]] = {}


def case(make: Callable[[int], Work]) -> Callable[[int], Work]:
    CASES[make.__name__] = make
    return make


# --- Makers ---------------------------------------------------------------------------------------


def empty() -> Capture:
    ticks = itertools.count()
    capture = Capture(clock=lambda: next(ticks) / 1000)
    log = capture.log
    log.stream_of, log.end_of = CountedArray("I"), CountedArray("Q")
    return capture


def talk(n: int, *, connections: int = 1, direction: str = "server") -> Capture:
    """`n` frames, by so many connections in turn, each frame a chunk."""
    capture = empty()
    numbers = [capture.open_connection(upgraded=True) for _ in range(connections)]
    for number, _ in zip(itertools.cycle(numbers), range(n), strict=False):
        capture.record(number, direction, A if direction == "server" else MASKED)
    return capture


def handshakes(n: int) -> Capture:
    """`n` whole connections, one after the other."""
    capture = empty()
    for _ in range(n):
        number = capture.open_connection()
        capture.record(number, "client", REQUEST)
        capture.record(number, "server", RESPONSE + A)
        for direction in ("client", "server"):
            capture.end(number, direction)
    return capture


def marked(n: int) -> Capture:
    """`n` frames, each of them held and delivered."""
    capture = talk(n)
    for place in range(n):
        for name in ("held", "delivered"):
            capture.mark(1, "server", name, place * len(A), len(A))
    return capture


def every_way_out(capture: Capture) -> Work:
    """All accounts and formats, one after the other."""
    return lambda: [
        "".join(text_pieces(capture)), "".join(text_pieces(capture, brief=True)),
        "".join(json_pieces(capture)), "".join(jsonl.lines(capture)),
        b"".join(pcapng.blocks(capture)), har.dumps(capture), static_html.render(capture),
    ]  # fmt: skip


def indexed(capture: Capture) -> Work:
    return lambda: capture.index


def pcap(packets: list[bytes]) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    return head + b"".join(
        struct.pack("<IIII", place // 1000, place % 1000, len(packet), len(packet)) + packet
        for place, packet in enumerate(packets)
    )


def packet(
    sequence: int, data: bytes = b"", *, flags: int = 16, source: int = 50000, target: int = 80
) -> bytes:
    tcp = struct.pack("!HHIIBBHHH", source, target, sequence, 0, 0x50, flags, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0) + b"\x7f\0\0\1" * 2
    return ip + tcp + data


def read_pcap(packets: list[bytes]) -> Work:
    data = pcap([packet(999, flags=2), *packets])
    return lambda: pcapng.read(data).index


# --- Chunks and events ----------------------------------------------------------------------------


@case
def frames_of_one_connection(n: int) -> Work:
    return indexed(talk(n))


@case
def frames_of_many_connections(n: int) -> Work:
    return indexed(talk(n, connections=n // 2))


@case
def an_update_for_every_frame(n: int) -> Work:
    capture = empty()
    number = capture.open_connection(upgraded=True)

    def work() -> None:
        for _ in range(n):
            capture.record(number, "server", A)
            capture.index.rows(len(capture.index) - 1)

    return work


@case
def one_frame_in_many_pieces(n: int) -> Work:
    capture = empty()
    capture.open_connection(upgraded=True)
    frame = encode_frame(2, bytes(n))

    def work() -> None:
        for place in range(len(frame)):
            capture.record(1, "server", frame[place : place + 1])
            _ = capture.index

    return work


@case
def http_among_frames(n: int) -> Work:
    capture = talk(1)
    other = capture.open_connection()
    capture.record(other, "client", GET)
    capture.record(other, "server", ENDLESS)
    for _ in range(n):
        capture.record(1, "server", A)
        capture.record(other, "server", b"x")
    return indexed(capture)


@case
def large_chunks_that_are_indexed_in_slices(n: int) -> Work:
    capture = empty()
    capture.open_connection(upgraded=True)
    for _ in range(n):
        capture.record(1, "server", encode_frame(2, bytes(1 << 15)))
    return indexed(capture)


@case
def events_between_frames(n: int) -> Work:
    capture = talk(1)
    other = capture.open_connection(upgraded=True)
    for _ in range(n):
        capture.record(1, "server", A)
        capture.end(other, "server")
    return indexed(capture)


@case
def bodies_that_end_with_their_connections(n: int) -> Work:
    capture = empty()
    numbers = [capture.open_connection() for _ in range(n)]
    for number in numbers:
        capture.record(number, "client", GET)
        capture.record(number, "server", NO_LENGTH)
    other = capture.open_connection(upgraded=True)
    for _ in range(10 * n):
        capture.record(other, "server", A)
    for number in numbers:
        capture.end(number, "server")
    return indexed(capture)


@case
def a_limit_that_drops_the_oldest(n: int) -> Work:
    capture = Capture(clock=lambda: 0.0, limit=5_000)
    numbers = [capture.open_connection(upgraded=True) for _ in range(3)]

    def work() -> None:
        for _ in range(3 * n):
            for number in numbers:
                capture.record(number, "server", A * 4)
        _ = capture.loss

    return work


# --- Marks ----------------------------------------------------------------------------------------


@case
def marks_on_old_frames(n: int) -> Work:
    return indexed(marked(n))


@case
def marks_on_what_never_comes(n: int) -> Work:
    capture = talk(1)
    for place in range(n):
        capture.mark(1, "server", "held", 10**9 + place, 1)

    def work() -> None:
        for _ in range(n):
            capture.record(1, "server", A)
            _ = capture.index

    return work


@case
def marks_on_frames_as_they_come(n: int) -> Work:
    capture = talk(1, connections=2)

    def work() -> None:
        for place in range(n):
            capture.record(1, "server", A)
            capture.record(2, "server", A)
            capture.mark(1, "server", "held", place * len(A), len(A))
            capture.index.rows(len(capture.index) - 2)

    return work


@case
def marks_in_every_way_out(n: int) -> Work:
    return every_way_out(marked(n // 3))


@case
def many_marks_on_one_frame(n: int) -> Work:
    capture = talk(1)
    for name in ("held", "delivered"):
        for _ in range(n):
            capture.mark(1, "server", name, 0, len(A))
    return every_way_out(capture)


@case
def marks_and_what_was_delivered(n: int) -> Work:
    capture = marked(n)
    return lambda: [capture.sent(1, "server"), capture.delivered(1, "server")]


@case
def marks_of_a_file(n: int) -> Work:
    lines = "".join(jsonl.lines(marked(n))).encode()
    return lambda: jsonl.read(io.BytesIO(lines), "it").index


@case
def marks_of_a_pcapng(n: int) -> Work:
    data = b"".join(pcapng.blocks(marked(n // 3)))
    return lambda: pcapng.read(data).index


@case
def marks_of_a_har(n: int) -> Work:
    text = har.dumps(marked(n // 3))
    return lambda: har.loads(text).index


@case
def an_edit_of_many_bytes_in_a_pcapng(n: int) -> Work:
    capture = talk(1)
    capture.mark(1, "server", "edited", 0, len(A), data=bytes(n * 4000))
    data = b"".join(pcapng.blocks(capture))
    return lambda: pcapng.read(data).index


@case
def ends_and_marks_in_the_story(n: int) -> Work:
    capture = marked(n)
    for _ in range(n):
        capture.end(1, "server")
    return lambda: steps(capture, 1)


# --- Connections ----------------------------------------------------------------------------------


@case
def many_connections_in_every_way_out(n: int) -> Work:
    return every_way_out(handshakes(n // 5))


@case
def each_connection_for_itself(n: int) -> Work:
    capture = handshakes(n // 3)
    return lambda: [
        (list(capture.index.messages(number)), layers_of(capture, number, "server"))
        for number in capture.index.connections
    ]


@case
def the_messages_of_many_connections(n: int) -> Work:
    capture = talk(n, connections=n)
    return lambda: list(capture.index.messages())


@case
def connections_of_a_file(n: int) -> Work:
    lines = "".join(jsonl.lines(handshakes(n // 3))).encode()
    return lambda: jsonl.read(io.BytesIO(lines), "it").index


@case
def connections_of_a_har(n: int) -> Work:
    text = har.dumps(handshakes(n // 3))
    return lambda: har.loads(text).index


@case
def connections_of_a_pcapng(n: int) -> Work:
    data = b"".join(pcapng.blocks(handshakes(n // 3)))
    return lambda: pcapng.read(data).index


# --- HTTP -----------------------------------------------------------------------------------------


@case
def a_head_in_many_pieces(n: int) -> Work:
    capture = empty()
    capture.open_connection()
    head = b"GET / HTTP/1.1\r\nCookie: " + b"a" * 4 * n

    def work() -> None:
        for place in range(len(head)):
            capture.record(1, "client", head[place : place + 1])
            _ = capture.index

    return work


@case
def many_headers(n: int) -> Work:
    capture = empty()
    capture.open_connection()
    lines = b"".join(b"X%d: y\r\n" % place for place in range(n))
    capture.record(1, "client", REQUEST[:-2] + lines + b"\r\n")
    capture.record(1, "server", RESPONSE[:-2] + lines + b"\r\n")
    return every_way_out(capture)


@case
def many_offers_and_parameters(n: int) -> Work:
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n"
    name = b"Sec-WebSocket-Extensions: permessage-deflate"
    capture = empty()
    capture.open_connection()
    capture.record(1, "client", REQUEST[:-2] + offer * n + b"\r\n")
    capture.record(1, "server", RESPONSE[:-2] + name + b"; x=1" * n + b"\r\n\r\n")
    return every_way_out(capture)


@case
def interim_answers_to_a_request_of_many_headers(n: int) -> Work:
    capture = empty()
    capture.open_connection()
    capture.record(1, "client", REQUEST[:-2] + b"X: y\r\n" * n + b"\r\n")
    capture.record(1, "server", b"HTTP/1.1 103 Early Hints\r\n\r\n" * n)
    return indexed(capture)


@case
def requests_before_their_answers(n: int) -> Work:
    capture = empty()
    capture.open_connection()
    capture.record(1, "client", GET * (n // 3))
    capture.record(1, "server", NO_BODY * (n // 3))
    return every_way_out(capture)


@case
def tiny_chunks_of_a_chunked_body(n: int) -> Work:
    capture = empty()
    capture.open_connection()
    capture.record(1, "client", GET)
    capture.record(1, "server", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(n):
        capture.record(1, "server", b"1\r\na\r\n")
    return indexed(capture)


@case
def frames_before_the_answer(n: int) -> Work:
    capture = empty()
    capture.open_connection()
    capture.record(1, "client", REQUEST)
    for _ in range(n):
        capture.record(1, "client", MASKED)
        _ = capture.index
    capture.record(1, "server", RESPONSE)
    return lambda: [capture.index, capture.loss, "".join(jsonl.lines(capture))]


# --- Messages -------------------------------------------------------------------------------------


@case
def a_message_in_many_fragments(n: int) -> Work:
    capture = empty()
    capture.open_connection(upgraded=True)
    first, more = encode_frame(1, b"a", fin=False), encode_frame(0, b"a", fin=False)
    capture.record(1, "server", first + more * (n // 3) + encode_frame(0))
    return every_way_out(capture)


@case
def fragments_of_both_directions(n: int) -> Work:
    capture = empty()
    capture.open_connection(upgraded=True)
    for opcode in [1, *[0] * (n // 6)]:
        capture.record(1, "server", encode_frame(opcode, b"a", fin=False))
        capture.record(1, "client", encode_frame(opcode, b"a", fin=False, masking_key=KEY))
    return every_way_out(capture)


@case
def messages_that_others_interrupt(n: int) -> Work:
    capture = empty()
    capture.open_connection(upgraded=True)
    capture.record(1, "server", encode_frame(1, b"a", fin=False) * (n // 3))
    return every_way_out(capture)


@case
def compressed_messages_in_turn(n: int) -> Work:
    capture = empty()
    extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    for _ in range(2):
        number = capture.open_connection()
        capture.record(number, "client", REQUEST[:-2] + extension)
        capture.record(number, "server", RESPONSE[:-2] + extension)
    deflaters = [Deflater(), Deflater()]
    for place in range(n // 6):
        for number, deflater in enumerate(deflaters, 1):
            data = encode_frame(1, deflater.deflate(b"Hello %d" % place), rsv1=True)
            capture.record(number, "server", data)
    return every_way_out(capture)


@case
def two_runs_that_differ_everywhere(n: int) -> Work:
    then, now = talk(n).index, talk(n, direction="client").index
    old, new = ([index.unit(number) for number in range(n)] for index in (then, now))
    return lambda: compare(1, old, new)


@case
def two_runs_whose_heads_differ_in_many_headers(n: int) -> Work:
    units = []
    for letter in b"XY":
        capture = empty()
        capture.open_connection()
        lines = b"".join(b"%c%d: y\r\n" % (letter, place) for place in range(n))
        capture.record(1, "server", RESPONSE[:-2] + lines + b"\r\n")
        units.append([capture.index.unit(0)])
    return lambda: compare(1, *units)


@case
def a_head_of_many_lines(n: int) -> Work:
    return lambda: parse_head(b"GET / HTTP/1.1\r\n" + b"a\n" * n + b"\n")


# --- Packets and files ----------------------------------------------------------------------------


@case
def a_head_of_one_byte_a_packet(n: int) -> Work:
    head = b"GET / HTTP/1.1\r\nX: " + b"a" * n
    return read_pcap([packet(1000 + place, head[place : place + 1]) for place in range(len(head))])


@case
def lines_of_one_byte_a_packet(n: int) -> Work:
    head = b"GET / HTTP/1.1\r\n" + b"s\n" * n
    return read_pcap([packet(1000 + place, head[place : place + 1]) for place in range(len(head))])


@case
def packets_in_reverse(n: int) -> Work:
    data = REQUEST + MASKED * n
    packets = [packet(1000 + place, data[place : place + 7]) for place in range(0, len(data), 7)]
    return read_pcap(packets[::-1])


@case
def packets_that_come_again_and_overlap(n: int) -> Work:
    data = REQUEST + MASKED * 3 * n
    packets = [packet(1000 + place, data[place : place + 100]) for place in range(n)]
    return read_pcap([*packets, *packets, *packets[::-1]])


@case
def gaps_that_are_never_filled(n: int) -> Work:
    packets = [packet(10_000 + 10 * place, b"x" * 5) for place in range(n)]
    return read_pcap([packet(1000, REQUEST), *packets])


@case
def connections_that_only_knock(n: int) -> Work:
    return read_pcap([packet(place, flags=2, source=place) for place in range(n)])


@case
def connections_between_the_same_ports(n: int) -> Work:
    return read_pcap(
        [
            packet(one * 10_000 + place, data, flags=flags)
            for one in range(n)
            for place, data, flags in ((0, b"", 2), (1, REQUEST, 16))
        ]
    )


@case
def raw_streams_of_many_requests(n: int) -> Work:
    client, server = GET * n + REQUEST + MASKED * n, NO_BODY * n + RESPONSE + A * n
    return lambda: load_streams(io.BytesIO(client), io.BytesIO(server)).index


@case
def a_har_of_many_bad_messages(n: int) -> Work:
    text = har.dumps(talk(n)).replace('"opcode": 1', '"opcode": "x"')
    return lambda: har.loads(text)


# --- Searches -------------------------------------------------------------------------------------


def searched(capture: Capture) -> Work:
    looked_for = ("a", "re:a", "hex:61", "opcode=text", "status=101", "from=server a", "length=1")
    return lambda: [capture.find(what) for what in looked_for]


def fragments(n: int) -> list[bytes]:
    return [encode_frame(0 if at else 1, b"a", fin=at == n - 1) for at in range(n)]


@case
def searches_in_many_connections(n: int) -> Work:
    return searched(handshakes(n))


@case
def searches_in_frames_of_many_connections(n: int) -> Work:
    return searched(talk(n, connections=n))


@case
def searches_in_a_message_in_many_fragments(n: int) -> Work:
    capture = talk(1)
    for frame in fragments(n):
        capture.record(1, "server", frame)
    return searched(capture)


@case
def a_search_that_goes_on_with_each_frame(n: int) -> Work:
    def work() -> None:
        capture = talk(1)
        finding = Finding(Search.parse("a").terms, capture)
        for _ in range(n):
            capture.record(1, "server", A)
            finding.step()

    return work


# --- The test -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_twice_as_much_takes_twice_the_work(name, monkeypatch):
    # What a pattern looks at counts as well.
    monkeypatch.setattr(tcp_streams, "_ASKS", CountedPattern(tcp_streams._ASKS))
    times = growth(CASES[name], SIZE)
    assert times < MOST, f"{name}: {times:.2f} times the work for twice as much"
