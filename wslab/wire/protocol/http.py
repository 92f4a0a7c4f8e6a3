"""HTTP/1.1 as far as a handshake needs it: parses heads, finds where bodies end, pairs responses.

Source: RFC 9112 §2-§5 (heads), §6.3 (how long a body is), §9.3 (responses come in the order of
their requests). Nothing here raises an error, whatever bytes a peer sent.

An `HttpReader` reads one direction. The two readers of a connection share an `Exchange`: a
response is read according to its request, and the response decides when HTTP is over.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ..fields import Direction

MAX_HEAD = 256 * 1024
"""Bytes after which a head counts as complete even without its end, so that it cannot grow on."""

_STEP = 4096
"""Bytes that are searched for the end of a head at first: many short heads may come at once."""

_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/\d\.\d (\d{3})(?: .*)?", re.DOTALL)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
DIGITS = re.compile(r"[0-9]+")


class HeaderLine(NamedTuple):
    """One header of a head: its offset and length in bytes include the line end."""

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
    """Bytes before the first line: an empty line, which a server ignores (RFC 9112 §2.2), and the
    header of the PROXY protocol."""
    proxy: int = 0
    """Bytes of that header."""
    bare: int = 0
    """How many of its lines end with LF alone."""

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
        """The comma-separated words of a header, over all its lines (RFC 9110 §5.6.1)."""
        # Not strip() alone: it also removes what is not white space in HTTP (NBSP, NEL).
        words = (word.strip(" \t") for value in self.all(name) for word in value.split(","))
        return [word for word in words if word]

    @property
    def status(self) -> int | None:
        """The status of a response; None if the first line is not a status line."""
        found = None if self.empty else _STATUS_LINE.fullmatch(self.first_line)
        return int(found[1]) if found else None

    @property
    def is_interim(self) -> bool:
        """Whether another response to the same request follows (1xx except 101, RFC 9110 §15.2)."""
        return self.status is not None and 100 <= self.status < 200 and self.status != 101

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def wants_upgrade(self) -> bool:
        """Whether a request asks for a WebSocket, even if it breaks rules."""
        return bool(self.all("Upgrade")) or any(
            header.name.lower().startswith("sec-websocket-") for header in self.headers
        )


def find_end(data: bytes | bytearray, start: int, seen: int, stop: int) -> int | None:
    """The offset at which the head that starts at `start` ends, or None while it goes on.

    `seen` is where the last search stopped, so that no byte is searched again and again.
    """
    begin = start + proxy_length(data, start, stop)
    begin = max(begin + _empty_line(data[begin : min(begin + 2, stop)]), seen - 3)
    most = start + MAX_HEAD
    stop, size = min(stop, most), _STEP
    while begin < stop:
        found = _END.search(data[begin : begin + min(size, stop - begin)])
        if found:
            return begin + found.end()
        begin = begin + size - 3 if begin + size < stop else stop
        size *= 4
    return most if stop >= most else None


def parse_head(data: bytes) -> Head:
    """Parse a head. Any bytes are accepted: a line that is not a header gets an empty name."""
    proxy = proxy_length(data)
    empty = proxy + _empty_line(data[proxy : proxy + 2])
    end = _END.search(data, empty)
    length = end.end() if end else len(data)
    lines = _lines(data[empty:length])
    first = lines[0] if lines else b""
    headers: list[HeaderLine] = []
    offset = empty + len(first)
    for line in lines[1:]:
        text = _text(line)
        if text or not end:  # the empty line that ends the head is not a header
            name, colon, value = text.partition(":")
            if not colon or not TOKEN.fullmatch(name):
                name, value = "", text
            headers.append(HeaderLine(name, value.strip(" \t"), offset, len(line)))
        offset += len(line)
    bare = sum(line.endswith(b"\n") and not line.endswith(b"\r\n") for line in lines)
    return Head(_text(first), len(first), tuple(headers), length, empty, proxy, bare)


_PROXY_LINE = 108
"""Bytes within which version 1 of the PROXY protocol ends, and version 2 tells its length."""
_PROXY_1 = re.compile(
    rb"PROXY (?:TCP[46](?: [0-9A-Fa-f.:]+){2}(?: \d{1,5}){2}|UNKNOWN[^\r\n]*)\r?\n"
)
_PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n"


_MOST_PROXIES = 4


def proxy_length(data: bytes | bytearray, start: int = 0, stop: int | None = None) -> int:
    """Bytes of the PROXY protocol's headers at `start`, one from each proxy on the way; or 0."""
    at, stop = start, len(data) if stop is None else stop
    for _ in range(_MOST_PROXIES):
        size = one_proxy_length(data[at : min(at + _PROXY_LINE, stop)])
        if not size:
            break
        at += size
    return at - start


def one_proxy_length(data: bytes | bytearray) -> int:
    """Bytes of the header of the PROXY protocol at the start of `data`; 0 where there is none."""
    if data[:1] == b"P":
        found = _PROXY_1.match(data)
        return found.end() if found else 0
    if data[:12] == _PROXY_2 and len(data) >= 16:
        return 16 + int.from_bytes(data[14:16], "big")
    return 0


def proxy_says(data: bytes) -> str:
    """Who connected to whom, as a header of the PROXY protocol says."""
    if data[:1] == b"P":
        return data.decode("latin-1").rstrip()
    if data[12] & 1 and data[13] >> 4 == 3:
        paths = (data[at : at + 108].partition(b"\0")[0] for at in (16, 124))
        return " to ".join(path.decode("utf-8", "replace") for path in paths)
    size = {1: 4, 2: 16}.get(data[13] >> 4, 0)
    if not data[12] & 1 or not size or len(data) < 20 + 2 * size:
        return "no addresses"
    ends = [
        (
            ipaddress.ip_address(data[at : at + size]),
            int.from_bytes(data[16 + 2 * size + 2 * number :][:2], "big"),
        )
        for number, at in enumerate((16, 16 + size))
    ]
    (source, port), (target, other) = ends
    return f"{source} port {port} to {target} port {other}"


def _lines(data: bytes) -> list[bytes]:
    # Not bytes.splitlines: it also splits at a lone CR, which does not end a line in HTTP.
    return [line + b"\n" for line in data.split(b"\n")[:-1]] + (
        [rest] if (rest := data.rsplit(b"\n", 1)[-1]) else []
    )


def _text(line: bytes) -> str:
    # Remove only the line end: another CR before it belongs to the text, and is not allowed there.
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")


def _empty_line(data: bytes | bytearray) -> int:
    return 2 if data == b"\r\n" else 1 if data[:1] == b"\n" else 0


def content_length(head: Head) -> int | None:
    """Bytes of body that a head announces, or None. If the numbers differ, the first counts."""
    words = head.listed("Content-Length")
    return int(words[0][:18]) if words and DIGITS.fullmatch(words[0]) else None


_REQUEST_BEGINS = re.compile(rb"\r?\n?[A-Za-z]*(?: |\Z)")
_BEGINNING = 16
"""Bytes of a message that decide whether it can be a request."""


def begins_request(data: bytes) -> bool:
    """Whether `data` begins with letters, as a method does; no legal frame begins like that."""
    return _REQUEST_BEGINS.match(data) is not None


_HEAD_BEGINS = re.compile(rb"\r?\n?(?:HTTP/|[A-Z]{3,16} (?:/|\*|[A-Za-z]))")


def begins_head(data: bytes) -> bool:
    """Whether bytes begin as a request or response does."""
    return _HEAD_BEGINS.match(data) is not None


CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LONGEST_LINE = 256
"""Bytes kept of a line between chunks: enough for a chunk size; trailers are skipped."""


class Body:
    """Finds the end of the body that follows a head, piece by piece (RFC 9112 §6.3)."""

    __slots__ = ("_in_trailer", "_left", "_line", "chunk_ends")

    def __init__(self, length: int | None, chunked: bool = False, noted: bool = False) -> None:
        self._left = length  # bytes still to skip; None: all, until the connection ends
        self._line = bytearray() if chunked else None  # the start of a line between chunks
        self._in_trailer = False
        self.chunk_ends: list[int] | None = [] if noted else None
        """The offsets at which the chunks ended that were read last; None where that is not noted.
        The last chunk, of no bytes, ends with the body."""

    @classmethod
    def after(cls, head: Head, request: Head | None, in_request: bool) -> Body:
        """The body that follows a head; `request` is what a response answers.

        A response without a length goes on until the connection ends.
        """
        if not in_request:
            no_body = head.status is not None and (head.status < 200 or head.status in (204, 304))
            if no_body or (request and request.first_line.startswith("HEAD ")):
                return cls(0)
            if request and request.first_line.startswith("CONNECT ") and head.is_success:
                return cls(0)  # a tunnel begins: what follows is a new conversation (§9.3.6)
        if "chunked" in head.words("Transfer-Encoding"):
            # A stream may go on for hours, so its chunks are told one by one. No answer to an
            # upgrade is a stream.
            streams = not in_request and not (request and request.wants_upgrade)
            return cls(0, chunked=True, noted=streams)
        length = content_length(head)
        return cls(0 if length is None and in_request else length)

    def skip(self, count: int) -> bool:
        """Skip bytes that are missing; False if they may not all belong to this part of the body.

        0 stands for an unknown number.
        """
        if self._left is not None:
            if not 0 < count <= self._left:
                return False
            self._left -= count
        return True

    def read(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """Read `data[start:stop]`; the offset at which the body ends, or None while it goes on."""
        position = start
        if self.chunk_ends is not None:
            self.chunk_ends = []
        while self._left is not None:
            passed = min(self._left, stop - position)
            self._left -= passed
            position += passed
            if self._left:
                return None
            if passed and self.chunk_ends is not None:
                self.chunk_ends.append(position)
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
        elif not CHUNK_SIZE.fullmatch(size):
            self._line = None  # not a chunk: what follows does not belong to this body
        elif int(size, 16):
            self._left = int(size, 16) + 2  # and its line end
        else:
            self._in_trailer = True


_NO_BODY = Body(0)
"""Shared by all that have none: reading it changes nothing."""


class Exchange:
    """The requests of one connection that await their responses (RFC 9112 §9.3)."""

    __slots__ = ("_answered", "_requests", "_upgrades", "unasked", "upgraded")

    def __init__(self) -> None:
        # Not a deque, which takes 700 bytes even for the one request that most connections have.
        self._requests: list[Head] | None = None
        self._answered = 0  # how many at its start have their answer
        self._upgrades = 0  # those of them that ask for one
        self.upgraded = False
        """Whether a 101 came: frames follow."""
        self.unasked: bool | None = False
        """Whether that 101 came before any request, which may still be on its way; None where a
        recording lacks all that the server sent."""

    def ask(self, request: Head) -> None:
        """Add a request as soon as its head is complete: the answer may come before its body."""
        self._requests = self._requests or []
        self._requests.append(request)
        self._upgrades += request.wants_upgrade

    def answer(self, response: Head) -> Head | None:
        """The request that a response answers; a 1xx other than 101 leaves it pending."""
        if response.status == 101:
            self.upgraded, self.unasked = True, not self._requests
        if not self._requests:
            return None
        request = self._requests[self._answered]
        if response.is_interim:
            return request
        self._upgrades -= request.wants_upgrade
        self._answered += 1
        if 2 * self._answered >= len(self._requests):  # so that moving the others costs little
            del self._requests[: self._answered]
            self._answered = 0
        return request

    @property
    def last(self) -> Head | None:
        """The latest request, if it has no answer yet."""
        return self._requests[-1] if self._requests else None

    @property
    def awaits_upgrade(self) -> bool:
        """Whether a request for an upgrade has no answer yet."""
        return self._upgrades > 0


class HttpReader:
    """Finds the end of each request or response of one direction; looks at each byte once."""

    __slots__ = ("_begun", "_body", "direction", "exchange", "head", "request", "seen")

    def __init__(self, direction: Direction, exchange: Exchange) -> None:
        self.direction: Direction = direction
        self.exchange = exchange
        self.seen = 0
        """The offset up to which it has read."""
        self.head: Head | None = None
        """The head of the message that is being read, once it is complete."""
        self.request: Head | None = None
        """For a response: the request that it answers."""
        self._begun = b""  # the first bytes of a message
        self._body = _NO_BODY

    def end(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """The offset at which the message at `start` ends; None while it goes on after `stop`."""
        if self.head is None and not self.read_head(data, start, stop):
            return None
        return self.read_body(data, stop)

    def read_head(self, data: bytes | bytearray, start: int, stop: int) -> bool:
        """Read the head of the message at `start`; False while it is not complete."""
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
        # Once HTTP is over there is no body, even if one is announced.
        over = self.exchange.upgraded
        self._body = _NO_BODY if over else Body.after(head, self.request, in_request)
        return True

    def read_body(self, data: bytes | bytearray, stop: int) -> int | None:
        """The offset at which the message ends; None while its body goes on after `stop`."""
        end = self._body.read(data, self.seen, stop)
        self.seen = stop if end is None else end
        return end

    def skip(self, count: int) -> bool:
        """Skip bytes of the body that are missing; False if they are not all the body's."""
        return self.head is not None and self._body.skip(count)

    @property
    def chunk_ends(self) -> list[int] | None:
        """Where the chunks of a stream ended that were read last; None if it is no stream."""
        return self._body.chunk_ends

    def start_next(self, position: int) -> None:
        """Forget the message that was read, and expect the next one at `position`."""
        self.head = self.request = None
        self._begun, self._body = b"", _NO_BODY
        self.seen = position

    @property
    def is_over(self) -> bool:
        """Whether HTTP is over. A request is read to its end even after a 101."""
        if not self.exchange.upgraded:
            return False
        if self.direction == "server" or self.head:
            return True
        return not begins_request(self._begun) if self._begun else not self.exchange.unasked
