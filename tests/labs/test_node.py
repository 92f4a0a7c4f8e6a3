"""The lab of the Node lesson: real processes on real sockets."""

from __future__ import annotations

import socket
from urllib.request import urlopen

import pytest
from IPython.core.interactiveshell import InteractiveShell

from wslab.labs import node
from wslab.net import HandshakeFailed, NotRunning, running
from wslab.net.node import recorded_run
from wslab.net.trials import PROGRAM_ENDS
from wslab.wire.protocol import parse_head

ECHO = """
const { WebSocketServer } = require("ws");
new WebSocketServer({ port: 0 }).on("connection", (client) => {
  client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
});
"""


@pytest.fixture
def shell(monkeypatch):
    """A shell for `%%node`, without a kernel around it."""
    shell = InteractiveShell()
    monkeypatch.setattr(node, "get_ipython", lambda: shell)
    return shell


def test_a_cell_runs_its_program_under_a_name_and_again_in_its_place(shell):
    with node.open() as lab:
        view = shell.run_cell_magic("node", "server", ECHO)
        server = shell.user_ns["server"]
        assert "node · server: running" in view.static()["text/plain"]
        with lab.connect(server.url) as client:
            client.send(b"bytes")
            assert client.recv() == b"bytes"
        first = server.pid
        again = shell.run_cell_magic("node", "server", ECHO)
        assert shell.user_ns["server"].pid != first
        assert server._program.state == "ended by SIGTERM"
        assert again is not view
    assert [one for one in running() if one.kind == "node"] == []


@pytest.mark.parametrize("line", ["", "two words", "class", "lab", "7"])
def test_a_cell_without_a_name_for_its_program_is_told_so(shell, line):
    with node.open(), pytest.raises(node.UsageError, match="expected a name"):
        shell.run_cell_magic("node", line, "1")


def test_a_program_that_serves_nobody_says_what_to_do(lab):
    wrong = lab.node("nothere()", "wrong")
    assert "ReferenceError: nothere is not defined" in wrong.printed
    with pytest.raises(NotRunning, match="look at what it printed, mend its cell"):
        wrong.url  # noqa: B018 (it raises)


def test_a_fixed_port_is_free_again_when_the_cell_runs_again(lab):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = f"require('node:http').createServer().listen({port}, () => console.log('here'))"
    for _ in range(3):
        assert lab.node(source, "fixed").printed == ["here"]


def test_a_closed_lab_ends_its_programs_and_their_ports(lab):
    server = lab.node(ECHO)
    port = server._program.port
    lab.close()
    assert server.wait() == "ended by SIGTERM"
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_connections_of_programs_have_their_names_on_the_wire(lab):
    guest = lab.node(
        "const s = new WebSocket(url); s.onopen = () => s.close(1000);", "guest_in_node"
    )
    guest.wait()
    assert list(lab.capture.labels().values()) == ["#1 guest_in_node"]
    assert "user-agent: node" in lab.request_of("guest_in_node")
    with pytest.raises(LookupError, match="run its cell first"):
        lab.request_of("nobody")


# --- The chat


def test_the_chat_speaks_the_events_of_lesson_09_and_serves_its_page(lab):
    chat = lab.chat()
    ada = lab.join("Ada")
    ada.send("hello")
    assert [ada.recv() for _ in range(3)] == [
        '{"event":"welcome","name":"Ada","people":[]}',
        '{"event":"join","name":"Ada"}',
        '{"event":"message","from":"Ada","text":"hello"}',
    ]
    grace = lab.join("Grace")
    assert '"people":["Ada"]' in grace.recv()
    assert grace.recv() == '{"event":"message","from":"Ada","text":"hello"}'  # the history
    grace.send(b"bytes")
    grace.recv()
    with pytest.raises(ConnectionError, match="1003"):
        grace.recv()
    for _ in range(2):
        left = ada.recv()
    assert left == '{"event":"leave","name":"Grace","why":"said goodbye"}'
    for path, kind in [("", "text/html"), ("chat.js", "text/javascript"), ("page.css", "text/css")]:
        with urlopen(f"http://127.0.0.1:{chat.port}/{path}") as answer:
            assert answer.headers["Content-Type"].startswith(kind)
    for path, origin, status in [("chat", "https://evil.example", 403), ("attic", None, 404)]:
        with pytest.raises(HandshakeFailed) as refused:
            lab.connect(f"{chat.url}{path}", origin=origin)
        assert refused.value.status == status
    with lab.connect(f"{chat.url}chat", origin=f"http://127.0.0.1:{chat.port}"):
        pass
    chat.signal("SIGTERM")
    assert chat.wait() == "ended with exit code 0"
    assert (ada.close_code, ada.close_reason) == (1001, "the server is going away")


# --- Clients


def test_the_two_clients_of_node_differ_as_the_lesson_says(lab):
    rows = {row[0]: row[1:] for row in lab.two_clients().rows}
    assert rows["a text arrives as"] == ["Buffer", "string"]
    assert rows["bytes arrive as"] == ["Buffer", "Blob"]
    assert rows["may send a ping"] == ["yes", "no: there is no ping()"]
    assert rows["may close with 1001"] == ["yes", "no: InvalidAccessError"]
    assert rows["an EventTarget"] == ["no: an EventEmitter", "yes"]
    assert rows["an error says"] == ["connect ECONNREFUSED 127.0.0.1:1", "nothing"]
    requests = [
        parse_head(lab.capture.index.unit(row.number).data)
        for row in lab.capture.index.rows()
        if row.kind == "request"
    ]
    assert {one.get("X-Client") for one in requests} == {"ws", "own"}  # both can set a header
    for one in requests:
        assert one.get("Origin") is None
        assert one.get("Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits"


# --- Ends

EXPECTED = {
    "SIGTERM": ("ended with exit code 0", 1001, "close 1001 clean"),
    "SIGTERM, no handler": ("ended by SIGTERM", 1006, "close 1006 not clean"),
    "SIGKILL": ("ended by SIGKILL", 1006, "close 1006 not clean"),
    "crash": ("ended with exit code 1", 1006, "close 1006 not clean"),
    "hang": ("running", None, "open"),
    "hang, then SIGTERM": ("ended by SIGKILL", 1006, "close 1006 not clean"),
}


@pytest.mark.parametrize("name", PROGRAM_ENDS)
def test_what_the_guests_are_told_of_each_end(lab, name):
    seen = lab.end(name)
    assert (seen.process, seen.code, seen.node) == EXPECTED[name]
    frames = [line.text for line in seen.wire if line.kind == "close"]
    goodbye = "close 1001 the server is going away"
    assert frames == ([goodbye, goodbye] if name == "SIGTERM" else [])
    assert ("Error: a bug in the handler" in seen.printed) == (name == "crash")
    right = node.told(seen).happened
    assert right.startswith("nothing" if seen.code is None else str(seen.code))
    assert [one for one in running() if one.kind == "node"] == []


def test_every_end_says_why():
    assert list(node.WHY) == list(PROGRAM_ENDS)


# --- Without Node


@pytest.fixture
def without_node(monkeypatch, tmp_path):
    monkeypatch.setenv("WSLAB_NODE", str(tmp_path))


def test_the_recorded_run_says_what_a_live_one_says(lab):
    told = recorded_run()
    assert told["two_clients"] == lab.two_clients().rows
    assert list(told["end"]) == list(PROGRAM_ENDS)


@pytest.mark.usefixtures("without_node")
def test_without_node_a_cell_says_how_to_get_it_and_shows_the_recorded_run(shell, capsys):
    with node.open() as lab:
        view = shell.run_cell_magic("node", "with_own", "1")
        assert "run `wslab node` in a terminal" in capsys.readouterr().out
        assert "with_own: RECORDED, not live: Node v" in view.static()["text/plain"]
        assert "InvalidAccessError" in view.static()["text/plain"]
        assert "close: 4000 true" in shell.user_ns["with_own"].printed
        with pytest.raises(node.NodeMissing, match="run `wslab node`"):
            shell.user_ns["with_own"].url  # noqa: B018 (it raises)
        assert shell.run_cell_magic("node", "mine", "1").static()
        for use in (lab.chat, lambda: lab.node("1")):
            with pytest.raises(node.NodeMissing, match="run `wslab node`"):
                use()


@pytest.mark.usefixtures("without_node")
def test_without_node_what_the_lab_measures_is_recorded_and_marked(lab, capsys):
    said = "RECORDED, not live (Node v"
    assert lab.two_clients().rows == recorded_run()["two_clients"]
    assert said in capsys.readouterr().out
    assert len(lab.wire().capture.index.rows()) > 20
    assert said in capsys.readouterr().out
    for name, (process, code, guest) in EXPECTED.items():
        seen = lab.end(name)
        assert (seen.process.partition(",")[0], seen.code, seen.node) == (process, code, guest)
        assert said in capsys.readouterr().out
    gallery = lab.ends()
    gallery.run("SIGTERM")
    assert gallery._told[-1]["note"].startswith("*RECORDED, not live*")
