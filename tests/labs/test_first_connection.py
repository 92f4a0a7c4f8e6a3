"""The lab of the first connection: who may come in, what is shown, and nothing left behind."""

from __future__ import annotations

import pytest

from wslab.exercises.first_connection import QUESTIONS
from wslab.labs import first_connection
from wslab.net import HandshakeFailed, NotConnected


def test_a_connection_cut_at_the_tap_dies_without_a_goodbye(lab):
    with lab.connect() as client:
        client.send("Hello")
        assert client.recv() == "Hello"
    assert client.close_code == 1000
    died = lab.connect()
    assert lab.tap.cut() == 1
    with pytest.raises(NotConnected, match="1006"):
        died.recv()
    assert died.close_code == 1006
    index = lab.capture.index
    goodbyes = [row.connection for row in index.rows() if row.kind == "close"]
    assert goodbyes == [1, 1]
    assert index.state(2) == "CLOSED"


def test_frames_and_pages_of_this_machine_get_in_and_strangers_do_not(lab):
    for origin in ("null", "http://localhost:8888", None):
        lab.connect(origin=origin).close()
    with pytest.raises(HandshakeFailed):
        lab.connect(origin="https://evil.example")


def test_the_one_subprotocol_is_agreed_on_when_offered(lab):
    with lab.connect(subprotocols=["other.example", first_connection.SUBPROTOCOL]) as client:
        assert client.subprotocol == first_connection.SUBPROTOCOL


def test_a_browser_socket_of_the_same_name_replaces_the_one_before(lab):
    first = lab.browser()
    other = lab.browser("other")
    again = lab.browser()
    assert first.panel.comm is None
    assert again.url == lab.url
    assert again.panel.comm is not other.panel.comm is not None


def test_every_question_can_be_asked(lab):
    for name in QUESTIONS:
        assert lab.ask(name).question is QUESTIONS[name]


def test_a_page_is_known_by_the_origin_in_its_request(lab):
    with lab.connect():
        assert not lab.wait_for_page(timeout=0.01)
    with lab.connect(origin="null"):
        assert lab.wait_for_page(still_open=True)
    assert lab.wait_for_page()
