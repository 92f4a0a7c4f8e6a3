"""Finds the connection behind a socket that a page has opened, by when each was opened.

A page's script sees neither its port nor its Sec-WebSocket-Key, and nothing may be added to its
request for this. But it knows when it called `new WebSocket(url)` and when `open` was fired; the
recording knows when each request and its 101 crossed, and these lie in between. A connection is
named only where no other can be meant. Where two sockets can be either of two connections, they are
compared by one clock; if both ways are still possible, their order decides, if they were made
clearly one after the other; if not, neither is named.
"""

from __future__ import annotations

import re
from itertools import pairwise, permutations
from operator import itemgetter
from typing import NamedTuple

from .capture import Capture

SLACK = 0.05
"""Seconds by which two times of the same moment may differ: browsers round theirs, and a tap
forwards first and records second. More of it leaves more sockets without a name, but names none
wrongly."""

TICK = 0.002
"""Seconds by which a page's time may be too early: browsers round down to a millisecond."""

MOST_COMPARED = 5
"""Sockets that are compared with each other; the ways to assign more of them are too many."""


class PageSocket(NamedTuple):
    """A socket whose `open` event a page has had. Times are seconds since the recording began."""

    name: str
    """What its connection is to be called."""
    made: float
    """When `new WebSocket` was called."""
    opened: float
    """When `open` was fired."""
    sandboxed: bool = True
    """Whether the page is in a sandbox, so that its requests say `Origin: null` (RFC 6454 §6.2)."""


class _Request(NamedTuple):
    """An upgrade that a server agreed to. Times are seconds since the recording began."""

    asked: float
    answered: float
    sandboxed: bool
    """Whether its Origin is `null`."""


def name_page_sockets(capture: Capture, sockets: list[PageSocket]) -> list[PageSocket]:
    """Name the connections of these sockets; returns those that could be several's.

    All of the sockets must have connected through a tap of this recording.
    """
    requests = _requests(capture)
    waiting, count = list(sockets), -1
    while count != len(waiting):  # a connection that is named leaves fewer for the others
        count = len(waiting)
        alike: dict[tuple[int, ...], list[PageSocket]] = {}
        for socket in sorted(waiting, key=lambda socket: socket.made):
            alike.setdefault(_found(socket, requests), []).append(socket)
        for found, ones in alike.items():
            if len(found) != len(ones) or not requests.keys() >= set(found):
                continue  # too few or too many; or one of them has got a name just now
            names = _names([requests[connection] for connection in found], ones)
            if names is None:
                continue
            for connection, name in zip(found, names, strict=True):
                capture.set_name(connection, name)
                del requests[connection]
            waiting = [socket for socket in waiting if socket not in ones]
    return waiting


def _names(asked: list[_Request], sockets: list[PageSocket]) -> tuple[str, ...] | None:
    """The names of these requests' connections, which are these sockets; None if nothing decides.

    Both in the order of their beginning.
    """
    if len(sockets) <= MOST_COMPARED:
        ways = {
            tuple(socket.name for socket in way)
            for way in permutations(sockets)
            if _one_clock_fits(asked, way)
        }
        if len(ways) == 1:
            return ways.pop()
    return tuple(socket.name for socket in sockets) if _are_in_order(sockets) else None


def _one_clock_fits(asked: list[_Request], sockets: tuple[PageSocket, ...]) -> bool:
    """Whether one difference of the two clocks has each of these requests sent by its socket.

    A browser opens one connection to an address after the other (RFC 6455 §4.1), some milliseconds
    apart. So the second request often comes when the first socket is open, and is not its own.
    Only requests are compared: each is recorded before its 101 is even sent.
    """
    pairs = list(zip(asked, sockets, strict=True))
    least = max(request.asked - socket.opened for request, socket in pairs) - TICK
    most = min(request.asked - socket.made for request, socket in pairs)
    return max(least, -SLACK) <= min(most, SLACK)


def _are_in_order(sockets: list[PageSocket]) -> bool:
    """Whether each was made clearly before the next, and opened before it; or has its name."""
    return all(
        one.name == other.name or (one.made + SLACK <= other.made and one.opened <= other.opened)
        for one, other in pairwise(sockets)
    )


def _found(socket: PageSocket, requests: dict[int, _Request]) -> tuple[int, ...]:
    """The connections that it may be, in the order of their requests."""
    return tuple(
        connection
        for connection, request in requests.items()
        if socket.sandboxed == request.sandboxed
        and socket.made - SLACK <= request.asked
        and request.answered <= socket.opened + SLACK
    )


def _requests(capture: Capture) -> dict[int, _Request]:
    """Those of the connections that are open and have no name, in the order of the requests."""
    index = capture.index
    found = {}
    for connection, exchanges in index.exchanges().items():
        asked, answered = exchanges[-1]
        if connection in capture.names or answered is None or not index.is_upgraded(connection):
            continue
        rows = [index.rows(number, number + 1)[0] for number in (asked, answered)]
        sandboxed = re.search(rb"\r\norigin: *null\r\n", index.unit(asked).data.lower())
        found[connection] = _Request(rows[0].time, rows[1].time, sandboxed is not None)
    return dict(sorted(found.items(), key=itemgetter(1)))
