"""What is running: starting again replaces, everything can be found and stopped."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest
from websockets.asyncio.server import serve

from wslab.net import EchoServer, Tap, connect, loop, port_holder, registry, running, stop_all
from wslab.net.registry import SWITCH_INTERVAL, register, unregister
from wslab.net.servers import HostedServer
from wslab.wire import Capture

from .conftest import PATIENCE


class Thing:
    def __init__(self, stopped: list[str] | None = None, name: str = "", url: str = "") -> None:
        self.stopped = [] if stopped is None else stopped
        self.name = name
        self.url = url

    def stop(self) -> None:
        self.stopped.append(self.name)
        unregister(self)


class Stubborn(Thing):
    def stop(self) -> None:
        raise RuntimeError("I stay")


def names():
    return [(entry.kind, entry.name) for entry in running()]


def test_what_starts_is_entered_and_what_stops_is_taken_off():
    server = EchoServer(name="one").start()
    assert names() == [("server", "one")]
    server.stop()
    assert names() == []


def test_starting_again_under_the_same_name_replaces_the_predecessor():
    first = EchoServer().start()
    port = first.port
    second = EchoServer(port=port).start()
    assert names() == [("server", "echo")]
    assert not first.is_running
    assert second.port == port
    first.stop()
    assert second.is_running
    assert names() == [("server", "echo")]


def test_what_is_replaced_before_its_start_has_begun_does_not_run_beside_its_successor():
    begun = threading.Event()
    go_on = asyncio.Event()

    class Late(EchoServer):
        async def _start(self) -> None:
            begun.set()
            await go_on.wait()
            await super()._start()

    first = Late()
    starting = threading.Thread(target=first.start)
    starting.start()
    assert begun.wait(PATIENCE)
    with EchoServer() as second:
        loop.start().call_soon_threadsafe(go_on.set)
        starting.join(PATIENCE)
        assert not first.is_running
        assert [entry.thing for entry in running()] == [second]


def test_other_names_and_kinds_stand_beside_each_other():
    server = EchoServer(name="x").start()
    EchoServer(name="y").start()
    Tap(server.port, Capture(), name="x").start()
    assert names() == [("server", "x"), ("server", "y"), ("tap", "x")]


def test_starting_twice_is_starting_once():
    server = EchoServer().start()
    port = server.port
    assert server.start().port == port
    assert names() == [("server", "echo")]


def test_stopping_twice_is_stopping_once():
    server = EchoServer().start()
    server.stop()
    server.stop()
    tap = Tap(server.port, Capture()).start()
    tap.stop()
    tap.stop()
    assert names() == []


def test_a_server_that_was_stopped_can_be_started_again():
    server = EchoServer().start()
    server.stop()
    server.start()
    with connect(server.url) as client:
        client.send("again")
        assert client.recv() == "again"


def test_stop_all_stops_clients_first_and_servers_last():
    stopped: list[str] = []
    for kind in ("server", "tap", "client"):
        register(kind, kind, Thing(stopped, kind))
    stop_all()
    assert stopped == ["client", "tap", "server"]
    assert names() == []


def test_stop_all_stops_the_others_when_one_refuses():
    stopped: list[str] = []
    register("client", "a", Stubborn())
    register("client", "b", Thing(stopped, "b"))
    with pytest.raises(RuntimeError, match="I stay"):
        stop_all()
    assert stopped == ["b"]
    assert names() == []


def test_a_client_is_entered_while_it_is_connected():
    server = EchoServer().start()
    client = connect(server.url, name="mine")
    assert names() == [("server", "echo"), ("client", "mine")]
    client.close()
    assert names() == [("server", "echo")]


def test_a_named_client_replaces_and_an_unnamed_one_does_not():
    server = EchoServer().start()
    first, second = connect(server.url, name="mine"), connect(server.url, name="mine")
    assert (first.state, second.state) == ("CLOSED", "OPEN")
    third, fourth = connect(server.url), connect(server.url)
    assert (third.state, fourth.state) == ("OPEN", "OPEN")


def test_a_client_whose_server_went_is_taken_off():
    server = EchoServer().start()
    client = connect(server.url)
    server.stop()
    with pytest.raises(ConnectionError):
        client.recv()
    assert names() == []


def test_port_holder_knows_who_of_ours_holds_a_port(refused_port):
    server = EchoServer(name="mine").start()
    holder = port_holder(server.port)
    assert holder is not None
    assert (holder.kind, holder.name) == ("server", "mine")
    assert holder.thing is server
    assert port_holder(refused_port) is None


def test_the_list_reads_as_a_table():
    assert repr(running()) == "nothing is running"
    register("server", "echo", Thing(url="ws://127.0.0.1:1/"))
    register("client", "one", Thing())
    assert repr(running()) == ("kind    name  url\nserver  echo  ws://127.0.0.1:1/\nclient  one")


def test_in_a_notebook_names_are_escaped():
    assert running()._repr_html_() == "<p>nothing is running</p>"
    register("server", "<script>", Thing(url="&"))
    html = running()._repr_html_()
    assert "<script>" not in html
    assert "<td>&lt;script&gt;</td><td>&amp;</td>" in html


def test_the_switch_interval_is_set_while_something_runs_and_put_back_after():
    before = sys.getswitchinterval()
    first, second = Thing(), Thing()
    register("server", "a", first)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    register("server", "b", second)
    unregister(first)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    unregister(second)
    assert sys.getswitchinterval() == before


def test_a_switch_interval_that_the_learner_sets_meanwhile_is_theirs():
    before = sys.getswitchinterval()
    try:
        thing = Thing()
        register("server", "a", thing)
        sys.setswitchinterval(0.002)
        unregister(thing)
        assert sys.getswitchinterval() == pytest.approx(0.002)
        sys.setswitchinterval(0.0001)
        register("server", "a", thing)
        assert sys.getswitchinterval() == pytest.approx(0.0001)
        unregister(thing)
        assert sys.getswitchinterval() == pytest.approx(0.0001)
    finally:
        sys.setswitchinterval(before)


def test_an_overview_never_fails_because_of_a_strange_thing():
    class Strange(Thing):
        @property
        def port(self) -> int:
            raise RuntimeError("ask me later")

    register("server", "strange", Strange())
    assert registry.running()[0].port is None


def test_watchers_hear_which_ports_are_open_now(monkeypatch):
    async def start():
        return await serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0)

    monkeypatch.setattr(registry, "_watchers", [])
    told: list[list[int]] = []
    first = EchoServer("one").start()
    registry.watch_ports(told.append)
    assert told == [[first.port]]
    yours = HostedServer(start, "yours").start()
    with Tap(first.port, Capture()) as tap, connect(tap.url) as client:
        assert told[-1] == sorted([first.port, tap.port, yours.port])
        client.send("a client has no port")
        old = first.port
        second = EchoServer("one").start()  # takes the place of the first
        assert told[-1] == sorted([second.port, tap.port, yours.port])
        assert old not in told[-1]
        second.stop()
    stop_all()
    assert told[-1] == []


def test_a_watcher_that_fails_stops_nobody(monkeypatch):
    def fails(ports: list[int]) -> None:
        raise RuntimeError("not my day")

    told: list[list[int]] = []
    monkeypatch.setattr(registry, "_watchers", [fails, told.append])
    server = EchoServer().start()
    assert told[-1] == [server.port]
    server.stop()
    assert told[-1] == []
    assert "not my day" in list(loop.problems)[-1]
    loop.problems.clear()
