"""Which page may use a server: the one that came from it, and those that a lesson lets in.

A WebSocket handshake is not held back by the same-origin policy, and carries the user's cookies
along: the server has to look at Origin itself (RFC 6455 §10.2, RFC 6454 §7).
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from websockets.datastructures import Headers

LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}


def refuse(headers: Headers, allowed: Collection[str] = ()) -> str | None:
    """Why a request with these `headers` must not get in; None: it may.

    Let in are programs (no Origin at all), pages of this very server, and pages of an origin in
    `allowed`. A page of a strange host name that somebody made point here (DNS rebinding) is not
    of this server, though its Origin and its Host agree: Host has to be a name of this machine's
    own, or that of an allowed origin.
    """
    host = headers.get("Host", "") if len(headers.get_all("Host")) == 1 else ""
    name = _host_name(f"//{host}")
    if name not in LOOPBACK_HOSTS | {_host_name(origin) for origin in allowed}:
        return f"expected Host to name this machine, such as 127.0.0.1, got {host!r}"
    origins = headers.get_all("Origin")
    if not origins or (len(origins) == 1 and origins[0] in allowed):
        return None
    if name in LOOPBACK_HOSTS and origins == [f"http://{host}"]:
        return None
    return (
        f"expected no Origin, or that of a page of this server (http://{host}), got "
        f"{', '.join(origins)}: other pages may not come in (RFC 6455 section 10.2)"
    )


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
