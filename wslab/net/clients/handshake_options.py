"""Checks what a client is asked to put into its opening handshake, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from wslab.net.errors import WrongValue

# RFC 9110 §5.6.2: what a field's name and a subprotocol (RFC 6455 §4.1) consist of.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 §5.5: no CR, LF or NUL, which would end the line or the request early; other control
# characters are hardly ever intended. Characters beyond ISO-8859-1 cannot be encoded.
_NOT_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def checked(
    subprotocols: Iterable[str] | str | None = None,
    origin: str | None = None,
    headers: Headers | None = None,
) -> dict[str, Any]:
    """Check the options of a handshake, and return them as the library's `connect` expects them.

    Raises `WrongValue` for values that cannot be part of a request.
    """
    fields = None if headers is None else [_field(pair) for pair in _pairs(headers)]
    if origin is not None:
        _check_value("Origin", origin)
    # No field at all for an empty list: RFC 6455 §4.1 (10) wants one value at least.
    offered = _subprotocols(subprotocols) or None
    return {"subprotocols": offered, "origin": origin, "additional_headers": fields or None}


def _subprotocols(given: Iterable[str] | str | None) -> list[str]:
    if given is None or isinstance(given, str):
        given = [] if given is None else [given]
    elif not isinstance(given, Iterable):
        _refuse(f"expected the subprotocols as a list of str, got {given!r}")
    offered = list(given)
    for name in offered:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            _refuse(
                "expected a subprotocol of letters, digits and !#$%&'*+-.^_`|~ (RFC 6455 §4.1), "
                f"got {name!r}"
            )
    return offered


def _pairs(headers: object) -> Iterable[object]:
    if isinstance(headers, Mapping):
        return headers.items()
    if isinstance(headers, str | bytes) or not isinstance(headers, Iterable):
        _refuse(f"expected headers as a dict or as pairs of name and value, got {headers!r}")
    return headers


def _field(pair: object) -> tuple[str, str]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        _refuse(f"expected headers as a dict or as pairs of name and value, got {pair!r}")
    name, value = pair
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        _refuse(
            "expected a header's name of letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2), "
            f"got {name!r}"
        )
    return name, _check_value(name, value)


def _check_value(name: str, value: object) -> str:
    if not isinstance(value, str):
        _refuse(f"expected the value of {name} as str, got {value!r}")
    if odd := _NOT_IN_VALUE.search(value):
        # Do not quote the value: it may be a password.
        _refuse(
            f"expected a value of {name} without control characters and within ISO-8859-1 (RFC "
            f"9110 §5.5), got {odd[0]!a} at position {odd.start()}"
        )
    return value


def _refuse(problem: str) -> NoReturn:
    raise WrongValue(f"the handshake cannot be sent like this: {problem}. Nothing was sent")
