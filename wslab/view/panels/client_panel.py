"""A client to click on: connect, send, ping, close, and what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from html import escape
from itertools import islice
from typing import Any, Protocol

import traitlets

from ..live.assets import script, style
from ..live.clicks import Clicks
from ..live.live_view import LiveView

KEPT = 200
"""Events of the log that a page is told about; older ones are only counted."""

LONGEST_MESSAGE = 1_500_000
"""Bytes that a page may send to the kernel as one message of ours, whatever it is asked to allow:
written as JSON it may become six times as long, and Jupyter's server takes 10 MiB at most."""

SHOWN_CHARACTERS = 2_000
"""Of one event's text: the panel tells what happened, the wire view shows every byte."""


class Event(Protocol):
    @property
    def time(self) -> float: ...  # seconds since the epoch
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...


class Client(Protocol):
    """What the panel needs of a client; `wslab.net.Client` is one."""

    @property
    def state(self) -> str: ...
    @property
    def subprotocol(self) -> str | None: ...
    @property
    def close_code(self) -> int | None: ...
    @property
    def close_reason(self) -> str | None: ...
    @property
    def events(self) -> Sequence[Event]: ...

    url: str | None

    def connect(self, url: str) -> object: ...
    def send(self, message: str) -> None: ...
    def ping(self) -> float: ...
    def close(self, code: int, reason: str) -> None: ...
    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]: ...


class ClientPanel(LiveView):
    """URL, connect, message, ping, close with code and reason, live state, and a short log.

    Whatever is clicked runs on a thread of its own, so that a server that hangs blocks neither a
    cell nor the panel. Problems are told in one line in the panel, and nothing typed is lost.

    `max_message` is in bytes of UTF-8: a longer message is refused in the page, before it could
    break the notebook's own connection to the kernel (which takes 10 MiB at most).
    """

    _esm = script("panels/client_panel.js")
    _css = style("panels/client_panel.css")
    _url = traitlets.Unicode().tag(sync=True)
    _max_message = traitlets.Int().tag(sync=True)

    def __init__(
        self, client: Client, url: str | None = None, *, max_message: int = 2**20, **traits: Any
    ) -> None:
        self.client = client
        self._clicks = Clicks(self.tell)
        self._log: deque[Event] = deque(maxlen=KEPT)
        self._logged = 0  # events ever taken into the log; the page numbers them the same
        self._told = 0  # how many of these the pages were told
        self._told_state: dict[str, Any] | None = None
        self._unsubscribe = client.subscribe(self.tell)
        super().__init__(
            _url=url or client.url or "", _max_message=min(max_message, LONGEST_MESSAGE), **traits
        )

    def unsubscribe(self) -> None:
        self._unsubscribe()

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        client, start = self.client, self._clicks.start
        match question:
            case {"do": "hello"}:
                self._told = max(0, self._logged - len(self._log))
                self._told_state = None
            case {"do": "connect", "url": str(url)}:
                start(question, lambda: client.connect(url))
            case {"do": "send", "message": str(message)}:
                start(question, lambda: client.send(message))
            case {"do": "ping"}:
                start(question, client.ping)
            case {"do": "close", "code": int(code), "reason": str(reason)}:
                start(question, lambda: client.close(code, reason))

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        client = self.client
        self._clicks.news(content)
        state = {
            "state": client.state,
            "subprotocol": client.subprotocol,
            "close_code": client.close_code,
            "close_reason": client.close_reason,
            "running": self._clicks.running,
        }
        if state != self._told_state:
            self._told_state = state
            content["client"] = state
        self._take_in_events()
        if self._told < self._logged:
            first = max(self._told, self._logged - len(self._log))
            content["first"] = first
            content["events"] = [
                [event.time, event.name, shortened(event.text)]
                for event in islice(self._log, len(self._log) - (self._logged - first), None)
            ]
            self._told = self._logged
        return None

    def _take_in_events(self) -> None:
        events = self.client.events
        last = self._log[-1] if self._log else None
        new: list[Event] = []
        for event in reversed(list(events)):  # a copy: the traffic's thread goes on appending
            if event is last:
                break
            new.append(event)
        self._log.extend(reversed(new))
        self._logged += len(new)

    def static(self) -> dict[str, str]:
        client = self.client
        said = f"client: {client.state} {self._url}"
        return {
            "text/plain": said,
            "text/html": f'<p data-wslab="client-panel"><code>{escape(said)}</code><br>'
            "<small>The panel itself needs a running notebook: run this cell again.</small></p>",
        }


def shortened(text: str) -> str:
    """At most `SHOWN_CHARACTERS` of `text`, and how many there are."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}… ({len(text):,} characters)"
