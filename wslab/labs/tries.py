"""Things to try one after the other: predict each in a gallery, or compare all in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wslab.net import Missing
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Outcome,
    ResultTable,
    Words,
)


@dataclass(frozen=True)
class Tries:
    """What a part of a lesson tries. `run` does one, by its name, and gives a text a heading.

    The first text is what the reader predicts. `code` is what the reader sees of it before.
    """

    kind: str
    words: Words
    each: Mapping[str, str]
    """By name, what each is."""
    predictions: tuple[str, ...]
    headings: tuple[str, ...]
    run: Callable[[str], Sequence[str]]
    code: Callable[[str], str] = lambda name: ""

    def gallery(self, recorded: Callable[[], ResultTable]) -> Gallery:
        """A gallery of them; `recorded` is the table for a machine that lacks what they need."""
        experiments = [
            Experiment(
                name, what, self._experiment(name, recorded),
                predictions=self.predictions, code=self.code(name),
            )
            for name, what in self.each.items()
        ]  # fmt: skip
        return Gallery(experiments, self.kind, self.words)

    def table(self) -> ResultTable:
        """Try all of them."""
        rows = [[name, *self.run(name)] for name in self.each]
        return ResultTable([self.words.noun, *self.headings], rows, f"{self.kind}-table")

    def _experiment(
        self, name: str, recorded: Callable[[], ResultTable]
    ) -> Callable[[Choice], Outcome]:
        def run(choice: Choice) -> Outcome:
            note = ""
            try:
                told = list(self.run(name))
            except Missing:
                table = recorded()
                told = next([str(cell) for cell in row[1:]] for row in table.rows if row[0] == name)
                note = table.note
            lines = [
                Line(text or "nothing", label)
                for label, text in zip(self.headings, told, strict=True)
            ]
            return Outcome([Column("came", "", lines)], told[0], note=note, result=told)

        return run
