"""Protocols on top, spoken by their own libraries: what crosses, and that nothing is left."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from wslab.net import NotRunning, Tap, loop
from wslab.net.payloads import TALKS, recorded
from wslab.net.payloads.jupyter_kernel import JupyterTalk
from wslab.wire import Capture
from wslab.wire.payloads import Insides

SAYS = {
    "mqtt": {
        *("CONNECT", "CONNACK", "SUBSCRIBE", "SUBACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL"),
        *("PUBCOMP", "DISCONNECT"),
    },
    "jupyter_kernel": {
        *("kernel_info_request", "kernel_info_reply", "execute_request", "execute_reply"),
        *("execute_input", "execute_result", "status"),
    },
    "socket_io": {
        *("open", "CONNECT", "EVENT", "BINARY_EVENT", "attachment", "ACK", "DISCONNECT", "close"),
    },
    "graphql_transport_ws": {"connection_init", "connection_ack", "subscribe", "next", "complete"},
    "stomp": {"STOMP", "CONNECTED", "SUBSCRIBE", "SEND", "MESSAGE", "DISCONNECT", "RECEIPT"},
}
NOT = ("not ", "left over", "cut off", "more")


def said(capture: Capture) -> list[str]:
    """What each message says, read as its handshake chose; each of them is legal."""
    insides, found = Insides(capture), []
    for row in capture.index.rows():
        inside = insides.of(row.number)
        if inside is not None:
            found.append(inside.says.partition(" ")[2])
            bad = [field for field in inside.fields if field.name.startswith(NOT)]
            assert not bad
            assert not any("not allowed" in field.meaning for field in inside.fields)
    return found


@pytest.mark.parametrize("name", TALKS)
def test_a_talk_is_spoken_by_its_own_libraries_and_ends(name):
    talk = TALKS[name]
    if talk.missing() and "CI" not in os.environ:
        pytest.skip(f"{' and '.join(talk.missing())} not installed: {talk.install}")
    capture = Capture()
    with talk() as speaking, Tap(speaking.url, capture, name=name) as tap:
        speaking.play(tap.url)
    assert {*said(capture)} == SAYS[name]
    assert loop.tasks() == []
    with pytest.raises(NotRunning):
        _ = speaking.url
    speaking.stop()


@pytest.mark.parametrize("name", TALKS)
def test_the_recorded_talk_says_the_same(name):
    assert {*said(recorded(name))} == SAYS[name]


def test_the_jupyter_server_ends_with_the_process_that_started_it_and_its_kernel_too():
    talk = JupyterTalk()
    with talk:
        server = psutil.Process(talk.process)
        kernels = server.children(recursive=True)
        assert kernels
        talk._process.stdin.close()  # as when this process is killed
        _, alive = psutil.wait_procs([server, *kernels], timeout=30)
        assert not alive


def test_the_makefile_installs_the_broker_that_the_lesson_names():
    makefile = Path(__file__).resolve().parents[2] / "Makefile"
    pinned = next(word for word in TALKS["mqtt"].install.split() if word.startswith("amqtt=="))
    assert f"--no-deps {pinned}\n" in makefile.read_text("utf-8")


def test_the_recorded_talks_show_what_the_lesson_says_of_them():
    insides = Insides(mqtt := recorded("mqtt"))
    found = [insides.of(row.number) for row in mqtt.index.rows() if row.direction == "client"]
    publishes = [one for one in found if one is not None and one.says == "MQTT PUBLISH"]
    assert [one.fields[2].value for one in publishes] == [0, 1, 2]  # QoS
    texts = [message.text for message in recorded("socket_io").index.messages()]
    assert '421["greet",{"name":"Ada"}]' in texts
    assert any(text.startswith("431[") for text in texts)
    stomp = recorded("stomp")
    assert "passcode:opensesame" in next(iter(stomp.index.messages())).text
    assert all(row.kind != "close" for row in stomp.index.rows())
    login = recorded("jupyter_kernel").index.unit(0).field("Authorization").value
    assert set(str(login)) <= {"*", " "}
