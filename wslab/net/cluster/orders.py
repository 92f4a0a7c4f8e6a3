"""A server in a process of its own, and what it does with its orders."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from wslab.net.peers.process import PeerProcess


def server_process(program: str = "server") -> PeerProcess:
    """Start one of the programs of this folder. It waits for its orders."""
    return PeerProcess([sys.executable, "-m", f"wslab.net.cluster.{program}"])


async def obey(**orders: Callable[..., Awaitable[Any]]) -> None:
    """Carry out the orders that come on the standard input, until it is closed.

    Each is a line of JSON with the order's name and its arguments; the answer is another.
    """
    while line := await asyncio.to_thread(sys.stdin.readline):
        details = json.loads(line)
        del details["patience"]  # how long the other side waits
        print(json.dumps(await orders[details.pop("order")](**details)), flush=True)
