"""Keeps logins out of a recording: the values of such headers are masked as they come."""

from __future__ import annotations

from ..fields import Direction
from ..protocol.headers import SECRETS
from ..protocol.http import MAX_HEAD, Exchange, HttpReader

_LONGEST = max(map(len, SECRETS))
_KEEP = b" \t\r"


class SecretsMask:
    """Masks the values of secret headers in one direction's stream, wherever its bytes were cut.

    Each byte of a value becomes `*`; blanks and the length stay, so that offsets stay true. Bodies
    and frames are left alone; where they are says the reader that also serves the index. Both
    directions of a connection share an `exchange`. What a client sends before the answer to its
    upgrade counts as HTTP, until the answer says otherwise.
    """

    __slots__ = ("_head", "_http", "_line", "_secret", "_was_secret")

    def __init__(self, direction: Direction = "client", exchange: Exchange | None = None) -> None:
        self._http = HttpReader(direction, exchange or Exchange())
        self._head = bytearray()  # what has come of the head that is coming
        self._line = bytearray()  # the line so far; of a long one only its start
        self._secret: bool | None = None  # None: the header's name is not complete yet
        self._was_secret = False

    @property
    def done(self) -> bool:
        """Whether HTTP is over in this direction, and with it the headers."""
        return self._http.is_over

    def mask(self, chunk: bytes) -> bytes:
        """The chunk to record: as long as the one that came."""
        masked = bytearray()  # the whole chunk, once something in it is secret
        position = 0
        while position < len(chunk) and not self.done:
            if self._http.head is None:
                stop = self._end_of_head(chunk, position)
                self._mask_lines(chunk, position, stop, masked)
            else:
                stop = self._end_of_body(chunk, position)
                if self._secret:  # a head that was too long ended within a login
                    newline = chunk.find(b"\n", position, stop)
                    self._mask_lines(chunk, position, newline + 1 or stop, masked)
            position = stop
        return bytes(masked) or chunk

    def _end_of_head(self, chunk: bytes, start: int) -> int:
        """Where the head that continues at `start` ends in this chunk."""
        before = len(self._head)
        self._head += chunk[start : start + MAX_HEAD - before]
        if not self._http.read_head(self._head, 0, len(self._head)):
            # It may turn out now that these are frames.
            return start if self.done else start + len(self._head) - before
        stop = start + self._http.seen - before
        self._head.clear()
        self._end_of_body(b"", 0)  # there may be none
        return stop

    def _end_of_body(self, chunk: bytes, start: int) -> int:
        self._http.seen = start
        end = self._http.read_body(chunk, len(chunk))
        if end is None:
            return len(chunk)
        self._http.start_next(0)
        return end

    def _mask_lines(self, chunk: bytes, start: int, end: int, masked: bytearray) -> None:
        position = start
        while position < end:
            newline = chunk.find(b"\n", position, end)
            stop = end if newline < 0 else newline
            begin = self._value_start(chunk, position, stop)
            if begin is not None:
                masked[:] = masked or chunk
                masked[begin:stop] = bytes(b if b in _KEEP else 0x2A for b in chunk[begin:stop])
            position = stop
            if newline >= 0:
                position += 1
                self._was_secret = bool(self._secret)
                self._secret = None
                self._line.clear()

    def _value_start(self, chunk: bytes, start: int, stop: int) -> int | None:
        piece = chunk[start:stop]
        if self._secret is None and piece and not self._line and piece[:1] in (b" ", b"\t"):
            self._secret = self._was_secret  # a folded line goes on with the header above it
        if self._secret is None:
            colon = piece.find(b":")
            self._line += (piece if colon < 0 else piece[:colon])[: _LONGEST + 40]
            if colon >= 0:
                self._secret = self._line.strip().lower().decode("latin-1") in SECRETS
                return start + colon + 1 if self._secret else None
            return None
        return start if self._secret else None
