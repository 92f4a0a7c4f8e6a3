"""What a WebSocket server answers to plain HTTP on its own port: a few pages, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    # A notebook on this machine may show the page in a frame, at whatever port it runs.
    "frame-ancestors": "'self' http://127.0.0.1:* http://localhost:* "
    "https://127.0.0.1:* https://localhost:*",
}
"""Content-Security-Policy: nothing from outside, no script within the HTML, no form elsewhere."""


class Page(NamedTuple):
    """What a GET is answered with."""

    content_type: str
    body: bytes
    policy: Mapping[str, str] = POLICY


def answer(request: Request, pages: Mapping[str, Page]) -> Response:
    """The page that `request` asks for; 405 for another method than GET and HEAD; else 404.

    With its content for HEAD too: the server takes that from every answer.
    """
    path = request.path.partition("?")[0]
    if path not in pages:
        return _response(
            HTTPStatus.NOT_FOUND,
            Page("text/plain", f"There is no {path[:200]} here. Try / instead.\n".encode()),
        )
    # The library's versions before 16 take no other method, and tell none.
    method = getattr(request, "method", "GET")
    if method not in ("GET", "HEAD"):
        text = f"Expected GET or HEAD for {path}, got {method[:200]}.\n"
        response = _response(HTTPStatus.METHOD_NOT_ALLOWED, Page("text/plain", text.encode()))
        response.headers["Allow"] = "GET, HEAD"  # RFC 9110 §15.5.6: must be there
        return response
    return _response(HTTPStatus.OK, pages[path])


def refusal(text: str) -> Response:
    """403, with the reason."""
    return _response(HTTPStatus.FORBIDDEN, Page("text/plain", f"{text}.\n".encode()))


def _response(status: HTTPStatus, page: Page) -> Response:
    headers = Headers(
        {
            "Connection": "close",
            "Content-Type": f"{page.content_type}; charset=utf-8",
            "Content-Length": str(len(page.body)),
            "Content-Security-Policy": "; ".join(
                f"{k} {v}".strip() for k, v in page.policy.items()
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
    )
    return Response(status.value, status.phrase, headers, page.body)
