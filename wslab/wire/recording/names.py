"""Names for the connections of a recording: a number alone says nothing about who connected."""

from __future__ import annotations

import re

from ..protocol.http import MAX_HEAD
from ..protocol.secrets import masked_text
from ..protocol.utf8 import encodable
from .preview import printable

LONGEST = 40
"""The most characters of a name."""

_AGENT = re.compile(rb"\r\nuser-agent:[ \t]*([^\r\n]*)", re.IGNORECASE)
_PRODUCT = re.compile(r"[A-Za-z][\w.-]{0,19}", re.ASCII)
_BROWSERS = {
    "Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome",
    "Safari/": "Safari",
}  # fmt: skip
"""What a browser's User-Agent contains, and its name. Each also names those further down."""


def clean_name(text: str) -> str:
    """`text` as a name: one line of at most `LONGEST` visible characters, logins masked."""
    name = printable(encodable(masked_text(" ".join(text.split()))))
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def program_name(sent: bytes) -> str | None:
    """The program that a client's request names in its User-Agent (RFC 9110 §10.1.5).

    `sent` is what the client has sent so far. None if the head may still be incomplete; "" if it
    names no program.
    """
    end = sent.find(b"\r\n\r\n")
    if end < 0:
        return "" if len(sent) >= MAX_HEAD else None
    found = _AGENT.search(sent[:end])
    agent = found[1].decode("latin-1") if found else ""
    if agent.startswith("Mozilla/"):
        return next((name for sign, name in _BROWSERS.items() if sign in agent), "browser")
    product = _PRODUCT.match(agent)
    return product[0] if product else ""
