"""What becomes of a connection to a server with a faulty certificate, in Python and in a page."""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple

from wslab.net.browsers import ChromiumPage
from wslab.net.clients import Client
from wslab.net.errors import ConnectFailed
from wslab.net.servers.echo import EchoServer
from wslab.net.servers.server import Server
from wslab.net.servers.tls import TLSHandshakeServer
from wslab.net.tls.authority import Authority, Fault
from wslab.net.tls.page import open_socket


class Verdict(NamedTuple):
    """What became of it; "" where there is nothing to say."""

    page: str
    """What the page's script learned; see `Told`."""
    browser: str
    """What the browser's console said."""
    python: str
    """What Python's `ssl` raised."""
    alert: str
    """Who said why TLS ends: an alert (RFC 8446 §6)."""


def careless() -> ssl.SSLContext:
    """A client's context that checks nothing: to be seen once, and never to be used."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def server_with(fault: Fault, authority: Authority, name: str) -> Server | TLSHandshakeServer:
    """A server with this fault, not started yet. The good one echoes; none of the others could."""
    context = authority.server(fault)
    if not fault:
        return EchoServer(name, tls=context, open_to_all=True)
    return TLSHandshakeServer(context, name=name)


def judge(
    server: Server | TLSHandshakeServer, url: str, authority: Authority, page: ChromiumPage
) -> Verdict:
    """Connect to `url`, which leads to the server: from Python, then from a page.

    Both want TLS 1.3: the page's browser has to be started so.
    """
    python, said = "", []
    try:
        with Client(url, tls=authority.client(newest_only=True)) as client:
            client.connect()
    except ConnectFailed as failed:
        # Without OpenSSL's own name of the error, and the line of C that raised it.
        words = re.sub(r"\[SSL: \w+\] | \(_ssl\.c:\d+\)", "", str(failed.__cause__))
        python = f"{type(failed.__cause__).__name__}: {words}"
    told = open_socket(page, url)
    if isinstance(server, TLSHandshakeServer):
        server.wait_ended()
        said = server.said
    return Verdict(*told, python, _alert("server", [python]) or _alert("browser", said))


def _alert(sender: str, said: list[str]) -> str:
    """The alert that this peer sent, as the other one's `ssl` told of it."""
    found = re.search(r"alert ([a-z ]+[a-z])", " / ".join(said))
    return f"the {sender} says: {found[1]}" if found else ""
