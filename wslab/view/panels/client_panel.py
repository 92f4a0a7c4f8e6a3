"""The panel of a client: buttons for connect, send, ping and close, and a log."""

from __future__ import annotations

from typing import Any, Protocol

import traitlets

from wslab.wire.protocol import masked_text

from ..live.assets import script, style
from ..live.clicks import Clicks
from ..live.live_view import LiveView
from ..live.saved import account
from .client import Client, Events, Log, shortened

LONGEST_MESSAGE = 1_500_000
"""The most bytes of `max_message`: as JSON a message may become six times as long, and Jupyter's
server accepts 10 MiB at most."""


class PanelClient(Client, Protocol):
    """What the client panel needs of a client."""

    @property
    def subprotocol(self) -> str | None: ...
    @property
    def close_code(self) -> int | None: ...
    @property
    def close_reason(self) -> str | None: ...

    url: str | None

    def connect(self, url: str) -> object: ...
    def ping(self) -> float: ...


class ClientPanel(LiveView):
    """URL, connect, message, ping, close with code and reason, live state, and a short log.

    Clicks run on threads of their own, so that a server that hangs blocks neither a cell nor the
    panel. The panel shows a problem in one line, and nothing that was typed is lost.

    `max_message` is in bytes of UTF-8. The page refuses a longer message, which could break the
    notebook's own connection to the kernel (it accepts 10 MiB at most).
    """

    _esm = script("panels/client_panel.js")
    _css = style("panels/client_panel.css")
    _url = traitlets.Unicode().tag(sync=True)
    _max_message = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        client: PanelClient,
        url: str | None = None,
        *,
        max_message: int = 2**20,
        **traits: Any,
    ) -> None:
        self.client = client
        self._clicks = Clicks(self.tell)
        self._events = Events(lambda: client.events)
        self._log = Log()
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
                self._log.again()
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
        for event in self._events.new():
            self._log.add([event.time, event.name, shortened(event.text)])
        self._log.news(content, "events")
        return None

    def static(self) -> dict[str, str]:
        return account(
            "client-panel",
            f"client: {self.client.state} {masked_text(self._url)}",
            "The panel itself needs a running notebook: run this cell again.",
            [f"{name}: {text}" for _, name, text in self._log.lines()],
        )
