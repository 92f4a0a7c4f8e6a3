"""Connections of which a capture has only a part: without their handshake, or one side alone."""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest

from wslab.wire import Capture, encode_frame, load, load_streams, save
from wslab.wire.formats import pcapng

from .test_gaps import DEFLATE, OFFER, lines, talk
from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import ACK, CLIENT, KEY, SERVER, SYN, ipv6, packets_of, pcap, read

TURNS = [
    ("client", encode_frame(1, b'{"op":"subscribe"}', masking_key=KEY)),
    ("server", encode_frame(1, b'{"ok":true}')),
    ("server", encode_frame(9)),
    ("client", encode_frame(10, masking_key=b"\x05\x06\x07\x08")),
]
SHOWN = [
    'client text "{"op":"subscribe"}"',
    'server text "{"ok":true}"',
    "server ping empty",
    "client pong empty",
]
LATE = (
    "connection 1 begins in the middle: its handshake is not in the file. Its client is the side "
    "that masks. What was agreed on is not known: RSV1 is taken for permessage-deflate"
)


def middle(*pieces: tuple[str, bytes]) -> list[tuple]:
    """The segments of a conversation that began before the capture."""
    return talk(*pieces, end=False)[4:]


def only(parts: list[tuple], sender: tuple) -> list[tuple]:
    """What a capture of one direction holds."""
    return [part for part in parts if part[0] == sender]


def test_masked_frames_tell_who_is_the_client():
    for turns in (TURNS, TURNS[1:] + TURNS):
        capture = read(pcap(packets_of(middle(*turns))))
        assert lines(capture)[-4:] == SHOWN
        assert capture.notes == [LATE]
        assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


def test_nothing_but_pings_and_pongs():
    turns = [
        turn
        for number in range(3)
        for turn in (
            ("server", encode_frame(9, b"%d" % number)),
            ("client", encode_frame(10, b"%d" % number, masking_key=bytes((number, 2, 3, 4)))),
        )
    ]
    capture = read(pcap(packets_of(middle(*turns), ipv6)))
    assert [row.kind for row in capture.index.rows()] == ["ping", "pong"] * 3


def test_one_side_of_the_middle():
    texts = [("server", encode_frame(1, b"price %d" % number)) for number in range(4)]
    capture = read(pcap(packets_of(middle(*texts))))
    assert lines(capture) == [f'server text "price {number}"' for number in range(4)]
    assert capture.notes == [
        LATE, "connection 1: nothing of what the client sent is in the file",
    ]  # fmt: skip


def test_it_begins_in_the_middle_of_a_frame(tmp_path):
    large = encode_frame(1, b"x" * 3000)
    pieces = [("server", large[start : start + 1000]) for start in range(400, 3000, 1000)]
    turns = [*pieces, *TURNS, ("server", encode_frame(0, b"end"))]
    capture = read(pcap(packets_of(middle(*turns))))
    (first, *rest) = lines(capture)
    assert first.startswith("server gap 2,604 bytes, the end of a frame whose beginning is missing")
    assert rest == [*SHOWN, "server continuation 65 6e 64"]
    gap = capture.index.unit(0)
    assert (gap.missing, gap.length, gap.violations) == (None, 2604, ())
    assert gap.fields[-1].meaning.endswith("reading goes on at byte 2,604")
    for name in ("c.jsonl", "c.pcapng"):
        assert lines(load(save(capture, tmp_path / name))) == lines(capture)


def test_a_request_alone():
    parts = only(talk(*TURNS), CLIENT)
    capture = read(pcap(packets_of(parts)))
    assert lines(capture) == ["client request GET /chat HTTP/1.1", SHOWN[0], SHOWN[3]]
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())
    assert capture.notes == [
        "connection 1: nothing of what the server sent is in the file; nothing tells that the "
        "upgrade was accepted: what the client sent after its request is read as frames"
    ]


def test_a_request_without_anything_behind_it_was_perhaps_refused():
    capture = read(pcap(packets_of(only(talk(), CLIENT))))
    assert lines(capture) == ["client request GET /chat HTTP/1.1"]
    assert capture.index.state(1) == "CONNECTING"


def test_a_101_alone():
    capture = read(pcap(packets_of(only(talk(*TURNS, response=DEFLATE), SERVER))))
    assert lines(capture) == ["server response 101 Switching Protocols", *SHOWN[1:3]]
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())
    assert capture.notes == [
        "connection 1: nothing of what the client sent is in the file: its key and what it "
        "offered are not known"
    ]


def test_the_handshake_s_answer_alone_is_lost():
    """The request, and from the next packet on the frames of both sides."""
    for syn in (0, 2):  # with and without the packets that open the connection
        parts = talk(*TURNS)[syn:]
        del parts[3 - syn]
        capture = read(pcap(packets_of(parts)))
        assert [line for line in lines(capture) if "gap" not in line] == [
            "client request GET /chat HTTP/1.1", *SHOWN,
        ]  # fmt: skip
        assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


def test_the_request_alone_is_lost():
    parts = talk(*TURNS)
    del parts[2]
    capture = read(pcap(packets_of(parts)))
    assert [line for line in lines(capture) if "gap" not in line] == [
        "server response 101 Switching Protocols", *SHOWN,
    ]  # fmt: skip
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


def test_another_protocol_s_101_is_left_out():
    other = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    follows = [("server", b"\0\0\x12\4\0\0\0\0\0" + bytes(18)), ("server", bytes(17))]
    for parts in (talk(*follows, request=request, response=other),
                  only(talk(*follows, request=request, response=other), SERVER)):  # fmt: skip
        assert not read(pcap(packets_of(parts))).index.connections


def test_compressed_messages_of_the_middle_are_inflated_where_they_can_be():
    from wslab.wire.protocol import Deflater

    deflater = Deflater()
    texts = [b"the same words again and again, number %d" % number for number in range(6)]
    packed = [encode_frame(1, deflater.deflate(text), rsv1=True) for text in texts]
    turns = [("server", one) for one in packed]
    capture = read(pcap(packets_of(middle(*TURNS, *turns))))
    assert lines(capture)[-1] == f'server text "{texts[-1].decode()}"'
    capture = read(pcap(packets_of(middle(*TURNS, *turns[3:]))))
    assert lines(capture)[-1].startswith("server text cannot be inflated")
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


@pytest.mark.parametrize("cuts", [1, 2, 7, 33])
def test_however_the_frames_are_cut(cuts):
    """Writes that were cut into small segments: those in the middle begin with no frame."""
    stream = b"".join(data for who, data in TURNS * 8 if who == "server")
    pieces = [("server", stream[start : start + cuts]) for start in range(0, len(stream), cuts)]
    capture = read(pcap(packets_of(middle(*pieces))))
    assert [row.kind for row in capture.index.rows()] == ["text", "ping"] * 8


# --- What is no WebSocket -------------------------------------------------------------------------


def _dns(random: random.Random) -> bytes:
    message = random.randbytes(2) + b"\1\0\0\1\0\0\0\0\0\0" + b"\7example\3com\0\0\1\0\1"
    return struct.pack("!H", len(message)) + message


def _mqtt(random: random.Random) -> bytes:
    topic = random.randbytes(random.randrange(1, 40)).hex().encode()[:90]
    body = random.randbytes(2) + struct.pack("!H", len(topic)) + topic + b"\0"
    return b"\x82" + bytes((len(body),)) + body


def _suback(random: random.Random) -> bytes:
    return b"\x90\x03" + random.randbytes(2) + b"\0"


def _tls(random: random.Random) -> bytes:
    size = random.randrange(30, 400)
    return b"\x17\3\3" + struct.pack("!H", size) + random.randbytes(size)


def _redis(random: random.Random) -> bytes:
    word = random.randbytes(8).hex().encode()
    return b"*2\r\n$3\r\nGET\r\n$16\r\n" + word + b"\r\n"


def _postgresql(random: random.Random) -> bytes:
    word = b"SELECT %d" % random.randrange(10**9)
    bind = b"B" + struct.pack("!I", 14) + b"\0\0\0\0\0\0\0\0\0\0"
    return b"P" + struct.pack("!I", len(word) + 8) + b"\0" + word + b"\0\0\0" + bind


def _notices(random: random.Random) -> bytes:
    return b"A" + struct.pack("!I", 20) + random.randbytes(16)


def _protobuf(random: random.Random) -> bytes:
    text = random.randbytes(random.randrange(1, 50)).hex().encode()[:100]
    body = b"\x08" + bytes((random.randrange(128),)) + b"\x12" + bytes((len(text),)) + text
    return struct.pack("!I", len(body)) + body


def _short_length(random: random.Random) -> bytes:
    """A length of two bytes before each message: most are few bytes, some 0x8100 or so."""
    size = random.choice((5, 60, 100, 0x0181, 0x0205, 0x0120))
    return struct.pack("!H", size) + random.randbytes(size)


def _typed(random: random.Random) -> bytes:
    size = random.randrange(100)
    return bytes((random.choice((1, 2, 3)), size)) + random.randbytes(size)


def _message_pack(random: random.Random) -> bytes:
    return b"\x82\xa4type\xa5price\xa5value\xcb" + random.randbytes(8) + b"\xa1n\1"


def _memcached(random: random.Random) -> bytes:
    return b"\x81\0\0\0\4\0\0\0\0\0\0\7" + random.randbytes(4) + bytes(11) + random.randbytes(7)


def _chinese(random: random.Random) -> bytes:
    return "".join(chr(random.randrange(0x4E00, 0x9FA5)) for _ in range(60)).encode() + b"\r\n"


def _noise(random: random.Random) -> bytes:
    return random.randbytes(random.randrange(1, 300))


def _zeros(random: random.Random) -> bytes:
    return bytes(random.randrange(2, 300))


def _deflated(random: random.Random) -> bytes:
    return zlib.compress(random.randbytes(100).hex().encode())


@pytest.mark.parametrize("mine", [
    _dns, _mqtt, _tls, _redis, _postgresql, _notices, _protobuf, _short_length, _typed,
    _message_pack, _memcached, _chinese, _noise, _zeros, _deflated,
])  # fmt: skip
def test_another_protocol_s_middle_is_left_out(mine):
    other = _suback if mine is _mqtt else mine
    for seed in range(20):
        chance = random.Random(seed)
        pieces = [(("client", "server")[n % 2], (other if n % 2 else mine)(chance))
                  for n in range(60)]  # fmt: skip
        for parts in (middle(*pieces), middle(*((who, data) for who, data in pieces if data))):
            capture = pcapng.read(pcap(packets_of(parts)))
            assert not capture.index.connections, (seed, lines(capture)[:5])
        if mine is not _mqtt:  # its SUBSCRIBE alone looks like frames of a server
            capture = pcapng.read(pcap(packets_of(only(middle(*pieces), CLIENT))))
            assert not capture.index.connections, (seed, lines(capture)[:5])


def test_frames_behind_a_syn_are_no_websocket():
    """The file has the beginning, and no request stands there."""
    parts = [(CLIENT, SERVER, 999 + len(REQUEST), b"", SYN),
             (SERVER, CLIENT, 4999 + len(RESPONSE), b"", SYN | ACK), *middle(*TURNS)]  # fmt: skip
    assert not read(pcap(packets_of(parts))).index.connections


# --- Raw streams ----------------------------------------------------------------------------------


def streams(client: bytes | None, server: bytes | None) -> Capture:
    return load_streams(*(None if one is None else io.BytesIO(one) for one in (client, server)))


def test_a_raw_stream_that_begins_in_the_middle():
    server = bytes.fromhex("226f6b223a317d 8108 7b226f6b223a327d 8108 7b226f6b223a337d")
    client = encode_frame(1, b'{"op":"a"}', masking_key=KEY)
    for capture in (streams(client, server), streams(None, server)):
        assert lines(capture)[-3:] == [
            "server gap 7 bytes, the end of a frame whose beginning is missing: "
            + '""ok":1}"'[: 80 - 64],
            'server text "{"ok":2}"',
            'server text "{"ok":3}"',
        ]
        assert capture.notes[0].startswith("it begins in the middle of a connection")


def test_a_raw_request_and_frames_without_its_101():
    client = b"".join([REQUEST, *(data for who, data in TURNS if who == "client")])
    server = b"".join(data for who, data in TURNS if who == "server")
    capture = streams(client, server)
    assert sorted(lines(capture)) == sorted(["client request GET /chat HTTP/1.1", *SHOWN])
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


def test_a_raw_101_and_frames_without_its_request():
    client = b"".join(data for who, data in TURNS if who == "client")
    server = b"".join([RESPONSE, *(data for who, data in TURNS if who == "server")])
    capture = streams(client, server)
    assert sorted(lines(capture)) == sorted(["server response 101 Switching Protocols", *SHOWN])
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


def test_deflate_that_was_offered_is_assumed_where_the_answer_is_missing():
    packed = encode_frame(1, bytes.fromhex("f248cdc9c90700"), rsv1=True, masking_key=KEY)
    capture = read(pcap(packets_of(only(talk(("client", packed), request=OFFER), CLIENT))))
    assert lines(capture)[-1] == 'client text "Hello"'


def test_the_end_of_a_text_with_blanks_is_no_request():
    turns = [
        ("server", b'"words with blanks": "GET me, please, a long text that has no end"}'),
        *TURNS,
    ]
    capture = read(pcap(packets_of(middle(*turns))))
    assert lines(capture)[1:] == SHOWN


@pytest.mark.parametrize("cut", range(1, 40))
def test_raw_streams_cut_anywhere(cut):
    """Whatever byte they begin with, the whole frames behind it are read, and nobody is blamed."""
    texts = [b'{"n":%d,"said":"a few words"}' % number for number in range(3)]
    client = b"".join(encode_frame(1, text, masking_key=KEY) for text in texts)
    server = b"".join(encode_frame(1, text) for text in texts)
    capture = streams(client[cut:], server[cut:])
    # 28 bytes of text in each frame.
    for direction, size in (("client", 34), ("server", 30)):
        read = [m.text.encode() for m in capture.index.messages() if m.direction == direction]
        assert read == texts[-(-cut // size) :]
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())


def test_raw_frames_that_need_what_came_before():
    rest = encode_frame(0, b"lo", fin=False) + encode_frame(0, b"!") + encode_frame(1, b"next")
    capture = streams(None, rest)
    assert lines(capture)[-1] == 'server text "next"'
    assert not any(capture.index.unit(row.number).violations for row in capture.index.rows())
    capture = streams(None, bytes.fromhex("c1 07 f2 48 cd c9 c9 07 00"))  # of RFC 7692 §7.2.3.1
    assert lines(capture) == ['server text "Hello"']
    broken = streams(None, bytes.fromhex("c1 05 48 65 6c 6c 6f"))
    assert [v.rule for v in broken.index.unit(0).violations] == ["rsv1-without-extension"]
