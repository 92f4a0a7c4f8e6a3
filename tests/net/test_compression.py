"""Compression as a client offers it and a server answers, on real sockets."""

from __future__ import annotations

import pytest

from wslab.net import Client, EchoServer, Tap, WrongValue, connect
from wslab.wire.protocol import Agreement

FIELD = "Sec-WebSocket-Extensions"


def negotiated(capture, offer, answer):
    """What crossed: the offer and the answer, and whether a message came back."""
    with (
        EchoServer(compression=answer) as server,
        Tap(server.port, capture) as tap,
        connect(tap.url, compression=offer) as client,
    ):
        client.send("Hello")
        assert client.recv() == "Hello"
    heads = [capture.index.unit(row.number) for row in capture.index.rows()][:2]
    assert all(not unit.violations for unit in map(capture.index.unit, range(len(capture.index))))
    return [unit.field(FIELD).value if FIELD in str(unit) else "" for unit in heads]


@pytest.mark.parametrize(
    ("offer", "answer", "offered", "answered"),
    [
        (None, Agreement(), "", ""),
        (Agreement(), None, "permessage-deflate; client_max_window_bits", ""),
        (
            Agreement(),
            Agreement(),
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
        ),
        (
            Agreement(True, True, 10, 11),
            Agreement(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=10; client_max_window_bits=11",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=10; client_max_window_bits=11",
        ),
        (
            Agreement(),
            Agreement(server_no_context_takeover=True, server_max_window_bits=9),
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
        ),
    ],
)
def test_what_is_offered_and_what_is_answered(capture, offer, answer, offered, answered):
    assert negotiated(capture, offer, answer) == [offered, answered]


@pytest.mark.parametrize(
    "wrong", ["gzip", 9, Agreement(server_max_window_bits=8), Agreement(client_max_window_bits=16)]
)
def test_what_cannot_be_is_refused_before_anything_runs(wrong):
    for make in (Client, EchoServer):
        with pytest.raises(WrongValue, match="expected"):
            make(compression=wrong)
