"""The handshake lesson: an echo server, one that checks Origin, and faulty handshakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from wslab.exercises.handshake import QUESTIONS
from wslab.exercises.time_limit import TimeIsUp, within
from wslab.labs.lesson import Lesson
from wslab.net import Client, EchoServer, RawConnection, RawServer, WslabError
from wslab.net.cases import FAULTY_CLIENTS, FAULTY_SERVERS, Case, FaultyServer, visit
from wslab.net.peers import library_report
from wslab.view.experiments import Choice, Column, Experiment, Gallery, Line, Outcome, Words

GOOD_ORIGIN = "https://school.example"
"""The only origin that the guarded server lets in, besides clients that send none."""

_CLIENT_PREDICTIONS = (
    "The server accepts it: 101",
    "The server refuses it: 400 Bad Request",
    "The server refuses it: 403 Forbidden",
    "The server refuses it: 405 Method Not Allowed",
    "The server refuses it: 426 Upgrade Required",
    "The server refuses it: 505 HTTP Version Not Supported",
)
_OPENS = "The client opens the connection"
_REFUSES = "The client refuses the answer"
_WAITS = "The client waits until its own timeout"
_NOTHING = "The connection ends without an answer"
_SERVER_PREDICTIONS = (_OPENS, _REFUSES, _WAITS, _NOTHING)

_BENCH = Words(
    title="break it",
    choose="Choose what to break.",
    press="Break it",
    ready="send it for real",
    waiting="Sent; waiting for what comes …",
    static="Choose what to break, say what will happen, send it for real, and compare:",
)

_FETCH = Words(press="Try fetch", waiting="The page tries …", static="Let the page try fetch:")
_FETCHED_HEADERS = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Origin": GOOD_ORIGIN,
}


class Attempt(NamedTuple):
    """The observed result of an experiment of the bench."""

    happened: str
    """What happened, as the prediction that would have been right."""
    sent: str
    answered: str
    reported: str
    """What the client's API says."""


class Handshake(Lesson):
    """The lab of the handshake lesson."""

    questions = QUESTIONS
    predicts: ClassVar = {"bench": "What happens to each broken handshake?"}

    def _make_server(self) -> EchoServer:
        # Open on purpose: the lesson shows what happens if a server does not check Origin.
        return EchoServer(self._name("echo"), open_to_all=True)

    def _set_up(self) -> None:
        self.guarded_server = EchoServer(self._name("guarded"), origins=[GOOD_ORIGIN, None])
        self._guard_tap = self._add_server(self.guarded_server, "guarded")

    @property
    def guarded_url(self) -> str:
        """The address, through the tap, of a server that lets in only https://school.example."""
        self._check_open()
        return self._guard_tap.url

    def try_fetch(self) -> Gallery:
        """Let the page try to open a WebSocket with `fetch`."""
        url = self.url.replace("ws://", "http://", 1)
        headers = [f'    "{name}": "{value}",' for name, value in _FETCHED_HEADERS.items()]
        code = "\n".join([f'fetch("{url}", {{', "  headers: {", *headers, "  },", "})"])
        data = {"url": url, "headers": _FETCHED_HEADERS}
        what = "A script asks for the headers of a WebSocket's opening handshake"
        attempt = Experiment("fetch", what, code=code, data=data)
        return self._show(Gallery([attempt], "fetch-attempt", _FETCH))

    def bench(self) -> Gallery:
        """The break-it bench: faulty handshakes to try, which the wire view shows."""
        bench = Gallery(
            [self._client_experiment(case) for case in FAULTY_CLIENTS.values()]
            + [self._server_experiment(case) for case in FAULTY_SERVERS.values()],
            "bench",
            _BENCH,
        )
        bench.add_class("wslab-bench")
        return self._show(self._noted(bench, "bench"))

    def _client_experiment(self, case: Case) -> Experiment:
        def run(_: Choice) -> Outcome:
            url = self.guarded_url if case.name == "foreign-origin" else self.url
            result = visit(case.name, url)
            status = str(result.status)
            return _compared(
                Attempt(
                    next((p for p in _CLIENT_PREDICTIONS if f": {status}" in p), result.outcome),
                    result.sent.decode("latin-1"),
                    result.answer.decode("latin-1") or "(nothing)",
                    library_report(result.sent, result.answer),
                )
            )

        return Experiment(
            f"client: {case.name}",
            f"The client {case.what}",
            run,
            group="client",
            predictions=_CLIENT_PREDICTIONS,
            why="The rule that it is about:"
            if case.expected != 101
            else "Nothing is wrong with it:",
            rfc=case.section,
        )

    def _server_experiment(self, case: Case) -> Experiment:
        def run(_: Choice) -> Outcome:
            with self._with_server(server := FaultyServer(case.name), "faulty") as url:
                result = server.meet(url)
            return _compared(
                Attempt(
                    _happened(result.outcome),
                    result.sent.decode("latin-1"),
                    result.answer.decode("latin-1") or "(nothing)",
                    result.api,
                )
            )

        return Experiment(
            f"server: {case.name}",
            f"The server {case.what}",
            run,
            group="server",
            predictions=_SERVER_PREDICTIONS,
            why=case.why[:1].upper() + case.why[1:],
            rfc=case.section,
        )

    def mystery(self) -> None:
        """Let a client meet a server that gets one header wrong. Which one, the wire tells."""
        server = FaultyServer("wrong-accept", name="mystery")
        with self._with_server(server, "mystery") as url:
            server.meet(url)
        print("A client tried, and refused the answer. Find out why.")

    def try_answer(self, answer: Callable[[bytes], bytes]) -> None:
        """Put the learner's `answer(request)` into a real server and let a real client try it."""
        faults: list[BaseException] = []

        async def script(connection: RawConnection) -> None:
            try:
                await connection.send(within(1.0, lambda: answer(connection.request)))
            except (Exception, TimeIsUp) as error:
                faults.append(error)
            else:
                await connection.wait_end()

        with self._with_server(RawServer(script, name="yours"), "yours") as url:
            client = Client(url, name="tries yours")
            try:
                client.connect(open_timeout=2.0)
                print("The client opened the connection: your server speaks WebSocket.")
            except WslabError as error:
                print(f"The client refused: {error}")
                for fault in faults:
                    print(f"Your server never answered: {type(fault).__name__}: {fault}")
            finally:
                client.stop()


def _compared(attempt: Attempt) -> Outcome:
    columns = [
        Column("sent", "sent by the client", [Line(attempt.sent)]),
        Column("answered", "answered by the server", [Line(attempt.answered)]),
        Column("reported", "what the client's API reports", [Line(attempt.reported)]),
    ]
    return Outcome(columns, attempt.happened, result=attempt)


def _happened(outcome: str) -> str:
    if "opened" in outcome:
        return _OPENS
    if "gave up" in outcome:
        return _WAITS
    return _NOTHING if "without an answer" in outcome else _REFUSES


open = Handshake  # again: it replaces the one before
