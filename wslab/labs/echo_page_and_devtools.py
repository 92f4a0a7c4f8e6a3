"""The lesson on the echo page, DevTools and today's browsers: a page, and what watches it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from IPython.display import Code

from wslab.exercises.echo_page_and_devtools import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import EchoPageServer
from wslab.net.in_page import (
    COOKIE_PAGES,
    EXPERIMENTS,
    Answers,
    InPage,
    PageServer,
    Place,
    carry_out,
    code_of,
    compared,
    known,
)
from wslab.view import PageFrame, SupportTable
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Outcome,
    ResultTable,
    Words,
)

_TODAY = Words(
    title="today's browser",
    choose="Choose what to ask this browser. Say what it will do, and let it do it.",
    press="Let it happen",
    ready="a page of the lab's does it, in a frame below or in a tab of its own",
    waiting="The page is at work …",
    static="Experiments that a page of the reader's browser carries out:",
)


class _NoPage(Exception):
    """No page can carry out an experiment; the text says why."""


class EchoPageAndDevtools(Lesson):
    """The lab of the lesson on the echo page, which teaches `%%browser` to the notebook."""

    questions = QUESTIONS
    predicts: ClassVar = {"todays_browser": "What does today's browser do?"}
    server: EchoPageServer

    def _make_server(self) -> EchoPageServer:
        return EchoPageServer(self._name("echo"))

    def _set_up(self) -> None:
        self._teach_browser_cells()
        self._answers: dict[str, Answers] = {}

    # --- The page

    @property
    def page_url(self) -> str:
        """The echo page, through the tap: for as many tabs as you like."""
        return f"http://{self.host}:{self.port}/"

    def page(self) -> PageFrame:
        """The echo page in a frame, with a link to a tab of its own."""
        frame = PageFrame(self.port, title="the echo page", height=280)
        self._resources.callback(frame.close)
        return frame

    def page_code(self) -> Code:
        """The page's JavaScript, as the server serves it."""
        return Code(self.server.script, language="javascript")

    # --- Which browser can what

    def support(self) -> SupportTable:
        """MDN's table of browsers, beside what this browser answers."""
        return SupportTable(self.url)

    # --- What the server does unasked

    def say(self, *parts: str) -> None:
        """Send a message to everybody who is connected, each part in a frame of its own."""
        self._told(self.server.say(*parts))

    def ping(self) -> None:
        """Send a ping to everybody who is connected."""
        self._told(self.server.ping())

    def greet(self, greeting: str) -> None:
        """From now on the server says this first, to everybody who connects."""
        self.server.greeting = greeting

    def dismiss(self, code: int, reason: str = "") -> None:
        """Close every connection, with this code and reason."""
        self._told(self.server.dismiss(code, reason))

    def _told(self, count: int) -> None:
        print(f"to {count} connection{'s' * (count != 1)}")

    # --- The browser of today

    def todays_browser(self) -> Gallery:
        """A gallery of experiments that this browser carries out, beside recorded ones."""
        experiments = [self._in_page(one) for one in EXPERIMENTS.values()]
        gallery = Gallery(experiments, "todays-browser", _TODAY)
        return self._show(self._noted(gallery, "todays_browser"), "")

    def browsers(self) -> ResultTable:
        """What this browser answered in the gallery so far, beside recorded browsers."""
        headings, rows = compared(self._answers)
        return ResultTable(headings, rows, "browsers")

    def experiment_code(self, name: str) -> Code:
        """The JavaScript of one of these experiments, as the page runs it."""
        return Code(code_of(name), language="javascript")

    def _in_page(self, experiment: InPage) -> Experiment:
        def run(choice: Choice) -> Outcome:
            try:
                answers = self._answers[experiment.name] = self._carried_out(experiment, choice)
            except _NoPage as why:
                note = f"{why} Here is what other browsers did, *recorded*:"
                return Outcome(_recorded_columns(experiment.name), note=note)
            here = Column("here", "this browser", self._lines(answers))
            columns = [here, *_recorded_columns(experiment.name)]
            return Outcome(columns, experiment.happened(answers), result=answers)

        return Experiment(
            experiment.name,
            experiment.what,
            run,
            predictions=experiment.predictions,
            why=experiment.why,
            rfc=experiment.source,
        )

    def _carried_out(self, experiment: InPage, choice: Choice) -> Answers:
        def open_page(url: str, place: Place, cover: str) -> None:
            came = choice.in_page("visit", {"url": url, "place": place, "cover": cover})
            if came is None:
                raise _NoPage("No page shows this gallery, so no browser can carry it out.")
            if came != ["opened"]:
                raise _NoPage("The lab runs on another machine than this browser.")

        server = PageServer(self._name("pages"))
        with self._with_server(server, "pages"):
            return carry_out(experiment, open_page, server, self._taps["pages"].port)

    def _lines(self, answers: Mapping[str, str]) -> list[Line]:
        """The answers; one that came with a request links to its row."""
        rows = {page: self._row_of(path) for path, page in COOKIE_PAGES.items()}
        return [Line(text, f"{about}:", row=rows.get(about)) for about, text in answers.items()]

    def _row_of(self, path: str) -> int | None:
        """The row of the last request for this path, which the wire view shows."""
        index = self.capture.index
        for row in reversed(index.rows()):
            if row.kind == "request" and index.unit(row.number).data.startswith(
                b"GET %b " % path.encode()
            ):
                return row.number
        return None


def _recorded_columns(experiment: str) -> list[Column]:
    return [
        Column(
            title.partition(",")[0].lower(),
            title,
            [Line(text, f"{about}:") for about, text in answers.items()],
        )
        for title, answers in known(experiment).items()
    ]


open = EchoPageAndDevtools  # again: it replaces the one before
