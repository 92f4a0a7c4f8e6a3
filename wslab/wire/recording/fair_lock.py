"""A lock that no thread can take twice in a row while another thread waits for it."""

from __future__ import annotations

from threading import Lock, get_ident


class FairLock:
    """A reentrant lock that waiting threads get in turn.

    Python's own locks go to the thread that asks first after a release, usually the one that
    released the lock: a thread that takes it again and again can keep all others out.
    """

    __slots__ = ("_again", "_lock", "_next", "_owner")

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = Lock()  # held by the thread that is next in turn
        self._owner = 0
        self._again = 0  # how many times more the owner has taken it

    def __enter__(self) -> None:
        me = get_ident()
        if self._owner == me:
            self._again += 1
            return
        # If nobody waits there is no turn to keep.
        if self._next.locked() or not self._lock.acquire(False):
            with self._next:
                self._lock.acquire()
        self._owner = me

    def __exit__(self, *_: object) -> None:
        if self._again:
            self._again -= 1
        else:
            self._owner = 0
            self._lock.release()
