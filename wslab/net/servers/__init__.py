"""Servers: echo (one with a page), chat, a learner's own, and raw servers that follow a script."""

from wslab.net.servers.chat import ChatServer
from wslab.net.servers.echo import EchoPageServer, EchoServer
from wslab.net.servers.hosted import HostedServer
from wslab.net.servers.pages import PAGES_FOLDER, http_response
from wslab.net.servers.pages import folder as page_folder
from wslab.net.servers.raw import RawConnection, RawServer
from wslab.net.servers.server import Server
from wslab.net.servers.tls import TLSHandshakeServer

__all__ = [
    "PAGES_FOLDER",
    "ChatServer",
    "EchoPageServer",
    "EchoServer",
    "HostedServer",
    "RawConnection",
    "RawServer",
    "Server",
    "TLSHandshakeServer",
    "http_response",
    "page_folder",
]
