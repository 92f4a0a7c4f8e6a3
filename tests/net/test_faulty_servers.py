"""Each faulty server, met by the real client."""

from __future__ import annotations

import pytest

from wslab.net import FaultyServer, HandshakeFailed, Tap, connect, running
from wslab.net.cases import FAULTY_SERVERS
from wslab.wire.protocol import parse_head

REFUSED = "the client refused the answer"
EXPECTED = {
    "wrong-accept": (
        101,
        REFUSED,
        "websockets.exceptions.InvalidHeaderValue: invalid Sec-WebSocket-Accept header: "
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ),
    "missing-accept": (
        101,
        REFUSED,
        "websockets.exceptions.InvalidHeader: missing Sec-WebSocket-Accept header",
    ),
    "answers-200": (
        200,
        REFUSED,
        "websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 200",
    ),
    "redirect": (302, "the client opened the connection", "/moved, where a redirect from"),
    "hangs": (
        None,
        "the client gave up after 0.2 s without an answer",
        "TimeoutError: timed out during opening handshake",
    ),
    "missing-upgrade-header": (
        101,
        REFUSED,
        "websockets.exceptions.InvalidUpgrade: missing Upgrade header",
    ),
    "wrong-connection-header": (
        101,
        REFUSED,
        "websockets.exceptions.InvalidUpgrade: invalid Connection header: keep-alive",
    ),
    "unoffered-subprotocol": (
        101,
        REFUSED,
        "websockets.exceptions.NegotiationError: no subprotocols supported",
    ),
    "unoffered-extension": (
        101,
        REFUSED,
        "websockets.exceptions.NegotiationError: no extensions supported",
    ),
    "closes-at-once": (
        None,
        "the connection ended without an answer",
        "websockets.exceptions.InvalidMessage: did not receive a valid HTTP response",
    ),
    "other-phrase": (101, "the client opened the connection", "open: ws://127.0.0.1:"),
    "answers-with-a-list": (
        101,
        REFUSED,
        "websockets.exceptions.InvalidHeader: invalid Sec-WebSocket-Protocol header: "
        "multiple values: chat, superchat",
    ),
    "no-http-version": (
        None,
        REFUSED,
        "expected HTTP/1.1: 101 Switching Protocols",
    ),
}


def run(name, capture=None, **options):
    """The faulty server, met by a real client; with a capture through a tap."""
    with FaultyServer(name) as server:
        if capture is None:
            return server.meet(**options)
        with Tap(server.port, capture) as tap:
            return server.meet(tap.url, **options)


def test_every_fault_is_expected_here():
    assert set(EXPECTED) == set(FAULTY_SERVERS)


@pytest.mark.parametrize("name", FAULTY_SERVERS)
def test_what_the_client_reports(name, capture):
    status, outcome, api = EXPECTED[name]
    result = run(name, capture=capture, open_timeout=0.2)
    assert (result.status, result.outcome) == (status, outcome)
    assert api in result.api
    assert str(result) == f"{name}: {result.outcome} ({result.api})"
    # What crossed the tap is what the two said; where it was a 101, goodbyes may follow.
    assert result.sent.endswith(b"\r\n\r\n")
    for who, said in (("client", result.sent), ("server", result.answer)):
        rest = capture.stream(1, who).removeprefix(said)
        assert len(rest) == (0 if name != "other-phrase" else 8 if who == "client" else 4)
    assert parse_head(result.sent).get("Sec-WebSocket-Version") == "13"
    assert list(running()) == []


@pytest.mark.parametrize("name", [name for name in FAULTY_SERVERS if name != "hangs"])
def test_each_does_the_same_every_time(name):
    first, second = run(name), run(name)
    assert (first.outcome, first.status) == (second.outcome, second.status)


def test_what_is_said_of_a_fault_is_on_the_wire():
    def first_line(name):
        return parse_head(run(name).answer).first_line

    assert first_line("other-phrase") == "HTTP/1.1 101 Bananas"
    assert first_line("no-http-version") == "101 Switching Protocols"
    listed = run("answers-with-a-list")
    for head in (listed.sent, listed.answer):
        assert parse_head(head).get("Sec-WebSocket-Protocol") == "chat, superchat"
    assert parse_head(run("unoffered-subprotocol").sent).get("Sec-WebSocket-Protocol") is None


def test_the_redirect_is_followed_through_the_tap(capture):
    run("redirect", capture=capture)
    rows = [(row.connection, row.preview) for row in capture.index.rows(0, 99)]
    assert rows[:4] == [
        (1, "GET / HTTP/1.1"),
        (1, "302 Found"),
        (2, "GET /moved HTTP/1.1"),
        (2, "101 Switching Protocols"),
    ]


def test_the_extension_is_one_that_no_client_offers():
    # permessage-deflate is what browsers and libraries offer unless told otherwise.
    with (
        FaultyServer("unoffered-extension") as server,
        pytest.raises(HandshakeFailed, match="unheard-of"),
    ):
        connect(server.url, compression="deflate")


def test_where_the_redirect_leads_all_is_right():
    with FaultyServer("redirect") as server, connect(server.url) as client:
        for message in ("x" * 200, b"\0" * 70_000, ""):
            client.send(message)
            assert client.recv() == message
        assert client.ping("still there?") >= 0
        client.close(4000, "enough")
        assert client.close_code == 4000


def test_one_stands_alone_for_any_other_client(capture):
    with FaultyServer("answers-200") as server, Tap(server.url, capture) as tap:
        for url in (server.url, tap.url):
            with pytest.raises(ConnectionError, match="An ordinary web page"):
                connect(url)
        assert server.meet(tap.url).status == 200
        assert [entry.name for entry in running()] == ["faulty answers-200", "tap"]


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError, match="no-such-fault"):
        FaultyServer("no-such-fault")
