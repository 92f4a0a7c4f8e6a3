"""A page that opens a WebSocket: what its script learns of it, and what only its browser knows."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab.net.address import LOOPBACK
from wslab.net.browsers import Chromium, ChromiumPage
from wslab.net.servers.echo import EchoServer
from wslab.net.servers.pages import Page, answer
from wslab.net.tls.authority import Authority

SHOP, CHAT = "shop.example", "chat.example"
"""Names that mean this machine, to the lab's browser alone (RFC 2606 §3: they are nobody's)."""

_HTML = b"<!doctype html><title>a page</title><link rel=icon href=data:,>"
_PAGES = {
    "/": Page("text/html", _HTML, {}),
    "/upgrading": Page("text/html", _HTML, {"upgrade-insecure-requests": ""}),
}
"""Empty pages, which may connect to wherever they like: no policy of their own forbids it."""

_OPEN = """new Promise((done) => {
  let told = "";
  const socket = (() => {
    try { return new WebSocket(%s) } catch (error) { done(`threw ${error.name}`) }
  })();
  if (!socket) return;
  socket.onopen = () => { done("open"); socket.close() };
  socket.onerror = () => told += "error, ";
  socket.onclose = ({code}) => done(`${told}close ${code}`);
})"""


def browser(authority: Authority, name: str) -> Chromium:
    """A browser that trusts the authority, wants TLS 1.3, and knows `SHOP` and `CHAT`.

    It is not started yet; see `Chromium` for what that raises.
    """
    known = ", ".join(f"MAP {host} {LOOPBACK}" for host in (SHOP, CHAT))
    rules = f"{known}, MAP * ~NOTFOUND, EXCLUDE {LOOPBACK}, EXCLUDE localhost"
    flags = ("--ssl-version-min=tls1.3", f"--host-resolver-rules={rules}")
    return Chromium(name, *flags, trusts=authority.file)


class PageServer(EchoServer):
    """An echo server with an empty page at ``/`` and another at ``/upgrading``, whose policy has
    the browser make ``wss`` of ``ws``. It lets everybody in.
    """

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer with a page, unless a WebSocket is asked for."""
        return None if "Upgrade" in request.headers else answer(request, _PAGES)


class Told(NamedTuple):
    """What became of a page's WebSocket."""

    page: str
    """What its script learned: "open", "error, close 1006", "threw SecurityError"."""
    browser: str = ""
    """Why, in the words of the browser's console, which a script cannot read; "" if it opened."""


def open_socket(page: ChromiumPage, url: str) -> Told:
    """Have a page, which has just been opened, open a WebSocket and close it."""
    page.command("Log.enable")
    said = page.evaluate(_OPEN % json.dumps(url))
    if said == "open":
        return Told(said)
    entry = page.wait_for("Log.entryAdded").params["entry"]
    why = re.search(r"net::ERR_\w+", entry["text"])
    return Told(said, why[0] if why else entry["text"])
