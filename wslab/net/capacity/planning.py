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
    """What it takes; each rate is for a second."""

    memory: float
    """Bytes, of all servers together."""
    message_cores: float
    heartbeats: float
    heartbeat_bytes: float
    """With TCP's and IP's headers."""
    handshakes: float
    """While all come back."""
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
    count = wanted.connections
    memory, cores = count * cost.memory, count * wanted.rate * cost.delivery
    beats, handshakes = count / wanted.heartbeat, count / wanted.herd
    herd = handshakes * cost.handshake
    needs = memory / wanted.memory, cores / wanted.cores, herd / wanted.cores
    return Plan(
        memory, cores, beats, beats * (heartbeat + 2 * IP_AND_TCP), handshakes, herd,
        math.ceil(count / PORTS), dict(zip(NEEDS, needs, strict=True)),
    )  # fmt: skip
