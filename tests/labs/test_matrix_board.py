"""The matrix on its board: cells in a word, what they open on, and which rows the prose names."""

from __future__ import annotations

import re

import nbformat
import pytest

from wslab.course import source
from wslab.exercises.node import check_clients
from wslab.labs.matrix_board import SUSPECTS, VERDICTS, board_of, column_of, outcome_of, suspects
from wslab.net.matrix import CELLS, SITUATIONS, Cell, Matrix, recorded
from wslab.wire import Capture


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_cell_has_a_word_and_a_reason_where_it_differs(situation):
    for cell in CELLS:
        if cell.situation == situation:
            has_a_word_and_a_reason(outcome_of(recorded()[cell]))


def has_a_word_and_a_reason(outcome):
    assert outcome.verdict in {verdict.name for verdict in VERDICTS} - {"unknown"}
    assert all(one.same for one in outcome.compared)
    if outcome.verdict == "same":
        assert (outcome.word, outcome.notes) == ("", [])
    else:
        assert outcome.notes[0].rfc
        assert "*" in outcome.notes[0].text
    if outcome.verdict == "differs":
        assert 0 < len(outcome.word) <= 13
    if outcome.verdict == "cannot":
        assert outcome.notes[-1].text.startswith("What the API says: ")
        assert not outcome.columns


def test_without_a_page_the_browsers_cell_is_the_recorded_one():
    matrix = Matrix(Capture())
    board = board_of(matrix)
    column = column_of("browser", "ws")
    (played,) = board.run("text", column).values()
    matrix.stop()
    assert played == recorded()[Cell("text", "browser", "ws")]
    outcome = board.outcomes["text", column]
    assert "Chromium" in outcome.recorded
    assert outcome.notes[0].text.startswith("This is a recording")
    board.close()


def test_a_cell_that_is_not_as_written_down_says_in_what(monkeypatch):
    played = recorded()[Cell("binary", "ws", "ws")]
    odd = played._replace(seen=played.seen._replace(server_sends=("binary 3 B",)))
    outcome = outcome_of(odd)
    assert outcome.verdict == "unknown"
    (wrong,) = [one for one in outcome.compared if not one.same]
    assert (wrong.label, wrong.expected, wrong.seen) == (
        "the server sends",
        "binary 2 B",
        "binary 3 B",
    )


def test_the_prose_names_rows_that_there_are():
    path = source() / "11_node.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, 4).cells}
    named = re.findall(r"\(((?:\*[^*]+\*(?:, )?)+)\)", cells["matrix-why"])
    rows = [row for one in named for row in re.findall(r"\*([^*]+)\*", one)]
    assert len(rows) > 10
    for row in rows:
        assert any(name.startswith(row) for name in SITUATIONS), row


def test_the_four_suspects_are_told_apart_by_what_they_sent():
    table = suspects()
    columns = list(zip(*[row[1:] for row in table.rows], strict=True))
    assert len(set(columns)) == 4
    assert check_clients(list(SUSPECTS)).passed
