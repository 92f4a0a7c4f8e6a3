"""The lesson on HTTP against WebSocket: one feed in five ways, words of an answer in two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import ClassVar
from urllib.parse import urlsplit

from IPython.display import Code

from wslab.exercises.http_vs_websocket import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net.feeds import (
    CLIENTS,
    LONG_POLL,
    WAYS,
    FeedServer,
    Run,
    Traffic,
    WordServer,
    ask_for_words,
    ask_once,
    page_traffic,
    run_way,
    run_ways,
)
from wslab.view import Account, PageFrame
from wslab.view.experiments import (
    Bar,
    Cell,
    Chart,
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

SECONDS = 1.5
"""How long the feed is got in one run."""

_ROUNDS = {
    "polling": ("request", "response"),
    "long polling": ("request", "response"),
    "server-sent events": ("chunk",),
    "streamed fetch": ("chunk",),
    "WebSocket": ("ping", "pong"),
}
"""The units that cross, by way, for as long as there is no message."""

_ONE = "One"
_CLOCK = "One for each interval, whatever is published"
_EACH = "About one for each message"

_WAYS = Words(
    title="five ways",
    choose="Choose a way.",
    question="How many requests will it send?",
    press="Get the feed",
    ready=f"for {SECONDS:g} s",
    waiting="It is getting the feed …",
    noun="way",
    static="Choose a way, say how many requests it will send, and get the feed for real:",
)
_NUMBERS = (
    Number("rate", "messages a second", 20, 0, 50, 1),
    Number("interval", "seconds between two polls", 0.4, 0.1, 1.0),
)


Points = Iterable[tuple[float, float]]
Drawn = tuple[Chart, Callable[[Run], Points]]
"""A chart with a line for the last run of each way, and what gives the points of a run."""


class HttpVsWebSocket(Lesson):
    """The lab of the lesson on HTTP against WebSocket."""

    questions = QUESTIONS
    predicts: ClassVar = {"ways": "How many requests does each way send?"}
    server: FeedServer

    def _make_server(self) -> FeedServer:
        return FeedServer(self._name("feed"))

    def _set_up(self) -> None:
        self._running = threading.Lock()
        self._chart: Drawn | None = None

    # --- Five ways

    def bytes(self) -> Chart:
        """A chart of the bytes that cross, by way. Runs are drawn in the chart last shown."""
        return self._draw_in("bytes on the wire", _crossed, y="kB")

    def waits(self) -> Chart:
        """A chart of how long each message takes. Runs are drawn in the chart last shown."""
        return self._draw_in("from publishing to arriving", _waited, x="message")

    def _draw_in(
        self, title: str, line: Callable[[Run], Points], *, x: str = "seconds", y: str = "ms"
    ) -> Chart:
        self._chart = self._show(Chart(title, series=list(WAYS), x=x, y=y)), line
        return self._chart[0]

    def get(
        self,
        *ways: str,
        rate: float = 20,
        interval: float = 0.4,
        seconds: float = SECONDS,
        patience: float = LONG_POLL,
        chart: Drawn | None = None,
    ) -> list[Run]:
        """Get a feed of `rate` messages a second in these ways at the same time (in all five, by
        default), each from a server of its own.

        `interval` is the seconds between two polls, `patience` those after which a long poll is
        answered without a message. `chart` is one more chart to draw in. Raises KeyError for an
        unknown way, ValueError for more than 50 messages a second or more than 5 seconds.
        """
        self._check_open()
        for name, value, most in (("rate", rate, 50), ("seconds", seconds, 5)):
            if not 0 <= value <= most:
                raise ValueError(f"expected {name} from 0 to {most}, got {value!r}")
        if not 0.05 <= interval <= 5:
            raise ValueError(f"expected interval from 0.05 to 5 (seconds), got {interval!r}")
        with self._running:  # a button and a cell may start one at the same time
            feeds = {}
            with ExitStack() as servers:
                for way in ways or WAYS:
                    server = FeedServer(self._name(WAYS[way].name), patience=patience)
                    url = servers.enter_context(self._with_server(server, way))
                    feeds[way] = (server, _http(url))
                runs = run_ways(feeds, self.capture, rate=rate, interval=interval, seconds=seconds)
            for one in {chart, self._chart}:
                if one is not None:
                    for way, run in runs.items():
                        one[0].draw(way, one[1](run))
        return list(runs.values())

    def ways(self) -> Gallery:
        """A gallery of the five ways: predict how many requests each sends, run it, compare."""
        # It draws in the chart above it too, when there are others below.
        experiments = [self._experiment(way, self._chart) for way in WAYS]
        gallery = Gallery(experiments, "ways", _WAYS, numbers=_NUMBERS)
        return self._show(self._noted(gallery, "ways"), "ways")

    def _experiment(self, way: str, chart: Drawn | None) -> Experiment:
        def run(choice: Choice) -> Outcome:
            (run,) = self.get(way, **choice.numbers, chart=chart)
            lines = [Line(text, label) for label, text in _told(run).items()]
            parts = _parts(run.traffic).items()
            most = max(count for _, count in parts) or 1
            bars = [Line(f"{count:,}", what, bar=count / most) for what, count in parts]
            columns = [Column("came", "what came of it", lines), Column("bytes", "bytes", bars)]
            return Outcome(columns, _happened(run), result=run)

        return Experiment(
            way, WAYS[way].summary, run, predictions=(_ONE, _EACH, _CLOCK), code=WAYS[way].code
        )

    def compare(self, *, rate: float = 20, interval: float = 0.4) -> ResultTable:
        """Get the feed in all five ways at the same time, and compare what each took."""
        runs = self.get(rate=rate, interval=interval)
        return ResultTable(
            ["way", *_told(runs[0]), "heads", "cookies alone"],
            [
                [run.way, *_told(run).values(), *_shares(run.traffic)]
                for run in runs
            ],
            "ways-table",
        )  # fmt: skip

    def idle(self, *, interval: float = 2.0) -> ResultTable:
        """What each way costs in an hour in which nothing is published.

        Measured is what crosses once, which is an empty answer and the request for it, or a sign of
        life; a poller asks each `interval` seconds, and the others hear from the server after
        `LONG_POLL` seconds.
        """
        rows: list[list[Cell]] = []
        for run in self.get(rate=0, interval=0.2, seconds=0.9, patience=0.2):
            crossed: dict[str, int] = {
                row.kind: row.length
                for row in self.capture.index.rows()
                if row.connection in run.connections
            }
            kinds = _ROUNDS[run.way]
            once = sum(crossed[kind] for kind in kinds)
            every = interval if run.way == "polling" else LONG_POLL
            hour = f"{3.6 / every * once:,.1f} kB"
            rows.append([run.way, " and ".join(kinds), f"{once:,} bytes", f"{every:,g} s", hour])
        headings = ["way", "what crosses", "in all", "every", "in an hour"]
        return ResultTable(headings, rows, "idle-table")

    def chunk(self) -> Account:
        """Get two messages of the lab's own feed by server-sent events; explain the last chunk."""
        url = _http(self.url)
        run_way(self.server, url, self.capture, "server-sent events", rate=2, seconds=1)
        return self.explain("chunk")

    # --- In the page

    def page(self) -> PageFrame:
        """The feed's page in a frame, with a link to a tab of its own."""
        frame = PageFrame(self.port, title="the feed's page", height=330)
        self._resources.callback(frame.close)
        return frame

    def page_code(self) -> Code:
        """The five ways in the page's JavaScript, as the server serves it."""
        return Code(self.server.script.partition("const WAYS")[0], language="javascript")

    def in_page(self) -> ResultTable:
        """What crossed when the page got the feed: with the request heads of this browser."""
        rows: list[list[Cell]] = []
        found = page_traffic(self.capture)
        for way, waits in self.server.reports.items():
            if way in found and waits:
                traffic, half = found[way], sorted(waits)[len(waits) // 2]
                each = f"{traffic.bytes / len(waits):,.0f}"
                told = [f"{len(waits)}", f"{traffic.requests}", each, _ms(half / 1000)]
                rows.append([way, *told, *_shares(traffic)])
        if not rows:
            return ResultTable(
                ["no page has got the feed yet"],
                [["Press “Get the feed” in the page above, wait for “Done”, and run this again."]],
                "page-table",
            )
        headings = ["way", "messages", "requests", "bytes a message", "half came within"]
        return ResultTable([*headings, "heads", "cookies alone"], rows, "page-table")

    # --- Word by word

    def words(self, *, stops: bool = False) -> ResultTable:
        """Have a server answer word by word, over SSE and over a WebSocket.

        `stops`: whether it stops making words when the connection ends.
        """
        self._check_open()
        rows: list[list[Cell]] = []
        for way in CLIENTS:
            tap = f"words by {way}"
            server = WordServer(self._name(tap), stops=stops)
            with self._running, self._with_server(server, tap) as url:
                told = ask_for_words(server, _http(url), way, self._taps[tap].cut)
            rows.append([
                way,
                _ms(told.first_word),
                _ms(told.next_first_word),
                f"{told.made_in_vain}",
                _ms(told.came_back) if told.came_back else "never",
                f"{told.lost}",
                f"{told.doubled}",
            ])  # fmt: skip
        return ResultTable(
            [
                "way", "first word", "first word, second question", "made after cancelling",
                "back after a break", "words lost", "words doubled",
            ],
            rows,
            "words-table",
        )  # fmt: skip

    # --- Once

    def once(self) -> ResultTable:
        """Ask for the last 20 messages: by HTTP, by HTTP again, and over a WebSocket."""
        server = FeedServer(self._name("once"))
        with self._running, self._with_server(server, "once") as url:
            for number in range(20):
                server.publish(f"news {number + 1}")
            took = ask_once(server, _http(url), self.capture)
        rows: list[list[Cell]] = [
            [name, f"{one.bytes:,}", *_shares(one)] for name, one in took.items()
        ]
        return ResultTable(["asked by", "bytes", "heads", "cookies alone"], rows, "once-table")


def _http(url: str) -> str:
    return f"http://{urlsplit(url).netloc}/"


def _crossed(run: Run) -> Points:
    return [(when, total / 1000) for when, total in run.crossed]


def _waited(run: Run) -> Points:
    return [(number, 1000 * one.after) for number, one in enumerate(run.received, 1)]


def _told(run: Run) -> dict[str, str]:
    """What came of a run, by headings."""
    half, most = run.quantile(0.5), run.quantile(0.99)
    return {
        "messages": f"{len(run.received)}",
        "requests": f"{run.traffic.requests}",
        "bytes": f"{run.traffic.bytes:,}",
        "bytes a message": f"{run.bytes_each:,.0f}" if run.bytes_each else "-",
        "half came within": "-" if half is None else _ms(half),
        "99% within": _ms(most),
    }


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{1000 * seconds:,.{0 if seconds >= 0.01 else 1}f} ms"


def _parts(traffic: Traffic) -> dict[str, int]:
    """Where the bytes went."""
    rest = traffic.bytes - traffic.head - traffic.framing
    heads = traffic.head - traffic.cookies
    return {
        "heads": heads, "cookies": traffic.cookies, "framing": traffic.framing, "messages": rest,
    }  # fmt: skip


def _shares(traffic: Traffic) -> list[Cell]:
    heads, cookies = traffic.head / traffic.bytes, traffic.cookies / traffic.bytes
    return [Bar(heads, f"{heads:.0%}"), Bar(cookies, f"{cookies:.0%}")]


def _happened(run: Run) -> str:
    requests = run.traffic.requests
    if requests == 1:
        return _ONE
    far_from = {
        _CLOCK: abs(requests - run.seconds / run.interval),
        _EACH: abs(requests - len(run.received)),
    }
    return min(far_from, key=lambda guess: far_from[guess])


open = HttpVsWebSocket  # again: it replaces the one before
