"""Keeps what a learner predicts in a lesson, and shows at its end how much of that was right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from ..live.assets import script, style
from ..live.live_view import LiveView


class Prediction(NamedTuple):
    """An answer that was given before the reply was to be seen."""

    prompt: str
    said: str
    happened: str
    """What would have been right; empty where the reply alone says so."""
    right: bool


class Asked(NamedTuple):
    """Something that a lesson asks, and where."""

    name: str
    prompt: str
    heading: str = ""
    """The heading above it, "4 · The mask"; empty if that is not known."""
    part: str = ""
    """The same in short: "part 4", or "part 5, “The reason”" for a heading below it."""


class Predictions:
    """The first answers to what a lesson asks; later ones do not count.

    A gallery asks once for each of its experiments: so a question has answers by name.
    """

    def __init__(self) -> None:
        self._first: dict[str, dict[str, Prediction]] = {}
        self._listeners: list[Callable[[], None]] = []

    def note(self, question: str, experiment: str, prediction: Prediction) -> None:
        """Keep an answer, if it is the first to this."""
        self._first.setdefault(question, {}).setdefault(experiment, prediction)
        for listener in list(self._listeners):
            listener()

    def of(self, question: str) -> list[Prediction]:
        """The answers to a question, in the order in which they were given."""
        return list(self._first.get(question, {}).values())

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each answer; the function returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None


class PredictionsView(LiveView):
    """How many answers were right at once, what to read again, and what was not answered yet."""

    _esm = script("experiments/predictions.js")
    _css = style("experiments/predictions.css")

    def __init__(self, asked: Iterable[Asked], predictions: Predictions, **traits: Any) -> None:
        self.asked = list(asked)
        self.predictions = predictions
        self._told: dict[str, Any] | None = None
        self._unsubscribe = predictions.subscribe(self.tell)
        super().__init__(**traits)

    def unsubscribe(self) -> None:
        self._unsubscribe()

    def ask(self, question: dict[str, Any]) -> None:
        if question.get("do") == "hello":
            self._told = None

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        account = self.account()
        if account != self._told:
            content["account"] = self._told = account
        return None

    def account(self) -> dict[str, Any]:
        """What is shown, as plain data."""
        wrong, left, right, given = [], [], 0, 0
        for one in self.asked:
            answers = self.predictions.of(one.name)
            given += len(answers)
            right += sum(answer.right for answer in answers)
            place = {"heading": one.heading, "part": one.part, "target": target(one.heading)}
            wrong += [{**answer._asdict(), **place} for answer in answers if not answer.right]
            if not answers:
                left.append({"prompt": one.prompt, **place})
        score = f"{right} of {given} right." if given else f"0 of {len(self.asked)} answered."
        return {"score": score, "wrong": wrong, "left": _gathered(left)}

    def static(self) -> dict[str, str]:
        account = self.account()
        wrong = [
            f"{one['prompt']} You said: {one['said']}."
            + (f" Right: {one['happened']}." if one["happened"] else "")
            for one in account["wrong"]
        ]
        items = "".join(
            f"<li>{escape(text)}{_again(one)}</li>"
            for text, one in zip(wrong, account["wrong"], strict=True)
        )
        left = ", ".join(_place(one) for one in account["left"])
        missing = f"<p>You have not answered yet: {left}.</p>" if left else ""
        words = [one["part"] or one["prompt"] for one in account["left"]]
        return {
            "text/plain": "\n".join(
                [
                    account["score"],
                    *(f"- {text}" for text in wrong),
                    *([f"You have not answered yet: {', '.join(words)}."] if words else []),
                ]
            ),
            "text/html": f"<div data-wslab='predictions-static'><p><b>{account['score']}</b></p>"
            f"{f'<ul>{items}</ul>' if items else ''}{missing}</div>",
        }


def target(heading: str) -> str:
    """The fragment of a notebook's address that leads to a heading; "" for no heading."""
    return f"#{quote(heading.replace(' ', '-'))}" if heading else ""


def _gathered(left: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two questions under one heading are one place to go to."""
    places: dict[str, dict[str, Any]] = {}
    for one in left:
        first = places.setdefault(one["target"] or one["prompt"], {**one, "prompt": ""})
        first["prompt"] += f"{first['prompt'] and ' · '}{one['prompt']}"
    return list(places.values())


def _again(one: dict[str, Any]) -> str:
    return f" Read again: {_anchor(one, one['heading'])}" if one["target"] else ""


def _place(one: dict[str, Any]) -> str:
    return _anchor(one, one["part"]) if one["target"] else escape(one["prompt"])


def _anchor(one: dict[str, Any], text: str) -> str:
    title = escape(one["prompt"], quote=True)
    return f"<a href='{one['target']}' title='{title}'>{escape(text)}</a>"
