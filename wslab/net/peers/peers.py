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

SHORT = 20
"""The most characters or bytes of a message that `Peers.hear` shows; of a longer one, its size."""

PATIENCE = 20.0
"""Seconds within which a peer must carry out an order."""


def plain(data: bytes) -> dict[str, str | int]:
    """Bytes in an order, as JSON: in hex, or as a number of zeros."""
    return {"hex": data.hex()} if any(data) else {"zeros": len(data)}


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
    report of that peer notes them. Each function sends the library's side an order of that name;
    those that return `str | None` say why the library cannot do it: it refuses, or has no call for
    it. None: it is done.
    """

    name: str
    """The name of the library."""

    def serve(
        self,
        behaviour: str,
        *,
        upstream: str = "",
        together: bool = False,
        compression: bool = False,
        limited: bool = True,
        keepalive: float = 0.0,
    ) -> int:
        """Start the server, and return its port. `behaviour` is one of `library.BEHAVIOURS`,
        `upstream` the URL behind a gateway; `together` runs server and clients in one process.

        `limited`: it takes messages of at most `MAX_SIZE` bytes; otherwise the library's own limit
        holds. `keepalive`: seconds between its own pings, if the library has such; 0 for none.
        """
        port: int = self._order(
            "serve",
            "server",
            behaviour=behaviour,
            upstream=upstream,
            together=together,
            compression=compression,
            limited=limited,
            keepalive=keepalive,
        )
        return port

    def connect(
        self,
        url: str,
        who: str = "client",
        *,
        close_timeout: float = CLOSE_TIMEOUT,
        compression: bool = False,
        keepalive: float = 0.0,
    ) -> str | None:
        """Connect a client. Does not raise if connecting fails: `report` says so.

        `compression`: whether it offers permessage-deflate, as each library does unless told not
        to. `keepalive`: see `serve`.
        """
        return self._tried(
            "connect",
            who,
            url=url,
            close_timeout=close_timeout,
            compression=compression,
            keepalive=keepalive,
        )

    def send(self, who: str, message: str | bytes) -> str | None:
        """Let `who` send a message."""
        return self._tried("send", who, message=message)

    def send_fragments(self, who: str, *parts: str) -> str | None:
        """Let `who` send a text message in fragments, one for each part."""
        return self._tried("send_fragments", who, parts=parts)

    def ping(self, who: str, payload: str) -> str | None:
        """Let `who` send a ping."""
        return self._tried("ping", who, payload=payload)

    def hear(self, who: str, count: int, patience: float = 5.0) -> tuple[str, ...]:
        """Everything that the API of `who` has handed to its program: messages, pings and pongs,
        as `text 'Hello' (str)`, the API's own type in parentheses.

        Waits until there are `count`, the connection is over, or for `patience` seconds.
        """
        return tuple(self._order("hear", who, count=count, patience=patience))

    def close(self, who: str, code: int | None = None, reason: str = "") -> str | None:
        """Let `who` start to close its connection; None as the code: a close frame without one."""
        return self._tried("close", who, code=code, reason=reason)

    def close_plainly(self, who: str) -> str | None:
        """Let `who` call close() without arguments: what it sends is up to the library."""
        return self._tried("close_plainly", who)

    def close_both(self, client: tuple[int, str], server: tuple[int, str]) -> None:
        """Let both close before either has read the other's close frame; needs `together`."""
        self._order("close_both", "server", client=client, server=server)

    def vanish(self, who: str, *, reset: bool = False) -> str | None:
        """Let `who` drop its TCP connection without a close frame, with RST if `reset`."""
        return self._tried("vanish", who, reset=reset)

    def leave(self, who: str) -> str | None:
        """Let the program of `who` end, without a call of close()."""
        return self._tried("leave", who)

    def kill(self, who: str) -> str | None:
        """Kill the process of `who`, as `kill -9` does."""
        return self._tried("kill", who)

    def close_server(self) -> None:
        """Call the close() that the library has for a server: what it does with the connections is
        up to the library."""
        self._order("close_server", "server")

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

    def _tried(self, order: str, who: str, **details: Any) -> str | None:
        answer = self._order(order, who, **details)
        return answer if isinstance(answer, str) else None

    @abstractmethod
    def _order(self, order: str, who: str, **details: Any) -> Any:
        """Have `who` carry out an order, and return its answer."""
