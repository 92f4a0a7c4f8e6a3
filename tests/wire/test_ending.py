"""How a connection ended is told from its bytes, its FIN and RST, and their times."""

from __future__ import annotations

import io
import json
import struct
import time

import pytest

from wslab.wire import Capture, accept_key, load_streams
from wslab.wire.accounts import json_pieces, text_pieces
from wslab.wire.formats import jsonl, pcapng
from wslab.wire.formats.raw_streams import load_followed, load_joined
from wslab.wire.recording import Ending, Endings, endings

from .test_pcapng import ACK, CLIENT, FIN, RST, SERVER, SYN, ipv4, tcp
from .test_tail import KEY, REQUEST, RESPONSE

REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
WRONG = RESPONSE.replace(accept_key(KEY).encode(), b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
MASK = "81 82 00 00 00 00 68 69"  # "hi", from the client
TEXT = "81 02 68 69"
# A close frame, from the client (with the key 00 00 00 00) and from the server.
C1000, S1000 = "88 82 00 00 00 00 03 e8", "88 02 03 e8"
C1001, S1001 = "88 82 00 00 00 00 03 e9", "88 02 03 e9"
C1002, S1002 = "88 82 00 00 00 00 03 ea", "88 02 03 ea"
C1009, S1009 = "88 82 00 00 00 00 03 f1", "88 02 03 f1"
CEMPTY, SEMPTY = "88 80 00 00 00 00", "88 00"
PING, PONG = "89 00", "8a 80 00 00 00 00"

Step = tuple[float, str, str | bytes]
"""Seconds, "client" or "server", and bytes (in hex), or "fin" or "rst"."""


def add(capture: Capture, connection: int, *steps: Step) -> None:
    for at, whom, what in steps:
        assert whom in ("client", "server")
        if what in ("fin", "rst"):
            capture.end(connection, whom, "eof" if what == "fin" else "reset", at=at)
        else:
            data = what if isinstance(what, bytes) else bytes.fromhex(what)
            capture.record(connection, whom, data, at=at)


def opened(*steps: Step, response: bytes = RESPONSE) -> Capture:
    """A recording of one connection whose handshake is over after 0.2 seconds."""
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection(at=0.0)
    add(capture, connection, (0.1, "client", REQUEST))
    if response:
        add(capture, connection, (0.2, "server", response))
    add(capture, connection, *steps)
    return capture


def found(*steps: Step, response: bytes = RESPONSE) -> Ending:
    (only,) = endings(opened(*steps, response=response)).values()
    return only


# What it is -> the steps after the handshake; by whom and how; the codes that the APIs say; the
# sentence; words that the evidence has.
CASES: dict[
    str, tuple[list[Step], tuple[str, str], tuple[int | None, int | None], str, tuple[str, ...]]
] = {
    "an idle limit of a proxy": (
        [(60.2, "server", "fin"), (60.21, "client", "fin")],
        ("server", "fin"), (1006, 1006),
        "60 s of silence, then the server's side sent FIN without a close frame: both APIs say "
        "1006.",
        ("usual idle limit of proxies", "wasClean is false", "ConnectionClosedError."),
    ),
    "a proxy that resets": (
        [(350.2, "client", "rst")],
        ("client", "reset"), (1006, 1006),
        "350 s of silence, then the client's side sent RST without a close frame: both APIs say "
        "1006.",
        ("AWS's Network Load Balancer",),
    ),
    "no famous limit": (
        [(45.2, "server", "fin"), (45.3, "client", "fin")],
        ("server", "fin"), (1006, 1006),
        "45 s of silence, then the server's side sent FIN without a close frame: both APIs say "
        "1006.",
        ("A browser's wasClean is false. Python",),
    ),
    "closed by the client": (
        [(1, "client", C1000), (1.1, "server", S1000), (1.1, "server", "fin"),
         (1.2, "client", "fin")],
        ("server", "fin"), (1000, 1000),
        "Close 1000 from the client, close 1000 from the server, then the server's side sent FIN: "
        "both APIs say 1000.",
        ("wasClean is true", "ConnectionClosedOK."),
    ),
    "closed without a code": (
        [(1, "server", SEMPTY), (1.1, "client", CEMPTY), (1.1, "server", "fin"),
         (1.2, "client", "fin")],
        ("server", "fin"), (1005, 1005),
        "Close without a code from the server, close without a code from the client, then the "
        "server's side sent FIN: both APIs say 1005.",
        ("wasClean is true", "ConnectionClosedOK."),
    ),
    "two codes that cross": (
        [(1, "client", "88 82 00 00 00 00 0f a0"), (1.1, "server", "88 02 0f a1"),
         (1.2, "server", "fin"), (1.3, "client", "fin")],
        ("server", "fin"), (4001, 4000),
        "Close 4000 from the client, close 4001 from the server, then the server's side sent FIN: "
        "the client's API says 4001, the server's 4000.",
        ("wasClean is true", "ConnectionClosedError."),
    ),
    "one close frame, and no answer": (
        [(1, "server", S1001), (1, "server", "fin"), (1.1, "client", "fin")],
        ("server", "fin"), (1001, 1006),
        "Close 1001 from the server without an answer, then the server's side sent FIN: the "
        "client's API says 1001, the server's 1006.",
        (),
    ),
    "a close frame that is never answered": (
        [(1, "client", C1000), (11, "client", "fin"), (11.1, "server", "fin")],
        ("client", "fin"), (1006, 1000),
        "Close 1000 from the client without an answer, then 10 s of silence, then the client's "
        "side sent FIN: the client's API says 1006, the server's 1000.",
        ("wasClean is false",),
    ),
    "a client that ends TCP first": (
        [(1, "client", C1000), (1.1, "server", S1000), (1.2, "client", "fin"),
         (1.3, "server", "fin")],
        ("client", "fin"), (1000, 1000),
        "Close 1000 from the client, close 1000 from the server, then the client's side sent FIN: "
        "both APIs say 1000.",
        ("the server should end TCP first (§7.1.1)",),
    ),
    "a reset after the closing handshake": (
        [(1, "client", C1000), (1.1, "server", S1000), (1.2, "client", "rst")],
        ("client", "reset"), (1000, 1000),
        "Close 1000 from the client, close 1000 from the server, then the client's side sent RST: "
        "both APIs say 1000.",
        ("The closing handshake was complete",),
    ),
    "a server that fails the connection": (
        [(1, "server", S1009), (1.1, "client", C1009), (1.2, "server", "fin"),
         (1.2, "client", "fin")],
        ("server", "fin"), (1009, None),
        "Close 1009 from the server, close 1009 from the client, then the server's side sent FIN: "
        "the client's API says 1009.",
        ("1006 if it failed the connection by itself, and 1009 if its program chose 1009",),
    ),
    "a server that fails and does not wait": (
        [(1, "server", S1009), (1, "server", "fin"), (1.1, "client", C1009),
         (1.2, "client", "fin")],
        ("server", "fin"), (1009, 1006),
        "Close 1009 from the server, then the server's side sent FIN, then close 1009 from the "
        "client: the client's API says 1009, the server's 1006.",
        (),
    ),
    "an answer that comes late": (
        [(1, "server", S1001), (1, "server", "fin"), (1.1, "client", C1001),
         (1.2, "client", "fin")],
        ("server", "fin"), (1001, None),
        "Close 1001 from the server, then the server's side sent FIN, then close 1001 from the "
        "client: the client's API says 1001.",
        ("Close 1001 came after the server's side had ended.",),
    ),
    "a close frame that the client answers with 1002": (
        [(1, "server", "88 01 03"), (1.1, "client", C1002), (1.2, "server", "fin"),
         (1.2, "client", "fin")],
        ("server", "fin"), (1006, 1002),
        "A broken close frame from the server, close 1002 from the client, then the server's side "
        "sent FIN: the client's API says 1006, the server's 1002.",
        (),
    ),
    "a close frame behind what breaks a rule": (
        [(1, "client", "81 02 68 69"), (1, "client", C1000), (1.1, "server", S1002),
         (1.1, "server", "fin"), (1.2, "client", "fin")],
        ("server", "fin"), (1002, None),
        "Close 1000 from the client, close 1002 from the server, then the server's side sent FIN: "
        "the client's API says 1002.",
        ("1006 if it failed the connection by itself, and 1000 if its program chose 1002",),
    ),
    "a broken close frame, and no more": (
        [(1, "server", "88 02 03 ee"), (1.2, "server", "fin"), (1.2, "client", "fin")],
        ("server", "fin"), (None, 1006),
        "A broken close frame from the server without an answer, then the server's side sent FIN: "
        "the server's API says 1006.",
        (),
    ),
    "in the middle of a frame": (
        [(1, "server", "81 7e 01 2c 61 62 63"), (1.2, "server", "rst")],
        ("server", "reset"), (1006, 1006),
        "The server's side sent RST without a close frame, in the middle of a text frame from the "
        "server (7 of 304 bytes): both APIs say 1006.",
        (),
    ),
    "in the middle of a message in fragments": (
        [(1, "client", "01 82 00 00 00 00 68 69"), (1.2, "client", "fin"),
         (1.3, "server", "fin")],
        ("client", "fin"), (1006, 1006),
        "The client's side sent FIN without a close frame, in the middle of a message in fragments "
        "from the client: both APIs say 1006.",
        (),
    ),
    "a ping without a pong": (
        [(10, "server", PING), (30, "server", "88 02 03 f3"), (30, "server", "rst")],
        ("server", "reset"), (1011, 1006),
        "Close 1011 from the server without an answer, then the server's side sent RST: the "
        "client's API says 1011, the server's 1006.",
        ("A ping from the server had no pong for 20 s before this end.", "Where RST came before"),
    ),
    "pings without a pong": (
        [(5, "server", PING), (5.1, "client", PONG), (10, "server", PING), (40, "server", PING),
         (70, "server", "fin"), (70, "client", "fin")],
        ("server", "fin"), (1006, 1006),
        "30 s of silence, then the server's side sent FIN without a close frame: both APIs say "
        "1006.",
        ("2 pings from the server had no pong, the first for 60 s before this end.",),
    ),
    "a half that goes on": (
        [(1, "client", "fin"), (2, "server", TEXT), (3, "server", "fin")],
        ("client", "fin"), (1006, 1006),
        "The client's side sent FIN without a close frame; the server's side still sent something: "
        "both APIs say 1006.",
        (),
    ),
    "one half": (
        [(1, "server", "fin")],
        ("server", "fin"), (1006, None),
        "The server's side sent FIN without a close frame; no FIN from the client's side is "
        "recorded: the client's API says 1006.",
        (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_an_ending_is_told(what):
    steps, (by, how), (client, server), says, words = CASES[what]
    ending = found(*steps)
    assert ending.says == says
    assert (ending.by, ending.how) == (by, how)
    assert (ending.client_code, ending.server_code) == (client, server)
    for part in words:
        assert part in f"{ending.evidence} {ending.programs}"
    assert ending.over == (what != "one half")


@pytest.mark.parametrize("what", CASES)
def test_it_is_the_same_however_the_bytes_are_cut(what):
    steps, _, _, says, _ = CASES[what]
    pieces: list[Step] = []
    for at, whom, data in steps:
        if data in ("fin", "rst"):
            pieces.append((at, whom, data))
        else:
            pieces += [(at, whom, bytes([byte])) for byte in bytes.fromhex(str(data))]
    assert found(*pieces).says == says


def test_a_handshake_without_an_answer_is_no_websocket():
    ending = found((5.1, "server", "fin"), (5.2, "client", "fin"), response=b"")
    assert ending.says == (
        "5 s of silence, then the server's side sent FIN; the recording shows no whole answer to "
        "the handshake."
    )
    assert (ending.client_code, ending.server_code) == (None, None)
    assert "1006 all the same" in ending.programs


def test_a_refusal_is_no_websocket():
    ending = found((0.3, "server", "fin"), (0.4, "client", "fin"), response=REFUSED)
    assert ending.says == (
        "The handshake was answered with 403, then the server's side sent FIN: no WebSocket "
        "existed."
    )
    assert "1006 all the same" in ending.programs


def test_a_101_that_the_client_must_refuse_is_no_close():
    ending = found((0.3, "client", "fin"), (0.4, "server", "fin"), response=WRONG)
    assert ending.says == ("A 101 that the client must refuse, then the client's side sent FIN.")


def test_what_the_recording_lacks_is_not_said():
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection(at=0.0)
    add(capture, 1, (0.1, "client", REQUEST), (0.2, "client", "fin"))
    (ending,) = endings(capture).values()
    assert ending.evidence == ending.programs == ""
    assert (ending.client_code, ending.server_code) == (None, None)


def test_a_connection_that_goes_on_has_no_ending():
    assert endings(opened((1, "client", MASK), (2, "server", TEXT))) == {}
    assert endings(opened((1, "client", C1000), (2, "server", S1000))) == {}


def test_plain_http_has_no_ending():
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    add(capture, 1, (0, "client", b"GET / HTTP/1.1\r\nHost: lab.example\r\n\r\n"),
        (0.1, "server", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        (0.2, "server", "fin"), (0.3, "client", "fin"))  # fmt: skip
    capture.open_connection()
    add(capture, 2, (0.2, "client", "rst"))
    assert endings(capture) == {}


@pytest.mark.parametrize("answer", [
    b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
])  # fmt: skip
def test_another_upgrade_is_no_handshake_for_a_websocket(answer):
    ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    add(capture, 1, (0, "client", ask), *([(0.1, "server", answer)] if answer else []))
    add(capture, 1, (0.2, "server", "fin"), (0.3, "client", "fin"))
    assert endings(capture) == {}


FOLLOWED = f"{REQUEST.hex()}\n\t{RESPONSE.hex()}\n8100\n"


def test_raw_streams_have_no_ending():
    assert endings(load_streams(io.BytesIO(REQUEST), io.BytesIO(RESPONSE))) == {}
    for joined in (load_joined(REQUEST + RESPONSE), load_followed(FOLLOWED)):
        assert endings(joined) == {}


# --- The debugger


def test_the_tap_ends_a_connection():
    capture = opened((1, "client", MASK))
    for direction in ("client", "server"):
        capture.mark(1, direction, "cut", note="RST", at=2.0)
        capture.end(1, direction, "reset", at=2.0)
    (ending,) = endings(capture).values()
    assert ending.says == (
        "1 s of silence, then the tap ended TCP with RST without a close frame: both APIs say 1006."
    )
    assert (ending.by, ending.how) == (None, "cut")


def test_the_tap_ends_one_direction():
    capture = opened((1, "client", MASK))
    capture.mark(1, "server", "cut", note="FIN", at=1.5)
    add(capture, 1, (2, "client", C1000), (2.1, "client", "fin"), (2.2, "server", "fin"))
    (ending,) = endings(capture).values()
    assert ending.says == (
        "The tap ended TCP with FIN without a close frame, then close 1000 from the client: the "
        "client's API says 1006, the server's 1000."
    )


def test_a_close_frame_that_the_debugger_drops_does_not_arrive():
    capture = opened((1, "client", C1000))
    size = len(REQUEST)
    capture.mark(1, "client", "dropped", size, 8, note="by hand", at=1)
    add(capture, 1, (11, "client", "fin"), (11.1, "server", "fin"))
    (ending,) = endings(capture).values()
    assert ending.says == (
        "Close 1000 from the client (dropped) without an answer, then 10 s of silence, then the "
        "client's side sent FIN: both APIs say 1006."
    )


# --- Silence


def test_pings_without_pongs_while_the_recording_goes_on_are_silence():
    capture = opened((10, "client", "89 80 00 00 00 00"), (30, "client", "89 80 00 00 00 00"))
    capture.open_connection(at=50)
    (ending,) = endings(capture).values()
    assert ending.says.startswith(
        "The server's side fell silent: 2 pings from the client had no pong, the first for 40 s. "
    )
    assert (ending.by, ending.how) == ("server", "silence")
    assert (ending.client_code, ending.server_code) == (None, None)


def test_an_answered_ping_is_no_silence():
    capture = opened((10, "server", PING), (10.1, "client", PONG))
    capture.open_connection(at=500)
    assert endings(capture) == {}


def test_where_pongs_may_be_missing_nobody_is_silent():
    steps = (10, "server", PING), (30, "server", PING), (61, "server", PING)
    assert endings(opened(*steps)) != {}
    assert endings(opened(*steps, (62, "client", MASK))) == {}  # it talks
    capture = opened(*steps)
    for number in range(3):
        capture.mark(1, "server", "dropped", len(RESPONSE) + 2 * number, 2, at=61)
    assert endings(capture) == {}
    capture = opened(*steps)
    capture.only_messages = True  # as a HAR
    assert endings(capture) == {}
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection(at=0)
    add(capture, 1, (0.2, "server", RESPONSE), *steps)
    assert endings(capture) == {}


# --- Packets

A, B = 1000, 5000
"""The sequence numbers of the first bytes of the client and of the server."""
HI = b"\x81\x02hi"
Packet = tuple[float, bytes]


def segment(at: float, whom: str, sequence: int, data: bytes = b"", flags: int = ACK) -> Packet:
    ends = (CLIENT, SERVER) if whom == "client" else (SERVER, CLIENT)
    return at, ipv4(*ends, tcp(*ends, sequence, data, flags))


def handshake() -> list[Packet]:
    return [
        segment(0, "client", A - 1, flags=SYN),
        segment(0.01, "server", B - 1, flags=SYN | ACK),
        segment(0.02, "client", A, REQUEST),
        segment(0.03, "server", B, RESPONSE),
    ]


def pcap(*packets: Packet) -> bytes:
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for at, packet in packets:
        when = 1_700_000_000 + int(at), round(at % 1 * 1e6)
        file += struct.pack("<IIII", *when, len(packet), len(packet)) + packet
    return file


def captured(*packets: Packet) -> Capture:
    """A pcap of a handshake and of these packets, read."""
    file = pcap(*handshake(), *packets)
    capture = pcapng.read(file)
    assert endings(pcapng.read(file, twice=True)) == endings(capture)
    return capture


A1, B1 = A + len(REQUEST), B + len(RESPONSE)


def test_what_is_sent_again_without_an_answer_is_silence():
    capture = captured(
        segment(1, "server", B1, HI),
        *(segment(1 + wait, "server", B1, HI) for wait in (0.2, 0.6, 1.4, 3, 6.2)),
    )
    (ending,) = endings(capture).values()
    assert ending.says == (
        "The client's side fell silent: the server sent bytes again 5 times over 6 s without an "
        "answer. Its end is not in the recording; each API waits until its own patience ends."
    )
    assert (ending.by, ending.how) == ("client", "silence")
    assert (ending.client_code, ending.server_code) == (None, None)


def test_it_explains_a_reset_that_follows():
    capture = captured(
        segment(1, "server", B1, HI),
        *(segment(1 + wait, "server", B1, HI) for wait in (0.2, 0.6, 1.4, 3, 6.2)),
        segment(20, "server", B1 + len(HI), flags=RST),
    )
    (ending,) = endings(capture).values()
    assert ending.says == (
        "19 s of silence, then the server's side sent RST without a close frame: both APIs say "
        "1006."
    )
    assert "The server sent bytes again 5 times over 6 s without an answer" in ending.evidence


def test_what_is_sent_again_to_a_side_that_was_not_captured_is_no_silence():
    packets = [(at, packet) for at, packet in handshake() if packet[12:16] == SERVER[0]]
    packets += [segment(1 + wait, "server", B1, HI) for wait in (0, 0.2, 0.6, 1.4, 3, 6.2)]
    assert endings(pcapng.read(pcap(*packets))) == {}


@pytest.mark.parametrize("answer", [b"", HI])
def test_what_is_sent_again_and_answered_is_no_silence(answer):
    assert not endings(captured(
        segment(1, "server", B1, HI),
        *(segment(1 + wait, "server", B1, HI) for wait in (0.2, 0.6, 1.4, 3, 6.2)),
        segment(7.3, "client", A1, answer),
    ))  # fmt: skip


def test_packets_that_were_captured_twice_are_no_silence():
    packets = [segment(at, "server", B1 + at * len(HI), HI) for at in range(1, 4)]
    assert not endings(captured(*(one for one in packets for _ in range(2))))


def test_a_close_frame_may_stand_in_a_gap_at_the_end():
    capture = captured(
        segment(1, "server", B1, HI),
        segment(2, "client", A1, bytes.fromhex(C1000)),
        segment(3, "server", B1 + len(HI) + 4, flags=FIN | ACK),
        segment(3.1, "client", A1 + 8, flags=FIN | ACK),
    )
    (ending,) = endings(capture).values()
    assert ending.says == (
        "Close 1000 from the client, then 1 s of silence, then the server's side sent FIN; the "
        "recording lacks the last bytes of the server: the server's API says 1000."
    )
    assert (ending.client_code, ending.server_code) == (None, 1000)


def test_a_gap_before_other_frames_holds_no_close_frame():
    capture = captured(
        segment(1, "server", B1, HI),
        *(segment(2, "server", B1 + (n + 2) * len(HI), HI) for n in range(5)),
        segment(3, "server", B1 + 7 * len(HI), flags=FIN | ACK),
        segment(3.1, "client", A1, flags=FIN | ACK),
    )
    (ending,) = endings(capture).values()
    assert (ending.client_code, ending.server_code) == (1006, 1006)


def test_a_silence_is_saved():
    capture = captured(*(segment(wait, "server", B1, HI) for wait in (1, 1.2, 1.6, 2.4)))
    text = "".join(jsonl.lines(capture))
    assert endings(jsonl.read(io.BytesIO(text.encode()), "it")) == endings(capture) != {}


def test_a_pause_counts_from_the_last_bytes_and_not_from_an_acknowledgement():
    capture = captured(
        segment(1, "server", B1, HI),
        segment(40, "client", A1),
        segment(61, "server", B1 + len(HI), flags=FIN | ACK),
        segment(61.1, "client", A1, flags=FIN | ACK),
    )
    (ending,) = endings(capture).values()
    assert ending.pause == pytest.approx(60)


# --- Where it is told


def test_it_stands_among_the_units():
    capture = opened((1, "client", MASK), (61, "server", "fin"), (61.1, "client", "fin"))
    brief = "".join(text_pieces(capture, brief=True)).splitlines()
    assert brief[-2:] == [
        "          61.000000 end: 60 s of silence, then the server's side sent FIN without a close "
        "frame: both APIs say 1006.",
        "3 units in 1 connection",
    ]
    whole = "".join(text_pieces(capture))
    assert " ".join(whole.split()).endswith(
        "both APIs say 1006. 60 s is a usual idle limit of proxies (nginx, AWS ALB); a ping every "
        "20 to 30 s keeps a connection open. A browser's wasClean is false. Python's websockets "
        "raises ConnectionClosedError. (RFC 6455 §7.1.5) 3 units in 1 connection"
    )


def test_it_is_in_the_json():
    capture = opened((1, "client", MASK), (2, "server", "rst"))
    account = json.loads("".join(json_pieces(capture)))
    assert [unit["time"] for unit in account["units"]] == [0.1, 0.2, 1]
    (ending,) = account["endings"]
    assert ending == endings(capture)[1]._asdict()


# --- A recording that grows


def test_only_what_is_new_is_told_again():
    capture = opened((1, "client", MASK))
    growing = Endings(capture)
    assert growing.news() == []
    add(capture, 1, (2, "server", "fin"))
    (first,) = growing.news()
    assert not first.over
    assert growing.news() == []
    add(capture, 1, (2.5, "client", "fin"))
    (second,) = growing.news()
    assert second.over
    assert second.says == endings(capture)[1].says


def test_an_ending_stands_in_its_place_in_time():
    capture = opened((1, "client", MASK))
    capture.open_connection(at=1)
    add(capture, 2, (2, "client", REQUEST), (3, "server", RESPONSE))
    add(capture, 1, (4, "server", "fin"), (4, "client", "fin"))
    add(capture, 2, (5, "server", TEXT), (6, "client", "rst"))
    told = endings(capture)
    assert (told[1].row, told[2].row) == (4, 5)


def test_many_connections_are_told_quickly():
    capture = Capture(clock=lambda: 0.0)
    count = 5_000
    for number in range(1, count + 1):
        capture.open_connection(upgraded=True, at=0)
        add(capture, number, (1, "client", C1000), (2, "server", S1000))
    for number in range(1, count + 1):
        add(capture, number, (100, "server", "fin"), (100, "client", "fin"))
    len(capture.index)
    began = time.process_time()
    assert len(endings(capture)) == count
    assert time.process_time() - began < 1
