"""Rebuilds TCP streams from packets of IP; `link_layers.py` finds these in what was captured.

Sources: RFC 9293 (TCP), RFC 791 and RFC 8200 (IP). As in
a TCP receiver, repeated bytes are taken once, and early ones wait for the bytes before them. Of
overlapping bytes, those that begin first in the stream count.

Only conversations whose client asks for a WebSocket are kept; the others' bytes are not held.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, deque
from collections.abc import Sequence
from struct import Struct
from typing import Literal

from ..protocol import socks
from ..protocol.http import begins_head, proxy_length
from .link_layers import LINKS, NAMES, WITHOUT_TCP, Place, inside_ip
from .middle import Middle

What = Literal["open", "eof", "reset", "mark", "gap"]

MOST_WAITING = 16 << 20
"""The most bytes of one direction that may wait for a missing packet: no sender goes on so far
without an answer, so the receiver has it, and only the file lacks it."""
MOST_HEAD = 256 * 1024
"""Bytes at a client's start within which its first upgrade request must be."""


class Side:
    """One end of a TCP connection, and what it sent."""

    __slots__ = (
        "conversation", "ended", "fin", "first", "gaps", "next", "number", "position",
        "stream", "waiting", "waiting_bytes",
    )  # fmt: skip

    def __init__(self, conversation: Conversation, number: int) -> None:
        self.conversation = conversation
        self.number = number
        self.first: int | None = None  # the sequence number of its SYN
        self.next: int | None = None  # the sequence number of the next byte
        self.position = 0  # bytes delivered so far, and missing ones
        self.gaps: deque[tuple[int, int]] | None = None
        """Position and length of what never comes. A second reading knows it from the first, and
        need not wait for it."""
        self.waiting: list[tuple[int, int, int, bytes]] | None = None
        # A heap: position, arrival, time, bytes.
        self.waiting_bytes = 0
        self.fin: int | None = None  # where the stream ends
        self.ended = False
        self.stream = -1  # the stream number, for the code that records it


Happening = tuple[int, Side, bytes, What | None]
"""A log entry: time in nanoseconds, sender, and bytes that arrived in order or what happened. The
bytes of a `mark` are the file's comment on the packet, those of a `gap` the number of missing ones.

A plain tuple, because nearly every packet makes one.
"""


class Conversation:
    """One TCP connection: its two sides, and whether it is a WebSocket's."""

    __slots__ = (
        "client", "encrypted", "head", "http2", "kept", "line", "opened", "sides",
        "through", "to_plain", "upgraded",
    )  # fmt: skip

    def __init__(self, opened: int) -> None:
        self.opened = opened
        """The time of its first packet, in nanoseconds since 1970."""
        self.sides: tuple[Side, ...] = (Side(self, 0),)
        """The sides that sent something; one for a mere SYN, which saves memory in a port scan."""
        self.client: int | None = None
        """Which of the sides is the client's; None while that is unknown."""
        self.kept: bool | None = None
        """Whether the client asks for a WebSocket; None while that is unknown."""
        self.encrypted = False
        self.through = ""
        """What TLS goes through, and whereto: `CONNECT lab.example:443`."""
        self.to_plain = False
        """Whether a ClientHello was answered by plain HTTP."""
        self.http2 = False
        self.upgraded = False
        """Whether it has frames from the first byte on; only our own files say so."""
        self.head: bytearray | None = None
        """The client's first bytes, until their kind is known."""
        self.line = 0
        """Where the unfinished line among these bytes begins."""

    def answerer(self) -> Side:
        """The side that answers the first packet, made when it sends its own first packet."""
        side = Side(self, 1)
        if self.sides[0].stream >= 0:
            side.stream = self.sides[0].stream ^ 1
        self.sides = self.sides[0], side
        return side


# --- IP and TCP -----------------------------------------------------------------------------------

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_TCP = Struct("!IIBB")
# The layout of nearly every packet, an IPv4 header of 20 bytes and then TCP: length, fragment,
# addresses and ports, sequence number, data offset, flags.
_IPV4_TCP = Struct("!2xH2xH4x12sI4xBB")
_TAG = Struct("!HH")
EXPORTED = 252
"""The link type of what Wireshark exports from inside TLS, for instance."""
MOST_TUNNELS = 8
"""How many tunnels may be in one another."""
_IPV6_EXTENSIONS = (0, 43, 60, 135)


class Reassembler:
    """Rebuilds streams from packets in the order of a capture file; `log` has what arrived.

    `known` are the conversations of an earlier reading: they tell from the first packet on which
    ones are kept. Without `holds` the log stays empty: the reading only finds conversations.
    """

    def __init__(self, known: Sequence[Conversation] = (), *, holds: bool = True) -> None:
        self._known = known
        self._middles: dict[Conversation, Middle] = {}
        self._same: dict[Conversation, Conversation] = {}
        self._holds = holds
        self.log: list[Happening] = []
        self.conversations: list[Conversation] = []
        self.packets = 0
        self.unread: Counter[str] = Counter()
        """How many packets hold something else than TCP in IP, by what it is."""
        self.fragments = 0
        """How many packets were left out because they were IP fragments."""
        self.cut = 0
        """How many packets the file holds only in part."""
        self.repeated: dict[Conversation, tuple[Side, int, int, int]] = {}
        """By conversation: who sent bytes once more that have no answer yet, how often, and the
        times of the first and the last time."""
        self._sides: dict[bytes, Side] = {}
        self._exported: dict[bytes, int] = {}
        self._arrivals = 0

    def feed(self, time: int, link: int, data: bytes, mark: str = "") -> None:
        """Read one packet at `time` (nanoseconds); `mark` is our own file's comment on it."""
        self.packets += 1
        place: Place = 0
        if link != 101:
            find = LINKS.get(link)
            if find is None:
                if link == EXPORTED:
                    self._feed_exported(time, data)
                else:
                    name = f"{NAMES[link]}{WITHOUT_TCP}" if link in NAMES else f"link type {link}"
                    self.unread[name] += 1
                return
            place = find(data)
        self._feed_ip(time, data, place, mark)

    def _feed_ip(self, time: int, data: bytes, at: Place, mark: str, tunnels: int = 0) -> None:
        """Read a packet whose IP header begins at `at`, or count it by what is there instead."""
        if isinstance(at, str) or tunnels > MOST_TUNNELS:
            if at:
                self.unread[at if isinstance(at, str) else "tunnels in tunnels"] += 1
            return
        if len(data) < at + 28:
            return
        if data[at] != 0x45:
            self._feed_unusual(time, data, at, mark, tunnels)
            return
        if data[at + 9] != 6:
            if data[at + 6] & 0x3F or data[at + 7]:
                self.fragments += inside_ip(data, at + 20, data[at + 9]) != ""
            else:
                place = inside_ip(data, at + 20, data[at + 9])
                self._feed_ip(time, data, place, mark, tunnels + 1)
            return
        if len(data) < at + 40:
            return
        size, fragment, key, sequence, offset, flags = _IPV4_TCP.unpack_from(data, at)
        if fragment & 0x3FFF:
            self.fragments += 1
            return
        # 0: with offloading, the network card fills in the length later.
        stop = at + size if size else len(data)
        self._segment(time, key, sequence, flags, data, at + 20 + (offset >> 4) * 4, stop, mark)

    def _feed_unusual(self, time: int, data: bytes, at: int, mark: str, tunnels: int) -> None:
        """Read a packet of IPv6, or of IPv4 with options."""
        version = data[at] >> 4
        if version == 4:
            tcp, following = at + (data[at] & 0x0F) * 4, data[at + 9]
            if data[at + 6] & 0x3F or data[at + 7]:
                self.fragments += following == 6
                return
            size = data[at + 2] << 8 | data[at + 3]
            stop = at + size if size else len(data)
            key = data[at + 12 : at + 20]
        elif version == 6:
            size = data[at + 4] << 8 | data[at + 5]
            stop = at + 40 + size if size else len(data)
            following, tcp = data[at + 6] if len(data) > at + 40 else 59, at + 40
            while following in _IPV6_EXTENSIONS and tcp + 2 <= len(data):
                following, tcp = data[tcp], tcp + (data[tcp + 1] + 1) * 8
            # The whole may come in a fragment of its own (RFC 6946).
            if following == 44 and data[tcp + 2 : tcp + 4] == b"\0\0":
                following, tcp = data[tcp], tcp + 8
            if following == 44:
                self.fragments += 1
                return
            key = data[at + 8 : at + 40]
        else:
            self.unread["IP of no known version"] += 1
            return
        if following != 6:
            self._feed_ip(time, data, inside_ip(data, tcp, following), mark, tunnels + 1)
            return
        if len(data) < tcp + 20:
            return
        sequence, _, offset, flags = _TCP.unpack_from(data, tcp + 4)
        key += data[tcp : tcp + 4]
        self._segment(time, key, sequence, flags, data, tcp + (offset >> 4) * 4, stop, mark)

    def _feed_exported(self, time: int, data: bytes) -> None:
        """Read what Wireshark has exported of a stream: tags with the addresses, then its bytes."""
        at, tags = 0, dict[int, bytes]()
        while at + 4 <= len(data):
            kind, size = _TAG.unpack_from(data, at)
            at += 4 + size
            if not kind:
                break
            tags[kind] = data[at - size : at]
        # Source and target, in IPv4 or IPv6, and their ports.
        key = b"".join(tags.get(kind, b"") for kind in (20, 22, 21, 23))
        key += b"".join(tags.get(kind, b"")[-2:] for kind in (25, 26))
        if len(key) not in (12, 36):
            self.unread[f"link type {EXPORTED} without addresses"] += 1
            return
        sequence = self._exported.get(key, 1)
        self._exported[key] = (sequence + len(data) - at) & 0xFFFFFFFF
        self._segment(time, key, sequence, _ACK, data, at, len(data), "")

    def _segment(
        self,
        time: int,
        key: bytes,
        sequence: int,
        flags: int,
        data: bytes,
        start: int,
        stop: int,
        mark: str,
    ) -> None:
        if stop > len(data):
            self.cut += 1
            if len(data) < start:
                return  # not even TCP's header is here
        payload = data[start:stop]
        side = self._sides.get(key)
        if side is None or flags & _SYN:
            side = self._begin(key, side, time, sequence, flags, mark)
            if flags & _SYN:
                sequence = (sequence + 1) & 0xFFFFFFFF  # data follows (TCP Fast Open, RFC 7413)
        if (
            self.repeated
            and (again := self.repeated.get(side.conversation))
            # Where new bytes follow, each packet may have been captured twice.
            and (again[0] is not side or (payload and sequence == side.next))
        ):
            del self.repeated[side.conversation]
        if payload:
            if sequence == side.next and not side.waiting and side.fin is None:
                self._deliver(side, payload, time)
            else:
                self._take(side, sequence, payload, time)
        elif side.gaps and side.next is not None:
            self._ahead(side, sequence, time)
        if stop > len(data):
            # The rest of a packet that was cut will not come.
            if side.next == (sequence + len(payload)) & 0xFFFFFFFF:
                self._miss(side, stop - len(data), time)
                self._deliver_waiting(side, time)
            sequence += stop - len(data)
        if mark:
            self._mark(side, mark, time)
        if flags & (_FIN | _RST):
            self._end(side, sequence + len(payload), flags, time)

    def _begin(
        self, key: bytes, side: Side | None, time: int, sequence: int, flags: int, mark: str
    ) -> Side:
        """The side that sent a SYN, or the first packet seen of a connection."""
        opens = flags & _SYN and not flags & _ACK
        half = len(key) // 2 - 2
        addresses, ports = key[: 2 * half], key[2 * half :]
        back = addresses[half:] + addresses[:half] + ports[2:] + ports[:2]
        if side is None and (other := self._sides.get(back)):
            side = self._sides[key] = other.conversation.answerer()
            self._learn(side)
        if side is None or (opens and _is_another(side, sequence)):
            conversation = Conversation(time)
            if len(self.conversations) < len(self._known):
                known = self._same[conversation] = self._known[len(self.conversations)]
                conversation.kept = bool(known.kept)
                conversation.client = known.client
                conversation.upgraded = known.upgraded
                self._learn(conversation.sides[0])
            self.conversations.append(conversation)
            side = self._sides[key] = conversation.sides[0]
            self._sides.pop(back, None)
            if self._holds:
                self.log.append((time, side, b"", "open"))
        conversation = side.conversation
        if flags & _SYN and side.first is None:
            side.first = sequence
            if side.next is None:
                side.next = (sequence + 1) & 0xFFFFFFFF
            conversation.client = side.number if opens else 1 - side.number
            if opens and mark:
                conversation.kept = True
                conversation.upgraded = "frames alone" in mark.partition("\n")[0]
        return side

    def _learn(self, side: Side) -> None:
        """Take over what an earlier reading knows of the gaps of a side."""
        known = self._same.get(side.conversation)
        if known is not None and side.number < len(known.sides):
            gaps = known.sides[side.number].gaps
            side.gaps = deque(gaps) if gaps else None

    def _mark(self, side: Side, mark: str, time: int) -> None:
        if self._holds and side.conversation.kept is not False:
            self.log.append((time, side, mark.encode("utf-8", "replace"), "mark"))

    def _take(self, side: Side, sequence: int, payload: bytes, time: int) -> None:
        if side.next is None:
            side.next = sequence
            if self._holds and not _begins(payload):
                self.log.append((time, side, bytes(8), "gap"))  # the file lacks its beginning
        ahead = self._ahead(side, sequence, time)
        if ahead:
            if ahead < 0x80000000:
                self._arrivals += 1
                side.waiting = side.waiting or []
                heapq.heappush(side.waiting, (side.position + ahead, self._arrivals, time, payload))
                side.waiting_bytes += len(payload)
                if side.waiting_bytes > MOST_WAITING:
                    self._give_up(side, time)
                return
            payload = payload[0x100000000 - ahead :]
            if not payload:
                _, count, since, _ = self.repeated.get(side.conversation, (side, 0, time, time))
                self.repeated[side.conversation] = side, count + 1, since, time
                return
        self._deliver(side, payload, time)
        self._deliver_waiting(side, time)

    def _ahead(self, side: Side, sequence: int, time: int) -> int:
        """How far a sequence number is ahead of what came, modulo 2^32, behind a known gap."""
        assert side.next is not None
        ahead = (sequence - side.next) & 0xFFFFFFFF
        while side.gaps and side.gaps[0][0] < side.position:
            side.gaps.popleft()
        if side.gaps and side.gaps[0][0] == side.position and ahead < 0x80000000:
            length = side.gaps[0][1]
            if ahead >= length:
                self._miss(side, length, time)
                ahead -= length
        return ahead

    def _miss(self, side: Side, length: int, time: int) -> None:
        """Go on behind bytes that are not in the file."""
        assert side.next is not None
        side.next = (side.next + length) & 0xFFFFFFFF
        side.position += length
        if side.conversation.kept is None:
            self._judge(side, b"", length)
        if self._holds and side.conversation.kept is not False and not side.ended:
            self.log.append((time, side, length.to_bytes(8, "big"), "gap"))

    def _give_up(self, side: Side, time: int) -> None:
        """Wait no longer for the bytes before those that wait, or before the end."""
        stop = side.fin
        if side.waiting:
            stop, _, time, _ = side.waiting[0]
        if stop is not None and stop > side.position:
            side.gaps = side.gaps or deque()
            side.gaps.append((side.position, stop - side.position))
            self._miss(side, stop - side.position, time)
        self._deliver_waiting(side, time)

    def finish(self) -> bool:
        """End a reading; whether an earlier look at the gaps would put bytes at their own times."""
        for conversation in self.conversations:
            for side in conversation.sides:
                while side.waiting or (side.fin is not None and side.position < side.fin):
                    self._give_up(side, conversation.opened)
        return any(side.gaps for one in self.conversations if one.kept for side in one.sides)

    def _deliver_waiting(self, side: Side, time: int) -> None:
        """Deliver what no longer waits, and the end of the stream."""
        while side.waiting and side.waiting[0][0] <= side.position:
            start, _, _, payload = heapq.heappop(side.waiting)
            side.waiting_bytes -= len(payload)
            payload = payload[side.position - start :]
            if payload:
                self._deliver(side, payload, time)
        if side.fin is not None and side.position >= side.fin:
            self._end_side(side, time, "eof")

    def _deliver(self, side: Side, payload: bytes, time: int) -> None:
        assert side.next is not None
        side.next = (side.next + len(payload)) & 0xFFFFFFFF
        side.position += len(payload)
        conversation = side.conversation
        if conversation.kept is None:
            self._judge(side, payload)
        elif conversation.encrypted and side.position == len(payload):
            conversation.to_plain = payload.startswith(b"HTTP/")
        if self._holds and conversation.kept is not False and not side.ended:
            self.log.append((time, side, payload, None))

    def _judge(self, side: Side, payload: bytes, missing: int = 0) -> None:
        """Decide whether a conversation is a WebSocket's: by its request, its 101 or its frames."""
        conversation = side.conversation
        middle = self._middles.get(conversation)
        accepts = _ACCEPTS.match(payload)
        if accepts and _ASKS.search(payload):
            conversation.kept, conversation.client = True, 1 - side.number
        elif middle is not None or accepts or _begins_late(side, payload, missing):
            if middle is None:
                middle = self._middles[conversation] = Middle()
            if accepts:
                middle.accepts = 16
                return
            known = any(one.first is not None for one in conversation.sides)
            if middle.take(side.number, payload, missing):
                conversation.kept = not (known and conversation.client != middle.client)
                conversation.client = middle.client
                conversation.upgraded = not (middle.accepts or conversation.head)
        if payload and (middle is None or begins_head(payload[:64])):
            _taste(conversation, side.number, payload)
        if conversation.kept is not None:
            self._middles.pop(conversation, None)
            conversation.head = None

    def _end(self, side: Side, sequence: int, flags: int, time: int) -> None:
        if flags & _RST:
            self._end_side(side, time, "reset")
            return
        if side.next is None:
            side.next = sequence & 0xFFFFFFFF
        ahead = self._ahead(side, sequence & 0xFFFFFFFF, time)
        if ahead < 0x80000000:
            side.fin = side.position + ahead
            if not ahead:
                self._end_side(side, time, "eof")

    def _end_side(self, side: Side, time: int, how: What) -> None:
        if not side.ended:
            side.ended = True
            if self._holds and side.conversation.kept is not False:
                self.log.append((time, side, b"", how))


def _is_another(side: Side, sequence: int) -> bool:
    """Whether a SYN opens a new connection between the same ports."""
    if side.first is not None:
        return sequence != side.first
    if side.next is not None:  # the file lacks its beginning, or its SYN came late
        return (sequence + 1 - side.next + side.position) & 0xFFFFFFFF != 0
    return any(one.position for one in side.conversation.sides)


_REQUEST_LINE = re.compile(rb"\r\n\r\n\0\r\nQUIT\n|[!-~]+ ")
PREFACE = b"PRI * HTTP/2.0\r\n"
"""How a client of HTTP/2 begins (RFC 9113 §3.4)."""
_SHORT_LINE = 1024
_ASKS = re.compile(
    rb"^(?:sec-websocket-|upgrade[ \t]*:[ \t]*websocket)", re.IGNORECASE | re.MULTILINE
)


_ACCEPTS = re.compile(rb"HTTP/1\.1 101\b")


def _begins_late(side: Side, payload: bytes, missing: int) -> bool:
    """Whether the file lacks the beginning of what a side sent, so that frames may follow."""
    if missing:
        head = side.conversation.head or b""
        return b"\r\n\r\n" not in head  # else it is plain HTTP
    late = side.first is None and side.position == len(payload)
    return late and not _begins(payload)


def _begins(payload: bytes) -> bool:
    """Whether a connection can begin like this: with HTTP, the PROXY protocol, SOCKS or TLS."""
    return payload[0] in b"\x04\x05\x16" or begins_head(payload[:64]) or proxy_length(payload) > 0


def _taste(conversation: Conversation, side: int, payload: bytes) -> None:
    """Decide whether this connection is a WebSocket's, by its client's first bytes."""
    if conversation.client is None:
        # The file lacks its beginning. A response shows that the other side is the client.
        conversation.client = 1 - side if payload.startswith(b"HTTP/") else side
    if side != conversation.client:
        return
    head = conversation.head = conversation.head or bytearray()
    head += payload
    if _asks(conversation, head, len(head) - len(payload)):
        conversation.kept = True
        conversation.head = None
        return
    at, through = _behind_proxy(head, len(head) - len(payload))
    if head[at : at + 1] == b"\x16" and (len(head) < at + 2 or head[at + 1] == 3):
        conversation.encrypted = True
        conversation.through = through
        conversation.kept = False
    elif head.startswith(PREFACE, at):
        conversation.http2 = True
        conversation.kept = False
    elif len(head) > MOST_HEAD or (
        len(head) >= at + 64 and not _REQUEST_LINE.match(head[at : at + 64])
    ):
        conversation.kept = False
    if conversation.kept is not None:
        conversation.head = None


def _behind_proxy(head: bytearray, before: int) -> tuple[int, str]:
    """Where a conversation begins that a client has a proxy pass on, and whereto; else 0.

    The first `before` bytes of `head` have been read already.
    """
    if head[0] in (4, 5):
        asked = socks.messages("client", head[: 2 * socks.LONGEST])
        if not asked:
            return 0, ""
        name, start, stop = asked[-1]
        return stop, f"SOCKS to {socks.target(name, bytes(head[start:stop]))}"
    if head[0] in b"P\r" and (at := proxy_length(head)):
        return at, ""
    if head.startswith(b"CONNECT "):
        found = head.find(b"\r\n\r\n\x16\x03", max(0, before - 5))
        if found >= 0:
            whereto = head[head.rindex(b"CONNECT ", 0, found) :].split(b" ", 2)[1]
            host = whereto.rpartition(b"@")[2]
            return found + 4, f"CONNECT {host[:260].decode('latin-1')}"
    return 0, ""


def asks_only_a_proxy(conversation: Conversation) -> bool:
    """Whether a client asked a proxy for a connection, and nothing followed: it was refused."""
    head = conversation.head
    if not head or conversation.kept is not None:
        return False
    asked = head[0] in (4, 5) and socks.messages("client", head)
    if asked:
        return asked[-1][2] == len(head)
    return head.startswith(b"CONNECT ") and not _OTHER_REQUEST.search(head)


_OTHER_REQUEST = re.compile(rb"^(?!CONNECT )[A-Z]{3,16} [!-~]+ HTTP/1", re.MULTILINE)


def _asks(conversation: Conversation, head: bytearray, before: int) -> bool:
    """Whether the client asks for a WebSocket; the first `before` bytes have been read already.

    A line is read when it is complete; only a short unfinished line is read again with each packet,
    because there may be a packet for every byte.
    """
    line, end = conversation.line, head.rfind(b"\n", before) + 1
    if end:
        conversation.line = end
        if _ASKS.search(head, line, end):
            return True
        line = end
    return len(head) - line <= _SHORT_LINE and bool(_ASKS.match(head, line))
