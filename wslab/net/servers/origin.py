"""Decides which pages may use a server, by the Origin that their browser sends.

The same-origin policy does not restrict WebSocket handshakes, and they carry the user's cookies, so
the server must check Origin itself (RFC 6455 §10.2, RFC 6454 §7). Programs send no Origin, and are
always let in. For pages there are two policies:

- `refuse_unless_own`, for a server that holds something, such as a chat's room: lets in its own
  pages, and those of the origins that a lesson allows.
- `refuse_unless_local`, for an echo server, which only repeats what its clients say: lets in every
  page of this machine, sandboxed frames, and the pages of a hub. On purpose it lets in more than
  most servers should.

Both return the reason for a refusal, or None.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from websockets.datastructures import Headers

_LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}


def refuse_unless_own(headers: Headers, allowed: Collection[str] = ()) -> str | None:
    """Let in programs, this server's own pages, and pages of an origin in `allowed`.

    An attacker can make a foreign host name point to this machine (DNS rebinding). Then Origin and
    Host agree although the page is foreign, so Host must also be a name of this machine, or that of
    an allowed origin.
    """
    host = headers.get("Host", "") if len(headers.get_all("Host")) == 1 else ""
    name = _host_name(f"//{host}")
    if name not in _LOOPBACK_HOSTS | {_host_name(origin) for origin in allowed}:
        return f"expected Host to name this machine, such as 127.0.0.1, got {host!r}"
    origins = headers.get_all("Origin")
    if not origins or (len(origins) == 1 and origins[0] in allowed):
        return None
    if name in _LOOPBACK_HOSTS and origins == [f"http://{host}"]:
        return None
    return (
        f"expected no Origin, or that of a page of this server (http://{host}), got "
        f"{', '.join(origins)}: other pages may not come in (RFC 6455 section 10.2)"
    )


def refuse_unless_local(headers: Headers) -> str | None:
    """Let in programs, pages of this machine, sandboxed frames and a hub's pages.

    A page of this machine may come from any port. A sandboxed frame, such as that of a `%%browser`
    cell, has the origin "null"; so may a stranger's. A page is a hub's if its Origin agrees with
    Host: jupyter-server-proxy leaves both as the browser sent them.
    """
    origins = headers.get_all("Origin")
    if not origins or origins == ["null"]:
        return None
    if len(origins) == 1:
        try:
            origin = urlsplit(origins[0])
        except ValueError:
            pass
        else:
            if origin.hostname in _LOOPBACK_HOSTS or origin.netloc in headers.get_all("Host"):
                return None
    return (
        f"expected no Origin, or that of a page of this machine, got {', '.join(origins)}: pages "
        "of other sites may not come in (RFC 6455 section 10.2)"
    )


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
