"""The body behind an HTTP head: where it ends, found as its bytes come, each looked at once."""

from __future__ import annotations

import re

from .handshake import Head, content_length

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LONGEST_LINE = 256
"""Bytes of a line between chunks that are held: a size needs no more, a trailer is only passed."""


class Body:
    """How much of a body is still to come (RFC 9112 §6.3)."""

    __slots__ = ("_in_trailer", "_left", "_line")

    def __init__(self, length: int | None, chunked: bool = False) -> None:
        self._left = length  # bytes that just pass; None: all, until the connection ends
        self._line = bytearray() if chunked else None  # the line between chunks so far
        self._in_trailer = False

    @classmethod
    def behind(cls, head: Head, request: Head | None, in_request: bool) -> Body:
        """The body behind a head; a response answers `request`.

        A response without a length goes on until the connection ends.
        """
        if not in_request:
            no_body = head.status is not None and (head.status < 200 or head.status in (204, 304))
            if no_body or (request and request.first_line.startswith("HEAD ")):
                return cls(0)
        if "chunked" in head.words("Transfer-Encoding"):
            return cls(0, chunked=True)
        length = content_length(head)
        return cls(0 if length is None and in_request else length)

    def read(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """Where the body ends, `data[start:stop]` being what comes next; None while it goes on."""
        position = start
        while self._left is not None:
            passed = min(self._left, stop - position)
            self._left -= passed
            position += passed
            if self._left:
                return None
            if self._line is None:
                return position
            found = data.find(b"\n", position, stop)
            end = stop if found < 0 else found
            room = _LONGEST_LINE - len(self._line)
            self._line += data[position : min(end, position + room)]
            if found < 0:
                return None
            position = found + 1
            line = bytes(self._line)
            self._line.clear()
            self._end_line(line)
        return None

    def _end_line(self, line: bytes) -> None:
        size = line.split(b";")[0].strip()
        if self._in_trailer:
            if line in (b"", b"\r"):
                self._line = None
        elif not _CHUNK_SIZE.fullmatch(size):
            self._line = None  # no chunk: what follows is somebody else's
        elif int(size, 16):
            self._left = int(size, 16) + 2  # and its line end
        else:
            self._in_trailer = True
