"""Some servers with one room, each a process, and nginx before them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Self

from wslab.net.cluster.orders import server_process
from wslab.net.peers.process import PeerProcess
from wslab.net.programs import Nginx
from wslab.net.programs.program import free_port

UPSTREAM = """\
upstream chat {{
{servers}
}}
server {{
  listen 127.0.0.1:{{port}};
  location / {{
    proxy_pass http://chat;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
  }}
}}
"""
"""nginx gives each new connection to the next server, or to the one after that where it is refused.
Without `max_fails=0` it would then leave that server alone for ten seconds."""


class Cluster:
    """Servers, which all have the same `channel` (see `joined`) or `database` (see `Store.open`).

    They and nginx run inside a `with`. Raises `ProgramMissing` without nginx.
    """

    def __init__(
        self, name: str, servers: Sequence[str] = "AB", *, channel: str = "", database: str = ""
    ) -> None:
        self.database = database
        self._room: dict[str, Any] = {"channel": channel, "database": database}
        self._ports = {server: free_port() for server in servers}
        self._processes: dict[str, PeerProcess] = {}
        lines = (f"  server 127.0.0.1:{port} max_fails=0;" for port in self._ports.values())
        self.nginx = Nginx(UPSTREAM.format(servers="\n".join(lines)), name)
        self._opened = ExitStack()

    @property
    def servers(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._ports)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self.nginx)
            opened.callback(self._end)
            for server in self._ports:  # all at once, as it takes a while
                self._processes[server] = server_process()
            for server in self._ports:
                self._serve(server, 1)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def restart(self, server: str, version: int, seconds: float) -> int:
        """Have it let nobody in any more, and send its guests away within some seconds with 1012;
        when the last one has gone, start another version on the same port.

        Returns how many guests there were.
        """
        new, old = server_process(), self._processes.pop(server)  # the new one has much to load
        try:
            gone: int = old.order("drain", seconds=seconds, patience=seconds)
        finally:
            old.end()
            self._processes[server] = new
        self._serve(server, version)
        return gone

    def kill(self, server: str) -> None:
        """Kill it, as `kill -9` does: it says goodbye to nobody."""
        self._processes.pop(server).kill()

    def _serve(self, server: str, version: int) -> None:
        self._processes[server].order(
            "serve", name=server, port=self._ports[server], version=version, **self._room
        )

    def _end(self) -> None:
        for process in self._processes.values():
            process.end()
        self._processes.clear()
