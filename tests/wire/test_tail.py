"""What stands where frames stop fitting is named by what the bytes prove, and by nothing else."""

from __future__ import annotations

import gzip
import io
import json
import random
import time
import zlib

import pytest

from wslab.wire import Capture, accept_key, encode_frame, load_streams
from wslab.wire.accounts import json_pieces, text_pieces
from wslab.wire.recording.tail import Explanation, explanations

KEY = "bGFib3JhdG9yeS1rZXkhIQ=="
REQUEST = (
    "GET / HTTP/1.1\r\nHost: lab.example:8080\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\n\r\n"
).encode()
MASK = b"\x37\xfa\x21\x3d"
NEXT = b"\x81\x04next"


def of_server(data: bytes, response: bytes = RESPONSE) -> Capture:
    return load_streams(io.BytesIO(REQUEST), io.BytesIO(response + data))


def of_client(data: bytes) -> Capture:
    return load_streams(io.BytesIO(REQUEST + data), io.BytesIO(RESPONSE))


def found(capture: Capture) -> Explanation:
    (only,) = proven(capture)
    return only


def text(capture: Capture, brief: bool = False) -> str:
    return "".join(text_pieces(capture, brief=brief))


HELLO_127 = b"hello from the server, this is 127 or so" * 3
INNER = b"\x81\x7e\x00\xc8" + b"B" * 200
OUTER = b"\x81\x7e\x01\x2c" + b"A" * 150 + INNER + b"A" * 150

# what it is -> the server's bytes behind its 101, where in them the culprit begins and ends, what
# must be said of it
CULPRITS: dict[str, tuple[bytes, int, int, tuple[str, ...]]] = {
    "an HTTP response in the middle of frames": (
        b"\x81\x03oneHTTP/1.1 500 INTERNAL SERVER ERROR\r\nContent-Length: 21\r\n\r\n"
        b"Internal Server Error",
        5, 84, ("HTTP response, not a frame", "500 INTERNAL SERVER ERROR", "server's side"),
    ),
    "a second 101": (
        RESPONSE + b"\x81\x02yo",
        0, len(RESPONSE), ("HTTP response", "101 Switching Protocols", "frames go on: a text"),
    ),
    "a warning printed as text": (
        b"<br />\n<b>Warning</b>: Undefined index in server.php\x81\x02yo",
        0, 52, ("These 52 bytes are text, not a frame", "<b>Warning</b>", "printed"),
    ),
    "an extra line end": (b"\r\n\x81\x02yo", 0, 2, ("These 2 bytes are text",)),
    "a length in the other byte order": (
        b"\x81\x7e\x2c\x01" + b"z" * 300 + NEXT,
        0, 304, ("other byte order", "announces 11,265 bytes, and 306 are here", "is 300,"),
    ),
    "64 bits of length in the other byte order": (
        b"\x82\x7f\x70\x11\x01" + bytes(5) + b"z" * 70_000 + NEXT,
        0, 70_010, ("other byte order", "is 70,000,"),
    ),
    "64 bits of length where 126 stands": (
        b"\x81\x7e\0\0\0\0\0\0\x01\x2c" + b"z" * 300 + NEXT,
        0, 310, ("126 stands for 2 bytes of length, and 8 follow", "is 300,"),
    ),
    "32 bits of length where 127 stands": (
        b"\x81\x7f\0\0\x01\x2c" + b"z" * 300 + NEXT,
        0, 306, ("127 stands for 8 bytes of length, and 4 follow", "is 300,"),
    ),
    "characters counted": (
        b"\x81\x0egr\xc3\xbc\xc3\x9fe aus k\xc3\xb6ln\x81\x06tick 2",
        0, 19, ("counts characters", "announces 14", "are 17 bytes", "a text frame follows"),
    ),
    "UTF-16 units counted": (
        b"\x81\x06ok \xf0\x9f\x98\x80!\x81\x06tick 2",
        0, 10, ("counts UTF-16 units", "are 8 bytes"),
    ),
    "200 in one byte": (b"\x81\xc8" + b"x" * 200, 0, 202, ("extended length, which is missing",)),
    "200 in seven bits": (
        b"\x81\x48" + b'{"t":"' + b"y" * 193 + b'"' + NEXT,
        0, 202, ("extended length, which is missing", "The second byte is 48", "of 200"),
    ),
    "127 alone": (
        b"\x81\x7f" + HELLO_127,
        0, 122, ("127 stands for 8 bytes of extended length, and they are missing", "hello fr"),
    ),
    "16 bits of a length of 64": (
        b"\x81\x7e\x11\x70" + b"z" * 70_000 + NEXT,
        0, 70_004, ("needs 64 bits, and only the last 16 are here", "lowest 16 bits of 70,000"),
    ),
    "the other byte order in each frame": (
        b"\x81\x7e\x2c\x01" + b"z" * 300 + b"\x81\x7e\x2d\x01" + b"z" * 301 + NEXT,
        0, 615, ("other byte order", "is 300,", "The frames behind it are written alike"),
    ),
    "characters counted in each frame": (
        b"\x81\x03gr\xc3\xbc" + b"\x81\x06k\xc3\xb6lner" + b"\x81\x02\xc3\xbcb",
        0, 20, ("counts characters", "written alike"),
    ),
    "a length that counts the header": (
        b"\x81\x07Hello" + b"\x81\x07again" + b"\x81\x06tick" + NEXT,
        0, 26, ("it counts the header as well", 'With 5 the payload is "Hello"', "alike"),
    ),
    "a length one too small, in each frame": (
        b"\x81\x04Hello" + b"\x81\x04again" + b"\x81\x03tick" + b"\x81\x03tock",
        0, 26, ("it announces 1 byte too few", 'With 5 the payload is "Hello"'),
    ),
    "a JSON text with a length too small": (
        b'\x81\x10{"id":7,"m":"lab"}' + NEXT,
        0, 20, ("it announces 2 bytes too few", '"{"id":7,"m":"lab"}"'),
    ),
    "missing extended lengths of several sizes": (
        b"".join(b"\x81" + bytes([size]) + b"z" * (128 + size) for size in (2, 3, 4)),
        0, 399, ("extended length, which is missing", "lowest 7 bits of 130", "written alike"),
    ),
    "text behind a fragmented message": (
        b"\x01\x03one\x80\x03two" + b"Notice: x\n" + b"\x01\x05three\x80\x04four",
        10, 20, ('text, not a frame: "Notice: x', "frames go on: a text frame"),
    ),
    "messages of hixie-76 behind a handshake of today": (
        b"\0hello\xff\0hi\xff", 0, 11, ("2 messages of hixie-75 or hixie-76",),
    ),
    "a single word": (b"hello", 0, 5, ('text, not a frame: "hello"',)),
    "a text that was cut off": (
        b"\x81\x20cut off" + NEXT + NEXT,
        0, 9, ("announces 32 bytes, and 7 are here: then the next frame begins", "not written"),
    ),
    "a line end behind each frame": (
        b"\x81\x03one\n\x81\x03two\n\x81\x05three\n",
        5, 20, ("0a (a line end, as println writes it) stands behind each frame",),
    ),
    "a NUL behind each frame": (
        b"\x81\x03one\0\x81\x03two\0\x81\x05three\0",
        5, 20, ("00 (the end of a text in C) stands behind each frame",),
    ),
    "one stray byte": (
        b"\x81\x03one\0\x81\x05three" + NEXT, 5, 6, ("This byte is no part of a frame",),
    ),
    "a byte order mark": (b"\xef\xbb\xbf" + NEXT, 0, 3, ("byte order mark", "a text frame")),
    "coloured text": (
        b"\x1b[31mERROR\x1b[0m no such room\n" + NEXT, 0, 28, ('not a frame: "ERROR no such room',),
    ),
    "text in Latin-1": (
        b"Fehler: ung\xfcltige Gr\xf6\xdfe\n" + NEXT, 0, 24, ("in another encoding than UTF-8",),
    ),
    "frames in hex": (
        b"810548656c6c6f81026869", 0, 22, ("a frame in hex", 'text frame with the payload "Hello"'),
    ),
    "frames in Base64": (
        b"gQVIZWxsbw==gQJoaQ==", 0, 20, ("a frame in Base64", 'with the payload "Hello"'),
    ),
    "bytes as characters of UTF-8": (
        b"\xc2\x81\x05Hello\xc2\x81\x02hi", 0, 13,
        ("each of its bytes as a character of UTF-8", '"Hello"'),
    ),
    "bytes that a decoder replaced": (
        b"\xef\xbf\xbd\x05Hello\xef\xbf\xbd\x02hi", 0, 15,
        ("went through a text decoder", "U+FFFD"),
    ),
    "chunks of HTTP": (
        b"7\r\n\x81\x05Hello\r\n4\r\n\x81\x02hi\r\n", 0, 21,
        ("HTTP's chunks, with frames inside", '"7" is a size in hex'),
    ),
    "an alert of TLS": (b"\x15\x03\x03\0\2\2\x28", 0, 7, ("TLS", "handshake failure")),
    "gzip": (gzip.compress(b"<html>busy</html>") + NEXT, 0, 33, ("gzip", '"<html>busy</html>"')),
    "a chunked response": (
        b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n" + NEXT,
        0, 59, ("HTTP response", "frames go on: a text frame"),
    ),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 24, ("HTTP/2, not a frame",)),
    "MASK without a key": (
        b"\x81\x85Hello" + NEXT, 0, 7, ("MASK bit of this text frame is set", '"Hello"'),
    ),
    "a key without MASK": (
        b"\x81\x05\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 0, 11,
        ("MASK bit of this text frame is 0", '"Hello"', "the bytes end exactly"),
    ),
    "two headers and then two payloads": (
        b"\x81\x05\x81\x02Hellohi" + NEXT, 0, 11, ("Two frames were written at once", '"Hello"'),
    ),
    "one frame in another": (
        OUTER + b"\x81\x03end",
        0, 508, ("text frame of 204 bytes was written into the middle", "two threads"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CULPRITS)
def test_the_culprit_is_named_with_its_evidence(what):
    data, start, stop, words = CULPRITS[what]
    capture = of_server(data)
    one = found(capture)
    assert (one.connection, one.direction) == (1, "server")
    assert (one.offset, one.stop) == (len(RESPONSE) + start, len(RESPONSE) + stop)
    assert one.data == data[start:stop][:128]
    said = f"{one.says} {one.evidence}"
    assert all(word in said for word in words), said
    assert one.says in text(capture)
    assert one.says in text(capture, brief=True)
    (told,) = json.loads("".join(json_pieces(capture)))["explanations"]
    assert told == {
        "connection": 1, "direction": "server", "offset": one.offset, "length": one.length,
        "hex": one.data.hex(), "says": one.says, "evidence": one.evidence, "rfc": one.rfc,
    }  # fmt: skip


def masked(payload: bytes, header: bytes) -> bytes:
    return header + MASK + encode_frame(2, payload, masking_key=MASK)[-len(payload) :]


def test_the_client_s_frames_are_unmasked_before_they_are_read_once_more():
    after = encode_frame(1, b"next", masking_key=MASK)
    swapped = masked(b"z" * 300, b"\x81\xfe\x2c\x01")
    assert "other byte order" in found(of_client(swapped + after)).says
    counted = masked("Grüße".encode(), b"\x81\x85")
    assert "counts characters" in found(of_client(counted + after)).says
    short = masked(b"y" * 200, b"\x81\xc8")
    assert "extended length, which is missing" in found(of_client(short + after)).says
    outer = encode_frame(1, b"A" * 300, masking_key=MASK)
    mixed = outer[:100] + after + outer[100:] + after
    assert "text frame of 10 bytes was written into the middle" in found(of_client(mixed)).says
    for header, words in ((b"\x81\x85", "is set"), (b"\x81\x05" + MASK, "is 0")):
        plain = masked(b"Hello", b"")[4:] if len(header) > 2 else b"Hello"
        assert f"MASK bit of this text frame {words}" in found(of_client(2 * (header + plain))).says
    counted = masked(b"Hello", b"\x81\x89")
    assert "counts the masking key as well" in found(of_client(counted + 2 * after)).says
    asks = found(of_client(after + REQUEST))
    assert "HTTP request" in asks.says
    assert "client's side still asks" in asks.evidence


def test_what_follows_is_a_consequence_and_no_fault_of_its_own():
    capture = of_server(CULPRITS["one frame in another"][0])
    said = text(capture)
    assert said.count("a consequence of byte 129") == 4
    assert "message-interleaved" not in said
    assert "rsv1-without-extension" not in said


def test_many_consequences_are_one_line():
    junk = b"\x62\x00" * 50_000
    assert "not listed" in text(of_server(bytes(10_000)), brief=True)
    proven = b"\x81\x48" + b"y" * 200 + NEXT * 5 + junk
    for data, most in ((proven, 60), (junk, 1040)):
        for brief in (False, True):
            said = text(of_server(data), brief)
            assert "more broken units behind it are not listed" in said
            assert said.count("server ◀──") <= most


HEAD = RESPONSE.removesuffix(b"\r\n")
HEADS = {
    "no empty line": (HEAD, "the empty line is missing."),
    "a frame in place of the empty line": (HEAD + b"\x81\x07welcome", "a frame begins in its"),
    "blanks in the empty line": (HEAD + b" \r\n\x81\x07welcome", "should be empty holds blanks"),
    "line ends written out": (RESPONSE.replace(b"\r\n", rb"\r\n"), r"the four characters \r\n"),
    "the last line ends written out": (HEAD[:-2] + rb"\r\n\r\n", r"the four characters \r\n"),
    "line ends of CR alone": (RESPONSE.replace(b"\n", b""), "end with CR alone"),
}


@pytest.mark.parametrize("what", HEADS)
def test_a_head_that_never_ends_says_why(what):
    response, words = HEADS[what]
    one = found(of_server(b"", response))
    assert one.says.startswith("The head of this response never ends: ")
    assert words in one.says
    assert (one.direction, one.offset, one.length) == ("server", 0, len(response))
    assert one.rfc.startswith("RFC 9112 §2")


def test_a_client_that_waits_for_the_end_of_a_head_is_said_to_wait():
    hello = encode_frame(1, b"hi", masking_key=MASK)
    said = text(load_streams(io.BytesIO(REQUEST + hello), io.BytesIO(HEAD)))
    assert "8 bytes from the client are no whole unit: they wait for the end of the server" in said


def test_a_request_that_never_ends_says_why():
    capture = Capture(clock=lambda: 0.0)
    capture.record(capture.open_connection(), "client", REQUEST[:-2])
    assert "The head of this request never ends: the empty line is missing." in text(capture)


def test_a_body_that_goes_on_behind_its_length_is_named():
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\n"
    one = found(of_server(b"", head + b'{"message":"no"}'))
    assert (one.offset, one.length, one.rfc) == (len(head) + 9, 7, "RFC 9112 §6.3")
    assert "its Content-Length says 9, and 16 bytes of body are here" in one.says
    assert "With them the body is JSON" in one.evidence
    assert "They are text" in found(of_server(b"", head + b"no such room")).evidence
    for rest in (b"", b"\x81\x02hi", b"HTTP/1.1 200 OK\r\n"):
        assert not any(
            "Content-Length" in e.says for e in proven(of_server(b"", head + b"no such r" + rest))
        )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81\x05hello" * 20,
        b"\x81\x7e\x01\x2c" + b"z" * 299,  # cut at the end of a capture
        b"\x81\x05hel",
        b"\x81",
        b"\xc1\x05hello" * 3,  # a rule is broken, and the framing holds
        b"\x81\x85keyshello" * 3,
        b"\x01\x05hello\x01\x05again\x80\x00",
    ],
)
def test_where_the_framing_holds_nothing_is_explained(data):
    capture = of_server(data)
    assert not proven(capture)
    assert "a consequence" not in text(capture)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_said_of_healthy_frames_wherever_the_recording_ends(seed):
    chance = random.Random(seed)
    for _ in range(60):
        client, data = chance.random() < 0.5, b""
        for _ in range(chance.randrange(1, 9)):
            size = chance.choice([0, 1, 3, 60, 125, 126, 3000, 70_000])
            key = chance.randbytes(4) if client else None
            match chance.randrange(6):
                case 0:
                    data += encode_frame(2, chance.randbytes(size), masking_key=key)
                case 1:
                    data += encode_frame(9, chance.randbytes(min(size, 125)), masking_key=key)
                case 2:
                    data += encode_frame(2, bytes(size), masking_key=key)
                case 3:
                    data += encode_frame(1, b"x" * size, fin=False, masking_key=key)
                    data += encode_frame(0, b"x" * size, masking_key=key)
                case 4:  # frames inside of a message
                    inner = encode_frame(1, b"inner", masking_key=key) * (size % 20)
                    data += encode_frame(2, inner, masking_key=key)
                case _:
                    words = "".join(chance.choices('abc {}":é😀日', k=size)).encode()
                    data += encode_frame(1, words, masking_key=key)
        data = data[: chance.randrange(len(data)) or len(data)]
        assert explanations((of_client if client else of_server)(data)) == {}


@pytest.mark.parametrize("direction", ["client", "server"])
@pytest.mark.parametrize("odd", [b"\x83", b"\xa1", b"\xc1", b"\x80"])
def test_frames_that_break_other_rules_are_no_lost_framing(direction, odd):
    key = MASK if direction == "client" else None
    frames = [encode_frame(1, b"tick %d" % number, masking_key=key) for number in range(9)]
    broken = b"".join(odd + frame[1:] for frame in frames[:5]) + b"".join(frames[5:])
    assert explanations((of_client if key else of_server)(broken)) == {}


def proven(capture: Capture) -> list[Explanation]:
    return [one for one in explanations(capture).values() if one.proven]


def test_a_head_that_is_still_coming_is_not_explained():
    for cut in (1, 5, 20, 33, len(RESPONSE) - 3):
        assert explanations(of_server(b"", RESPONSE[:cut])) == {}


def test_compressed_texts_are_inflated_before_they_are_read_once_more():
    agreed = RESPONSE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    made = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = made.compress(b"lab lab lab lab") + made.flush(zlib.Z_SYNC_FLUSH)[:-4]
    counted = b"\xc1" + bytes([len(packed) + 4]) + packed
    one = found(of_server(3 * counted, agreed))
    assert "it counts the 00 00 ff ff that is taken off the end" in one.says
    assert 'the payload is "lab lab lab lab"' in one.evidence
    one = found(of_server(3 * (b"\xc1" + bytes([0x80 | len(packed)]) + packed), agreed))
    assert "MASK bit of this text frame is set, but no masking key" in one.says
    assert '"lab lab lab lab"' in one.evidence


def test_a_key_that_was_not_applied_or_turned_round_is_named():
    raw = masked(b"the quick brown fox", b"")[4:]
    turned = MASK[2:] + MASK[:2]
    for sent, words in (
        (MASK + b"the quick brown fox", "as it crossed the wire (the key was sent, but not"),
        (MASK[::-1] + raw, "with the key's bytes in the other order"),
        (turned + raw, "with the key from its byte 2 on"),
    ):
        (rule,) = of_client(b"\x81\x93" + sent).index.unit(2).violations
        assert f"{words}" in rule.text
        assert rule.text.endswith(': "the quick brown fox".')
    plain = zlib.compress(b"the quick brown fox")
    (rule,) = of_server(b"\x81" + bytes([len(plain)]) + plain).index.unit(2).violations
    assert "zlib's format" in rule.text
    (rule,) = of_server(b"\x81\x09\xe4\xf6\xfc tests").index.unit(2).violations
    assert "readable" not in rule.text


def test_a_window_that_explains_nothing_costs_little_time():
    data = b"\x81\xfe\xff\xff" * (1 << 17)
    began = time.process_time()
    explanations(of_client(data))
    explanations(of_client(b"\x81\xc8" * (1 << 18)))
    assert time.process_time() - began < 4


def test_what_nothing_proves_is_not_named():
    noise = bytes(range(255, 0, -1)) * 9
    assert not proven(of_server(noise))


# The example of draft-ietf-hybi-thewebsocketprotocol-00 §1.2 (hixie-76).
HIXIE = (
    b"GET /demo HTTP/1.1\r\nHost: lab.example\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://lab.example\r\n\r\n"
)
HIXIE_ANSWER = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Origin: http://lab.example\r\n"
    b"Sec-WebSocket-Location: ws://lab.example/demo\r\n\r\n"
)


def test_hixie_76_is_named_and_its_answer_checked():
    for answer, words in ((b"8jKS'y:G*Co,Wxa-", "are the MD5"), (b"x" * 16, "and are not")):
        capture = load_streams(
            io.BytesIO(HIXIE + b"^n:ds[4U"), io.BytesIO(HIXIE_ANSWER + answer + b"\0hello\xff")
        )
        both = explanations(capture)
        client, server = both[1, "client"], both[1, "server"]
        assert (client.offset, client.length) == (len(HIXIE), 8)
        assert (server.offset, server.length) == (len(HIXIE_ANSWER), 23)
        for one in (client, server):
            assert "hixie-76, a draft of 2010 that RFC 6455 replaced" in one.says
        assert words in server.evidence
        rules = [violation.rule for violation in capture.index.unit(0).violations]
        assert rules == ["hixie-76"]


def test_logins_in_a_head_between_frames_are_masked():
    page = b"HTTP/1.1 500 Oops\r\nSet-Cookie: sid=s3cr3t-s3cr3t\r\nContent-Length: 2\r\n\r\nhi"
    told = found(of_server(NEXT + page))
    assert told.data.startswith(b"HTTP/1.1 500 Oops\r\nSet-Cookie: *")
    assert (len(told.data), b"s3cr3t" in told.data) == (len(page), False)
    asks = b"GET /?token=s3cr3t-s3cr3t HTTP/1.1\r\nAuthorization: Bearer s3cr3t-s3cr3t\r\n\r\n"
    told = found(of_client(asks))
    assert "GET /?token=************* HTTP/1.1" in told.says
    assert b"s3cr3t" not in told.data


@pytest.mark.parametrize(
    ("direction", "head", "says"),
    [
        ("client", rb"GET / HTTP/1.1\r\nAuthorization: Bearer s3cr3t-s3cr3t\r\n\r\n", r"\r\n, not"),
        ("server", RESPONSE[:-2] + NEXT, "a frame begins in its place"),
    ],
)
def test_a_head_that_still_waits_is_read_as_it_came_and_shown_masked(direction, head, says):
    """In a live recording the line that has not ended is masked."""
    capture = Capture()
    connection = capture.open_connection()
    if direction == "server":
        capture.record(connection, "client", REQUEST)
    capture.record(connection, direction, head)
    told = found(capture)
    assert says in told.says
    assert b"s3cr3t" not in told.data
    assert told.data == capture.stream(connection, direction)[:128]
