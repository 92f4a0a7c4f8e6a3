"""The lesson on the echo page, DevTools and today's browsers: a page, and what watches it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import ClassVar

from IPython.display import Code

from wslab.exercises.echo_page_and_devtools import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import EchoPageServer
from wslab.net.browsers import (
    RECORDED,
    Chromium,
    ConversationServer,
    Played,
    Told,
    beside,
    bits,
    devtools_picture,
    play,
    recorded_play,
    response_texts,
    told_by_chrome,
    told_by_firefox,
)
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
from wslab.net.programs import ProgramFailed, ProgramMissing
from wslab.view import PageFrame, SupportTable, WireView
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Outcome,
    Picture,
    ResultTable,
    Words,
)
from wslab.wire import load, printable

_CROSSED = ("from", "what crossed", "bits", "bytes")
_NOTHING = "nothing"

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
    _played: Played | None = None

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
        frame = PageFrame(self.port, title="the echo page")
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

    # --- What DevTools show

    def picture(self, name: str) -> Picture:
        """A picture of the real DevTools, as they showed the recorded conversation.

        Raises KeyError for a name that is not in `PICTURES` of `wslab.net.browsers`.
        """
        taken = devtools_picture(name)
        return Picture(taken.light, taken.dark, alt=taken.alt, caption=taken.caption)

    def converse(self) -> None:
        """Have a real Chrome hold a conversation through a tap; print what its page was told.

        Where there is no Chrome it is a recorded one, and what is printed says so.
        """
        self._check_open()
        name = self._name("conversation")
        try:
            with (
                self._with_server(ConversationServer(name), name) as url,
                Chromium(name) as chromium,
            ):
                self._played = play(chromium, chromium.open(), url, self.capture)
            print(f"Live: {self._played.browser}, without a window. Its page was told:")
        except (ProgramMissing, ProgramFailed) as problem:
            self._played = recorded_play(self.capture)
            print(f"RECORDED, not live: {problem}")
            print(f"The page, in {self._played.browser}, was told:")
        print(*(f"  {_short(told)}" for told in self._played.page), sep="\n")

    def panes(self, *browsers: str) -> ResultTable:
        """What crossed in the conversation, and what each browser's pane shows of it.

        `browsers` are "Chrome" and "Firefox"; without any, both. Firefox's is a recorded run.
        """
        told = {"Chrome": told_by_chrome(self._conversation.events), "Firefox": told_by_firefox()}
        names = browsers or tuple(told)
        rows = [
            [*crossed, *(_pane(one) or (crossed[0] and _NOTHING) for one in shown)]
            for crossed, shown in self._beside(*(told[name] for name in names))
            if crossed[0] or any(map(_pane, shown))
        ]
        live = {"Chrome"} if self._conversation.live else set()
        headings = [f"{name}'s pane{'' if name in live else ', recorded'}" for name in names]
        return ResultTable([*_CROSSED, *headings], rows, "panes")

    def devtools(self) -> ResultTable:
        """What crossed in the conversation, and the events that Chrome tells its DevTools of it."""
        rows = [
            [*crossed, event.name if event else _NOTHING, _event(event)]
            for crossed, (event,) in self._beside(told_by_chrome(self._conversation.events))
        ]
        return ResultTable([*_CROSSED, "CDP's event", "it says"], rows, "devtools")

    def heads(self) -> ResultTable:
        """The response of the conversation, line by line: as it crossed, and as Chrome tells it."""
        played = self._conversation
        crossed, told = (text.split("\r\n")[:-2] for text in response_texts(played))
        rows = [
            [line.replace(" ", "·"), said.replace(" ", "·")]
            for line, said in zip(crossed, told, strict=True)
        ]
        return ResultTable(["what crossed (a dot is a space)", "Chrome's pane, Raw"], rows, "heads")

    @property
    def har_file(self) -> Path:
        """A HAR that Chrome's own DevTools saved of the recorded conversation."""
        return RECORDED / "chrome.har"

    def har(self, path: str | Path | None = None) -> WireView:
        """Open a HAR, by default that of `har_file`, on a wire; print what it lacks."""
        capture = load(path or self.har_file)
        for note in capture.notes:
            print(fill(note, 100))
        return self._show(WireView(capture, server_label="from a HAR", linked=False), "har")

    @property
    def _conversation(self) -> Played:
        if self._played is None:
            self.converse()
        assert self._played is not None
        return self._played

    def _beside(self, *witnesses: Iterable[Told]) -> Iterator[tuple[list[str], list[Told | None]]]:
        """The first cells of each row, which say what crossed, and what was told of it."""
        played = self._conversation
        for row, told in beside(played.capture, played.connection, *witnesses):
            cells = [""] * len(_CROSSED)
            if row is not None:
                what = (
                    row.preview
                    if row.kind in ("request", "response")
                    else f"{row.kind} {row.preview}"
                )
                cells = [row.direction, _short(what), bits(played.capture, row), str(row.length)]
            yield cells, told

    # --- The browser of today

    def todays_browser(self) -> Gallery:
        """A gallery of experiments that this browser carries out, beside recorded ones.

        From code, `run(name)` returns the answers by browser; without a page, the recorded ones.
        """
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
                columns = _recorded_columns(experiment.name)
                return Outcome(columns, note=note, result=known(experiment.name))
            here = Column("here", "this browser", self._lines(answers))
            columns = [here, *_recorded_columns(experiment.name)]
            result = {"this browser": answers, **known(experiment.name)}
            return Outcome(columns, experiment.happened(answers), result=result)

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


def _short(text: str) -> str:
    return printable(text if len(text) <= 48 else f"{text[:24]}…")


def _pane(told: Told | None) -> str:
    """What a pane shows of it: nothing, where an event is not for the pane."""
    if told is None or (told.name and not told.length):
        return ""
    control = "with Control: " if told.hidden else ""
    return f"{control}{_short(told.text)}" + (f" · {told.length}" if told.length else "")


def _event(told: Told | None) -> str:
    return (
        ""
        if told is None
        else " · ".join(filter(None, (told.header, _short(told.text), told.length)))
    )


open = EchoPageAndDevtools  # again: it replaces the one before
