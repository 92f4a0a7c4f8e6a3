"""Every button of the gallery gives what its table says, again and again, on both libraries.

WSLAB_ROUNDS=100 plays each one a hundred times.
"""

from __future__ import annotations

import os
import sys

import pytest

from wslab.net import EchoServer, NotConnected, Tap, connect
from wslab.net.cases import ENDINGS, name_of, play
from wslab.net.peers import NodePeers
from wslab.net.peers.library import BEHAVIOURS, LibraryPeers
from wslab.net.peers.node import SCRIPT
from wslab.net.peers.process import PeerProcess, ProcessEnded
from wslab.wire import Capture
from wslab.wire.recording import endings

ROUNDS = int(os.environ.get("WSLAB_ROUNDS", "2"))


def peers_on(stack):
    return LibraryPeers() if stack == "websockets" else NodePeers()


@pytest.fixture(params=["websockets", "ws"])
def peers(request):
    peers = peers_on(request.param)
    yield peers
    peers.stop()


@pytest.fixture(scope="module", params=["websockets", "ws"])
def long_lived_peers(request):
    """The same for all endings of this file: Node starts twice, and not seventy times."""
    peers = peers_on(request.param)
    yield peers
    peers.stop()


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    """In place of that of the folder, which would stop what lives as long as this file."""
    yield
    from wslab.net import loop, running

    assert list(running()) == []
    assert loop.tasks() == []
    assert list(loop.problems) == []


def check_told(result, capture):
    """What the recording alone tells of an end is what its API said; or nothing, if it may be
    either."""
    told = endings(capture).get(result.connection)
    if told is None:
        assert result.name == "1015", "without a handshake there is no WebSocket that could end"
        return
    codes = {"client": told.client_code, "server": told.server_code}
    for end, report in (("client", result.client), ("server", result.server)):
        if not report.raw and report.code is not None:
            unclear = (result.name, end) in UNCLEAR and codes[end] is None
            assert codes[end] == report.code or unclear, told


UNCLEAR = (("code-not-for-scripts", "client"), ("1009", "server"))
"""The endings in which an API reports 1006 if it failed the connection, and else a code."""


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_is_as_documented_every_time(name, long_lived_peers, capture):
    for _ in range(ROUNDS):
        result = play(ENDINGS[name], long_lived_peers, capture)
        assert result.as_documented, str(result)
        check_told(result, capture)
        for line in result.wire:
            assert line.text
        assert result.client.said
        assert result.server.said or name == "1006"


@pytest.mark.parametrize("ends", ["stop", "cut", "reset"])
def test_what_the_tap_ended_nobody_else_did(ends, capture):
    with EchoServer() as server, Tap(server.url, capture) as tap, connect(tap.url) as client:
        if ends == "stop":
            tap.stop()
        else:
            tap.cut(hard=ends == "reset")
        with pytest.raises(NotConnected):
            client.recv()
        assert capture.wait_until(lambda: 1 in endings(capture), 15)
        ending = endings(capture)[1]
    how = "FIN" if ends == "cut" else "RST"
    assert f"the tap ended TCP with {how} without a close frame" in f"t{ending.says[1:]}"
    assert (ending.by, ending.how, ending.client_code, ending.server_code) == (
        None, "cut", 1006, 1006,
    )  # fmt: skip
    assert client.close_code == 1006


@pytest.mark.parametrize("code", [*range(1000, 1016), 3000, 4000])
def test_there_is_an_ending_for_each_code(code):
    ending = ENDINGS[name_of(code)]
    assert ending.code == code
    sent = {ending.documented.client_sends, ending.documented.server_sends}
    reported = {ending.documented.client_reports, ending.documented.server_reports}
    if code in (1006, 1015):
        assert sent == {None}
    else:
        assert code in sent
    if code not in (1004, 1015):
        assert code in reported


@pytest.mark.parametrize("code", [1004, 1005, 1006])
def test_a_code_that_cannot_be_sent_is_refused_by_the_api(code, long_lived_peers, capture):
    result = play(ENDINGS[str(code)], long_lived_peers, capture)
    first = (result.server if code == 1006 else result.client).said[0]
    assert first.startswith(f"close({code}) "), first
    assert "raised" in first or "threw" in first


def test_what_the_two_columns_say_after_a_masked_frame(capture):
    peers = LibraryPeers()
    result = play(ENDINGS["1002"], peers, capture)
    wire = [(line.direction, line.text) for line in result.wire if line.kind == "close"]
    assert wire == [("client", "close 1002 incorrect masking")]
    masked = next(line for line in result.wire if line.direction == "server" and line.row == 3)
    assert masked.broken
    assert (result.client.code, result.client.clean) == (1006, False)
    assert "1002" in result.client.said[-1]
    assert (result.server.raw, result.server.said) == (True, ("close 1002",))
    assert "the server, a raw peer (no API), heard\n    close 1002" in str(result)
    assert "the server's API" not in str(result)
    peers.stop()


def test_a_failed_tls_handshake_is_tls_on_the_wire(capture):
    peers = LibraryPeers()
    result = play(ENDINGS["1015"], peers, capture)
    texts = [line.text for line in result.wire if line.kind == "tls"]
    assert texts[0].startswith("TLS ClientHello")
    assert "alert" in texts[-1]
    assert "SSL" in result.client.said[0]
    assert "SSL" in result.server.said[0]
    peers.stop()


def test_the_story_says_where_it_is_not_as_documented(capture):
    peers = LibraryPeers()
    ending = ENDINGS["1000"]
    result = play(ending._replace(documented=ENDINGS["4000"].documented), peers, capture)
    assert not result.as_documented
    assert "expected Documented(client_sends=4000" in str(result)
    assert str(play(ending, peers, capture)).splitlines()[-1].strip().startswith("recv() raised")
    peers.stop()


def test_stopping_twice_and_in_the_middle(peers, capture):
    peers.connect(f"ws://127.0.0.1:{peers.serve('echo')}/")
    peers.send("client", "Hello")
    peers.stop()
    peers.stop()


def test_node_knows_the_same_behaviours():
    script = SCRIPT.read_text("utf-8")
    for name in BEHAVIOURS:
        assert f'"{name}"(socket' in script or f"\n  {name}(socket" in script


def test_an_unknown_ending_names_those_that_there_are():
    with pytest.raises(KeyError, match="both-at-once"):
        name_of("no-such-ending")
    with pytest.raises(KeyError, match="1012"):
        name_of(1016)


def test_a_process_that_ends_before_it_answers_leaves_its_last_words():
    # There is no port at which a stranger could call: orders and answers go through pipes.
    process = PeerProcess([sys.executable, str(SCRIPT)])
    with pytest.raises(ProcessEnded, match="SyntaxError: "):
        process.order("serve")


def test_a_capture_of_many_plays_keeps_them_apart():
    peers, capture = LibraryPeers(), Capture()
    results = [play(ENDINGS[name], peers, capture) for name in ("1000", "1013", "4000")]
    assert [result.connection for result in results] == [1, 2, 3]
    assert all(result.as_documented for result in results)
    peers.stop()
