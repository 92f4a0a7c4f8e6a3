"""A situation: what a client and a server do together, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wslab.net.peers import Peers
from wslab.net.tap import Tap
from wslab.wire import Capture, Direction

SIDES: tuple[Direction, ...] = ("client", "server")

NOBODY = "nobody"
"""Who ends TCP first if the connection stays open."""

EITHER = "either"
"""As an expectation: it does not matter who ends TCP first."""


class Cannot(Exception):
    """A peer cannot do its part: its API refuses, or has no call for it. The message says why."""

    def __init__(self, who: str, call: str, why: str) -> None:
        super().__init__(why)
        self.what = f"{who}: {call}"


class Side:
    """The client or the server of a situation. Its functions are those of `Peers`; each raises
    `Cannot` where the peer cannot do it.
    """

    def __init__(self, peers: Peers, who: str) -> None:
        self.peers = peers
        self.who = who

    @property
    def stack(self) -> str:
        """The name of its library."""
        return self.peers.name

    def send(self, message: str | bytes) -> None:
        self._do("send()", self.peers.send(self.who, message))

    def send_fragments(self, *parts: str) -> None:
        self._do("fragments", self.peers.send_fragments(self.who, *parts))

    def ping(self, payload: str) -> None:
        self._do("ping", self.peers.ping(self.who, payload))

    def hear(self, count: int, patience: float = 5.0) -> tuple[str, ...]:
        return self.peers.hear(self.who, count, patience)

    def close(self, code: int | None, reason: str = "") -> None:
        self._do(f"close({code})", self.peers.close(self.who, code, reason))

    def close_plainly(self) -> None:
        self._do("close()", self.peers.close_plainly(self.who))

    def vanish(self, *, reset: bool = False) -> None:
        how = "reset TCP" if reset else "drop TCP"
        self._do(how, self.peers.vanish(self.who, reset=reset))

    def leave(self) -> None:
        self._do("leave", self.peers.leave(self.who))

    def kill(self) -> None:
        self._do("be killed", self.peers.kill(self.who))

    def _do(self, call: str, answer: str | None) -> None:
        if answer is not None:
            raise Cannot(self.who, call, answer)


class Stage(NamedTuple):
    """What the script of a situation uses: an open connection through a tap."""

    client: Side
    server: Side
    tap: Tap
    capture: Capture
    connection: int
    """Its number in the capture."""

    def crossed(self, kind: str) -> int:
        """How many frames of a kind have crossed, or wait at the tap."""
        index = self.capture.index
        rows = [row for side in SIDES for row in index.rows_of(self.connection, side)]
        return sum(row.kind == kind for row in rows)

    def wait_for(self, kind: str, count: int, patience: float = 5.0) -> None:
        """Wait until so many frames of that kind have come to the tap."""
        self.capture.wait_until(lambda: self.crossed(kind) >= count, patience)


class Seen(NamedTuple):
    """What is seen of a situation: on the wire, and by each side's API.

    As an expectation, None stands for what is not looked at.
    """

    client_sends: tuple[str, ...] | None = None
    """The client's frames: `text 5 B`, `close 1000 'done'`."""
    server_sends: tuple[str, ...] | None = None
    ends_first: str | None = None
    """Who ends TCP first, and how: `server: FIN`. None: the end is not looked at."""
    client_hears: tuple[str, ...] | None = None
    """What the client's API hands to its program: `text 'Hello'`, `pong 'p'`."""
    server_hears: tuple[str, ...] | None = None
    client_end: str | None = None
    """The end as the client's API reports it: `1000 'done', clean`."""
    server_end: str | None = None
    cannot: str = ""
    """Who could not do what, if it came to that: `client: ping`. Then nothing else is looked at."""

    def unlike(self, expected: Seen) -> tuple[str, ...]:
        """The fields in which it differs from what was expected."""
        if self.cannot or expected.cannot:
            return () if self.cannot == expected.cannot else ("cannot",)
        return tuple(
            name
            for name, ours, theirs in zip(self._fields, self, expected, strict=True)
            if theirs is not None and ours != theirs and theirs != EITHER
        )


class Situation(NamedTuple):
    """One row of the matrix."""

    name: str
    group: str
    what: str
    """What happens, in one sentence."""
    rfc: str
    """The section that decides it."""
    says: str
    """What that section says, in one sentence."""
    script: Callable[[Stage], object]
    expected: Seen
    """What is seen where both sides do as the sentence says, and hide nothing."""
    handshake: bool = False
    """Whether the offer of the client and the server's answer to it are looked at."""
    offered: bool = True
    """Whether the client offers compression, as all do that are not told otherwise."""
    compression: bool = False
    """Whether the server takes the offer."""
    keepalive: float = 0.0
    """Seconds between the pings of a library that pings by itself; 0: none does."""
    listens: bool = False
    """Whether the server only listens; otherwise it echoes."""
    unordered: bool = False
    """Whether frames may come in any order, and any number of times."""
