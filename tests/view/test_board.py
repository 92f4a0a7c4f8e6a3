"""The board's side in the kernel: cells that run in their turn, and what the pages are told."""

from __future__ import annotations

import threading

import pytest

from wslab.view.experiments import (
    Board,
    BoardColumn,
    BoardRow,
    CellOutcome,
    Column,
    Compared,
    Line,
    Note,
    Verdict,
)

VERDICTS = [
    Verdict("pass", "passes", "✓", "green", "as it must be"),
    Verdict("fail", "fails", "✗", "alarm", "breaks a MUST"),
]
ROWS = [
    BoardRow("mask", "frames", "A client masks.", "a client masks every frame", "RFC 6455 §5.1"),
    BoardRow("length", "frames"),
    BoardRow("<ping>", "control"),
]
COLUMNS = [BoardColumn("one", "number one", "left"), BoardColumn("two", "number two", "right")]


class Cells:
    """What the board runs: it notes each cell, and may be held up in one."""

    def __init__(self):
        self.ran = []
        self.held = None  # a cell that waits until `go` is set
        self.there = threading.Event()
        self.go = threading.Event()

    def run(self, row, column, in_page):
        self.ran.append((row, column))
        if (row, column) == self.held:
            self.there.set()
            assert self.go.wait(10)
        if row == "length":
            raise RuntimeError("nobody listens")
        return CellOutcome(
            "pass" if column == "one" else "fail",
            [Compared("sends", "ping", "pong", column == "one")],
            [Column("wire", "on the wire", [Line("ping", direction="client", kind="ping", row=3)])],
            [Note("*Odd.* Yet so.", "RFC 6455 §5.5.2")],
            word="1009" if column == "two" else "",
            result=(row, column),
        )


@pytest.fixture
def cells():
    return Cells()


@pytest.fixture
def board(cells, pump, watch):
    view = Board(
        ROWS, COLUMNS, cells.run, "test", title="a board", verdicts=VERDICTS, served_by=pump
    )
    watched = watch(view)
    watched.says(do="hello")
    pump.turn(0.1)
    return watched


def until_done(board):
    """Wait until nothing runs any more, and hear the news."""
    for thread in threading.enumerate():
        if thread.name == "wslab-view-board":
            thread.join(10)
    board.pump.turn(0.2)


def status(board):
    """What each cell was told to be last."""
    told = [cell for cells in board.all("cells") for cell in cells]
    return {(cell["row"], cell["column"]): cell["status"] for cell in told}


def test_a_row_runs_in_order_and_each_cell_is_told(board, cells, pump):
    board.says(do="run", rows=["mask"], columns=["one", "two"])
    pump.turn(0.1)
    until_done(board)
    assert cells.ran == [("mask", "one"), ("mask", "two")]
    assert status(board) == {("mask", "one"): "pass", ("mask", "two"): "fail"}
    assert board.all("left")[-1] == 0
    assert [c["word"] for cells in board.all("cells") for c in cells][-1] == "1009"


def test_a_cell_opens_on_what_was_expected_and_seen(board, pump):
    board.says(do="run", rows=["mask"], columns=["two"])
    pump.turn(0.1)
    until_done(board)
    board.says(do="open", row="mask", column="two")
    pump.turn(0.1)
    (opened,) = board.all("opened")[-1]
    assert (opened["to"], opened["row"], opened["column"]) == ("p1", "mask", "two")
    outcome = opened["outcome"]
    assert outcome["compared"] == [
        {"label": "sends", "expected": "ping", "seen": "pong", "same": False}
    ]
    assert outcome["columns"][0]["lines"][0]["row"] == 3
    assert outcome["notes"][0]["url"].endswith("#section-5.5.2")
    assert "result" not in outcome


def test_a_cell_that_has_not_run_opens_on_nothing(board, pump):
    board.says(do="open", row="mask", column="one")
    board.says(do="open", row="mask", column="three")
    pump.turn(0.1)
    assert board.all("opened") == [[{"to": "p1", "row": "mask", "column": "one", "outcome": None}]]


def test_a_cell_that_cannot_run_says_why_and_the_others_run(board, cells, pump):
    board.says(do="run", rows=["length", "mask"], columns=["one"])
    pump.turn(0.1)
    until_done(board)
    assert status(board) == {("length", "one"): "failed", ("mask", "one"): "pass"}
    board.says(do="open", row="length", column="one")
    pump.turn(0.1)
    assert board.all("opened")[-1][0]["outcome"]["notes"][0]["text"] == "nobody listens"


def test_stop_ends_the_queue_and_not_the_cell_that_runs(board, cells, pump):
    cells.held = ("mask", "one")
    board.says(do="run", rows=["mask", "length"], columns=["one", "two"])
    pump.turn(0.1)
    assert cells.there.wait(10)
    pump.turn(0.1)
    assert status(board)[("mask", "one")] == "running"
    assert status(board)[("length", "two")] == "waiting"
    assert board.all("left")[-1] == 4
    board.says(do="stop")
    pump.turn(0.1)
    cells.go.set()
    until_done(board)
    assert cells.ran == [("mask", "one")]
    assert status(board)[("length", "two")] == ""


def test_what_waits_is_not_put_in_twice_and_unknown_names_run_nothing(board, cells, pump):
    cells.held = ("mask", "one")
    for _ in range(3):
        board.says(do="run", rows=["mask", "no such row"], columns=["one", "two", "three"])
    pump.turn(0.2)
    cells.go.set()
    until_done(board)
    assert cells.ran == [("mask", "one"), ("mask", "two")]


def test_from_code_it_runs_here_and_returns_the_results(board, cells, pump):
    assert board.view.run("mask") == {
        ("mask", "one"): ("mask", "one"),
        ("mask", "two"): ("mask", "two"),
    }
    assert list(board.view.run(column="two", row="<ping>").values()) == [("<ping>", "two")]
    with pytest.raises(KeyError, match="expected one of mask, length"):
        board.view.run("no such row")
    with pytest.raises(RuntimeError, match="nobody listens"):
        board.view.run("length")


def test_started_by_code_it_runs_in_the_background(board, cells, pump):
    board.view.start("mask", "one")
    until_done(board)
    assert cells.ran == [("mask", "one")]


def test_a_page_that_opens_later_is_told_every_cell(board, pump):
    board.view.run("mask")
    pump.turn(0.1)
    before = len(board.all("cells"))
    board.says(page="p2", do="hello")
    pump.turn(0.1)
    told = [cell for cells in board.all("cells")[before:] for cell in cells]
    assert {(cell["row"], cell["column"]) for cell in told} == {("mask", "one"), ("mask", "two")}


def test_a_saved_notebook_keeps_every_cell_in_words(board):
    board.view.run("mask")
    board.view.show(("<ping>", "one"), CellOutcome("pass", recorded="in May"))
    static = board.view.static()
    assert "- mask: left · number one: ✓ passes, right · number two: ✗ 1009" in static["text/plain"]
    assert "✓ passes (recorded)" in static["text/html"]
    assert "&lt;ping&gt;" in static["text/html"]
    assert "<ping>" not in static["text/html"]
    assert static["text/html"].count("<td") == 1 + len(ROWS) * len(COLUMNS)
    assert "Yet so." in static["text/html"]
    assert "section-5.5.2" in static["text/html"]


def test_a_board_that_is_over_runs_nothing_and_holds_nothing(board, cells, pump):
    board.view.run("mask")
    board.view.rest()
    board.view.close()
    board.view.forget()
    assert board.view.outcomes == {}
