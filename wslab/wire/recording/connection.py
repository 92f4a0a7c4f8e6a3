"""What the index knows of a connection and its two directions, the unfinished unit of each too."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..fields import Direction
from ..protocol import frames
from ..protocol.connection_state import State
from ..protocol.deflate import Agreement, Inflater
from .contents import Contents
from .cutter import Cutter, SideState
from .log import Event


class Close(NamedTuple):
    """The first close frame of a direction."""

    offset: int
    chunk: int
    """The chunk with its last byte."""
    code: int | None
    """1005 if it has none (RFC 6455 §7.1.5); None if it breaks a rule."""


class End(NamedTuple):
    """An end or a cut of a direction, and what had been read of the connection before it."""

    event: Event
    rows: int
    """How many rows the recording had."""
    chunks: tuple[int, int]
    """The last chunk of the client and of the server; -1: none."""
    closed: tuple[bool, bool]
    """Whether the client and the server had sent a close frame."""


class Side:
    """The state of indexing for one direction of a connection."""

    __slots__ = (
        "chunk", "contents", "cut", "direction", "early", "ended", "frames", "in_body", "inflater",
        "position", "splitter", "stream", "too_long", "waiting",
    )  # fmt: skip

    def __init__(self, stream: int, cut: SideState) -> None:
        self.stream = stream
        self.cut = cut
        self.direction: Direction = cut.http.direction
        self.position = 0  # the offset of the next unit, as long as there is no splitter
        self.splitter: frames.Splitter | None = None  # set with the first bytes of frames
        self.inflater: Inflater | None = None  # set if compression was agreed on
        self.contents: Contents | None = None  # set when a frame's content is first read
        self.waiting: list[int] | None = None  # chunks that came while the client waited
        self.early = 0  # bytes up to this offset were sent before the answer
        self.ended = False
        self.frames = 0  # the offset of the first frame
        self.chunk = -1  # the last chunk read
        self.in_body = False  # the head has its row, and each chunk of the body gets one
        # Start and end of the last unit that was too long to wait for.
        self.too_long = (-1, -1)

    def wait(self, chunk: int) -> None:
        """Leave a chunk until the client has its answer."""
        self.waiting = self.waiting or []
        self.waiting.append(chunk)

    @property
    def shakes_hands(self) -> bool:
        """Whether the stream is still HTTP but about to change to frames."""
        return self.splitter is None and (self.cut.waits or self.cut.http.exchange.upgraded)

    # Here `end` is the offset at which the stream ends so far, or up to which it is looked at.

    @property
    def next_unit(self) -> int:
        """The offset of the next unit, behind all that have their rows."""
        return (self.splitter or self).position

    def incomplete(self, end: int) -> int:
        """How many bytes at the end of the stream are not a whole unit yet."""
        position = self.next_unit
        return end - (self.too_long[0] if position > end else position)

    def missing(self, end: int) -> int:
        """How many bytes are still missing of a frame that already has its row."""
        return max(0, self.next_unit - end)

    def lasting(self, end: int) -> int:
        """Bytes that can only be dropped with the connection: a handshake, an unfinished unit."""
        if self.splitter is not None:
            return end - self.splitter.position + self.frames
        return end - (0 if self.shakes_hands else self.position)

    def gap(self, end: int) -> tuple[int, int, int] | None:
        """What can be dropped of the stream, as `Index.gaps` says it; None if the last row that
        begins before `end` must be found first."""
        if self.too_long[0] < end <= self.too_long[1]:
            return self.frames, end, self.too_long[1]
        whole = self.next_unit
        return (self.frames, whole, whole) if whole <= end else None


class Connection:
    """A connection's sides, its state, and what they agreed on."""

    __slots__ = (
        "agreed", "begun", "client", "cutter", "gone", "number", "server", "state",
    )  # fmt: skip

    cutter: Cutter
    client: Side
    server: Side

    def __init__(self, number: int) -> None:
        self.number = number
        self.agreed: Agreement | None = None  # how messages are compressed, once frames are spoken
        self.state = State.CONNECTING
        self.begun = False  # whether the client's side exists
        self.gone = False  # whether it is over, and nothing but its number is kept

    def __getattr__(self, name: str) -> Any:
        # Made when first needed: of many connections, one side or both may send nothing.
        if name == "cutter":
            self.cutter = Cutter()
        elif name == "client":
            self.client, self.begun = Side(2 * (self.number - 1), self.cutter.client), True
        elif name == "server":
            self.server = Side(2 * (self.number - 1) + 1, self.cutter.server)
        else:
            raise AttributeError(name)
        return getattr(self, name)
