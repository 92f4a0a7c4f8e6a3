"""What came of an opening handshake that was wrong on purpose."""

from __future__ import annotations

from typing import NamedTuple


class HandshakeResult(NamedTuple):
    """One try of a faulty client or server, on real sockets."""

    name: str
    """The fault's name in its table."""
    sent: bytes
    """What the client sent: the request, byte for byte."""
    answer: bytes
    """What the server answered; for a 101 its head alone. Empty if nothing came."""
    status: int | None
    """The HTTP status of the answer, None if there was none."""
    outcome: str
    """What happened, in a few words."""
    api: str
    """What the client's API reports: the HTTP status for a raw client, else the exception."""

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome} ({self.api})"
