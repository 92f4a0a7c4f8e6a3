"""The Node lesson: programs in Node as real processes, servers and clients, and how they end."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from IPython import get_ipython
from IPython.core.error import UsageError
from IPython.display import Code

from wslab.exercises.node import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.labs.matrix_board import board_of, suspects
from wslab.net import Client, NotRunning, Tap
from wslab.net.cases import WireLine
from wslab.net.matrix import Matrix
from wslab.net.node import (
    PROGRAMS,
    NodeMissing,
    NodeProgram,
    RecordedProgram,
    find_node,
    recorded_run,
    recorded_wire,
)
from wslab.net.servers import PAGES_FOLDER
from wslab.net.trials import PROGRAM_ENDS, EndSeen, ProgramEnd, end_program
from wslab.view import PageFrame, ProgramView, WireView
from wslab.view.experiments import (
    Board,
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Outcome,
    ResultTable,
    Words,
)

SETTLE = 3.0
"""Seconds that a `%%node` cell waits for its program to listen, or to end."""

OUTCOMES = ("1001: going away", "1006: no close frame", "1011: an error", "nothing: still OPEN")
"""What a guest may be told of a server's end."""

_ENDS = Words(
    title="ends",
    choose="Choose how the server's process shall end. Two guests are connected to it.",
    question="What will the guests be told?",
    press="End it",
    ready="a real process ends",
    waiting="It ends …",
    static="Choose how a server's process ends, say what its guests are told, and compare:",
)

WHY = {
    "SIGTERM": "The handler lets nobody new in and says goodbye to each guest: 1001, going away. "
    "When the last has answered, nothing is left to wait for, and Node ends by itself with exit "
    "code 0. This is called draining.",
    "SIGTERM, no handler": "Without a handler SIGTERM ends the process on the spot. The operating "
    "system ends its TCP connections; a close frame only the program could have written.",
    "SIGKILL": "No program can handle SIGKILL, so there is no goodbye whatever the code says.",
    "crash": "An error that nobody catches ends the whole process, and with it every guest's "
    "connection. Python's websockets catches it, and closes that one connection with 1011.",
    "hang": "Node runs your JavaScript on one thread. While a handler runs, nobody is read, no "
    "ping is answered, no timer fires; and TCP, which the system keeps alive, looks healthy.",
    "hang, then SIGTERM": "The handler of SIGTERM is JavaScript too, and waits for its turn on "
    "the same thread, for ever. That is why whoever stops servers has SIGKILL in reserve.",
}
"""By the name of the end."""


class Program:
    """What a `%%node` cell has started: a program, and the tap in front of its server."""

    def __init__(self, lab: Node, program: NodeProgram) -> None:
        self._lab = lab
        self._program = program
        self._tap: Tap | None = None

    @property
    def tap(self) -> Tap:
        """The tap in front of its server. Raises `NotRunning` if it listens on no port."""
        if self._tap is None or not self._tap.is_running:
            if not self._program.listens():
                raise NotRunning(
                    f"{self!r} does not listen: look at what it printed, mend its cell, and run "
                    "that cell again; then this one"
                )
            self._tap = self._lab.tap_before(self._program.url, self._program.name)
        return self._tap

    @property
    def url(self) -> str:
        """The address of its server, through the tap."""
        return self.tap.url

    @property
    def port(self) -> int:
        """The port of the tap."""
        return self.tap.port

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._program.pid

    @property
    def printed(self) -> list[str]:
        """The lines that it has printed."""
        return [line.text for line in list(self._program.lines)]

    def prints(self, text: str) -> None:
        """Wait until it has printed a line with this text: its lines come a moment later."""
        self._program.prints(text)

    def signal(self, name: str = "SIGTERM") -> None:
        """Send it a signal."""
        self._program.signal(name)

    def wait(self, timeout: float = 10.0) -> str:
        """Wait for its end, and say how it ended."""
        return self._program.wait(timeout)

    def stop(self) -> None:
        """End it."""
        self._program.stop()

    @contextmanager
    def fresh(self) -> Iterator[NodeProgram]:
        """The same program once more, in a process of its own, for a check."""
        with NodeProgram(self._program.source, f"{self._program.name} (check)") as program:
            yield program

    def __repr__(self) -> str:
        return f"<program {self._program.name!r} in Node: {self._program.state}>"


class Missing:
    """In place of a program, where Node is missing: what it printed in a recorded run."""

    def __init__(self, recorded: RecordedProgram, why: NodeMissing) -> None:
        self._why = why
        self.printed = [line.text for line in recorded.lines]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._why


class Node(Lesson):
    """The lab of the Node lesson, which teaches `%%node` and `%%browser` to the notebook.

    Its own server, in Python, is the one to which clients in Node go.
    """

    questions = QUESTIONS
    predicts: ClassVar = {"ends": "What are a server's guests told when its process ends?"}

    def _set_up(self) -> None:
        self._programs: dict[str, NodeProgram] = {}
        self._everybody = Matrix(self.capture)
        self._resources.callback(self._everybody.stop)
        self._teach_browser_cells()
        if (shell := get_ipython()) is not None:
            shell.register_magic_function(self._node_cell, "cell", "node")

    # --- Programs in Node

    def _node_cell(self, line: str, cell: str) -> ProgramView:
        """%%node NAME: run the cell's JavaScript in Node, in a process of its own.

        NAME becomes a variable in Python: `NAME.url`, `NAME.printed`, `NAME.signal("SIGTERM")`.
        The program finds the package `ws`, and the address of the lab's server in `url`. To run the
        cell again ends it and starts the new text; it ends with the lab, and with the kernel.
        """
        name = line.strip()
        if not name.isidentifier() or keyword.iskeyword(name) or name == "lab":
            raise UsageError(
                f"%%node: expected a name for the program behind it, such as %%node server; "
                f"got {name!r}"
            )
        shell = get_ipython()
        assert shell is not None
        try:
            shell.user_ns[name] = program = self.node(cell, name)
        except NodeMissing as why:
            print(why)
            recorded = RecordedProgram(name)
            shell.user_ns[name] = Missing(recorded, why)
            return self._show(ProgramView(recorded), name)
        return self._show(ProgramView(program._program), name)

    def node(self, source: str, name: str = "server") -> Program:
        """Run JavaScript in Node, in place of the program of that name. `%%node` calls this.

        Raises `NodeMissing`, with the command that installs it.
        """
        return self._run(NodeProgram(source, name, url=self.url))

    def _run(self, program: NodeProgram) -> Program:
        program.start()
        self._programs[program.name] = program
        self._resources.callback(program.stop)
        running = Program(self, program)
        if program.listens(SETTLE):
            running.tap  # noqa: B018 (it is there from now on, also for names on the wire)
        return running

    def code_of(self, file: str) -> Code:
        """Show one of this lesson's own programs, as it runs here."""
        return Code((PROGRAMS / file).read_text("utf-8"), language="javascript")

    def wire(self, **options: Any) -> WireView:
        # Servers in Node come and go: the name of one would be wrong for the others.
        options = {"server_label": "server", **options}
        if self._is_recorded():
            return self._show(WireView(recorded_wire(), **options))
        return super().wire(**options)

    def _is_recorded(self) -> bool:
        """Whether a recorded run takes the place of a live one; then says so, and why."""
        try:
            find_node()
        except NodeMissing as why:
            print(f"RECORDED, not live ({recorded_run()['versions']}). {why}")
            return True
        return False

    # --- The chat

    def chat(self) -> Program:
        """Start the chat of `chat.js`, in place of an earlier one."""
        source = (PROGRAMS / "chat.js").read_text("utf-8")
        program = NodeProgram(source, "chat", variables={"PAGES": str(PAGES_FOLDER)})
        self._chat = self._run(program)
        return self._chat

    def join(self, name: str) -> Client:
        """A Python client in that chat."""
        client = self._client(f"{name} (code)", wire_name=name)
        return client.connect(f"{self._chat.url}chat?name={quote(name)}")

    def page(self, name: str) -> PageFrame:
        """The chat's page, in a frame, joined as `name`."""
        frame = PageFrame(self._chat.port, f"/?name={quote(name)}", title="the chat's page")
        self._resources.callback(frame.close)
        return frame

    # --- Node as a client

    def two_clients(self) -> ResultTable:
        """Let `ws` and the WebSocket of Node itself have the same talk, and compare."""
        headings = ["", "ws", "Node's own WebSocket"]
        if self._is_recorded():
            return ResultTable(headings, recorded_run()["two_clients"])
        source = (PROGRAMS / "two_clients.js").read_text("utf-8")
        with NodeProgram(source, "two_clients", url=self.url) as program:
            program.wait()
            said = [json.loads(line.text) for line in program.lines if line.name == "out"]
        found: dict[str, dict[str, str]] = {}
        for who, what, answer in said:
            found.setdefault(what, {})[who] = answer
        found["an error says"] = found.pop("an error says")  # it came in between: now last
        rows = [[what, by["ws"], by["own"]] for what, by in found.items()]
        return ResultTable(headings, rows)

    def request_of(self, name: str) -> str:
        """The request of the last connection of that name, as it crossed."""
        index = self.capture.index
        for row in reversed(index.rows()):
            if row.kind == "request" and self.capture.label(row.connection).endswith(f" {name}"):
                return index.unit(row.number).data.decode("latin-1")
        raise LookupError(f"no {name} has connected yet: run its cell first, then this one")

    # --- The end of a process

    def ends(self) -> Gallery:
        """A gallery of ends of a server's process: predict what its guests are told."""
        experiments = [self._experiment(end) for end in PROGRAM_ENDS.values()]
        return self._show(self._noted(Gallery(experiments, "ends", _ENDS), "ends"))

    def end(self, name: str) -> EndSeen:
        """End a server's process in one of these ways, and return what its guests saw."""
        if self._is_recorded():
            return _recorded_end(name)
        return end_program(PROGRAM_ENDS[name], self.capture)

    def _experiment(self, end: ProgramEnd) -> Experiment:
        def run(choice: Choice) -> Outcome:
            self._check_open()
            try:
                return told(end_program(end, self.capture))
            except NodeMissing as why:
                note = f"*RECORDED, not live* ({recorded_run()['versions']}). {why}"
                return replace(told(_recorded_end(end.name)), note=note)

        return Experiment(end.name, end.what, run, predictions=OUTCOMES, why=WHY[end.name])

    # --- Everybody with everybody

    def matrix(self, row: str | None = None) -> Board:
        """The board: every client with every server in every situation. Runs that row at once."""
        board = self._show(board_of(self._everybody), "matrix")
        if row is not None:
            board.start(row)
        return board

    def suspects(self) -> ResultTable:
        """What four clients have sent, recorded, for the trace exercise: who is who?"""
        return suspects()


def _recorded_end(name: str) -> EndSeen:
    process, printed, python, code, node, wire = recorded_run()["end"][name]
    # Its rows are in no wire view.
    lines = tuple(WireLine(*line)._replace(row=None) for line in wire)
    return EndSeen(process, tuple(printed), python, code, node, lines)


def told(seen: EndSeen) -> Outcome:
    """What was seen of an end, as columns."""
    crossed = [
        Line(line.text, direction=line.direction, kind=line.kind, row=line.row)
        for line in seen.wire
        if line.kind not in ("request", "response")
    ]
    printed = [text.strip() for text in seen.printed]
    process = [Line(text) for text in printed if text.strip("^")][:4]  # not all of a stack
    return Outcome(
        [
            Column("wire", "on the wire, to and from Python", crossed),
            Column("python", "the guest in Python", head=seen.python),
            Column("node", "the guest in Node", head=seen.node),
            Column("process", "the server's process", process, head=seen.process),
        ],
        happened=next((one for one in OUTCOMES if one.startswith(str(seen.code))), OUTCOMES[-1]),
        result=seen,
    )


open = Node  # again: it replaces the one before
