"""A case: something that one side sends, and what the other has to make of it.

A row of a table says it all: a handshake's head by what differs from the right one, or frames with
any bits. A script stands in for them only where timing or an answer matters. `runner.py` plays any
case, as a client to a server or as a server to a client, and tells what came of it.
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
    """A head of the opening handshake, by what differs from the right one (RFC 6455 §1.3)."""

    fields: Fields = MappingProxyType({})
    """Further fields, or other values for the right ones; None leaves one out."""
    line: str | None = ""
    """Another first line, in a request with `{path}` for the path; "" for the right one. None: no
    head is sent at all."""
    body: bytes = b""
    ends: bool = False
    """Whether the connection is ended right after it."""
    offers: tuple[str, ...] = ()
    """The subprotocols that the client has to offer, for a response to be wrong."""


class Case(NamedTuple):
    """One row: who sends what, and what a correct peer answers."""

    name: str
    what: str
    """What is done, in one line that goes on from "The client" or "The server"."""
    rule: str
    """The section, then in one sentence why: "RFC 6455 §5.1: a client masks every frame"."""
    sends: Head | Sequence[FrameDraft] | Script
    """A head in place of the right one; or, after a right handshake, these frames or this script.
    Frames are masked as the sender must mask them, whatever the row says."""
    earns: int | None = None
    """What a correct peer answers with: a request an HTTP status, frames the code of a close frame
    (1005 for one without a code). None: with nothing. A response earns 101 where the client opens
    the connection, None where it must not."""
    by: tuple[Direction, ...] = ("client", "server")
    """Who can do it."""
    duty: Literal["must", "should", "may"] = "must"
    """How strictly that answer is asked for; where a peer may, another one is as right."""
    masked: bool | None = None
    """Whether the frames are masked; None: as the sender must."""
    at_once: bool = False
    """Whether a server does not wait for the first message with it."""

    @property
    def section(self) -> str:
        """Where the rule stands, for a link: "RFC 6455 §5.1"."""
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
        key = MASKING_KEY if masked else None
        return [replace(frame, masking_key=key) for frame in self.sends]


def by_name(cases: Iterable[Case]) -> dict[str, Case]:
    """The table of these cases."""
    return {case.name: case for case in cases}
