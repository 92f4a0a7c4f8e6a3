"""Where HTTP ends: what each side concludes from the other, also where a peer breaks the rules."""

from __future__ import annotations

from wslab.wire import Capture, encode_frame
from wslab.wire.recording import Cutter

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x01\x02\x03\x04"
FRAME = encode_frame(1, b"hi", masking_key=KEY)
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
POST = REQUEST[:-2] + b"Content-Length: 9\r\n\r\n"


class Connection:
    """Reads both directions as they come; `read` gives the messages that end."""

    def __init__(self) -> None:
        self.cutter = Cutter()
        self.streams = {"client": bytearray(), "server": bytearray()}
        self.places = {"client": 0, "server": 0}

    def read(self, direction, data: bytes = b"") -> list[int]:
        side, stream = self.cutter.side(direction), self.streams[direction]
        stream += data
        lengths = []
        while True:
            start = self.places[direction]
            end = self.cutter.message_end(side, stream, start, len(stream))
            if end is None:
                return lengths
            lengths.append(end - start)
            self.places[direction] = end
            self.cutter.decide(side)
            self.cutter.start_next(side, end)

    @property
    def speak_frames(self) -> tuple[bool, bool]:
        return self.cutter.client.speaks_frames, self.cutter.server.speaks_frames


def test_a_client_that_asked_waits_and_a_101_lets_both_speak_frames():
    connection = Connection()
    assert connection.read("client", REQUEST + FRAME) == [len(REQUEST)]
    assert connection.cutter.client.waits
    assert connection.read("server", RESPONSE) == [len(RESPONSE)]
    assert not connection.cutter.client.waits
    assert connection.speak_frames == (True, True)
    assert connection.read("client") == []


def test_a_refusal_lets_the_client_go_on_with_http():
    connection = Connection()
    assert connection.read("client", REQUEST + REQUEST) == [len(REQUEST)]
    assert connection.read("server", b"HTTP/1.1 103 Early Hints\r\n\r\n") == [28]
    assert connection.cutter.client.waits
    assert connection.read("server", REFUSAL) == [len(REFUSAL)]
    assert not connection.cutter.client.waits
    assert connection.read("client") == [len(REQUEST)]
    assert connection.speak_frames == (False, False)


def test_a_101_in_the_middle_of_a_request_ends_its_body():
    connection = Connection()
    assert connection.read("client", POST + b"half") == []
    assert connection.read("server", RESPONSE) == [len(RESPONSE)]
    assert connection.speak_frames == (False, True)
    assert connection.read("client", FRAME) == [len(POST) + 4]
    assert connection.speak_frames == (True, True)


def test_behind_a_101_that_nobody_asked_for_one_request_may_follow_or_frames():
    late = Connection()
    late.read("server", RESPONSE)
    assert late.speak_frames == (False, True)
    assert late.read("client", REQUEST + FRAME) == [len(REQUEST)]
    assert late.speak_frames == (True, True)
    never = Connection()
    never.read("server", RESPONSE)
    assert never.read("client", FRAME) == []
    assert never.speak_frames == (True, True)


def test_the_index_pairs_responses_with_requests_whatever_their_rows():
    capture = Capture(clock=lambda: 0.0)
    one, other = capture.open_connection(), capture.open_connection()
    capture.record(one, "client", POST)  # its body comes last
    capture.record(other, "client", REQUEST)
    capture.record(one, "server", b"HTTP/1.1 103 Early Hints\r\n\r\n" + REFUSAL)
    capture.record(one, "client", b"123456789")
    rows = [(row.connection, row.kind) for row in capture.index.rows()]
    assert rows == [(2, "request"), (1, "response"), (1, "response"), (1, "request")]
    assert capture.index.exchanges() == {1: [(3, 2)], 2: [(0, None)]}


def test_messages_are_found_where_a_body_ended_with_its_connection():
    capture = Capture(clock=lambda: 0.0)
    endless, other = capture.open_connection(), capture.open_connection(upgraded=True)
    capture.record(endless, "client", REQUEST)
    capture.record(endless, "server", b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts")
    for _ in range(5000):
        capture.record(other, "client", FRAME)
    assert len(capture.index) == 5001
    capture.end(endless, "server")  # its row is the last one, and its bytes came long before
    assert len(capture.index) == 5002
    assert len(list(capture.index.messages())) == 5000
