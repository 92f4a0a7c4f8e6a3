"""Hints: the one for the fault that was found, or else in steps, one more each attempt."""

from __future__ import annotations


class Hints:
    """The hints of one exercise, from a nudge to the way to the solution; the last one stays."""

    def __init__(self, *steps: str) -> None:
        self.steps = steps
        self.given = 0

    @property
    def first(self) -> str:
        """The nudge, for an exercise that nobody has touched yet: this is no attempt."""
        return self.steps[0]

    def next(self, own: str = "") -> str:
        """The next hint. `own` is that of the fault that was found: it is said instead, and after
        as many attempts as there are steps, the last step with it."""
        self.given += 1
        step = self.steps[min(self.given, len(self.steps)) - 1]
        if not own:
            return step
        return own if self.given < len(self.steps) else f"{own} Or: {step}"


ONLY_THIS = "all else is right: change this one thing."
"""For a fault whose name says already what to do."""
