"""Finds out where a secret shows, for each of four ways to say who is there (RFC 6455 §10.5)."""

from __future__ import annotations

import time
from typing import NamedTuple

import httpx

from wslab.net.address import Address
from wslab.net.browsers import ChromiumPage
from wslab.net.clients.client import Client
from wslab.net.errors import HandshakeFailed, TimedOut
from wslab.net.guarding.bank import Bank
from wslab.net.programs import Nginx
from wslab.net.servers.relay import RawRelay
from wslab.wire import Capture, mask
from wslab.wire.protocol import read_header

PATIENCE = 5.0
"""Seconds that nginx has to write its line."""


class Way(NamedTuple):
    """One way: the word for it in the bank's paths, and where the secret goes."""

    word: str
    query: str = ""
    cookie: str = ""
    first: str = ""
    get: str = "/token"
    """Where the secret is got, by who has the cookie."""


WAYS = {
    "first message": Way("message", first='{{"token": "{}"}}'),
    "cookie": Way("cookie", cookie="{}"),
    "query string": Way("query", query="?token={}"),
    "ticket": Way("ticket", query="?ticket={}", get="/ticket"),
}


class SecretTrace(NamedTuple):
    """Where one secret showed."""

    crossed: str
    """The line, or message, with the secret in it, as it was on the wire."""
    recorded: str
    """The same as our recording has it."""
    access: bool
    debug: bool
    """Whether it stands in the bank's access log, and in its library's log at level DEBUG."""
    said: str
    again: str
    """What the bank said first, and what to a second client that used the same secret."""


def follow_secret(bank: Bank, url: str, capture: Capture, way: str) -> SecretTrace:
    """Open an account at the bank in this way; `url` is that of the tap before it, which records in
    `capture`. Then look for the secret, and use it once more."""
    how, address = WAYS[way], Address.parse(url)
    with httpx.Client(base_url=f"http://{address.host}:{address.port}", trust_env=False) as http:
        cookie = f"{bank.cookie}={http.post('/login').cookies[bank.cookie]}"
        http.cookies.clear()  # it is for TLS only, says its attribute Secure
        secret = http.post(how.get, headers={"Cookie": cookie}).text
    headers = {"Cookie": cookie} if how.cookie else {}
    path, first = f"by-{how.word}{how.query.format(secret)}", how.first.format(secret)
    bank.access_log.clear()
    bank.debug_log.clear()
    before = len(capture.index.rows())
    with RawRelay(address.port, "guarding: sniffer") as sniffer:
        said = _visit(sniffer.url + path, headers, first, way)
        sent = b"".join(data for direction, data in sniffer.crossed[-1] if direction == "client")
    crossed = next(line for line in lines(sent) if secret in line)
    return SecretTrace(
        crossed,
        _recorded(capture, before, crossed),
        any(secret in line for line in bank.access_log),
        any(secret in line for line in bank.debug_log),
        said,
        _visit(url + path, headers, first, "a copy, later"),
    )


def lines(sent: bytes) -> list[str]:
    """What a sniffer reads of all that a client sent: the lines of the head, and the messages. Each
    is unmasked, as its key stands before it."""
    head, _, frames = sent.partition(b"\r\n\r\n")
    found, at = head.split(b"\r\n"), 0
    while (header := read_header(frames, at, len(frames))) is not None:
        begin, at = at + header.length, at + header.frame_length
        found.append(mask(frames[begin:at], frames[begin - 4 : begin]))
    return [line.decode("utf-8", "replace") for line in found]


def _visit(url: str, headers: dict[str, str], first: str, name: str) -> str:
    """What the bank says to a client that comes so: a message, or a status."""
    client = Client(url, name=f"guarding: {name}", wire_name=name)
    try:
        client.connect(headers=headers)
        if first:
            client.send(first)
        return str(client.recv())
    except HandshakeFailed as refused:
        return str(refused.status)
    finally:
        client.stop()


def _recorded(capture: Capture, before: int, crossed: str) -> str:
    """What a recording has, behind so many rows, in the place of this line or message."""
    for row in capture.index.rows()[before:]:
        text = capture.index.unit(row.number).data.decode("latin-1")
        kept = text.split("\r\n") if row.kind == "request" else [row.preview[1:-1]]
        for line in kept:
            if len(line) == len(crossed) and line[:7] == crossed[:7]:
                return line
    return ""


class PageTrace(NamedTuple):
    """Where the secret of a page showed that came through nginx."""

    log: str
    """nginx's own line about the socket."""
    in_log: bool
    """Whether the secret stands in it."""
    in_page: str
    """Where in the page a script finds the secret; "" for nowhere."""


def nginx_before(port: int) -> Nginx:
    """An nginx, not started, that passes everything on to the bank at that port."""
    return Nginx(
        "server { listen 127.0.0.1:{port}; location / { "
        f"proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; "
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
        "proxy_set_header Host $http_host; } }",
        "guarding: nginx",
    )


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
    page.evaluate(f"open('{WAYS[way].word}')")
    looked = page.evaluate(_LOOK)
    found = [place for place, text in looked.items() if any(one in text for one in bank.given)]
    page.evaluate("logOut()")
    line = _line_about(nginx, f"/by-{WAYS[way].word}")
    return PageTrace(line, any(one in line for one in bank.given), ", ".join(found))


def _line_about(nginx: Nginx, path: str) -> str:
    """What nginx has noted of a request; a socket's line comes a moment after its end."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for line in reversed(nginx.access_log):
            if path in line:
                return line
        time.sleep(0.01)
    raise TimedOut(f"nginx noted nothing of {path} within {PATIENCE:g} s")
