"""Runs functions of static/page_runs.js in a page that shows a view, and waits for their lines."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

InPage = Callable[[str, Mapping[str, Any]], list[str] | None]
"""Runs a function of static/page_runs.js with its data; returns its lines, or None where there is
no page or it has not answered after `PAGE_TIME`."""

PAGE_TIME = 8.0
"""Seconds that a page has for its part of an experiment."""


def no_page(function: str, data: Mapping[str, Any]) -> list[str] | None:
    """For a view that nobody shows."""
    return None


class PageRuns:
    """What one view has its pages run. `tell` says that there is news for them."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._for_pages: deque[dict[str, Any]] = deque()
        self._answers: dict[int, tuple[threading.Event, list[str]]] = {}
        self._numbers = itertools.count(1)

    def runner(self, page: str | None) -> InPage:
        """What runs a function in that page. It waits, so never use it on the pump's thread."""
        if page is None:
            return no_page

        def run(function: str, data: Mapping[str, Any]) -> list[str] | None:
            number, ran, answer = next(self._numbers), threading.Event(), list[str]()
            self._answers[number] = ran, answer
            told = {"to": page, "run": number, "function": function, "data": dict(data)}
            self._for_pages.append(told)
            self._tell()
            try:
                return answer if ran.wait(PAGE_TIME) else None
            finally:
                del self._answers[number]

        return run

    def came(self, number: int, lines: list[Any]) -> None:
        """A page has answered."""
        if number in self._answers:
            ran, answer = self._answers[number]
            answer += map(str, lines)
            ran.set()

    def news(self, content: dict[str, Any]) -> None:
        """Put what pages are to run into `content`, if there is any."""
        if self._for_pages:
            runs = [self._for_pages.popleft() for _ in range(len(self._for_pages))]
            content["page_runs"] = runs
