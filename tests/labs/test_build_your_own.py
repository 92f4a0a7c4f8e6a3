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


def test_the_learners_server_talks_through_the_tap_and_says_what_went_wrong(lab):
    async def app(request, received, say):
        assert lab.name_in(request) == "Ada"
        await say("Hello")
        raise LookupError("no such app")

    url = lab.listen(checks.ladder.server(app))
    with lab.connect(f"{url}chat?name=Ada", name="Ada") as client:
        assert client.recv() == "Hello"
    assert lab.find("text", "server").payload == b"Hello"
    lab.yours.wait_ended(10)
    assert "your code raised LookupError: no such app" in repr(lab.yours)


def test_the_chats_page_is_for_those_who_ask_for_a_page(lab):
    page = lab.page(b"GET /?name=Ada HTTP/1.1\r\nHost: a\r\n\r\n")
    assert page.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"<title>wslab chat</title>" in page
    assert lab.page(b"GET /none HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    assert lab.page(b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n") is None
    with pytest.raises(LookupError, match="does not run"):
        lab.guest("Ada")


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
    assert "Your code raised LookupError: no such thing." in [note.text for note in outcome.notes]

    def loops(*_):
        while True:
            pass

    checks.ladder.yours["write_frame"] = loops
    board.run("framing-text")
    notes = board.outcomes["framing-text", "yours"].notes
    assert "this looks like a loop without an end" in notes[-1].text
    assert any("request" in line.kind for line in outcome.columns[0].lines)
