"""A board: a grid of cells to run, one after the other; each opens on what was seen.

    Board(rows, columns, run, "matrix", title="everybody with everybody")

Rows are what is tried, columns are whom it is tried with. With a single column, the cells of a
group stand side by side, each with its row's name: so a suite of hundreds of cases is one page.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import traitlets

from wslab.wire import PALETTE

from ..live.assets import script, style
from ..live.batches import link
from ..live.clicks import one_line
from ..live.jobs import Jobs
from ..live.live_view import LiveView
from ..live.static_html import reference
from .columns import Column
from .page_runs import InPage, PageRuns


@dataclass(frozen=True)
class Verdict:
    """One of the judgements that a cell can get."""

    name: str
    word: str
    sign: str
    """One character: colour is never the only sign."""
    colour: str
    """Its name in `wslab.wire.PALETTE`."""
    meaning: str
    """What it says, for the legend."""


@dataclass(frozen=True)
class BoardRow:
    """What is tried."""

    name: str
    group: str = ""
    what: str = ""
    """What happens, in one sentence."""
    rule: str = ""
    """What a standard says about it, in one sentence."""
    rfc: str = ""
    """Where it says so."""


@dataclass(frozen=True)
class BoardColumn:
    """Whom it is tried with."""

    name: str
    title: str = ""
    group: str = ""


@dataclass(frozen=True)
class Compared:
    """One thing that was expected, beside what was seen."""

    label: str
    expected: str
    seen: str
    same: bool


@dataclass(frozen=True)
class Note:
    """A sentence about the outcome, and where it stands."""

    text: str
    rfc: str = ""


@dataclass(frozen=True)
class CellOutcome:
    """What came of one cell."""

    verdict: str
    """The name of a `Verdict`."""
    compared: Sequence[Compared] = ()
    columns: Sequence[Column] = ()
    notes: Sequence[Note] = ()
    recorded: str = ""
    """When and where it was recorded; "" if it has just been seen here."""
    seconds: float | None = None
    word: str = ""
    """What the cell shows in place of the verdict's word."""
    result: Any = None
    """The lesson's own record, for code; it is not sent to the page."""


PAGE_COMES = 3.0
"""Seconds that a run waits, once, for the page in which its board is about to be shown."""

Place = tuple[str, str]
"""A cell: the names of its row and its column."""

Run = Callable[[str, str, InPage], CellOutcome]
"""Runs the cell of a row and a column, and waits for its end. The third argument runs functions in
the page."""


class Board(LiveView):
    """A grid of cells to run, by hand or all of them, that shows how each came out.

    `kind` names the board in the page (`data-wslab`), `corner` says what the columns are. Cells run
    one after the other, on a thread.
    """

    _esm = script("experiments/board.js")
    _css = style("experiments/board.css")
    _board: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        rows: Sequence[BoardRow],
        columns: Sequence[BoardColumn],
        run: Run,
        kind: str,
        *,
        title: str,
        verdicts: Sequence[Verdict],
        note: str = "",
        corner: str = "",
        **traits: Any,
    ) -> None:
        self.rows = {row.name: row for row in rows}
        self.columns = {column.name: column for column in columns}
        self.outcomes: dict[Place, CellOutcome] = {}
        """The last outcome of each cell that has run."""
        self._verdicts = {verdict.name: verdict for verdict in verdicts}
        self._cell: Run | None = run
        self._title = title
        self._waiting: deque[tuple[Place, str | None]] = deque()  # and the page that asked
        self._state = threading.Lock()
        self._running: Place | None = None
        self._page_here = threading.Event()
        self._jobs = Jobs()
        self._page_runs = PageRuns(self.tell)
        self._changed: dict[Place, None] = {}  # since the last news, in order
        self._opened: deque[tuple[str, Place]] = deque()
        super().__init__(
            _board={
                "kind": kind,
                "title": title,
                "note": note,
                "corner": corner,
                "rows": [{**asdict(row), "url": link(row.rfc)} for row in rows],
                "columns": [asdict(column) for column in columns],
                "verdicts": [asdict(verdict) for verdict in verdicts],
            },
            **traits,
        )

    # -- for code --------------------------------------------------------------------------------

    def run(self, row: str | None = None, column: str | None = None) -> dict[Place, Any]:
        """Run a row, a column, one cell or (with neither) all, here and now.

        Returns each cell's result. Raises KeyError for a name that is not on the board.
        """
        page = next(iter(self._pages), None)
        return {place: self._run(place, page).result for place in self._places(row, column)}

    def start(self, row: str | None = None, column: str | None = None) -> None:
        """The same in the background, as a click does it."""
        self._start(self._places(row, column), None)

    def _places(self, row: str | None, column: str | None) -> list[Place]:
        for name, names in ((row, self.rows), (column, self.columns)):
            if name is not None and name not in names:
                raise KeyError(f"expected one of {', '.join(names)}, got {name!r}")
        rows = [row] if row is not None else list(self.rows)
        columns = [column] if column is not None else list(self.columns)
        return [(one, other) for one in rows for other in columns]

    def show(self, place: Place, outcome: CellOutcome) -> None:
        """Show an outcome that comes from elsewhere, such as a recording."""
        self.outcomes[place] = outcome
        self._change(place)

    def stop(self) -> None:
        """Run no further cell; the one that is running comes to its end."""
        with self._state:
            dropped, self._waiting = list(self._waiting), deque()
        for place, _ in dropped:
            self._change(place)

    def rest(self) -> None:
        self.stop()
        super().rest()

    def forget(self) -> None:
        super().forget()
        self.stop()
        self.outcomes, self._cell = {}, None  # which holds the lab

    # -- a run -----------------------------------------------------------------------------------

    def _run(self, place: Place, page: str | None) -> CellOutcome:
        assert self._cell is not None
        outcome = self._cell(*place, self._page_runs.runner(page))
        self.show(place, outcome)
        return outcome

    def _start(self, places: Iterable[Place], page: str | None) -> None:
        with self._state:
            there = {place for place, _ in self._waiting}
            new = [place for place in places if place not in there and place != self._running]
            self._waiting.extend((place, page) for place in new)
        for place in new:
            self._change(place)
        self._jobs.run("board", self._work, lambda *_: None)

    def _work(self) -> None:
        while True:
            with self._state:
                if not self._waiting:
                    return
                place, page = self._waiting.popleft()
                self._running = place
            self._change(place)
            if page is None:  # started by code, in the cell that shows the board
                self._page_here.wait(PAGE_COMES)
                self._page_here.set()
                page = next(iter(self._pages), None)
            try:
                self._run(place, page)
            except Exception as error:
                self.show(place, CellOutcome("", notes=[Note(one_line(error))]))
            finally:
                self._running = None
                self._change(place)

    def _change(self, place: Place) -> None:
        with self._state:
            self._changed[place] = None
        self.tell()

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "hello"}:
                self._page_here.set()
                with self._state:
                    self._changed |= dict.fromkeys(self.outcomes)
            case {"do": "run", "rows": list(rows), "columns": list(columns), "page": str(page)}:
                places = [(row, column) for row in rows for column in columns]
                known = [(a, b) for a, b in places if a in self.rows and b in self.columns]
                self._start(known, page)
            case {"do": "stop"}:
                self.stop()
            case {"do": "open", "row": str(row), "column": str(column), "page": str(page)}:
                if row in self.rows and column in self.columns:
                    self._opened.append((page, (row, column)))
            case {"do": "ran", "run": int(run), "lines": list(lines)}:
                self._page_runs.came(run, lines)

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        self._page_runs.news(content)
        with self._state:
            changed, self._changed = list(self._changed), {}
            waiting, running = {place for place, _ in self._waiting}, self._running
        if changed:
            content["cells"] = [
                {
                    "row": place[0],
                    "column": place[1],
                    "status": self._status(place, waiting, running),
                    "word": self.outcomes[place].word if place in self.outcomes else "",
                    "recorded": self._is_recorded(place),
                }
                for place in changed
            ]
            content["left"] = len(waiting) + (running is not None)
        if self._opened:
            opened = [self._opened.popleft() for _ in range(len(self._opened))]
            content["opened"] = [
                {"to": page, "row": row, "column": column, **self._detail((row, column))}
                for page, (row, column) in opened
            ]
        return None

    def _status(self, place: Place, waiting: set[Place], running: Place | None) -> str:
        if place == running:
            return "running"
        if place in waiting:
            return "waiting"
        return self.outcomes[place].verdict or "failed" if place in self.outcomes else ""

    def _is_recorded(self, place: Place) -> bool:
        return place in self.outcomes and bool(self.outcomes[place].recorded)

    def _detail(self, place: Place) -> dict[str, Any]:
        outcome = self.outcomes.get(place)
        if outcome is None:
            return {"outcome": None}
        told = {name: value for name, value in vars(outcome).items() if name != "result"}
        for name in ("compared", "columns"):
            told[name] = [asdict(one) for one in told[name]]
        told["notes"] = [{**asdict(note), "url": link(note.rfc)} for note in outcome.notes]
        return {"outcome": told}

    # -- for readers without widgets -------------------------------------------------------------

    def _word(self, place: Place) -> tuple[str, str]:
        """A cell in a word, and its colour."""
        outcome = self.outcomes.get(place)
        if outcome is None:
            return "·", "inherit"
        verdict = self._verdicts.get(outcome.verdict)
        if verdict is None:
            return "! failed", PALETTE["alarm"].plain
        word = f"{verdict.sign} {outcome.word or verdict.word}"
        word += " (recorded)" if outcome.recorded else ""
        return word, PALETTE[verdict.colour].plain

    def static(self) -> dict[str, str]:
        columns = list(self.columns.values())
        titles = [" · ".join(filter(None, [one.group, one.title or one.name])) for one in columns]
        lines = [self._title]
        for name in self.rows:
            cells = [
                f"{title}: {self._word((name, column.name))[0]}"
                for title, column in zip(titles, columns, strict=True)
                if (name, column.name) in self.outcomes
            ]
            lines.append(f"- {name}" + (f": {', '.join(cells)}" if cells else ""))
        edge = "padding:.25em .6em;text-align:left;border-bottom:1px solid rgba(127,127,127,.3)"
        head = "".join(f"<th scope='col' style='{edge}'>{escape(title)}</th>" for title in titles)
        body = "".join(self._static_row(row, edge) for row in self.rows.values())
        notes = list(dict.fromkeys(note for one in self.outcomes.values() for note in one.notes))
        said = "".join(
            f"<li>{escape(note.text)} {reference(note.rfc) if note.rfc else ''}</li>"
            for note in notes
        )
        html = (
            f"<div data-wslab='board-static' style='overflow-x:auto'><p><b>{escape(self._title)}"
            f"</b></p><table style='border-collapse:collapse'><thead><tr><td style='{edge}'></td>"
            f"{head}</tr></thead><tbody>{body}</tbody></table>"
            f"{f'<ul>{said}</ul>' if said else ''}"
            "<p><small>To run it, run this cell in JupyterLab.</small></p></div>"
        )
        return {"text/plain": "\n".join(lines), "text/html": html}

    def _static_row(self, row: BoardRow, edge: str) -> str:
        words = [self._word((row.name, column)) for column in self.columns]
        cells = "".join(
            f"<td style='{edge};white-space:nowrap;border-left:4px solid {colour}'>"
            f"{escape(word)}</td>"
            for word, colour in words
        )
        name = f"<b>{escape(row.name)}</b> <small>{escape(row.what)}</small>"
        return f"<tr><th scope='row' style='{edge};font-weight:normal'>{name}</th>{cells}</tr>"
