"""Finds and masks the logins in a request or response, which must not be kept or shown.

A login is recognised by its *name* (of a header, of a parameter in a query, of a subprotocol that
announces a token) or by its *form* (a JSON Web Token, a user before the @ of a URL, a subprotocol
that no human would choose). Each of its bytes becomes a `*`, so that offsets stay true.

`masked_line` masks whatever is recorded (`recording/secrets_mask.py` finds the lines), and
`masked_text` whatever is shown outside a recording, such as a URL in an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_SECRET_NAME = re.compile(
    rb"""
    # Names are compared in lower case and without what is no letter or digit: X-Api-Key, apiKey and
    # api_key are one. Anywhere in a name:
      token(?!s$|iz)                  # access_token, id_token, X-Auth-Token, X-CSRF-Token
    | secret | credential | bearer | jwt | csrf | xsrf | assertion | samlresponse | authorization
    | oauthverifier
    | passw | passphrase | passcode   # password, passwd, CB-ACCESS-PASSPHRASE
    | session | sessid                # session_id, PHPSESSID
    | authcode | codeverifier | signature | apikey
    # At its end:
    | (?:access|account|admin|app|auth|client|consumer|encryption|functions?|license|master|private
      |root|security|service|shared|signing|ssh|stream|subscription|user)keys?(?:id)?$
    | (?:auth|authentication|pwd|sid|ticket|accesssign|apisign)$   # X-Auth, connect.sid
    # The whole name:
    | ^(?:set)?cookies?2?$
    | ^(?:proxy)?authenticationinfo$
    | ^xmsclientprincipal$
    """,
    re.VERBOSE,
)
_SHORT_NAME = re.compile(rb"x?(?:code|cred|creds|hmac|key|otp|totp|pass|pin|pw|sig|sign|sso)")
"""Names of a login in a query or of a header, which elsewhere may mean something else."""
_NO_SECRET = re.compile(rb"accesscontrol")
"""The prefixes of header names that only describe logins."""

_NO_LETTER = re.compile(rb"[^A-Za-z0-9]+")
_STARS = bytes(byte if byte in b" \t\r\n" else 0x2A for byte in range(256))


def stars(secret: bytes | bytearray) -> bytes:
    """A login with a `*` for each byte, except for blanks and line ends."""
    return bytes(secret.translate(_STARS))


def is_secret_name(name: bytes, *, short: bool = True) -> bool:
    """Whether a value with this name is a login, in any spelling of the name, even `%74oken`.

    With `short`, names of few letters count as well, such as `key` and `code`.
    """
    while b"%" in name and (plain := unquote_to_bytes(name)) != name:
        name = plain
    if not name.isascii():  # ignore accents, keep the letters below them
        name = unicodedata.normalize("NFKD", _decoded(name)).encode("ascii", "ignore")
    name = _NO_LETTER.sub(b"", name).lower()
    if short and _SHORT_NAME.fullmatch(name):
        return True
    return bool(_SECRET_NAME.search(name)) and not _NO_SECRET.match(name)


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


MASKED = "(Stars in it are a login's, masked by wslab as it was recorded.)"
"""The sentence for a line in which a login is masked."""

_MASKED = re.compile(r"\*\*|=\*(?=[&\s]|$)")


def is_masked(value: str, name: str = "") -> bool:
    """Whether a header's value or a first line seems to have a masked login."""
    if name and is_secret_name(name.encode("latin-1", "replace")):
        return bool(value) and set(value) <= set("* ")
    return _MASKED.search(value) is not None


# --- One line of a head

_REQUEST_LINE = re.compile(rb"HTTP/\d|[A-Z]+ (?:/|[a-z]+:)[^\n]* HTTP/\d")
_IN_TARGET = re.compile(rb"[ /?]")
_SEPARATOR = re.compile(rb"[:=]")
_WORD = re.compile(rb"[^A-Za-z0-9]*([A-Za-z0-9_-]+)[^A-Za-z0-9_-]")
_LONGEST_NAME = 200

_LISTS = (b"secwebsocketprotocol", b"wwwauthenticate", b"proxyauthenticate")
"""Headers in which one word announces the next one."""
_NOT_READ = (b"secwebsocketkey", b"secwebsocketaccept")
"""Headers with random letters, which may look like a secret's name; they are not secret."""


_MOST_RETURNS = 64
"""How many lone CRs in a line are searched for a header after them."""
_SOME_NAME = re.compile(rb"auth|cookie|key|pass|secret|session|token", re.IGNORECASE)


def masked_line(line: bytes, first: bool = False) -> bytes:
    """One line of a head, with its logins masked; `first` marks a request or status line.

    Any bytes are allowed. A lone CR does not end a line in HTTP, but some readers take it for one,
    so a header may begin after it as well.
    """
    masked = bytearray()
    for piece in line.split(b"\r", _MOST_RETURNS):
        if not piece.strip():
            masked += piece + b"\r"
            continue
        if b"\r" in piece and _SOME_NAME.search(piece):  # this is not a line of HTTP
            piece = stars(piece)
        begin = _value_start(piece, first or bool(_REQUEST_LINE.match(piece)))
        if begin is not None:
            # Up to the end: readers disagree on where the value ends.
            return bytes(masked) + piece[:begin] + stars(line[len(masked) + begin :])
        masked += _masked_value(piece, first) + b"\r"
    return bytes(masked[:-1])


def _value_start(line: bytes, first: bool) -> int | None:
    """Where a header's value starts if all of it is a login, else None.

    A malformed header counts too: junk around its name, or `=` or only a blank after it.
    """
    found = _SEPARATOR.search(line)
    name = line[: found.start()].strip() if found else b""
    short = len(_NO_LETTER.sub(b"", name)) <= _LONGEST_NAME
    if found and short and not (first and _IN_TARGET.search(name)) and is_secret_name(name):
        return found.end()
    word = None if first else _WORD.match(line)
    if word and not (found and found.start() <= word.end(1)) and is_secret_name(word[1]):
        return word.end(1)
    return None


def _masked_value(line: bytes, first: bool) -> bytes:
    """A line that is not one login as a whole, with the logins inside it masked."""
    name, _, value = line.partition(b":")
    plain = b"" if first else _NO_LETTER.sub(b"", name[:_LONGEST_NAME]).lower()
    if plain in _NOT_READ:
        return line
    if plain == b"secwebsocketprotocol":
        return line[: len(line) - len(value)] + _masked_subprotocols(value)
    if plain in _LISTS:
        return _starred(line, _challenge_spans(line, len(line) - len(value)))
    line = _masked_urls(line)
    if plain == b"host" or line.startswith(b"CONNECT "):
        line = _starred(line, (found.span(1) for found in _AUTHORITY.finditer(line)))
    return line


def announcement(line: bytes) -> bytes:
    """The part of a header that shows that a folded line below may hold a login; may be empty."""
    name, colon, value = line.rstrip().partition(b":")
    plain = _NO_LETTER.sub(b"", name[:_LONGEST_NAME]).lower()
    if colon and value.strip() and plain not in _LISTS:
        return b""
    return name[-30:] + colon + value[-30:]


def _starred(data: bytes, spans: Iterator[tuple[int, int]]) -> bytes:
    masked = bytearray()
    for start, stop in spans:
        masked += data[len(masked) : start]
        masked += stars(data[len(masked) : stop])  # they may overlap
    return bytes(masked + data[len(masked) :])


# --- In a text or a URL

_PARAMETER = re.compile(
    rb"""
    (?: (?P<query> [?&\#] | %(?:25)*(?:3F|26|23) )   # also in the URL that is a query's parameter
      | (?: ^ | [;,\s"'({<] ) )
    (?P<name> [^?&;\#,:\s"'(){}<>=]{1,100}? ) (?: = | %(?:25)*3D )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_REST_OF_QUERY = re.compile(rb"[^&\s\"'<>]*")
_REST_OF_PAIR = re.compile(rb"\"[^\"]*|'[^']*|[^;,&\s\"'<>]*")
_USER = re.compile(
    rb"(?://|:%(?:25)*2F%(?:25)*2F)([^\s/?#\"'<>\\]{1,256})(?:@|%(?:25)*40)", re.IGNORECASE
)
_AUTHORITY = re.compile(rb"^(?:CONNECT |[^:]*:)\s*([^\s/?#]+)@")
_JSON_WEB_TOKEN = re.compile(rb"\beyJ[A-Za-z0-9_-]{5,}[A-Za-z0-9_.=-]*")
_SCHEME = re.compile(
    rb"\b(?:bearer|negotiate|ntlm)\s+(?!HTTP/)([A-Za-z0-9._~+/=-]{8,})(?!\S)", re.I
)
# {"token":"…"} in a query, as it stands or percent-encoded
_IN_JSON = re.compile(
    rb"""(?:"|%(?:25)*22)(?P<name>[A-Za-z0-9_-]{1,100})(?:"|%(?:25)*22)(?:\s|%20|\+)*
    (?::|%(?:25)*3A)(?:\s|%20|\+)*(?:"|%(?:25)*22)(?P<value>(?:(?!%(?:25)*22)[^"\s])+)""",
    re.VERBOSE | re.IGNORECASE,
)
_HEADER = re.compile(
    rb"\b(?:cookie|authorization|[a-z0-9]+-[a-z0-9-]+)[ \t]*:.*$", re.IGNORECASE | re.MULTILINE
)


def masked_text(text: str) -> str:
    """A text for people, with the logins in its URLs and headers masked."""
    data = text.encode("utf-8", "surrogatepass")
    data = _HEADER.sub(lambda found: masked_line(found[0]), data)
    return _masked_urls(data, short=False).decode("utf-8", "surrogatepass")


_HINT = re.compile(rb"[=%@\"]|eyJ|bearer|negotiate|ntlm", re.IGNORECASE)
"""A line without a match of this has nothing to mask."""


def _masked_urls(data: bytes, short: bool = True) -> bytes:
    if not _HINT.search(data):
        return data
    data = _starred(data, _parameter_spans(data, short))
    in_json = (one.span("value") for one in _IN_JSON.finditer(data) if is_secret_name(one["name"]))
    data = _starred(data, in_json)
    for pattern, group in ((_USER, 1), (_JSON_WEB_TOKEN, 0), (_SCHEME, 1)):
        data = _starred(data, (found.span(group) for found in pattern.finditer(data)))
    return data


def _parameter_spans(data: bytes, short: bool) -> Iterator[tuple[int, int]]:
    position = 0
    while found := _PARAMETER.search(data, position):
        query, position = found["query"] is not None, found.end()
        if is_secret_name(found["name"], short=short or query):
            value = (_REST_OF_QUERY if query else _REST_OF_PAIR).match(data, position)
            assert value is not None, "both match nothing as well"
            yield value.span()
            position = value.end()


_CHALLENGE = re.compile(
    rb"([A-Za-z_-]+)[ \t]*=[ \t]*(\"(?:[^\"\\]|\\.)*\"?|[^\s,\"=]+)(?=[\s,]|$)|[^\s,]+"
)
_SCHEMES = frozenset(b"basic bearer digest dpop hoba mutual negotiate ntlm vapid".split())
_TOLD = frozenset(
    b"algorithm charset domain error error_description error_uri qop realm scope stale".split()
)
"""The parameters of a challenge (RFC 9110 §11.6.1) that are not a login."""


def _challenge_spans(line: bytes, start: int) -> Iterator[tuple[int, int]]:
    for found in _CHALLENGE.finditer(line, start):
        if found[1] is None:
            if found[0].lower() not in _SCHEMES:
                yield found.span()
        elif found[1].lower() not in _TOLD:
            yield found.span(2)


# --- In a list of subprotocols, the one place where a page's script can put a login

_PARTS = re.compile(rb"([^A-Za-z0-9]+)")
_ANNOUNCING = re.compile(
    rb"access|api|auth|authorization|base64|base64url|bearer|header|insecure|io|jupyter|jwt|k8s|key"
    rb"|org|token|websocket|v?\d{0,2}",
    re.IGNORECASE,
)
"""Parts between the name of a login and the login itself, as in
`base64url.bearer.authorization.k8s.io.<token>`."""


_LEGAL = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]")


def starred_subprotocol(word: bytes) -> bytes:
    """A subprotocol that is a login, masked except for characters that are not allowed there."""
    return _LEGAL.sub(b"*", word)


def _masked_subprotocols(value: bytes) -> bytes:
    masked, announced = [], False
    for word in value.split(b","):
        bare = word.strip()
        if announced and bare:
            announced = False
            masked.append(starred_subprotocol(word))
            continue
        begin = _login_start(word) if bare else len(word)
        announced = announced or begin is None
        masked.append(word if begin is None else word[:begin] + starred_subprotocol(word[begin:]))
    return b",".join(masked)


def _login_start(word: bytes) -> int | None:
    """Where in a subprotocol a login starts: its end if none, None if the next one is a login."""
    parts = _PARTS.split(word)
    before = b""
    for at in range(0, len(parts), 2):
        if is_secret_name(before + parts[at], short=False):
            rest = at + 2
            while rest < len(parts) and _ANNOUNCING.fullmatch(parts[rest]):
                rest += 2
            begin = len(b"".join(parts[:rest]))
            return begin if word[begin:].strip() else None
        before = parts[at]
    return 0 if _is_random(word.strip()) else len(word)


_RANDOM = re.compile(
    rb"=|^eyJ|^\d{8,}$|^[0-9a-f]{16,}$|^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$"
)
_CHANGE = re.compile(rb"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")


def _is_random(word: bytes) -> bool:
    """Whether a subprotocol looks random, not chosen: letters and digits alternate often."""
    if _RANDOM.search(word):
        return True
    longest = max(word.split(b"."), key=len)
    often = 0.4 if len(longest) < 16 else 0.25
    return len(longest) >= 10 and len(_CHANGE.findall(longest)) >= often * len(longest)
