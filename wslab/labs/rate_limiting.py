"""The rate limiting lesson: where bytes wait for a slow reader, and what a server may refuse."""

from __future__ import annotations

import inspect
import re
import textwrap
import threading
from collections.abc import Callable
from typing import ClassVar

from wslab.exercises.rate_limiting import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net.peers import RawToServer, TellingEchoServer
from wslab.net.trials import (
    IS_TOLD,
    MESSAGE_SIZE,
    SENDERS,
    STEADY,
    Bucket,
    Sent,
    SlowReader,
    TokenBucket,
    Waiting,
    WorkingServer,
    measure_all,
    measure_fairness,
    measure_sender,
)
from wslab.view.experiments import (
    Cell,
    Chart,
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Outcome,
    ResultTable,
    Words,
)
from wslab.wire import encode_frame

PLACES = ("sender's library", "sender's system", "the tap", "reader's system", "reader's library")
"""Where bytes wait, in the order in which they pass."""

LIMIT = 64 * 1024
"""Bytes of the largest message that the server of `sizes` takes."""

_SENDERS = Words(
    title="senders",
    choose="Choose a sender.",
    question="What will happen?",
    press="Send",
    ready="let it send 500 messages to the slow reader",
    waiting="It is sending: watch the chart …",
    static="Choose a sender, say what will happen, let it send for real, and compare:",
)
_ALL = "Nearly all of it waits in the sender's memory"
_SOME = "The sender holds a little, and the reader is never short of messages"
_NONE = "The sender holds next to nothing, and the reader mostly waits for messages"


class RateLimiting(Lesson):
    """The lab of the rate limiting lesson: its server's program takes 250 messages a second."""

    questions = QUESTIONS
    predicts: ClassVar = {"senders": "What does each way of sending hold in memory?"}
    server: SlowReader

    def _make_server(self) -> SlowReader:
        return SlowReader(self._name("slow reader"))

    def _set_up(self) -> None:
        self._sending = threading.Lock()
        self._sent: dict[str, Sent] = {}
        self._chart: Chart | None = None
        self._teach_browser_cells()

    # --- Where bytes wait

    def places(self, *, tap: bool = False) -> Chart:
        """A chart of the bytes that wait, by place; from now on each run is drawn in it, live.

        `tap`: with a band for what waits at the tap.
        """
        places = [place for place in PLACES if tap or place != "the tap"]
        if not IS_TOLD:
            places = [PLACES[0], "the systems and the tap" if tap else "both systems", PLACES[-1]]
        self._chart = Chart("bytes that wait", y="kB", kind="stacked", series=places, most=3000)
        return self._show(self._chart)

    def send(self, sender: str = STEADY, *, reads: bool = True, tap: bool = False) -> Sent:
        """Let a sender send 500 messages of 4,096 bytes for 3 s at the most, and see what arrives.

        `reads`: False for a reader that takes nothing at all, where 1 s is enough. `tap`: send
        through the tap, and not straight to the server. Raises KeyError for a sender that is not in
        `SENDERS`.
        """
        self._check_open()
        with self._sending:  # a button and a cell may start one at the same time
            if self._chart is not None:
                self._chart.clear()
            if reads:
                url = self.url if tap else self.server_url
                sent = measure_sender(self.server, sender, url=url, on_look=self._draw)
            else:
                with SlowReader(self._name("reads nothing"), rate=0.0) as server:
                    sent = measure_sender(server, sender, seconds=1.0, on_look=self._draw)
        name = ", ".join([sender, *(["through the tap"] * tap), *(["never read"] * (not reads))])
        self._sent[name] = sent = sent._replace(sender=name)
        return sent

    def _draw(self, waiting: Waiting) -> None:
        chart = self._chart
        if chart is None:
            return
        sent, unread = waiting.sender_system, waiting.reader_system
        between = [waiting.systems]
        if sent is not None and unread is not None:
            # What is in neither system is at the tap, or is the header of a frame just being read.
            between = [
                sent,
                *([max(0, waiting.systems - sent - unread)] * ("the tap" in chart.names)),
                unread,
            ]
        parts = [waiting.sender_library, *between, waiting.reader_library]
        for name, count in zip(chart.names, parts, strict=True):
            chart.add(name, waiting.at, count / 1000)

    def senders(self) -> Gallery:
        """A gallery of the ways to send: predict what each holds in memory, and compare."""
        experiments = [self._experiment(name) for name in SENDERS]
        return self._show(self._noted(Gallery(experiments, "senders", _SENDERS), "senders"))

    def _experiment(self, name: str) -> Experiment:
        def run(_: Choice) -> Outcome:
            sent = self.send(name)
            lines = [
                Line(text, label)
                for label, text in zip(_HEADINGS[1:], _told(sent), strict=True)
                if text
            ]
            return Outcome([Column("sent", "", lines)], _happened(sent), result=sent)

        return Experiment(
            name,
            f"500 messages of {MESSAGE_SIZE:,} bytes to a reader that takes 250 a second",
            run,
            predictions=(_ALL, _SOME, _NONE),
            code=_code(name),
        )

    def compare(self) -> ResultTable:
        """Let all senders send at the same time, each on a connection of its own, and compare."""
        self._check_open()
        with self._sending:
            self._sent |= measure_all(self.server)
        return self.results()

    def results(self) -> ResultTable:
        """What came of every sender so far, those in the page too."""
        reports = {report.sender: report for report in self.server.reports}
        rows: list[list[Cell]] = [
            [name, *_told(sent)] for name, sent in {**self._sent, **reports}.items()
        ]
        return ResultTable(_HEADINGS, rows, "senders-table")

    # --- What a server may refuse

    def sizes(self) -> ResultTable:
        """Send messages that a server does and does not take; what it said, and when."""
        large, small = bytes(LIMIT + 1), bytes(LIMIT // 2)
        trials = {
            "one frame of 65,536 bytes": [encode_frame(2, bytes(LIMIT), masking_key=b"key!")],
            "one frame of 65,537 bytes": [encode_frame(2, large, masking_key=b"key!")],
            "three fragments of 32,768 bytes": [
                encode_frame(2 if n == 0 else 0, small, fin=n == 2, masking_key=b"key!")
                for n in range(3)
            ],
            "a header that announces a terabyte": [
                b"\x82\xff" + (2**40).to_bytes(8, "big") + b"key!"
            ],
        }
        rows: list[list[Cell]] = []
        server = TellingEchoServer(self._name("sizes"), max_size=LIMIT)
        with self._with_server(server, "sizes") as url:
            for what, frames in trials.items():
                peer = RawToServer(url, server, "sizes")
                try:
                    reaction = peer.send(b"".join(frames))
                finally:
                    peer.close()
                answer = reaction.frames[-1] if reaction.frames else "nothing"
                if answer.startswith("binary"):
                    answer = "the same message"
                rows.append([what, f"{sum(map(len, frames)):,}", answer])
        return ResultTable(["sent", "bytes", "the server's answer"], rows)

    def fairness(self, bucket: Callable[[float, float], Bucket] = TokenBucket) -> ResultTable:
        """How long a quiet client waits: alone, beside a fast one, and with a bucket for each.

        `bucket(rate, burst)` makes one, with a method `take(now)`.
        """
        trials = [
            ("nobody", False, None),
            ("a fast client, and no limit", True, None),
            ("a fast client, and a bucket for each", True, lambda: bucket(50, 20)),
        ]
        rows: list[list[Cell]] = []
        for beside, flood, guard in trials:
            server = WorkingServer(self._name("work"), guard)
            with self._with_server(server, "work") as url:
                fared = measure_fairness(server, url, flood=flood)
            told = "-" if not flood else str(fared.code or "nothing")
            rows.append([beside, f"{fared.worst * 1000:,.0f} ms", f"{fared.worked:,}", told])
        headings = ["beside the quiet client", "its longest wait", "worked on for the other"]
        return ResultTable([*headings, "the other was told"], rows)


def _code(sender: str) -> str:
    """What runs, without what it is called and without words to our own tools."""
    _, _, body = inspect.getsource(SENDERS[sender]).partition('"""\n')
    return re.sub(r" +# noqa.*", "", textwrap.dedent(body)).rstrip()


_HEADINGS = ["sender", "most in its memory", "arrived", "after", "the reader was idle", ""]


def _told(sent: Sent) -> list[str]:
    return [
        f"{sent.most / 1000:,.0f} kB",
        f"{sent.arrived:,} of {sent.offered:,}",
        f"{sent.seconds:.1f} s",
        f"{sent.idle:.0%}",
        sent.ending,
    ]


def _happened(sent: Sent) -> str:
    if sent.most > sent.offered * MESSAGE_SIZE / 2:
        return _ALL
    return _NONE if sent.idle > 0.5 else _SOME


open = RateLimiting  # again: it replaces the one before
