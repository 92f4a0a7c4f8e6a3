"""A stream that stays on disk: what an index reads of it, it reads through a window."""

from __future__ import annotations

import tempfile
import weakref
from typing import IO, overload

WINDOW = 1 << 20
"""Bytes of the file that are held at a time."""


class StoredStream:
    """The bytes of a file, as far as a capture's stream is asked for them: indexed and sliced.

    `cover` puts other bytes in the place of some near the beginning: masked secrets.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        self._start = 0
        self._window = b""
        self._covers: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, int):
            at = key - self._start
            if 0 <= at < len(self._window):
                return self._window[at]
            if key < 0:
                key += self._size
            if not 0 <= key < self._size:
                raise IndexError(f"expected a place before {self._size}, got {key}")
            self._move(key)
            return self._window[0]
        start, stop, step = key.indices(self._size)
        if step != 1:
            raise ValueError("a stored stream is read forwards, byte after byte")
        at = start - self._start
        if at < 0 or stop - self._start > len(self._window):
            if stop - start > WINDOW:
                return self._read(start, stop - start)
            self._move(start)
            at = 0
        return self._window[at : at + max(0, stop - start)]

    def find(self, piece: bytes, start: int, stop: int) -> int:
        """Where `piece` is between two places, or -1."""
        while start + len(piece) <= stop:
            found = self[start : min(stop, start + WINDOW)].find(piece)
            if found >= 0:
                return start + found
            start += WINDOW - len(piece) + 1
        return -1

    def cover(self, offset: int, data: bytes) -> None:
        """From now on the bytes at `offset` read as `data`."""
        self._covers.append((offset, data))
        self._window = b""

    def __iadd__(self, data: bytes) -> StoredStream:
        self._file.seek(self._size)
        self._file.write(data)
        self._size += len(data)
        return self

    @classmethod
    def temporary(cls) -> StoredStream:
        """A stream of its own, empty: in memory while it is short, then in a temporary file."""
        file = tempfile.SpooledTemporaryFile(max_size=WINDOW)  # noqa: SIM115
        stream = cls(file)
        weakref.finalize(stream, file.close)
        return stream

    def _move(self, start: int) -> None:
        self._window = self._read(start, WINDOW)
        self._start = start

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        data = self._file.read(size)
        for offset, cover in self._covers:
            begin, end = max(offset, start), min(offset + len(cover), start + len(data))
            if begin < end:
                instead = cover[begin - offset : end - offset]
                data = data[: begin - start] + instead + data[end - start :]
        return data
