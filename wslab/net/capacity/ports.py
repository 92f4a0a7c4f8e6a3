"""Runs out of source ports on a small scale, as a proxy does before its upstreams."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing
from typing import NamedTuple

from wslab.net.address import LOOPBACK


class RanOut(NamedTuple):
    """What became of connections from a few source ports."""

    first: int
    """How many were opened to a first server."""
    error: str
    """What the system said to the next one, from each of the ports; "" if it was opened."""
    second: int
    """How many were opened to a second server then, from the same ports."""


def run_out(count: int = 10) -> RanOut:
    """Connect to a server from `count` source ports, once more, and to a second server."""
    with ExitStack() as ends:

        def connect(server: socket.socket, port: int) -> str:
            client = ends.enter_context(closing(socket.socket()))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                client.bind((LOOPBACK, port))
                client.connect(server.getsockname())
            except OSError as error:
                return error.strerror or str(error)
            return ""

        first, second = (
            ends.enter_context(closing(socket.create_server((LOOPBACK, 0), backlog=count)))
            for _ in range(2)
        )
        ports = _free(count)
        opened = [connect(first, port) for port in ports]
        more = [connect(first, port) for port in ports]
        others = [connect(second, port) for port in ports]
        return RanOut(opened.count(""), next(filter(None, more), ""), others.count(""))


def _free(count: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    with ExitStack() as ends:
        found = [ends.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in found:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in found]
