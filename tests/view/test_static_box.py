"""Views made of controls, as a notebook keeps them for readers that run no widgets."""

from __future__ import annotations

from dataclasses import dataclass

from wslab.view.experiments.bench import Bench, Experiment
from wslab.view.experiments.keepalive import KeepaliveBench
from wslab.view.experiments.question_view import QuestionView


@dataclass
class Question:
    prompt: str = "Is 1 < 2 & 3?"
    options: tuple[str, ...] = ("yes", "<script>no</script>")
    answer: int = 0
    replies: tuple[str, ...] = ("the answer's reply", "another")
    rfc: str = "RFC 6455 §5.1"


def test_a_question_is_shown_with_its_choices_and_without_its_answer():
    data = QuestionView(Question())._repr_mimebundle_()
    assert "<b>Is 1 &lt; 2 &amp; 3?</b>" in data["text/html"]
    assert "<li>yes</li><li>&lt;script&gt;no&lt;/script&gt;</li>" in data["text/html"]
    assert data["text/plain"] == "Is 1 < 2 & 3?\n- yes\n- <script>no</script>"
    assert "reply" not in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_bench_is_shown_with_what_it_can_break():
    experiment = Experiment("no mask", "a frame without a mask", ("1002",), "", "", run=None)
    data = Bench([experiment])._repr_mimebundle_()
    assert "<li>no mask: a frame without a mask.</li>" in data["text/html"]


def test_the_keepalive_bench_says_what_it_measures():
    data = KeepaliveBench(lambda interval, timeout: None)._repr_mimebundle_()
    assert "how long until the client notices?" in data["text/html"]
    assert "KeepaliveBench(" not in data["text/plain"]
