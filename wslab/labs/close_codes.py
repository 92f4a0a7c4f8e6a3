"""The lesson of the close codes: an echo server, and every way in which a connection can end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from websockets.version import version

from wslab.exercises.close_codes import QUESTIONS
from wslab.labs.lesson import Lab
from wslab.net import Client, EchoServer, WslabError
from wslab.net.cases.endings import ENDINGS, Ending, Result, name_of, play
from wslab.net.peers import LibraryPeers, NodeMissing, NodePeers, PeerReport, Peers, find_node
from wslab.view.experiments import (
    Choice,
    CodeTable,
    Column,
    Experiment,
    Gallery,
    Line,
    Mark,
    Outcome,
    ResultTable,
    Words,
)
from wslab.wire import close_code

MYSTERY = "reason-not-utf8"
"""The ending of the trace exercise."""

_ENDINGS = Words(
    title="endings",
    choose="Choose how it shall end. It happens for real, between live peers.",
    press="",
    waiting="it is happening …",
    failed="the play itself failed",
    noun="ending",
    static="Endings, each made to happen by a button:",
)


class CloseCodesLab(Lab):
    """The lab of the close codes."""

    def __init__(self) -> None:
        super().__init__("close_codes", EchoServer("close codes: echo"), QUESTIONS)
        self._peers: dict[str, Peers] = {}
        self._playing = threading.Lock()

    def codes(self, *codes: int) -> CodeTable:
        """The registry, or the given codes of it: who sends it, what it means, what to do next."""
        return CodeTable(codes or None)

    # --- The gallery

    @property
    def stacks(self) -> dict[str, str]:
        """The libraries that can play here; one that cannot says why, after a "-"."""
        stacks = {"websockets": f"websockets {version} (Python)"}
        try:
            stacks["ws"] = f"ws {find_node().version} (Node)"
        except NodeMissing as missing:
            stacks["ws"] = f"-{missing}"
        return stacks

    def endings(self) -> Gallery:
        """The gallery: a button for each ending, played for real, in three columns."""
        endings = [self._experiment(ending) for ending in ENDINGS.values()]
        return self._show(Gallery(endings, "endings", _ENDINGS, stacks=self.stacks))

    def _experiment(self, ending: Ending) -> Experiment:
        def run(choice: Choice) -> Outcome:
            return told(self._play(ending.name, choice.stack))

        return experiment(ending, run)

    def ending(self, ending: int | str, stack: str = "websockets") -> Result:
        """Make one ending happen, by code or name, with peers on `stack`; print it for its story.

        Raises KeyError for one that is not in the gallery, `NodeMissing` for `stack="ws"` where
        Node or its package is not installed.
        """
        result = self._play(name_of(ending), stack)
        for view in self._views.values():
            if isinstance(view, Gallery) and result.name in view.experiments:
                view.show(result.name, told(result), stack)
        return result

    def _play(self, name: str, stack: str) -> Result:
        with self._playing:  # a button and a cell may come at the same time
            return play(ENDINGS[name], self._peers_on(stack), self.capture)

    def _peers_on(self, stack: str) -> Peers:
        if stack not in ("websockets", "ws"):
            raise KeyError(f"expected the stack 'websockets' or 'ws', got {stack!r}")
        self._check_open()
        if stack not in self._peers:
            self._peers[stack] = LibraryPeers() if stack == "websockets" else NodePeers()
            self._ends.callback(self._peers[stack].stop)
        return self._peers[stack]

    # --- What the APIs let pass

    def try_close(self, *codes: int, reason: str = "") -> ResultTable:
        """Let each API close connections of its own with these codes: which it takes, which not."""
        ways: dict[str, Callable[[int, str], str]] = {
            "a browser's rules (wslab's client)": self._close_by_client,
            "websockets": lambda code, why: self._close_by("websockets", code, why),
        }
        if not self.stacks["ws"].startswith("-"):
            ways["ws"] = lambda code, why: self._close_by("ws", code, why)
        rows = [[f"close({code})", *(way(code, reason) for way in ways.values())] for code in codes]
        return ResultTable(["", *ways], rows)

    def _close_by_client(self, code: int, reason: str) -> str:
        with Client(self.url, name="close codes tries").connect() as client:
            try:
                client.close(code, reason)
            except WslabError as error:
                return f"✗ {type(error).__name__}: {str(error).partition(':')[0]}"
            return "✓ sent"

    def _close_by(self, stack: str, code: int, reason: str) -> str:
        with self._playing:
            peers = self._peers_on(stack)
            try:
                peers.connect(self.url)
                peers.close("client", code, reason)
                said = peers.report("client", 0.5).said
            finally:
                peers.reset()
        for text in said:
            call, _, error = text.replace(" threw ", " raised ").partition(" raised ")
            if call.startswith("close("):
                return f"✗ {error}"
        return "✓ sent"

    # --- Exercises

    def mystery(self) -> Result:
        """An ending for the trace exercise: only its wire is shown, without the client's code."""
        result = self._play(MYSTERY, "websockets")
        for line in result.wire:
            arrow = "client ──▶" if line.direction == "client" else "◀── server"
            mark = "   ⚠ broken" if line.broken else ""
            asked = (line.kind, line.direction) == ("close", "client")
            print(f"{arrow}  {'close ?' if asked else line.text}{mark}")
        return result


def experiment(ending: Ending, run: Callable[[Choice], Outcome]) -> Experiment:
    """An ending as the gallery shows it."""
    code = None if ending.code is None else close_code(ending.code)
    return Experiment(
        ending.name,
        ending.what,
        run,
        title=ending.title,
        group="other endings" if code is None else "close codes",
        why=ending.why,
        rfc=ending.rfc,
        tag="" if code is None or code.sendable else "never sent",
        about=""
        if code is None
        else f"Sent by: {code.who}. It means: {code.meaning}. Connect again: {code.reconnect}. "
        f"Then: {code.then}.",
        difference=ending.difference,
    )


def told(result: Result) -> Outcome:
    """What came of an ending, as three columns."""
    wire = [
        Line(line.text, direction=line.direction, kind=line.kind, row=line.row, broken=line.broken)
        for line in result.wire
    ]
    fine = result.as_documented
    return Outcome(
        [
            Column("wire", "on the wire", wire),
            _column("client", result.client),
            _column("server", result.server),
        ],
        mark=Mark("✓ as documented" if fine else "⚠ not as documented", fine),
        seconds=result.seconds,
        data={"as-documented": str(fine).lower()},
        result=result,
    )


def _column(peer: str, report: PeerReport) -> Column:
    lines = [Line(report.reason, label="reason")] if report.reason else []
    lines += [Line(text) for text in report.said]
    data = {
        "code": "none" if report.code is None else str(report.code),
        "clean": "null" if report.clean is None else str(report.clean).lower(),
        "raw": str(report.raw).lower(),
    }
    if report.raw:
        return Column(peer, f"the {peer}, a raw peer (no API), heard", lines, data=data)
    clean = report.clean
    return Column(
        peer,
        f"what the {peer}'s API says",
        lines,
        head="no code" if report.code is None else str(report.code),
        detail="" if report.code is None else close_code(report.code).name or "",
        mark=None if clean is None else Mark("✓ clean" if clean else "✗ not clean", clean),
        data=data,
    )


def open() -> CloseCodesLab:
    """Start the lab; opening it again replaces the one before."""
    return CloseCodesLab()
