"""The moment of a recording that several views show together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Replay:
    """Live, or the recording as it was after so many of its rows.

    The wire view and the state diagram of one lab share it: when a page moves the one, the other
    moves as well. Nothing is copied and nothing stops: the views only show less.
    """

    def __init__(self) -> None:
        self.rows: int | None = None
        """How many rows are shown, from the first on; None: live."""
        self._by = ""  # the page that moved it last
        self._listeners: list[Callable[[], None]] = []

    def show(self, rows: int | None, by: str = "") -> None:
        """Have all views show the first `rows` rows; None: live again. `by` is the page's name."""
        self.rows = None if rows is None else max(0, rows)
        self._by = by
        for listener in list(self._listeners):
            listener()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each move; the function returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def account(self) -> dict[str, Any]:
        """The moment as a page is told it; the page that chose it knows it already."""
        return {"rows": self.rows, "by": self._by}
