"""Requests and responses of one connection: which answers which, and when HTTP is over."""

from __future__ import annotations

from collections import deque

from .handshake import Head


class Exchange:
    """The requests that wait for their answers. Responses come in their order (RFC 9112 §9.3)."""

    def __init__(self) -> None:
        self._requests: deque[Head] = deque()
        self.upgraded = False
        """A 101 came: what follows are frames."""
        self.unasked = False
        """It came before any request: one may still be on its way."""

    def ask(self, request: Head) -> None:
        """A request's head is there; its answer may come before its body ends."""
        self._requests.append(request)

    def answer(self, response: Head) -> Head | None:
        """The request that a response answers. Behind an interim one (1xx) the answer comes yet."""
        status = response.status
        if status == 101:
            self.upgraded, self.unasked = True, not self._requests
        if not self._requests:
            return None
        interim = status is not None and 100 <= status < 200 and status != 101
        return self._requests[0] if interim else self._requests.popleft()

    @property
    def last(self) -> Head | None:
        """The request asked last, if it has no answer yet."""
        return self._requests[-1] if self._requests else None

    def awaits(self, request: Head) -> bool:
        """Whether a request has no answer yet."""
        return any(waiting is request for waiting in self._requests)
