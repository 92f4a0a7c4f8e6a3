"""Runs jobs on daemon threads, in order within a lane, because a job may take long or hang."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Jobs:
    """Runs jobs on daemon threads, in order within a lane; lanes do not wait for each other.

    So two messages are sent in the order of the clicks, and Close can end a Connect that hangs.
    A job's outcome goes to `done(result, error)`, on that thread; one of the two is None.
    A lane's thread ends when the lane is empty.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[tuple[Callable[[], object], Callable[..., None]]]] = {}

    def run(
        self,
        lane: str,
        job: Callable[[], object],
        done: Callable[[object, BaseException | None], None],
    ) -> None:
        """Run `job` after what is in `lane` already."""
        with self._lock:
            waiting = self._lanes.get(lane)
            if waiting is not None:
                waiting.append((job, done))
                return
            self._lanes[lane] = deque([(job, done)])
        threading.Thread(
            target=self._work, args=[lane], name=f"wslab-view-{lane}", daemon=True
        ).start()

    def _work(self, lane: str) -> None:
        while True:
            with self._lock:
                if not self._lanes[lane]:
                    del self._lanes[lane]
                    return
                job, done = self._lanes[lane].popleft()
            result, error = None, None
            try:
                result = job()
            except BaseException as raised:  # no caller above this thread would get it
                error = raised
            done(result, error)
