"""Socket.IO held against python-socketio's and python-engineio's own packets."""

from __future__ import annotations

import random

import pytest

from wslab.wire.payloads import PAYLOADS, Context

SOCKET_IO = PAYLOADS["socket_io"]


def decode(data: str | bytes):
    if isinstance(data, str):
        return SOCKET_IO.decode(data.encode(), "text", "client", Context())
    return SOCKET_IO.decode(data, "binary", "client", Context())


def test_a_thousand_packets_say_what_the_libraries_put_in():
    engineio = pytest.importorskip("engineio.packet", reason="pip install python-socketio")
    socketio = pytest.importorskip("socketio.packet", reason="pip install python-socketio")
    some = random.Random(4)
    for _ in range(1000):
        kind = some.choice([socketio.EVENT, socketio.ACK, socketio.CONNECT, socketio.DISCONNECT])
        space = some.choice([None, "/chat", "/räume"])
        number = some.choice([None, some.randrange(10**6)])
        data = {
            socketio.EVENT: ["grüße", {"to": "Ada"}, 1.5],
            socketio.ACK: [some.choice(["ok", None])],
            socketio.CONNECT: {"token": "t"},
            socketio.DISCONNECT: None,
        }[kind]
        if kind == socketio.EVENT and some.random() < 0.3:
            data = [*data, some.randbytes(5)]
        if kind in (socketio.CONNECT, socketio.DISCONNECT):
            number = None
        packet = socketio.Packet(kind, data, space, number)
        encoded = packet.encode()
        text, *attachments = encoded if isinstance(encoded, list) else [encoded]
        message = engineio.Packet(engineio.MESSAGE, text).encode()
        fields = decode(message)
        values = {field.name: field.value for field in fields}
        assert values["Engine.IO type"] == "message"
        names = {2: "EVENT", 3: "ACK", 0: "CONNECT", 1: "DISCONNECT", 5: "BINARY_EVENT"}
        assert values["Socket.IO type"] == names[packet.packet_type]
        assert values.get("namespace") == space
        assert values.get("ack id") == (None if number is None else str(number))
        assert values.get("attachments") == (str(len(attachments)) if attachments else None)
        if kind == socketio.EVENT:
            assert (values["event"], values["[1].to"], values["[2]"]) == ("grüße", "Ada", "1.5")
        assert not any(field.name.startswith("not ") for field in fields)
        for one in attachments:
            assert SOCKET_IO.says(decode(one)) == "Socket.IO attachment"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ('0{"sid":"x","pingInterval":25000}', "Socket.IO open"),
        ("2", "Socket.IO ping"),
        ("2probe", "Socket.IO ping"),
        ("40", "Socket.IO CONNECT"),
        ("41/chat,", "Socket.IO DISCONNECT"),
        ("9", "Socket.IO"),
    ],
)
def test_packets_without_data(message, says):
    assert SOCKET_IO.says(decode(message)) == says


def test_an_acknowledged_event_byte_by_byte():
    fields = decode('42/chat,7["hello",{"to":"Ada"}]')
    assert [(f.name, f.bit // 8, f.bits // 8, f.value) for f in fields] == [
        ("Engine.IO type", 0, 1, "message"),
        ("Socket.IO type", 1, 1, "EVENT"),
        ("namespace", 2, 6, "/chat"),
        ("ack id", 8, 1, "7"),
        ("arguments", 9, 1, "array"),
        ("event", 10, 8, "hello"),
        ("[1]", 18, 1, "object"),
        ("[1].to", 19, 10, "Ada"),
        ("end of [1]", 29, 1, "}"),
        ("end", 30, 1, "]"),
    ]
