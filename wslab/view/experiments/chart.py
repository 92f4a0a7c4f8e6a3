"""A live chart: lines, stacked areas or bars that grow as something is measured.

    chart = Chart("buffers", x="seconds", y="bytes", kind="stacked", series=["client", "server"])
    chart.add("client", 0.1, 4096)      # from any thread; painted 20 times a second at most

bqplot draws it, which works offline and costs the kernel a few percent of a core. It takes half a
second to import, so it is imported with the first chart and not before. Readers without widgets get
a picture and a table of the same numbers.
"""

from __future__ import annotations

import statistics
import threading
import time
from array import array
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import traitlets

from ..live.assets import script, style
from ..live.live_view import LiveView
from .chart_picture import STROKES, Kind, Series, Stroke, drawn, number, picture, stroke, ticks

MOST = 1000
"""Points of a series that are kept by default; older ones are dropped."""

SHARE = 30
"""After painting, the chart leaves the kernel alone for this many times as long as that took."""

MARKED = 60
"""The most points of a line that are drawn with dots."""


class Chart(LiveView):
    """Series of points under a title. `x` and `y` are the axes' labels and name their units.

    "lines" joins each series' points in the order in which they were added. "stacked" and "bars"
    show one value for each x, the last that was added; "stacked" puts the first series on top.
    `x_ticks` are the values that the x axis names; by default it chooses them itself.
    """

    _esm = script("experiments/chart.js")
    _css = style("experiments/chart.css")
    _chart: Any = traitlets.Dict().tag(sync=True)
    _figure: Any = traitlets.Any().tag(sync=True, **widgets.widget_serialization)

    view_name = "chart"
    """The view's `data-wslab`."""

    def __init__(
        self,
        title: str,
        *,
        x: str = "seconds",
        y: str = "ms",
        kind: Kind = "lines",
        series: Sequence[str] = (),
        most: int = MOST,
        x_ticks: Sequence[float] | None = None,
        **traits: Any,
    ) -> None:
        import bqplot
        import numpy as np

        self.title, self.x, self.y, self.kind, self.most = title, x, y, kind, most
        self._adding = threading.Lock()
        self._series = {name: (array("d"), array("d")) for name in series}
        self._marks: list[Any] = []
        self._stale = True  # whether pages show old data
        self._rested = self._cost = 0.0  # when the last painting ended, and how long it took (s)
        self._scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale(min=0.0)}
        look = {
            "color": "var(--ws-edge)",
            "grid_color": "var(--ws-rule)",
            "tick_format": ",~r",  # 14,000 and 0.05, never 1.4e4
        }
        # What the axes measure the page writes itself: bqplot would write it over long numbers.
        across = bqplot.Axis(scale=self._scales["x"], grid_lines="none", **look)
        if x_ticks is not None:
            across.tick_values = np.array(x_ticks, dtype=float)
        self._up = bqplot.Axis(scale=self._scales["y"], side="left", **look)
        figure = bqplot.Figure(
            axes=[across, self._up],
            padding_y=0.0,
            layout=widgets.Layout(height="100%", width="100%", min_width="0"),
        )
        shown = {"title": title, "view": self.view_name, "kind": kind, "x": x, "y": y}
        super().__init__(_chart=shown, _figure=figure, **traits)

    def add(self, name: str, x: float, y: float) -> None:
        """Add a point to a series, which is made if there is none of that name. For any thread."""
        with self._adding:
            xs, ys = self._series.setdefault(name, (array("d"), array("d")))
            xs.append(x)
            ys.append(y)
            if len(xs) >= 2 * self.most:
                del xs[: -self.most], ys[: -self.most]
        self.changed()

    def draw(self, name: str, points: Iterable[tuple[float, float]]) -> None:
        """Give a series these points, in place of those that it has. For any thread."""
        xs, ys = zip(*points, strict=True) if (points := list(points)) else ((), ())
        with self._adding:
            self._series[name] = (array("d", xs), array("d", ys))
        self.changed()

    def clear(self) -> None:
        """Remove all points; the series stay."""
        with self._adding:
            self._series = {name: (array("d"), array("d")) for name in self._series}
        self.changed()

    @property
    def names(self) -> list[str]:
        """The names of the series."""
        return list(self._series)

    def points(self, name: str) -> list[tuple[float, float]]:
        """The points of a series that are kept, oldest first. Raises KeyError for another name."""
        return list(zip(*self._kept()[name], strict=True))

    def changed(self) -> None:
        """Update the pages. For any thread."""
        self._stale = True
        self.tell()

    def close(self) -> None:
        for part in (*self._marks, *self._figure.axes, *self._scales.values(), self._figure):
            part.close()
        super().close()

    def _kept(self) -> Series:
        most = self.most
        with self._adding:
            return {name: (xs[-most:], ys[-most:]) for name, (xs, ys) in self._series.items()}

    # -- for subclasses --------------------------------------------------------------------------

    def summary(self) -> str:
        """The results so far, in one line."""
        return ""

    def state(self) -> dict[str, Any]:
        """The `button` (its text) and the `problem` in the bar above the chart."""
        return {}

    # -- told to the pages -----------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        self._stale = True

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        if not self._stale:
            return None
        # A slow chart is painted less often, so that it never takes more than its share.
        began = time.thread_time()
        wait = self._rested + SHARE * self._cost - time.monotonic()
        if wait > 0 and not self._resting:
            return wait
        self._stale = False
        series = self._kept()
        self._paint(series)
        self._cost, self._rested = time.thread_time() - began, time.monotonic()
        content["series"] = [
            {"name": name, "last": number(ys[-1]) if ys else "", "stroke": stroke(place)._asdict()}
            for place, (name, (_, ys)) in enumerate(series.items())
        ]
        content["digits"] = max(len(f"{value:,g}") for value in self._up.tick_values)
        content["summary"] = self.summary()
        content["count"] = sum(len(xs) for xs, _ in series.values())
        content |= self.state()
        return None

    def _paint(self, series: Series) -> None:
        """Give bqplot's marks the points to draw. A mark that has them already sends nothing."""
        import numpy as np

        while len(self._marks) < (min(1, len(series)) if self.kind == "bars" else len(series)):
            self._marks.append(self._mark(stroke(len(self._marks))))
            self._figure.marks = list(self._marks)
        shapes: list[tuple[Any, Any]] = list(drawn(self.kind, series))
        values = ticks([y for _, ys in shapes if ys for y in (min(ys), max(ys))])
        scale = self._scales["y"]
        if (scale.min, scale.max) != (values[0], values[-1]):
            scale.min, scale.max = values[0], values[-1]
            self._up.tick_values = np.array(values)
        if self.kind == "bars" and shapes:
            shapes = [(shapes[0][0], [ys for _, ys in shapes])]
        for mark, (xs, ys) in zip(self._marks, shapes, strict=True):
            with mark.hold_sync():
                mark.x, mark.y = np.array(xs, dtype=float), np.array(ys, dtype=float)
                if self.kind == "lines":
                    mark.marker = "circle" if len(xs) <= MARKED else None

    def _mark(self, look: Stroke) -> Any:
        import bqplot

        colour = f"var(--ws-{look.name})"
        empty = {"x": [], "y": [], "scales": self._scales}
        if self.kind == "bars":
            colours = [f"var(--ws-{one.name})" for one in STROKES]
            return bqplot.Bars(**empty, type="grouped", padding=0.15, colors=colours)
        if self.kind == "stacked":
            return bqplot.Lines(
                **empty, colors=["var(--ws-paper)"], stroke_width=1.0, fill="bottom",
                fill_colors=[colour], fill_opacities=[1.0],
            )  # fmt: skip
        return bqplot.Lines(
            **empty, colors=[colour], line_style=look.style, stroke_width=look.width, marker_size=22
        )

    # -- for readers without widgets -------------------------------------------------------------

    def static(self) -> dict[str, str]:
        series = self._kept()
        heads = ("series", "points", "least", "median", "most", "last")
        table = [
            [name, str(len(ys)), *map(number, (min(ys), statistics.median(ys), max(ys), ys[-1]))]
            for name, (_, ys) in series.items()
            if ys
        ]
        said = f"{self.title}: {self.summary() or f'{self.y} over {self.x}'}"
        cell = "style='text-align:right;padding:0 0 0 1.2em'"
        rows = "".join(
            "<tr>" + "".join(f"<td {cell}>{escape(text)}</td>" for text in row) + "</tr>"
            for row in table
        )
        head = "".join(f"<th {cell}>{text}</th>" for text in heads)
        return {
            "text/plain": "\n".join(
                [said, *(f"- {row[0]}: {row[1]} points, last {row[5]} {self.y}" for row in table)]
            ),
            "text/html": f"<div data-wslab='{self.view_name}-static'><p>{escape(said)}</p>"
            + (picture(self.kind, series, self.x, self.y) if table else "")
            + f"<table><tr>{head}</tr>{rows}</table></div>",
        }
