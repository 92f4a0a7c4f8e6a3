"""The lab of lesson 15: the ladder lights, the learner's server talks, and the suite tries it."""

from __future__ import annotations

import pytest

from wslab.exercises import build_your_own as checks
from wslab.exercises import reference_server


@pytest.fixture(autouse=True)
def a_new_ladder(monkeypatch):
    monkeypatch.setattr(checks.ladder, "yours", {})
    monkeypatch.setattr(checks.ladder, "tried", {})


def test_a_rung_lights_when_its_check_passes_and_says_what_is_wrong(lab):
    board = lab.ladder()
    assert list(board.rows) == list(checks.RUNGS)
    assert board.outcomes == {}
    checks.check_accept(lambda key: key)
    place = ("2 · compute accept", "yours")
    assert board.outcomes[place].verdict == "open"
    checks.check_accept(reference_server.accept)
    assert board.outcomes[place].verdict == "climbed"
    checks.check_accept(lambda key: key)
    assert checks.ladder.accept is reference_server.accept, "what has passed stays in the server"
    assert lab.ladder().outcomes[place].verdict == "climbed", "a new view knows it, too"


def test_the_suite_tries_the_learners_server_and_tells_what_its_code_raised(lab):
    board = lab.conformance()
    assert len(board.rows) > 300
    assert board.run("framing-text")["framing-text", "yours"].word == "pass"

    def fails(*_):
        raise LookupError("no such thing")

    checks.ladder.yours["write_frame"] = fails
    board.run("framing-text")
    outcome = board.outcomes["framing-text", "yours"]
    assert outcome.verdict == "fail"
    assert "Your code raised LookupError: no such thing" in [note.text for note in outcome.notes]
    assert any("request" in line.kind for line in outcome.columns[0].lines)
