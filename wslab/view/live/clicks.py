"""Runs the clicks in a panel as jobs, and reports each outcome to the page that asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from .jobs import Jobs


class Clicks:
    """Runs the clicks of one panel. Calls `tell` when one of them has an outcome."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._jobs = Jobs()
        self._outcomes: deque[dict[str, Any]] = deque()
        self._running: list[str] = []  # touched on the pump's thread only

    @property
    def running(self) -> list[str]:
        """The actions that are running, or whose outcome no page has been told yet, each once."""
        return sorted(set(self._running))

    def start(self, question: dict[str, Any], job: Callable[[], object]) -> None:
        """Run `job` for a page's `question`, after earlier clicks on the same button.

        The page gives its question a `number`, and recognises the outcome by it.
        """
        action, number = question["do"], question.get("number")

        def done(result: object, error: BaseException | None) -> None:
            problem = None if error is None else one_line(error)
            took = result if isinstance(result, float) else None  # the seconds of a ping
            outcome = {"number": number, "do": action, "problem": problem, "took": took}
            self._outcomes.append(outcome)
            self._tell()

        self._running.append(action)
        self._jobs.run(action, job, done)

    def news(self, content: dict[str, Any]) -> None:
        """Put the outcomes since the last call into `content`, if there are any."""
        if self._outcomes:
            done = [self._outcomes.popleft() for _ in range(len(self._outcomes))]
            for outcome in done:
                self._running.remove(outcome["do"])
            content["done"] = done


def one_line(error: BaseException) -> str:
    """What `error` says, in one line that fits a panel."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= 400 else said[:399] + "…"
