"""SOCKS: a client asks a proxy for a connection, before HTTP or TLS begins in it.

Sources: RFC 1928 (SOCKS 5) and RFC 1929 (its login); SOCKS 4 and 4A have memos of 1992, no RFC. The
messages of a direction come in a fixed order::

    client   greeting            [login]            request
    server            [method]            [verdict]          answer

Nothing here raises an error, whatever bytes a peer sent.
"""

from __future__ import annotations

import ipaddress

from ..fields import Direction, Field
from ..reader import Reader

LONGEST = 1024
"""Bytes that no message exceeds."""

_METHODS = {0: "no login", 1: "GSSAPI", 2: "user name and password", 255: "none of those offered"}
_COMMANDS = {1: "connect", 2: "bind", 3: "UDP associate"}
_REPLIES = {
    0: "succeeded", 1: "the proxy failed", 2: "not allowed by the proxy's rules",
    3: "network unreachable", 4: "host unreachable", 5: "connection refused", 6: "TTL expired",
    7: "command not supported", 8: "address type not supported",
    90: "granted", 91: "rejected or failed", 92: "rejected: no identd answers at the client",
    93: "rejected: identd names another user",
}  # fmt: skip
_SECTIONS = {"greeting": 3, "method": 3, "request": 4, "answer": 6}
_VERSION_4 = "request 4", "answer 4"

# By direction and the message before: what may follow, and its first two bytes.
_ANY, _FEW = range(256), range(1, 11)
_ORDER: dict[tuple[Direction, str], dict[str, tuple[int, range]]] = {
    ("client", ""): {"greeting": (5, _FEW), "request 4": (4, range(1, 3))},
    ("client", "greeting"): {"login": (1, _ANY), "request": (5, range(1, 4))},
    ("client", "login"): {"request": (5, range(1, 4))},
    ("server", ""): {"method": (5, _ANY), "answer 4": (0, range(90, 94))},
    ("server", "method"): {"verdict": (1, _ANY), "answer": (5, range(9))},
    ("server", "verdict"): {"answer": (5, range(9))},
}


def begins(direction: Direction, before: str, data: bytes | bytearray) -> str:
    """Which message begins with the first bytes of `data`, behind the message `before`; or ""."""
    for name, (first, second) in _ORDER.get((direction, before), {}).items():
        if data[:1] == bytes([first]) and (len(data) < 2 or data[1] in second):
            return name
    return ""


def end(name: str, data: bytes | bytearray, start: int, stop: int) -> int | None:
    """The offset at which the message at `start` ends; None while it goes on after `stop`."""
    data = data[start : min(stop, start + LONGEST)]
    size = _size(name, data + bytes(8))
    return start + size if size <= len(data) else None


def messages(direction: Direction, data: bytes | bytearray) -> list[tuple[str, int, int]]:
    """The whole messages at the start of a stream: name, first offset, and the one behind each."""
    found: list[tuple[str, int, int]] = []
    name, stop = "", 0
    while name := begins(direction, name, data[stop : stop + 2]):
        start, behind = stop, end(name, data, stop, len(data))
        if behind is None:
            break
        found.append((name, start, behind))
        stop = behind
    return found


def _size(name: str, data: bytes | bytearray) -> int:
    if name == "greeting":
        return 2 + data[1]
    if name == "login":
        names = 2 + data[1]
        return names + 1 + (data[names] if names < len(data) else 0)
    if name in ("request", "answer"):
        return {1: 10, 3: 7 + data[4], 4: 22}.get(data[3], 4)
    if name == "request 4":
        size = _behind_text(data, 8)
        return _behind_text(data, size) if _names_host(data) else size
    return 8 if name == "answer 4" else 2


def _behind_text(data: bytes | bytearray, start: int) -> int:
    found = data.find(b"\0", start, min(start + 256, len(data) - 8))
    return found + 1 if found >= 0 else start + 256


def _names_host(data: bytes | bytearray) -> bool:
    """Whether a request of SOCKS 4 is one of 4A: its address is 0.0.0.x, and a name follows."""
    return data[4:7] == bytes(3) and data[7] > 0


def masked(name: str, data: bytes | bytearray) -> bytes:
    """The beginning of a message, with its login as stars: user name and password."""
    shown = bytearray(data)
    for at in range(2, len(shown)) if name == "login" else ():
        if at != 2 + shown[1]:  # the password's length
            shown[at] = 0x2A
    if name == "request 4" and len(shown) > 8:
        shown[8:] = b"*" * len(shown[8:].partition(b"\0")[0]) + b"".join(
            shown[8:].partition(b"\0")[1:]
        )
    return bytes(shown)


def text(name: str, data: bytes) -> str:
    """What a whole message is, in a few words: `SOCKS 5 answer: connection refused`."""
    version = 4 if name in _VERSION_4 else 5
    values = {field.name: field.value for field in fields(name, data)}
    says = {"request": "target", "answer": "reply", "verdict": "status"}.get(name.split()[0], "")
    if name == "greeting":
        said = f": offers {values.get('methods', 'nothing')}"
    elif name == "method":
        said = f": {values['method']}"
    elif says == "target":
        said = f": {values['command']} to {target(name, data)}"
    else:
        said = f": {values[says]}" if says else ""
    return f"SOCKS {version} {name.split()[0]}{said}"


def target(name: str, data: bytes) -> str:
    """Whereto a request asks for a connection: `lab.example:443`."""
    values = {field.name: field.value for field in fields(name, data)}
    host = str(values.get("host", values.get("address", "?")))
    return f"{f'[{host}]' if ':' in host else host}:{values.get('port', '?')}"


def fields(name: str, data: bytes) -> tuple[Field, ...]:
    """The fields of a whole message, which cover each bit once, in order."""
    reader, rfc = Reader(data), "RFC 1929 §2" if name in ("login", "verdict") else "RFC 1928"
    size = data[1] if len(data) > 1 else 0

    def word(name: str, words: dict[int, str], meaning: str) -> None:
        number = data[reader.at]
        said = words.get(number, f"number {number}")
        reader.take(name, 1, said, meaning, rfc)

    if name in _VERSION_4:
        rfc = "SOCKS 4A"
    elif name in _SECTIONS:
        rfc += f" §{_SECTIONS[name]}"
    whose = "the login" if rfc.startswith("RFC 1929") else "SOCKS"
    reader.number("version", 1, "Always 0." if name == "answer 4" else f"Of {whose}.", rfc)
    if name == "greeting":
        reader.number("number of methods", 1, "Bytes that follow.", rfc)
        offered = ", ".join(_METHODS.get(one, f"number {one}") for one in data[2:])
        reader.rest("methods", "The logins that the client can do.", rfc, offered)
    elif name == "method":
        word("method", _METHODS, "The login that the proxy chose. With 255 it refuses.")
    elif name == "login":
        stars = "wslab stores stars instead."
        reader.number("length of user name", 1, "In bytes.", rfc)
        reader.take("user name", size, "*" * size, stars, rfc)
        reader.number("length of password", 1, "In bytes.", rfc)
        reader.rest("password", f"It crosses in clear. {stars}", rfc, "*" * data[2 + size])
    elif name == "verdict":
        word("status", {0: "login accepted"} | dict.fromkeys(range(1, 256), "login refused"),
             "0 is yes. After anything else the proxy closes.")  # fmt: skip
    elif name.startswith("request"):
        word("command", _COMMANDS, "What the client wants.")
    else:
        word("reply", _REPLIES, "Whether the connection exists; then the next byte is its first.")
    if name in _VERSION_4:
        named = "0.0.0.x says that a name follows." if _names_host(data) else "Of the server."
        reader.number("port", 2, "Of the server.", rfc)
        reader.take("address", 4, _address(data[4:8]), named, rfc)
        if name == "request 4":
            size = _behind_text(data + bytes(8), 8) - 8
            reader.take(
                "user id", size, "*" * (size - 1), "Up to a byte 0. wslab stores stars.", rfc
            )
            host = data[reader.at : -1].decode("latin-1")
            reader.rest("host", "SOCKS 4A: the proxy looks the name up.", rfc, host)
    elif name in ("request", "answer"):
        reader.number("reserved", 1, "Always 0.", rfc)
        kind = data[3]
        word("address type", {1: "IPv4", 3: "name", 4: "IPv6"}, "How the address is written.")
        if kind == 3:
            reader.number("length of name", 1, "In bytes.", rfc)
        whose = "Of the server." if name == "request" else "From which the proxy connects."
        where = data[reader.at : -2]
        value = where.decode("latin-1") if kind == 3 else _address(where)
        if reader.left:
            reader.take("host" if kind == 3 else "address", len(where), value, whose, rfc)
            reader.number("port", 2, whose, rfc)
    return tuple(reader.fields)


def _address(data: bytes) -> str:
    return str(ipaddress.ip_address(data)) if len(data) in (4, 16) else data.hex()
