"""The last problems of something that runs in the background.

Nothing may be printed from a background thread: it would appear under the wrong cell or get lost.
A server, a client or the loop keeps its problems here instead, for a learner or a view to read.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator

from wslab.wire import printable
from wslab.wire.protocol import masked_text

LENGTH = 100
"""How many problems are kept; the oldest are dropped."""


class ProblemLog:
    """The last `LENGTH` problems as lines of text, newest last. Safe to use from any thread."""

    def __init__(self, name: str) -> None:
        self._lines: deque[str] = deque(maxlen=LENGTH)
        # A logger of our own, outside the logging tree: no handler that prints ever sees its lines.
        self.logger = logging.Logger(f"wslab.{name}", logging.WARNING)
        """Given to the `websockets` library: its warnings and errors become lines here."""
        self.logger.addHandler(_Keeper(self))

    def note(self, text: str, exception: BaseException | None = None) -> None:
        """Keep one problem, and the exception that caused it."""
        cause = "" if exception is None else f": {type(exception).__name__}: {exception}"
        # A peer may have written some of it.
        line = printable(masked_text(f"{text}{cause}"))
        self._lines.append(f"{time.strftime('%H:%M:%S')} {line}")

    def clear(self) -> None:
        """Forget all problems."""
        self._lines.clear()

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._lines))

    def __repr__(self) -> str:
        return "\n".join(self) or "no problems"


class _Keeper(logging.Handler):
    def __init__(self, log: ProblemLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        exception = record.exc_info[1] if record.exc_info else None
        self._log.note(record.getMessage(), exception)
