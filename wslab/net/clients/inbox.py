"""The queue of messages that a client has received and nobody has read yet."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from wslab.net.errors import NotConnected, TimedOut

MAX_MESSAGES = 100_000
MAX_BYTES = 64 * 2**20
"""The most that an inbox holds, in messages and in bytes (a character of text counts as one). A
panel never reads its client's inbox, and a flood must not fill the memory: the oldest are dropped.
"""

# As in `loop.run`: on Windows an interrupt takes effect only when a wait ends.
_SLICE = 0.2


class Inbox:
    """A queue that the loop thread fills without waiting, and any other thread reads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: deque[str | bytes] = deque()
        self._bytes = 0
        self._ending: str | None = None
        self.dropped = 0
        """How many messages were dropped unread because there were too many."""

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str | bytes) -> None:
        """Add a message; if there are too many, drop the oldest and count them."""
        with self._changed:
            self._messages.append(message)
            self._bytes += len(message)
            while len(self._messages) > MAX_MESSAGES or self._bytes > MAX_BYTES:
                self._bytes -= len(self._messages.popleft())
                self.dropped += 1
            self._changed.notify()

    def end(self, story: str) -> None:
        """Note that no more messages will come; `story` says why."""
        with self._changed:
            self._ending = story
            self._changed.notify_all()

    def get(
        self, timeout: float | None, refuse: Callable[[str], None] = lambda call: None
    ) -> str | bytes:
        """Take the oldest message, waiting at most `timeout` seconds (None: without limit).
        `refuse` is that of `loop.run`.

        Raises `TimedOut`, or, when all messages are read, `NotConnected` with `story`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._messages:
                if self._ending is not None:
                    raise NotConnected(f"expected a message, but none will come: {self._ending}")
                left = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
                if left <= 0:
                    raise TimedOut(
                        f"expected a message within {timeout:g} s, none came. The connection is "
                        "still open: was something sent that the server answers? A longer wait is "
                        "recv(timeout=...) in seconds"
                    )
                if not self._changed.wait(left):
                    refuse("Client.recv")
            message = self._messages.popleft()
            self._bytes -= len(message)
            return message
