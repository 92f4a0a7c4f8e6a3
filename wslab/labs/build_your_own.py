"""The build your own lesson: the ladder, the learner's own server, and the suite that tries it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from IPython.display import Code

from wslab.conformance import CASES, GROUPS, cases_for, check_server
from wslab.conformance import Verdict as Judged
from wslab.exercises.build_your_own import QUESTIONS, RUNGS, ladder
from wslab.exercises.learner_server import HELD_UP, StreamServer, Talk
from wslab.labs.lesson import Lesson
from wslab.net.cases import wire_lines
from wslab.net.servers import http_response, page_folder
from wslab.view import PageFrame
from wslab.view.experiments import (
    Board,
    BoardColumn,
    BoardRow,
    CellOutcome,
    Column,
    InPage,
    Line,
    Note,
    Verdict,
)

YOURS = "yours"
"""The name of the only column of both boards, and of the tap before the learner's server."""

RUNG_VERDICTS = (
    Verdict("climbed", "yours", "✓", "green", "its check has passed: the server uses your code"),
    Verdict("open", "not yet", "…", "orange", "its check has found something"),
)

SUITE_VERDICTS = (
    Verdict("pass", "pass", "✓", "green", "as the RFC says"),
    Verdict("unusual", "unusual", "≈", "orange", "not as a server should, but it may"),
    Verdict("fail", "fail", "✗", "alarm", "as no server may"),
    Verdict("skipped", "skipped", "–", "grey", "cannot be tried with this server"),
)


class BuildYourOwn(Lesson):
    """The lab of the build your own lesson."""

    questions = QUESTIONS

    def _set_up(self) -> None:
        self.yours: StreamServer | None = None
        """The learner's server, as long as it runs; it shows what went wrong in its code."""
        self._resources.callback(self._stop_yours)

    # --- The ladder

    def ladder(self) -> Board:
        """The eight rungs; each lights when its check has passed. A click shows what was said."""
        rows = [BoardRow(title, "your server") for title in RUNGS]
        board = Board(
            rows, [BoardColumn(YOURS)], self._try_rung, "ladder",
            title="the ladder", verdicts=RUNG_VERDICTS,
        )  # fmt: skip

        def light(name: str) -> None:
            (rung,) = (title for title, names in RUNGS.items() if name in names)
            board.show((rung, YOURS), _rung(rung))

        for rung, names in RUNGS.items():
            if any(name in ladder.tried for name in names):
                board.show((rung, YOURS), _rung(rung))
        ladder.on_try = light
        self._resources.callback(lambda: setattr(ladder, "on_try", lambda name: None))
        return self._show(board, "ladder")

    def _try_rung(self, rung: str, column: str, in_page: InPage) -> CellOutcome:
        for name in RUNGS[rung]:
            ladder.try_again(name)
        return _rung(rung)

    # --- The learner's server

    def listen(self, talk: Talk) -> str:
        """Run the learner's server behind a tap, in place of the one before; its address."""
        self._stop_yours()
        self.yours = StreamServer(talk).start()
        return self.tap_before(self.yours.url, YOURS).url

    def _stop_yours(self) -> None:
        if self.yours is not None:
            self.yours.stop()
            self.yours = None

    def code_of(self, *things: Any) -> Code:
        """Show the code of functions, as it runs here."""
        return Code("\n\n".join(map(inspect.getsource, things)), language="python")

    def page(self, request: bytes) -> bytes | None:
        """The chat's page, if that is what a request asks for, as a whole response."""
        if b"\r\nupgrade:" in request.lower():
            return None
        path = [*request.split(b" "), b""][1].decode("latin-1").partition("?")[0]
        return http_response(path, page_folder("chat_page", "chat.js"))

    def name_in(self, request: bytes) -> str:
        """The name that somebody has in the chat: the path ends in ?name=Ada."""
        query = request.split(b" ")[1].decode("latin-1").partition("?")[2]
        return parse_qs(query).get("name", ["guest"])[0][:32]

    def guest(self, name: str) -> PageFrame:
        """The chat's page, served by the learner's server, with somebody in it. Raises LookupError
        where that server does not run."""
        if self.yours is None:
            raise LookupError("your server does not run: run the cell with lab.listen(...) first")
        port = self._taps[YOURS].port
        frame = PageFrame(port, f"/?name={name}", title="the chat's page", socket="/chat")
        self._resources.callback(frame.close)
        return frame

    # --- The suite

    def conformance(self) -> Board:
        """Every case of the suite for servers, each to be played with a new server that is made of
        what is on the ladder then, and echoes."""
        rows = [
            BoardRow(case.name, group, f"The client {case.what}.", case.why, case.section)
            for group, cases in GROUPS.items()
            for case in (CASES[f"{group}-{one.name}"] for one in cases)
            if "client" in case.by
        ]
        board = Board(
            rows, [BoardColumn(YOURS)], self._play, "conformance",
            title="your server and the RFC", verdicts=SUITE_VERDICTS,
        )  # fmt: skip
        return self._show(board, "conformance")

    def _play(self, case: str, column: str, in_page: InPage) -> CellOutcome:
        with StreamServer(ladder.server()) as server:
            (judged,) = check_server(
                server.port, cases_for("server", case), patience=3 * HELD_UP
            ).verdicts  # a loop without an end is noticed before
        return _suite(judged, server.told())


def _rung(rung: str) -> CellOutcome:
    """What has come of a rung."""
    notes = []
    for name in RUNGS[rung]:
        if name in ladder.tried:
            said = ladder.tried[name][1]
            hint = f"Hint: {said.hint}" if said.hint else ""
            words = (f"*{name}*: {said.text}", said.misconception, hint)
            notes.append(Note(" ".join(filter(None, words)), said.rfc))
    climbed = all(name in ladder.yours for name in RUNGS[rung])
    if not notes:
        notes = [Note("Nothing has been tried here yet: write the function, and run its check.")]
    return CellOutcome("climbed" if climbed else "open", notes=notes)


def _suite(judged: Judged, faults: Sequence[str]) -> CellOutcome:
    """What has come of a case of the suite."""
    notes = [Note(judged.why[:1].upper() + judged.why[1:], judged.rfc)] if judged.why else []
    notes += [Note(f"Your code {one}.") for one in faults]
    lines = []
    if judged.capture is not None:
        for one in wire_lines(judged.capture, 1):
            text = one.text
            if one.row is not None and one.kind not in ("request", "response"):
                data = judged.capture.index.unit(one.row).data
                text += f" · {data[:12].hex(' ')}{' …' if len(data) > 12 else ''}"
            lines.append(Line(text, direction=one.direction, kind=one.kind, broken=one.broken))
    columns = [Column("wire", "what crossed", lines)] if lines else []
    return CellOutcome(
        judged.word, columns=columns, notes=notes, seconds=judged.seconds, result=judged
    )


open = BuildYourOwn  # again: it replaces the one before
