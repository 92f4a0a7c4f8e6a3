"""The columns in which an experiment or a cell of a board tells what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mark:
    """A short judgement, such as "✓ clean"; `good` decides its colour."""

    text: str
    good: bool


@dataclass(frozen=True)
class Line:
    """One line of a column: what crossed, what a program said, or a number with its bar."""

    text: str
    label: str = ""
    """Words before the text, such as what it is."""
    direction: str = ""
    """`client` or `server`: who sent it; empty if it did not cross the wire."""
    kind: str = ""
    """The kind of the frame, or `tls`, `fin`, `rst`."""
    row: int | None = None
    """Its row in the wire view."""
    broken: bool = False
    """Whether it breaks a rule."""
    bar: float | None = None
    """The length of its bar, relative to the others in the column."""


@dataclass(frozen=True)
class Column:
    """One side of the comparison."""

    name: str
    title: str
    lines: Sequence[Line] = ()
    head: str = ""
    """The most important result, such as the close code; `detail` stands beside it."""
    detail: str = ""
    mark: Mark | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    """More for the page's `data-*`."""
