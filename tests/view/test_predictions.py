"""What a learner predicted: the first answer counts, and the lesson's end says what is left."""

from __future__ import annotations

import pytest

from wslab.view.experiments import (
    Asked,
    Choice,
    Experiment,
    Gallery,
    Outcome,
    Prediction,
    Predictions,
    PredictionsView,
    QuestionView,
    Words,
)

ASKED = [
    Asked("mask", "Why does a client mask?", "4 · The mask", "part 4"),
    Asked("utf8", "May <b> be cut?", "3 · Text is UTF-8, and somebody checks", "part 3"),
    Asked("tcp", "Who ends TCP?", "3 · Text is UTF-8, and somebody checks", "part 3"),
    Asked("bench", "What happens?"),
]


@pytest.fixture
def predictions():
    return Predictions()


@pytest.fixture
def summary(predictions, pump, watch):
    return watch(PredictionsView(ASKED, predictions, served_by=pump))


def account(summary, pump):
    pump.turn(0.1)
    return summary.all("account")[-1]


def test_nothing_is_answered_yet(summary, pump):
    summary.says(do="hello")
    told = account(summary, pump)
    assert told["score"] == "0 of 4 answered."
    assert told["wrong"] == []
    # What stands under one heading is one place to go to.
    assert [(one["part"], one["prompt"]) for one in told["left"]] == [
        ("part 4", "Why does a client mask?"),
        ("part 3", "May <b> be cut? · Who ends TCP?"),
        ("", "What happens?"),
    ]


def test_the_first_answer_counts(summary, predictions, pump):
    summary.says(do="hello")
    pump.turn(0.1)
    predictions.note("mask", "question", Prediction("Why?", "secrecy", "other pages", False))
    predictions.note("mask", "question", Prediction("Why?", "other pages", "other pages", True))
    predictions.note("bench", "no mask", Prediction("no mask", "1002", "1002", True))
    predictions.note("bench", "no key", Prediction("no key", "400", "400", True))
    told = account(summary, pump)
    assert told["score"] == "2 of 3 right."
    (wrong,) = told["wrong"]
    assert (wrong["said"], wrong["happened"]) == ("secrecy", "other pages")
    assert wrong["target"] == "#4-%C2%B7-The-mask"
    assert [one["part"] for one in told["left"]] == ["part 3"]


def test_a_later_page_is_told_again_and_a_resting_view_hears_no_more(summary, predictions, pump):
    for _ in range(2):
        summary.says(do="hello")
        pump.turn(0.1)
    first, again = summary.all("account")
    assert first == again
    summary.view.rest()
    predictions.note("mask", "question", Prediction("Why?", "secrecy", "", False))
    pump.turn(0.1)
    assert len(summary.all("account")) == 2


def test_the_static_account_links_and_escapes(summary, predictions):
    predictions.note("utf8", "question", Prediction("<b>?", "<i>", "<u>", False))
    told = summary.view.static()
    assert "<b>0 of 1 right.</b>" in told["text/html"]
    assert "&lt;b&gt;? You said: &lt;i&gt;. Right: &lt;u&gt;." in told["text/html"]
    assert "href='#3-%C2%B7-Text-is-UTF-8%2C-and-somebody-checks'" in told["text/html"]
    assert "You have not answered yet: <a href='#4-%C2%B7-The-mask'" in told["text/html"]
    assert told["text/plain"].splitlines() == [
        "0 of 1 right.",
        "- <b>? You said: <i>. Right: <u>.",
        "You have not answered yet: part 4, part 3, What happens?.",
    ]


# --- What the galleries note --------------------------------------------------------------------


class Why:
    prompt = "Why?"
    options = ("this", "that")
    answer = 1
    replies = ("no", "yes")
    rfc = "RFC 6455 §5.3"


def noted(gallery):
    found = []
    gallery.on_prediction = lambda *both: found.append(both)
    return found


def test_a_question_notes_the_answer_and_the_right_one(pump):
    view = QuestionView(Why(), served_by=pump)
    found = noted(view)
    view._run(view.experiments["question"], Choice(prediction="this"))
    assert found == [("question", Prediction("Why?", "this", "that", False))]


def test_a_run_from_code_and_one_without_a_prediction_note_nothing(pump):
    experiment = Experiment("one", "It ends", lambda _: Outcome(happened="1002"))
    gallery = Gallery([experiment], "bench", Words(), served_by=pump)
    found = noted(gallery)
    gallery.run()
    assert found == []
    gallery._run(experiment, Choice(prediction="1007"))
    assert found == [("one", Prediction("It ends", "1007", "1002", False))]
