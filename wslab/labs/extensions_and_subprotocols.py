"""The lesson on extensions and subprotocols: what two peers agree on, and what comes of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar, Literal, NamedTuple

from wslab.exercises.extensions_and_subprotocols import QUESTIONS
from wslab.labs.lesson import Lesson, limited
from wslab.net import Client, EchoServer, FaultyServer, Tap
from wslab.net.cases import EXTENSIONS, SUBPROTOCOLS, Case, Head
from wslab.net.payloads import TALKS, recorded
from wslab.net.trials import (
    BROADCASTS,
    PLACES,
    WINDOW_BITS,
    DeflateCost,
    LoggingServer,
    SearchServer,
    Step,
    attack,
    measure_broadcast,
    measure_deflate,
    measure_memory,
    samples,
    send_token,
)
from wslab.view import WireView
from wslab.view.experiments import (
    Bar,
    Chart,
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Mark,
    Outcome,
    ResultTable,
    Words,
)
from wslab.wire import Capture, Direction, Unit
from wslab.wire.payloads import Decoder
from wslab.wire.protocol import Agreement, parse_head

_BOTH, _NEITHER = "Both open the connection", "Both refuse it"
_PYTHON, _BROWSER = "Only the Python client opens it", "Only the browser opens it"

_SIDES: tuple[Direction, ...] = ("client", "server")
_CHARTS: dict[str, tuple[str, str, Literal["lines", "stacked"]]] = {
    "bytes": ("what is left of 100 bytes", "bytes on the wire", "lines"),
    "time": ("time to compress a message of 2 KiB", "µs", "lines"),
    "memory": ("memory of one connection", "KiB", "stacked"),
}

_NEGOTIATIONS = Words(
    title="answers",
    choose="Choose how the server answers. Two clients try: Python's, and this browser's own.",
    press="Try both",
    ready="a real server gives this answer",
    waiting="Both try …",
    static="Choose how the server answers, say who opens the connection, and let both try:",
)


class Negotiated(NamedTuple):
    """Which clients opened a connection on an answer."""

    offered: str
    answered: str
    """The field of the response that decides; "" if it is not there."""
    python: bool
    browser: bool | None
    """None if no browser tried."""
    says: str
    """What the Python client's API says."""


class ExtensionsAndSubprotocols(Lesson):
    """The lab of the lesson on extensions and subprotocols."""

    questions = QUESTIONS
    predicts: ClassVar = {"negotiations": "Which answers do Python and your browser accept?"}

    def _make_server(self) -> EchoServer:
        return EchoServer(
            self._name("echo"), subprotocols=["superchat", "chat"], compression=Agreement()
        )

    def _set_up(self) -> None:
        self._teach_browser_cells()
        self._measured: list[DeflateCost] = []
        self._pin = ""

    # --- Negotiating

    def negotiations(self) -> Gallery:
        """A gallery of answers to an offer: predict who opens the connection, and compare."""
        experiments = [
            self._experiment(case, group)
            for group, table in (("subprotocol", SUBPROTOCOLS), ("extension", EXTENSIONS))
            for case in table.values()
        ]
        gallery = Gallery(experiments, "negotiations", _NEGOTIATIONS)
        return self._show(self._noted(gallery, "negotiations"))

    def answers(self) -> ResultTable:
        """Let the Python client meet every answer, and tell what it makes of each."""
        rows = []
        for case in (SUBPROTOCOLS | EXTENSIONS).values():
            came, _ = self._negotiate(case, Choice())
            verdict = "✓\N{NO-BREAK SPACE}opens" if came.python else "✗\N{NO-BREAK SPACE}refuses"
            offered, answered = came.offered or "nothing", came.answered or "nothing"
            rows.append([_title(case), offered, answered, verdict])
        return ResultTable(["", "offered", "answered", "Python"], rows, "answers")

    def _negotiate(self, case: Case, choice: Choice) -> tuple[Negotiated, list[str]]:
        """What came of it, and what the page said."""
        assert isinstance(case.sends, Head)
        offers = case.sends.offers
        extension = case.name in EXTENSIONS
        field = "Sec-WebSocket-Extensions" if extension else "Sec-WebSocket-Protocol"
        with self._with_server(server := FaultyServer(case), "negotiation") as url:
            met = server.meet(url, compression=Agreement() if extension else None)
            page = choice.in_page("connect", {"url": url, "protocols": list(offers)})
        tried = page is not None and page[0] in ("open", "close")
        negotiated = Negotiated(
            parse_head(met.sent).get(field) or "",
            " · ".join(parse_head(met.answer).all(field)),
            "opened" in met.outcome,
            page[0] == "open" if page and tried else None,
            met.api,
        )
        return negotiated, page or ["no page has answered"]

    # --- A token

    def token(self, token: str = "correct-horse-battery-staple-7") -> ResultTable:
        """Send a token in each place that a client has for one, and find out who sees it."""
        rows = []
        for place in PLACES:
            with self._with_server(
                server := LoggingServer(self._name("logging")), "logging"
            ) as url:
                trace = send_token(server, url, place, token)
                recorded = any(token.encode() in data for data in self._crossed(trace.client))
            seen = (trace.heard, trace.access, trace.debug, recorded)
            rows.append([place, *("👁 sees it" if one else "does not" for one in seen)])
        columns = (
            "the server",
            "its access log",
            "websockets' log (DEBUG)",
            "this lab's recording",
        )
        return ResultTable(["sent in", *columns], rows, "token")

    def _crossed(self, client: Client) -> list[bytes]:
        """What the recording holds of a client's connection, frames unmasked."""
        index, connection = self.capture.index, self.connection_of(client)
        units = [index.unit(row.number) for row in index.rows() if row.connection == connection]
        return [data for unit in units for data in (unit.data, unit.payload)]

    # --- Compression

    def parameters(self) -> ResultTable:
        """Offer each parameter alone, and send the same message twice in both directions."""
        message = samples()["text"][0].decode("utf-8", "replace")
        rows = []
        for offer in (
            Agreement(),
            Agreement(server_no_context_takeover=True),
            Agreement(client_no_context_takeover=True),
            Agreement(server_max_window_bits=9),
            Agreement(client_max_window_bits=9),
        ):
            sizes = []
            with self.connect(name="parameters", compression=offer) as client:
                field = self.find("response", of=client).field("Sec-WebSocket-Extensions")
                answer = str(field.value)
                for _ in range(2):
                    client.send(message)
                    client.recv()
                    sizes.append([self.find("text", who, of=client).length for who in _SIDES])
            (one, two), (again, echo) = sizes
            rows.append([answer, *map(str, (one, again, two, echo))])
        columns = ("client, first", "again", "server, first", "again")
        return ResultTable(["the server's answer", *columns], rows, "parameters")

    def mystery(self) -> list[Unit]:
        """A request and its response for the trace exercise; what they agree on is printed."""
        agreed = Agreement(True, False, server_max_window_bits=12, client_max_window_bits=10)
        server = EchoServer(self._name("mystery"), compression=agreed)
        with (
            self._with_server(server, "mystery") as url,
            self.connect(url, name="mystery", compression=Agreement()) as client,
        ):
            units = [self.find("request", of=client), self.find("response", of=client)]
        for unit in units:
            field = unit.field("Sec-WebSocket-Extensions")
            print(f"{unit.direction:<6}  {field.name}: {field.value}")
        return units

    def costs(self, what: str = "bytes") -> Chart:
        """A chart of what compression saves or costs, by the size of the window: "bytes", "time"
        or "memory". Raises KeyError for anything else."""
        title, y, kind = _CHARTS[what]
        chart = Chart(title, x="window bits", y=y, kind=kind, x_ticks=WINDOW_BITS)
        if what == "memory":
            for bits in WINDOW_BITS:
                deflating, inflating = measure_memory(bits, samples()["text"][0])
                chart.add("to compress", bits, deflating)
                chart.add("to inflate", bits, inflating)
        else:
            self._measured = self._measured or [
                measure_deflate(name, messages, bits)
                for name, messages in samples().items()
                for bits in WINDOW_BITS
            ]
            for cost in self._measured:
                value = cost.percent if what == "bytes" else cost.microseconds
                chart.add(cost.kind, cost.window_bits, value)
        return self._show(chart, what)

    def broadcasts(self) -> ResultTable:
        """Send the same messages to a hundred clients, in four ways, and tell what each costs."""
        costs = [measure_broadcast(way) for way in BROADCASTS]
        slowest, largest = max(c.microseconds for c in costs), max(c.size for c in costs)
        rows: list[list[str | Bar]] = [
            [
                cost.way,
                Bar(cost.microseconds / slowest, f"{cost.microseconds / 1000:.2f} ms"),
                Bar(cost.size / largest, f"{cost.size:.0f} bytes"),
            ]
            for cost in costs
        ]
        columns = ("the server's time for a message", "what a client gets")
        return ResultTable(["compressed", *columns], rows, "broadcasts")

    # --- What a length gives away

    def first_guess(self) -> Chart:
        """Guess the first digit of a server's PIN: how much shorter the answer is for each."""
        steps = self._attack("none")
        lengths = next(steps).lengths
        chart = Chart(
            "the first digit", x="digit guessed", y="bytes shorter", kind="bars", series=["answer"]
        )
        longest = max(lengths.values())
        chart.draw("answer", ((int(digit), longest - length) for digit, length in lengths.items()))
        steps.close()
        return self._show(chart, "first guess")

    def attack(self, remedy: str = "none") -> ResultTable:
        """Guess the whole PIN by the length of the answers, against a server with this remedy.

        Sends 240 messages at most. Raises KeyError for a remedy that is not in `REMEDIES`.
        """
        rows = []
        for step in self._attack(remedy):
            known = step.shortest[0] if len(step.shortest) == 1 else "?"
            lengths = [f"[{n}]" if digit == known else f"{n}" for digit, n in step.lengths.items()]
            rows.append([step.known + known, " ".join(lengths)])
        rows.append([f"{self._pin}", "the PIN that the server has"])
        return ResultTable(["known", "bytes of the answers, by the digit guessed: 0 to 9"], rows)

    def _attack(self, remedy: str) -> Generator[Step]:
        server = SearchServer(self._name("search"), remedy)
        self._pin = server.pin
        with self._with_server(server, "search") as url:
            client = self._client("attacker", compression=Agreement()).connect(url)
            connection, index = self.connection_of(client), self.capture.index

            def measure(searches: list[str]) -> list[int]:
                before = len(index)
                for search in searches:
                    client.send(search)
                    client.recv()
                return [
                    row.length
                    for row in self.capture.index.rows(before)
                    if (row.connection, row.direction) == (connection, "server")
                ]

            yield from attack(measure)
            client.close()

    def _experiment(self, case: Case, group: str) -> Experiment:
        def run(choice: Choice) -> Outcome:
            came, page = self._negotiate(case, choice)
            happened = ""
            if came.browser is not None:
                happened = {
                    (True, True): _BOTH,
                    (True, False): _PYTHON,
                    (False, True): _BROWSER,
                    (False, False): _NEITHER,
                }[came.python, bool(came.browser)]
            crossed = [
                Line(came.offered or "nothing", "offered"),
                Line(came.answered or "nothing", "answered"),
            ]
            columns = [
                Column("wire", "on the wire", crossed),
                _column("python", "Python's websockets", came.python, [came.says]),
                _column("browser", "this browser", came.browser, page[1:] or page),
            ]
            return Outcome(columns, happened, result=came)

        return Experiment(
            _title(case),
            f"The server {case.what}",
            run,
            group=group,
            predictions=(_BOTH, _NEITHER, _PYTHON, _BROWSER),
            why=case.why[:1].upper() + case.why[1:],
            rfc=case.section,
        )

    # --- What rides on top

    def on_top(self, name: str, *, decode: Decoder | None = None) -> WireView:
        """Let a protocol's own server and client talk through a tap, and show what crossed.

        `name` is one of `TALKS`; `decode` is as in `wire`. Where the protocol's libraries are not
        installed, a recorded talk is shown, and the command that installs them is printed.
        """
        if name not in TALKS:
            raise KeyError(f"expected one of {', '.join(TALKS)}, got {name!r}")
        self._check_open()
        talk = TALKS[name]
        if missing := talk.missing():
            print(
                f"RECORDED, not live: this Python lacks {' and '.join(missing)}. For a live talk, "
                f"run this in a cell, and then this cell again:\n%{talk.install}"
            )
            capture, how = recorded(name), "recorded"
        else:
            capture, how = Capture(), "live"
            with talk() as speaking, Tap(speaking.url, capture, name=f"{self.topic} {name}") as tap:
                speaking.play(tap.url)
            print(f"Live: {talk.cast} ({talk.versions()}).")
        own = None if decode is None else limited(decode)
        view = WireView(capture, server_label=f"{how} · {name}", decode=own)
        return self._show(view, name)


def _title(case: Case) -> str:
    return case.name.replace("-", " ")


def _column(name: str, title: str, opened: bool | None, said: list[str]) -> Column:
    """What a client did, and what its API says; None for `opened` if it did not try."""
    head = {True: "opens", False: "refuses", None: ""}[opened]
    mark = None if opened is None else Mark("✓" if opened else "✗", opened)
    return Column(name, title, [Line(text) for text in said], head, mark=mark)


open = ExtensionsAndSubprotocols  # again: it replaces the one before
