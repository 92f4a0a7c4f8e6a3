"""A recorded stream whose oldest frames have been dropped: offsets stay what they were."""

from __future__ import annotations

import threading
from typing import overload


def trimmed(stream: object) -> TrimmedStream | None:
    """`stream` if its oldest frames have been dropped, else None."""
    return stream if isinstance(stream, TrimmedStream) else None


class TrimmedStream:
    """Bytes with a gap, indexed and sliced as if it was not there: what was dropped reads as zeros.

    The gap starts behind the handshake, at `start`, and ends before the frame at `stop`.
    """

    def __init__(self, data: bytearray, start: int) -> None:
        self.start = self.stop = start
        self._head = bytes(data[:start])
        self._tail = data[start:]
        self._lock = threading.Lock()

    def drop(self, stop: int) -> int:
        """Drop the bytes before `stop`; returns how many."""
        with self._lock:
            dropped = max(0, stop - self.stop)
            del self._tail[:dropped]
            self.stop += dropped
            return dropped

    def kept(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop` without what was dropped."""
        before = self[start : min(stop, self.start)] if start < self.start else b""
        return before + self[max(start, self.stop) : max(stop, self.stop)]

    def __len__(self) -> int:
        return self.stop + len(self._tail)

    def __iadd__(self, data: bytes) -> TrimmedStream:
        with self._lock:
            self._tail += data
        return self

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        with self._lock:
            if isinstance(key, int):
                if key < self.stop:
                    return self._head[key] if key < self.start else 0
                return self._tail[key - self.stop]
            start, stop, _ = key.indices(self.stop + len(self._tail))
            head = self._head[start:stop]
            gap = max(0, min(stop, self.stop) - max(start, self.start))
            tail = self._tail[max(0, start - self.stop) : max(0, stop - self.stop)]
            return head + bytes(gap) + bytes(tail)
