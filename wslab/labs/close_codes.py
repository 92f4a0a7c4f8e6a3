"""The lesson of the close codes: an echo server, and every way in which a connection can end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from websockets.version import version

from wslab.exercises.close_codes import QUESTIONS
from wslab.labs.lesson import Lab
from wslab.net import Client, EchoServer, WslabError
from wslab.net.cases.endings import ENDINGS, Result, name_of, play
from wslab.net.peers import LibraryPeers, NodeMissing, NodePeers, Peers, find_node
from wslab.view.experiments.endings import CodeTable, Endings
from wslab.view.experiments.result_table import ResultTable

MYSTERY = "reason-not-utf8"
"""The ending of the trace exercise."""


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

    def endings(self) -> Endings:
        """The gallery: a button for each ending, played for real, in three columns."""
        return self._show(Endings(list(ENDINGS.values()), self.stacks, self._play))

    def ending(self, ending: int | str, stack: str = "websockets") -> Result:
        """Make one ending happen, by code or name, with peers on `stack`; print it for its story.

        Raises KeyError for one that is not in the gallery, `NodeMissing` for `stack="ws"` where
        Node or its package is not installed.
        """
        result = self._play(name_of(ending), stack)
        for view in self._views.values():
            if isinstance(view, Endings):
                view.show(result)
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


def open() -> CloseCodesLab:
    """Start the lab; opening it again replaces the one before."""
    return CloseCodesLab()
