"""Draws a chart as a picture, for saved notebooks; and defines the look of each series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import accumulate
from math import ceil, floor, log10
from operator import add
from typing import Literal, NamedTuple

from wslab.wire import PALETTE

Kind = Literal["lines", "bars", "stacked"]
Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""The x and y of the points of each series, by its name."""

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 700, 20, 200
"""The edges of the axes in the picture, in its own units."""

DRAWN = 240
"""The most points of a series in the picture: few, because it is stored in the notebook."""


class Stroke(NamedTuple):
    """The look of a series: no two differ by colour alone."""

    name: str
    """The colour's name in `PALETTE`."""
    style: str
    """bqplot's name of the dashes."""
    dashes: str
    width: float

    @property
    def plain(self) -> str:
        """The colour for use without a style sheet."""
        return PALETTE[self.name].plain


STROKES = [
    Stroke("purple", "solid", "", 1.8),
    Stroke("blue", "dashed", "10 5", 1.8),
    Stroke("orange", "dotted", "2 4", 1.8),
    Stroke("green", "dash_dotted", "10 4 2 4", 1.8),
    Stroke("red", "solid", "", 3.5),
    Stroke("yellow", "dashed", "10 5", 3.5),
]


def stroke(place: int) -> Stroke:
    """The look of the series at this place, from 0."""
    return STROKES[place % len(STROKES)]


def drawn(kind: Kind, series: Series) -> list[tuple[Sequence[float], Sequence[float]]]:
    """The points to draw of each series: its own, or those stacked on the other series."""
    if kind == "lines":
        return list(series.values())
    every, rows = _aligned(kind, series)
    if kind == "bars":
        return [(every, row) for row in rows]
    sums = list(accumulate(reversed(rows), lambda below, row: list(map(add, below, row))))
    return [(every, row) for row in reversed(sums)]


def _aligned(kind: Kind, series: Series) -> tuple[Sequence[float], list[Sequence[float]]]:
    """Every x in order, and for each series its value there."""
    first = next((xs for xs, _ in series.values()), ())
    if all(xs == first for xs, _ in series.values()) and len(set(first)) == len(first):
        return first, [ys for _, ys in series.values()]  # the usual case, 20 times a second
    values = [dict(zip(xs, ys, strict=True)) for xs, ys in series.values()]
    every = sorted(set().union(*values))
    rows: list[Sequence[float]] = []
    for known in values:
        last, row = 0.0, []
        for x in every:
            # A stacked value lasts until the next one; a bar that was not measured is left out.
            last = known.get(x, last if kind == "stacked" else 0.0)
            row.append(last)
        rows.append(row)
    return every, rows


def ticks(values: Sequence[float]) -> list[float]:
    """Round numbers for an axis, from zero or the smallest of `values` to the largest."""
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if low == high:
        return [0.0, 1.0]
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= rough * 0.9999)
    return [step * n for n in range(floor(low / step), ceil(high / step) + 1)]


def number(value: float) -> str:
    """A number for people: 3 significant digits, or all digits of an integer."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def picture(kind: Kind, series: Series, x: str, y: str) -> str:
    """The chart as SVG, in the colours of the page around it. At least one point is needed."""
    shapes = drawn(kind, series)
    every_x = [value for xs, _ in shapes for value in xs]
    first, last = min(every_x), max(every_x)
    marked = ticks([value for _, ys in shapes for value in ys])
    slot = (RIGHT - LEFT) / len(shapes[0][0]) if kind == "bars" else 0.0  # for the bars of one x

    def at_x(value: float) -> float:
        part = (value - first) / ((last - first) or 1.0)
        return round(LEFT + slot / 2 + (RIGHT - LEFT - slot) * part, 1)

    def at_y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - marked[0]) / (marked[-1] - marked[0]), 1)

    parts = [f"<path d='M{LEFT} {TOP}V{BOTTOM}H{RIGHT}' fill='none' stroke='currentColor'/>"]
    for value in marked:
        parts.append(_text(number(value), LEFT - 6, at_y(value) + 4, "end"))
    for value in sorted({first, (first + last) / 2, last}):
        parts.append(_text(number(value), at_x(value), BOTTOM + 15, "middle"))
    parts += [_text(y, LEFT - 6, TOP - 9, "end"), _text(x, RIGHT, BOTTOM + 31, "end")]
    for place, (xs, ys) in enumerate(shapes):
        look = stroke(place)
        spots = [(at_x(xs[n]), at_y(ys[n])) for n in range(0, len(xs), -(-len(xs) // DRAWN) or 1)]
        path = " ".join(f"{left},{top}" for left, top in spots)
        if kind == "lines":
            parts.append(f"<polyline points='{path}' fill='none' {_drawn_in(look)}/>")
        elif kind == "stacked":
            corners = f"{spots[0][0]},{BOTTOM} {path} {spots[-1][0]},{BOTTOM}"
            parts.append(f"<polygon points='{corners}' fill='{look.plain}' stroke='currentColor'/>")
        else:
            wide = 0.85 * slot / len(shapes)
            parts += [
                f"<rect x='{left + wide * (place - len(shapes) / 2):.1f}' y='{top}' "
                f"width='{wide:.1f}' height='{at_y(0) - top:.1f}' fill='{look.plain}'/>"
                for left, top in spots
            ]
    apart = min(150, (RIGHT - LEFT) // len(shapes))
    for place, name in enumerate(series):
        look, left, top = stroke(place), LEFT + place * apart, HEIGHT - 10
        sample = look if kind == "lines" else look._replace(width=10, dashes="")
        parts.append(f"<path d='M{left} {top}h30' fill='none' {_drawn_in(sample)}/>")
        parts.append(_text(name, left + 36, top + 4, "start"))
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' style='max-width:{WIDTH}px;width:100%;height:auto;"
        "font:12px sans-serif;fill:currentColor' role='img' aria-label='the chart as it was'>"
        f"{''.join(parts)}</svg>"
    )


def _drawn_in(look: Stroke) -> str:
    return f"stroke='{look.plain}' stroke-width='{look.width}' stroke-dasharray='{look.dashes}'"


def _text(text: str, left: float, top: float, anchor: str) -> str:
    return f"<text x='{left}' y='{top}' text-anchor='{anchor}'>{escape(text)}</text>"
