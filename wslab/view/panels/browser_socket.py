"""The page's own WebSocket: a panel with a button for everything it can do, and a Python handle.

The socket lives in a worker of the page, which has the same `WebSocket` and the same origin, so
that the page itself stays responsive under ten thousand messages a second.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple

import traitlets

from wslab.wire.protocol import masked_text

from ..live.assets import script, style
from ..live.live_view import LiveView
from ..live.saved import account
from .client import shortened

KEPT = 110_000
"""How many events `BrowserSocket.events` remembers; the oldest are dropped."""

LONGEST_MESSAGE = 4 * 2**20
"""The most bytes of a message from Python to the page: Jupyter's server accepts 10 MiB at most."""

MOST_BYTES = 256 * 2**20
"""The most bytes of a message that the page generates itself."""

STATES = ("CONNECTING", "OPEN", "CLOSING", "CLOSED")

Route = Literal["auto", "direct", "proxy"]


class SocketEvent(NamedTuple):
    """One of the four events of a browser's WebSocket, a call of its methods, or an exception."""

    time: float
    """Seconds since the epoch, by the clock of the browser's machine."""
    name: str
    """The event's ("open", "message", "error", "close"), the call's ("new WebSocket", "send",
    "close()"), or "exception"."""
    text: str
    """Its text, as the panel shows it; for a message, the first 2,000 characters."""
    size: int | None = None
    """The size of a message in bytes."""
    type: str | None = None
    """The type of a message's `event.data`: "string", "Blob" or "ArrayBuffer"."""
    code: int | None = None
    reason: str | None = None
    was_clean: bool | None = None
    """`code`, `reason` and `wasClean` of a close event."""

    def __str__(self) -> str:
        return f"{self.name:<13}  {self.text}"


class BrowserSocket:
    """The browser's own `WebSocket`, in the page that shows this.

    Python can do everything that the panel's buttons do. The page carries out the calls in order,
    as soon as it is open; calls after a `connect` wait until the connection is open or has failed.
    Only `wait` waits for the page, so that no cell hangs if there is no page.

    `events` and the properties hold what the page last reported, at most five times a second. If
    several pages show the panel, each has a socket of its own, and Python sees the newest one.

    `route`: "direct" opens `url` as it is, "proxy" goes through jupyter-server-proxy, and "auto"
    takes the proxy where the page comes from another machine than the one it runs on.
    """

    def __init__(self, url: str, *, route: Route = "auto") -> None:
        self.panel = BrowserSocketPanel(url, route)
        """The widget. A cell whose last line is this object shows it too."""

    # -- what it is ------------------------------------------------------------------------------

    @property
    def events(self) -> list[SocketEvent]:
        """The last `KEPT` events, oldest first; empty until a page has reported."""
        return self.panel.events

    @property
    def state(self) -> str:
        """The name of the `readyState`; "CLOSED" before there is a socket."""
        return STATES[self.ready_state]

    @property
    def ready_state(self) -> int:
        """`readyState`: 0 to 3."""
        return int(self.panel.state.get("readyState", 3))

    @property
    def buffered_amount(self) -> int:
        """`bufferedAmount`: bytes that `send` accepted and the network has not yet."""
        return int(self.panel.state.get("bufferedAmount", 0))

    @property
    def protocol(self) -> str:
        """`protocol`: the subprotocol that the server chose, or ""."""
        return str(self.panel.state.get("protocol", ""))

    @property
    def extensions(self) -> str:
        """`extensions`: those that the server agreed to, as in its response."""
        return str(self.panel.state.get("extensions", ""))

    @property
    def binary_type(self) -> str:
        """`binaryType`: the type of binary messages, "blob" or "arraybuffer". May be set."""
        return str(self.panel.state.get("binaryType", "blob"))

    @binary_type.setter
    def binary_type(self, value: str) -> None:
        if value not in ("blob", "arraybuffer"):
            raise ValueError(f"expected 'blob' or 'arraybuffer', got {value!r}")
        self.panel.command({"do": "binaryType", "type": value})

    @property
    def url(self) -> str:
        """`url` of the page's socket; the URL to connect to while there is no socket."""
        return str(self.panel.state.get("url") or self.panel._url)

    @property
    def route(self) -> str | None:
        """The route of the page's socket: "direct" or "proxy"; None while there is no socket."""
        return self.panel.state.get("route") if self.panel.state.get("exists") else None

    @property
    def complaint(self) -> str | None:
        """The panel's red line: an exception, or why there is no connection."""
        return self.panel.state.get("problem")

    @property
    def waiting(self) -> int:
        """How many calls no page has carried out yet."""
        return self.panel.waiting

    # -- what it does ----------------------------------------------------------------------------

    def connect(self, url: str | None = None, protocols: Sequence[str] | str = ()) -> None:
        """`new WebSocket(url, protocols)`, after closing an earlier socket."""
        if url is not None:
            self.panel._url = url
        offered = [protocols] if isinstance(protocols, str) else list(protocols)
        self.panel.command({"do": "connect", "url": self.panel._url, "protocols": offered})

    def send(self, data: str | bytes) -> None:
        """`socket.send(data)`: text as it is, bytes as a Uint8Array."""
        if isinstance(data, str):
            try:
                size = len(data.encode())
            except UnicodeEncodeError as error:
                raise ValueError(
                    "expected text that UTF-8 can carry, got half a surrogate pair at character "
                    f"{error.start} (RFC 3629 §3); nothing was sent"
                ) from None
            _check_size(size)
            self.panel.command({"do": "send", "kind": "text", "text": data})
        else:
            self._send_bytes("binary", data)

    def send_blob(self, data: bytes) -> None:
        """`socket.send(new Blob([data]))`: the same on the wire as the bytes themselves."""
        self._send_bytes("blob", data)

    def send_size(self, size: int) -> None:
        """`socket.send` with `size` bytes that the page generates: 00 01 02 … ff 00 …"""
        if not isinstance(size, int) or not 0 <= size <= MOST_BYTES:
            raise ValueError(f"expected a size from 0 to {MOST_BYTES:,} bytes, got {size!r}")
        self.panel.command({"do": "send", "kind": "size", "size": size})

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """`socket.close(code, reason)`. An exception of the browser appears in `events`."""
        self.panel.command({"do": "close", "code": code, "reason": reason})

    def wait(self, name: str, *, after: int = 0, timeout: float = 10.0) -> SocketEvent:
        """Wait up to `timeout` seconds for an event of that name in `events[after:]`; return it.

        Raises TimeoutError if none came, if no page shows the panel, or if the front end delivers
        messages from pages only between cells (as VS Code does; JupyterLab does not).
        """
        found = self.panel.wait_for(name, after, timeout)
        if found is not None:
            return found
        if not self.panel.shown:
            raise TimeoutError(
                f"expected the event {name!r} within {timeout:g} s, but no page shows this socket: "
                "let a cell end with it, and run that one first"
            )
        raise TimeoutError(
            f"expected the event {name!r} within {timeout:g} s; it did not come. What did come is "
            "in `events`; if that stays empty while a cell runs, look at it in the next cell"
        )

    def stop(self) -> None:
        """Remove the panel and close the page's socket. May be called twice."""
        self.panel.close()

    def _send_bytes(self, kind: str, data: bytes) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"expected str or bytes, got {type(data).__name__}")
        payload = bytes(data)
        _check_size(len(payload))
        self.panel.command({"do": "send", "kind": kind}, payload)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.panel._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        url = masked_text(self.url)
        return f"<BrowserSocket {self.state} {url}, {len(self.events)} calls and events>"


def _check_size(size: int) -> None:
    if size > LONGEST_MESSAGE:
        raise ValueError(
            f"expected at most {LONGEST_MESSAGE:,} bytes on the way to the page, got {size:,}; "
            "send_size(n) lets the page make up n bytes itself"
        )


class BrowserSocketPanel(LiveView):
    """The widget of a `BrowserSocket`: sends commands to the page, and stores its reports."""

    _esm = script("panels/browser_socket.js")
    _css = style("panels/browser_socket.css")
    _worker = traitlets.Unicode(script("panels/socket_worker.js")).tag(sync=True)
    _url = traitlets.Unicode().tag(sync=True)
    _route = traitlets.Enum(["auto", "direct", "proxy"], "auto").tag(sync=True)

    def __init__(self, url: str, route: Route = "auto", **traits: Any) -> None:
        self.state: dict[str, Any] = {}
        """The properties of the page's socket, as last reported."""
        self._events: deque[SocketEvent] = deque(maxlen=KEPT)
        self.on_opened: Callable[[float, float], None] = lambda made, opened: None
        """Is told when a page's socket was made and opened, in seconds since the epoch."""
        self._made: dict[str, float] = {}  # by page: when its newest socket was made
        self._followed: str | None = None  # the page whose reports are stored
        self._commands: deque[tuple[int, dict[str, Any], bytes | None]] = deque()
        self._given = 0  # commands ever given
        self._sent: dict[str, int] = {}  # page -> the number of the last command sent to it
        self._changed = threading.Condition()  # guards all of these
        super().__init__(_url=url, _route=route, **traits)

    # -- for the handle --------------------------------------------------------------------------

    @property
    def events(self) -> list[SocketEvent]:
        with self._changed:
            return list(self._events)

    @property
    def waiting(self) -> int:
        with self._changed:
            return len(self._commands)

    @property
    def shown(self) -> bool:
        """Whether a page has said hello and not bye."""
        return bool(self._pages)

    def command(self, command: dict[str, Any], data: bytes | None = None) -> None:
        """Add a command for the page, which carries out commands in order."""
        with self._changed:
            self._given += 1
            self._commands.append((self._given, command, data))
        self.tell()

    def wait_for(self, name: str, after: int, timeout: float) -> SocketEvent | None:
        def found() -> SocketEvent | None:
            return next((e for e in islice(self._events, after, None) if e.name == name), None)

        with self._changed:
            return self._changed.wait_for(found, timeout)

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        page = str(question.get("page"))
        with self._changed:
            match question:
                case {"do": "hello"}:
                    self._sent.pop(page, None)
                    self._followed = page
                case {"do": "report", "state": dict(state)}:
                    # Each buffer is a JSON array of events.
                    batches = [json.loads(bytes(one)) for one in question.get("buffers", ())]
                    self._take_in(page, [event for batch in batches for event in batch], state)
                    self._changed.notify_all()

    def _take_in(self, page: str, events: list[Any], state: dict[str, Any]) -> None:
        obeyed = state.get("obeyed", 0)
        while self._commands and self._commands[0][0] <= obeyed:
            self._commands.popleft()
        # A socket was opened in another page: follow that page from now on.
        if page != self._followed and any(event[1] == "new WebSocket" for event in events):
            self._followed = page
        for event in events:
            if event[1] == "new WebSocket":
                self._made[page] = event[0]
            elif event[1] == "open" and state.get("route") == "direct" and page in self._made:
                self.on_opened(self._made[page], event[0])
        if page == self._followed:
            self._events.extend(SocketEvent(*event) for event in events)
            self.state = state

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        with self._changed:
            page = self._followed
            if page is None or page not in self._pages:
                # The followed page is gone: send the commands to another, if there is one.
                page = self._followed = next(iter(self._pages), None)
            if page is None:
                return None
            told = self._sent.get(page, 0)
            commands: list[tuple[int, dict[str, Any]]] = []
            for number, command, data in self._commands:
                if number <= told:
                    continue
                if data is not None:
                    command = {**command, "buffer": len(buffers)}
                    buffers.append(data)
                commands.append((number, command))
            if commands:
                self._sent[page] = commands[-1][0]
                content["to"] = page
                content["commands"] = commands
        return None

    def static(self) -> dict[str, str]:
        return account(
            "browser-socket",
            f"the browser's own WebSocket, for {masked_text(self._url)}",
            "It needs a page that runs the notebook: run this cell again.",
            [f"{event.name}: {shortened(event.text)}" for event in self.events],
        )
