"""Everybody with everybody: each cell of the matrix gives what is written down for it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from record_matrix import a_page

from wslab.installed import CHROMIUM, find
from wslab.net import EchoServer, Tap, connect, loop, running, stop_all
from wslab.net.matrix import (
    CELLS,
    CLIENTS,
    DIFFERENCES,
    SERVERS,
    SITUATIONS,
    Cell,
    Matrix,
    Seen,
    recorded,
)
from wslab.net.node import NodeMissing
from wslab.net.peers import LibraryProcesses, NodeOwnPeers, NodePeers, NoPage
from wslab.wire import Capture
from wslab.wire.fields import rfc_url


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    """In place of that of the folder, which would stop what lives as long as this file."""
    yield
    # The browser, and the server of its page, live as long.
    assert {entry.kind for entry in running()} <= {"browser", "server"}
    assert list(loop.problems) == []


@pytest.fixture(scope="module")
def matrix():
    matrix = Matrix(Capture())
    yield matrix
    matrix.stop()
    matrix.stop()
    stop_all()
    assert loop.tasks() == []


@pytest.fixture(scope="module")
def in_page():
    """A page in a Chromium that nobody sees."""
    if find(CHROMIUM) is None:
        reason = f"no Chromium on this machine: {CHROMIUM.remedy}"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    with a_page() as (in_page, _):
        yield in_page


@pytest.mark.parametrize("cell", CELLS, ids=" · ".join)
def test_a_cell_is_as_written_down(cell, matrix, request):
    page = request.getfixturevalue("in_page") if cell.client == "browser" else None
    played = matrix.play(cell, page)
    assert played.unlike == (), (played.seen, cell.expected, played.why_not)
    assert played.verdict == ("cannot" if played.seen.cannot else played.verdict)
    if played.seen.cannot:
        assert played.why_not
        return
    assert played.wire
    # What is not looked at for its value is there all the same.
    for name, value in played.seen._asdict().items():
        assert value is not None or name.endswith("_end")


def test_each_difference_is_one():
    """It changes what is expected in the cells that it names; and it says where that stands."""
    for one in DIFFERENCES:
        assert rfc_url(one.source).startswith("https://")
        cells = [cell for cell in CELLS if one.is_of(*cell)]
        assert cells, one
        for cell in cells:
            base = SITUATIONS[cell.situation].expected
            for name, value in one.seen.items():
                assert getattr(base, name) != value, (one.what, cell)
            assert cell.expected != base


def test_each_situation_says_where_its_sentence_stands():
    for situation in SITUATIONS.values():
        assert rfc_url(situation.rfc).startswith("https://www.rfc-editor.org/")
        assert situation.what.endswith((".", ".)"))
        assert situation.says[0].islower() or situation.says[0].isdigit()


def test_every_client_meets_every_server_in_every_situation():
    assert len(CELLS) == len(SITUATIONS) * len(CLIENTS) * len(SERVERS)
    assert len(set(CELLS)) == len(CELLS)


def test_what_nobody_has_written_down_is_seen(matrix, monkeypatch):
    situation = SITUATIONS["binary"]
    wrong = situation.expected._replace(server_sends=("binary 3 B",))
    monkeypatch.setitem(SITUATIONS, "binary", situation._replace(expected=wrong))
    played = matrix.play(Cell("binary", "ws", "ws"))
    assert (played.unlike, played.verdict) == (("server_sends",), "unknown")


def test_a_call_that_should_be_missing_and_is_not_is_seen():
    assert Seen(client_sends=("ping 5 B",)).unlike(Seen(cannot="client: ping")) == ("cannot",)


def test_without_a_page_the_browsers_cells_say_so():
    matrix = Matrix(Capture())
    with pytest.raises(NoPage, match="show the board in a browser"):
        matrix.play(Cell("text", "browser", "ws"))
    matrix.stop()


def test_the_recording_has_every_cell_as_it_is_written_down():
    assert list(recorded()) == CELLS
    for cell, played in recorded().items():
        assert played.cell == cell
        assert played.unlike == ()
        assert "Chromium" in played.recorded
        assert played.wire or played.seen.cannot


def test_a_process_that_was_killed_is_there_again_for_the_next_cell(matrix):
    for cell in (
        Cell("the server is killed", "ws", "websockets"),
        Cell("text", "ws", "websockets"),
    ):
        assert matrix.play(cell).unlike == ()


def test_what_others_do_meanwhile_on_the_same_recording_is_not_mixed_up():
    capture = Capture()
    matrix = Matrix(capture)
    going = threading.Event()
    done = threading.Event()

    def connect_again_and_again():
        with EchoServer("busy") as server, Tap(server.port, capture) as tap:
            while not done.is_set():
                connect(tap.url).close()
                going.set()

    other = threading.Thread(target=connect_again_and_again)
    other.start()
    try:
        assert going.wait(10)
        for name in ("text", "both at once", "1001, by the client"):
            assert matrix.play(Cell(name, "websockets", "ws")).unlike == ()
    finally:
        done.set()
        other.join()
        matrix.stop()


def test_a_node_that_is_too_old_for_a_websocket_of_its_own_says_so():
    peers = NodeOwnPeers()
    peers.command[1:1] = ["--require", str(Path(__file__).with_name("no_websocket.cjs"))]
    with pytest.raises(NodeMissing, match="version 22"):
        peers.connect("ws://127.0.0.1:9/", compression=True)
    peers.stop()


@pytest.mark.parametrize("peers", [LibraryProcesses, NodePeers, NodeOwnPeers])
def test_a_process_is_kept_from_one_play_to_the_next(peers):
    with EchoServer("kept") as server:
        kept = peers()
        kept.connect(server.url, compression=True)
        before = kept._processes["client"].process.pid
        kept.reset()
        kept.connect(server.url, compression=True)
        assert kept._processes["client"].process.pid == before
        kept.stop()
