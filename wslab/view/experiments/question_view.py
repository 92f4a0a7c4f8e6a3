"""A question to commit to before the reveal: choose, press the button, read why."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

import ipywidgets as widgets

from ..live.static_box import StaticBox
from ..live.static_html import reference as link
from ..live.subshell import handle_on_subshell


class Question(Protocol):
    """What the view needs to know; `wslab.exercises.question.Question` is one."""

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


class QuestionView(StaticBox):
    """Radio buttons, a button, and the reply to the very option that was chosen."""

    def __init__(self, question: Question, **options: Any) -> None:
        self.question = question
        self._choice = widgets.RadioButtons(
            options=[(text, number) for number, text in enumerate(question.options)],
            value=None,
            layout=widgets.Layout(width="auto"),
        )
        self._button = widgets.Button(
            description="That is my answer",
            disabled=True,
            button_style="primary",
            tooltip="choose an answer first",
            layout=widgets.Layout(width="12em"),
        )
        self._reply = widgets.HTML()
        self._choice.observe(self._chosen, "value")
        self._button.on_click(self._answered)
        prompt = widgets.HTML(
            f"<div style='line-height:1.45;font-weight:600'>{escape(question.prompt)}</div>"
        )
        super().__init__([prompt, self._choice, self._button, self._reply], **options)
        handle_on_subshell(self._choice, self._button)

    def words(self) -> list[str]:
        return [self.question.prompt, *self.question.options]

    def _chosen(self, change: Any) -> None:
        self._button.disabled = change["new"] is None
        self._button.tooltip = ""

    def _answered(self, _: Any) -> None:
        chosen = self._choice.value
        if chosen is None:
            return
        right = chosen == self.question.answer
        word, colour = ("✓ Yes.", "#009e73") if right else ("✗ No.", "#d55e00")
        self._reply.value = (
            f"<div data-wslab='reply' data-right='{str(right).lower()}' style='border-left:4px "
            f"solid {colour};padding:.3em .9em;line-height:1.5;max-width:60em'><b>{word}</b> "
            f"{escape(self.question.replies[chosen])} "
            f"{link(self.question.rfc)}</div>"
        )
