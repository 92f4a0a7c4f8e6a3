"""The connection state lesson: both peers' states, and handshakes that stop in the middle."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from wslab.exercises.connection_state import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import Client, ConnectFailed, EchoServer, FaultyServer
from wslab.net.node import NodeMissing
from wslab.net.peers import NodePeers, watch
from wslab.net.trials import (
    STATES,
    KeepaliveResult,
    measure_keepalive,
    send_on_websockets,
    send_on_wslab,
)
from wslab.view import BrowserSocket, Route, StateDiagram
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Number,
    Outcome,
    ResultTable,
    Words,
)
from wslab.wire import states_of, steps
from wslab.wire.recording import BROWSER, CausalStateLog

PATIENCE = 600.0
"""Seconds that both peers wait for the end of the closing handshake: long, so that a learner can
step through it and read."""

IN_STATE = {
    "new WebSocket": "CONNECTING",
    "open": "OPEN",
    "close()": "CLOSING",
    "close": "CLOSED",
}
"""The `readyState` of a browser's socket after each of its calls and events."""

_KEEPALIVE = Words(
    press="Pull the cable",
    first="say first how long it will take",
    ready="the line goes dead right after the connection has opened",
    waiting="The line is dead, and the client looks OPEN …",
    failed="It failed",
    right="Close",
    wrong="Not close",
    static="Set ping interval and ping timeout (seconds), say how long it will take, pull the "
    "cable, and compare with what is measured:",
)

_OPTIONS = Words(
    press="Ask this browser",
    waiting="The page asks …",
    static="Let the page find out which options its browser's WebSocket has:",
)


class ConnectionState(Lesson):
    """The lab of the connection's states."""

    questions = QUESTIONS
    predicts: ClassVar = {"keepalive_bench": "How long until a client notices a dead line?"}

    def _make_server(self) -> EchoServer:
        server = EchoServer(self._name("echo"))
        server.close_timeout = PATIENCE
        return server

    def _set_up(self) -> None:
        self.log = CausalStateLog(self.capture)
        """What the programs at both ends say about their state."""
        watch(self.server.log, "server", self.log)

    def states(self) -> StateDiagram:
        """The diagram: both peers side by side, and the time line."""
        return self._show(StateDiagram(self.capture, self.log, replay=self._replay))

    def story(self, connection: Client | int | None = None) -> None:
        """Print what moved both peers of a client's connection (or of one by its number).

        The newest if none is named. Raises LookupError where there is no such connection.
        """
        for step in steps(self.capture, self._number(connection)):
            print(step)

    def path(self, peer: str = "client", connection: Client | int | None = None) -> list[str]:
        """The states that `peer` went through on a client's connection (or one by its number).

        The newest if none is named.

        Raises ValueError for another peer, LookupError where there is no such connection.
        """
        if peer not in ("client", "server"):
            raise ValueError(f"expected the peer 'client' or 'server', got {peer!r}")
        taken = steps(self.capture, self._number(connection))
        return [
            state.name for state in states_of("server" if peer == "server" else "client", taken)
        ]

    def _number(self, connection: Client | int | None) -> int:
        if isinstance(connection, Client):
            return self.connection_of(connection)
        count = len(self.capture.log.streams) // 2  # each connection has two
        if count == 0:
            raise LookupError("no connection yet: connect something, then run this cell again")
        number = count if connection is None else connection
        if not 1 <= number <= count:
            raise LookupError(f"expected a connection from 1 to {count}, got {connection!r}")
        return number

    # --- Clients whose states are recorded

    def connect(self, url: str | None = None, *, name: str = "python", **options: Any) -> Client:
        """A connected client for code. Delivers what the tap holds or has frozen first, because the
        handshake would wait there too.
        """
        self.tap.disarm()
        return super().connect(url, name=name, **options)

    def _client(self, name: str, **options: Any) -> Client:
        client = super()._client(name, **{"close_timeout": PATIENCE, **options})
        watch(client.log, "client", self.log)
        return client

    def browser(self, name: str = "browser", *, route: Route = "auto") -> BrowserSocket:
        """The browser's own WebSocket; its `readyState` is on the time line too."""
        socket = super().browser(name, route=route)
        panel, heard = socket.panel, 0
        take_in = panel.ask

        def ask(question: dict[str, Any]) -> None:
            nonlocal heard
            take_in(question)
            events = panel.events
            for event in events[heard:]:
                if event.name in IN_STATE:
                    at = event.time - self.capture.started.timestamp()
                    self.log.add("client", BROWSER, IN_STATE[event.name], at)
            heard = len(events)

        # The page's reports arrive here: the panel itself has nothing to do with state logs.
        panel.ask = ask  # type: ignore[method-assign]
        return socket

    def pinged_browser(self, every: float = 2.0) -> BrowserSocket:
        """The browser's own WebSocket, at a server that pings it each `every` seconds."""
        server = EchoServer(self._name("pings"), ping_interval=every)
        socket = BrowserSocket(self._add_server(server, "pings").url)
        self._show(socket.panel, "pinged")
        return socket

    # --- Scenarios that stop in the middle

    def connect_to_silence(self, open_timeout: float = 2.0) -> None:
        """Connect to a server that reads the request and never answers; print what happens."""
        self.tap.disarm()
        server = FaultyServer("hangs", name=self._name("silent"))
        with self._with_server(server, "silent") as url:
            client = self._client("silence", close_timeout=1.0)
            started = time.perf_counter()
            try:
                client.connect(url, open_timeout=open_timeout)
            except ConnectFailed as error:
                print(
                    f"after {time.perf_counter() - started:.1f} s: {type(error).__name__}: {error}"
                )
            finally:
                client.stop()

    def constructor_options(self) -> Gallery:
        """Let the page find out which options its `new WebSocket` knows. No connection is made."""
        code = "new WebSocket(url, new Proxy({}, { get(nothing, name) { /* note the name */ } }))"
        asked = Experiment("options", "", code=code)
        return self._show(Gallery([asked], "constructor-options", _OPTIONS), "options")

    def keepalive(self, ping_interval: float = 0.5, ping_timeout: float = 0.5) -> KeepaliveResult:
        """Let the line go dead under a client that keeps pinging, and measure when it notices."""
        self.tap.disarm()
        client = self._client(
            "keepalive", ping_interval=ping_interval, ping_timeout=ping_timeout, close_timeout=0.3
        )
        try:
            return measure_keepalive(
                client, self.url, self.tap.freeze, ping_interval + ping_timeout + 5.0
            )
        finally:
            self.tap.cut(hard=True)
            self.tap.disarm()

    def keepalive_bench(self) -> Gallery:
        """The keepalive experiment with two sliders and a prediction."""

        def run(choice: Choice) -> Outcome:
            trial = self.keepalive(choice.numbers["interval"], choice.numbers["timeout"])
            return told(trial, choice.prediction)

        dead_line = Experiment(
            "dead line",
            "A line goes dead right after the connection has opened: how long until the client "
            "notices?",
            run,
            predictions=Number("prediction", "your prediction (s)", 0.0, 0.0, 12.0),
        )
        numbers = [
            Number("interval", "ping interval (s)", 1.0, 0.2, 5.0),
            Number("timeout", "ping timeout (s)", 0.5, 0.2, 5.0),
        ]
        bench = Gallery([dead_line], "keepalive-bench", _KEEPALIVE, numbers=numbers)
        bench.add_class("wslab-keepalive")
        return self._show(self._noted(bench, "keepalive_bench"))

    def send_in_each_state(self) -> ResultTable:
        """Try what `send` does in each state, on each API that is installed."""
        # A server of its own, so that these states do not appear on the time line.
        with EchoServer("connection state: send") as server:
            return self._send_in_each_state(server.url)

    def _send_in_each_state(self, url: str) -> ResultTable:
        columns = {
            "websockets": send_on_websockets(url),
            "wslab's client": send_on_wslab(url),
        }
        try:
            peers = NodePeers()
        except NodeMissing:
            pass
        else:
            try:
                with FaultyServer("hangs", name="send while connecting") as hanging:
                    columns["ws"] = peers.send_in_each_state(url, hanging.url)
            finally:
                peers.stop()
        rows = [[state, *(column[state] for column in columns.values())] for state in STATES]
        return ResultTable(["send() in", *columns], rows)


def told(trial: KeepaliveResult, prediction: str | float | None = None) -> Outcome:
    """A measured trial, with a bar for each of its times beside the prediction (seconds)."""
    if trial.found is None or trial.told is None:
        return Outcome(
            note="The time was up, and the client still looked OPEN.", right=False, result=trial
        )
    times = {
        "predicted by the two numbers": trial.latest,
        "measured: it left OPEN after": trial.found,
        "and the program was told after": trial.told,
    }
    right = None
    if isinstance(prediction, int | float):
        times = {"you said": prediction, **times}
        right = abs(prediction - trial.found) <= 0.3
    return Outcome(
        [Column("times", "", [Line(f"{t:.2f} s", name, bar=t) for name, t in times.items()])],
        happened=f"it left OPEN after {trial.found:.2f} s",
        right=right,
        note="The ping that was never answered went out a whole interval after the last sign of "
        f"life; the API reported *{trial.code}*.",
        data={"wslab": "keepalive", "found": f"{trial.found:.3f}", "code": str(trial.code)},
        result=trial,
    )


open = ConnectionState  # again: it replaces the one before
