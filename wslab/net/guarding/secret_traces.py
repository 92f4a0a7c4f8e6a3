"""Finds out where a secret shows, for each of four ways to say who is there (RFC 6455 §10.5)."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

import httpx

from wslab.net.address import Address
from wslab.net.browsers import ChromiumPage
from wslab.net.clients.client import Client
from wslab.net.errors import HandshakeFailed, NotConnected, TimedOut
from wslab.net.guarding.bank import Bank
from wslab.net.programs import Nginx
from wslab.net.servers.relay import RawRelay
from wslab.wire import Capture, mask
from wslab.wire.protocol import read_header

WAYS = {
    "first message": "message",
    "cookie": "cookie",
    "query string": "query",
    "ticket": "ticket",
}
"""By what each is called: the word for it in the bank's paths."""

LATER = "used again"
"""The name of the client that has copied a secret."""

PATIENCE = 5.0
"""Seconds that nginx has to write its line."""

NGINX = """\
  server {
    listen 127.0.0.1:{port};
    location / {
      proxy_pass http://127.0.0.1:BEHIND;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }"""


class SecretTrace(NamedTuple):
    """Where one secret showed, in the socket's own connection."""

    way: str
    said: str
    """The bank's answer."""
    crossed: str
    """The line, or message, with the secret in it, as it was on the wire."""
    recorded: str
    """The same as our recording has it."""
    access: bool
    debug: bool
    """Whether it stands in the bank's access log, and in its library's log at level DEBUG."""
    again: str
    """What the bank said to a second client that used the same secret."""


def follow_secret(bank: Bank, url: str, capture: Capture, way: str) -> SecretTrace:
    """Open an account at the bank in this way; `url` is that of the tap before it, which records in
    `capture`. Then look for the secret, and use it once more."""
    path, headers, first, secret = _fetched(bank, url, way)
    bank.access_log.clear()
    bank.debug_log.clear()
    before = len(capture.index.rows())
    with RawRelay(Address.parse(url).port, "guarding: sniffer") as sniffer:
        said = _visit(sniffer.url.rstrip("/") + path, headers, first, way)
        sent = b"".join(data for direction, data in sniffer.crossed[-1] if direction == "client")
    crossed = next((line for line in lines(sent) if secret in line), "")
    access, debug = (any(secret in one for one in log) for log in (bank.access_log, bank.debug_log))
    recorded = _recorded(capture, before, crossed)
    again = _visit(url.rstrip("/") + path, headers, first, LATER)
    return SecretTrace(way, said, crossed, recorded, access, debug, again)


def lines(sent: bytes) -> list[str]:
    """What a sniffer reads of all that a client sent: the lines of the head, and the messages. Each
    is unmasked, as its key stands before it."""
    head, _, frames = sent.partition(b"\r\n\r\n")
    found, at = head.split(b"\r\n"), 0
    while (header := read_header(frames, at, len(frames))) is not None:
        begin, at = at + header.length, at + header.frame_length
        found.append(mask(frames[begin:at], frames[begin - 4 : begin]))
    return [line.decode("utf-8", "replace") for line in found]


def _fetched(bank: Bank, url: str, way: str) -> tuple[str, dict[str, str], str, str]:
    """Log in by HTTP: the socket's path, headers and first message, and the secret in them."""
    with httpx.Client(base_url=url.replace("ws://", "http://"), trust_env=False) as http:
        http.post("/login")
        secret = http.cookies[bank.cookie]
        cookie = {"Cookie": f"{bank.cookie}={secret}"}
        http.cookies.clear()  # it is a Secure one, which httpx would not send without TLS
        match WAYS[way]:
            case "message":
                token = http.post("/token", headers=cookie).text
                return "/by-message", {}, json.dumps({"token": token}), token
            case "query":
                token = http.post("/token", headers=cookie).text
                return f"/by-query?token={token}", {}, "", token
            case "ticket":
                ticket = http.post("/ticket", headers=cookie).text
                return f"/by-ticket?ticket={ticket}", {}, "", ticket
        return "/by-cookie", cookie, "", secret


def _visit(url: str, headers: dict[str, str], first: str, name: str) -> str:
    """What the bank says to a client that comes so."""
    client = Client(url, name=f"guarding: {name}", wire_name=name)
    try:
        client.connect(headers=headers)
        if first:
            client.send(first)
        return str(client.recv())
    except HandshakeFailed as refused:
        return str(refused.status)
    except NotConnected:
        return str(client.close_code)
    finally:
        client.stop()


def _recorded(capture: Capture, before: int, crossed: str) -> str:
    """What a recording has, since so many rows, in the place of a line of a head or a message."""
    index = capture.index
    for row in index.rows()[before:]:
        unit = index.unit(row.number)
        if row.kind == "request":
            for line in unit.data.decode("latin-1").split("\r\n"):
                if len(line) == len(crossed) and line[:7] == crossed[:7]:
                    return line
        if row.kind == "text" and row.direction == "client":
            return row.preview[1:-1]
    return ""


class PageTrace(NamedTuple):
    """Where the secret showed of a page that came through nginx."""

    way: str
    log: str
    """nginx's own line about the socket."""
    in_log: bool
    """Whether the secret stands in it."""
    in_page: str
    """Where in the page a script finds the secret; "" for nowhere."""


def nginx_before(port: int) -> Nginx:
    """An nginx, not started, that passes everything on to the bank at that port."""
    return Nginx(NGINX.replace("BEHIND", str(port)), "guarding: nginx")


_LOOK = """({
  "document.cookie": document.cookie,
  "localStorage": JSON.stringify({...localStorage}),
  "the page's address": location.href,
  "the list of its requests": performance.getEntries().map(entry => entry.name).join(" "),
})"""


def follow_in_page(bank: Bank, nginx: Nginx, page: ChromiumPage, way: str) -> PageTrace:
    """Open an account from the bank's page behind nginx; look for the secret where scripts can."""
    bank.given.clear()
    page.evaluate("logIn()")
    page.evaluate(f"open('{WAYS[way]}')")
    looked = page.evaluate(_LOOK)
    found = [place for place, text in looked.items() if any(one in text for one in bank.given)]
    page.evaluate("logOut()")
    line = _line_about(nginx, f"/by-{WAYS[way]}")
    return PageTrace(way, line, any(one in line for one in bank.given), ", ".join(found))


def _line_about(nginx: Nginx, path: str) -> str:
    """What nginx has noted of a request; a socket's line comes a moment after its end."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for line in reversed(nginx.access_log):
            if path in line:
                return line
        time.sleep(0.01)
    raise TimedOut(f"nginx noted nothing of {path} within {PATIENCE:g} s")
