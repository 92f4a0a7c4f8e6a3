"""Masks logins before they are recorded, wherever the bytes were split.

`protocol/secrets.py` finds logins, line by line. An unfinished line may still turn out to hold a
login, so it is masked completely; when it ends, everything but logins is restored. Recorded bytes
change for no other reason, and only in the last line of a head.
"""

from __future__ import annotations

import re

from ..fields import Direction
from ..protocol import socks
from ..protocol.http import MAX_HEAD, parse_head
from ..protocol.secrets import announcement, masked_line, starred_subprotocol, stars
from ..protocol.tls_records import BEGINNING, HEADER
from .cutter import Cutter

_TEXT = frozenset(b"\0\t\v\f\r\n") | frozenset(range(0x20, 0x7F))

_FIRST_WORD = re.compile(rb"[A-Za-z0-9/.-]{0,16}")
"""A method, HTTP version or header name at the start of a line, which is never masked."""

_SUBPROTOCOLS = b"sec-websocket-protocol:"
_CONTEXT = 64
"""How many bytes of a header are read together with the folded line below it."""
_LOGIN = b"*"
"""Replaces these bytes if the header ends in a login that continues in the folded line."""


class LineMask:
    """Masks the lines of heads, each when it has ended.

    `offered` holds the logins that a client offered as subprotocols; a server may send one back.
    """

    __slots__ = ("_above", "_first", "_in_proxy", "_long", "_offered", "line", "was_empty")

    def __init__(self, offered: dict[bytes, None] | None = None) -> None:
        self.line = bytearray()
        """The line that has not ended yet, unmasked."""
        self.was_empty = False
        """Whether the last line that ended was the empty one after a head."""
        self._above = b""  # the header that a folded line continues
        self._first = True
        self._in_proxy = False  # whether the PROXY protocol's header goes on, version 2
        self._long: bool | None = None  # for a line longer than a head: whether its rest is masked
        self._offered = {} if offered is None else offered  # an empty set takes 216 bytes

    @property
    def is_inside(self) -> bool:
        """Whether a line has begun."""
        return bool(self.line) or self._long is not None

    def take(self, data: bytes) -> bytes:
        """Read the next bytes; returns the masked lines that end in them, each from its start."""
        ended = bytearray()
        start = 0
        while start < len(data):
            newline = data.find(b"\n", start)
            stop = newline + 1 or len(data)
            if self._long is not None:
                rest = data[start:stop]
                ended += stars(rest) if self._long else rest
            else:
                stop = min(stop, start + MAX_HEAD - len(self.line))
                self.line += data[start:stop]
                if len(self.line) == MAX_HEAD or newline + 1 == stop:
                    line = bytes(self.line)
                    masked = self.end()
                    self._long = masked != line
                    ended += masked
            if newline + 1 == stop:
                self._long = None
            start = stop
        return bytes(ended)

    def end(self) -> bytes:
        """Mask the unfinished line as if it ended here, and return it."""
        line, first = bytes(self.line), self._first
        self.line.clear()
        masked = masked_line(line, first)
        folded = not first and line[:1] in (b" ", b"\t")
        if folded and self._above == _LOGIN:
            masked = stars(line)
        elif folded and self._above:
            masked = masked_line(self._above + masked)[len(self._above) :]
        elif line[:23].lower() == self._above[:23].lower() == _SUBPROTOCOLS:
            # The same list goes on, as RFC 6455 §11.3.4 allows in a request.
            above = self._above.rstrip() + b","
            masked = line[:23] + masked_line(above + line[23:])[len(above) :]
        if masked != line and masked.rstrip().endswith(b"*"):
            self._above = _LOGIN
        elif folded:
            self._above = self._above and self._above[:_CONTEXT] + line.rstrip()[-_CONTEXT:]
        else:
            self._above = b"" if first else announcement(line)[-_CONTEXT:]
        if line[:22].lower() == b"sec-websocket-protocol":
            masked = self._told_back(line, masked)
        self.was_empty = line in (b"\n", b"\r\n")
        # Version 2 has the signature's bytes, binary ones, and the request's line behind them.
        self._in_proxy = line == b"QUIT\n" or (self._in_proxy and b" HTTP/1." not in line)
        self._first = self.was_empty or self._in_proxy
        if self.was_empty:
            self._above = b""
        return masked

    def _told_back(self, line: bytes, masked: bytes) -> bytes:
        """Mask the logins that the other side offered as subprotocols."""
        words = []
        for word, shown in zip(line.split(b","), masked.split(b","), strict=True):
            login = word.rpartition(b":")[2].strip()
            if word != shown:
                self._offered[login] = None
            elif login and login in self._offered:
                start = word.index(login)
                shown = word[:start] + starred_subprotocol(word[start:])
            words.append(shown)
        return b",".join(words)

    def skip(self) -> bytes:
        """Bytes are missing: mask the unfinished line, as `end`, and the rest of the next one."""
        masked = self.end() if self.line else b""
        self._long, self._first = True, False
        return masked

    def unknown(self, data: bytes) -> bytes:
        """What to record for the end of `data`, which belongs to the unfinished line."""
        if not self.line or self.line[0] not in _TEXT:
            return data  # not a line: a frame or TLS record, which begins with other bytes
        found = _FIRST_WORD.match(self.line)
        assert found is not None, "it may be empty"
        shown = max(0, found.end() - len(self.line) + len(data))
        return data[:shown] + stars(data[shown:])

    def begin_message(self) -> None:
        """Expect the first line of a request or response next."""
        if not self.is_inside:
            self._first, self._above = True, b""


_HEAD_TEXT = re.compile(rb"[\t\r\n -~]*")
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_BEGINS = re.compile(
    rb"HTTP/\d|(?:CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|TRACE) [/*h]|\n0+[ \t]*(?:;|\r?\n)"
)
"""The start of another head, or of the trailer of a chunked body, inside a body."""
_LONGEST_BEGINNING = 20


class SecretsMask:
    """Masks the logins in one direction's stream, wherever its bytes were split.

    Frames and TLS records are not masked; of SOCKS, its login is. Bodies are masked only where
    something in them looks like a head, since programs disagree on where a body ends. A `cutter`
    finds all this, as in the index. The two directions of a connection share it, and the logins
    `offered` as subprotocols.
    What a client sends before the answer to its upgrade counts as HTTP until the answer is known.
    """

    __slots__ = (
        "_accepts", "_before", "_behind", "_cutter", "_http", "_in_lines", "_is_head", "_lines",
        "_record", "_side", "_start", "_taken",
    )  # fmt: skip

    def __init__(
        self,
        direction: Direction = "client",
        cutter: Cutter | None = None,
        offered: dict[bytes, None] | None = None,
    ) -> None:
        self._cutter = cutter or Cutter()
        self._side = self._cutter.side(direction)
        self._http = self._side.http
        self._start = bytearray()  # the part of the current head that has come
        self._taken = 0  # bytes of HTTP so far
        self._lines = LineMask(offered)
        self._in_lines = False  # whether a head has begun inside a body
        self._is_head = False  # whether the whole body is read like a head
        self._before = b""  # the last bytes of the body
        self._record = 0  # bytes of a TLS record that are still to come
        self._behind = False  # whether the rest of a head may follow, behind missing bytes
        self._accepts = False  # whether that is the head of a 101

    @property
    def done(self) -> bool:
        """Whether HTTP has ended in this direction, so that no more headers come."""
        # After a 101, a body counts as complete.
        begun = self._http.head is not None and self._cutter.exchange.upgraded
        return self._side.speaks_frames or begun

    @property
    def http_size(self) -> int:
        """Bytes of HTTP in this direction; frames follow them once it is `done`."""
        return self._taken - len(self._start)

    @property
    def begun(self) -> bytes:
        """The bytes of the unfinished line, unmasked; they were recorded masked."""
        return bytes(self._lines.line)

    def mask(self, chunk: bytes) -> tuple[bytes, bytes]:
        """Mask a chunk: returns the bytes that replace those last recorded, and the masked chunk.

        The first are empty, or the unfinished line in which only logins stay masked. The second
        has the length of the chunk.
        """
        before = len(self._lines.line)
        known = bytearray()  # the final bytes of the unfinished line and of this chunk
        position = 0
        while position < len(chunk) and not self.done:
            if self._behind:
                stop = self._end_of_rest(chunk, position, known)
            elif self._record or self._begins_record(chunk, position):
                find_end = self._end_of_socks if self._side.in_socks else self._end_of_record
                stop = find_end(chunk, position, known)
            elif self._http.head is None:
                stop = self._end_of_head(chunk, position, known)
            else:
                stop = self._end_of_body(chunk, position, known)
            self._taken += stop - position
            position = stop
        if self.done:
            known += self.end() + chunk[position:]
        if not known:
            return b"", self._lines.unknown(chunk)
        known += self._lines.unknown(bytes(self._lines.line))
        return bytes(known[:before]), bytes(known[before:])

    def end(self) -> bytes:
        """End the masking: returns the bytes that replace those last recorded."""
        if self.done:  # they belonged to a frame
            line = bytes(self._lines.line)
            self._lines.line.clear()
            return line
        return self._lines.end() if self._lines.line else b""

    def skip(self, absent: bool) -> bytes:
        """Bytes are missing here: returns the bytes that replace those last recorded, as `end`.

        `absent`: perhaps nothing of this direction is here.
        """
        server = self._http.direction == "server"
        if server and absent:
            self._cutter.exchange.unasked = None
        self._accepts = server and parse_head(bytes(self._start)).status == 101
        self._start.clear()
        self._behind = True
        return self._lines.skip()

    def _end_of_rest(self, chunk: bytes, start: int, known: bytearray) -> int:
        """The offset in this chunk at which the rest of a head ends, if that is what it is."""
        if self._http.direction == "server":
            self._cutter.exchange.unasked = False
        empty = _EMPTY_LINE.search(chunk, start)
        stop = empty.end() if empty else len(chunk)
        text = _HEAD_TEXT.fullmatch(chunk, start, stop) is not None
        if text:
            known += self._lines.take(chunk[start:stop])
        if empty or not text:
            self._behind = False
            self._http.start_next(0)
            if not text:  # these bytes are frames
                self._lines = LineMask()
                self._side.speaks_frames = True
            if self._http.direction == "server" and (self._accepts or not text):
                self._cutter.upgrade()
        return stop if text else start

    def _begins_record(self, chunk: bytes, start: int) -> bool:
        """Whether a TLS record stands at `start`, or goes on there with its first few bytes."""
        more = BEGINNING - len(self._start)
        return (more > 0 or self._side.in_socks) and self._side.begins_record(
            bytes(self._start) + chunk[start : start + more]
        )

    def _end_of_socks(self, chunk: bytes, start: int, known: bytearray) -> int:
        """The offset in this chunk at which the message of SOCKS that stands at `start` ends."""
        before, side = len(self._start), self._side
        self._start += chunk[start : start + socks.LONGEST]
        end = side.record_end(self._start, 0, len(self._start))
        known += socks.masked(side.record, self._start[:end])[before:]
        stop = start + (end or len(self._start)) - before
        if end is not None:
            self._end_record()
        return stop

    def _end_of_record(self, chunk: bytes, start: int, known: bytearray) -> int:
        """The offset in this chunk at which the TLS record that stands at `start` ends."""
        if not self._record:
            known += self.end()  # of a body that ended within a line
            begun = bytes(self._start) + chunk[start : start + BEGINNING]
            length = HEADER + int.from_bytes(begun[3:HEADER], "big")
            if len(begun) < min(BEGINNING, length):
                self._start += chunk[start:]  # perhaps they are no record's yet
                known += chunk[start:]
                return len(chunk)
            self._record = length - len(self._start)
            self._start.clear()
        stop = min(len(chunk), start + self._record)
        self._record -= stop - start
        known += chunk[start:stop]
        if not self._record:
            self._end_record()
        return stop

    def _end_record(self) -> None:
        self._start.clear()
        self._cutter.decide(self._side)
        self._cutter.start_next(self._side, 0)
        self._lines.begin_message()

    def _end_of_head(self, chunk: bytes, start: int, known: bytearray) -> int:
        """The offset in this chunk at which the head that continues at `start` ends."""
        http, before = self._http, len(self._start)
        if before:
            self._start += chunk[start : start + MAX_HEAD - before]
            found = http.read_head(self._start, 0, len(self._start))
            stop = start + (http.seen if found else len(self._start)) - before
        else:
            http.seen = start
            found = http.read_head(chunk, start, len(chunk))
            stop = http.seen
            if not found:
                self._start += chunk[start:]
                http.seen = len(self._start)
        if not found and http.is_over:  # these bytes are frames
            self._side.speaks_frames = True
            del self._start[before:]
            return start
        known += self._lines.take(chunk[start:stop])
        if found:
            head = http.head
            assert head is not None, "it was found"
            self._start.clear()
            self._is_head = http.direction == "client" and (
                head.wants_upgrade or head.first_line.startswith(("GET ", "HEAD "))
            )
            self._in_lines, self._before = self._is_head, b"\n"
            self._lines.begin_message()
            self._end_of_body(b"", 0, known)  # there may be none
        return stop

    def _end_of_body(self, chunk: bytes, start: int, known: bytearray) -> int:
        self._http.seen = start
        end = self._http.read_body(chunk, len(chunk))
        stop = len(chunk) if end is None else end
        self._take_body(chunk, start, stop, known)
        if end is not None:
            self._cutter.decide(self._side)
            self._cutter.start_next(self._side, 0)
            self._lines.begin_message()
        return stop

    def _take_body(self, chunk: bytes, start: int, stop: int, known: bytearray) -> None:
        lines = self._lines
        while start < stop:
            if lines.is_inside or self._in_lines:
                end = chunk.find(b"\n", start, stop) + 1 or stop
                known += lines.take(chunk[start:end])
                if not lines.is_inside and lines.was_empty:
                    self._in_lines, self._before = self._is_head, b"\n"
            else:
                # The beginning of a head may be split between two chunks.
                near, seam = (
                    len(self._before),
                    self._before + chunk[start : min(start + _LONGEST_BEGINNING, stop)],
                )
                if found := _BEGINS.search(seam):
                    end = start + max(found.end() - near, 0)
                else:
                    found = _BEGINS.search(chunk, start, stop)
                    end = found.end() if found else stop
                known += chunk[start:end]
                self._in_lines = found is not None
                lines.was_empty = False
                lines.begin_message()
                near = max(start, end - _LONGEST_BEGINNING)
                self._before = (self._before + chunk[near:end])[-_LONGEST_BEGINNING:]
            start = end


def masked_behind(before: bytes, data: bytes) -> bytes:
    """Mask `data`, bytes of a head that follow the bytes `before`."""
    ended = max(before.rfind(b"\n\r\n"), before.rfind(b"\n\n"))
    lines = LineMask()
    lines.take(before[ended + 1 :])
    begun = len(lines.line)
    masked = lines.take(data)
    return (masked + lines.end() if lines.line else masked)[begun:]
