"""Tickets for a WebSocket: each is good once, for a few seconds, and for one name."""

from __future__ import annotations

import secrets
import time

LIFETIME = 10.0
"""Seconds within which a ticket must be used."""


class Tickets:
    """Hands out tickets and takes them back. 16 random bytes each: nobody guesses one."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, float]] = {}

    def issue(self, name: str) -> str:
        """A new ticket for somebody who has logged in."""
        now = time.monotonic()
        self._open = {key: one for key, one in self._open.items() if now <= one[1]}
        ticket = secrets.token_urlsafe(16)
        self._open[ticket] = (name, now + LIFETIME)
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """The name that a ticket stands for; None if it is unknown, used or too old."""
        name, until = self._open.pop(ticket, (None, 0.0))  # used up, whatever comes of it
        return name if time.monotonic() <= until else None
