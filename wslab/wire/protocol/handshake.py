"""The opening handshake: HTTP request and response to fields, and the accept key step by step.

Source: RFC 6455 §4 and the syntax of HTTP/1.1 (RFC 9112). Nothing here raises for what a peer may
have sent: a head of any bytes has fields that cover it, and the rules that it breaks are named.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from ..fields import Field, Violation
from ..rules import RULES
from . import deflate
from .headers import header_meaning

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The constant of RFC 6455 §1.3, the same for every WebSocket in the world."""

MAX_HEAD = 256 * 1024
"""Bytes after which a head without an end is taken as it is, so that it cannot grow for ever."""


class Step(NamedTuple):
    """One step of a computation, to be shown."""

    name: str
    value: str
    meaning: str


def accept_key_steps(key: str) -> tuple[Step, ...]:
    """The way from a Sec-WebSocket-Key to its Sec-WebSocket-Accept (RFC 6455 §4.2.2, item 5.4)."""
    joined = key + GUID
    digest = hashlib.sha1(joined.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return (
        Step("key", key, "as it stands in the request; it is not decoded"),
        Step("GUID", GUID, "the constant of RFC 6455 §1.3"),
        Step("key + GUID", joined, "one text behind the other"),
        Step("SHA-1", digest.hex(), "20 bytes, here in hex"),
        Step("base64", base64.b64encode(digest).decode(), "28 characters: Sec-WebSocket-Accept"),
    )


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key."""
    return accept_key_steps(key)[-1].value


class HeaderLine(NamedTuple):
    """A header as it stands in a head: offset and length in bytes, its line end included."""

    name: str
    value: str
    offset: int
    length: int


class Head(NamedTuple):
    """A request's or response's first line and headers, taken apart."""

    first_line: str
    first_length: int
    """Bytes of the first line, its line end included."""
    headers: tuple[HeaderLine, ...]
    length: int
    """Bytes up to and including the empty line."""
    empty: int = 0
    """Bytes of an empty line before the first one: a server overlooks it (RFC 9112 §2.2)."""

    def all(self, name: str) -> list[str]:
        """The values of every header of that name (case ignored)."""
        return [header.value for header in self.headers if header.name.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next(iter(self.all(name)), None)

    def words(self, name: str) -> list[str]:
        """The comma-separated words of a header, over all its lines, in lower case."""
        return [word.lower() for word in _words(self.all(name))]

    @property
    def status(self) -> int | None:
        """The status of a response; None for anything that is not a response's first line."""
        found = None if self.empty else _STATUS_LINE.fullmatch(self.first_line)
        return int(found[1]) if found else None

    @property
    def wants_upgrade(self) -> bool:
        """Whether a request tries to be a WebSocket handshake, however badly."""
        return bool(self.all("Upgrade")) or any(
            header.name.lower().startswith("sec-websocket-") for header in self.headers
        )


_END = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(\d)\.(\d)")
_STATUS_LINE = re.compile(r"HTTP/\d\.\d (\d{3})(?: .*)?", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[!$%&'()*+,;=._~0-9A-Za-z-]*)(?::\d*)?")
_ADDRESS = re.compile(r"(https?)://([^/?#]+)(?:[/?#].*)?", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]+")
_VERSION = re.compile(r"\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# A value in quotes must be a token once its backslashes are gone (RFC 6455 §9.1).
_QUOTED = rf'"(?:\\?{_TOKEN.pattern.removesuffix("+")})+"'
_EXTENSION = re.compile(
    r"TOKEN(?:[ \t]*;[ \t]*TOKEN(?:[ \t]*=[ \t]*(?:TOKEN|QUOTED))?)*".replace(
        "QUOTED", _QUOTED
    ).replace("TOKEN", _TOKEN.pattern)
)


def find_end(data: bytes | bytearray, start: int, seen: int, stop: int) -> int | None:
    """Where the head that starts at `start` ends, or None while it goes on.

    `seen` is how far an earlier look went, so that no byte is looked at again and again.
    """
    begin = max(start + _empty_line(data[start : min(start + 2, stop)]), seen - 3)
    most = start + MAX_HEAD
    found = _END.search(data[begin : min(stop, most)])
    if found:
        return begin + found.end()
    return most if stop >= most else None


def parse_head(data: bytes) -> Head:
    """Take a head apart. Any bytes will do: what is no header line gets an empty name."""
    empty = _empty_line(data[:2])
    end = _END.search(data, empty)
    length = end.end() if end else len(data)
    lines = _lines(data[empty:length])
    first = lines[0] if lines else b""
    headers: list[HeaderLine] = []
    offset = empty + len(first)
    for line in lines[1:]:
        text = _text(line)
        if text or not end:  # the line that ends the head is no header
            name, colon, value = text.partition(":")
            if not colon or not _TOKEN.fullmatch(name):
                name, value = "", text
            headers.append(HeaderLine(name, value.strip(" \t"), offset, len(line)))
        offset += len(line)
    return Head(_text(first), len(first), tuple(headers), length, empty)


def _lines(data: bytes) -> list[bytes]:
    # Not bytes.splitlines: that also splits at a lone CR, which ends no line in HTTP.
    return [line + b"\n" for line in data.split(b"\n")[:-1]] + (
        [rest] if (rest := data.rsplit(b"\n", 1)[-1]) else []
    )


def _text(line: bytes) -> str:
    # Only the line end goes: a CR before it is a byte like any other, and none that is allowed.
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")


def _empty_line(data: bytes | bytearray) -> int:
    return 2 if data == b"\r\n" else 1 if data[:1] == b"\n" else 0


def _words(values: list[str]) -> list[str]:
    # Not strip() alone: that takes off what HTTP does not call white space (NBSP, NEL).
    words = (word.strip(" \t") for value in values for word in value.split(","))
    return [word for word in words if word]


def content_length(head: Head) -> int | None:
    """Bytes of body that a head announces, or None. Of different numbers the first counts."""
    words = _words(head.all("Content-Length"))
    return int(words[0][:18]) if words and _LENGTH.fullmatch(words[0]) else None


class Extension(NamedTuple):
    """An extension that a head offers or accepts, with its parameters."""

    name: str
    parameters: tuple[tuple[str, str | None], ...]
    """Names and values; None for a parameter without a value."""


def extensions(head: Head) -> list[Extension]:
    """The extensions in a head, in its order (RFC 6455 §9.1)."""
    found = []
    for word in _words(head.all("Sec-WebSocket-Extensions")):
        name, *rest = (part.strip(" \t") for part in word.split(";"))
        parameters = []
        for part in rest:
            key, equals, value = (piece.strip(" \t") for piece in part.partition("="))
            if value.startswith('"'):
                value = value.strip('"').replace("\\", "")
            parameters.append((key.lower(), value if equals else None))
        found.append(Extension(name.lower(), tuple(parameters)))
    return found


def head_fields(data: bytes, head: Head, in_request: bool, length: int) -> tuple[Field, ...]:
    """The fields of a request or response: first line, each header, the empty line, the body.

    Of its `length` bytes `data` holds the head and some of the body.
    """
    name = "request line" if in_request else "status line"
    meaning, rfc = _first_line_meaning(head, in_request)
    fields = [
        Field(
            "empty line",
            0,
            8 * head.empty,
            "",
            "A server overlooks an empty line before a request: some clients sent one too many."
            if in_request
            else "Nothing may stand before the status line.",
            "RFC 9112 §2.2",
        ),
        Field(name, 8 * head.empty, 8 * head.first_length, head.first_line, meaning, rfc),
    ]
    position = head.empty + head.first_length
    for header in head.headers:
        meaning, rfc = header_meaning(header.name, in_request)
        if not header.name:
            meaning, rfc = "This line is no header.", "RFC 9112 §5"
        elif header.name.lower() == "sec-websocket-key" and in_request and header.value:
            meaning += f" The accept that belongs to it: {accept_key(header.value)}"
        fields.append(
            Field(
                header.name or "not a header",
                8 * header.offset,
                8 * header.length,
                header.value,
                meaning,
                rfc,
            )
        )
        position = header.offset + header.length
    if position < head.length:
        fields.append(
            Field(
                "empty line",
                8 * position,
                8 * (head.length - position),
                "",
                "Ends the head. After a 101, the very next byte is a frame: HTTP is over."
                if not in_request
                else "Ends the head; a handshake's request has no body.",
                "RFC 9112 §2.1",
            )
        )
    if head.length < length:
        size = length - head.length
        fields.append(
            Field(
                "body",
                8 * head.length,
                8 * size,
                data[head.length : head.length + 4096].decode("utf-8", "replace"),
                f"{size} bytes of content, as HTTP carries it.",
                "RFC 9112 §6",
            )
        )
    return tuple(field for field in fields if field.bits)


STATUS_MEANING: dict[int, str] = {
    101: "Yes: from the next byte on this connection speaks WebSocket.",
    200: "An ordinary page. No WebSocket: the handshake has failed.",
    400: "The server found the request wrong. The handshake has failed.",
    401: "Log in first. The handshake has failed.",
    403: "Forbidden: the server does not serve this origin or user. The handshake has failed.",
    404: "Nothing lives at this path. The handshake has failed.",
    405: "Another method than GET was used. The handshake has failed.",
    426: "Upgrade Required: only WebSocket is spoken here, or only another version of it.",
    429: "Too many requests. The handshake has failed.",
    500: "The server met a fault of its own. The handshake has failed.",
    503: "The server takes no one at present. The handshake has failed.",
    505: "This version of HTTP is not served. The handshake has failed.",
}


def _first_line_meaning(head: Head, in_request: bool) -> tuple[str, str]:
    if in_request:
        found = _REQUEST_LINE.fullmatch(head.first_line)
        if not found:
            return "This is no request line: method, target, HTTP version.", "RFC 9112 §3"
        method, target = found[1], found[2]
        meaning = f"Method {method}, target {target}, HTTP version {found[3]}.{found[4]}."
        if head.wants_upgrade:
            meaning += " A WebSocket starts its life as an ordinary HTTP request."
        return meaning, "RFC 6455 §4.1"
    status = head.status
    if status is None:
        return "This is no status line: HTTP version, status, phrase.", "RFC 9112 §4"
    meaning = STATUS_MEANING.get(status, "")
    if not meaning and 300 <= status < 400:
        meaning = (
            "Ask elsewhere. A browser's WebSocket does not go there: the handshake has failed."
        )
    meaning = meaning or "Anything but 101 means no: the handshake has failed."
    return (
        f"{meaning} Only the number {status} counts; the phrase behind it may be any.",
        "RFC 6455 §4.2.2",
    )


def _broken(*names: str) -> tuple[Violation, ...]:
    return tuple(RULES[name] for name in names)


def request_violations(head: Head) -> tuple[Violation, ...]:
    """The rules that a request breaks (RFC 6455 §4.1 and §4.2.1).

    A request that does not try to be a handshake is held to HTTP's own rules only.
    """
    broken: list[str] = []
    line = _REQUEST_LINE.fullmatch(head.first_line)
    if not line:
        broken.append("request-line-malformed")
    broken += _header_rules(head, "")
    hosts = head.all("Host")
    if len(hosts) > 1:
        broken.append("host-repeated")
    elif hosts and not _HOST.fullmatch(hosts[0]):
        broken.append("host-malformed")
    if not line or not head.wants_upgrade:
        return _broken(*broken)
    if line[1] != "GET":
        broken.append("method-not-get")
    if (int(line[3]), int(line[4])) < (1, 1):
        broken.append("http-version-too-low")
    if "#" in line[2]:
        broken.append("fragment-in-target")
    address = _ADDRESS.fullmatch(line[2])
    if not line[2].startswith("/") and not address:
        broken.append("target-malformed")
    if not hosts:
        broken.append("host-missing")
    elif address and _host_of(address[2], address[1]) != _host_of(hosts[0], address[1]):
        broken.append("host-not-of-target")
    if len(head.all("Origin")) > 1:
        broken.append("origin-repeated")
    broken += _upgrade_rules(head, "")
    keys = head.all("Sec-WebSocket-Key")
    if not keys:
        broken.append("key-missing")
    elif len(keys) > 1:
        broken.append("key-repeated")
    elif not _is_key(keys[0]):
        broken.append("key-not-16-bytes")
    versions = head.all("Sec-WebSocket-Version")
    if not versions:
        broken.append("version-missing")
    elif len(versions) > 1:
        broken.append("version-repeated")
    elif versions[0] != "13":
        broken.append("version-not-13")
    subprotocols = _words(head.all("Sec-WebSocket-Protocol"))
    empty = bool(head.all("Sec-WebSocket-Protocol")) and not subprotocols
    if empty or any(not _TOKEN.fullmatch(word) for word in subprotocols):
        broken.append("subprotocol-malformed")
    if len(set(subprotocols)) < len(subprotocols):
        broken.append("subprotocol-repeated")
    if not _extensions_well_formed(head):
        broken.append("extensions-malformed")
    return _broken(*broken)


def response_violations(head: Head, request: Head | None) -> tuple[Violation, ...]:
    """The rules that a response breaks, seen beside the request that it answers (RFC 6455 §4.1)."""
    broken: list[str] = []
    if head.status is None:
        broken.append("status-line-malformed")
    broken += _header_rules(head, "response-")
    named = _words(head.all("Sec-WebSocket-Version"))
    if any(not _VERSION.fullmatch(word) for word in named):
        broken.append("versions-malformed")
    if head.status != 101:
        asked = request and request.get("Sec-WebSocket-Version")
        # An interim answer does not refuse the version, nor does one that wants a login first.
        refuses = head.status is not None and head.status >= 200 and head.status != 401
        if asked and asked != "13" and refuses and not named:
            broken.append("versions-not-named")
        return _broken(*broken)
    if head.first_line.startswith(("HTTP/0", "HTTP/1.0")):
        broken.append("response-http-version-too-low")
    broken += _upgrade_rules(head, "response-")
    accepts = head.all("Sec-WebSocket-Accept")
    key = request.get("Sec-WebSocket-Key") if request else None
    if not accepts:
        broken.append("accept-missing")
    elif len(accepts) > 1:
        broken.append("accept-repeated")
    elif key is not None and accepts[0] != accept_key(key):
        broken.append("accept-wrong")
    chosen = head.all("Sec-WebSocket-Protocol")
    if len(chosen) > 1:
        broken.append("response-subprotocol-repeated")
    elif chosen and request and chosen[0] not in _words(request.all("Sec-WebSocket-Protocol")):
        broken.append("subprotocol-not-offered")
    if len(head.all("Sec-WebSocket-Extensions")) > 1:
        broken.append("response-extensions-repeated")
    if not _extensions_well_formed(head):
        broken.append("response-extensions-malformed")
    elif request:
        broken += _extension_rules(extensions(head), extensions(request))
    if request and (not request.wants_upgrade or request_violations(request)):
        broken.append("broken-request-accepted")
    return _broken(*broken)


def client_refuses(head: Head, request: Head | None) -> bool:
    """Whether a client must refuse a response: any rule is broken that it has to check."""
    found = {violation.rule for violation in response_violations(head, request)}
    return bool(found - {"broken-request-accepted"})


def _extension_rules(accepted: list[Extension], offered: list[Extension]) -> list[str]:
    broken = []
    if not {extension.name for extension in accepted} <= {other.name for other in offered}:
        broken.append("extension-not-offered")
    answers = [extension.parameters for extension in accepted if extension.name == deflate.NAME]
    offers = [extension.parameters for extension in offered if extension.name == deflate.NAME]
    if len(answers) > 1:
        broken.append("deflate-accepted-twice")
    if answers and offers:
        broken += deflate.answer_faults(offers, answers[0])
    return broken


def _upgrade_rules(head: Head, prefix: str) -> list[str]:
    broken = []
    if not head.all("Upgrade"):
        broken.append(prefix + "upgrade-missing")
    elif "websocket" not in head.words("Upgrade") or (prefix and len(head.words("Upgrade")) > 1):
        broken.append(prefix + "upgrade-not-websocket")
    if not head.all("Connection"):
        broken.append(prefix + "connection-missing")
    elif "upgrade" not in head.words("Connection"):
        broken.append(prefix + "connection-not-upgrade")
    return broken


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _extensions_well_formed(head: Head) -> bool:
    values = head.all("Sec-WebSocket-Extensions")
    words = _words(values)
    return all(_EXTENSION.fullmatch(word) for word in words) and (bool(words) or not values)


def _header_rules(head: Head, prefix: str) -> list[str]:
    """What HTTP asks of the headers of any request or response."""
    broken = []
    if any(not header.name or _UNPRINTABLE.search(header.value) for header in head.headers):
        broken.append(prefix + "header-malformed")
    said = head.all("Content-Length")
    lengths = _words(said)  # the same one more than once is legal
    one = len({length.lstrip("0") for length in lengths}) == 1
    if said and not (one and all(map(_LENGTH.fullmatch, lengths))):
        broken.append(prefix + "content-length-malformed")
    return broken


def _host_of(authority: str, scheme: str) -> str:
    """Name and port, without the user, and without the port that the scheme has anyway."""
    usual = ":80" if scheme.lower() == "http" else ":443"
    return authority.rpartition("@")[2].lower().removesuffix(usual).removesuffix(":")
