"""Shows the same bytes in three layers: as messages, as frames, and as the pieces that were read.

Source: RFC 6455 §5.4 for messages and frames. A program does not see TCP's segments, only what each
read returned: a recording holds that, and on one machine it is close to what was sent.
"""

from __future__ import annotations

from typing import NamedTuple

from ..fields import Direction
from .capture import Capture
from .log import stream_number
from .messages import Message


class Span(NamedTuple):
    """A range of bytes in a direction's stream: from `start` up to, not including, `stop`."""

    start: int
    stop: int
    kind: str
    label: str


class Layers(NamedTuple):
    """One direction of a connection from `start` on, as messages, frames and reads."""

    start: int
    stop: int
    messages: tuple[Span, ...]
    frames: tuple[Span, ...]
    reads: tuple[Span, ...]


def layers_of(capture: Capture, connection: int, direction: Direction, start: int = 0) -> Layers:
    """The three layers of one direction from byte `start` on, where a frame should begin.

    An unfinished message is left out; control frames between its parts are still frames.
    """
    rows = capture.index.rows_of(connection, direction, start)
    frames = tuple(Span(row.offset, row.offset + row.length, row.kind, row.preview) for row in rows)
    ends = {row.number: frame.stop for row, frame in zip(rows, frames, strict=True)}
    messages = tuple(
        Span(message.offset, ends[message.row], message.kind, _label(message))
        for message in capture.index.messages(connection)
        if message.direction == direction and message.offset >= start
    )
    reads, before, stream = [], 0, stream_number(connection, direction)
    for number, end in zip(capture.log.stream_of, capture.log.end_of, strict=False):
        if number == stream:
            if end > start:
                reads.append(Span(max(before, start), end, "read", f"{end - before} B"))
            before = end
    stop = max((span.stop for span in (*frames, *reads)), default=start)
    return Layers(start, stop, messages, frames, tuple(reads))


def _label(message: Message) -> str:
    if message.kind == "text":
        return f'"{message.content[:200].decode("utf-8", "replace")}"'
    return f"{len(message.content)} bytes"
