"""Fast versions of the splitter, the unmasking and the joiner, for millions of frames.

They are hard to read: read the plain version of each instead. Tests prove that both agree:

    FastSplitter    Splitter of `protocol/frames.py`, ten times as fast: most frames are found by
                    their first two bytes in a table
    unmask_short    frame_payload of `protocol/frames.py`, for many frames in one XOR
    FastJoiner      Joiner of `messages.py`: most messages are one frame, inflated in two calls
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import get_args

from ..fields import Direction
from ..protocol.frames import FIN, IN_MESSAGE, Splitter, frame_payload, header_at
from ..protocol.messages import MessageKind
from ..protocol.utf8 import is_utf8
from ..rules import RULES
from .messages import Joiner, Message

# The first two bytes of an ordinary frame are enough: `steps[byte 0][byte 1]` is its whole length.
# 0 means: take the careful path; LONG: the length is in the bytes that follow. There is one table
# for each combination of what decides whether a frame is ordinary: the sender, whether a message in
# fragments is going on, and whether RSV1 means "compressed".
LONG = 1
_NONE = bytes(256)


def _steps(direction: Direction, in_message: bool, rsv1: bool) -> list[bytes]:
    bit, header = (0x80, 6) if direction == "client" else (0, 2)
    short = {bit + size: header + size for size in range(126)}
    of_control = bytes(short.get(second, 0) for second in range(256))
    of_data = bytes((short | {bit + 126: LONG, bit + 127: LONG}).get(i, 0) for i in range(256))
    data = {0x00} if in_message else {0x81, 0x82} | ({0xC1, 0xC2} if rsv1 else set())
    return [
        of_control if first in (0x89, 0x8A) else of_data if first in data else _NONE
        for first in range(256)
    ]


_PLAIN = {
    (direction, in_message, rsv1): _steps(direction, in_message, rsv1)
    for direction in get_args(Direction)
    for in_message in (False, True)
    for rsv1 in (False, True)
}


def _long_end(data: bytes | bytearray, start: int, stop: int) -> int:
    """The end of a frame with a long form of length; 0 means: take the careful path."""
    second = data[start + 1]
    key = second >> 7 << 2
    if second & 1:
        size = int.from_bytes(data[start + 2 : start + 10], "big")
        return start + 10 + key + size if 0xFFFF < size < 1 << 63 and start + 10 <= stop else 0
    size = int.from_bytes(data[start + 2 : start + 4], "big")
    return start + 4 + key + size if size > 125 and start + 4 <= stop else 0


_MARKS = bytes((first & 0x0F) | (FIN if first & 0x80 else 0) for first in range(256))
_WIDE = f"utf-16-{sys.byteorder[0]}e"  # widens bytes to 16 bits, at the speed of C
_MARKS_IN_MESSAGE = bytes(mark | IN_MESSAGE for mark in _MARKS)


class FastSplitter(Splitter):
    """Finds the same frames as `Splitter`, faster."""

    __slots__ = ()

    def split(
        self, data: bytes | bytearray, stop: int, starts: array[int], flags: array[int]
    ) -> None:
        """Append offset and flags of each whole frame in `data[position:stop]`."""
        while True:
            if not self.closed:
                self._split_plain(data, stop, starts, flags)
            if not self.take(data, stop, starts, flags):
                break

    def _split_plain(
        self, data: bytes | bytearray, stop: int, starts: array[int], flags: array[int]
    ) -> None:
        """Do the same up to the first frame that needs the careful path."""
        steps = _PLAIN[self.direction, self.in_message, self.rsv1_allowed]
        position, append, first, last = self.position, starts.append, len(starts), stop - 1
        while position < last:
            step = steps[data[position]][data[position + 1]]
            if step > LONG:
                end = position + step
            elif not step or not (end := _long_end(data, position, stop)):
                break
            if end > stop:
                break
            append(position)
            position = end
        if len(starts) > first:
            self.position = position
            table = _MARKS_IN_MESSAGE if self.in_message else _MARKS
            heads = bytes([data[start] for start in starts[first:]])
            flags.frombytes(heads.translate(table).decode("latin-1").encode(_WIDE))


def unmask_short(data: bytes | bytearray, starts: Sequence[int], stop: int) -> bytes:
    """Unmask all short masked frames (up to 125 bytes) of `starts` with a single XOR.

    Returns `data` from the first of them up to `stop`; only those payloads in it are meaningful.
    """
    region = bytes(data[starts[0] : stop])
    begins = [start - starts[0] for start in starts]
    keys = b"".join(
        [
            (_HEADER + region[begin + 2 : begin + 6] * (end - begin >> 2))[: end - begin]
            for begin, end in pairwise([*begins, len(region)])
        ]
    )
    number = int.from_bytes(region, "little") ^ int.from_bytes(keys, "little")
    return number.to_bytes(len(region), "little")


_HEADER = bytes(6)  # XORed with the header of a short masked frame, which must not change


class FastJoiner(Joiner):
    """Joins the same messages as `Joiner`, faster."""

    def join(
        self, rows: Sequence[int], starts: Sequence[int], times: Sequence[float]
    ) -> Iterator[Message]:
        """The messages that end with the next frames, given these frames' rows, offsets, times."""
        data, made = self.data, self.assembler
        first_start, stop, inflater = starts[0], starts[-1] + 6 + 125, made.inflater
        kinds = _WHOLE if inflater is None else _WHOLE_OR_COMPRESSED
        seconds = [data[start + 1] for start in starts]
        unmasked = None
        if min(seconds) >= 0x80 and max(seconds) <= 0x80 + 125:
            unmasked = unmask_short(data, starts, stop)
        connection, direction, new = self.connection, self.direction, tuple.__new__
        for row, start, time in zip(rows, starts, times, strict=True):
            first = data[start]
            kind = kinds.get(first)
            # The second byte 127 or 255: a frame of more than 64 KiB, unmasked piece by piece.
            if kind is None or made.open or (unmasked is None and data[start + 1] & 0x7F == 127):
                message = self.join_frame(row, start, time)
                if message is not None:
                    yield message
                continue
            # Nearly every message: one frame.
            if unmasked is not None:
                begin = start - first_start + 6
                content = unmasked[begin : begin + data[start + 1] - 0x80]
            else:
                content = frame_payload(data, start, header_at(data, start))
            size = len(content)
            if inflater is not None and first & 0x40:
                if (inflated := inflater.whole(content)) is None:
                    if (message := self.join_frame(row, start, time)) is not None:
                        yield message
                    continue
                content = inflated
            fine = kind == "binary" or content.isascii() or is_utf8(content)
            # Not with Message(...): that takes twice as long, and there may be millions.
            yield new(
                Message,
                (
                    connection, direction, kind, time, start, 1, size, content,
                    () if fine else _NOT_UTF8, row,
                ),
            )  # fmt: skip


_WHOLE: dict[int, MessageKind] = {0x81: "text", 0x82: "binary"}
_WHOLE_OR_COMPRESSED: dict[int, MessageKind] = _WHOLE | {0xC1: "text", 0xC2: "binary"}
_NOT_UTF8 = (RULES["text-not-utf8"],)
