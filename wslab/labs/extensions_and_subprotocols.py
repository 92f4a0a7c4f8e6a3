"""The lesson on extensions and subprotocols: what two peers agree on, and what comes of it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from wslab.exercises.extensions_and_subprotocols import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import EchoServer, FaultyServer
from wslab.net.cases import EXTENSIONS, SUBPROTOCOLS, Case, Head
from wslab.view.experiments import (
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
from wslab.wire.protocol import Agreement, parse_head

_BOTH, _NEITHER = "Both open the connection", "Both refuse it"
_PYTHON, _BROWSER = "Only the Python client opens it", "Only the browser opens it"

_NEGOTIATIONS = Words(
    title="answers",
    choose="Choose how the server answers. Two clients try: Python's, and this browser's own.",
    press="Try both",
    ready="a real server answers so",
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
            opens = "✓ opens" if came.python else "✗ refuses"
            rows.append([_title(case), came.offered or "-", came.answered or "-", opens])
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

    def _experiment(self, case: Case, group: str) -> Experiment:
        def run(choice: Choice) -> Outcome:
            came, page = self._negotiate(case, choice)
            happened = {
                (True, True): _BOTH,
                (True, False): _PYTHON,
                (False, True): _BROWSER,
                (False, False): _NEITHER,
            }.get((came.python, bool(came.browser)) if came.browser is not None else (), "")
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


def _title(case: Case) -> str:
    return case.name.replace("-", " ")


def _column(name: str, title: str, opened: bool | None, said: list[str]) -> Column:
    """What a client did, and what its API says; None for `opened` if it did not try."""
    head = {True: "opens", False: "refuses", None: ""}[opened]
    mark = None if opened is None else Mark("✓" if opened else "✗", opened)
    return Column(name, title, [Line(text) for text in said], head, mark=mark)


open = ExtensionsAndSubprotocols  # again: it replaces the one before
