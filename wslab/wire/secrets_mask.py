"""Logins never get into a recording: the values of such headers are masked as they come."""

from __future__ import annotations

from .headers import SECRETS

_LONGEST = max(map(len, SECRETS))
_KEEP = b" \t\r"


class SecretsMask:
    """Masks the values of secret headers in one direction's stream, wherever its bytes were cut.

    Each byte of a value becomes `*`; blanks and the length stay, so that offsets stay true.
    `status` is the status of the response whose head ended last, for the server's direction.
    """

    __slots__ = ("_first_line", "_in_head", "_line", "_secret", "_was_secret", "status")

    def __init__(self) -> None:
        self._line = bytearray()  # the line so far; of a long one only its start
        self._secret: bool | None = None  # None: the header's name is not complete yet
        self._was_secret = False
        self._first_line = b""
        self._in_head = False
        self.status: int | None = None

    def mask(self, chunk: bytes) -> bytes:
        """The chunk to record: as long as the one that came. Ends early after a 101 response."""
        masked: bytearray | None = None
        position = 0
        while position < len(chunk):
            newline = chunk.find(b"\n", position)
            stop = len(chunk) if newline < 0 else newline
            begin = self._value_start(chunk, position, stop)
            if begin is not None:
                masked = masked if masked is not None else bytearray(chunk)
                masked[begin:stop] = bytes(b if b in _KEEP else 0x2A for b in chunk[begin:stop])
            position = stop
            if newline >= 0:
                position += 1
                if self._end_line() and self.status == 101:
                    break  # what follows are frames
        return chunk if masked is None else bytes(masked)

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

    def _end_line(self) -> bool:
        """Note the end of a line; True where it ended a head."""
        text = bytes(self._line).rstrip(b"\r")
        blank = not text and self._secret is None
        if blank and self._in_head:
            self._in_head = False
            words = self._first_line.split(b" ")
            known = words[0].startswith(b"HTTP/") and len(words) > 1 and words[1].isdigit()
            self.status = int(words[1]) if known and len(words[1]) == 3 else None
        elif not blank and not self._in_head:
            self._in_head = True
            self._first_line = text
        self._was_secret = bool(self._secret)
        self._line.clear()
        self._secret = None
        return blank
