"""Which page may use a lesson's echo server: those of this machine, and a hub's own.

A browser sends cookies and all to any server that a page names, so the server has to look at Origin
(RFC 6455 §10.2). An echo server only tells people what they have said themselves, and lets in on
purpose more than most should; `same_origin` is for one that holds something.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from websockets.datastructures import Headers

from wslab.net.same_origin import LOOPBACK_HOSTS


def refuse(headers: Headers) -> str | None:
    """Why a request with these `headers` must not get in; None: it may.

    Let in are programs (no Origin), pages of this machine on any port, "null" (a sandboxed frame,
    such as that of a `%%browser` cell, has nothing else to show; a stranger's could say the same),
    and pages whose Origin agrees with Host, as it is when jupyter-server-proxy passes a hub's page
    on: it leaves both as the browser sent them.
    """
    origins = headers.get_all("Origin")
    if not origins or origins == ["null"]:
        return None
    if len(origins) == 1:
        try:
            origin = urlsplit(origins[0])
            if origin.hostname in LOOPBACK_HOSTS or origin.netloc in headers.get_all("Host"):
                return None
        except ValueError:
            pass
    return (
        f"expected no Origin, or that of a page of this machine, got {', '.join(origins)}: pages "
        "of other sites may not come in (RFC 6455 section 10.2)"
    )
