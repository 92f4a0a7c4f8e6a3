"""The one table of states against `websockets.protocol.State`, on live runs of many kinds."""

from __future__ import annotations

import threading

import pytest
from websockets.protocol import State as LibraryState

from wslab.net import Client, EchoServer, FaultyServer, Tap, WslabError, visit
from wslab.net.peers.state_watch import watch
from wslab.net.trials import STATES, send_on_websockets, send_on_wslab
from wslab.wire import Capture, State, states_of, steps
from wslab.wire.recording import StateLog

from .conftest import PATIENCE


class Watched:
    """A server (or a faulty one) and a client, both listened to, with a tap between."""

    def __init__(self, server) -> None:
        self.capture = Capture()
        self.log = StateLog(self.capture)
        self.server = server
        watch(server.log, "server", self.log)
        self.tap = Tap(server.url, self.capture)
        self.client = Client(close_timeout=0.2)
        watch(self.client.log, "client", self.log)

    def __enter__(self):
        self.tap.start()
        self.client.url = self.tap.url
        return self

    def __exit__(self, *_):
        self.client.stop()
        self.tap.stop()

    def said(self, peer):
        return [change.state for change in self.log.of_connection(1) if change.peer == peer]

    def table(self, peer):
        return [state.name for state in states_of(peer, steps(self.capture, 1))]

    def wait_until_over(self):
        changed = threading.Event()
        unsubscribe = self.capture.subscribe(changed.set)
        try:
            while not self._over():
                changed.clear()
                if not self._over():
                    assert changed.wait(PATIENCE), (self.table("client"), self.table("server"))
        finally:
            unsubscribe()

    def _over(self):
        ends = [event for event in self.capture.events if event.name in ("eof", "reset")]
        said = [self.said(peer) for peer in ("client", "server")]
        return len(ends) == 2 and all(not states or states[-1] == "CLOSED" for states in said)


def closes(watched):
    watched.client.connect()
    watched.client.send("Hello")
    watched.client.recv()
    watched.client.close(4000)


def is_shut_down(watched):
    watched.client.connect()
    watched.server.stop()


def is_cut(watched):
    watched.client.connect()
    watched.tap.cut(hard=True)


def is_cut_gently(watched):
    watched.client.connect()
    watched.tap.cut()


def is_refused(watched):
    with pytest.raises(WslabError):
        watched.client.connect(origin="https://attacker.example")


SCENARIOS = [closes, is_shut_down, is_cut, is_cut_gently, is_refused]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_table_says_what_the_library_says_of_both_peers(scenario):
    with (
        EchoServer(origins=[None]) as server,
        Watched(server) as watched,
    ):
        scenario(watched)
        watched.wait_until_over()
        for peer in ("client", "server"):
            assert watched.table(peer) == watched.said(peer), scenario.__name__
            for name in watched.said(peer):
                assert State[name].value == LibraryState[name].value


FAULTS = [
    "masks-its-frames",
    "close-without-code",
    "one-byte-close",
    "close-code-1006",
    "data-after-close",
    "never-answers-close",
    "vanishes",
    "half-closes",
    "cuts-a-frame-short",
    "goes-away",
    "hangs",
    "answers-200",
    "wrong-accept",
    "closes-at-once",
]


@pytest.mark.parametrize("how", FAULTS)
def test_the_table_says_what_a_client_says_before_a_faulty_server(how):
    with FaultyServer(how) as server, Watched(server) as watched:
        try:
            watched.client.connect(open_timeout=0.2)
            watched.client.send("Hello")
            if how == "never-answers-close":
                watched.client.recv()
                watched.client.close()
            else:
                while True:
                    watched.client.recv()
        except WslabError:
            pass
        watched.wait_until_over()
        assert watched.table("client") == watched.said("client")


@pytest.mark.parametrize("how", ["sends-unmasked", "vanishes", "half-closes", "close-code-999"])
def test_the_table_says_what_a_server_says_before_a_faulty_client(how):
    with EchoServer() as server, Watched(server) as watched:
        visit(how, watched.tap.url)
        watched.wait_until_over()
        assert watched.table("server") == watched.said("server")


def test_a_held_close_frame_is_seen_by_the_library_only_when_it_is_delivered():
    with EchoServer() as server, Watched(server) as watched:
        watched.client.connect()
        watched.tap.hold()
        closing = threading.Thread(target=watched.client.close)
        said = threading.Event()

        def look():
            held = any(event.name == "held" for event in watched.capture.events)
            if held and "CLOSING" in watched.said("client"):
                said.set()

        unsubscribe = watched.capture.subscribe(look)
        closing.start()
        assert said.wait(PATIENCE)
        unsubscribe()
        assert (watched.table("client")[-1], watched.table("server")[-1]) == ("CLOSING", "OPEN")
        assert (watched.said("client")[-1], watched.said("server")[-1]) == ("CLOSING", "OPEN")
        watched.tap.disarm()
        closing.join(PATIENCE)
        watched.wait_until_over()
        for peer in ("client", "server"):
            assert watched.table(peer) == watched.said(peer)


def test_watching_twice_writes_once_and_keeps_problems_apart():
    with EchoServer() as server, Watched(server) as watched:
        watch(server.log, "server", watched.log)
        watch(watched.client.log, "client", watched.log)
        closes(watched)
        watched.wait_until_over()
        assert watched.said("client") == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
        assert list(watched.client.log) == []
        assert not [line for line in server.log if "connection is" in line]


def test_lives_are_told_apart():
    with EchoServer() as server, Watched(server) as watched:
        for _ in range(3):
            closes(watched)
        whole = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
        for connection in (1, 2, 3):
            changes = watched.log.of_connection(connection)
            assert [c.state for c in changes if c.peer == "client"] == whole
        assert watched.log.of_connection(4) == []


def test_send_in_each_state_is_what_each_api_does():
    with EchoServer() as server:
        library, ours = send_on_websockets(server.url), send_on_wslab(server.url)
    assert list(library) == list(STATES)
    assert set(ours) == set(STATES)
    assert library["OPEN"] == ours["OPEN"] == "sends"
    for state in ("CLOSING", "CLOSED"):
        assert library[state] == "raises ConnectionClosedOK"
    for state in ("CONNECTING", "CLOSING", "CLOSED"):
        assert ours[state] == "raises NotConnected"
