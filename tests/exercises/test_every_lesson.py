"""What the exercises of all lessons have alike: questions with replies, solutions to print."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from wslab import exercises
from wslab.exercises import (
    chat,
    close_codes,
    connection_state,
    data_transfer,
    first_connection,
    frames,
    handshake,
)
from wslab.wire import Capture

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


def returns(value, above=-1):
    """Right as long as the reason has at most `above` bytes, and then `value`."""

    def payload(code, reason):
        right = code.to_bytes(2, "big") + reason.encode()
        return value if len(reason.encode()) > above else right

    return payload


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
CHECKS = {
    "shorten": lambda value: chat.check_shorten(lambda *_: value),
    "history": lambda value: chat.check_history(lambda *_: value),
    "offender": lambda value: chat.check_offender(value, value, Capture()),
    "payload": lambda value: close_codes.check_payload(returns(value)),
    "payload that is too long": lambda value: close_codes.check_payload(returns(value, above=123)),
    "wait": lambda value: close_codes.check_wait(lambda *_: value),
    "wait where it helps": lambda value: close_codes.check_wait(
        lambda code, _: value if code in close_codes._AGAIN else None
    ),
    "next_state": lambda value: connection_state.check_next_state(lambda *_: value),
    "trace of the states": lambda value: connection_state.check_trace(value, []),
    "outbox": lambda value: connection_state.check_outbox(lambda *_: value),
    "cut": lambda value: data_transfer.check_cut(lambda *_: value),
    "count": lambda value: data_transfer.check_count(value, value, data_transfer.trace_bytes()),
    "text": lambda value: data_transfer.check_text(lambda *_: value),
    "order": lambda value: first_connection.check_order(value, value),
    "encode": lambda value: frames.check_encode(lambda *_: value),
    "length": lambda value: frames.check_length(lambda *_: value),
    "read": lambda value: frames.check_read(value, frames.puzzle()),
    "accept": lambda value: handshake.check_accept(lambda *_: value),
    "answer": lambda value: handshake.check_answer(lambda *_: value),
}


@pytest.mark.parametrize("exercise", CHECKS)
def test_whatever_a_learner_gives_is_answered_and_never_breaks_the_check(exercise):
    for value in STRANGE:
        verdict = CHECKS[exercise](value)
        assert not verdict, value
        assert "Not yet" in verdict._repr_html_()
        assert verdict.hint, value
