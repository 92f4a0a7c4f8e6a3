"""Wireshark's files: saves a recording as pcapng, loads conversations from pcap and pcapng.

Sources: the pcapng format (draft-ietf-opsawg-pcapng), the older pcap format
(draft-ietf-opsawg-pcap) and the list of link types at tcpdump.org.

    save(capture, "lesson.pcapng")  # opens in Wireshark as TCP conversations
    save(capture, "wss.pcapng", secrets="keys.log")  # which decrypts TLS with these keys
    load("from_wireshark.pcapng")   # its WebSocket conversations; `notes` says what was left

A recording has bytes and times but no packets, so saving constructs them: IPv4 between two
addresses of this machine, the TCP handshake, sequence numbers, FIN and RST. The bytes, their order
and their times are true; the packet boundaries show only how the tap read the bytes. Comments on
the packets tell what a debugger did, and loading reads them back.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import struct
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from mmap import mmap
from typing import NamedTuple, cast, get_args

from ..fields import Direction
from ..protocol.secrets import masked_text
from ..protocol.tls_records import BEGINNING, RANDOM, begins_record
from ..recording.capture import NO_LIMIT, Capture
from ..recording.log import (
    FARTHEST,
    CaptureError,
    Chunk,
    Event,
    EventName,
    MarkName,
    stream_number,
    whose_stream,
)
from .jsonl import not_kept
from .link_layers import ENCRYPTED, WITHOUT_TCP
from .mismatch import ASSUMED_UPGRADED, TLS_TO_PLAIN, mismatches
from .tcp_streams import Conversation, Happening, Reassembler, Side, asks_only_a_proxy

# --- Blocks ---------------------------------------------------------------------------------------

SECTION_HEADER = 0x0A0D0D0A
INTERFACE = 1
OLD_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10
TLS_KEY_LOG = 0x544C534B
"""The type of secrets in such a block: lines as `SSLKEYLOGFILE` names them (RFC 9850)."""
BYTE_ORDER_MAGIC = 0x1A2B3C4D

LINKTYPE_RAW = 101
"""The link type LINKTYPE_RAW: a packet begins with its IP header."""

_END_OF_OPTIONS, _COMMENT, _APPLICATION, _IF_TSRESOL, _IF_TSOFFSET = 0, 1, 4, 9, 14

MAGICS = (
    b"\x0a\x0d\x0d\x0a",  # pcapng
    b"\xa1\xb2\xc3\xd4",  # pcap, microseconds
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",  # pcap, nanoseconds
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\xcd\x34",  # pcap, with an interface in each packet's header
    b"\x34\xcd\xb2\xa1",
    b"snoo",  # Solaris
)
"""The first four bytes of a pcapng, pcap or snoop file."""


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _text_option(code: int, text: str) -> bytes:
    return _option(code, text.encode("utf-8", "replace")[:0xFFFF])


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


# --- Writing --------------------------------------------------------------------------------------

CLIENT_ADDRESS, SERVER_ADDRESS = b"\x7f\x00\x00\x01", b"\x7f\x00\x00\x01"
HTTP_PORT, TLS_PORT = 80, 443
"""The server's TCP port: HTTP's own or TLS's, so that Wireshark needs no settings."""
FIRST_CLIENT_PORT = 49152

MOST = 65535 - 20 - 20
"""The most bytes of data in one packet: an IPv4 length has 16 bits."""

_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
# The largest segment, and windows in units of 16 KiB: these packets wait for no acknowledgement,
# and Wireshark would warn about a full window.
_SYN_OPTIONS = struct.pack("!BBHBBBB", 2, 4, 65495, 1, 3, 3, 14)

MARK = "wslab:"
"""The start of a comment that `read` understands."""


class _Flow:
    """The TCP connection constructed for a recorded connection."""

    def __init__(self, number: int, server_port: int) -> None:
        port = FIRST_CLIENT_PORT + (number - 1) % (65536 - FIRST_CLIENT_PORT)
        self.ports = {"client": (port, server_port), "server": (server_port, port)}
        # Computed from the number, so that the same recording gives the same file; far apart.
        first = (number * 0x1000193) & 0xFFFFFFFF
        self.next = {"client": first, "server": first ^ 0x80000000}
        self.over: set[str] = set()

    def packet(self, sender: str, flags: int, data: bytes = b"", options: bytes = b"") -> bytes:
        """The next IPv4 packet of `sender`; advances its sequence number."""
        receiver = "server" if sender == "client" else "client"
        source, target = self.ports[sender]
        acknowledged = self.next[receiver] if flags & _ACK else 0
        tcp = struct.pack(
            "!HHIIBBHHH",
            source, target, self.next[sender], acknowledged,
            (5 + len(options) // 4) << 4, flags, 65535, 0, 0,
        )  # fmt: skip
        tcp += options
        addresses = (
            CLIENT_ADDRESS + SERVER_ADDRESS
            if sender == "client"
            else SERVER_ADDRESS + CLIENT_ADDRESS
        )
        size = len(tcp) + len(data)
        pseudo = addresses + struct.pack("!BBH", 0, 6, size)
        total = _checksum(pseudo + tcp + data)
        tcp = tcp[:16] + total.to_bytes(2, "big") + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 64, 6, 0) + addresses
        ip = ip[:10] + _checksum(ip).to_bytes(2, "big") + ip[12:]
        self.next[sender] += len(data) + (1 if flags & (_SYN | _FIN) else 0)
        self.next[sender] &= 0xFFFFFFFF
        return ip + tcp + data


def _checksum(data: bytes) -> int:
    # The one's complement sum of 16-bit words is the number itself modulo 65535 (RFC 1071 §2).
    rest = int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF
    return (0xFFFF - rest) & 0xFFFF


def blocks(capture: Capture, key_log: str = "") -> Iterator[bytes]:
    """The blocks of a recording's pcapng file: `b"".join(blocks(capture))` is the file.

    With the text of a TLS key log, its secrets of the recorded connections are in the file.
    """
    started = capture.started
    yield _block(
        SECTION_HEADER,
        struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        + _text_option(_COMMENT, f"{MARK} capture started {started.isoformat()}")
        + (_text_option(_COMMENT, f"{MARK} {not_kept(capture.dropped)}") * bool(capture.dropped))
        + _text_option(_APPLICATION, "wslab")
        + _option(_END_OF_OPTIONS, b""),
    )
    yield _block(
        INTERFACE,
        struct.pack("<HHI", LINKTYPE_RAW, 0, 0)
        + _option(_IF_TSRESOL, b"\x09")
        + _option(_END_OF_OPTIONS, b""),
    )
    if secrets := _secrets_of(capture, key_log):
        size = len(secrets)
        padded = secrets + bytes(-size % 4)
        yield _block(DECRYPTION_SECRETS, struct.pack("<II", TLS_KEY_LOG, size) + padded)
    epoch = _nanoseconds(started)
    flows: dict[int, _Flow] = {}
    sent: dict[tuple[int, Direction], int] = {}  # bytes so far
    marks = _Marks(capture)
    for thing in capture.log.history():
        at = _ticks(thing.time)
        if isinstance(thing, Event):
            if thing.name in ("open", "upgraded"):
                sent_first = capture.log.streams[stream_number(thing.connection, "client")]
                tls = begins_record(bytes(sent_first[:BEGINNING]), first=True)
                flows[thing.connection] = _Flow(thing.connection, TLS_PORT if tls else HTTP_PORT)
            elif thing.name not in ("eof", "reset", "gap"):
                continue
            packets = _event_packets(flows[thing.connection], thing, marks)
        else:
            whose = thing.connection, thing.direction
            offset = sent.get(whose, 0)
            sent[whose] = offset + len(thing.data)
            packets = _data_packets(flows[thing.connection], thing, offset, marks)
        for packet, comments in packets:
            yield _packet_block(min(max(0, epoch + at), _LATEST), packet, comments)


def _secrets_of(capture: Capture, key_log: str) -> bytes:
    """The lines of a key log with which the recorded connections can be read, and no others."""
    if not key_log:
        return b""
    recorded = {  # a line names its connection by the random number of the ClientHello
        data[RANDOM].hex()
        for row in capture.index.rows()
        if row.kind == "tls" and (data := capture.index.unit(row.number).data)[5:6] == b"\1"
    }
    lines = [
        line
        for line in key_log.splitlines()
        if line.split()[1:2] and line.split()[1].lower() in recorded
    ]
    return "".join(f"{line}\n" for line in lines).encode("ascii", "replace")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 2**64 - 1  # nanoseconds: the year 2554


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _ticks(seconds: float) -> int:
    return round(seconds * 1e9)


def _packet_block(nanoseconds: int, packet: bytes, comments: list[str]) -> bytes:
    size = len(packet)
    options = b"".join(_text_option(_COMMENT, comment) for comment in comments)
    return _block(
        ENHANCED_PACKET,
        struct.pack("<IIIII", 0, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF, size, size)
        + packet
        + bytes(-size % 4)
        + (options + _option(_END_OF_OPTIONS, b"") if options else b""),
    )


_Packets = Iterator[tuple[bytes, list[str]]]
"""Packets, each with its comments."""


def _event_packets(flow: _Flow, event: Event, marks: _Marks) -> _Packets:
    if event.name in ("open", "upgraded"):
        what = " of frames alone, without a handshake" if event.name == "upgraded" else ""
        name = marks.names.get(event.connection)
        yield (
            flow.packet("client", _SYN, options=_SYN_OPTIONS),
            [
                f"{MARK} connection {event.connection}{what}",
                *([f"{_NAMED}{name}"] if name else []),
                *marks.of_opening(event),
            ],
        )
        yield flow.packet("server", _SYN | _ACK, options=_SYN_OPTIONS), []
        yield flow.packet("client", _ACK), []
        return
    sender = event.direction or "client"
    if sender in flow.over:
        return
    if event.name == "gap":
        flow.next[sender] = (flow.next[sender] + event.length) & 0xFFFFFFFF
        yield flow.packet(sender, _ACK), [] if event.length else [_GAP]
        return
    # The other direction's end is written even after a RST: a body may end with it.
    flow.over.add(sender)
    comments = marks.of_end(event)
    if event.name == "reset":
        yield flow.packet(sender, _RST | _ACK), comments
    else:
        yield flow.packet(sender, _FIN | _ACK), comments
        yield flow.packet("server" if sender == "client" else "client", _ACK), []


def _data_packets(flow: _Flow, chunk: Chunk, offset: int, marks: _Marks) -> _Packets:
    for start in range(0, len(chunk.data), MOST):
        data = chunk.data[start : start + MOST]
        comments = marks.of_data(chunk, offset + start + len(data))
        yield flow.packet(chunk.direction, _PSH | _ACK, data), comments


# --- What a debugger did, as comments -------------------------------------------------------------

_INSTEAD = f"{MARK} instead of them: "
"""The start of a comment with an edit's new bytes in hex, which may need several comments."""
_INSTEAD_BYTES = 20_000
_GAP = f"{MARK} an unknown number of bytes is missing here"
_NAMED = f"{MARK} name: "
"""The start of a comment with a connection's name."""

_DONE = re.compile(
    rf"{MARK} (-?)([0-9]{{1,9}})\.([0-9]{{9}}) s later, ([0-9]{{1,15}}) bytes at ([0-9]{{1,15}}) "
    rf"of the (client|server)'s stream: ({'|'.join([*get_args(MarkName), 'cut'])})(?: \((.*)\))?"
)


class _Marks:
    """What a debugger did, as comments: a mark belongs to the packet with the first of its bytes.

    A cut of a stream is told at the end of its connection, or at its beginning if there is no end.
    """

    def __init__(self, capture: Capture) -> None:
        self.names = capture.names
        events = capture.log.kept_events()
        ended = {event.connection for event in events if event.name in ("eof", "reset")}
        self._cuts: dict[int, list[Event]] = {}
        self._uncut: dict[int, list[Event]] = {}
        self._done: dict[tuple[int, Direction | None], deque[Event]] = {}
        for event in sorted(events, key=lambda event: event.offset):
            if event.is_mark:
                whose = event.connection, event.direction
                self._done.setdefault(whose, deque()).append(event)
            elif event.name == "cut":
                cuts = self._cuts if event.connection in ended else self._uncut
                cuts.setdefault(event.connection, []).append(event)

    def of_opening(self, opening: Event) -> list[str]:
        """The comments for the first packet of a connection."""
        return _comments(self._uncut.pop(opening.connection, []), opening.time)

    def of_end(self, end: Event) -> list[str]:
        """The comments for a FIN or RST."""
        return _comments(self._cuts.pop(end.connection, []), end.time)

    def of_data(self, chunk: Chunk, stop: int) -> list[str]:
        """The comments for a packet with a chunk's bytes up to offset `stop` of the stream."""
        waiting = self._done.get((chunk.connection, chunk.direction))
        marks = []
        while waiting and waiting[0].offset < stop:
            marks.append(waiting.popleft())
        return _comments(marks, chunk.time) if marks else []


def _comments(marks: Iterable[Event], packet_time: float) -> list[str]:
    """Marks as the comments of a packet; `_marks_in` reads them back."""
    comments = []
    for mark in marks:
        later = _ticks(mark.time) - _ticks(packet_time)
        seconds, rest = divmod(abs(later), 1_000_000_000)
        # The note as JSON: always one line.
        note = f" ({json.dumps(mark.note, ensure_ascii=False)[1:-1]})" if mark.note else ""
        comments.append(
            f"{MARK} {'-' if later < 0 else ''}{seconds}.{rest:09} s later, {mark.length} bytes at "
            f"{mark.offset} of the {mark.direction}'s stream: {mark.name}{note}"
        )
        data = mark.data or b""
        for start in range(0, len(data), _INSTEAD_BYTES):
            comments.append(_INSTEAD + data[start : start + _INSTEAD_BYTES].hex(" "))
    return comments


def _marks_in(comment: str, connection: int, nanoseconds: int, position: int) -> list[Event]:
    """The marks in a packet's comments; other programs' comments are ignored."""
    marks: list[Event] = []
    instead: dict[int, bytearray] = {}  # by position in `marks`: the bytes read so far
    for line in comment.split("\n"):
        with contextlib.suppress(ValueError):  # neither JSON nor hex: edited by hand
            if found := _DONE.fullmatch(line):
                sign, seconds, rest, length, offset, direction, name, note = found.groups()
                later = int(sign + seconds + rest)
                mark = Event(
                    position, (nanoseconds + later) / 1e9, connection,
                    cast("Direction", direction), cast("EventName", name),
                    int(offset), int(length), None, str(json.loads(f'"{note or ""}"')),
                )  # fmt: skip
                marks.append(mark)
            elif line.startswith(_INSTEAD) and marks:
                more = bytes.fromhex(line.removeprefix(_INSTEAD))
                instead.setdefault(len(marks) - 1, bytearray()).extend(more)
    for place, data in instead.items():
        marks[place] = marks[place]._replace(data=bytes(data))
    return marks


# --- Reading --------------------------------------------------------------------------------------

Content = bytes | mmap
"""A file's bytes: in memory, or mapped from disk if the file is too large."""

_Packet = tuple[int, int, bytes, str]
"""A packet: nanoseconds since 1970, link type (-1: a comment on the file), bytes, comment."""


class _Section(NamedTuple):
    """The byte order and interfaces of one pcapng section, with which its packets are read."""

    order: str
    interfaces: list[_Interface]


class _Interface(NamedTuple):
    link: int
    ticks: int
    """Ticks per second."""
    scale: int
    """Nanoseconds per tick, or 0 if that is not a whole number."""
    offset: int
    """Nanoseconds to add to every timestamp."""


def read(data: Content, *, twice: bool = False) -> Capture:
    """Load the WebSocket conversations of a pcap or pcapng file; `notes` says what was left out.

    Packets are held in memory until their conversation is known to be a WebSocket's. With `twice`,
    for a file too large for that, a first reading finds these conversations. Raises CaptureError
    for a file in neither format.
    """
    reassembler = Reassembler(holds=not twice)
    notes: list[str] = []
    comments: list[str] = []
    packets = {MAGICS[0]: _pcapng_packets, MAGICS[-1]: _snoop_packets}.get(data[:4], _pcap_packets)
    _feed(packets(data, notes), reassembler, comments)
    incomplete = reassembler.finish()
    for conversation in reassembler.conversations:
        conversation.kept = conversation.kept or asks_only_a_proxy(conversation)
    twice = twice or incomplete
    kept = [c for c in reassembler.conversations if c.kept]
    alone = {number for number, one in enumerate(kept, 1) if len(one.sides) == 1}
    recorder = _Recorder(min((c.opened for c in kept), default=0), comments, alone)
    if twice:
        reassembler.log.clear()
        again = Reassembler(reassembler.conversations)
        some = packets(data, [])
        while batch := list(itertools.islice(some, 64)):
            _feed(batch, again, [])
            recorder.take(again.log)
            again.log.clear()
        again.finish()
        recorder.take(again.log)
    else:
        recorder.take(reassembler.log)
    recorder.note_silences(again if twice else reassembler)
    recorder.capture.insert(recorder.marks)
    capture = recorder.capture
    notes += [
        *_few(_halves(capture, kept)), *_few(_missing(capture)),
        *_left_out(reassembler, notes), *mismatches(capture),
    ]  # fmt: skip
    capture.notes += notes
    return capture


def _feed(packets: Iterable[_Packet], reassembler: Reassembler, comments: list[str]) -> None:
    feed = reassembler.feed
    for time, link, data, comment in packets:
        if link >= 0:
            feed(time, link, data, _ours(comment) if comment else "")
        else:
            comments += comment.split("\n")


def _ours(comment: str) -> str:
    """The comments written by `blocks` among those of a packet."""
    return "\n".join(line for line in comment.split("\n") if line.startswith(MARK))


class _Recorder:
    """Records the conversations that are kept in a capture, at the times of their packets."""

    def __init__(self, first: int, comments: list[str], alone: Collection[int]) -> None:
        """`alone` are the connections of which the file holds one side only."""
        self._alone = alone
        try:
            start = _EPOCH + timedelta(microseconds=first // 1000)
        except OverflowError:
            start = _EPOCH  # the first packet's time is outside the range of dates
        for comment in comments:
            # Our own files say when the recording began; in others it is the first packet.
            with contextlib.suppress(ValueError, TypeError):
                began = datetime.fromisoformat(comment.partition("started ")[2])
                first, start = _nanoseconds(began), began
        self._first = first
        lost = [comment for comment in comments if comment.endswith(not_kept(0)[1:])]
        self.capture = Capture(limit=NO_LIMIT)
        self.capture.started = start
        self.capture.notes += [masked_text(comment.removeprefix(MARK).strip()) for comment in lost]
        self.marks: list[Event] = []

    def take(self, log: Iterable[Happening]) -> None:
        """Record what happened, in order."""
        self.capture.extend(self._pieces(log))

    def _pieces(self, log: Iterable[Happening]) -> Iterator[tuple[int, bytes, float]]:
        """The chunks to append to the capture; other events are noted between two appends."""
        capture, first = self.capture, self._first
        for time, side, data, what in log:
            at = (time - first) / 1e9
            if not -FARTHEST <= at <= FARTHEST:
                at = FARTHEST if at > 0 else -FARTHEST
            if what is None:
                if side.stream >= 0:
                    yield side.stream, data, at
                continue
            conversation = side.conversation
            if not conversation.kept:
                continue
            if what == "open":
                number = capture.open_connection(upgraded=conversation.upgraded, at=at)
                for side in conversation.sides:
                    side.stream = stream_number(number, _direction(side))
                if number in self._alone:
                    capture.gap(*whose_stream(side.stream ^ 1), at=at)
            elif what == "mark":
                connection, _ = whose_stream(side.stream)
                comment = data.decode()
                self.marks += _marks_in(comment, connection, _ticks(at), len(capture))
                for line in comment.split("\n"):
                    if line == _GAP:
                        capture.gap(*whose_stream(side.stream), at=at)
                    if line.startswith(_NAMED):
                        capture.set_name(connection, line.removeprefix(_NAMED))
            elif what == "gap":
                capture.gap(*whose_stream(side.stream), int.from_bytes(data, "big"), at=at)
            else:
                capture.end(*whose_stream(side.stream), what, at=at)

    def note_silences(self, packets: Reassembler) -> None:
        """Note which sides gave no answer to what was sent to them again and again."""
        for conversation, (side, count, since, last) in packets.repeated.items():
            seconds = (last - since) / 1e9
            both = all(one.position for one in conversation.sides) and len(conversation.sides) > 1
            if conversation.kept and both and side.stream >= 0 and count > 1 and seconds >= 1:
                connection, sender = whose_stream(side.stream)
                note = f"the {sender} sent bytes again {count} times over {seconds:.0f} s"
                at, silent = (last - self._first) / 1e9, whose_stream(side.stream ^ 1)[1]
                event = Event(
                    0, at, connection, silent, "silence", note=f"{note} without an answer"
                )
                self.marks.append(event)


def _direction(side: Side) -> Direction:
    return "client" if side.number == side.conversation.client else "server"


_MOST_NOTES = 20
"""The most notes of one sort; the others are counted."""


def _few(notes: Iterator[str]) -> Iterator[str]:
    yield from itertools.islice(notes, _MOST_NOTES)
    if left := sum(1 for _ in notes):
        yield f"the same is true of more connections: {_count(left, 'note')} left out"


def _halves(capture: Capture, kept: list[Conversation]) -> Iterator[str]:
    """A note for each connection of which the file lacks the beginning, or one side."""
    for number, conversation in enumerate(kept, 1):
        here = [stream_number(number, _direction(side)) for side in conversation.sides]
        late = any(capture.log.gaps.get(stream, [])[:1] == [(0, 0)] for stream in here)
        if late and conversation.upgraded:
            yield (
                f"connection {number} begins in the middle: its handshake is not in the file. Its "
                "client is the side that masks. What was agreed on is not known: RSV1 is taken "
                "for permessage-deflate"
            )
        if len(here) == 1:
            _, other = whose_stream(here[0] ^ 1)
            says = f"connection {number}: nothing of what the {other} sent is in the file"
            if other == "client" and not late:
                says += ": its key and what it offered are not known"
            elif not late and capture.index.is_upgraded(number):
                says += f"; {ASSUMED_UPGRADED}"
            yield says


def _missing(capture: Capture) -> Iterator[str]:
    """A note for each direction in which bytes are missing."""
    for stream, gaps in sorted(capture.log.gaps.items()):
        connection, who = whose_stream(stream)
        if count := sum(length for _, length in gaps):
            missing = (
                f"{_count(count, 'byte')} of the {who} {'is' if count == 1 else 'are'} missing"
            )
            yield f"connection {connection}: {missing} in the file, in {_count(len(gaps), 'gap')}"


def _left_out(reassembler: Reassembler, notes_before: list[str]) -> list[str]:
    """The notes on what was left out, one sentence each."""
    keys = any("holds the TLS keys" in note for note in notes_before)
    notes = []
    kept = [c for c in reassembler.conversations if c.kept]
    encrypted = sum(c.encrypted for c in reassembler.conversations)
    to_plain = sum(c.to_plain for c in reassembler.conversations)
    http2 = sum(c.http2 for c in reassembler.conversations)
    if to_plain:
        notes.append(f"{_count(to_plain, 'connection')} left out: {TLS_TO_PLAIN}")
    if encrypted > to_plain:
        through = sorted({c.through for c in reassembler.conversations if c.through})
        more = f", and {len(through) - MOST_NAMED} more" if len(through) > MOST_NAMED else ""
        hosts = f" ({', '.join(through[:MOST_NAMED])}{more})" if through else ""
        tls = _count(encrypted - to_plain, "connection")
        notes.append(f"{tls} with TLS left out: encrypted{hosts}")
        if not keys:
            notes.append(
                "with the keys that a program wrote where SSLKEYLOGFILE says: "
                f"{EXPORT.replace('FILE', 'FILE -o tls.keylog_file:KEYS')}"
            )
    if http2:
        notes.append(
            f"{_count(http2, 'connection')} of HTTP/2 left out: a WebSocket there begins with an "
            "extended CONNECT (RFC 8441); tshark -r FILE -Y http2 -d tcp.port==PORT,http2 shows it"
        )
    others = len(reassembler.conversations) - len(kept) - encrypted - http2
    if others:
        notes.append(f"{_count(others, 'TCP connection')} without a WebSocket request left out")
    if reassembler.fragments:
        notes.append(f"{_count(reassembler.fragments, 'fragmented IP packet')} left out")
    if reassembler.cut:
        notes.append(f"{_count(reassembler.cut, 'packet')} cut short when the file was made")
    for what, count in sorted(reassembler.unread.items()):
        notes.append(f"{_count(count, 'packet')} of {what} left out")
    if any(not what.endswith((ENCRYPTED, WITHOUT_TCP)) for what in reassembler.unread):
        notes.append(f"what Wireshark can read of these packets: {FOLLOW}")
    if not (reassembler.packets or any(UNDESCRIBED in note for note in notes_before)):
        notes.append("the file holds no packets")
    elif reassembler.packets and not (reassembler.conversations or notes):
        notes.append(
            f"{_count(reassembler.packets, 'packet')} left out: no TCP was found there, over which "
            f"WebSocket runs; what Wireshark finds: {FOLLOW}"
        )
    return notes


UNDESCRIBED = "of an interface that the file does not describe"
MOST_NAMED = 5
"""So many hosts behind a proxy are named."""
EXPORT = 'tshark -r FILE -U "OSI layer 7" -w plain.pcapng; then wslab explain plain.pcapng'
"""What makes a file readable that holds the keys of its TLS."""
FOLLOW = "tshark -r FILE -q -z follow,tcp,raw,0 > stream.txt; then wslab explain stream.txt"
"""What makes the first TCP stream of a file readable, whatever carries it."""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _pcap_packets(data: Content, notes: list[str]) -> Iterator[_Packet]:
    if len(data) < 24:
        raise CaptureError(f"expected a pcap header of 24 bytes, got {len(data)}")
    order = "<" if data[:4] in (MAGICS[2], MAGICS[4], MAGICS[6]) else ">"
    scale = 1 if data[:4] in (MAGICS[3], MAGICS[4]) else 1000
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    record = struct.Struct(order + ("IIII8x" if data[:4] in MAGICS[5:7] else "IIII"))
    position, last, size = 24, len(data) - record.size, 0
    while position <= last:
        seconds, fraction, size, _ = record.unpack_from(data, position)
        start = position + record.size
        if start + size > len(data):
            break
        position = start + size
        yield seconds * 1_000_000_000 + fraction * scale, link, data[start:position], ""
    if position <= last and size > FAR:
        notes.append(
            f"a packet says that it is {size:,} bytes long: the rest is left out; if the file is "
            "whole, it is another kind of pcap: editcap -F pcapng FILE capture.pcapng"
        )
    elif position < len(data):
        notes.append("the file ends in the middle of a packet: the rest is not there")


FAR = 1 << 20
"""More bytes than any packet has."""
_SNOOP_LINKS = {4: 1}
"""The link types of snoop that are read (RFC 1761), as pcap numbers them: Ethernet."""


def _snoop_packets(data: Content, notes: list[str]) -> Iterator[_Packet]:
    if data[:8] != b"snoop\0\0\0" or len(data) < 16:
        raise CaptureError(f"expected a snoop header of 16 bytes, got {data[:16].hex(' ')}")
    kind = struct.unpack_from(">I", data, 12)[0]
    link = _SNOOP_LINKS.get(kind, 0x10000 + kind)  # a number that pcap does not have
    record, position = struct.Struct(">4xII4xII"), 16
    while position + record.size <= len(data):
        size, length, seconds, fraction = record.unpack_from(data, position)
        start = position + record.size
        if length < record.size or start + size > len(data):
            break
        position += length
        time = seconds * 1_000_000_000 + fraction * 1000
        yield time, link, data[start : start + size], ""
    if position < len(data):
        notes.append("the file ends in the middle of a packet: the rest is not there")


def _pcapng_packets(data: Content, notes: list[str]) -> Iterator[_Packet]:
    section = _Section("<", [])
    head, packet_head = struct.Struct("<II"), struct.Struct("<IIII")
    position, last, undescribed = 0, len(data) - 12, 0
    while position <= last:
        kind, length = head.unpack_from(data, position)
        if kind == SECTION_HEADER:
            section = _new_section(data[position + 8 : position + 12])
            head = struct.Struct(section.order + "II")
            packet_head = struct.Struct(section.order + "IIII")
            kind, length = head.unpack_from(data, position)
        if length < 12 or length % 4:
            notes.append(f"a block says that it is {length} bytes long: the rest is left out")
            return
        if position + length > len(data):
            break
        if kind == ENHANCED_PACKET and length >= 32:
            number, high, low, size = packet_head.unpack_from(data, position + 8)
            if number < len(section.interfaces):
                link, ticks, scale, offset = section.interfaces[number]
                time = high << 32 | low
                time = (time * scale if scale else time * 1_000_000_000 // ticks) + offset
                start = position + 28
                comment = ""
                if length - 32 > size + 3:
                    options = data[start + size + -size % 4 : position + length - 4]
                    comment = _comment(options, section.order)
                elif size > length - 32:
                    size = length - 32
                yield time, link, data[start : start + size], comment
            else:
                undescribed += 1
        elif kind == OLD_PACKET and length >= 32:
            number, high, low, size = struct.unpack_from(
                section.order + "H2xIII", data, position + 8
            )
            if number < len(section.interfaces):
                link, ticks, scale, offset = section.interfaces[number]
                time = high << 32 | low
                time = (time * scale if scale else time * 1_000_000_000 // ticks) + offset
                start = position + 28
                yield time, link, data[start : start + min(size, length - 32)], ""
            else:
                undescribed += 1
        elif kind == SIMPLE_PACKET and section.interfaces and length >= 16:
            size = struct.unpack_from(section.order + "I", data, position + 8)[0]
            start = position + 12
            packet = data[start : min(start + size, position + length - 4)]
            yield 0, section.interfaces[0].link, packet, ""
        elif kind == DECRYPTION_SECRETS and length >= 20:
            what, size = struct.unpack_from(section.order + "II", data, position + 8)
            if what == TLS_KEY_LOG:
                notes.append(
                    _key_note(data[position + 16 : position + 16 + min(size, length - 20)])
                )
        elif kind == INTERFACE and length >= 20:
            body = data[position + 8 : position + length - 4]
            section.interfaces.append(_interface(body, section.order))
        elif kind == SECTION_HEADER and length >= 28:
            comment = _comment(data[position + 24 : position + length - 4], section.order)
            if comment.startswith(MARK):
                yield 0, -1, b"", comment
        position += length
    if undescribed:
        notes.append(f"{_count(undescribed, 'packet')} {UNDESCRIBED} left out")
    if position < len(data):
        notes.append("the file ends in the middle of a block: the rest is not there")


def _key_note(key_log: bytes) -> str:
    """What to do with the keys that a file holds; they are not used here."""
    of = {line.split()[1] for line in key_log.splitlines() if len(line.split()) == 3}
    return (
        f"the file holds the TLS keys of {_count(len(of), 'connection')}, with which Wireshark "
        f"decrypts: {EXPORT}"
    )


def _new_section(magic: bytes) -> _Section:
    for order in "<>":
        if magic == struct.pack(order + "I", BYTE_ORDER_MAGIC):
            return _Section(order, [])
    raise CaptureError(f"expected a pcapng section with the magic 1a2b3c4d, got {magic.hex()}")


def _interface(body: bytes, order: str) -> _Interface:
    link = struct.unpack_from(order + "H", body)[0]
    ticks, offset = 1_000_000, 0
    for code, value in _options(body[8:], order):
        if code == _IF_TSRESOL and value:
            # Its first bit tells whether the rest is a power of 2 or of 10.
            ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** min(value[0], 19)
        elif code == _IF_TSOFFSET and len(value) == 8:
            offset = struct.unpack(order + "q", value)[0]
    billion = 1_000_000_000
    return _Interface(link, ticks, 0 if billion % ticks else billion // ticks, offset * billion)


def _options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, position)
        if code == _END_OF_OPTIONS:
            return
        yield code, data[position + 4 : position + 4 + length]
        position += 4 + length + -length % 4


def _comment(options: bytes, order: str) -> str:
    return "\n".join(
        value.decode("utf-8", "replace")
        for code, value in _options(options, order)
        if code == _COMMENT
    )
