"""Finds the connection behind a socket that a page has opened, by when each was opened.

A page's script sees neither its port nor its Sec-WebSocket-Key, and nothing may be added to its
request for this. But it knows when it called `new WebSocket(url)` and when `open` was fired; the
recording knows when each request and its 101 crossed, and these lie in between. A connection is
named only where no other can be meant; of two that were made in the same moment, neither is.
"""

from __future__ import annotations

import re
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
    """Whether the page is in a sandbox, so that its requests say `Origin: null` (RFC 6454 §6.1)."""


def name_page_sockets(capture: Capture, sockets: list[PageSocket]) -> list[PageSocket]:
    """Name the connections of these sockets; returns those that could be several's.

    All of the sockets must have connected through a tap of this recording.
    """
    requests = _requests(capture)
    waiting, count = list(sockets), -1
    while count != len(waiting):  # a connection that is named leaves fewer for the others
        count = len(waiting)
        for socket in waiting.copy():
            found = [
                connection
                for connection, (asked, answered, sandboxed) in requests.items()
                if socket.sandboxed == sandboxed
                and socket.made - SLACK <= asked
                and answered <= socket.opened + SLACK
            ]
            if len(found) == 1:
                capture.set_name(found[0], socket.name)
                del requests[found[0]]
                waiting.remove(socket)
    return waiting


def _requests(capture: Capture) -> dict[int, tuple[float, float, bool]]:
    """When the upgrade of each connection without a name was asked for and agreed to, and whether
    from a sandbox.
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
    return found
