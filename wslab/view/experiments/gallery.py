"""A gallery of experiments: choose one, predict what will happen, run it for real, compare.

    Gallery([Experiment("no mask", "A client sends a frame without a mask", run)], "bench", Words())

What an experiment does, and what its columns say, belongs to the lesson. The gallery shows it, asks
for the prediction first where there is one, and runs it on a thread, so that a click works while a
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


@dataclass(frozen=True)
class Number:
    """A number to set with a slider. `label` names its unit."""

    name: str
    label: str
    start: float
    least: float
    most: float
    step: float = 0.1


class Choice(NamedTuple):
    """What the reader has set before the run."""

    stack: str = ""
    """The library that plays, one of the gallery's `stacks`; "" where there are none."""
    numbers: Mapping[str, float] = {}
    prediction: str | float | None = None
    """None: the run was started from code, or nothing is to be predicted."""


@dataclass(frozen=True)
class Mark:
    """A short judgement, such as "✓ clean"; `good` gives it its colour."""

    text: str
    good: bool


@dataclass(frozen=True)
class Line:
    """One line of a column: what crossed, what a program said, or a number with its bar."""

    text: str
    label: str = ""
    """Words of ours before the text."""
    direction: str = ""
    """`client` or `server`: who sent it; empty for what did not cross the wire."""
    kind: str = ""
    """The kind of the frame, or `tls`, `fin`, `rst`."""
    row: int | None = None
    """Its row in the wire view."""
    broken: bool = False
    """Whether it breaks a rule."""
    bar: float | None = None
    """The length of its bar, beside the others of the column."""


@dataclass(frozen=True)
class Column:
    """One side of the comparison."""

    name: str
    title: str
    lines: Sequence[Line] = ()
    head: str = ""
    """What is to be seen first, such as the close code, with `detail` beside it."""
    detail: str = ""
    mark: Mark | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    """More for the page's `data-*`."""


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment, observed and not looked up."""

    columns: Sequence[Column] = ()
    happened: str = ""
    """The prediction that would have been right."""
    right: bool | None = None
    """Whether the prediction was right; None: compare it with `happened`."""
    note: str = ""
    """A sentence about this very run."""
    mark: Mark | None = None
    seconds: float | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    """More for the page's `data-*`."""
    result: Any = None
    """The same as the lesson's own record, for code; it stays in the kernel."""


@dataclass(frozen=True)
class Experiment:
    """Something to try. `run` does it for real and waits for the end."""

    name: str
    what: str
    """What happens, in one sentence."""
    run: Callable[[Choice], Outcome] | None = None
    """None: the page itself runs it, by the function of static/page_runs.js that `name` names."""
    title: str = ""
    group: str = ""
    predictions: tuple[str, ...] | Number = ()
    why: str = ""
    rfc: str = ""
    tag: str = ""
    """A word of warning on its button, such as "never sent"."""
    about: str = ""
    """What is good to know whatever comes of it."""
    difference: str = ""
    """What the stacks do differently; shown when one of them has run."""
    code: str = ""
    """The code that runs, to be read."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the page's function needs."""


@dataclass(frozen=True)
class Words:
    """What a gallery says; the noun also names its `data-*` attribute."""

    title: str = ""
    choose: str = "Choose what to try."
    question: str = "What will happen?"
    press: str = "Run"
    """On the button; "": choosing an experiment runs it."""
    first: str = "say first what will happen"
    """Why the button cannot be pressed yet."""
    ready: str = "run it for real"
    waiting: str = "It is happening …"
    failed: str = "The experiment itself failed"
    right: str = "As you said"
    wrong: str = "Not what you said"
    noun: str = "experiment"
    stacks: str = "played on"
    static: str = "Choose what to try, run it for real, and compare:"
    """The heading where no widgets run."""


class Gallery(LiveView):
    """A list of experiments, a prediction to commit to, a button, and columns to compare.

    `kind` is the view's `data-wslab`. `stacks` are the libraries that can play, by name, with what
    to call them; one whose label begins with "-" is missing, and the rest says why. `numbers` are
    what the reader sets before a run.
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
        """The result of the last run of each, by name: for code that wants to look."""
        self.words = words
        self._numbers = {number.name: number.start for number in numbers}
        self._jobs = Jobs()
        self._told: deque[dict[str, Any]] = deque()
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
        """Run an experiment from code, the only one if none is named; its result.

        Numbers that are not given are as at the start. Raises KeyError for another name.
        """
        name = name or next(iter(self.experiments))
        experiment = self.experiments.get(name)
        if experiment is None:
            raise KeyError(f"expected one of {', '.join(self.experiments)}, got {name!r}")
        if experiment.run is None:
            raise KeyError(f"only a page can run {name!r}: press its button")
        return self._run(experiment, Choice(stack, {**self._numbers, **numbers}))

    def forget(self) -> None:
        super().forget()
        self.experiments, self.outcomes = {}, {}  # their functions hold the lab

    def show(self, name: str, outcome: Outcome, stack: str = "") -> None:
        """Show an outcome that came about elsewhere, by code."""
        self._keep(self.experiments[name], Choice(stack), outcome)

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "hello"}:
                self._told.extendleft(reversed(self._last.values()))
            case {"do": "run", "name": str(name), "stack": str(stack)} if name in self.experiments:
                numbers = {**self._numbers, **(question.get("numbers") or {})}
                choice = Choice(stack, numbers, question.get("prediction"))
                self._start(self.experiments[name], choice)
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
        told = asdict(replace(outcome, right=right, result=None))
        self._told.append({**told, "name": experiment.name, "stack": choice.stack})
        self.tell()
        return outcome.result

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        if self._told:
            content["outcomes"] = [self._told.popleft() for _ in range(len(self._told))]
            for outcome in content["outcomes"]:
                if any(kept["name"] != outcome["name"] for kept in self._last.values()):
                    self._last = {}
                self._last[outcome["stack"]] = outcome
        return None

    def account(self) -> list[str]:
        """A heading and the lines below it, in plain text, for readers that run no widgets."""
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
        return {
            "text/plain": "\n".join([heading, *(f"- {line}" for line in lines)]),
            "text/html": f"<div data-wslab='{self._gallery['kind']}-static'>"
            f"<p><b>{escape(heading)}</b></p><ul>{items}</ul>"
            "<p><small>To answer and try, run this cell in JupyterLab.</small></p></div>",
        }


def _sentence(text: str) -> str:
    """`text` with a stop behind it, unless it ends with one."""
    return text if not text or text.endswith((".", "?", "!", ":")) else f"{text}."


def _listed(experiment: Experiment) -> dict[str, Any]:
    """What the page is told of an experiment before it has run."""
    told = {**vars(experiment), "in_page": experiment.run is None, "url": link(experiment.rfc)}
    told |= {"what": _sentence(experiment.what), "why": _sentence(experiment.why)}
    del told["run"]
    if isinstance(experiment.predictions, Number):
        told["predictions"] = asdict(experiment.predictions)
    return told
