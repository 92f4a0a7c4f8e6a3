"""A server on Tornado, which JupyterLab has brought along, on the loop thread."""

from __future__ import annotations

import socket
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application

from wslab.net.listener import Listener

MOST_BODY = 2**16
"""Bytes of the longest body of a request."""


class TornadoServer(Listener):
    """Serves what `_handlers` names: Tornado's rules of an `Application`."""

    _http: HTTPServer | None = None

    def _handlers(self) -> list[Any]:
        raise NotImplementedError

    async def _open(self, sock: socket.socket) -> None:
        # Tornado would print what it refused, from its thread into some cell.
        application = Application(self._handlers(), log_function=lambda handler: None)
        self._http = HTTPServer(application, max_body_size=MOST_BODY)
        sock.listen(128)
        sock.setblocking(False)
        self._http.add_sockets([sock])

    async def _close(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            http.stop()
            await http.close_all_connections()
