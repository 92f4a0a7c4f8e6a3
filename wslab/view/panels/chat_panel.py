"""The panel of one person in a chat: a name, a message to send, and what was said, newest first."""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import quote

import traitlets

from ..live.assets import script, style
from ..live.clicks import Clicks
from ..live.live_view import LiveView
from ..live.saved import account
from .client import Client, Events, Log, shortened


class ChatClient(Client, Protocol):
    """What the chat panel needs of a client; the client belongs to the panel."""

    error: str | None

    @property
    def waiting(self) -> int: ...
    def connect(self, url: str) -> object: ...
    def recv(self, timeout: float) -> str | bytes: ...


class ChatPanel(LiveView):
    """A seat in the chat at `url`, for `name`.

    It reads all messages of its client, so nobody else can `recv` them. The lab's chat server sends
    JSON events; other messages are shown as they are, so that the panel also works with a server
    that sends plain text.
    """

    _esm = script("panels/chat_panel.js")
    _css = style("panels/chat_panel.css")
    _name = traitlets.Unicode().tag(sync=True)
    _max_message = traitlets.Int().tag(sync=True)

    def __init__(
        self, client: ChatClient, url: str, name: str, *, max_message: int = 2**20, **traits: Any
    ) -> None:
        self.client = client
        self.url = url
        self._clicks = Clicks(self.tell)
        self._events = Events(lambda: client.events)
        self._log = Log()
        self._me = name
        self._people: list[str] = []
        self._state = "CLOSED"
        self._told_client: dict[str, Any] | None = None
        self._unsubscribe = client.subscribe(self.tell)
        super().__init__(_name=name, _max_message=max_message, **traits)

    @property
    def people(self) -> list[str]:
        """The people in the room as far as this client knows, including itself."""
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
                self._log.again()
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
        self._log.news(content, "lines")
        return None

    def _take_in(self) -> None:
        state = self.client.state  # read before the messages, so that none before the end is lost
        # Not by the state alone: a client that is dismissed at once is OPEN only for a moment.
        ended = any(event.name == "close" for event in self._events.new())
        for _ in range(self.client.waiting):
            self._take_in_message(self.client.recv(0))
        if ended:
            self._add("end", "", self.client.error or "you left")
            self._people = []
        self._state = state

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
        self._log.add([kind, shortened(name), shortened(text)])

    def static(self) -> dict[str, str]:
        said = f"{self._name}'s place in the chat: {self.client.state}"
        lines = [f"{name} {text}".strip() for _, name, text in self._log.lines()]
        remark = "The place itself needs a running notebook: run this cell again."
        return account("chat", said, remark, lines)


def _event(message: str | bytes) -> object:
    if not isinstance(message, str):
        return None
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None
