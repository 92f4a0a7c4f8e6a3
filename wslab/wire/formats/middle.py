"""Judges by its frames whether a TCP connection is a WebSocket's, where its handshake is not here.

A capture may begin in the middle of a connection, or lack the handshake. Frames follow each other
without a byte between them, most writes are a segment, and only a client masks (RFC 6455 §5.1,
§5.2): several frames in a row that end where segments end are no accident, while other protocols
fail soon. Evidence is counted in bits: how many coins would have to fall alike.
"""

from __future__ import annotations

from ..protocol import frames
from ..protocol.frames import FrameHeader, Opcode
from ..recording.gap import Run, cut_header

ENOUGH = 32
"""Bits of evidence for a WebSocket."""
MOST = 256
"""Small segments of one side in which frames do not fit until it is no WebSocket's."""
_SMALL = 512
"""Bytes of a segment below which it is not likely in the middle of a large frame."""
_LARGE = 1 << 16
_CONTROLS = frozenset(range(0x20)) - frozenset(b"\t\r\n")


class _Half:
    """The frames of one side, as far as they have come."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.run: Run | None = None
        self.masked: bool | None = None
        """Whether its frames are masked; None before the first one."""
        self.bits = self.frames = 0
        self.failed = 0
        """How many small segments did not fit."""
        self.left = 0
        """Bytes still to come of a large frame."""
        self.seen: set[bytes] = set()
        self.ping: bytes | None = None
        """The payload of its last ping."""

    def take(self, segment: bytes, other: _Half) -> None:
        """Read the next segment."""
        carried = self.run is not None and (bool(self.data) or self.left > 0)
        past = min(self.left, len(segment))
        self.left -= past
        self.data += segment[past:]
        if not self.data:
            self.bits += past > 0 and not self.left
            return
        if self._fits(other):
            return
        self._begin(segment)
        if not (carried and self._fits(other)):
            self.failed += len(segment) < _SMALL
            self._begin(b"")

    def miss(self, count: int, other: _Half) -> None:
        """The next bytes are missing: those of a frame that was cut, or others."""
        header = self.run and cut_header(bytes(self.data[self.run.at :]))
        if header and self.run and self.run.at + header.frame_length == len(self.data) + count:
            self._count(header, other, 6)  # the length of the cut packet is that of the frame
        self._begin(b"", again=True)

    def _begin(self, segment: bytes, again: bool = False) -> None:
        self.data[:] = segment
        self.run, self.left = None, 0
        if not again:
            self.bits = self.frames = 0
            self.seen.clear()

    def _fits(self, other: _Half) -> bool:
        """Whether frames fit in what is here; the last one may not be whole."""
        if len(self.data) < 2:
            return True
        run = self.run = self.run or Run(0, self.data[1] >= 0x80, rsv1=True)
        while run.at < len(self.data):
            header = run.next(self.data, len(self.data))
            if header is None:
                return run.fits(self.data, len(self.data), run.count + 1) is None
            missing = run.at + header.frame_length - len(self.data)
            if missing > 0 and header.frame_length < _LARGE:
                return True
            self._count(header, other, 6 if not missing else 0)
            run.follow(self.data[run.at], header)
            if missing > 0:
                self.left, run.at = missing, run.at - missing
        del self.data[: run.at]
        run.at = 0
        return True

    def _count(self, header: FrameHeader, other: _Half, aligned: int) -> None:
        """Count the evidence of the next frame; `aligned`: what its end at a segment's end adds."""
        assert self.run is not None
        at, data = self.run.at, self.data
        begins, opcode = bytes(data[at : at + header.length - 4 * header.masked]), data[at] & 0x0F
        self.frames += 1
        self.masked = header.masked
        if not opcode:
            return  # many a length of two bytes begins like that
        self.bits += 4 + aligned if begins not in self.seen else 1
        if len(self.seen) < 256:
            self.seen.add(begins)
        said = frames.frame_payload(data, at, header._replace(payload_length=min(
            header.payload_length, 64, len(data) - at - header.length)))  # fmt: skip
        if data[at] == 0x81 and not _CONTROLS.intersection(said):
            self.bits += min(len(said), 24 if header.masked else 12)
        elif opcode == Opcode.CLOSE and said:
            self.bits += 8
        elif opcode == Opcode.PING:
            self.ping = said
        elif opcode == Opcode.PONG and other.ping == said:
            self.bits += 8
            other.ping = None


class Middle:
    """What tells of one connection whether it is a WebSocket's."""

    def __init__(self) -> None:
        self.halves = _Half(), _Half()
        self.accepts = 0
        """Bits of evidence from the beginning of a response that is cut."""

    def take(self, side: int, segment: bytes, missing: int = 0) -> bool | None:
        """Read the next segment of a side, or that bytes are missing; None while it is not clear.

        A connection of a WebSocket's has a `client`.
        """
        half, other = self.halves[side], self.halves[1 - side]
        half.miss(missing, other) if missing else half.take(segment, other)
        if half.failed > MOST:
            return False
        return self._is_clear() or None

    def _is_clear(self) -> bool:
        bits, count = self.accepts, 0
        for half in self.halves:
            bits, count = bits + half.bits, count + half.frames
            bits -= half.failed * (4 if half.frames else 12)  # perhaps it speaks something else
        masks = {half.masked for half in self.halves if half.frames}
        both = all(half.frames for half in self.halves)
        return bits >= ENOUGH and count > 1 and len(masks) == 1 + both

    @property
    def client(self) -> int:
        """The side that masks its frames."""
        return next(
            number if half.masked else 1 - number
            for number, half in enumerate(self.halves)
            if half.frames
        )
