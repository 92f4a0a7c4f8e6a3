"""The replay: the wire view and the state diagram go back to the same row of the recording."""

from __future__ import annotations

import pytest

from wslab.view import Replay, StateDiagram, WireView
from wslab.wire.recording import StateLog

CLOSE = bytes.fromhex("88 82 00 00 00 00 03 e8")
REPLY = bytes.fromhex("88 02 03 e8")


@pytest.fixture
def closed(recording):
    """A connection's whole life: six rows, and the end of TCP."""
    connection = recording.talk()
    recording.capture.record(connection, "client", CLOSE)
    recording.capture.record(connection, "server", REPLY)
    recording.capture.end(connection, "server")
    recording.capture.end(connection, "client")
    return recording


def states(story):
    return tuple(story["now"][peer]["state"] for peer in ("client", "server"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (0, (None, None)),  # before the first row: no connection yet
        (1, ("CONNECTING", "CONNECTING")),  # the request
        (2, ("OPEN", "OPEN")),  # 101
        (4, ("OPEN", "OPEN")),  # the greetings
        (5, ("CLOSING", "CLOSING")),  # the client's close frame
        (6, ("CLOSED", "CLOSED")),  # all rows: live, with the end of TCP
        (99, ("CLOSED", "CLOSED")),
        (None, ("CLOSED", "CLOSED")),
    ],
)
def test_the_states_at_a_moment(closed, pump, rows, expected):
    story = StateDiagram(closed.capture, served_by=pump).story(rows)
    assert states(story) == expected
    assert story["rows"] == 6


def test_a_moment_has_the_causes_and_the_reports_of_that_time(closed, pump):
    log = StateLog(closed.capture)
    at = [row.time for row in closed.capture.index.rows()]
    log.add("client", "websockets", "CONNECTING", at[0])
    log.add("client", "websockets", "OPEN", at[1])
    log.add("client", "websockets", "CLOSED", at[5] + 1)
    diagram = StateDiagram(closed.capture, log, served_by=pump)
    story = diagram.story(5)
    assert story["time"] == at[4]
    assert story["now"]["client"]["edge"] == ["OPEN", "SENDS_CLOSE"]
    assert story["now"]["client"]["row"] == 4
    assert story["now"]["client"]["says"] == {"websockets": "OPEN"}
    assert {line.get("row") for line in story["lines"] if "event" in line} == {0, 1, 4}
    assert diagram.story()["now"]["client"]["says"] == {"websockets": "CLOSED"}


def test_a_frame_that_was_held_has_not_arrived_at_its_own_moment(recording, pump):
    connection = recording.talk()
    capture = recording.capture
    capture.record(connection, "client", CLOSE)
    held = capture.index.unit(4)
    capture.mark(connection, "client", "held", held.offset, held.length)
    capture.mark(connection, "client", "delivered", held.offset, held.length)
    capture.record(connection, "server", REPLY)
    diagram = StateDiagram(capture, served_by=pump)
    assert states(diagram.story(5)) == ("CLOSING", "OPEN")
    assert states(diagram.story()) == ("CLOSING", "CLOSING")


def test_an_earlier_moment_shows_the_connection_that_was_newest_then(recording, pump):
    first, second = recording.talk(), recording.talk()
    diagram = StateDiagram(recording.capture, served_by=pump)
    assert diagram.story()["connection"] == second
    story = diagram.story(4)
    assert (story["connection"], story["connections"]) == (first, [[first, "#1"]])


def test_both_views_move_together_and_are_live_again(closed, pump, watch):
    replay = Replay()
    wire = watch(WireView(closed.capture, replay=replay, served_by=pump))
    diagram = watch(StateDiagram(closed.capture, replay=replay, served_by=pump))
    for one in (wire, diagram):
        one.says(do="hello", count=0)
    pump.turn(0.2)
    assert wire.all("moment") == []
    wire.says(do="moment", rows=2, page="the wire's")
    pump.turn(0.2)
    assert wire.all("moment")[-1] == {"rows": 2, "by": "the wire's"}
    assert states(diagram.all("story")[-1]) == ("OPEN", "OPEN")
    assert diagram.all("story")[-1]["moment"] == {"rows": 2, "by": "the wire's"}
    diagram.says(do="moment", rows=1, page="the diagram's")
    pump.turn(0.2)
    assert wire.all("moment")[-1] == {"rows": 1, "by": "the diagram's"}
    assert states(diagram.all("story")[-1]) == ("CONNECTING", "CONNECTING")
    wire.says(do="moment", rows=None, page="the wire's")
    pump.turn(0.2)
    assert wire.all("moment")[-1]["rows"] is None
    assert states(diagram.all("story")[-1]) == ("CLOSED", "CLOSED")
    diagram.view.rest()
    replay.show(3)
    pump.turn(0.2)
    assert wire.all("moment")[-1]["rows"] == 3
    assert diagram.all("story")[-1]["moment"]["rows"] is None  # it hears no more


def test_a_page_that_opens_later_is_told_the_moment(closed, pump, watch):
    wire = watch(WireView(closed.capture, served_by=pump))
    wire.says(do="hello", count=0)
    wire.says(do="moment", rows=3, page="the first")
    pump.turn(0.2)
    wire.says(do="hello", count=0)
    pump.turn(0.2)
    assert [told["rows"] for told in wire.all("moment")] == [3, 3]


def test_a_moment_of_a_long_recording_costs_no_walk_through_it(recording, pump, monkeypatch):
    recording.talk()
    recording.frames(b"\x81\x00", times=2_000)
    diagram = StateDiagram(recording.capture, served_by=pump)
    walks = []
    from wslab.view.wire import state_diagram

    steps = state_diagram.steps
    monkeypatch.setattr(state_diagram, "steps", lambda *which: walks.append(which) or steps(*which))
    for rows in range(2_000, 100, -50):
        diagram.story(rows)
    assert len(walks) == 1
