"""HTTP/1.1 as far as a handshake needs it: heads taken apart, bodies measured, answers paired.

Source: RFC 9112 §2-§5 (heads), §6.3 (how long a body is), §9.3 (responses come in the order of
their requests). Any bytes will do: nothing here raises for what a peer sent.

An `HttpReader` reads one direction; the two of a connection share an `Exchange`, because what a
response is depends on its request, and when HTTP is over on the response.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from ..fields import Direction

MAX_HEAD = 256 * 1024
"""Bytes after which a head without an end is taken as it is, so that it cannot grow for ever."""

_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/\d\.\d (\d{3})(?: .*)?", re.DOTALL)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
DIGITS = re.compile(r"[0-9]+")


class HeaderLine(NamedTuple):
    """A header as it stands in a head: offset and length in bytes, its line end included."""

    name: str
    value: str
    offset: int
    length: int


class Head(NamedTuple):
    """The first line and the headers of a request or response."""

    first_line: str
    first_length: int
    """Bytes of the first line, its line end included."""
    headers: tuple[HeaderLine, ...]
    length: int
    """Bytes up to and including the empty line."""
    empty: int = 0
    """Bytes of an empty line before the first one: a server overlooks it (RFC 9112 §2.2)."""

    def all(self, name: str) -> list[str]:
        """The values of every header of that name (case ignored)."""
        return [header.value for header in self.headers if header.name.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next(iter(self.all(name)), None)

    def words(self, name: str) -> list[str]:
        """The comma-separated words of a header, over all its lines, in lower case."""
        return [word.lower() for word in self.listed(name)]

    def listed(self, name: str) -> list[str]:
        """The same in their own case (RFC 9110 §5.6.1)."""
        # Not strip() alone: that takes off what HTTP does not call white space (NBSP, NEL).
        words = (word.strip(" \t") for value in self.all(name) for word in value.split(","))
        return [word for word in words if word]

    @property
    def status(self) -> int | None:
        """The status of a response; None for anything that is not a response's first line."""
        found = None if self.empty else _STATUS_LINE.fullmatch(self.first_line)
        return int(found[1]) if found else None

    @property
    def is_interim(self) -> bool:
        """Whether another response to the same request follows (1xx but 101, RFC 9110 §15.2)."""
        return self.status is not None and 100 <= self.status < 200 and self.status != 101

    @property
    def wants_upgrade(self) -> bool:
        """Whether a request tries to be a WebSocket handshake, however badly."""
        return bool(self.all("Upgrade")) or any(
            header.name.lower().startswith("sec-websocket-") for header in self.headers
        )


def find_end(data: bytes | bytearray, start: int, seen: int, stop: int) -> int | None:
    """Where the head that starts at `start` ends, or None while it goes on.

    `seen` is how far an earlier look went, so that no byte is looked at again and again.
    """
    begin = max(start + _empty_line(data[start : min(start + 2, stop)]), seen - 3)
    most = start + MAX_HEAD
    found = _END.search(data[begin : min(stop, most)])
    if found:
        return begin + found.end()
    return most if stop >= most else None


def parse_head(data: bytes) -> Head:
    """Parse a head. Any bytes are accepted: a line that is no header gets an empty name."""
    empty = _empty_line(data[:2])
    end = _END.search(data, empty)
    length = end.end() if end else len(data)
    lines = _lines(data[empty:length])
    first = lines[0] if lines else b""
    headers: list[HeaderLine] = []
    offset = empty + len(first)
    for line in lines[1:]:
        text = _text(line)
        if text or not end:  # the line that ends the head is no header
            name, colon, value = text.partition(":")
            if not colon or not TOKEN.fullmatch(name):
                name, value = "", text
            headers.append(HeaderLine(name, value.strip(" \t"), offset, len(line)))
        offset += len(line)
    return Head(_text(first), len(first), tuple(headers), length, empty)


def _lines(data: bytes) -> list[bytes]:
    # Not bytes.splitlines: that also splits at a lone CR, which ends no line in HTTP.
    return [line + b"\n" for line in data.split(b"\n")[:-1]] + (
        [rest] if (rest := data.rsplit(b"\n", 1)[-1]) else []
    )


def _text(line: bytes) -> str:
    # Only the line end goes: a CR before it is a byte like any other, and none that is allowed.
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")


def _empty_line(data: bytes | bytearray) -> int:
    return 2 if data == b"\r\n" else 1 if data[:1] == b"\n" else 0


def content_length(head: Head) -> int | None:
    """Bytes of body that a head announces, or None. Of different numbers the first counts."""
    words = head.listed("Content-Length")
    return int(words[0][:18]) if words and DIGITS.fullmatch(words[0]) else None


_REQUEST_BEGINS = re.compile(rb"\r?\n?[A-Za-z]*(?: |\Z)")
_BEGINNING = 16
"""Bytes of a message by which it is told whether it can be a request."""


def begins_request(data: bytes) -> bool:
    """Whether the first bytes of `data` may be a method's letters: no legal frame begins so."""
    return _REQUEST_BEGINS.match(data) is not None


_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LONGEST_LINE = 256
"""Bytes of a line between chunks that are held: a size needs no more, a trailer is only passed."""


class Body:
    """Measures the body after a head, piece by piece (RFC 9112 §6.3)."""

    __slots__ = ("_in_trailer", "_left", "_line")

    def __init__(self, length: int | None, chunked: bool = False) -> None:
        self._left = length  # bytes that just pass; None: all, until the connection ends
        self._line = bytearray() if chunked else None  # the line between chunks so far
        self._in_trailer = False

    @classmethod
    def after(cls, head: Head, request: Head | None, in_request: bool) -> Body:
        """The body after a head; a response answers `request`.

        A response without a length goes on until the connection ends.
        """
        if not in_request:
            no_body = head.status is not None and (head.status < 200 or head.status in (204, 304))
            if no_body or (request and request.first_line.startswith("HEAD ")):
                return cls(0)
        if "chunked" in head.words("Transfer-Encoding"):
            return cls(0, chunked=True)
        length = content_length(head)
        return cls(0 if length is None and in_request else length)

    def read(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """Where the body ends, `data[start:stop]` being what comes next; None while it goes on."""
        position = start
        while self._left is not None:
            passed = min(self._left, stop - position)
            self._left -= passed
            position += passed
            if self._left:
                return None
            if self._line is None:
                return position
            found = data.find(b"\n", position, stop)
            end = stop if found < 0 else found
            room = _LONGEST_LINE - len(self._line)
            self._line += data[position : min(end, position + room)]
            if found < 0:
                return None
            position = found + 1
            line = bytes(self._line)
            self._line.clear()
            self._end_line(line)
        return None

    def _end_line(self, line: bytes) -> None:
        size = line.split(b";")[0].strip()
        if self._in_trailer:
            if line in (b"", b"\r"):
                self._line = None
        elif not _CHUNK_SIZE.fullmatch(size):
            self._line = None  # no chunk: what follows is somebody else's
        elif int(size, 16):
            self._left = int(size, 16) + 2  # and its line end
        else:
            self._in_trailer = True


class Exchange:
    """The requests of one connection that wait for their responses (RFC 9112 §9.3)."""

    def __init__(self) -> None:
        self._requests: deque[Head] = deque()
        self.upgraded = False
        """A 101 came: what follows are frames."""
        self.unasked = False
        """It came before any request: one may still be on its way."""

    def ask(self, request: Head) -> None:
        """A request's head is there; its answer may come before its body ends."""
        self._requests.append(request)

    def answer(self, response: Head) -> Head | None:
        """The request that a response answers; a 1xx other than 101 leaves it pending."""
        if response.status == 101:
            self.upgraded, self.unasked = True, not self._requests
        if not self._requests:
            return None
        return self._requests[0] if response.is_interim else self._requests.popleft()

    @property
    def last(self) -> Head | None:
        """The request asked last, if it has no answer yet."""
        return self._requests[-1] if self._requests else None

    def awaits(self, request: Head) -> bool:
        """Whether a request has no answer yet."""
        return any(waiting is request for waiting in self._requests)


class HttpReader:
    """Finds where each request or response of one direction ends; looks at each byte once."""

    def __init__(self, direction: Direction, exchange: Exchange) -> None:
        self.direction: Direction = direction
        self.exchange = exchange
        self.seen = 0
        """How far it has looked, in bytes of what it is given."""
        self.head: Head | None = None
        """Of the message that is being read, once it is there."""
        self.request: Head | None = None
        """For a response: the request that it answers."""
        self._begun = b""  # the first bytes of a message whose head is not all there
        self._body = Body(0)

    def end(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """Where the message at `start` ends; None while it goes on after `stop`."""
        if self.head is None and not self.read_head(data, start, stop):
            return None
        return self.read_body(data, stop)

    def read_head(self, data: bytes | bytearray, start: int, stop: int) -> bool:
        """Read the head of the message at `start`; False while it is not all there."""
        end, over = None, self.exchange.upgraded
        self._begun = bytes(data[start : min(start + _BEGINNING, stop)])
        if not over or begins_request(self._begun):
            end = find_end(data, start, self.seen, stop)
        self.seen = stop if end is None else end
        if end is None:
            return False
        self.head = head = parse_head(bytes(data[start:end]))
        in_request = self.direction == "client"
        if in_request:
            self.exchange.ask(head)
        else:
            self.request = self.exchange.answer(head)
        # Once HTTP is over there is no body, even where one is announced.
        over = self.exchange.upgraded
        self._body = Body(0) if over else Body.after(head, self.request, in_request)
        return True

    def read_body(self, data: bytes | bytearray, stop: int) -> int | None:
        """Where the message ends; None while its body goes on after `stop`."""
        end = self._body.read(data, self.seen, stop)
        self.seen = stop if end is None else end
        return end

    def go_on(self, position: int) -> None:
        """Forget the message that was read; the next one starts at `position`."""
        self.head = self.request = None
        self._begun = b""
        self.seen = position

    @property
    def is_over(self) -> bool:
        """Whether HTTP is over. A request is read to its end even after a 101."""
        if not self.exchange.upgraded:
            return False
        if self.direction == "server" or self.head:
            return True
        return not begins_request(self._begun) if self._begun else not self.exchange.unasked
