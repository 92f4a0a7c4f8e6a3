"""Every exercise of every lesson: the stub fails with a hint, the solution passes, each wrong
function is named by its own misconception, and whatever a learner gives gets a verdict.

They are found by themselves: a new lesson writes no test for this.
"""

from __future__ import annotations

import ast
import pkgutil
from importlib import import_module

import pytest

from wslab import exercises
from wslab.exercises import exercise as kit
from wslab.exercises.exercise import Exercise
from wslab.exercises.verdict import Verdict
from wslab.wire import mask

from .answers import RIGHT, WRONG
from .conftest import Lesson, Program

LESSONS = {
    info.name: Lesson(info.name)
    for info in pkgutil.iter_modules(exercises.__path__)
    if hasattr(import_module(f"wslab.exercises.{info.name}"), "QUESTIONS")
}
QUESTIONS = {
    f"{topic}-{name}": question
    for topic, lesson in LESSONS.items()
    for name, question in lesson.checks.QUESTIONS.items()
}
STUBS = [(topic, name) for topic, lesson in LESSONS.items() for name in lesson.stubs]
EXERCISES = {
    f"{topic}-{name}": value
    for topic, lesson in LESSONS.items()
    for name, value in vars(lesson.checks).items()
    if isinstance(value, Exercise)
}
FUNCTIONS = {name: one for name, one in EXERCISES.items() if one.cases is not None}
MISTAKES = [(name, text) for name, one in EXERCISES.items() for text in one.mistakes]
SOLUTIONS = [(topic, name) for topic, lesson in LESSONS.items() for name in lesson.checks.SOLUTIONS]


def is_for_a_page(topic: str, name: str) -> bool:
    """Whether the answer is JavaScript: it is tried in a real page, in `tests/browser`."""
    return LESSONS[topic].stubs[name].startswith("%%browser")


# --- Questions


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_has_a_reply_of_its_own_to_every_option(name):
    question = QUESTIONS[name]
    assert len(set(question.replies)) == len(question.options)


# --- Stubs and solutions


@pytest.mark.parametrize("topic", LESSONS)
def test_every_check_of_a_lesson_has_a_cell_that_is_tagged(topic):
    lesson = LESSONS[topic]
    checks = {name for name in vars(lesson.checks) if name.startswith("check_")}
    assert {f"check_{name}" for name in lesson.stubs} == checks


@pytest.mark.parametrize(("topic", "name"), [stub for stub in STUBS if not is_for_a_page(*stub)])
def test_every_stub_fails_with_a_hint(topic, name):
    verdict = LESSONS[topic].run(LESSONS[topic].stubs[name])
    assert not verdict
    assert verdict.hint
    assert "Not yet" in verdict._repr_html_()


@pytest.mark.parametrize(("topic", "name"), [one for one in SOLUTIONS if not is_for_a_page(*one)])
def test_every_solution_passes(topic, name):
    lesson = LESSONS[topic]
    solution = lesson.checks.SOLUTIONS[name]
    if lesson.stubs[name].startswith("%%node"):
        head = lesson.stubs[name].partition("\n")[0]
        assert lesson.run(f"{head}\n{solution}")
        return
    call = lesson.stubs[name].strip().split("\n")[-1]
    verdict = lesson.run(solution if solution.startswith("check_") else f"{solution}\n{call}")
    assert verdict
    assert "✓" in repr(verdict)


@pytest.mark.parametrize("topic", LESSONS)
def test_each_solution_is_printed(topic, capsys):
    module = LESSONS[topic].checks
    for name, source in module.SOLUTIONS.items():
        assert source, name
        module.solution(name)
        assert capsys.readouterr().out == f"{source}\n"
    with pytest.raises(KeyError, match=f"expected one of {', '.join(module.SOLUTIONS)}, got 'x'"):
        module.solution("x")


# --- Mistakes


@pytest.mark.parametrize(("name", "text"), MISTAKES)
def test_every_wrong_function_is_named_by_its_own_misconception(name, text):
    one, wrong = EXERCISES[name], EXERCISES[name].mistakes[text]
    one.hints.given = 0
    if one.cases is not None:
        verdict = one(wrong.function)
    else:
        about = LESSONS[name.partition("-")[0]].made.values()
        verdict = one(wrong.function(*about), *about)
    assert not verdict
    assert verdict.misconception == text
    without_its_own = kit.ONLY_THIS if one.cases is not None else one.hints.first
    assert verdict.hint == (wrong.hint or without_its_own)


@pytest.mark.parametrize("name", [name for name, one in FUNCTIONS.items() if one.expected])
def test_the_function_that_an_exercise_expects_is_right(name):
    assert FUNCTIONS[name](FUNCTIONS[name].expected)


# --- Whatever a learner gives

STRANGE = [
    None,
    ...,
    7,
    1.5,
    float("nan"),
    "x",
    b"x",
    bytearray(b"x"),
    [],
    [1],
    (1, 2),
    {},
    object(),
]


class Odd:
    """What cannot be compared."""

    def __eq__(self, other):
        raise LookupError("not with this")

    __hash__ = None


def refused(verdict, value):
    assert not verdict, value
    assert "Not yet" in verdict._repr_html_()
    assert verdict.hint, value


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whatever_a_function_gives_is_answered_and_never_breaks_the_check(name):
    one = FUNCTIONS[name]

    def raises(*_):
        raise LookupError("no such thing")

    def leaves(*_):
        raise SystemExit

    for value in [*STRANGE, Odd()]:
        for answer in (value, lambda *_, value=value: value):
            refused(one(answer), value)
    refused(one(lambda: b""), "no arguments")
    refused(one(leaves), "leaves")
    refused(verdict := one(raises), "raises")
    assert "raised LookupError: no such thing" in verdict.text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_loop_without_an_end_is_answered(name, monkeypatch):
    monkeypatch.setattr(kit, "PATIENCE", 0.1)

    def loops(*_):
        while True:
            pass

    verdict = FUNCTIONS[name](loops)
    refused(verdict, "loops")
    assert "loop without an end" in verdict.misconception


def values_to_give(topic: str, name: str) -> ast.Call | None:
    """The call in a stub, with `strange` in place of its dots; None where it has none."""
    last = LESSONS[topic].stubs[name].strip().split("\n")[-1]
    if LESSONS[topic].stubs[name].startswith("%%"):
        return None
    call = ast.parse(last, mode="eval").body
    strange = ast.Name("strange", ast.Load())
    dots = {"...", "''", "'...'", "[...]"}
    args = [strange if ast.unparse(one) in dots else one for one in call.args]
    for keyword in call.keywords:
        if ast.unparse(keyword.value) in dots:
            keyword.value = strange
    given = ast.Call(call.func, args, call.keywords)
    return given if "strange" in ast.unparse(given) else None


CALLS = {f"{topic}-{name}": call for topic, name in STUBS if (call := values_to_give(topic, name))}


@pytest.mark.parametrize("name", CALLS)
def test_whatever_value_is_given_is_answered(name):
    lesson = LESSONS[name.partition("-")[0]]
    for value in STRANGE:
        lesson.made["strange"] = value
        refused(lesson.run(ast.unparse(CALLS[name])), value)


# --- Answers that somebody could write


def check(name: str, answer: object) -> Verdict:
    """What is said of an answer: a function, a value, or several values in a tuple."""
    topic, _, exercise = name.partition("-")
    lesson = LESSONS[topic]
    one = getattr(lesson.checks, f"check_{exercise}")
    several = isinstance(answer, tuple) and name != "connection_state-trace"
    given = answer if several else (answer,)
    if name in PROGRAMS:
        given = (Program(str(answer)),)
    if name == "data_transfer-count":
        given = (*given, lesson.checks.trace_bytes())
    elif f"{topic}-check_{exercise}" not in FUNCTIONS and name not in ROOMS + PROGRAMS:
        given = (*given, *(value for key, value in lesson.made.items() if key != "strange"))
    return one(*given)


UNRECOGNISED = ("Hello", b"tide!", "DCB")
"""Answers that could be wrong for any reason: here the hints come in steps."""
PROGRAMS = ("node-repair", "node-relay")
"""Answered by a program in Node."""
ROOMS = ("chat-chat", "chat-history", "rate_limiting-pump")
SLOW = (*ROOMS, *PROGRAMS, *(name for name in WRONG if name.startswith("build_your_own")))
"""Tried on real connections: once is enough."""


def test_every_exercise_has_three_wrong_answers_that_somebody_could_write():
    pages = {"first_connection-goodbye", "first_connection-order", "first_connection-bytes"}
    names = {f"{topic}-{name}" for topic, name in STUBS} - pages
    assert {name: len(wrong) >= 3 for name, wrong in WRONG.items()} == dict.fromkeys(names, True)


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        pytest.param(name, answer, said, id=f"{name}-{number}")
        for name, answers in WRONG.items()
        for number, (answer, said) in enumerate(answers)
    ],
)
def test_a_wrong_answer_is_told_its_own_fault_however_often_it_is_tried(name, answer, said, capfd):
    topic, _, exercise = name.partition("-")
    one = getattr(LESSONS[topic].checks, f"check_{exercise}")
    if isinstance(one, Exercise):
        one.hints.given = 0
    verdict = check(name, answer)
    assert not verdict
    assert said in verdict.text + verdict.misconception + verdict.hint
    if name not in SLOW:  # each takes a second or two
        for _ in range(5):
            again = check(name, answer)
            if answer not in UNRECOGNISED:
                assert again.hint.startswith(verdict.hint)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, answers in RIGHT.items()
        for number, answer in enumerate(answers)
    ],
)
def test_a_right_answer_in_another_style_passes(name, answer):
    for _ in range(1 if name in SLOW else 20):  # chance must not decide
        assert check(name, answer)


def test_the_word_of_a_frame_may_be_given_as_bytes():
    frame = LESSONS["frames"].made["mystery"]
    word = mask(frame[6:], frame[2:6])
    for answer in (word, bytearray(word), f" {word.decode()} "):
        assert check("frames-read", answer)
