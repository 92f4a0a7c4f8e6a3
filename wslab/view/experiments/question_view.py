"""Shows a question: the reader chooses an answer, presses the button, and reads why."""

from __future__ import annotations

from typing import Any, Protocol

from .gallery import Choice, Experiment, Gallery, Outcome, Words
from .predictions import Prediction

WORDS = Words(
    choose="a question",
    question="",
    press="That is my answer",
    first="choose an answer first",
    ready="read why",
    waiting="…",
    right="Yes",
    wrong="No",
)


class Question(Protocol):
    """What the view needs of a question; `wslab.exercises.question.Question` has it."""

    @property
    def prompt(self) -> str: ...
    @property
    def options(self) -> tuple[str, ...]: ...
    @property
    def answer(self) -> int: ...
    @property
    def replies(self) -> tuple[str, ...]: ...
    @property
    def rfc(self) -> str: ...


class QuestionView(Gallery):
    """Radio buttons, a button, and the reply to the option that was chosen."""

    def __init__(self, question: Question, **traits: Any) -> None:
        self.question = question
        asked = Experiment(
            "question",
            "",
            self._reply,
            title=question.prompt,
            predictions=question.options,
            rfc=question.rfc,
        )
        super().__init__([asked], "question", WORDS, **traits)

    def account(self) -> list[str]:
        return [self.question.prompt, *self.question.options]

    def _prediction(
        self, experiment: Experiment, choice: Choice, outcome: Outcome, right: bool
    ) -> Prediction:
        told = super()._prediction(experiment, choice, outcome, right)
        return told._replace(happened=self.question.options[self.question.answer])

    def _reply(self, choice: Choice) -> Outcome:
        chosen = self.question.options.index(str(choice.prediction))
        right = chosen == self.question.answer
        return Outcome(
            right=right,
            note=self.question.replies[chosen],
            data={"wslab": "reply", "right": str(right).lower()},
        )
