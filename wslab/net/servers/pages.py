"""The HTTP pages that a WebSocket server serves on its own port."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
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
    # A notebook on this machine may show the page in a frame, whatever its port.
    "frame-ancestors": "'self' http://127.0.0.1:* http://localhost:* "
    "https://127.0.0.1:* https://localhost:*",
}
"""Content-Security-Policy: nothing from other sites, no inline script, no form to other sites."""


PAGES_FOLDER = Path(__file__).parent
"""The folder of the pages' files, for a server that is no Python."""


class Page(NamedTuple):
    """One page: the answer to a GET."""

    content_type: str
    body: bytes
    policy: Mapping[str, str] = POLICY
    fields: Mapping[str, str] = MappingProxyType({})
    """Other values for fields of the response."""


def text(name: str) -> str:
    """A file beside this module, such as "page.css", the style sheet that all pages share."""
    return files(__package__).joinpath(name).read_text("utf-8")


def folder(name: str, script: str) -> dict[str, Page]:
    """The page of a folder beside this module, by the paths of its files: `index.html`, its
    `script`, and the style sheet that all pages share."""
    return {
        "/": Page("text/html", text(f"{name}/index.html").encode()),
        f"/{script}": Page("text/javascript", text(f"{name}/{script}").encode()),
        "/page.css": Page("text/css", text("page.css").encode()),
    }


def answer(request: Request, pages: Mapping[str, Page]) -> Response:
    """Answer with the page that `request` asks for, 405 unless it is GET or HEAD, or 404.

    A HEAD gets the content too: the server removes it from every such answer.
    """
    path = request.path.partition("?")[0]
    if path not in pages:
        return _response(
            HTTPStatus.NOT_FOUND,
            Page("text/plain", f"There is no {path[:200]} here. Try / instead.\n".encode()),
        )
    # Before version 16 the library accepts no other method, and does not say which it is.
    method = getattr(request, "method", "GET")
    if method not in ("GET", "HEAD"):
        told = f"Expected GET or HEAD for {path}, got {method[:200]}.\n"
        response = _response(HTTPStatus.METHOD_NOT_ALLOWED, Page("text/plain", told.encode()))
        response.headers["Allow"] = "GET, HEAD"  # required by RFC 9110 §15.5.6
        return response
    return _response(HTTPStatus.OK, pages[path])


def http_response(path: str, pages: Mapping[str, Page]) -> bytes:
    """The whole response to a GET for `path`, for a server that writes HTTP itself."""
    page = pages.get(path)
    if page is None:
        return b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    told = {"Connection": "close", **fields(page)}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + page.body


def refusal(why: str) -> Response:
    """A response with status 403 and the reason."""
    return _response(HTTPStatus.FORBIDDEN, Page("text/plain", f"{why}.\n".encode()))


def fields(page: Page) -> dict[str, str]:
    """The fields of the response with a page, for any server."""
    return {
        "Content-Type": f"{page.content_type}; charset=utf-8",
        "Content-Length": str(len(page.body)),
        "Content-Security-Policy": "; ".join(f"{k} {v}".strip() for k, v in page.policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        **page.fields,
    }


def _response(status: HTTPStatus, page: Page) -> Response:
    headers = Headers({"Connection": "close", **fields(page)})
    return Response(status.value, status.phrase, headers, page.body)
