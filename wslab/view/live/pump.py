"""Sends news to the pages, on one thread: soon when idle, at most 20 times a second for each view.

Traffic may be a thousand times faster than a page can follow: beyond 1,000 messages a second
Jupyter's server drops messages, and a page cannot cope with far fewer. So an event only marks a
view as dirty, and about every 50 ms the pump asks each dirty view for *one* message with all that
is new.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

INTERVAL = 0.05
"""The least seconds between two messages of one view: at most 20 a second."""

LINGER = 0.002
"""Seconds that the first news after a pause waits for more: an echo follows its message within a
millisecond, and would otherwise be shown 50 ms later."""


class Flushable(Protocol):
    """What the pump serves: a view that can send its news."""

    def flush(self) -> float | None:
        """Send what is new, as one message. Returns the seconds after which to ask again even
        without `notify`: 0 for "as soon as allowed" (more is waiting), None for "not needed"."""

    def fail(self, error: Exception) -> None:
        """`flush` raised `error`: keep it and show it. Must not raise."""


class Pump:
    """Calls `flush` of every view that has news, on one daemon thread.

    The thread starts with the first view and ends with the last; while there is no news it sleeps.
    `interval` and `linger` are in seconds, and so is what `clock` counts; tests have their own.
    """

    def __init__(
        self,
        interval: float = INTERVAL,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.interval = interval
        self.linger = linger
        self.clock = clock
        self._news = threading.Condition()
        self._allowed: dict[Flushable, float] = {}  # view -> the earliest time of its next message
        self._gone: dict[Flushable, deque[float]] = {}  # view -> when its last 20 were sent
        self._due: dict[Flushable, float] = {}  # view -> when it is to be flushed next
        self._dirty: set[Flushable] = set()  # the views that have news now
        self._thread: threading.Thread | None = None

    def add(self, view: Flushable) -> None:
        """Serve `view` from now on."""
        with self._news:
            self._allowed.setdefault(view, 0.0)
            self._gone.setdefault(view, deque(maxlen=round(1 / self.interval)))
            self._start()

    def remove(self, view: Flushable) -> None:
        """Stop serving `view`. It may still be in the middle of one last `flush`."""
        with self._news:
            self._allowed.pop(view, None)
            self._gone.pop(view, None)
            self._due.pop(view, None)
            self._dirty.discard(view)
            self._news.notify()

    def notify(self, view: Flushable) -> None:
        """Note that `view` has news. Quick, and safe on any thread, such as the traffic's own."""
        # A view that is already marked will read this news too: the pump removes the mark before
        # it asks the view. So a busy wire takes no lock here.
        if view in self._dirty:
            return
        with self._news:
            if view in self._allowed:
                self._dirty.add(view)
                self._due[view] = self.clock() + self.linger
                self._news.notify()

    def step(self) -> float | None:
        """Call `flush` once for every view that is due. Returns the seconds until the next is due,
        or None.

        The thread does nothing but this and sleep; tests call it themselves.
        """
        with self._news:
            now = self.clock()
            ready = [view for view in self._due if self._when(view) <= now]
            for view in ready:
                # Counted from when it was due: otherwise each delay would delay all that follow.
                self._allowed[view] = self._when(view) + self.interval
                del self._due[view]
                self._dirty.discard(view)
        for view in ready:
            try:
                again = view.flush()
            except Exception as error:  # a faulty view must not affect the others
                again = None
                with suppress(Exception):
                    view.fail(error)
            with self._news:
                if view not in self._allowed:
                    continue
                gone = self._gone[view]
                gone.append(self.clock())
                if len(gone) == gone.maxlen:
                    # After a late message the next may come sooner, but never 21 in a second.
                    self._allowed[view] = max(self._allowed[view], gone[0] + 1)
                if again is not None:
                    self._due.setdefault(view, gone[-1] + again)
        with self._news:
            if not self._due:
                return None
            return max(0.0, min(map(self._when, self._due)) - self.clock())

    def _when(self, view: Flushable) -> float:
        return max(self._due[view], self._allowed[view])

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wslab-view", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self.step()
            with self._news:
                if not self._allowed:
                    self._thread = None
                    return
                # Anything may have changed since `step` released the lock: look again under it.
                wait = min(map(self._when, self._due)) - self.clock() if self._due else None
                if wait is None or wait > 0:
                    self._news.wait(wait)


pump = Pump()
"""The pump of this process, which serves every view."""

if hasattr(os, "register_at_fork"):
    # In a forked child its thread does not run, and the views are in the parent's page.
    os.register_at_fork(after_in_child=lambda: Pump.__init__(pump))
