"""The server of the experiments, without a browser: who comes in, and what it hears and tells."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from wslab.net import HandshakeFailed, NotRunning, TimedOut, WslabError, connect
from wslab.net.in_page import EXPERIMENTS, PageServer, carry_out, code_of
from wslab.net.in_page.experiments import FORBIDDEN


@pytest.fixture
def server():
    with PageServer() as server:
        yield server


def line_of(page: str) -> str:
    """Where a page tells its answers, by the address of the page."""
    address = urlsplit(page)
    return f"ws://{address.netloc}/lab?ticket={parse_qs(address.query)['ticket'][0]}"


def told(server: PageServer, message: object) -> object:
    with connect(line_of(server.page("options", 1))) as line:
        line.send(json.dumps(message))
        return json.loads(line.recv())


def test_only_a_page_with_the_ticket_tells_answers(server):
    for query in ("", "?ticket=", "?ticket=guessed"):
        with pytest.raises(HandshakeFailed, match="403"):
            connect(f"ws://127.0.0.1:{server.port}/lab{query}")
    told(server, {"do": "answers", "answers": {"a question": "an answer"}})
    assert server.found(1) == {"a question": "an answer"}


def test_no_page_of_another_site_comes_in(server):
    with pytest.raises(HandshakeFailed, match="403"):
        connect(server.url, origin="https://attacker.example")


def test_nobody_waits_for_ever(server):
    with pytest.raises(TimedOut, match="allow pop-ups"):
        server.found(0.01)
    told(server, {"do": "failed", "why": "TypeError: no"})
    with pytest.raises(WslabError, match="script failed: TypeError: no"):
        server.found(1)
    server.stop()
    with pytest.raises(NotRunning, match="lab was closed"):
        server.found(1)


@pytest.mark.parametrize("nonsense", [{}, {"do": "answers", "answers": 7}, {"do": "visits"}, []])
def test_nonsense_is_answered_with_nothing(server, nonsense):
    assert told(server, nonsense) == {}


def test_only_the_page_from_elsewhere_says_so(server):
    """WICG Local Network Access: its policy makes Chromium take it for one from the internet."""
    policies = [
        urlopen(server.page("network", 1, path)).headers["Content-Security-Policy"]
        for path in ("/page", "/elsewhere")
    ]
    assert ["treat-as-public-address" in policy for policy in policies] == [False, True]


def test_the_server_on_a_forbidden_port_takes_another_if_that_is_taken(server):
    """Fetch, port blocking: all of these are. Python is let in, as it knows no such ports."""
    came: list[str] = []

    def no_browser(page: str, place: str, cover: str) -> None:
        came.extend(parse_qs(urlsplit(page).query)["port"])
        told(server, {"do": "answers", "answers": {"this browser": "error, close 1006"}})

    for _ in range(2):
        answers = carry_out(EXPERIMENTS["ports"], no_browser, server, 1)
        assert answers["Python"] == "open"
        assert answers["requests of it that reached the server"] == "0"
    assert {int(port) for port in came} <= set(FORBIDDEN)
    assert EXPERIMENTS["ports"].happened(answers) == "Only Python's client"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_code_of_each_experiment_can_be_shown(name):
    code = code_of(name)
    assert f"async function {name}(" in code
    assert code.endswith("\n}\n")


def test_other_code_is_not():
    with pytest.raises(KeyError, match="expected one of addresses"):
        code_of("outcome")
