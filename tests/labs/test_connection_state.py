"""The lab of the states, on real sockets: every scenario that stops in the middle, and its end."""

from __future__ import annotations

import json
import threading
import time

import pytest

from wslab.labs import connection_state
from wslab.net import Client
from wslab.view.panels.browser_socket import SocketEvent
from wslab.view.wire.state_diagram import StateDiagram
from wslab.wire import Capture
from wslab.wire.recording import CausalStateLog

PATIENCE = 10.0


def wait_for(lab, condition):
    changed = threading.Event()
    unsubscribe = lab.capture.subscribe(changed.set)
    try:
        while not condition():
            changed.clear()
            if not condition():
                assert changed.wait(PATIENCE)
    finally:
        unsubscribe()


def test_without_a_connection_there_is_no_story(lab):
    with pytest.raises(LookupError, match="no connection yet"):
        lab.story()


def test_a_whole_life_is_told(lab, capsys):
    client = lab.connect()
    client.close()
    wait_for(lab, lambda: lab.path("server")[-1] == "CLOSED")
    lab.story()
    told = capsys.readouterr().out
    assert "server answers 101: CONNECTING → OPEN" in told
    assert lab.path() == lab.path("server", 1) == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
    said = [change.state for change in lab.log.of_connection(1) if change.peer == "client"]
    assert said == lab.path()
    with pytest.raises(LookupError, match="from 1 to 1, got 2"):
        lab.path(connection=2)
    with pytest.raises(ValueError, match="'client' or 'server'"):
        lab.path("proxy")


def test_closing_held_and_released(lab):
    client = lab.connect()
    lab.tap.hold()
    closing = threading.Thread(target=client.close)
    closing.start()
    wait_for(lab, lambda: lab.path()[-1] == "CLOSING")
    assert (client.state, lab.path("server")[-1]) == ("CLOSING", "OPEN")
    lab.tap.disarm()
    closing.join(PATIENCE)
    assert client.state == "CLOSED"


def test_closing_the_lab_with_a_close_frame_held_takes_no_time(lab):
    client = lab.connect()
    lab.tap.hold()
    closing = threading.Thread(target=client.close)
    closing.start()
    wait_for(lab, lambda: lab.path()[-1] == "CLOSING")
    started = time.monotonic()
    lab.close()
    assert time.monotonic() - started < 1.0
    closing.join(PATIENCE)


def test_a_new_connection_opens_though_the_wire_was_held(lab):
    lab.connect()
    lab.tap.freeze()
    client = lab.connect()
    client.send("Hello")
    assert client.recv() == "Hello"


def test_a_server_that_never_answers(lab, capsys):
    lab.connect_to_silence(open_timeout=0.2)
    assert "ConnectTimedOut" in capsys.readouterr().out
    assert lab.path() == ["CONNECTING", "CLOSED"]


def test_keepalive_finds_a_dead_connection_when_the_numbers_say_so(lab):
    trial = lab.keepalive(ping_interval=0.3, ping_timeout=0.2)
    assert (trial.earliest, trial.latest) == (0.2, 0.5)
    assert trial.found >= 0.5 - 0.05  # the longest case: the line died right after a sign of life
    assert trial.told > trial.found
    assert trial.code == 1006
    assert lab.path() == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
    assert "CLOSING" not in lab.path("server")
    assert int.from_bytes(lab.find("close", "client").payload[:2], "big") == 1011


def test_the_bench_measures_with_its_sliders(lab):
    bench = lab.keepalive_bench()
    trial = bench.run(interval=0.2, timeout=0.2)
    assert trial.latest == pytest.approx(0.4)
    assert trial.code == 1006
    assert bench.outcomes == {"dead line": trial}
    assert "how long until the client notices?" in bench.static()["text/html"]
    assert "Gallery(" not in bench.static()["text/plain"]


def test_send_in_each_state(lab):
    table = lab.send_in_each_state()
    rows = {row[0]: row[1:] for row in table.rows}
    assert set(rows["OPEN"]) == {"sends"}
    assert "raises ConnectionClosedOK" in rows["CLOSED"]
    assert "bufferedAmount grows by 5" in rows["CLOSING"][-1]
    assert rows["CONNECTING"][-1] == "throws Error"


def test_the_browsers_ready_state_stands_on_the_same_time_line(lab):
    socket = lab.browser()
    client = lab.connect()  # what the page would do
    client.close()
    opened = lab.capture.started.timestamp() + next(
        event.time for event in lab.capture.events if event.name == "open"
    )
    names = ["new WebSocket", "open", "message", "close()", "close"]
    events = [list(SocketEvent(opened + n / 1000, name, "")) for n, name in enumerate(names)]
    socket.panel.ask({"do": "hello", "page": "p1"})
    report = {"do": "report", "page": "p1", "state": {}, "buffers": [json.dumps(events).encode()]}
    socket.panel.ask(report)
    said = [change.state for change in lab.log.of_connection(1) if change.source == "browser"]
    assert said == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
    assert lab.browser() is not socket


REQUEST = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def a_browsers_life(*told):
    """A connection that the client closes, at known times, and what its browser said in between;
    its time line."""
    now = 0.0
    capture = Capture(clock=lambda: now)
    log = CausalStateLog(capture)
    for at, state in told:  # a word may be told before that is recorded which caused it
        log.add("client", "browser", state, at)
    now = 1.0
    number = capture.open_connection()
    capture.record(number, "client", REQUEST)
    now = 1.01
    capture.record(number, "server", RESPONSE)
    now = 2.0
    capture.record(number, "client", bytes.fromhex("8880 01020304"))
    now = 2.01
    capture.record(number, "server", bytes.fromhex("8800"))
    now = 2.02
    capture.end(number, "server", "eof")
    now = 2.03
    capture.end(number, "client", "eof")
    lines = [
        line for line in StateDiagram(capture, log).story()["lines"] if line["peer"] == "client"
    ]
    return [line.get("text") or f"browser: {line['state']}" for line in lines]


def test_a_browsers_word_never_stands_before_what_caused_it():
    assert a_browsers_life(
        (0.99, "CONNECTING"), (1.009, "OPEN"), (1.995, "CLOSING"), (2.005, "CLOSED")
    ) == [
        "browser: CONNECTING",
        "sends the request",
        "receives a valid 101",
        "browser: OPEN",
        "browser: CLOSING",
        "sends a close frame",
        "receives a close frame",
        "hears the other half of TCP end",
        "browser: CLOSED",
        "ends its half of TCP",
    ]


def test_a_browser_that_gave_up_long_before_the_end_of_tcp_is_left_where_it_stood():
    line = a_browsers_life((0.99, "CONNECTING"), (1.02, "OPEN"), (1.4, "CLOSED"))
    assert line.index("browser: CLOSED") < line.index("sends a close frame")


def test_a_server_that_pings_is_there_for_the_browser(lab):
    for _ in range(2):  # the cell run twice
        socket = lab.pinged_browser(every=0.05)
    with Client(socket.url, name="in place of the page").connect():
        wait_for(lab, lambda: "pong" in {row.kind for row in lab.capture.index.rows()})
    assert lab.find("pong", "client").payload == lab.find("ping", "server").payload
    assert not any(row.kind == "text" for row in lab.capture.index.rows())


def test_opening_again_replaces_everything(lab):
    lab.states()
    lab.connect()
    with connection_state.open() as again:
        assert "closed" in repr(lab)
        assert again.connect().state == "OPEN"
