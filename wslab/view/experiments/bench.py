"""The break-it bench: choose what to break, say what will happen, send it, and compare."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets

from ..live.static_box import StaticBox
from ..live.static_html import reference as link
from ..live.subshell import handle_on_subshell


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment, observed and not looked up."""

    happened: str
    """The prediction that would have been right."""
    sent: str
    answered: str
    reported: str
    """What the client's API says."""


@dataclass(frozen=True)
class Experiment:
    """Something to break. `run` does it for real and waits for the end."""

    name: str
    what: str
    predictions: tuple[str, ...]
    why: str
    rfc: str
    run: Callable[[], Outcome]


class Bench(StaticBox):
    """A list of experiments, a prediction to commit to, a button, and three columns of result."""

    def __init__(self, experiments: Sequence[Experiment], **options: Any) -> None:
        self.experiments = {experiment.name: experiment for experiment in experiments}
        self.outcomes: dict[str, Outcome] = {}
        """What came of each, by name: for code that wants to look."""
        self._list = widgets.Select(
            options=list(self.experiments),
            value=None,
            rows=min(len(self.experiments), 14),
            layout=widgets.Layout(flex="0 0 auto", width="19em", height="auto"),
        )
        self._what = widgets.HTML("<i>Choose what to break.</i>")
        self._predictions = widgets.RadioButtons(layout=widgets.Layout(width="auto"))
        self._button = widgets.Button(
            description="Break it",
            icon="bolt",
            button_style="primary",
            disabled=True,
            layout=widgets.Layout(width="10em"),
        )
        self._result = widgets.HTML()
        self._predictions.layout.display = "none"
        self._list.observe(self._chosen, "value")
        self._predictions.observe(self._predicted, "value")
        self._button.on_click(self._pressed)
        right = widgets.VBox(
            [self._what, self._predictions, self._button],
            layout=widgets.Layout(flex="1 1 20em", min_width="20em"),
        )
        top = widgets.HBox([self._list, right], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([top, self._result], **options)
        self.add_class("wslab-bench")
        handle_on_subshell(self._list, self._predictions, self._button)

    def run(self, name: str) -> Outcome:
        """Run an experiment from code and keep its outcome. Raises KeyError for another name."""
        if name not in self.experiments:
            raise KeyError(f"expected one of {', '.join(self.experiments)}, got {name!r}")
        self.outcomes[name] = self.experiments[name].run()
        return self.outcomes[name]

    def words(self) -> list[str]:
        return [
            "Choose what to break, say what will happen, send it for real, and compare:",
            *(f"{experiment.name}: {experiment.what}." for experiment in self.experiments.values()),
        ]

    def _chosen(self, _: Any) -> None:
        experiment = self.experiments[self._list.value]
        self._what.value = (
            f"<p style='margin:0 0 .5em;line-height:1.45'><b>{escape(experiment.name)}</b>: "
            f"{escape(experiment.what)}.</p><p style='margin:0'>What will happen?</p>"
        )
        self._predictions.options = experiment.predictions
        self._predictions.value = None
        self._predictions.layout.display = ""
        self._button.disabled = True
        self._button.tooltip = "say first what will happen"
        self._result.value = ""

    def _predicted(self, _: Any) -> None:
        self._button.disabled = self._predictions.value is None
        self._button.tooltip = "send it for real"

    def _pressed(self, _: Any) -> None:
        experiment, prediction = self.experiments[self._list.value], self._predictions.value
        self._button.disabled = True
        self._result.value = "<p>Sent; waiting for what comes …</p>"

        def work() -> None:
            # On a thread of its own: an experiment that hangs must not hold up a cell.
            try:
                outcome = self.run(experiment.name)
            except Exception as error:
                self._result.value = (
                    f"<p role='alert'><b>The experiment itself failed:</b> {escape(str(error))}</p>"
                )
            else:
                self._result.value = _told(experiment, outcome, prediction)
            self._button.disabled = False

        threading.Thread(target=work, name="wslab-bench", daemon=True).start()


def _told(experiment: Experiment, outcome: Outcome, prediction: str | None) -> str:
    right = prediction == outcome.happened
    word, colour = ("✓ As you said", "#009e73") if right else ("✗ Not what you said", "#d55e00")
    columns = "".join(
        f"<div style='flex:1 1 17em;min-width:0'><b>{title}</b>"
        "<pre style='margin:.3em 0 0;white-space:pre-wrap;overflow-wrap:anywhere;"
        f"font-size:.92em;line-height:1.4'>{escape(text)}</pre></div>"
        for title, text in [
            ("sent by the client", outcome.sent),
            ("answered by the server", outcome.answered),
            ("what the client's API reports", outcome.reported),
        ]
    )
    return (
        f"<div data-wslab='outcome' data-experiment='{escape(experiment.name)}' "
        f"style='border-left:4px solid {colour};padding:.3em .9em;line-height:1.5'>"
        f"<p style='margin:0'><b>{word}: {escape(outcome.happened)}.</b> {escape(experiment.why)} "
        f"{link(experiment.rfc)}</p></div>"
        f"<div style='display:flex;flex-wrap:wrap;gap:1.2em;margin-top:.6em'>{columns}</div>"
    )
