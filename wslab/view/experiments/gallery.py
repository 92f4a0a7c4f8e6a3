"""A gallery of experiments: choose one, predict what will happen, run it for real, compare.

    Gallery([Experiment("no mask", "A client sends a frame without a mask", run)], "bench", Words())

The lesson decides what an experiment does and what its columns say. The gallery shows it, asks for
a prediction first if there is one to make, and runs it on a thread, so that a click works while a
cell is busy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Any, NamedTuple

import traitlets

from ..live.assets import script, style
from ..live.batches import link
from ..live.clicks import one_line
from ..live.jobs import Jobs
from ..live.live_view import LiveView
from .columns import Column, Line, Mark
from .page_runs import PageRuns, no_page
from .predictions import Prediction


@dataclass(frozen=True)
class Number:
    """A number that is set with a slider. `label` names its unit."""

    name: str
    label: str
    start: float
    least: float
    most: float
    step: float = 0.1


class Choice(NamedTuple):
    """What the reader has chosen before a run."""

    stack: str = ""
    """The library that plays, one of the gallery's `stacks`; "" if there are none."""
    numbers: Mapping[str, float] = {}
    prediction: str | float | None = None
    """None if the run was started from code, or if there is nothing to predict."""
    in_page: Callable[[str, Mapping[str, Any]], list[str] | None] = no_page
    """Runs a function of static/page_runs.js in a page that shows the gallery, and returns its
    lines. None if there is no page, or if it has not answered in time: see `PageRuns`."""


@dataclass(frozen=True)
class Outcome:
    """The observed result of an experiment."""

    columns: Sequence[Column] = ()
    happened: str = ""
    """What happened, as the prediction that would have been right."""
    right: bool | None = None
    """Whether the prediction was right; None: compare it with `happened`."""
    note: str = ""
    """A sentence about this run."""
    mark: Mark | None = None
    seconds: float | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    """More for the page's `data-*`."""
    result: Any = None
    """The lesson's own record of the result, for code; it is not sent to the page."""


@dataclass(frozen=True)
class Experiment:
    """One experiment. `run` carries it out and waits for its end."""

    name: str
    what: str
    """What happens, in one sentence."""
    run: Callable[[Choice], Outcome] | None = None
    """None: the page runs it, with the function in static/page_runs.js whose name is `name`."""
    title: str = ""
    group: str = ""
    predictions: tuple[str, ...] | Number = ()
    why: str = ""
    rfc: str = ""
    tag: str = ""
    """A word of warning on its button, such as "never sent"."""
    about: str = ""
    """Worth knowing, whatever the outcome."""
    difference: str = ""
    """How the stacks differ; shown when one of them has run."""
    code: str = ""
    """The code that runs, for the reader."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the page's function needs."""


@dataclass(frozen=True)
class Words:
    """The words of a gallery; the noun also names its `data-*` attribute."""

    title: str = ""
    choose: str = "Choose what to try."
    question: str = "What will happen?"
    press: str = "Run"
    """The text of the button; "" if choosing an experiment runs it."""
    first: str = "say first what will happen"
    """Beside the button: why it cannot be pressed yet."""
    ready: str = "run it for real"
    """The same, once it can."""
    waiting: str = "It is happening …"
    failed: str = "The experiment itself failed"
    right: str = "As you said"
    wrong: str = "Not as you said. What happened"
    noun: str = "experiment"
    stacks: str = "played on"
    static: str = "Choose what to try, run it for real, and compare:"
    """The heading for readers without widgets."""


class Gallery(LiveView):
    """A list of experiments, a prediction to commit to, a button, and columns to compare.

    `kind` is the view's `data-wslab`. `stacks` are the libraries that can play: names and labels. A
    label that begins with "-" marks a library that is missing, and says why. `numbers` are those
    that the reader sets before a run.
    """

    _esm = script("experiments/gallery.js")
    _css = style("experiments/gallery.css")
    _gallery: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        experiments: Sequence[Experiment],
        kind: str,
        words: Words,
        *,
        stacks: Mapping[str, str] | None = None,
        numbers: Sequence[Number] = (),
        **traits: Any,
    ) -> None:
        self.experiments = {experiment.name: experiment for experiment in experiments}
        self.outcomes: dict[str, Any] = {}
        """The result of each experiment's last run, by name, for code."""
        self.on_prediction: Callable[[str, Prediction], None] | None = None
        """Called with an experiment's name and each prediction that was compared."""
        self.words = words
        self._numbers = {number.name: number.start for number in numbers}
        self._jobs = Jobs()
        self._told: deque[dict[str, Any]] = deque()
        self._page_runs = PageRuns(self.tell)
        self._last: dict[str, dict[str, Any]] = {}  # by stack, for a page that opens later
        super().__init__(
            _gallery={
                "kind": kind,
                "words": asdict(words),
                "experiments": [_listed(experiment) for experiment in experiments],
                "stacks": [
                    {"name": name, "label": text.removeprefix("-"), "missing": text[:1] == "-"}
                    for name, text in (stacks or {}).items()
                ],
                "numbers": [asdict(number) for number in numbers],
            },
            **traits,
        )

    def run(self, name: str = "", stack: str = "", **numbers: float) -> Any:
        """Run an experiment from code (by default the only one), and return its result.

        Numbers that are not given have their initial values. Raises KeyError for an unknown name.
        """
        name = name or next(iter(self.experiments))
        experiment = self.experiments.get(name)
        if experiment is None:
            raise KeyError(f"expected one of {', '.join(self.experiments)}, got {name!r}")
        if experiment.run is None:
            raise KeyError(f"only a page can run {name!r}: press its button")
        page = next(iter(self._pages), None)
        choice = Choice(stack, {**self._numbers, **numbers}, None, self._page_runs.runner(page))
        return self._run(experiment, choice)

    def forget(self) -> None:
        super().forget()
        self.experiments, self.outcomes = {}, {}  # their functions hold the lab
        self.on_prediction = None

    def show(self, name: str, outcome: Outcome, stack: str = "") -> None:
        """Show an outcome that code has produced elsewhere."""
        self._keep(self.experiments[name], Choice(stack), outcome)

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "hello"}:
                self._told.extendleft(reversed(self._last.values()))
            case {"do": "run", "name": str(name), "stack": str(stack)} if name in self.experiments:
                numbers = {**self._numbers, **(question.get("numbers") or {})}
                page = self._page_runs.runner(str(question.get("page")))
                choice = Choice(stack, numbers, question.get("prediction"), page)
                self._start(self.experiments[name], choice)
            case {"do": "ran", "run": int(run), "lines": list(lines)}:
                self._page_runs.came(run, lines)
            case {"do": "came", "name": str(name), "lines": list(lines)}:
                if name in self.experiments:  # the page has run it
                    said = [Line(str(text)) for text in lines]
                    outcome = Outcome(
                        [Column("page", "", said)], result=[line.text for line in said]
                    )
                    self.show(name, outcome)

    def _start(self, experiment: Experiment, choice: Choice) -> None:
        def done(_: object, error: BaseException | None) -> None:
            if error is not None:
                told = {"name": experiment.name, "stack": choice.stack}
                self._told.append({**told, "problem": one_line(error)})
                self.tell()

        # One lane: experiments run one after the other, in the order of the clicks.
        self._jobs.run("gallery", lambda: self._run(experiment, choice), done)

    def _run(self, experiment: Experiment, choice: Choice) -> Any:
        assert experiment.run is not None
        return self._keep(experiment, choice, experiment.run(choice))

    def _keep(self, experiment: Experiment, choice: Choice, outcome: Outcome) -> Any:
        self.outcomes[experiment.name] = outcome.result
        right = outcome.right
        if right is None and choice.prediction is not None and outcome.happened:
            right = choice.prediction == outcome.happened
        if right is not None and choice.prediction is not None and self.on_prediction is not None:
            self.on_prediction(
                experiment.name, self._prediction(experiment, choice, outcome, right)
            )
        told = asdict(replace(outcome, right=right, result=None))
        self._told.append({**told, "name": experiment.name, "stack": choice.stack})
        self.tell()
        return outcome.result

    def _prediction(
        self, experiment: Experiment, choice: Choice, outcome: Outcome, right: bool
    ) -> Prediction:
        prompt = experiment.title or experiment.what or experiment.name
        return Prediction(prompt, str(choice.prediction), outcome.happened, right)

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        self._page_runs.news(content)
        if self._told:
            content["outcomes"] = [self._told.popleft() for _ in range(len(self._told))]
            for outcome in content["outcomes"]:
                if any(kept["name"] != outcome["name"] for kept in self._last.values()):
                    self._last = {}
                self._last[outcome["stack"]] = outcome
        return None

    def account(self) -> list[str]:
        """A heading and lines of plain text, for readers without widgets."""
        lines = []
        for experiment in self.experiments.values():
            title = (
                f"{experiment.name} · {experiment.title}" if experiment.title else experiment.name
            )
            lines.append(f"{title}: {experiment.what.removesuffix('.')}.")
        return [self.words.static, *lines]

    def static(self) -> dict[str, str]:
        heading, *lines = self.account()
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        came = [self._came(outcome) for outcome in list(self._last.values())]
        return {
            "text/plain": "\n".join(
                [
                    heading,
                    *(f"- {line}" for line in lines),
                    *(line for told in came for line in told),
                ]
            ),
            "text/html": f"<div data-wslab='{self._gallery['kind']}-static'>"
            f"<p><b>{escape(heading)}</b></p><ul>{items}</ul>"
            + "".join(
                f"<p><b>{escape(first)}</b></p><ul>"
                + "".join(f"<li>{escape(line)}</li>" for line in rest)
                + "</ul>"
                for first, *rest in came
            )
            + "<p><small>To answer and try, run this cell in JupyterLab.</small></p></div>",
        }

    def _came(self, outcome: Mapping[str, Any]) -> list[str]:
        """What came of an experiment the last time: one line that says which, and what was seen."""
        stack, mark, right = outcome["stack"], outcome["mark"], outcome["right"]
        name = outcome["name"] if len(self.experiments) > 1 else ""
        verdict = "" if right is None else self.words.right if right else self.words.wrong
        first = ", ".join(
            filter(None, [name, stack and f"{self.words.stacks} {stack}", mark and mark["text"]])
        )
        said = ". ".join(filter(None, [verdict, outcome["happened"]]))
        lines = [" ".join(filter(None, [said and f"{said}.", outcome["note"].replace("*", "")]))]
        for column in outcome["columns"]:
            title = f"{column['title']}: " if column["title"] else ""
            if column["head"]:
                lines.append(f"{title}{column['head']} {column['detail']}".rstrip())
            for line in column["lines"]:
                arrow = {"client": "▶ ", "server": "◀ "}.get(line["direction"], "")
                broken = " ⚠ broken" if line["broken"] else ""
                lines.append(f"{title}{arrow}{line['label']} {line['text']}{broken}".strip())
        return [f"What came of it{first and f': {first}'}", *filter(None, lines)]


def _sentence(text: str) -> str:
    """`text` with a full stop at the end, unless it has one."""
    return text if not text or text.endswith((".", "?", "!", ":")) else f"{text}."


def _listed(experiment: Experiment) -> dict[str, Any]:
    """An experiment as the page needs it before the run."""
    told = {**vars(experiment), "in_page": experiment.run is None, "url": link(experiment.rfc)}
    told |= {"what": _sentence(experiment.what), "why": _sentence(experiment.why)}
    del told["run"]
    if isinstance(experiment.predictions, Number):
        told["predictions"] = asdict(experiment.predictions)
    return told
