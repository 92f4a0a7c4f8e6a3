"""Reads HTTP/2 frames: their heads by `hyperframe`, their header fields by `hpack`.

Source: RFC 9113 §4.1 and §6 for the frames, RFC 7541 for the fields, RFC 8441 for WebSocket in
them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from wslab.net.packages import extra
from wslab.net.servers.relay import Crossed
from wslab.wire import Capture, Direction, Unit

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first of all (RFC 9113 §3.4)."""

HEAD = 9
"""Bytes of a frame's head."""

_TYPES = (
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION",
)  # fmt: skip
"""By their numbers, in the order of RFC 9113 §6.1 to §6.10."""

_TOLD = (
    ":method", ":path", ":protocol", ":status", "sec-websocket", "ENABLE_CONNECT", "INITIAL_WINDOW",
)  # fmt: skip


class Http2Frame(NamedTuple):
    """A frame of HTTP/2."""

    direction: Direction
    head: bytes
    """Its 9 bytes: length, type, flags, stream."""
    type: str
    """As RFC 9113 writes it: `HEADERS`."""
    rfc: str
    flags: tuple[str, ...]
    stream: int
    """Its number; 0 is the connection itself."""
    data: bytes = b""
    """What a DATA frame carries, without padding."""
    fields: tuple[tuple[str, str], ...] = ()
    """Of HEADERS, decoded; of SETTINGS and others, by name."""

    @property
    def parts(self) -> str:
        """The head in hexadecimal, in its four parts."""
        cuts = ((0, 3), (3, 4), (4, 5), (5, 9))
        return "\N{NO-BREAK SPACE}".join(self.head[start:end].hex() for start, end in cuts)

    @property
    def says(self) -> str:
        """Its content in words; of fields and settings, those that matter to a socket."""
        if self.type == "DATA":
            kinds = ", ".join(unit.kind for unit in inside([self], self.stream))
            return f"{kinds}: {self.data.hex(' ')}" if kinds else self.data.decode("latin-1")
        told = self.fields
        if self.type in ("HEADERS", "SETTINGS"):
            told = tuple(one for one in told if one[0].startswith(_TOLD))
        rest = len(self.fields) - len(told)
        words = [f"{name} {value}" for name, value in told] + [f"and {rest} more"] * (rest > 0)
        return ", ".join(words)


def frames(crossed: Crossed) -> list[Http2Frame]:
    """The frames of one TCP connection, in the order in which they were complete.

    Raises `PackageMissing` where hyperframe or hpack is not installed.
    """
    with extra("production"):
        from hpack import Decoder
        from hyperframe.frame import Frame
    decoders: dict[Direction, Any] = {"client": Decoder(), "server": Decoder()}
    rest: dict[Direction, bytes] = {"client": b"", "server": b""}
    found: list[Http2Frame] = []
    for direction, chunk in crossed:
        data = (rest[direction] + chunk).removeprefix(PREFACE)
        while len(data) >= HEAD:
            frame, length = Frame.parse_frame_header(memoryview(data[:HEAD]))
            if len(data) < HEAD + length:
                break
            frame.parse_body(memoryview(data[HEAD : HEAD + length]))
            found.append(_told(direction, data[:HEAD], frame, decoders[direction]))
            if size := dict(found[-1].fields).get("HEADER_TABLE_SIZE"):
                # Whoever is sent fields says how much their sender may have remembered.
                other: Direction = "server" if direction == "client" else "client"
                decoders[other].max_allowed_table_size = int(size)
            data = data[HEAD + length :]
        rest[direction] = data
    return found


def _told(direction: Direction, head: bytes, frame: Any, decoder: Any) -> Http2Frame:
    from h2.errors import ErrorCodes
    from h2.settings import SettingCodes

    number = head[3]
    name = _TYPES[number] if number < len(_TYPES) else f"type {number}"
    rfc = f"RFC 9113 §6.{number + 1}" if number < len(_TYPES) else "RFC 9113 §4.1"
    fields: list[tuple[str, str]] = []
    match name:
        case "HEADERS":  # the few fields here fit into one frame
            fields = [(str(key), str(value)) for key, value in decoder.decode(frame.data)]
        case "SETTINGS":
            names = {int(code): code.name for code in SettingCodes}
            fields = [(names.get(c, f"{c:#x}"), str(value)) for c, value in frame.settings.items()]
        case "WINDOW_UPDATE":
            fields = [("window", f"+{frame.window_increment}")]
        case "RST_STREAM" | "GOAWAY":
            fields = [("error", ErrorCodes(frame.error_code).name)]
    if (":protocol", "websocket") in fields:
        rfc = "RFC 8441 §4"
    elif ("ENABLE_CONNECT_PROTOCOL", "1") in fields:
        rfc = "RFC 8441 §3"
    data = bytes(frame.data) if name == "DATA" else b""
    flags = tuple(sorted(frame.flags))
    return Http2Frame(direction, head, name, rfc, flags, frame.stream_id, data, tuple(fields))


def sockets(found: list[Http2Frame]) -> list[int]:
    """The streams that are WebSockets: their request says so (RFC 8441 §4)."""
    return [one.stream for one in found if (":protocol", "websocket") in one.fields]


def inside(found: list[Http2Frame], stream: int) -> list[Unit]:
    """The WebSocket frames in the DATA of a stream, read as those of any other connection.

    HTTP/2 may cut them anywhere: a DATA frame is not a WebSocket frame.
    """
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection(upgraded=True)
    for one in found:
        if one.stream == stream and one.type == "DATA":
            capture.record(connection, one.direction, one.data)
    return [capture.index.unit(row.number) for row in capture.index.rows()]
