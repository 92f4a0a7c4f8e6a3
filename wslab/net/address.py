"""Parses and checks WebSocket URLs and other addresses."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from wslab.net.errors import WrongURL

LOOPBACK = "127.0.0.1"
"""The address that servers and taps listen on by default: only this machine can reach it."""

_HINTS = {"http": "ws", "https": "wss"}


class Address(NamedTuple):
    """The parts of a ``ws://`` or ``wss://`` URL (RFC 6455 §3)."""

    secure: bool
    host: str
    port: int
    path: str = "/"
    """The path as in the request line, including the query if there is one."""
    explicit_port: bool = True
    """False if the URL names no port, so that the port is 80 (ws) or 443 (wss)."""

    @property
    def url(self) -> str:
        scheme = "wss" if self.secure else "ws"
        port = f":{self.port}" if self.explicit_port else ""
        return f"{scheme}://{self.host_in_url}{port}{self.path}"

    @property
    def host_in_url(self) -> str:
        """The host as it is written in a URL and a Host header: an IPv6 address has brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @classmethod
    def parse(cls, where: str | int | tuple[str, int]) -> Address:
        """Parse a URL, ``"host:port"``, ``(host, port)``, or a port number on this machine.

        Raises `WrongURL`.
        """
        if isinstance(where, int):
            where = (LOOPBACK, where)
        if isinstance(where, tuple):
            if len(where) != 2 or not isinstance(where[0], str) or not isinstance(where[1], int):
                raise WrongURL(f"expected (host, port), such as ('127.0.0.1', 80), got {where!r}")
            host, port = where
            if not 1 <= port <= 65535:
                # Not all of it: Python prints no number of more than 4300 digits.
                got = port if abs(port) < 10**20 else "one of more than 20 digits"
                raise WrongURL(f"expected a port from 1 to 65535, got {got}")
            return cls(False, host, port)
        if not isinstance(where, str):
            raise WrongURL(f"expected a URL such as 'ws://127.0.0.1:8000/', got {where!r}")
        if "://" not in where and re.fullmatch(r"[\w.-]+:\d+", where.strip()):
            where = f"ws://{where.strip()}"
        return parse_url(where)


def parse_url(url: str) -> Address:
    """Parse and check `url`. White space around it is ignored, as in a browser.

    Raises `WrongURL`, saying what is wrong and where.
    """
    if not isinstance(url, str):
        raise WrongURL(f"expected a URL as str, such as 'ws://127.0.0.1:8000/', got {url!r}")
    given, url = url, url.strip()
    if not url:
        raise WrongURL("expected a URL such as 'ws://127.0.0.1:8000/', got an empty text")
    if odd := re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", url):
        raise WrongURL(
            f"expected a URL without spaces, got {_name(odd[0])} at position {odd.start()} of "
            f"{url!r}: remove it, or write %20 where a space belongs to the path"
        )
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise WrongURL(f"expected ws:// or wss:// in front, got {given!r}: try 'ws://{url}'")
    if scheme in _HINTS:
        raise WrongURL(
            f"expected ws:// or wss://, got {scheme}://: a WebSocket URL has a scheme of its own "
            f"(RFC 6455 §3); try '{_HINTS[scheme]}://{rest}'"
        )
    if scheme not in ("ws", "wss"):
        raise WrongURL(f"expected ws:// or wss:// (RFC 6455 §3), got {scheme}:// in {given!r}")
    if "#" in rest:
        raise WrongURL(
            f"expected a URL without '#', got {given!r}: a fragment means nothing to a WebSocket "
            "and is forbidden (RFC 6455 §3); a '#' in the path is written %23"
        )
    if re.match(r"[^/?]*:\d{21,}(?:[/?]|$)", rest):  # Python reads no number of over 4300 digits
        raise WrongURL("expected a port from 1 to 65535, got one of more than 20 digits")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # the resolver does the same later, with a less helpful error
    except ValueError as error:
        raise WrongURL(f"expected ws://host:port/path, got {given!r}: {error}") from error
    if not host:
        raise WrongURL(
            f"expected a host after {scheme}://, got {given!r}: on this machine it is {LOOPBACK}"
        )
    if port == 0:
        raise WrongURL(
            f"expected a port from 1 to 65535, got 0 in {given!r}: nobody can listen on port 0"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = scheme == "wss"
    return Address(secure, host, port or (443 if secure else 80), path, port is not None)


def _name(character: str) -> str:
    return "a space" if character == " " else f"the character {character!a}"
