"""A server and its clients on one library, played from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

CLOSE_TIMEOUT = 10.0
"""Seconds that a peer waits for the answer to its close frame: a busy machine must not change how
a play ends.
"""

SHORT_CLOSE_TIMEOUT = 0.3
"""The same where no answer will come."""

MAX_SIZE = 64
"""Bytes of the longest message that the server takes: small, so that 1009 is easy to get."""

PATIENCE = 20.0
"""Seconds that a peer has for each order."""


class PeerReport(NamedTuple):
    """One peer's view, as its program gets it."""

    code: int | None
    """The close code that the API reports; None where there was no connection to report about."""
    reason: str = ""
    clean: bool | None = None
    """WHATWG's `wasClean`: both close frames crossed before TCP ended. None for a raw peer, which
    keeps no such account."""
    said: tuple[str, ...] = ()
    """Exceptions, events and refusals, in order, in the API's own words."""

    @property
    def raw(self) -> bool:
        """Whether it is a raw peer's, which has no API: `code` and `said` tell what it heard."""
        return self.clean is None


class Peers(ABC):
    """A server and its clients on one library: plain functions, for any thread but the loop's.

    `who` is "server" or the name of a client. What the library raises is no error here: it is noted
    in the report of that peer. Each function gives the library's side an order of the same name.
    """

    name: str
    """What the library is called."""

    def serve(self, behaviour: str, *, upstream: str = "", together: bool = False) -> int:
        """Start the server; its port. `behaviour` is one of `library.BEHAVIOURS`, `upstream` the
        URL behind a gateway; `together` puts server and clients into one process.
        """
        port: int = self._order(
            "serve", "server", behaviour=behaviour, upstream=upstream, together=together
        )
        return port

    def connect(
        self, url: str, who: str = "client", *, close_timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """Connect a client. That it fails is a report too."""
        self._order("connect", who, url=url, close_timeout=close_timeout)

    def send(self, who: str, message: str | bytes) -> None:
        """Let `who` send a message."""
        self._order("send", who, message=message)

    def close(self, who: str, code: int | None = None, reason: str = "") -> None:
        """Let `who` close."""
        self._order("close", who, code=code, reason=reason)

    def close_both(self, client: tuple[int, str], server: tuple[int, str]) -> None:
        """Let both close before either has read the other's close frame; needs `together`."""
        self._order("close_both", "server", client=client, server=server)

    def vanish(self, who: str) -> None:
        """Let `who` drop TCP without a close frame."""
        self._order("vanish", who)

    def shut_down(self, code: int = 1001, reason: str = "") -> None:
        """Stop the server and all its connections, for a shutdown (1001) or a restart (1012)."""
        self._order("shut_down", "server", code=code, reason=reason)

    def report(self, who: str, patience: float = 5.0) -> PeerReport:
        """What `who` says once its connection is over, or after `patience` seconds."""
        code, reason, clean, said = self._order("report", who, patience=patience)
        return PeerReport(code, reason, clean, tuple(said))

    @abstractmethod
    def reset(self) -> None:
        """Let all connections and the server go. May be called twice."""

    @abstractmethod
    def stop(self) -> None:
        """Reset, and let go of what is kept from one play to the next. May be called twice."""

    @abstractmethod
    def _order(self, order: str, who: str, **details: Any) -> Any:
        """Have `who` carry out an order; its answer."""
