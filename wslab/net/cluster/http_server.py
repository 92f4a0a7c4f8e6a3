"""An HTTP server in a process of its own, which stores what is posted: no WebSocket in it.

It runs as `python -m wslab.net.cluster.http_server` and obeys one order, `serve`.
"""

from __future__ import annotations

import asyncio
import json

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from wslab.net.address import LOOPBACK
from wslab.net.cluster.orders import obey
from wslab.net.resume.store import Store


class Messages(RequestHandler):
    """`POST /messages` with ``{"key": …, "text": …}`` stores a message."""

    store: Store

    def initialize(self, store: Store) -> None:
        self.store = store

    def post(self) -> None:
        """Answer with the message's number, or 400."""
        try:
            said = json.loads(self.request.body)
            number = self.store.add(str(said["key"]), str(said["text"]))
        except (ValueError, TypeError, KeyError):
            self.set_status(400)
            self.finish({"expected": {"key": "the sender's own name for it", "text": "any"}})
        else:
            self.set_status(201)
            self.finish({"number": number})


async def serve(*, database: str) -> int:
    """Begin; returns the port."""
    handlers = [("/messages", Messages, {"store": Store.open(database)})]
    (socket,) = sockets = bind_sockets(0, LOOPBACK)
    HTTPServer(Application(handlers)).add_sockets(sockets)
    port: int = socket.getsockname()[1]
    return port


if __name__ == "__main__":
    asyncio.run(obey(serve=serve))
