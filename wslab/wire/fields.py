"""A unit (a request, a response or a frame), explained: its fields, and the rules it breaks."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Direction = Literal["client", "server"]
"""Which peer sent the bytes."""

Kind = Literal[
    "request", "response", "chunk",
    "text", "binary", "continuation", "ping", "pong", "close", "reserved", "tls", "socks", "gap",
]  # fmt: skip
"""What a unit is. A `chunk` is a part of a response that HTTP streams; `reserved` stands for the
opcodes 3-7 and 11-15, which have no meaning yet; `tls` is a record of TLS, `socks` a
message of SOCKS, by which a client asks a proxy for a connection; at a `gap`, bytes are missing in
the recording."""


class Field(NamedTuple):
    """A run of bits with one meaning. A unit's fields cover each bit once, in order."""

    name: str
    bit: int
    """Where the field starts, in bits from the start of the unit."""
    bits: int
    """How many bits it has."""
    value: int | str | None
    meaning: str
    rfc: str
    """Such as `RFC 6455 §5.2`."""


class Violation(NamedTuple):
    """A rule that a unit breaks, and the close code or HTTP status to answer it with."""

    rule: str
    text: str
    rfc: str
    close_code: int | None
    """The code that the other peer should close with; None if it need not send a close frame."""
    http_status: int | None
    """The status that a server should answer with, or None."""


class Unit(NamedTuple):
    """One request, response, frame or TLS record, explained bit by bit."""

    number: int
    """Its row in the index, from 0."""
    connection: int
    """The number of its connection, counted from 1."""
    direction: Direction
    kind: Kind
    time: float
    """Seconds from the start of the capture to the arrival of the unit's last byte."""
    offset: int
    """Where it starts, in bytes of its direction's stream."""
    data: bytes
    """The bytes as they crossed the wire (secrets masked)."""
    fields: tuple[Field, ...]
    violations: tuple[Violation, ...]
    fin: bool = True
    opcode: int | None = None
    masking_key: bytes | None = None
    payload: bytes = b""
    """A frame's payload, unmasked."""
    inflated: bytes | None = None
    """A compressed payload, inflated (its first MiB); None if it is not compressed."""
    mark: str = ""
    """What a debugger did to it on its way, in words; `data` holds the bytes as they were sent."""
    rest: int = 0
    """Bytes of a large frame's payload that `payload` leaves out: see `Index.unit`."""
    body_rest: int = 0
    """Bytes of the body of a request or response that `data` leaves out."""
    missing: int | None = 0
    """For a gap: how many bytes are not in the recording; None if nobody knows."""

    @property
    def length(self) -> int:
        """Size on the wire in bytes."""
        return len(self.data) + self.rest + self.body_rest

    def field(self, name: str) -> Field:
        """The first field of that name (case ignored). Raises KeyError if there is none."""
        for field in self.fields:
            if field.name.lower() == name.lower():
                return field
        raise KeyError(
            f"this {self.kind} has no field {name!r}; it has: "
            + ", ".join(field.name for field in self.fields)
        )

    def to_json(self) -> dict[str, Any]:
        """The unit as plain data, without its bytes."""
        return {
            "connection": self.connection,
            "direction": self.direction,
            "kind": self.kind,
            "time": self.time,
            "offset": self.offset,
            "length": self.length,
            "fields": [field._asdict() for field in self.fields],
            "violations": [violation._asdict() for violation in self.violations],
            **({"missing": self.missing} if self.kind == "gap" else {}),
            **({"mark": self.mark} if self.mark else {}),
        }

    def __str__(self) -> str:
        done = f" ({self.mark} on its way)" if self.mark else ""
        lines = [f"{self.kind} from the {self.direction}, {self.length} bytes{done}"]
        for field in self.fields:
            where = f"{field.bit // 8}.{field.bit % 8}"
            lines.append(f"  {where:>7}  {field.name} = {field.value}  {field.meaning}")
        lines += [f"  broken: {v.text} ({v.rfc})" for v in self.violations]
        return "\n".join(lines)


_RFC_EDITOR = "https://www.rfc-editor.org/rfc/rfc"
_WHATWG = "https://websockets.spec.whatwg.org/"
_WS = "https://github.com/websockets/ws/blob/master/doc/ws.md"
_WEBSOCKETS = "https://websockets.readthedocs.io/en/stable"
_IANA = "https://www.iana.org/assignments/websocket/websocket.xhtml"
_ELSEWHERE = {
    "WHATWG: new WebSocket()": f"{_WHATWG}#dom-websocket-websocket",
    "WHATWG: readyState": f"{_WHATWG}#dom-websocket-readystate",
    "WHATWG: binaryType": f"{_WHATWG}#dom-websocket-binarytype",
    "WHATWG: bufferedAmount": f"{_WHATWG}#dom-websocket-bufferedamount",
    "WHATWG: send()": f"{_WHATWG}#dom-websocket-send",
    "WHATWG: close()": f"{_WHATWG}#dom-websocket-close",
    "WHATWG: events": f"{_WHATWG}#feedback-from-the-protocol",
    "WHATWG: ping and pong": f"{_WHATWG}#ping-and-pong-frames",
    "WHATWG: innerHTML": "https://html.spec.whatwg.org/#dom-element-innerhtml",
    "WHATWG: server-sent events": "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
    "WHATWG: interfaces": "https://webidl.spec.whatwg.org/#js-interfaces",
    "Fetch: port blocking": "https://fetch.spec.whatwg.org/#port-blocking",
    "HTML: shared workers": "https://html.spec.whatwg.org/multipage/workers.html#shared-workers",
    "WICG: Local Network Access": "https://wicg.github.io/local-network-access/",
    "chromestatus: WebSocketStream": "https://chromestatus.com/feature/5189728691290112",
    "chromestatus: back/forward cache": "https://chromestatus.com/feature/5068439115923456",
    "IANA: close codes": f"{_IANA}#close-code-number",
    "websockets: close()": f"{_WEBSOCKETS}/reference/asyncio/common.html",
    "websockets: server.close()": f"{_WEBSOCKETS}/reference/asyncio/server.html",
    "websockets: send()": f"{_WEBSOCKETS}/reference/asyncio/common.html",
    "websockets: max_size": f"{_WEBSOCKETS}/reference/asyncio/client.html",
    "websockets: compression": f"{_WEBSOCKETS}/topics/compression.html",
    "websockets: keepalive": f"{_WEBSOCKETS}/topics/keepalive.html",
    "ws: message event": f"{_WS}#event-message",
    "ws: ping event": f"{_WS}#event-ping",
    "ws: server.close()": f"{_WS}#serverclosecallback",
    "SQLite: data_version": "https://www.sqlite.org/pragma.html#pragma_data_version",
    "PostgreSQL: NOTIFY": "https://www.postgresql.org/docs/current/sql-notify.html",
    "Redis: pub/sub": "https://redis.io/docs/latest/develop/pubsub/#delivery-semantics",
    "HAProxy: PROXY protocol": "https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt",
    "nginx: upstream": "https://nginx.org/en/docs/http/ngx_http_upstream_module.html",
    "Node: WebSocket": "https://nodejs.org/api/globals.html#class-websocket",
}
"""What a browser's WebSocket does is the WHATWG's to say (or, before there is a standard, its
maker's); what was registered later, IANA's; what a library does, its documentation's."""
_DOCUMENTS = {
    "MQTT 3.1.1": "https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html",
    "MQTT 5.0": "https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html",
    "Socket.IO 5": "https://socket.io/docs/v4/socket-io-protocol/",
    "Engine.IO 4": "https://socket.io/docs/v4/engine-io-protocol/",
    "STOMP 1.2": "https://stomp.github.io/stomp-specification-1.2.html",
    "graphql-transport-ws": "https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md",
    "Jupyter: kernel socket": "https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html",
    "Jupyter: messages": "https://jupyter-client.readthedocs.io/en/stable/messaging.html",
}
"""What travels inside messages is for others to define: each document is one page."""


def rfc_url(reference: str) -> str:
    """The address of the web page for a reference such as `RFC 6455 §5.2` or `WHATWG: send()`.

    Raises ValueError for a text that is neither an RFC and a number nor listed here.
    """
    if reference in _ELSEWHERE:
        return _ELSEWHERE[reference]
    document, _, section = reference.partition("§")
    if document.strip() in _DOCUMENTS:
        return _DOCUMENTS[document.strip()]
    word, _, number = document.strip().partition(" ")
    if word != "RFC" or not number.isdigit():
        raise ValueError(f"expected a reference like 'RFC 6455 §5.2', got {reference!r}")
    anchor = f"#section-{section.strip()}" if section else ""
    return f"{_RFC_EDITOR}{number}.html{anchor}"
