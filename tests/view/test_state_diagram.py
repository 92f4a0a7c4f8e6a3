"""The state diagram's side in the kernel: the table it is drawn from, and the story it tells."""

from __future__ import annotations

from wslab.view.wire.state_diagram import StateDiagram
from wslab.wire.protocol.connection_state import EDGES, State
from wslab.wire.recording import StateLog

CLOSE = bytes.fromhex("88 82 00 00 00 00 03 e8")


def test_it_is_drawn_from_the_table(recording, pump, watch):
    diagram = watch(StateDiagram(recording.capture, served_by=pump)).view
    assert diagram._states == [state.name for state in State]
    drawn = {
        (edge["before"], edge["event"], edge["after"])
        for peer in ("client", "server")
        for edge in diagram._edges[peer]
    }
    assert drawn == {(edge.before.name, edge.event.name, edge.after.name) for edge in EDGES}
    client, server = ({e["event"] for e in diagram._edges[p]} for p in ("client", "server"))
    assert "RECEIVES_101" in client - server
    assert "SENDS_101" in server - client


def test_the_story_of_the_newest_connection(recording, pump, watch):
    log = StateLog(recording.capture)
    watched = watch(StateDiagram(recording.capture, log, served_by=pump))
    watched.says(do="hello")
    pump.turn(0.1)
    assert watched.all("story")[-1]["connection"] is None
    connection = recording.talk()
    log.add("client", "websockets", "CONNECTING")
    log.add("client", "websockets", "OPEN")
    recording.capture.record(connection, "client", CLOSE)
    pump.turn(0.1)
    story = watched.all("story")[-1]
    assert story["connection"] == connection
    assert story["now"]["client"]["state"] == "CLOSING"
    assert story["now"]["client"]["edge"] == ["OPEN", "SENDS_CLOSE"]
    assert story["now"]["client"]["row"] == 4
    assert story["now"]["client"]["says"] == {"websockets": "OPEN"}
    assert story["now"]["server"]["tcp"] == "ESTABLISHED"
    assert [line["time"] for line in story["lines"]] == sorted(
        line["time"] for line in story["lines"]
    )


def test_the_bytes_of_a_row_and_another_connection(recording, pump, watch):
    watched = watch(StateDiagram(recording.capture, served_by=pump))
    first, second = recording.talk(), recording.talk()
    watched.says(do="hello")
    watched.says(do="detail", number=2)
    pump.turn(0.1)
    (detail,) = watched.all("detail")
    assert (detail["kind"], detail["hex"]) == ("text", "81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert watched.all("story")[-1]["connection"] == second
    watched.says(do="connection", number=first)
    watched.says(do="detail", number=999)
    pump.turn(0.2)
    assert watched.all("story")[-1]["connection"] == first
    assert "999" in watched.all("detail")[-1]["missing"]
    watched.says(do="connection", number=0)
    pump.turn(0.1)
    assert watched.all("story")[-1]["following"]


def test_the_last_edge_stays_lit_when_only_tcp_moves(recording, pump, watch):
    connection = recording.talk()
    recording.capture.end(connection, "server")
    recording.capture.end(connection, "client")
    story = watch(StateDiagram(recording.capture, served_by=pump)).view.story()
    assert story["now"]["client"]["edge"] == ["OPEN", "RECEIVES_FIN"]
    assert story["now"]["client"]["tcp"] == "CLOSED"


def test_a_capture_that_begins_with_frames(recording, pump, watch):
    recording.frames(b"\x81\x00")
    story = watch(StateDiagram(recording.capture, served_by=pump)).view.story()
    assert story["now"]["server"]["state"] == "OPEN"


def test_a_static_account_for_readers_without_widgets(recording, pump, watch):
    diagram = watch(StateDiagram(recording.capture, served_by=pump)).view
    assert diagram.static()["text/plain"] == "client: no connection yet; server: no connection yet"
    recording.talk()
    assert "answers 101" in diagram.static()["text/html"]
    assert diagram.static()["text/plain"] == "client: OPEN; server: OPEN"
