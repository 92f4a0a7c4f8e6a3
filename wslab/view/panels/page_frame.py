"""Shows a page of a server in a frame of the notebook, with a link to open it in a tab."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import anywidget
import traitlets

from ..live.assets import script, style
from ..live.saved import Saved


class PageFrame(Saved, anywidget.AnyWidget):
    """A frame with the page at `path` of the server on `port` of the kernel's machine.

    A browser on that machine loads the page directly, any other through jupyter-server-proxy.
    Through the proxy the page has the notebook's own origin: `on_origin` is called with it, so that
    the server can allow it. `title` is the frame's name for a screen reader. There a page in a
    `sandbox` gets its socket from the notebook's page, which opens it at the path `socket`.
    `same_host`: where the notebook is at localhost the page is too, and not at 127.0.0.1, which is
    another site: a browser may keep no cookie for a frame of another site.
    """

    _esm = script("panels/page_frame.js")
    _css = style("panels/page_frame.css")
    _port = traitlets.Int().tag(sync=True)
    _path = traitlets.Unicode().tag(sync=True)
    _sandbox = traitlets.Bool().tag(sync=True)
    _socket = traitlets.Unicode().tag(sync=True)
    _same_host = traitlets.Bool().tag(sync=True)
    _title = traitlets.Unicode().tag(sync=True)
    _height = traitlets.Int().tag(sync=True)
    origin = traitlets.Unicode().tag(sync=True)
    """The notebook's own origin if the frame goes through the proxy, else empty."""
    _admitted = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        port: int,
        path: str = "/",
        *,
        title: str = "a page of the server",
        sandbox: bool = False,
        same_host: bool = False,
        socket: str = "/",
        height: int = 320,
        on_origin: Callable[[str], None] = lambda origin: None,
        **traits: Any,
    ) -> None:
        self.url = f"http://127.0.0.1:{port}{path}"
        told: dict[str, Any] = {"_same_host": same_host}
        told |= {"_port": port, "_path": path, "_title": title, "_height": height}
        super().__init__(_sandbox=sandbox, _socket=socket, **told, **traits)
        self._on_origin = on_origin
        self.observe(self._admit, "origin")

    def _admit(self, change: Any) -> None:
        self._on_origin(change["new"])
        self._admitted = change["new"]

    def static(self) -> dict[str, str]:
        url = escape(self.url)
        link = f'<p data-wslab="page-frame"><a href="{url}" target="_blank">{url}</a></p>'
        return {"text/plain": self.url, "text/html": link}
