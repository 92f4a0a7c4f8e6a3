"""A case: what one peer sends, and how the other must react.

A case is one row of a table: the head of a handshake, described by its differences from a correct
one, or frames with any bits. If timing or an answer matters, a script takes their place.
`runner.py` plays any case, as a client or as a server, and reports what happened.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from wslab.net.clients.raw import Fields
from wslab.net.peers.frame_peer import MASKING_KEY, FramePeer
from wslab.wire import Direction
from wslab.wire.protocol import FrameDraft

Script = Callable[[FramePeer], Awaitable[None]]
"""What a peer does after the handshake, on the loop thread."""


class Head(NamedTuple):
    """A head of the opening handshake, by its differences from the correct one (RFC 6455 §1.3)."""

    fields: Fields = MappingProxyType({})
    """Additional fields, or other values for the correct ones; None leaves a field out."""
    line: str | None = ""
    """Another first line, in a request with `{path}` for the path; "" for the correct one. None: no
    head is sent at all."""
    body: bytes = b""
    ends: bool = False
    """Whether the connection is ended right after the head."""
    offers: tuple[str, ...] = ()
    """The subprotocols that the client must offer to make this response wrong."""


class Case(NamedTuple):
    """One case: who sends what, and what a correct peer answers."""

    name: str
    what: str
    """What the peer does, in words that continue "The client" or "The server"."""
    rule: str
    """The section and, in one sentence, the reason: "RFC 6455 §5.1: a client masks every frame"."""
    sends: Head | Sequence[FrameDraft] | Script
    """A head in place of the correct one; or, after a correct handshake, frames or a script. Where
    `masked` says so, frames are masked: with a key of their own, or the one of RFC 6455 §5.7."""
    expected: int | None = None
    """The answer of a correct peer: to a request an HTTP status, to frames a close code (1005: a
    close frame without a code). None: no answer. For a response: 101 if the client must open the
    connection, None if it must not."""
    by: tuple[Direction, ...] = ("client", "server")
    """Which peers can do it."""
    duty: Literal["must", "should", "may"] = "must"
    """How strictly the RFC demands that answer; with "may", other answers are correct too."""
    masked: bool | None = None
    """Whether the frames are masked; None: masked if the client sends them."""
    at_once: bool = False
    """Whether a server does this at once, without waiting for the first message."""
    others: tuple[int, ...] = ()
    """Further close codes that are as right as `expected`."""
    agreed: str = ""
    """The extension that both must have agreed on, as a response names it; for frames."""
    delivery: int = 0
    """Bytes that are sent at a time; 0: all at once."""

    @property
    def section(self) -> str:
        """The section of the rule, for a link: "RFC 6455 §5.1"."""
        found = re.match(r"RFC \d+( §[\d.]*\d)?", self.rule)
        return found.group() if found else ""

    @property
    def why(self) -> str:
        """The rule without its section."""
        return self.rule.partition(": ")[2]

    def frames(self, side: Direction) -> list[FrameDraft]:
        """The frames as `side` sends them. Raises TypeError for a case of another kind."""
        if isinstance(self.sends, Head) or callable(self.sends):
            raise TypeError(f"expected a case that sends frames, got {self.name!r}")
        masked = side == "client" if self.masked is None else self.masked
        return [
            replace(frame, masking_key=(frame.masking_key or MASKING_KEY) if masked else None)
            for frame in self.sends
        ]


def by_name(cases: Iterable[Case]) -> dict[str, Case]:
    """The cases as a table, by name."""
    return {case.name: case for case in cases}
