"""Every stub in the notebook fails its check, every solution passes, mistakes get names."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest

from wslab.exercises import handshake
from wslab.exercises.handshake import SOLUTIONS, check_accept, check_answer, check_culprit
from wslab.exercises.verdict import Verdict, side_by_side
from wslab.wire import GUID, Capture


def response(accept: bytes):
    capture = Capture()
    connection = capture.open_connection()
    key = base64.b64encode(os.urandom(16))
    capture.record(
        connection,
        "client",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + key + b"\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
    capture.record(
        connection,
        "server",
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n",
    )
    return capture.index.unit(1)


@pytest.mark.parametrize("exercise", ["accept", "answer", "culprit"])
def test_every_stub_fails_with_a_hint(lesson, exercise):
    verdict = lesson.run(lesson.stub(exercise), mystery=response(b"wrong"))
    assert not verdict
    assert verdict.hint
    assert "Not yet" in verdict._repr_html_()


@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_every_solution_passes(lesson, exercise):
    verdict = lesson.run(f"{SOLUTIONS[exercise]}\ncheck_{exercise}({exercise})")
    assert verdict
    assert "✓" in repr(verdict)


def test_hints_come_in_steps_and_the_last_one_stays():
    handshake._accept_hints.given = 0
    for _ in range(3):  # nobody has touched it: this is no attempt
        assert check_accept(lambda key: ...).hint == handshake._accept_hints.steps[0]
    hints = [check_accept(lambda key: "").hint for _ in range(6)]
    assert tuple(dict.fromkeys(hints)) == handshake._accept_hints.steps
    assert hints[-1] == hints[-2]


def accept_of(data: bytes) -> str:
    return base64.b64encode(hashlib.sha1(data).digest()).decode()


MISTAKES = [
    (lambda key: None, "returned nothing"),
    (lambda key: accept_of((key + GUID).encode()).encode(), "header is text"),
    (lambda key: hashlib.sha1((key + GUID).encode()).hexdigest(), "in hex"),
    (
        lambda key: base64.b64encode(
            hashlib.sha1((key + GUID).encode()).hexdigest().encode()
        ).decode(),
        "hash written in hex",
    ),
    (lambda key: accept_of(key.encode()), "GUID is missing"),
    (lambda key: accept_of((GUID + key).encode()), "wrong way round"),
    (lambda key: accept_of((key + GUID.lower()).encode()), "capital letters"),
    (lambda key: accept_of((key + GUID + "\n").encode()), "line end"),
    (lambda key: accept_of(base64.b64decode(key) + GUID.encode()), "decoded first"),
    (lambda key: base64.b64encode((key + GUID).encode()).decode(), "no hash"),
    (
        lambda key: base64.b64encode(hashlib.sha256((key + GUID).encode()).digest()).decode(),
        "not SHA-256",
    ),
    (lambda key: hashlib.sha1(key + GUID), "encode"),
]


@pytest.mark.parametrize(("function", "named"), MISTAKES)
def test_a_known_mistake_gets_its_name(function, named):
    verdict = check_accept(function)
    assert not verdict
    assert named in verdict.misconception


ANSWER = SOLUTIONS["answer"]
FAULTS = [
    (ANSWER.replace('"\\r\\n"\n    )', '""\n    )'), "never ends"),
    (ANSWER.replace("Connection: Upgrade", "Connection: close"), "must be Upgrade"),
    (
        ANSWER.replace(
            "101 Switching Protocols\\r\\n", "404 Not Found\\r\\nContent-Length: 0\\r\\n"
        ),
        "only 101",
    ),
    (ANSWER.replace("{accept}", "x"), "computed"),
    (ANSWER.replace("    ).encode()", '    ).encode() + b"Hello"'), "bytes behind"),
    ("def answer(request):\n    return 'text'", "expected bytes, got str"),
    ("def answer(request):\n    1 / 0", "ZeroDivisionError"),
]


def test_a_hint_is_about_the_fault_that_was_found():
    handshake._answer_hints.given = 0
    for (source, _), about in zip(
        FAULTS, ("last header", "Connection", "first line"), strict=False
    ):
        names: dict[str, object] = {}
        exec(source, names)
        assert about in check_answer(names["answer"]).hint
    assert "solution('answer')" in check_answer(names["answer"]).hint, "after so many, both"


@pytest.mark.parametrize(("source", "told"), FAULTS)
def test_a_fault_in_the_answer_is_told(source, told):
    names: dict[str, object] = {}
    exec(source, names)
    verdict = check_answer(names["answer"])
    assert not verdict
    assert told in verdict.text


def test_the_culprit_is_found_by_its_name_only():
    bad = response(b"wrong")
    assert check_culprit("sec-websocket-accept:", bad)
    assert "as it should be" in check_culprit("Upgrade", bad).text
    assert "need not be" in check_culprit("Date", bad).text


def test_got_and_expected_are_compared_place_by_place():
    assert side_by_side(b"\x81\x05", b"\x81\x85") == [
        "got       81 05",
        "expected  81 85",
        "             ▲ here they part",
    ]
    assert side_by_side(None, "a") == ["got       nothing (None)", "expected  'a'"]


def test_an_expected_answer_that_is_not_told_is_not_called_nothing():
    assert side_by_side("1000", None) == ["got  '1000'"]


def test_what_a_learner_typed_is_escaped():
    verdict = Verdict(False, "<script>", "<b>", "<i>")
    assert "<script>" not in verdict._repr_html_()
    assert "<b>" not in verdict._repr_html_().replace("<b>✗ Not yet:</b>", "")
