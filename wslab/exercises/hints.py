"""Hints in steps: each attempt gets the next one, and the last one stays."""

from __future__ import annotations


class Hints:
    """The hints of one exercise, from a nudge to the way to the solution."""

    def __init__(self, *steps: str) -> None:
        self.steps = steps
        self.given = 0

    def next(self) -> str:
        """The next hint."""
        self.given += 1
        return self.steps[min(self.given, len(self.steps)) - 1]
