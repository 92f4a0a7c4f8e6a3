"""A recorded byte stream whose oldest frames have been dropped; the others keep their offsets."""

from __future__ import annotations

import threading
from typing import overload


def trimmed(stream: object) -> TrimmedStream | None:
    """`stream` if its oldest frames have been dropped, else None."""
    return stream if isinstance(stream, TrimmedStream) else None


BLOCK = 1 << 16
"""Bytes of one block: dropping a block frees its memory without moving the others."""


class TrimmedStream:
    """Bytes with a gap, indexed and sliced like a bytearray; the gap reads as zeros.

    The gap starts after the handshake, at `start`, and ends before the frame at `stop`.
    """

    def __init__(self, data: bytearray, start: int) -> None:
        self.start = self.stop = start
        self.resume = start
        """The offset at which the next whole unit may start: the rest of a cut unit is useless."""
        self._head = bytes(data[:start])
        self._blocks: list[bytearray] = []
        self._origin = start  # the offset of the first block
        self._cut = 0  # bytes dropped at the beginning of the first block
        self._size = start
        self._lock = threading.Lock()
        for place in range(start, len(data), BLOCK):
            self._append(data[place : place + BLOCK])

    def drop(self, stop: int) -> int:
        """Drop the bytes before offset `stop`; returns how many."""
        with self._lock:
            dropped = max(0, min(stop, self._size) - self.stop)
            self.stop += dropped
            whole = (self.stop - self._origin) // BLOCK
            if whole:
                del self._blocks[:whole]
                self._origin += whole * BLOCK
                self._cut = 0
            rest = self.stop - self._origin - self._cut
            if self._blocks and rest > len(self._blocks[0]) // 2:
                self._blocks[0] = self._blocks[0][rest:]
                self._cut += rest
            return dropped

    def kept(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop` without dropped ones and the rest of a cut unit."""
        before = self[start : min(stop, self.start)] if start < self.start else b""
        first = max(self.stop, self.resume)
        return before + self[max(start, first) : max(stop, first)]

    def _append(self, data: bytes | bytearray) -> None:
        while data:
            place = self._size - self._origin
            if place >= len(self._blocks) * BLOCK:
                self._blocks.append(bytearray())
            room = BLOCK - place % BLOCK
            self._blocks[-1] += data[:room]
            self._size += min(room, len(data))
            data = data[room:]

    def _tail(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop`, none of which was dropped."""
        found = []
        while start < stop:
            number, place = divmod(start - self._origin, BLOCK)
            size = min(stop - start, BLOCK - place)
            if not number:
                place -= self._cut
            found.append(self._blocks[number][place : place + size])
            start += size
        return b"".join(found)

    def find(self, what: bytes, start: int, stop: int) -> int:
        """The first offset of `what` between two offsets; -1 if there is none."""
        found = self[start:stop].find(what)
        return found if found < 0 else start + found

    def __len__(self) -> int:
        return self._size

    def __iadd__(self, data: bytes) -> TrimmedStream:
        with self._lock:
            self._append(data)
        return self

    def __setitem__(self, key: slice, data: bytes) -> None:
        """Replace bytes with as many others, except where they were dropped."""
        with self._lock:
            start, _, _ = key.indices(self._size)
            for offset, byte in enumerate(data, start):
                if offset >= self.stop:
                    number, place = divmod(offset - self._origin, BLOCK)
                    self._blocks[number][place - (0 if number else self._cut)] = byte

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        with self._lock:
            if isinstance(key, int):
                if not 0 <= key < self._size:
                    raise IndexError(f"expected a byte from 0 to {self._size - 1}, got {key}")
                if key < self.stop:
                    return self._head[key] if key < self.start else 0
                number, place = divmod(key - self._origin, BLOCK)
                return self._blocks[number][place if number else place - self._cut]
            start, stop, _ = key.indices(self._size)
            head = self._head[start:stop]
            gap = max(0, min(stop, self.stop) - max(start, self.start))
            return head + bytes(gap) + self._tail(max(start, self.stop), stop)
