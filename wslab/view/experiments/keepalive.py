"""Two sliders, a prediction, and a line that goes dead: how long until somebody notices?"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, Protocol

import ipywidgets as widgets

from ..live.jobs import Jobs
from ..live.static_box import StaticBox
from ..live.subshell import handle_on_subshell


class Trial(Protocol):
    """What came of it; `wslab.net.trials.keepalive.Trial` is one. Seconds."""

    @property
    def found(self) -> float | None: ...
    @property
    def told(self) -> float | None: ...
    @property
    def code(self) -> int | None: ...
    @property
    def earliest(self) -> float: ...
    @property
    def latest(self) -> float: ...


class KeepaliveBench(StaticBox):
    """Choose ping interval and ping timeout, say how long it will take, and pull the cable."""

    def __init__(self, measure: Callable[[float, float], Trial], **options: Any) -> None:
        self._measure = measure
        self._jobs = Jobs()
        self.trials: list[Trial] = []
        """What came of each, newest last: for code that wants to look."""
        wide = {"description_width": "10.5em"}
        slider = widgets.Layout(width="min(32em, 96%)")
        self.interval = widgets.FloatSlider(
            value=1.0, min=0.2, max=5.0, step=0.1, description="ping interval (s)",
            style=wide, layout=slider, continuous_update=False,
        )  # fmt: skip
        self.timeout = widgets.FloatSlider(
            value=0.5, min=0.2, max=5.0, step=0.1, description="ping timeout (s)",
            style=wide, layout=slider, continuous_update=False,
        )  # fmt: skip
        self.prediction = widgets.FloatSlider(
            value=0.0, min=0.0, max=12.0, step=0.1, description="your prediction (s)",
            style=wide, layout=slider, continuous_update=False,
        )  # fmt: skip
        self._button = widgets.Button(
            description="Pull the cable",
            icon="scissors",
            button_style="primary",
            disabled=True,
            tooltip="say first how long it will take",
            layout=widgets.Layout(width="12em"),
        )
        self._result = widgets.HTML()
        self.prediction.observe(self._predicted, "value")
        self._button.on_click(self._pressed)
        super().__init__(
            [self.interval, self.timeout, self.prediction, self._button, self._result], **options
        )
        self.add_class("wslab-keepalive")
        handle_on_subshell(self.interval, self.timeout, self.prediction, self._button)

    def run(self) -> Trial:
        """Do it from code, with the sliders as they stand."""
        trial = self._measure(self.interval.value, self.timeout.value)
        self.trials.append(trial)
        return trial

    def words(self) -> list[str]:
        return [
            "A line goes dead right after the connection has opened: how long until the client "
            "notices?",
            "Set ping interval and ping timeout (seconds).",
            "Say how long it will take.",
            "Pull the cable, and compare with what is measured.",
        ]

    def _predicted(self, _: Any) -> None:
        self._button.disabled = False
        self._button.tooltip = "the line goes dead right after the connection has opened"

    def _pressed(self, _: Any) -> None:
        self._button.disabled = True
        self._result.value = "<p>The line is dead, and the client looks OPEN …</p>"

        def done(trial: Any, error: BaseException | None) -> None:
            if error is not None:
                self._result.value = f"<p role='alert'>It failed: {escape(str(error))}</p>"
            else:
                self._result.value = told(trial, self.prediction.value)
            self._button.disabled = False

        self._jobs.run("keepalive", self.run, done)


def told(trial: Trial, prediction: float | None = None) -> str:
    """A trial as HTML, with a bar for each of its times."""
    if trial.found is None or trial.told is None:
        return "<p>The time was up, and the client still looked OPEN.</p>"
    near = prediction is not None and abs(prediction - trial.found) <= 0.3
    rows = [
        ("predicted by the two numbers", trial.latest, "#0072b2"),
        ("measured: it left OPEN after", trial.found, "#009e73"),
        ("and the program was told after", trial.told, "#d55e00"),
    ]
    if prediction is not None:
        rows.insert(0, ("you said", prediction, "#cc79a7"))
    longest = max(value for _, value, _ in rows) or 1.0
    bars = "".join(
        "<tr><td style='text-align:left;padding-right:1em'>"
        f"{escape(text)}</td><td style='text-align:right;padding-right:1em'>{value:.2f} s</td>"
        f"<td style='text-align:left'><span aria-hidden='true' style='display:inline-block;"
        f"height:.7em;width:{round(18 * value / longest, 2)}em;background:{colour}'></span></td>"
        "</tr>"
        for text, value, colour in rows
    )
    word = "" if prediction is None else "✓ Close. " if near else "✗ Not close. "
    return (
        f"<div data-wslab='keepalive' data-found='{trial.found:.3f}' data-code='{trial.code}' "
        f"style='line-height:1.5'><p style='margin:.3em 0'><b>{word}</b>The ping that was never "
        f"answered went out a whole interval after the last sign of life; the API reported "
        f"<b>{trial.code}</b>.</p><table>{bars}</table></div>"
    )
