"""`%%browser` cells: JavaScript, or a small page of HTML, that runs in the learner's own browser.

    %%browser
    let socket = new WebSocket(url);
    socket.onopen = () => console.log("open");

`url` leads to the lab's server, through the tap. The output of the code and its errors appear under
the cell. Running the cell again, or deleting it, ends the code and closes its sockets.

The code may be the learner's own or pasted from anywhere. It runs in a sandbox: a frame without an
origin (servers see `Origin: null`), inside another frame that confines it. What is promised:

- It cannot change the notebook, or read its page, its cookies or its storage.
- Its sockets reach only ports on which servers and taps of this kernel listen: those that were open
  when the cell ran, without those closed since. On a hub, where the page makes the sockets, they
  reach the ports that are open now, and only paths below these ports on the proxy.
- It loads nothing, sends no forms, and opens no windows, no frames and no WebRTC. It cannot
  navigate: the browser stops that before a request is made, and the frame is removed. Only the
  document that the cell began with can write under the cell.

Not promised is what no policy can forbid. A browser may look up a name, or open a connection and
send nothing on it (`<link rel="preconnect">`, the start of a navigation). A script in the frame
itself removes WebRTC and frames: enough for pasted code, not for a determined attacker. And code
may use memory and time, and do to a lab whatever a client can.

If a loop never ends: Chrome, Edge and other Chromium browsers give the frame a process of its own,
so the notebook still works, and the cell offers to stop the code. In other browsers the whole page
hangs, until the browser itself asks whether to end the script.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

import anywidget
import traitlets
from IPython.core.error import UsageError

from ..live.assets import script, style
from ..live.saved import Saved
from ..live.subshell import handle_on_subshell


class BrowserCell(Saved, anywidget.AnyWidget):
    """The widget that a `%%browser` cell shows and runs.

    `code` is JavaScript, or HTML if it begins with `<`.
    """

    _esm = script("panels/browser_cells.js")
    _css = style("panels/browser_cells.css")
    _code = traitlets.Unicode().tag(sync=True)
    _url = traitlets.Unicode().tag(sync=True)
    _frame = traitlets.Unicode().tag(sync=True)
    _ports = traitlets.List(traitlets.Int()).tag(sync=True)
    """The ports that are open now, to which sockets may connect."""
    # The page needs this to put the code's output into the notebook (static/picture.js).
    _output = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, code: str, url: str, ports: list[int], on_opened: OnOpened = lambda *told: None
    ) -> None:
        self._on_opened, self._began = on_opened, time.time()
        first = script("panels/browser_frame.js")
        super().__init__(_code=code, _url=url, _frame=first, _ports=ports)
        self.name = "page"
        """What the connections of its sockets are called."""
        self._output = self.model_id
        self.on_msg(self._hear)
        handle_on_subshell(self)

    def _hear(self, _: object, content: Any, buffers: object) -> None:
        match content:
            case {"do": "opened", "port": int(port), "made": int(made), "opened": int(opened)}:
                # Not where the page's clock is another: it cannot have run before it was made.
                if made / 1000 >= self._began - 0.01:
                    self._on_opened(port, self.name, made / 1000, opened / 1000)

    def static(self) -> dict[str, str]:
        text = "JavaScript in the reader's page; it runs where a kernel does: run this cell again."
        html = f'<p data-wslab="browser-cell"><small>{escape(text)}</small></p>'
        return {"text/plain": text, "text/html": html}


OnOpened = Callable[[int, str, float, float], None]
"""Is told of each socket that opens: its port, the name of the cell, and when it was made and
opened, in seconds since the epoch."""

WatchPorts = Callable[[Callable[[list[int]], None]], None]
"""Calls a given function with the open ports: now, and whenever they change."""


def cell_name(shell: Any) -> str:
    """The running cell, by the number beside it: "cell 4"."""
    # Not the shell's `execution_count`: IPython 9 counts before a cell runs, earlier ones after it.
    return f"cell {len(shell.history_manager.input_hist_parsed) - 1}"


def register_browser_cells(shell: Any, watch_ports: WatchPorts, on_opened: OnOpened) -> None:
    """Register `%%browser` in an IPython shell; a second call changes nothing.

    The code of cells reaches the ports that `watch_ports` reports. `on_opened` hears of each
    socket that it opens.
    """
    if "browser" not in shell.magics_manager.magics["cell"]:
        shell.register_magic_function(_Magic(shell, watch_ports, on_opened), "cell", "browser")


class _Magic:
    def __init__(self, shell: Any, watch_ports: WatchPorts, on_opened: OnOpened) -> None:
        self._shell = shell
        self._on_opened = on_opened
        self._shown: dict[object, BrowserCell] = {}  # by the cell's id in the notebook
        self._ports: list[int] = []
        watch_ports(self._see)

    def _see(self, ports: list[int]) -> None:
        self._ports = ports
        for cell in list(self._shown.values()):
            cell._ports = ports

    def __call__(self, line: str, cell: str) -> BrowserCell:
        """%%browser [SERVER]: run the cell's JavaScript, or HTML, in the page of this notebook.

        SERVER is a Python expression for a lab, a server, a tap or a URL; `lab` if left out. The
        code finds its address in `url`. It reaches nothing but servers and taps of this kernel. For
        another server name a tap: `%%browser lab.tap_before("ws://127.0.0.1:8765/", "mine")`. A
        loop without an end may freeze the page in some browsers: save first, and wait with events,
        not with `while`.
        """
        url = self._address(line.strip())
        here = self._cell_id() or object()  # some front ends do not tell it
        if here in self._shown:
            self._shown.pop(here).close()
        shown = self._shown[here] = BrowserCell(cell, url, self._ports, self._on_opened)
        shown.name = f"{cell_name(self._shell)}, page"
        shown._ports = self._ports  # they may have changed meanwhile
        return shown

    def _address(self, expression: str) -> str:
        name = expression or "lab"
        try:
            server = self._shell.ev(name)
            url = server if isinstance(server, str) else server.url
        except Exception as error:
            raise UsageError(
                f"%%browser: expected {name!r} to be a lab, or a URL; got "
                f"{type(error).__name__}: {error}. Open a lab first, such as "
                "lab = first_connection.open(), or name another server: %%browser other_lab"
            ) from None
        if not str(url).startswith(("ws://", "wss://")):
            raise UsageError(f"%%browser: expected a URL that starts with ws://, got {url!r}")
        return str(url)

    def _cell_id(self) -> str | None:
        parent = getattr(self._shell, "parent_header", None) or {}
        found = (parent.get("metadata") or {}).get("cellId")
        return found if isinstance(found, str) else None
