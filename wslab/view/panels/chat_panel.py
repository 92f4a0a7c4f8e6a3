"""One person in a chat: a name to join with, a message to send, and what was said, newest first."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Protocol
from urllib.parse import quote

import traitlets

from ..live.assets import script, style
from ..live.clicks import Clicks
from ..live.live_view import LiveView
from .client_panel import Event, shortened

KEPT = 200
"""Lines that a page is told about; older ones go."""


class Client(Protocol):
    """What the panel needs of a client; `wslab.net.Client` is one, and belongs to the panel."""

    error: str | None

    @property
    def events(self) -> Sequence[Event]: ...

    @property
    def state(self) -> str: ...
    @property
    def waiting(self) -> int: ...
    def connect(self, url: str) -> object: ...
    def send(self, message: str) -> None: ...
    def recv(self, timeout: float) -> str | bytes: ...
    def close(self, code: int, reason: str) -> None: ...
    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]: ...


class ChatPanel(LiveView):
    """A seat in the chat at `url`, for `name`.

    It reads the client's messages itself: `client.recv` is left with nothing. Messages of the
    lab's chat server are JSON events; whatever else comes is shown as it stands, so that the panel
    also works with a server that passes plain text on.
    """

    _esm = script("panels/chat_panel.js")
    _css = style("panels/chat_panel.css")
    _name = traitlets.Unicode().tag(sync=True)
    _max_message = traitlets.Int().tag(sync=True)

    def __init__(
        self, client: Client, url: str, name: str, *, max_message: int = 2**20, **traits: Any
    ) -> None:
        self.client = client
        self.url = url
        self._clicks = Clicks(self.tell)
        self._lines: deque[list[str]] = deque(maxlen=KEPT)
        self._taken = 0  # lines ever taken in; the page numbers them the same
        self._told = 0
        self._me = name
        self._people: list[str] = []
        self._state = "CLOSED"
        self._last_event: Event | None = None
        self._told_client: dict[str, Any] | None = None
        self._unsubscribe = client.subscribe(self.tell)
        super().__init__(_name=name, _max_message=max_message, **traits)

    @property
    def people(self) -> list[str]:
        """Who is in the room as far as this client was told, itself included."""
        return list(self._people)

    def join(self, name: str | None = None) -> None:
        """Connect, as `name` (the panel's own if left out). Raises what the client raises."""
        wanted = self._name if name is None else name
        self.client.connect(f"{self.url}?name={quote(wanted)}")

    def unsubscribe(self) -> None:
        self._unsubscribe()

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        client, start = self.client, self._clicks.start
        match question:
            case {"do": "hello"}:
                self._told = max(0, self._taken - len(self._lines))
                self._told_client = None
            case {"do": "join", "name": str(name)}:
                start(question, lambda: self.join(name))
            case {"do": "send", "message": str(message)}:
                start(question, lambda: client.send(message))
            case {"do": "leave"}:
                start(question, lambda: client.close(1000, ""))

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        self._take_in()
        self._clicks.news(content)
        client = {"state": self._state, "me": self._me, "people": self._people}
        if client != self._told_client:
            self._told_client = {**client, "people": list(self._people)}
            content["client"] = self._told_client
        if self._told < self._taken:
            first = max(self._told, self._taken - len(self._lines))
            content["first"] = first
            content["lines"] = list(
                islice(self._lines, len(self._lines) - (self._taken - first), None)
            )
            self._told = self._taken
        return None

    def _take_in(self) -> None:
        state = self.client.state  # before the messages: what came before the end is read
        ends = [event for event in self._new_events() if event.name == "close"]
        for _ in range(self.client.waiting):
            self._take_in_message(self.client.recv(0))
        if ends:
            self._add("end", "", self.client.error or "you left")
            self._people = []
        self._state = state

    def _new_events(self) -> list[Event]:
        # Not the state alone: who is shown out at once may be OPEN for less than one look.
        new: list[Event] = []
        events = list(self.client.events)
        for event in reversed(events):
            if event is self._last_event:
                break
            new.append(event)
        if events:
            self._last_event = events[-1]
        return new

    def _take_in_message(self, message: str | bytes) -> None:
        match _event(message):
            case {"event": "welcome", "name": str(name), "people": [*people]}:
                self._me = name
                self._people = [str(person) for person in people]
            case {"event": "message", "from": str(name), "text": str(text)}:
                self._add("message", name, text)
            case {"event": "join", "name": str(name)}:
                self._people = [*self._people, name]
                self._add("join", name, "came in")
            case {"event": "leave", "name": str(name), "why": str(why)}:
                self._people = [person for person in self._people if person != name]
                self._add("leave", name, why)
            case _:
                text = message if isinstance(message, str) else f"{len(message):,} bytes"
                self._add("message", "", text)

    def _add(self, kind: str, name: str, text: str) -> None:
        self._lines.append([kind, shortened(name), shortened(text)])
        self._taken += 1

    def static(self) -> dict[str, str]:
        said = f"{self._name}'s place in the chat: {self.client.state}"
        return {
            "text/plain": said,
            "text/html": '<p data-wslab="chat"><small>A place in the chat: it needs a running '
            "notebook. Run this cell again.</small></p>",
        }


def _event(message: str | bytes) -> object:
    if not isinstance(message, str):
        return None
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None
