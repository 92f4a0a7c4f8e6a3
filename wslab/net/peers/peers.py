"""The interface of a server and its clients on one library, controlled from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

CLOSE_TIMEOUT = 10.0
"""Seconds that a peer waits for the answer to its close frame: long, so that a busy machine does
not change the result.
"""

SHORT_CLOSE_TIMEOUT = 0.3
"""The same, in seconds, if no answer will come."""

MAX_SIZE = 64
"""Bytes of the longest message that the server accepts: small, so that 1009 is easy to cause."""

PATIENCE = 20.0
"""Seconds within which a peer must carry out an order."""


class PeerReport(NamedTuple):
    """The end of a connection, as one peer's API reported it to its program."""

    code: int | None
    """The close code that the API reports; None if there was no connection."""
    reason: str = ""
    clean: bool | None = None
    """WHATWG's `wasClean`: both close frames crossed before TCP ended. None for a raw peer, which
    does not keep track of this."""
    said: tuple[str, ...] = ()
    """The exceptions, events and refusals of the API, in order and in its own words."""

    @property
    def raw(self) -> bool:
        """Whether it comes from a raw peer, which has no API: it tells what that peer received."""
        return self.clean is None


class Peers(ABC):
    """A server and its clients on one library; its functions work on any thread but the loop's.

    `who` is "server" or the name of a client. Exceptions of the library are not errors here: the
    report of that peer notes them. Each function sends the library's side an order of that name.
    """

    name: str
    """The name of the library."""

    def serve(self, behaviour: str, *, upstream: str = "", together: bool = False) -> int:
        """Start the server, and return its port. `behaviour` is one of `library.BEHAVIOURS`,
        `upstream` the URL behind a gateway; `together` runs server and clients in one process.
        """
        port: int = self._order(
            "serve", "server", behaviour=behaviour, upstream=upstream, together=together
        )
        return port

    def connect(
        self, url: str, who: str = "client", *, close_timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """Connect a client. Does not raise if connecting fails: `report` says so."""
        self._order("connect", who, url=url, close_timeout=close_timeout)

    def send(self, who: str, message: str | bytes) -> None:
        """Let `who` send a message."""
        self._order("send", who, message=message)

    def close(self, who: str, code: int | None = None, reason: str = "") -> None:
        """Let `who` close its connection."""
        self._order("close", who, code=code, reason=reason)

    def close_both(self, client: tuple[int, str], server: tuple[int, str]) -> None:
        """Let both close before either has read the other's close frame; needs `together`."""
        self._order("close_both", "server", client=client, server=server)

    def vanish(self, who: str) -> None:
        """Let `who` drop its TCP connection without a close frame."""
        self._order("vanish", who)

    def shut_down(self, code: int = 1001, reason: str = "") -> None:
        """Stop the server and all its connections, for a shutdown (1001) or a restart (1012)."""
        self._order("shut_down", "server", code=code, reason=reason)

    def report(self, who: str, patience: float = 5.0) -> PeerReport:
        """The report of `who`, when its connection is over or after `patience` seconds."""
        code, reason, clean, said = self._order("report", who, patience=patience)
        return PeerReport(code, reason, clean, tuple(said))

    @abstractmethod
    def reset(self) -> None:
        """End all connections and stop the server. May be called twice."""

    @abstractmethod
    def stop(self) -> None:
        """Reset, and end everything that is kept from one play to the next. May be called twice."""

    @abstractmethod
    def _order(self, order: str, who: str, **details: Any) -> Any:
        """Have `who` carry out an order, and return its answer."""
