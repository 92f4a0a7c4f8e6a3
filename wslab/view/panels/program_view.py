"""The view of a program that runs beside the kernel: what it prints, and whether it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import traitlets

from ..live.assets import script, style
from ..live.live_view import LiveView
from ..live.saved import account
from .client import Event, Events, Log, shortened


class Program(Protocol):
    """What the view needs of a program; `wslab.net.node.NodeProgram` has it."""

    name: str

    @property
    def lines(self) -> Sequence[Event]: ...  # `name` is "out" or "err"
    @property
    def state(self) -> str: ...
    @property
    def is_running(self) -> bool: ...
    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]: ...


class ProgramView(LiveView):
    """A program's state and the lines that it prints, errors marked, the newest last."""

    _esm = script("panels/program_view.js")
    _css = style("panels/program_view.css")
    _name = traitlets.Unicode().tag(sync=True)

    def __init__(self, program: Program, **traits: Any) -> None:
        self.program = program
        self._log = Log()
        self._printed = Events(lambda: program.lines)
        self._told: list[Any] | None = None
        self._unsubscribe = program.subscribe(self.tell)
        super().__init__(_name=program.name, **traits)

    def unsubscribe(self) -> None:
        self._unsubscribe()

    def ask(self, question: dict[str, Any]) -> None:
        if question["do"] == "hello":
            self._log.again()
            self._told = None

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        # The state first: what it printed before its end has been read by then.
        state = [self.program.state, self.program.is_running]
        if state != self._told:
            self._told = state
            content["state"] = state
        self._read_lines()
        self._log.news(content, "lines")
        return None

    def static(self) -> dict[str, str]:
        self._read_lines()
        return account(
            "program",
            f"node · {self.program.name}: {self.program.state}",
            "The program runs where a kernel does: run this cell again.",
            [text for _, _, text in self._log.lines()],
        )

    def _read_lines(self) -> None:
        for line in self._printed.new():
            self._log.add([line.time, line.name, shortened(line.text)])
