"""Measures how long a room takes to notice that a guest has left, in each of several ways."""

from __future__ import annotations

import json
import time
from typing import Literal, NamedTuple

from wslab.net.clients.client import Client
from wslab.net.clients.raw import RawClient
from wslab.net.errors import WslabError

PATIENCE = 2.0
"""Seconds after which a guest who has vanished counts as not noticed."""

Leaving = Literal["close frame", "TCP ends", "nothing"]


class LeaveResult(NamedTuple):
    """When and how a room learned that a guest had left."""

    noticed: float | None
    """Seconds until the others in the room were told; None if they were not told in time."""
    why: str
    """The reason that they were told."""


def measure_leaving(url: str, watcher: Client, how: Leaving) -> LeaveResult:
    """Let Linus enter the chat at `url` and leave it, and wait until `watcher` is told."""
    address = f"{url}?name=Linus"
    linus: Client | RawClient
    if how == "close frame":
        linus = Client(address, name="chat vanishing").connect()
    else:  # one that answers nothing
        linus = RawClient(address, wire_name="chat vanishing").connect().upgrade()
    began = time.perf_counter()
    try:
        if isinstance(linus, Client):
            linus.close()
        elif how == "TCP ends":
            linus.reset()
        while (left := began + PATIENCE - time.perf_counter()) > 0:
            event = json.loads(watcher.recv(left))
            if event["event"] == "leave":
                return LeaveResult(time.perf_counter() - began, event["why"])
    except WslabError:
        pass
    finally:
        linus.stop()
    return LeaveResult(None, f"nothing, {PATIENCE:g} s later: Linus is still in the list")
