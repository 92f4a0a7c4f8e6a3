"""Clients whose opening handshake is wrong in one point, named after it.

    run("wrong-version", lab.url)             # sent for real; what came back

Each differs from the request of RFC 6455 §1.3 in what its name says and in nothing else, so that
the same name always sends the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from wslab.net.address import Address
from wslab.net.clients.handshake_result import HandshakeResult
from wslab.net.clients.raw import RawClient
from wslab.wire.protocol.handshake import parse_head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455 §1.3: 16 bytes, which say "the sample nonce"."""

FOREIGN_ORIGIN = "https://attacker.example"


class FaultyClient(NamedTuple):
    """One way to get a request wrong."""

    name: str
    what: str
    """What it does, in one line."""
    rfc: str
    """Where the rule stands that it breaks."""
    status: int
    """What `EchoServer` answers. The RFCs ask for a refusal, and often leave the number open."""
    headers: Mapping[str, str | Sequence[str] | None] = MappingProxyType({})
    """What differs from the right request: other values, or None for a field left out."""
    method: str = "GET"
    version: str = "HTTP/1.1"

    def request(self, address: Address) -> bytes:
        """The bytes it sends to the server at `address`."""
        fields: dict[str, str | Sequence[str] | None] = {
            "Host": f"{address.host_in_url}:{address.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": KEY,
            "Sec-WebSocket-Version": "13",
            **self.headers,
        }
        lines = [f"{self.method} {address.path} {self.version}".rstrip()]
        for name, value in fields.items():
            values = [value] if isinstance(value, str) else value or ()
            lines += [f"{name}: {text}" for text in values]
        return "\r\n".join([*lines, "", ""]).encode()


FAULTY_CLIENTS: dict[str, FaultyClient] = {
    client.name: client
    for client in [
        FaultyClient("correct", "does everything right, for comparison", "RFC 6455 §4.1", 101),
        FaultyClient(
            "missing-upgrade",
            "sends no Upgrade field",
            "RFC 6455 §4.2.1 (3)",
            426,
            {"Upgrade": None},
        ),
        FaultyClient(
            "wrong-upgrade",
            "asks for another protocol, Upgrade: h2c",
            "RFC 6455 §4.2.1 (3)",
            426,
            {"Upgrade": "h2c"},
        ),
        FaultyClient(
            "missing-connection",
            "sends no Connection field",
            "RFC 6455 §4.2.1 (4)",
            426,
            {"Connection": None},
        ),
        FaultyClient(
            "wrong-connection",
            "sends Connection: keep-alive, without the word Upgrade",
            "RFC 6455 §4.2.1 (4)",
            426,
            {"Connection": "keep-alive"},
        ),
        FaultyClient(
            "missing-key",
            "sends no Sec-WebSocket-Key",
            "RFC 6455 §4.2.1 (5)",
            400,
            {"Sec-WebSocket-Key": None},
        ),
        FaultyClient(
            "short-key",
            "sends a key of 5 bytes where 16 are asked for",
            "RFC 6455 §4.2.1 (5)",
            400,
            {"Sec-WebSocket-Key": "c2hvcnQ="},
        ),
        FaultyClient(
            "duplicate-key",
            "sends Sec-WebSocket-Key twice",
            "RFC 6455 §11.3.1",
            400,
            {"Sec-WebSocket-Key": (KEY, KEY)},
        ),
        FaultyClient(
            "wrong-version",
            "asks for version 12, a draft from 2011",
            "RFC 6455 §4.2.2 (4), §4.4",
            426,
            {"Sec-WebSocket-Version": "12"},
        ),
        FaultyClient(
            "missing-version",
            "names no version",
            "RFC 6455 §4.2.1 (6)",
            400,
            {"Sec-WebSocket-Version": None},
        ),
        FaultyClient(
            "post-method",
            "sends POST instead of GET",
            "RFC 6455 §4.2.1 (1)",
            405,
            {"Content-Length": "0"},
            method="POST",
        ),
        FaultyClient(
            "http-1.0",
            "speaks HTTP/1.0, which knows no Upgrade",
            "RFC 6455 §4.2.1 (1)",
            505,
            version="HTTP/1.0",
        ),
        FaultyClient(
            "missing-host",
            "sends no Host field",
            "RFC 6455 §4.2.1 (2), RFC 9112 §3.2",
            400,
            {"Host": None},
        ),
        FaultyClient(
            "foreign-origin",
            f"comes from a page of {FOREIGN_ORIGIN}: refused only by a server that checks",
            "RFC 6455 §4.2.2, §10.2",
            403,
            {"Origin": FOREIGN_ORIGIN},
        ),
        FaultyClient(
            "no-http-version",
            "ends its first line after the path, without HTTP/1.1",
            "RFC 9112 §3",
            400,
            version="",
        ),
    ]
}


def run(
    name: str, where: str | int | tuple[str, int] | Address, *, timeout: float = 5.0
) -> HandshakeResult:
    """Send the faulty client's request to `where`, a server or a tap in front of one.

    Waits at most `timeout` seconds for each step. Raises KeyError for a name that is not in
    `FAULTY_CLIENTS`, and `ConnectFailed` if nobody listens.
    """
    address = where if isinstance(where, Address) else Address.parse(where)
    request = FAULTY_CLIENTS[name].request(address)
    with RawClient(address, timeout=timeout) as client:
        client.send(request)
        answer = client.read_head()
        head = parse_head(answer)
        if answer and head.status != 101:
            answer += client.read_to_end()  # a refusal has a body, then the server closes
        ended = client.ended
    if head.status is None:
        came = "nothing that is HTTP came back" if answer else "nothing came back"
        how = {"eof": "the server closed", "reset": "the connection was reset", None: "timeout"}
        return HandshakeResult(
            name, request, answer, None, f"{came}, {how[ended]}", "no HTTP status"
        )
    line = head.first_line.partition(" ")[2]
    outcome = f"accepted with {line}" if head.status == 101 else f"refused with {line}"
    return HandshakeResult(name, request, answer, head.status, outcome, f"HTTP status {line}")
