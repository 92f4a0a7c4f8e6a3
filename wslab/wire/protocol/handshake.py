"""The opening handshake: computes the accept key step by step, explains request and response.

Source: RFC 6455 §4. Nothing here raises an error for bytes that a peer sent: any head is described
by fields that cover it, and the rules that it breaks are named.
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
from .http import DIGITS, TOKEN, Head, one_proxy_length, proxy_says
from .secrets import MASKED, is_masked

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The constant of RFC 6455 §1.3, the same for every WebSocket connection."""


class KeyStep(NamedTuple):
    """One step in computing the accept key."""

    name: str
    value: str
    meaning: str


def accept_key_steps(key: str) -> tuple[KeyStep, ...]:
    """Compute a Sec-WebSocket-Accept from its key, step by step (RFC 6455 §4.2.2, item 5.4)."""
    joined = key + GUID
    digest = hashlib.sha1(joined.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return (
        KeyStep("key", key, "as it stands in the request; it is not decoded"),
        KeyStep("GUID", GUID, "the constant of RFC 6455 §1.3"),
        KeyStep("key + GUID", joined, "one text behind the other"),
        KeyStep("SHA-1", digest.hex(), "20 bytes, here in hex"),
        KeyStep("base64", base64.b64encode(digest).decode(), "28 characters: Sec-WebSocket-Accept"),
    )


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key."""
    return accept_key_steps(key)[-1].value


_OTHER_GUID = "258EAFA5-E914-47DA-95CA-5AB5DC11B735"
"""A wrong copy of the GUID that went from program to program."""


def accept_slip(key: str, accept: str) -> str:
    """What a server did wrong that answers this accept to this key; "" if it is no known slip."""
    example = accept_key("dGhlIHNhbXBsZSBub25jZQ==")
    if accept in (key, example):
        sample = "the answer to the example's key in §1.3 was sent"
        return "the key itself was sent back" if accept == key else sample
    try:
        decoded = base64.b64decode(key)
    except ValueError:
        decoded = b""
    right = key + GUID
    hashed: dict[str | bytes, str] = {
        right: "",
        decoded + GUID.encode(): "the key was decoded first, and must stay as it stands",
        f"{key}\r{GUID}": "the key still had the CR of its line's end",
        f"{key}\n{GUID}": "the key still had the LF of its line's end",
        f"{key}\r\n{GUID}": "the key still had its line's end",
        f" {right}": "the key still had the space in front of it",
        f"{key} {GUID}": "the key still had the space behind it",
        f'"{key}"{GUID}': "the key was put in quotes",
        f"b'{key}'{GUID}": "the key was written as Python prints bytes: b'…'",
        f"{key}\0{GUID}": "the key still had the byte 0 at its end",
        f"{key.rstrip('=')}{GUID}": "the = at the key's end was left out",
        f"{key.lower()}{GUID}": "the key was put in lower case",
        f"{key.upper()}{GUID}": "the key was put in upper case",
        f"Sec-WebSocket-Key: {right}": "the header's name was hashed as well",
        key + GUID.lower(): "the GUID was in lower case",
        f"{key}{{{GUID}}}": "the GUID was put in braces",
        key + GUID.replace("-", ""): "the GUID's hyphens were left out",
        key + _OTHER_GUID: f"the GUID was {_OTHER_GUID}, a wrong copy of it",
        f"{right}\n": "a line's end was hashed as well",
        f"{right}\r\n": "a line's end was hashed as well",
        f"{right}\0": "a byte 0 at the end was hashed as well",
        right.encode("utf-16-le"): "it was hashed as UTF-16",
        key: "the GUID was left out",
        GUID: "the key was left out",
        f"null{GUID}": "null was hashed in place of the key",
        f"undefined{GUID}": "undefined was hashed in place of the key",
        f"None{GUID}": "None was hashed in place of the key",
        GUID + key: "the GUID was put in front of the key, not behind it",
    }
    for text, slip in hashed.items():
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for name in ("SHA-1", "SHA-256", "SHA-512", "MD5"):
            digest = hashlib.new(
                name.replace("SHA-1", "sha1"), data, usedforsecurity=False
            ).digest()
            other = f"it was made with {name}, and must be made with SHA-1"
            if (how := _digest_written(digest, accept)) is not None:
                return ", and ".join(filter(None, (slip, other * (name != "SHA-1"), how)))
    return _no_digest(accept)


def _digest_written(digest: bytes, accept: str) -> str | None:
    """How a digest was written as this accept; "" in base64, None if it is another one."""
    text, hexed = base64.b64encode(digest).decode(), digest.hex()
    in_hex = [base64.b64encode(one.encode()).decode() for one in (hexed, hexed.upper())]
    ways = {
        "": [text],
        "the digest was written in hex first": in_hex,
        "the digest is in hex, and must be in base64": [hexed, hexed.upper()],
        "the = at its end is missing": [text.rstrip("=")],
        "it is in the base64 of URLs, with - and _": [base64.urlsafe_b64encode(digest).decode()],
        "it was put in base64 twice": [base64.b64encode(text.encode()).decode()],
        "it stands in quotes": [f'"{text}"', f"'{text}'"],
        "it is written as Python prints bytes": [f"b'{text}'"],
        "its = is percent-encoded": [text.replace("=", "%3D"), text.replace("=", "%3d")],
        "it was put in lower case": [text.lower()],
        "it was put in upper case": [text.upper()],
    }
    return next((way for way, forms in ways.items() if accept in forms), None)


def _no_digest(accept: str) -> str:
    try:
        size = len(base64.b64decode(accept, validate=True))
    except (binascii.Error, ValueError):
        return "it is not valid base64"
    return "" if size == 20 else f"it has {size} bytes in base64, and a SHA-1 has 20"


_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(\d)\.(\d)")
_STATUS_LINE = re.compile(r"HTTP/\d\.\d \d{3}(?: .*)?")
_DRAFTS = {str(number): f"hybi-{number:02} of {2010 + (number > 3)}" for number in range(9)}
"""What other versions were: those of the registry of IANA (RFC 6455 §11.6)."""
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[!$%&'()*+,;=._~0-9A-Za-z-]*)(?::\d*)?")
_ADDRESS = re.compile(r"(https?)://([^/?#]+)(?:[/?#].*)?", re.IGNORECASE)
_VERSION = re.compile(r"\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# A value in quotes must be a token once its backslashes are gone (RFC 6455 §9.1).
_QUOTED = rf'"(?:\\?{TOKEN.pattern.removesuffix("+")})+"'
_PARAMETER = rf"[ \t]*;[ \t]*{TOKEN.pattern}(?:[ \t]*=[ \t]*(?:{TOKEN.pattern}|{_QUOTED}))?"
_EXTENSION = re.compile(rf"{TOKEN.pattern}(?:{_PARAMETER})*")


class Extension(NamedTuple):
    """An extension that a head offers or accepts, with its parameters."""

    name: str
    parameters: tuple[tuple[str, str | None], ...]
    """Names and values; None for a parameter without a value."""


def extensions(head: Head) -> list[Extension]:
    """The extensions that a head names, in its order (RFC 6455 §9.1)."""
    found = []
    for word in head.listed("Sec-WebSocket-Extensions"):
        name, *rest = (part.strip(" \t") for part in word.split(";"))
        parameters = []
        for part in rest:
            key, equals, value = (piece.strip(" \t") for piece in part.partition("="))
            if value.startswith('"'):
                value = value.strip('"').replace("\\", "")
            parameters.append((key.lower(), value if equals else None))
        found.append(Extension(name.lower(), tuple(parameters)))
    return found


def head_fields(
    data: bytes, head: Head, in_request: bool, length: int, request: Head | None = None
) -> tuple[Field, ...]:
    """The fields of a request or response: first line, each header, the empty line, the body.

    `data` holds the head and the first part of the body; `length` counts the whole in bytes.
    `request` is what a response answers, if it is known.
    """
    fields: list[Field] = []

    def add(name: str, start: int, size: int, value: str, meaning: str, rfc: str) -> None:
        if size:  # in bytes
            fields.append(Field(name, 8 * start, 8 * size, value, meaning, rfc))

    too_early = (
        "A server overlooks an empty line before a request: some clients sent one too many."
        if in_request
        else "Nothing may stand before the status line."
    )
    at = 0
    while at < head.proxy:
        says = (
            "A proxy put it before the client's bytes: who connected to it. It is not HTTP, and a "
        )
        says += "server reads it only where it is told to."
        size = one_proxy_length(data[at : head.proxy])
        if data[at : at + size].endswith(b"\n") and data[at + size - 2 : at + size] != b"\r\n":
            says += " Its line must end with CR LF: this one ends with LF alone."
        value = proxy_says(data[at : at + size])
        add("PROXY protocol", at, size, value, says, "HAProxy: PROXY protocol")
        at += size
    add("empty line", head.proxy, head.empty - head.proxy, "", too_early, "RFC 9112 §2.2")
    name = "request line" if in_request else "status line"
    plain = request is not None and not request.wants_upgrade and head.status != 101
    meaning, rfc = _first_line_meaning(head, in_request, plain)
    if head.status == 101 and request is not None:
        meaning += _no_subprotocol(head, request)
    if is_masked(head.first_line):
        meaning += f" {MASKED}"
    add(name, head.empty, head.first_length, head.first_line, meaning, rfc)
    end = head.empty + head.first_length
    for header in head.headers:
        meaning, rfc = header_meaning(header.name, in_request)
        if not header.name:
            meaning, rfc = "This line is no header.", "RFC 9112 §5"
        elif header.name.lower() == "sec-websocket-key" and in_request and header.value:
            meaning += f" The accept that belongs to it: {accept_key(header.value)}"
        elif header.name.lower() == "sec-websocket-protocol" and in_request:
            meaning += _odd_offer(header.value)
        elif header.name.lower() in _OF_BODIES and _has_no_body(head):
            meaning = "Has no place here: no body follows, whatever it says."
        if is_masked(header.value, header.name):
            meaning += f" {MASKED}"
        name = header.name or "not a header"
        add(name, header.offset, header.length, header.value, meaning, rfc)
        end = header.offset + header.length
    over = (
        "Ends the head; a handshake's request has no body."
        if in_request
        else "Ends the head. After a 101, the very next byte is a frame: HTTP is over."
    )
    add("empty line", end, head.length - end, "", over, "RFC 9112 §2.1")
    body = data[head.length : head.length + 4096].decode("utf-8", "replace")
    size = length - head.length
    content = f"{size} bytes of content, as HTTP carries it."
    if not in_request and head.status is None and body.startswith("HTTP/1."):
        content = "The response begins here. What stands before it was printed into the socket."
    add("body", head.length, size, body, content, "RFC 9112 §6")
    return tuple(fields)


_OF_BODIES = ("content-length", "transfer-encoding")


def _has_no_body(head: Head) -> bool:
    """Whether a response has no body by its status (RFC 9112 §6.3)."""
    return head.status is not None and (head.status < 200 or head.status == 204)


def _no_subprotocol(head: Head, request: Head) -> str:
    """What a client makes of a 101 that chooses none of the subprotocols offered."""
    if head.listed("Sec-WebSocket-Protocol") or not request.listed("Sec-WebSocket-Protocol"):
        return ""
    return (
        " It chooses none of the subprotocols that the client offered: legal for RFC 6455 (§4.1), "
        "but a browser then fails the connection. Let the server choose one of them, or the page "
        "offer none."
    )


def _odd_offer(offered: str) -> str:
    """A note on an offer that a script did not mean."""
    if offered not in ("null", "undefined", "None", ""):
        return ""
    return (
        f" A script passed {offered or 'an empty text'} where it meant no subprotocol: it became a "
        "name, and a server has to choose it. Leave the argument out."
    )


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
    503: "The server takes no connections at present. The handshake has failed.",
    505: "This version of HTTP is not served. The handshake has failed.",
}


_CLASSES = ("No known status", "More is to come", "Yes", "Ask elsewhere", "The client's fault",
            "The server's fault", *["No known status"] * 4)  # fmt: skip
"""What a status says by its first digit (RFC 9110 §15)."""

_FAILED = " The handshake has failed."


def _first_line_meaning(head: Head, in_request: bool, plain: bool) -> tuple[str, str]:
    """`plain`: a response to a request that asks for no WebSocket."""
    if in_request:
        found = _REQUEST_LINE.fullmatch(head.first_line)
        if not found:
            return "This is no request line: method, target, HTTP version.", "RFC 9112 §3"
        method, target = found[1], found[2]
        meaning = f"Method {method}, target {target}, HTTP version {found[3]}.{found[4]}."
        if head.wants_upgrade:
            meaning += " A WebSocket starts its life as an ordinary HTTP request."
            return meaning, "RFC 6455 §4.1"
        return meaning, "RFC 9112 §3"
    status = head.status
    if status is None:
        return "This is no status line: HTTP version, status, phrase.", "RFC 9112 §4"
    if plain:
        told = "What was asked for." if status == 200 else STATUS_MEANING.get(status, "")
        meaning = told.removesuffix(_FAILED) or f"{_CLASSES[status // 100 % 10]}."
        return f"{meaning} The phrase behind the number may be any.", "RFC 9110 §15"
    meaning = STATUS_MEANING.get(status) or (
        "Ask elsewhere. A browser's WebSocket does not go there: the handshake has failed."
        if 300 <= status < 400
        else "Anything but 101 means no: the handshake has failed."
    )
    meaning += f" Only the number {status} counts; the phrase behind it may be any."
    return meaning, "RFC 6455 §4.2.2" if status == 101 else "RFC 6455 §4.1"


def _broken(*names: str) -> tuple[Violation, ...]:
    return tuple(RULES[name] for name in names)


def request_violations(head: Head) -> tuple[Violation, ...]:
    """The rules that a request breaks (RFC 6455 §4.1 and §4.2.1).

    A request that does not ask for an upgrade is checked against HTTP's own rules only.
    """
    broken: list[str] = []
    here: dict[str, str] = {}
    line = _REQUEST_LINE.fullmatch(head.first_line)
    if not line:
        broken.append("request-line-malformed")
        here["request-line-malformed"] = _later(head, _REQUEST_LINE)
    broken += _header_rules(head, "")
    hosts = head.all("Host")
    if len(hosts) > 1:
        broken.append("host-repeated")
    elif hosts and not _HOST.fullmatch(hosts[0]):
        broken.append("host-malformed")
    if not line or not head.wants_upgrade:
        return _told(_broken(*broken), here)
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
    keys, versions = head.all("Sec-WebSocket-Key"), head.all("Sec-WebSocket-Version")
    if is_hixie_76(head):
        broken.append("hixie-76")
    elif not keys:
        broken.append("key-missing")
    elif len(keys) > 1:
        broken.append("key-repeated")
    elif not _is_key(keys[0]):
        broken.append("key-not-16-bytes")
    if not versions and not is_hixie_76(head):
        broken.append("version-missing")
    elif len(versions) > 1:
        broken.append("version-repeated")
    elif versions and versions[0] != "13":
        broken.append("version-not-13")
        if versions[0] in _DRAFTS:
            here["version-not-13"] = f"{versions[0]} names a draft, {_DRAFTS[versions[0]]}"
    subprotocols = head.listed("Sec-WebSocket-Protocol")
    empty = bool(head.all("Sec-WebSocket-Protocol")) and not subprotocols
    if empty or any(not TOKEN.fullmatch(word) for word in subprotocols):
        broken.append("subprotocol-malformed")
        here["subprotocol-malformed"] = _not_a_token(subprotocols)
    if len(set(subprotocols)) < len(subprotocols):
        broken.append("subprotocol-repeated")
    if not _extensions_well_formed(head):
        broken.append("extensions-malformed")
    return _told(_broken(*broken), here)


def _later(head: Head, line: re.Pattern[str]) -> str:
    """What stands before the first line that is meant, if that comes as one of the headers."""
    found = next((one for one in head.headers if line.fullmatch(f"{one.name}{one.value}")), None)
    if found is None:
        return ""
    size = found.offset - head.empty
    return f"the line that is meant comes {size} bytes later: something was printed before it"


def is_hixie_75(request: Head, response: Head) -> bool:
    """Whether a handshake is that of the draft hixie-75, which has no key and no proof."""
    named = response.all("WebSocket-Origin") and response.all("WebSocket-Location")
    return bool(named) and not request.all("Sec-WebSocket-Key")


def is_hixie_76(request: Head) -> bool:
    """Whether a request is that of the draft hixie-76, whose two keys hide a number each."""
    keys = [request.all(f"Sec-WebSocket-Key{number}") for number in (1, 2)]
    return all(keys) and not request.all("Sec-WebSocket-Key")


def hixie_76_answer(request: Head, third: bytes) -> bytes | None:
    """The 16 bytes that hixie-76 wants behind a 101; None if a key hides no number.

    `third` are the 8 bytes behind the request.
    """
    numbers = b""
    for name in ("Sec-WebSocket-Key1", "Sec-WebSocket-Key2"):
        key = request.get(name) or ""
        digits, spaces = "".join(DIGITS.findall(key))[:20], key.count(" ")
        if not digits or not spaces:
            return None
        numbers += (int(digits) // spaces % 2**32).to_bytes(4, "big")
    return hashlib.md5(numbers + third, usedforsecurity=False).digest()


def _not_a_token(words: list[str]) -> str:
    """What keeps a subprotocol from being a token; "" where none is named."""
    for word in words:
        odd = next((letter for letter in word if not TOKEN.fullmatch(letter)), "")
        if odd:
            what = {" ": "a space", "\t": "a tab"}.get(odd, odd if odd.isprintable() else repr(odd))
            says = f"{what} stands in one, and a browser's constructor throws a SyntaxError for it"
            if odd in "=/":
                says += ". Base64 can be written with - and _ and without ="
            return says
    return ""


def _told(broken: tuple[Violation, ...], here: dict[str, str]) -> tuple[Violation, ...]:
    """The violations, with what is special here in the texts of some."""
    return tuple(
        rule._replace(text=f"{rule.text} Here {here[rule.rule]}.") if here.get(rule.rule) else rule
        for rule in broken
    )


def response_violations(head: Head, request: Head | None) -> tuple[Violation, ...]:
    """The rules that a response breaks, given the request that it answers (RFC 6455 §4.1)."""
    broken: list[str] = []
    here: dict[str, str] = {}
    if head.status is None:
        broken.append("status-line-malformed")
        here["status-line-malformed"] = _later(head, _STATUS_LINE)
        if head.first_line.startswith("\xef\xbb\xbf"):
            here["status-line-malformed"] = (
                "a byte order mark (ef bb bf) stands in front: a file of the server's program was "
                "saved with one"
            )
    broken += _header_rules(head, "response-")
    if _has_no_body(head):
        if head.all("Content-Length"):
            broken.append("content-length-in-1xx")
        if head.all("Transfer-Encoding"):
            broken.append("transfer-encoding-in-1xx")
    named = head.listed("Sec-WebSocket-Version")
    if any(not _VERSION.fullmatch(word) for word in named):
        broken.append("versions-malformed")
    if head.status != 101:
        # An interim response does not refuse the version, nor does one that asks for a login.
        refuses = head.status is not None and head.status >= 200 and head.status != 401
        asked = request.get("Sec-WebSocket-Version") if request and refuses else None
        if asked and asked != "13" and not named:
            broken.append("versions-not-named")
        return _told(_broken(*broken), here)
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
        here["accept-wrong"] = accept_slip(key, accepts[0])
    chosen = head.all("Sec-WebSocket-Protocol")
    if len(chosen) > 1:
        broken.append("response-subprotocol-repeated")
    elif chosen and request and chosen[0] not in request.listed("Sec-WebSocket-Protocol"):
        broken.append("subprotocol-not-offered")
        listed = head.listed("Sec-WebSocket-Protocol")
        if chosen[0].lower() in request.words("Sec-WebSocket-Protocol"):
            here["subprotocol-not-offered"] = (
                "it differs from the one offered in capital letters, and they count"
            )
        elif not request.listed("Sec-WebSocket-Protocol"):
            here["subprotocol-not-offered"] = "the client offered none"
        if len(listed) > 1:
            here["subprotocol-not-offered"] = (
                f"{len(listed)} stand in a list: it must choose one of them, and send that alone"
            )
    # Several Sec-WebSocket-Extensions are as good as one: §4.2.2, and erratum 3433 to §11.3.2.
    if not _extensions_well_formed(head):
        broken.append("response-extensions-malformed")
    elif request:
        broken += _extension_rules(extensions(head), extensions(request))
    faults = {rule.rule for rule in request_violations(request)} if request else set()
    if request and (not request.wants_upgrade or faults - {"bare-line-feed"}):
        broken.append("broken-request-accepted")
    return _told(_broken(*broken), here)


def client_refuses(head: Head, request: Head | None) -> bool:
    """Whether a client must refuse a response: it breaks a rule that the client has to check."""
    found = {violation.rule for violation in response_violations(head, request)}
    return bool(found - _OF_THE_SERVER_ALONE)


_OF_THE_SERVER_ALONE = {
    "broken-request-accepted", "response-bare-line-feed", "content-length-in-1xx",
    "transfer-encoding-in-1xx",
}  # fmt: skip
"""Rules that no client has to check: some do, and some do not."""


def extensions_fit(response: Head, request: Head) -> bool:
    """Whether a request offers the extensions that a response agrees to, with their parameters."""
    return not _extension_rules(extensions(response), extensions(request))


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
    words = head.listed("Sec-WebSocket-Extensions")
    is_there = bool(head.all("Sec-WebSocket-Extensions"))
    return all(map(_EXTENSION.fullmatch, words)) and bool(words) == is_there


def _header_rules(head: Head, prefix: str) -> list[str]:
    """The rules of HTTP that the headers of a request or response break."""
    broken = []
    if head.bare:
        broken.append(prefix + "bare-line-feed")
    if any(not header.name or _UNPRINTABLE.search(header.value) for header in head.headers):
        broken.append(prefix + "header-malformed")
    lengths = head.listed("Content-Length")  # repeating the same number is legal
    one = len({length.lstrip("0") for length in lengths}) == 1
    if head.all("Content-Length") and not (one and all(map(DIGITS.fullmatch, lengths))):
        broken.append(prefix + "content-length-malformed")
    return broken


def _host_of(authority: str, scheme: str) -> str:
    """Host name and port, without the user, and without the scheme's default port."""
    usual = ":80" if scheme.lower() == "http" else ":443"
    return authority.rpartition("@")[2].lower().removesuffix(usual).removesuffix(":")
