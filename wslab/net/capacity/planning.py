"""Plans servers for many connections, from what one of them was measured to cost."""

from __future__ import annotations

import math
from typing import NamedTuple

from wslab.net.capacity.figures import Figures

PORTS = 65_535
"""The most source ports of one address, to one address and port of a server (RFC 9293 §3.1)."""

IP_AND_TCP = 52
"""Bytes of the headers of a packet with IPv4 and TCP's usual timestamps."""


NEEDS = ("memory", "messages", "everybody coming back")
"""What may ask for servers."""


class Wanted(NamedTuple):
    """What is to be served, and by what."""

    connections: int
    rate: float
    """Messages a second to each connection."""
    heartbeat: float
    """Seconds between two pings."""
    memory: float
    """Bytes of memory of one server."""
    cores: int
    """Of one server."""
    herd: float
    """Seconds within which all come back after a restart."""


class Plan(NamedTuple):
    """What it takes."""

    memory: float
    """Bytes, of all servers together."""
    message_cores: float
    heartbeats: float
    """A second."""
    heartbeat_bytes: float
    """Bytes a second, with TCP's and IP's headers."""
    handshakes: float
    """A second, after a restart."""
    herd_cores: float
    addresses: int
    """Pairs of address and port that a proxy needs towards its upstreams."""
    servers: dict[str, float]
    """How many servers each of the `NEEDS` asks for, in fractions."""

    @property
    def decides(self) -> str:
        """What asks for the most servers."""
        return max(self.servers, key=lambda need: self.servers[need])


def plan(cost: Figures, heartbeat: int, wanted: Wanted) -> Plan:
    """Multiply: `heartbeat` is the bytes of a ping and its pong."""
    memory = wanted.connections * cost.memory
    messages = wanted.connections * wanted.rate * cost.delivery
    beats = wanted.connections / wanted.heartbeat
    herd = wanted.connections / wanted.herd
    return Plan(
        memory,
        messages,
        beats,
        beats * (heartbeat + 2 * IP_AND_TCP),
        herd,
        herd * cost.handshake,
        math.ceil(wanted.connections / PORTS),
        dict(
            zip(
                NEEDS,
                (
                    memory / wanted.memory,
                    messages / wanted.cores,
                    herd * cost.handshake / wanted.cores,
                ),
                strict=True,
            )
        ),
    )
