"""Loads the two raw byte streams of one connection, each in a file, as a recording.

The files do not tell how the two directions took turns, so a possible order is chosen: each
request, then its response, and the frames only after both.
"""

from __future__ import annotations

import io
import itertools
import re
from typing import BinaryIO

from ..fields import Direction
from ..protocol import socks
from ..protocol.deflate import Inflater
from ..protocol.frames import KIND_OF_OPCODE, frame_payload, read_header
from ..protocol.http import Exchange, Head, HttpReader, begins_head, begins_request
from ..protocol.tls_records import BEGINNING, begins_record
from ..recording.capture import NO_LIMIT, Capture
from ..recording.gap import Run, frames_from
from ..recording.log import ASSUMED, CaptureError
from .mismatch import ASSUMED_UPGRADED, mismatches

STEP = 1 << 20
"""Bytes of one recorded piece."""

_TEXT = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))


def load_streams(client: BinaryIO | None, server: BinaryIO | None) -> Capture:
    """Load what the two peers sent each other; None stands for an unknown direction.

    Bytes that begin neither like HTTP, TLS nor SOCKS are read as frames from the first byte on.
    """
    capture, exchange = Capture(clock=lambda: 0.0, limit=NO_LIMIT), Exchange()
    sides = [
        _Side(capture, HttpReader("client", exchange), client or io.BytesIO()),
        _Side(capture, HttpReader("server", exchange), server or io.BytesIO()),
    ]
    asked = socks_sizes(*(side.next(3 * socks.LONGEST) for side in sides))
    behind = [(side, sum(sizes)) for side, sizes in zip(sides, asked, strict=True)]
    known = [start for side, at in behind if (start := side.next(at + BEGINNING)[at:])]
    # One of a frame's first four bytes never occurs in text, unless its key is chosen so.
    http = any(all(byte in _TEXT for byte in start[:4]) for start in known)
    tls = any(begins_record(start, first=True) for start in known)
    heads = any(begins_head(start) for start in known)
    late = [] if tls or any(asked) else [side for side in sides if side.begins_late(heads)]
    if not heads and not tls and (late or any(side.begins_inside() for side in sides)):
        late, http = sides, False  # what is text is the end of a frame
        capture.notes.append(
            "it begins in the middle of a connection: what was agreed on is not known, and "
            "RSV1 is taken for permessage-deflate"
        )
    capture.open_connection(upgraded=bool(known) and not (http or tls or any(asked)))
    for turn in itertools.zip_longest(*asked, fillvalue=0):  # the two take turns
        for side, size in zip(sides, turn, strict=True):
            side.record(size)
    if http:
        _record_handshakes(*sides)
        # No answer is known: a client that goes on after its upgrade request was accepted.
        goes_on = server is None and sides[0].next(16)
        if goes_on and not begins_request(goes_on) and capture.assume_upgraded(1):
            capture.notes.append(ASSUMED_UPGRADED)
    for side in sides:
        if side in late and side.next(1):
            capture.gap(1, side.direction)
        side.record_rest()
    if client is None or server is None:
        missing = "server" if server is None else "client"
        capture.notes.append(f"nothing is known of what the {missing} sent")
    else:
        capture.notes += mismatches(capture)
        if not any(map(len, capture.log.streams)):
            capture.notes.append("nothing was sent in either direction")
    return capture


_FOLLOWED = re.compile(r"\s*=+\s+Follow: \w+,raw\s")
_LINE = re.compile(r"\t?(?:[0-9A-Fa-f]{2})+\s*")

_HTTP = ("474554", "485454")  # GET, HTT


def is_followed(text: str) -> bool:
    """Whether this is what tshark's `-z follow,tcp,raw,0` prints, or its lines with HTTP and more.

    Without HTTP, the lines might as well be one dump of which some lines are indented.
    """
    if _FOLLOWED.match(text):
        return True
    lines = text.splitlines()
    nodes = {line[:1] == "\t" for line in lines if line.strip()}
    if len(nodes) != 2 or not any(line.lstrip()[:6] in _HTTP for line in lines):
        return False
    return all(_LINE.fullmatch(line) for line in lines if line.strip())


def load_followed(text: str) -> Capture:
    """Load what tshark's `follow` prints: a line of hex for each piece, one side's indented."""
    lines = [line for line in text.splitlines() if _LINE.fullmatch(line)]
    pieces = [(line[:1] == "\t", bytes.fromhex(line)) for line in lines]
    client = next((node for node, data in pieces if begins_request(data[:16])), False)
    if len(pieces) == 2 and pieces[0][0] != pieces[1][0] and not _FOLLOWED.match(text):
        # Somebody joined the lines: nothing tells how the two took turns.
        streams = [io.BytesIO(data) for _, data in sorted(pieces, key=lambda one: one[0] != client)]
        capture = load_streams(*streams)
    else:
        http = any(begins_request(data[:16]) or data[:5] == b"HTTP/" for _, data in pieces)
        parts: list[tuple[Direction, bytes]] = [
            ("client" if node == client else "server", data) for node, data in pieces
        ]
        capture = _recorded(parts, upgraded=bool(pieces) and not http)
    capture.notes.append("read as what tshark's follow prints, which has no times")
    return capture


def _recorded(pieces: list[tuple[Direction, bytes]], upgraded: bool) -> Capture:
    capture = Capture(clock=lambda: 0.0, limit=NO_LIMIT)
    capture.open_connection(upgraded=upgraded)
    for direction, data in pieces:
        capture.record(1, direction, data)
    for direction in ("client", "server"):
        capture.end(1, direction, note=ASSUMED)
    return capture


def load_joined(data: bytes) -> Capture | None:
    """Load both directions in one stream, as Wireshark's Follow saves them; None if it is none.

    It must begin with requests and responses. Behind a 101 the masking tells frames apart
    (RFC 6455 §5.1). Raises CaptureError where they stop fitting.
    """
    exchange, position = Exchange(), 0
    pieces: list[tuple[Direction, bytes]] = []
    sides = HttpReader("client", exchange), HttpReader("server", exchange)
    while not exchange.upgraded and (position < len(data) or len(pieces) < 2):
        http = sides[data[position : position + 5] == b"HTTP/"]
        if not (http is sides[1] or _HTTP_BEGINS.match(data, position)):
            return None
        http.start_next(position)
        end = http.end(data, position, len(data))
        if end is None or (not pieces and http is sides[1]):
            return None
        pieces.append((http.direction, data[position:end]))
        position = end
    if {direction for direction, _ in pieces} != {"client", "server"}:
        return None
    while position < len(data):
        header = read_header(data, position, len(data))
        if data[position] & 0x30 or KIND_OF_OPCODE[data[position] & 0x0F] == "reserved":
            raise CaptureError(
                "the bytes of both sides of a connection stand in one stream, and cannot be told "
                f"apart from byte {position} on: have Wireshark's Follow show one direction, save "
                "each as raw, then wslab explain --client FILE --server FILE"
            )
        end = position + header.frame_length if header else len(data)
        masked = data[position + 1 : position + 2] >= b"\x80"
        pieces.append(("client" if masked else "server", data[position:end]))
        position = end
    capture = _recorded(pieces, upgraded=False)
    capture.notes.append(
        "both sides stand in one stream: requests and masked frames are read as the client's, all "
        "else as the server's"
    )
    return capture


def socks_sizes(client: bytes, server: bytes) -> tuple[list[int], list[int]]:
    """The sizes of the messages of SOCKS with which two streams begin; none if they may be frames.

    Frames may begin with the same bytes, so HTTP or TLS must follow, or another such message.
    """
    asked, answered = socks.messages("client", client), socks.messages("server", server)
    follows = False
    for found, start in ((asked, client), (answered, server)):
        rest = start[found[-1][2] :] if found else start
        http = _HTTP_BEGINS.match(rest) or begins_record(rest[:BEGINNING], first=True)
        if rest and not http:
            return [], []
        follows = follows or bool(rest)
    if len(asked) + len(answered) < 2 - follows:
        return [], []
    return [stop - at for _, at, stop in asked], [stop - at for _, at, stop in answered]


_HTTP_BEGINS = re.compile(rb"[A-Z]{3,16} |HTTP/")


def _record_handshakes(client: _Side, server: _Side) -> None:
    """Record requests and responses in turn, until frames begin or no head follows."""
    while client.record_message() is not None:
        while (response := server.record_message()) is not None:
            if response.status == 101:
                return
            if not response.is_interim:
                break
        else:
            return


class _Side:
    """One direction's file, and its bytes that are not recorded yet."""

    def __init__(self, capture: Capture, http: HttpReader, file: BinaryIO) -> None:
        self._capture, self._http, self._file = capture, http, file
        self.direction: Direction = http.direction
        self._ahead = bytearray()

    def _read(self) -> bool:
        """Read more of the file; False at its end."""
        piece = self._file.read(STEP)
        self._ahead += piece
        return bool(piece)

    def next(self, count: int) -> bytes:
        """The next `count` bytes; fewer at the end of the file."""
        while len(self._ahead) < count and self._read():
            pass
        return bytes(self._ahead[:count])

    def begins_late(self, no_head: bool) -> bool:
        """Whether it begins with the end of a frame; `no_head`: or with frames, and not a head."""
        start = self.next(STEP)
        if not start or begins_head(start):
            return False
        masked, at = self.direction == "client", 0
        found = frames_from(start, 0, [], 0, (), masked, rsv1=True)
        if not found or b"HTTP/" in start[:found]:
            return no_head and found == 0
        while at < found:  # do broken frames lead there?
            header = read_header(start, at, len(start))
            at += header.frame_length if header else len(start)
        return at > found

    def begins_inside(self) -> bool:
        """Whether it begins with frames that fit, of which some need what came before: they go on
        with a message, or are compressed."""
        start, run = self.next(STEP), Run(0, self.direction == "client", rsv1=True)
        while (header := run.next(start, len(start))) is not None:
            if start[run.at] & 0x40:
                inflater = Inflater()
                payload = frame_payload(start, run.at, header)
                return any([*inflater.feed(payload), *inflater.finish()]) and not inflater.fault
            run.follow(start[run.at], header)
            if run.joins:
                return run.fits(start, len(start)) is not False
        return False

    def record_message(self) -> Head | None:
        """Record the next head and its body; None if no head follows."""
        http = self._http
        while not http.read_head(self._ahead, 0, len(self._ahead)):
            if not self._read():
                return None
        head = http.head
        while (end := http.read_body(self._ahead, len(self._ahead))) is None:
            self.record(len(self._ahead))
            http.seen = 0
            if not self._read():
                break
        else:
            self.record(end)
        http.start_next(0)
        return head

    def record_rest(self) -> None:
        """Record the remaining bytes, in pieces, and the end of the direction."""
        while self._ahead or self._read():
            self.record(len(self._ahead))
        self._capture.end(1, self.direction, note=ASSUMED)

    def record(self, count: int) -> None:
        """Record the next `count` bytes."""
        self._capture.record(1, self.direction, bytes(self._ahead[:count]))
        del self._ahead[:count]
