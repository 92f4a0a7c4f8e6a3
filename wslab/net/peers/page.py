"""A client in a browser's page, controlled from the kernel: the browser's own WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wslab.net.errors import WslabError
from wslab.net.peers.peers import PeerReport, Peers, plain

SOURCE = Path(__file__).with_name("web_socket_peer.mjs")
"""What runs in the page: the same code that drives Node's own WebSocket."""

InPage = Callable[[str, Mapping[str, Any]], list[str] | None]
"""Runs a function of the page, and returns its lines; None if no page has answered."""


class NoPage(WslabError):
    """No page has answered; the message says what to do."""


class PagePeers(Peers):
    """Clients on the WebSocket of the browser that shows the page; it cannot be a server."""

    name = "browser"

    def __init__(self, in_page: InPage) -> None:
        self.in_page = in_page
        """May be replaced between two plays: the page may be another one then."""
        self._here: set[str] = set()
        """The clients in the page now; one that has left it can neither hear nor report."""

    def reset(self) -> None:
        for who in list(self._here):
            self._order("reset", who)
        self._here.clear()

    def stop(self) -> None:
        """Nothing is kept: the page ends what a play has begun."""

    def leave(self, who: str) -> str | None:
        self._order("leave", who)
        self._here.discard(who)
        return None

    def hear(self, who: str, count: int, patience: float = 5.0) -> tuple[str, ...]:
        return super().hear(who, count, patience) if who in self._here else ()

    def kill(self, who: str) -> str | None:
        return "a page cannot kill its own browser"

    def report(self, who: str, patience: float = 5.0) -> PeerReport:
        if who not in self._here:
            return PeerReport(None, "", False, ("its page has gone away",))
        return super().report(who, min(patience, 5.0))  # a page has not more time for an answer

    def _order(self, order: str, who: str, **details: Any) -> Any:
        told = {"order": order, "who": who, **details}
        if order == "connect":
            told["source"] = SOURCE.read_text("utf-8")
        lines = self.in_page("peer", json.loads(json.dumps(told, default=plain)))
        if not lines:
            raise NoPage("no page has answered: show the board in a browser, and run it there")
        answer = json.loads(lines[0])
        if isinstance(answer, dict):
            raise NoPage(answer["problem"])
        if order == "connect" and answer is None:
            self._here.add(who)
        return answer
