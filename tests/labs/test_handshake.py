"""The handshake lab, on real sockets: what it starts, shows, breaks, and leaves behind."""

from __future__ import annotations

import pytest

from wslab.exercises.handshake import SOLUTIONS
from wslab.labs import handshake, start_here
from wslab.net import HandshakeFailed, connect, stop_all


def test_what_crosses_is_found_and_explained(lab):
    with lab.connect() as client:
        client.send("Hello")
        assert client.recv() == "Hello"
    assert lab.find("text", "client").payload == b"Hello"
    assert lab.find("text", "client").masking_key
    assert lab.find("text", "server").masking_key is None
    html = lab.explain("request")._repr_html_()
    assert "Sec-WebSocket-Key" in html
    assert "https://www.rfc-editor.org/rfc/rfc6455.html#section-4.1" in html
    with pytest.raises(LookupError, match="no such binary among the 0 that crossed"):
        lab.find("binary")


def test_opening_again_replaces_everything(lab):
    lab.client()
    lab.wire()
    client = lab.connect()
    again = handshake.open()
    try:
        assert "closed" in repr(lab)
        assert client.state == "CLOSED"
        with again.connect() as other:
            other.send("still works")
            assert other.recv() == "still works"
    finally:
        again.close()
        again.close()


def test_a_client_of_the_same_name_replaces_the_one_before(lab):
    first, second = lab.connect(), lab.connect()
    assert (first.state, second.state) == ("CLOSED", "OPEN")
    assert lab.connect(name="another").state == "OPEN"
    assert second.state == "OPEN"
    panel = lab.client()
    assert lab.client() is not panel


def test_labs_of_two_lessons_live_side_by_side(lab):
    with start_here.open() as other:
        for each in (lab, other):
            with each.connect() as client:
                client.send(each.topic)
                assert client.recv() == each.topic


def test_origin_is_checked_by_the_guarded_server_only(lab):
    for origin in (handshake.GOOD_ORIGIN, None):
        assert lab.connect(lab.guarded_url, origin=origin).state == "OPEN"
    with pytest.raises(HandshakeFailed, match="403"):
        lab.connect(lab.guarded_url, origin="https://evil.example")
    assert lab.connect(origin="https://evil.example").state == "OPEN"


# What must come of each experiment: by the RFC's own rules where it has one.
EXPECTED = {
    "client: correct": "101",
    "client: missing-upgrade": "426",
    "client: wrong-upgrade": "426",
    "client: missing-connection": "426",
    "client: wrong-connection": "426",
    "client: missing-key": "400",
    "client: short-key": "400",
    "client: duplicate-key": "400",
    "client: wrong-version": "426",
    "client: missing-version": "400",
    "client: post-method": "405",
    "client: http-1.0": "505",
    "client: missing-host": "400",
    "client: foreign-origin": "403",
    "client: no-http-version": "400",
    "server: wrong-accept": "refuses the answer",
    "server: missing-accept": "refuses the answer",
    "server: answers-200": "refuses the answer",
    "server: redirect": "opens the connection",
    "server: hangs": "waits until its own timeout",
    "server: missing-upgrade-header": "refuses the answer",
    "server: wrong-connection-header": "refuses the answer",
    "server: unoffered-subprotocol": "refuses the answer",
    "server: unoffered-extension": "refuses the answer",
    "server: closes-at-once": "ends without an answer",
    "server: other-phrase": "opens the connection",
    "server: answers-with-a-list": "refuses the answer",
    "server: no-http-version": "refuses the answer",
}


def test_every_experiment_happens_for_real_and_on_the_wire(lab):
    bench = lab.bench()
    assert set(bench.experiments) == set(EXPECTED)
    for name, happened in EXPECTED.items():
        before = len(lab.capture.index)
        outcome = bench.run(name)
        assert happened in outcome.happened, name
        assert outcome.happened in bench.experiments[name].predictions
        sent = lab.capture.index.unit(before)
        assert sent.data.decode("latin-1") == outcome.sent
        if name in ("client: correct", "server: redirect", "server: other-phrase"):
            assert "open" in outcome.reported
        else:
            assert "open:" not in outcome.reported
    assert bench.outcomes.keys() == EXPECTED.keys()
    with pytest.raises(KeyError, match="expected one of client: correct"):
        bench.run("nothing")


def test_what_is_broken_on_the_wire_is_named_by_the_wire(lab):
    bench = lab.bench()
    for name in EXPECTED:
        before = len(lab.capture.index)
        bench.run(name)
        broken = [row.broken for row in lab.capture.index.rows(before)]
        # A foreign origin, a page, a redirect and silence break no rule of the protocol's syntax,
        # and the phrase is free.
        legal = {"correct", "foreign-origin", "answers-200", "redirect", "hangs", "closes-at-once"}
        legal.add("other-phrase")
        assert any(broken) == (name.split(": ")[1] not in legal), name


def test_a_refused_version_is_answered_with_the_one_spoken(lab):
    answered = lab.bench().run("client: wrong-version").answered
    assert "Sec-WebSocket-Version: 13" in answered


def test_the_mystery_hides_a_wrong_accept(lab, capsys):
    lab.mystery()
    assert "Find out why" in capsys.readouterr().out
    (violation,) = lab.find("response").violations
    assert violation.rule == "accept-wrong"


def loops(request):
    while True:
        pass


def test_a_learners_server_meets_a_real_client(lab, capsys):
    names: dict = {}
    exec(SOLUTIONS["answer"], names)
    lab.try_answer(names["answer"])
    assert "your server speaks WebSocket" in capsys.readouterr().out
    lab.try_answer(lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert "The client refused" in capsys.readouterr().out
    lab.try_answer(lambda request: "HTTP/1.1 101 Text\r\n\r\n")
    assert "Your server never answered: WrongValue: expected bytes" in capsys.readouterr().out
    lab.try_answer(lambda request: 1 / 0)
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().out
    lab.try_answer(loops)
    assert "Your server never answered: TimeIsUp: not done after 1 s" in capsys.readouterr().out


def test_the_doctor_checks_this_machine():
    view = start_here.doctor()
    try:
        assert not [check for check in view._checks if check["result"] == "fail"]
        with connect(view._url) as client:
            client.send("here")
            assert client.recv() == "here"
    finally:
        view.close()
        stop_all()


def test_the_source_is_there_to_read(lab):
    assert "class Handshake(Lesson)" in lab.source().data
