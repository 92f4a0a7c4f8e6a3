"""HTTP in one direction of a connection: where each request or response ends.

The index, the mask of logins and the debugger all read with this, so that they never disagree
about where HTTP ends and frames begin.
"""

from __future__ import annotations

import re

from ..fields import Direction
from .body import Body
from .exchange import Exchange
from .handshake import Head, find_end, parse_head

_REQUEST_BEGINS = re.compile(rb"\r?\n?[A-Za-z]*(?: |\Z)")


def begins_request(data: bytes) -> bool:
    """Whether the first few bytes, as far as they are there, are a method's: no frame's are."""
    return _REQUEST_BEGINS.match(data) is not None


class HttpReader:
    """Reads one direction; both of a connection share an `exchange`."""

    def __init__(self, direction: Direction, exchange: Exchange) -> None:
        self.direction: Direction = direction
        self.exchange = exchange
        self.seen = 0
        """How far it has looked."""
        self.head: Head | None = None
        """Of the message that is being read, once it is there."""
        self.request: Head | None = None
        """For a response: the request that it answers."""
        self._body = Body(0)

    def end(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """Where the message at `start` ends; None while it goes on behind `stop`."""
        if self.head is None and not self.read_head(data, start, stop):
            return None
        return self.read_body(data, stop)

    def read_head(self, data: bytes | bytearray, start: int, stop: int) -> bool:
        """Look for the head of the message at `start`; whether it is all there."""
        end = None
        if not self.exchange.upgraded or begins_request(bytes(data[start : min(start + 16, stop)])):
            end = find_end(data, start, self.seen, stop)
        self.seen = stop if end is None else end
        if end is None:
            return False
        self.head = head = parse_head(bytes(data[start:end]))
        if self.direction == "client":
            self.exchange.ask(head)
        else:
            self.request = self.exchange.answer(head)
        in_request = self.direction == "client"
        over = self.exchange.upgraded  # then there is no body, even where one is announced
        self._body = Body(0) if over else Body.behind(head, self.request, in_request)
        return True

    def read_body(self, data: bytes | bytearray, stop: int) -> int | None:
        """Where the message ends; None while its body goes on behind `stop`."""
        end = self._body.read(data, self.seen, stop)
        self.seen = stop if end is None else end
        return end

    def go_on(self, position: int) -> None:
        """The message is done with; the next one starts at `position`."""
        self.head = self.request = None
        self.seen = position

    def is_over(self, data: bytes | bytearray, start: int) -> bool:
        """Whether HTTP is over before `start`. A request is read to its end even behind a 101."""
        if not self.exchange.upgraded:
            return False
        if self.direction == "server" or self.head:
            return True
        if self.seen <= start:
            return not self.exchange.unasked
        return not begins_request(bytes(data[start : min(start + 16, self.seen)]))
