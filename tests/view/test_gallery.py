"""The gallery's side in the kernel: what a button starts, and what the pages are told."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from wslab.labs.close_codes import experiment, told
from wslab.net.cases import ENDINGS, play
from wslab.net.peers import LibraryPeers
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Number,
    Outcome,
    QuestionView,
    Words,
)
from wslab.wire import Capture

STACKS = {"websockets": "websockets 17 (Python)", "ws": "-Node is not here"}
PLAYS = Words(press="", noun="ending")


@pytest.fixture(scope="module")
def results():
    peers = LibraryPeers()
    capture = Capture()
    yield {name: play(ENDINGS[name], peers, capture) for name in ("1000", "1002", "1015")}
    peers.stop()


@pytest.fixture
def watched(pump, watch):
    """Makes a gallery watched; `ran` is set when an outcome waits to be told."""

    def make(gallery):
        watched = watch(gallery)
        watched.ran = threading.Event()
        tell = watched.view.tell

        def told(*arguments):
            tell(*arguments)
            if watched.view._told:
                watched.ran.set()

        watched.view.tell = told
        watched.says(do="hello")
        pump.turn(0.1)
        return watched

    return make


@pytest.fixture
def gallery(results, pump, watched):
    def run(name):
        def make(choice):
            if choice.stack == "netscape":
                raise KeyError("no such stack")
            return told(results[name])

        return make

    endings = [experiment(ending, run(name)) for name, ending in ENDINGS.items()]
    return watched(Gallery(endings, "endings", PLAYS, stacks=STACKS, served_by=pump))


def press(gallery, pump, name, stack="", **more):
    gallery.ran.clear()
    gallery.says(do="run", name=name, stack=stack, **more)
    pump.turn(0.1)
    assert gallery.ran.wait(10)
    pump.turn(0.1)
    return gallery.all("outcomes")[-1][-1]


def test_each_ending_has_a_button_and_a_missing_stack_says_why(gallery):
    shown = gallery.view._gallery
    assert [entry["name"] for entry in shown["experiments"]] == list(ENDINGS)
    assert shown["stacks"][1] == {"name": "ws", "label": "Node is not here", "missing": True}
    never = {entry["name"] for entry in shown["experiments"] if entry["tag"] == "never sent"}
    assert never == {"1004", "1005", "1006", "1015"}


def test_a_button_plays_and_its_three_columns_are_told(gallery, pump):
    outcome = press(gallery, pump, "1002", "websockets")
    assert outcome["data"]["as-documented"] == "true"
    wire, client, server = outcome["columns"]
    assert (client["head"], client["detail"]) == ("1006", "Abnormal Closure")
    assert client["mark"] == {"text": "✗ not clean", "good": False}
    assert (client["data"]["code"], client["data"]["clean"]) == ("1006", "false")
    assert (client["data"]["raw"], server["data"]["raw"]) == ("false", "true")
    assert [line["text"] for line in server["lines"]] == ["close 1002"]
    assert [line["text"] for line in wire["lines"] if line["kind"] == "close"] == [
        "close 1002 incorrect masking"
    ]
    assert press(gallery, pump, "1015", "websockets")["columns"][1]["detail"] == ""


def test_a_run_that_fails_is_told(gallery, pump):
    outcome = press(gallery, pump, "1000", "netscape")
    assert "no such stack" in outcome["problem"]
    assert (outcome["name"], outcome["stack"]) == ("1000", "netscape")


def test_a_name_that_nobody_knows_starts_nothing(gallery, pump):
    gallery.says(do="run", name="9999", stack="websockets")
    pump.turn(0.2)
    assert gallery.all("outcomes") == []
    with pytest.raises(KeyError, match="expected one of 1000, 1001"):
        gallery.view.run("9999")


def test_a_page_that_opens_later_sees_the_last_result(gallery, pump, results):
    gallery.view.show("1000", told(results["1000"]), "websockets")
    pump.turn(0.1)
    gallery.says(do="hello")
    pump.turn(0.1)
    first, again = gallery.all("outcomes")
    assert first == again
    assert gallery.view.outcomes == {"1000": results["1000"]}


def test_a_static_account(gallery):
    html = gallery.view.static()["text/html"]
    assert "1000 · Normal Closure" in html
    assert "data-wslab='endings-static'" in html


# --- Predictions and numbers --------------------------------------------------------------------


def test_a_prediction_is_compared_with_what_happened(pump, watched):
    def run(choice: Choice) -> Outcome:
        return Outcome([Column("a", "A", [Line("sent")])], "it fails", result=41)

    bench = watched(
        Gallery(
            [Experiment("break", "It is broken", run, predictions=("it works", "it fails"))],
            "bench",
            Words(),
            served_by=pump,
        )
    )
    assert press(bench, pump, "break", prediction="it works")["right"] is False
    assert press(bench, pump, "break", prediction="it fails")["right"] is True
    assert press(bench, pump, "break")["right"] is None
    assert bench.view.outcomes == {"break": 41}
    assert bench.view.run("break") == 41  # by code: shown too, with nothing predicted
    pump.turn(0.1)
    told = bench.all("outcomes")[-1][-1]
    assert (told["right"], told["happened"], told["result"]) == (None, "it fails", None)


def test_numbers_are_as_the_reader_set_them_or_as_at_the_start(pump, watched):
    choices: list[Choice] = []

    def run(choice: Choice) -> Outcome:
        choices.append(choice)
        return Outcome(right=True)

    bench = watched(
        Gallery(
            [Experiment("wait", "", run, predictions=Number("prediction", "s", 0, 0, 9))],
            "bench",
            Words(),
            numbers=[Number("interval", "s", 1.0, 0.2, 5.0), Number("timeout", "s", 0.5, 0.2, 5)],
            served_by=pump,
        )
    )
    bench.view.run(interval=0.3)
    press(bench, pump, "wait", numbers={"timeout": 2.5}, prediction=3.5)
    assert [choice.numbers for choice in choices] == [
        {"interval": 0.3, "timeout": 0.5},
        {"interval": 1.0, "timeout": 2.5},
    ]
    assert [choice.prediction for choice in choices] == [None, 3.5]


def test_what_the_page_has_run_itself_is_shown_and_kept(pump, watched):
    gallery = watched(
        Gallery([Experiment("fetch", "The page tries")], "fetch", Words(), served_by=pump)
    )
    gallery.says(do="came", name="fetch", stack="", lines=["kept none", "TypeError"])
    pump.turn(0.1)
    (column,) = gallery.all("outcomes")[-1][-1]["columns"]
    assert [line["text"] for line in column["lines"]] == ["kept none", "TypeError"]
    assert gallery.view.outcomes == {"fetch": ["kept none", "TypeError"]}
    with pytest.raises(KeyError, match="only a page"):
        gallery.view.run("fetch")


# --- Questions, and what readers without widgets see -------------------------------------------


@dataclass
class Question:
    prompt: str = "Is 1 < 2 & 3?"
    options: tuple[str, ...] = ("yes", "<script>no</script>")
    answer: int = 0
    replies: tuple[str, ...] = ("the answer's reply", "another")
    rfc: str = "RFC 6455 §5.1"


def test_a_question_is_shown_with_its_choices_and_without_its_answer(pump):
    view = QuestionView(Question(), served_by=pump)
    data, _ = view._repr_mimebundle_()
    assert "<b>Is 1 &lt; 2 &amp; 3?</b>" in data["text/html"]
    assert "<li>yes</li><li>&lt;script&gt;no&lt;/script&gt;</li>" in data["text/html"]
    assert data["text/plain"] == "Is 1 < 2 & 3?\n- yes\n- <script>no</script>"
    assert "reply" not in data["text/html"]
    assert "reply" not in str(view._gallery)  # nor in what the page has before the answer
    assert "application/vnd.jupyter.widget-view+json" in data
    view.close()


def test_each_answer_gets_the_reply_that_is_its_own(pump, watched):
    question = watched(QuestionView(Question(), served_by=pump))
    right = press(question, pump, "question", prediction="yes")
    wrong = press(question, pump, "question", prediction="<script>no</script>")
    assert (right["right"], right["note"]) == (True, "the answer's reply")
    assert (wrong["right"], wrong["note"]) == (False, "another")
    assert wrong["data"] == {"wslab": "reply", "right": "false"}


def test_a_gallery_is_shown_with_what_it_can_try(pump):
    experiment = Experiment("no mask", "a frame without a mask", predictions=("1002",))
    view = Gallery([experiment], "bench", Words(), served_by=pump)
    assert "<li>no mask: a frame without a mask.</li>" in view._repr_mimebundle_()[0]["text/html"]
    view.close()
