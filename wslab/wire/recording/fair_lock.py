"""A lock that nobody can take twice in a row while somebody else waits for it."""

from __future__ import annotations

import threading


class FairLock:
    """An RLock whose waiters get their turn.

    Python's own locks go to whoever asks first after a release, which is the thread that released
    it: one that takes a lock again and again keeps all others out for as long as it likes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = threading.Lock()  # held by the one that waits in front
        self._owner = 0
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner != me:
            with self._next:
                self._lock.acquire()
            self._owner = me
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = 0
            self._lock.release()
