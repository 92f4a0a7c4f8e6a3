"""What the exercises of all lessons have alike: questions with replies, solutions to print."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from wslab import exercises

LESSONS = [
    module
    for info in pkgutil.iter_modules(exercises.__path__)
    if hasattr(module := import_module(f"wslab.exercises.{info.name}"), "QUESTIONS")
]
QUESTIONS = {
    f"{module.__name__.rpartition('.')[2]}-{name}": question
    for module in LESSONS
    for name, question in module.QUESTIONS.items()
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_has_a_reply_of_its_own_to_every_option(name):
    question = QUESTIONS[name]
    assert len(set(question.replies)) == len(question.options)


@pytest.mark.parametrize("module", LESSONS)
def test_each_solution_is_printed(module, capsys):
    for exercise, source in module.SOLUTIONS.items():
        module.solution(exercise)
        assert capsys.readouterr().out == f"{source}\n"
    with pytest.raises(KeyError, match=f"expected one of {', '.join(module.SOLUTIONS)}, got 'x'"):
        module.solution("x")
