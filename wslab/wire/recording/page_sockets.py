"""Finds the connection behind a socket that a page has opened, by when each was opened.

A page's script sees neither its port nor its Sec-WebSocket-Key, and nothing may be added to its
request for this. But it knows when it called `new WebSocket(url)` and when `open` was fired; the
recording knows when each request and its 101 crossed, and these lie in between. A connection is
named only where no other can be meant. Where two sockets can be either of two connections, their
order decides, if they were made clearly one after the other; if not, neither is named.
"""

from __future__ import annotations

import re
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from .capture import Capture

SLACK = 0.05
"""Seconds by which two times of the same moment may differ: browsers round theirs, and a tap
forwards first and records second. More of it leaves more sockets without a name, but names none
wrongly."""


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
            if len(found) != len(ones) or not _are_in_order(ones):
                continue
            if not requests.keys() >= set(found):
                continue  # one of them has got a name just now
            for connection, socket in zip(found, ones, strict=True):
                capture.set_name(connection, socket.name)
                del requests[connection]
            waiting = [socket for socket in waiting if socket not in ones]
    return waiting


def _are_in_order(sockets: list[PageSocket]) -> bool:
    """Whether each was made clearly before the next, and opened before it; or has its name."""
    return all(
        one.name == other.name or (one.made + SLACK <= other.made and one.opened <= other.opened)
        for one, other in pairwise(sockets)
    )


def _found(socket: PageSocket, requests: dict[int, tuple[float, float, bool]]) -> tuple[int, ...]:
    """The connections that it may be, in the order of their requests."""
    return tuple(
        connection
        for connection, (asked, answered, sandboxed) in requests.items()
        if socket.sandboxed == sandboxed
        and socket.made - SLACK <= asked
        and answered <= socket.opened + SLACK
    )


def _requests(capture: Capture) -> dict[int, tuple[float, float, bool]]:
    """When the upgrade of each connection without a name was asked for and agreed to, and whether
    from a sandbox; by connection, in the order of the requests.
    """
    index = capture.index
    found = {}
    for connection, exchanges in index.exchanges().items():
        asked, answered = exchanges[-1]
        if connection in capture.names or answered is None or not index.is_upgraded(connection):
            continue
        rows = [index.rows(number, number + 1)[0] for number in (asked, answered)]
        sandboxed = re.search(rb"\r\norigin: *null\r\n", index.unit(asked).data.lower())
        found[connection] = rows[0].time, rows[1].time, sandboxed is not None
    return dict(sorted(found.items(), key=itemgetter(1)))
