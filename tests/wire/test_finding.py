"""What a search finds, held against a naive one over the frames that `websockets` reads."""

from __future__ import annotations

import random
import re

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.streams import StreamReader

from wslab.wire import Capture, Deflater, encode_frame
from wslab.wire.recording import Finding, Search, on_the_wire
from wslab.wire.recording.content_reader import OVERLAP, PIECE

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Authorization: Bearer topsecret\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
KEY = bytes.fromhex("37 fa 21 3d")


def opened(**options) -> tuple[Capture, int]:
    """A recording with a handshake that agrees on compression: rows 0 and 1."""
    capture = Capture(**options)
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    return capture, connection


def rows(capture: Capture, what: str) -> list[int]:
    return [hit.row for hit in capture.find(what)]


# --- Against a naive search

WORDS = ["Hello", "hELLO", "Grüße", "GRÜSSE", "ß", "lo w", "o\n", "aaa", "id=17", "{}", "€", "\0"]
Part = tuple[int, bytes]  # a row, and what it adds to its message


def frames_of(chance: random.Random, masked: bool) -> list[bytes]:
    """Messages, some compressed and some in fragments, with pings between these."""
    deflater, frames = Deflater(), list[bytes]()

    def add(opcode: int, payload: bytes, **bits: bool) -> None:
        key = chance.randbytes(4) if masked else None
        frames.append(encode_frame(opcode, payload, masking_key=key, **bits))

    for _ in range(chance.randint(3, 30)):
        text = "".join(chance.choices(WORDS, k=chance.randint(0, 40))).encode()
        compressed = chance.random() < 0.5
        payload = deflater.deflate(text) if compressed else text
        cuts = sorted(chance.choices(range(len(payload) + 1), k=chance.choice([0, 0, 1, 3])))
        edges = [0, *cuts, len(payload)]
        for place in range(len(edges) - 1):
            piece, fin = payload[edges[place] : edges[place + 1]], place == len(edges) - 2
            if place == 0:
                add(chance.choice([1, 2]), piece, fin=fin, rsv1=compressed)
            else:
                add(0, piece, fin=fin)
            if chance.random() < 0.2:
                add(9, chance.choice(WORDS).encode())
    return frames


def decoded(frames: list[bytes], numbers: list[int], masked: bool) -> list[list[Part]]:
    """The same as `websockets` reads it: each content as its parts."""
    reader, extension = StreamReader(), PerMessageDeflate(False, False, 15, 15)
    reader.feed_data(b"".join(frames))
    contents: list[list[Part]] = []
    message: list[Part] = []
    for number in numbers:
        parsing = Frame.parse(reader.read_exact, mask=masked, extensions=[extension])
        try:
            next(parsing)
        except StopIteration as done:
            frame = done.value
        part = number, bytes(frame.data)
        if frame.opcode >= 8:
            contents.append([part])
            continue
        message.append(part)
        if frame.fin:
            contents.append(message)
            message = []
    return contents


def conversation(seed: int) -> tuple[Capture, list[list[Part]]]:
    chance = random.Random(seed)
    capture, connection = opened()
    frames = {way: frames_of(chance, way == "client") for way in ("client", "server")}
    order = [way for way in frames for _ in frames[way]]
    chance.shuffle(order)
    numbers: dict[str, list[int]] = {"client": [], "server": []}
    for number, way in enumerate(order, 2):
        capture.record(connection, way, frames[way][len(numbers[way])])
        numbers[way].append(number)
    contents = [
        content
        for way in frames
        for content in decoded(frames[way], numbers[way], masked=way == "client")
    ]
    return capture, contents


def naive(contents: list[list[Part]], pattern: re.Pattern[str]) -> dict[int, list[tuple[int, int]]]:
    """By row in which a match begins or goes on: offset and length of what of it stands there."""
    found: dict[int, list[tuple[int, int]]] = {}
    begin_in = set[int]()
    for parts in contents:
        text = b"".join(data for _, data in parts).decode("utf-8", "surrogateescape")
        whose = [(row, at) for row, data in parts for at in range(len(data))]
        for match in pattern.finditer(text):
            if match.start() == match.end():
                continue
            start, stop = (
                len(text[:edge].encode("utf-8", "surrogateescape")) for edge in match.span()
            )
            here = whose[start:stop]
            begin_in.add(here[0][0])
            for row in dict.fromkeys(row for row, _ in here):
                places = [at for one, at in here if one == row]
                found.setdefault(row, []).append((places[0], len(places)))
    return {row: sorted(found[row]) if row in begin_in else [] for row in found}


@pytest.mark.parametrize("seed", range(7))
def test_texts_and_expressions_are_found_where_a_naive_search_finds_them(seed):
    capture, contents = conversation(seed)
    for word in (*WORDS, "hello", "GRÜẞE", "{}id=17{}", "oGrü"):
        what = f'"{word}"' if word.strip() != word or "=" in word else word
        pattern = re.compile("(?:ß|ẞ|ss)".join(map(re.escape, re.split("[ßẞ]", word))), re.I)
        check(capture, what, naive(contents, pattern))
    for text in (r"id=\d", r"[a-z]+\n", r"(?i)hello\b", r"ß|€", r"^Hello", r"o\Z", r"a{3,}"):
        check(capture, f"re:{text}", naive(contents, re.compile(text)))


def check(capture: Capture, what: str, expected: dict[int, list[tuple[int, int]]]) -> None:
    hits = {hit.row: hit for hit in capture.find(what)}
    frames = {row: hit for row, hit in hits.items() if row > 1}  # the handshake says Hello, too
    assert list(frames) == sorted(row for row, places in expected.items() if places)
    for row, hit in frames.items():
        assert [(span.offset, span.length) for span in hit.where] == expected[row]
        assert {span.of for span in hit.where} == {"content"}


@pytest.mark.parametrize("seed", range(6))
def test_bytes_are_found_on_the_wire_and_in_the_content(seed):
    capture, contents = conversation(seed)
    index = capture.index
    for raw in (b"l", b"\x81", b"Hello", b"\0", b"aaaa", b"\xc3\xbc", b"\n"):
        expected = {row for row in range(len(index)) if raw in index.unit(row).data}
        for parts in contents:
            whole, at = b"".join(data for _, data in parts), 0
            ends = [(row, (at := at + len(data))) for row, data in parts]
            for match in re.finditer(re.escape(raw), whole):
                expected.add(next(row for row, end in ends if match.start() < end))
        assert rows(capture, f"hex:{raw.hex(' ')}") == sorted(expected)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_recorded_in_any_pieces_and_searched_meanwhile_is_found_as_well(seed):
    whole, _ = conversation(seed)
    live = Capture()
    live_connection = live.open_connection()
    findings = [
        Finding(Search.parse(what).terms, live) for what in ("Hello", "re:a+", "hex:0a", "fin=0")
    ]
    for chunk in whole:
        for at in range(0, len(chunk.data), 5):
            live.record(live_connection, chunk.direction, chunk.data[at : at + 5])
            for finding in findings:
                while finding.step(3):
                    pass
    for finding, what in zip(findings, ("Hello", "re:a+", "hex:0a", "fin=0"), strict=True):
        assert sorted(finding.rows) == rows(whole, what)
        assert len(set(finding.rows)) == len(finding.rows)
        assert finding.looked == len(whole.index)


# --- Where it is found


def test_a_text_that_is_split_over_two_frames_is_marked_in_both():
    capture, connection = opened()
    capture.record(connection, "server", bytes.fromhex("01 03 48 65 6c"))  # 2: "Hel"
    capture.record(connection, "server", bytes.fromhex("89 01 21"))  # 3: ping "!"
    assert rows(capture, "hel from=server") == [2]  # its end has not come yet
    capture.record(connection, "server", bytes.fromhex("80 04 6c 6f 20 3f"))  # 4: "lo ?"
    (hit,) = capture.find("Hello ?")
    assert (hit.row, hit.where) == (2, ((0, 3, "content"),))
    index, search = capture.index, Search.parse("Hello ?")
    assert search.where(capture, 4) == ((0, 4, "content"),)
    assert on_the_wire(index.unit(4), search.where(capture, 4)) == [(2, 4)]
    assert search.where(capture, 3) == ()
    assert repr(hit) == "<Hit: row 2, content bytes 0 to 2>"


@pytest.mark.parametrize(
    ("what", "row", "where", "wire"),
    [
        ("opcode=close", 5, [(0, 1, "wire")], [(0, 1)]),
        ("mask=1 opcode=close", 5, [(0, 1, "wire"), (1, 1, "wire")], [(0, 1), (1, 1)]),
        ("close_code=4000", 5, [(0, 2, "content")], [(6, 2)]),
        ("reason=done", 5, [(2, 4, "content")], [(8, 4)]),
        ('"4000 do"', 5, [(0, 4, "content")], [(6, 4)]),
        ("length=200", 4, [(1, 1, "wire"), (2, 2, "wire")], [(1, 1), (2, 2)]),
        ("rsv1=1", 3, [(0, 1, "wire")], [(0, 1)]),
        ("inflated", 3, [(4, 8, "content")], []),
        ("hex:7f 9f", 2, [(6, 2, "wire")], [(6, 2)]),
        ("hex:48 65 6c", 2, [(0, 3, "content")], [(6, 3)]),
        ("rsv1=0 from=client which=first", 2, [(0, 1, "wire")], [(0, 1)]),
        ("connection=1 broken=0 length=5", 2, [(1, 1, "wire")], [(1, 1)]),
        ("status=101", 1, [(0, 34, "wire")], [(0, 34)]),
        ("Sec-WebSocket-Protocol=SuperChat", 0, [(183, 41, "wire")], [(183, 41)]),
        ("superchat", 0, [(213, 9, "content")], [(213, 9)]),
        ("from=server rsv1=1 which=last", 3, [(0, 1, "wire")], [(0, 1)]),
    ],
)
def test_a_term_is_found_at_its_bytes(what, row, where, wire):
    capture, connection = opened()
    frames = [
        ("client", encode_frame(1, b"Hello", masking_key=KEY)),  # 2: 81 85 37 fa 21 3d 7f 9f …
        ("server", encode_frame(1, Deflater().deflate(b"The inflated one"), rsv1=True)),  # 3
        ("server", encode_frame(2, bytes(200))),  # 4
        ("client", encode_frame(8, b"\x0f\xa0done", masking_key=KEY)),  # 5
    ]
    for direction, frame in frames:
        capture.record(connection, direction, frame)
    (hit,) = capture.find(what)
    assert (hit.row, list(hit.where)) == (row, where)
    assert on_the_wire(capture.index.unit(row), hit.where) == wire


def test_a_login_that_is_masked_is_not_found():
    capture, _ = opened()
    assert rows(capture, "topsecret") == rows(capture, "hex:746f70736563726574") == []
    assert rows(capture, "Authorization: ***") == [0]


# --- Long contents, and recordings that forget


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_a_long_message_is_searched_to_its_end_piece_by_piece(compressed, masked):
    capture, connection = opened()
    size = PIECE // 3
    text = bytearray(b"." * (3 * PIECE))
    places = [0, PIECE - 2, PIECE - OVERLAP - 2, 2 * PIECE - 3, 3 * PIECE - 5]
    for place in places:
        text[place : place + 5] = b"Hello"
    payload = Deflater().deflate(bytes(text)) if compressed else bytes(text)
    step = len(payload) // 9 + 1 if compressed else size
    parts = [payload[at : at + step] for at in range(0, len(payload), step)]
    way = "client" if masked else "server"
    for number, part in enumerate(parts):
        capture.record(
            connection, way,
            encode_frame(
                0 if number else 1, part, fin=number == len(parts) - 1,
                rsv1=compressed and not number, masking_key=KEY if masked else None,
            ),
        )  # fmt: skip
    sizes = [len(content) for _, content in capture.index.parts(2)]
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    begin_in = {next(n for n, end in enumerate(ends, 2) if place < end) for place in places}
    for what in ("hello", "re:H[el]+o", "hex:48 65 6c 6c 6f"):
        assert rows(capture, what) == sorted(begin_in)


def test_a_long_frame_and_a_long_body_are_searched_to_their_ends():
    capture, connection = opened()
    long = b"x" * (2 * PIECE) + b"Hello"
    capture.record(connection, "client", encode_frame(2, long, masking_key=KEY))
    capture.record(connection, "server", encode_frame(1, long))
    plain = capture.open_connection()
    capture.record(plain, "client", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(long)
    capture.record(plain, "server", head + long)
    assert rows(capture, "xhello") == rows(capture, "re:xH") == [2, 3, 5]


@pytest.mark.parametrize("opcode", [0, 3, 9])
def test_a_long_frame_that_belongs_to_no_message_is_found_once(opcode):
    capture, connection = opened()
    capture.record(connection, "server", encode_frame(opcode, b"Hello" * (PIECE // 2)))
    capture.record(connection, "server", encode_frame(1, b"Hello"))
    assert [row for row in rows(capture, "hello") if row > 1] == [2, 3]


def test_a_limited_recording_is_searched_as_far_as_it_is_kept():
    capture, connection = opened(limit=20_000)
    finding = Finding(Search.parse("re:number \\d+").terms, capture)
    for number in range(5000):
        capture.record(connection, "server", encode_frame(1, b"number %d" % number))
        if number % 7 == 0:
            finding.step()
    while finding.step():
        pass
    assert sorted(finding.rows) == list(range(2, 5002))  # a search that keeps up misses nothing
    kept = rows(capture, "number")
    assert kept == list(range(kept[0], 5002))
    assert 2 < kept[0] < 5001
    assert rows(capture, "status=101") == [1]
    assert Search.parse("number").where(capture, 2) == ()


def test_a_search_that_began_in_what_is_forgotten_goes_on_behind_it():
    capture, connection = opened(limit=20_000)
    finding, deflater = Finding(Search.parse("number").terms, capture), Deflater()
    for number in range(3000):
        payload = deflater.deflate(b"number %d" % number)
        capture.record(connection, "server", encode_frame(1, payload, rsv1=True))
        if number in (0, 10):
            finding.step()
    while finding.step():
        pass
    assert set(range(2, 13)) <= set(finding.rows)
    assert finding.looked == 3002


# --- Regular expressions that take for ever


@pytest.mark.parametrize("text", ["(a+)+b", r"(\w+\s?)*$", "(a{1,3}){17,}b", "(.*?,){11}P"])
def test_an_expression_that_may_take_for_ever_is_given_up(text, monkeypatch):
    monkeypatch.setattr("wslab.wire.recording.patterns.PATIENCE", 0.05)
    capture, connection = opened()
    capture.record(connection, "server", encode_frame(1, b"a," * 30 + b"a" * 3_000 + b"!"))
    with pytest.raises(ValueError, match="takes too long on a content of 3,061 bytes"):
        capture.find(f"re:{text}")


@pytest.mark.parametrize(
    "text", ["(", "[z-a]", "a{99999999999}", "(?P<1>a)", "[a", "*", "(" * 500 + ")" * 500, "\\"]
)
def test_what_is_no_expression_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match="expected a regular expression") as refused:
        Search.parse(f"re:{text}")
    assert "\n" not in str(refused.value)


def test_an_expression_that_takes_too_long_on_one_content_is_given_up(monkeypatch):
    monkeypatch.setattr("wslab.wire.recording.patterns.PATIENCE", 0.0)
    capture, connection = opened()
    capture.record(connection, "server", encode_frame(1, b"a" * 20_000))
    with pytest.raises(ValueError, match=r"takes too long on a content of [\d,]+ bytes"):
        capture.find("re:(a*)!")
