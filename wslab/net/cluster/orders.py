"""What a program in a process of its own does with its orders: see `PeerProcess`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any


async def obey(**orders: Callable[..., Awaitable[Any]]) -> None:
    """Carry out the orders that come on the standard input, until it is closed.

    Each is a line of JSON with the order's name and its arguments; the answer is another.
    """
    while line := await asyncio.to_thread(sys.stdin.readline):
        details = json.loads(line)
        del details["patience"]  # how long the other side waits
        print(json.dumps(await orders[details.pop("order")](**details)), flush=True)
