"""`%%browser` cells: JavaScript, or a small page of HTML, that runs in the learner's own browser.

    %%browser
    let socket = new WebSocket(url);
    socket.onopen = () => console.log("open");

The code runs in a frame of its own inside the page: sandboxed, without an origin (servers are told
`Origin: null`), so that it cannot touch the notebook. `url` is bound to the lab's server, through
the tap. What it says and what goes wrong stands under the cell. Running the cell again, or taking
it away, ends the code and closes its sockets.

A loop that never ends: Chrome, Edge and their kin give the frame a process of its own, so the
notebook goes on, and the cell offers to stop it. In a browser that does not, the whole page stops
answering, until the browser itself asks whether to end the script.
"""

from __future__ import annotations

from html import escape
from typing import Any

import anywidget
import traitlets
from IPython.core.error import UsageError

from ..live.assets import asset, script, style
from ..live.saved import Saved


class BrowserCell(Saved, anywidget.AnyWidget):
    """What a `%%browser` cell shows. `code` is JavaScript, or HTML if it begins with `<`."""

    _esm = script("panels/browser_cells.js")
    _css = style("panels/browser_cells.css")
    _code = traitlets.Unicode().tag(sync=True)
    _url = traitlets.Unicode().tag(sync=True)
    _frame = traitlets.Unicode().tag(sync=True)

    def __init__(self, code: str, url: str) -> None:
        first = asset("panels/browser_frame.js")
        super().__init__(_code=code, _url=url, _frame=first)

    def static(self) -> dict[str, str]:
        text = "JavaScript in the reader's page; it runs where a kernel does: run this cell again."
        html = f'<p data-wslab="browser-cell"><small>{escape(text)}</small></p>'
        return {"text/plain": text, "text/html": html}


def register_browser_cells(shell: Any) -> None:
    """Teach `%%browser` to an IPython shell. Doing it twice changes nothing."""
    if "browser" not in shell.magics_manager.magics["cell"]:
        shell.register_magic_function(_Magic(shell), "cell", "browser")


class _Magic:
    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._shown: dict[str, BrowserCell] = {}  # by the id of the notebook's cell

    def __call__(self, line: str, cell: str) -> BrowserCell:
        """%%browser [SERVER]: run the cell's JavaScript, or HTML, in the page of this notebook.

        SERVER is a Python expression for a lab, a server, a tap or a URL; `lab` if left out. The
        code finds its address in `url`. A loop without an end may freeze the page in some browsers:
        save first, and wait with events, not with `while`.
        """
        url = self._address(line.strip())
        here = self._cell_id()
        if here in self._shown:
            self._shown.pop(here).close()
        shown = BrowserCell(cell, url)
        if here is not None:
            self._shown[here] = shown
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
