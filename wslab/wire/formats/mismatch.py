"""Finds peers that speak different protocols from their first bytes on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..protocol.tls_records import BEGINNING, begins_record
from ..recording.capture import Capture
from ..recording.log import stream_number

PLAIN_TO_TLS = "plain HTTP answered by TLS, which is ws:// to a wss:// port"
TLS_TO_PLAIN = "a ClientHello answered by plain HTTP, which is wss:// to a ws:// port"
ASSUMED_UPGRADED = (
    "nothing tells that the upgrade was accepted: "
    "what the client sent after its request is read as frames"
)

HTTP_2 = (
    "the client speaks HTTP/2 without TLS; a WebSocket there begins with an extended CONNECT "
    "(RFC 8441), and a server of HTTP/1.1 does not know it"
)
_ENGINE = re.compile(rb"[^\r\n]*[?&]EIO=(\d)")


def mismatches(capture: Capture) -> Iterator[str]:
    """A sentence for each connection whose peers do not understand each other."""
    for connection in range(1, len(capture.log.streams) // 2 + 1):
        client, server = (
            bytes(capture.log.streams[stream_number(connection, direction)][:4096])
            for direction in ("client", "server")
        )
        hello, answer = (begins_record(one[:BEGINNING], first=True) for one in (client, server))
        if hello and server.startswith(b"HTTP/"):
            yield f"connection {connection}: {TLS_TO_PLAIN}"
        elif answer and b" HTTP/1." in client.partition(b"\n")[0]:
            yield f"connection {connection}: {PLAIN_TO_TLS}"
        elif client.startswith(b"PRI * HTTP/2.0\r\n"):
            yield f"connection {connection}: {HTTP_2}"
        elif b"Unsupported protocol version" in server and (asked := _ENGINE.match(client)):
            yield (
                f"connection {connection}: Socket.IO's server refuses EIO={asked[1].decode()}: "
                "clients of Socket.IO 1 and 2 speak EIO=3, newer ones EIO=4; let both have one "
                "version, or allow the older one with allowEIO3"
            )
