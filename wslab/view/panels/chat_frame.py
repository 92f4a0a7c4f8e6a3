"""Shows a page of the chat server in a frame of the notebook, with a link to open it in a tab."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import anywidget
import traitlets

from ..live.assets import script, style
from ..live.saved import Saved


class ChatFrame(Saved, anywidget.AnyWidget):
    """A frame with the page at `path` of the server on `port` of the kernel's machine.

    A browser on that machine loads the page directly, any other through jupyter-server-proxy.
    Through the proxy the page has the notebook's own origin: `on_origin` is called with it, so that
    the server can allow it.
    """

    _esm = script("panels/chat_frame.js")
    _css = style("panels/chat_frame.css")
    _port = traitlets.Int().tag(sync=True)
    _path = traitlets.Unicode().tag(sync=True)
    _sandbox = traitlets.Bool().tag(sync=True)
    _height = traitlets.Int().tag(sync=True)
    origin = traitlets.Unicode().tag(sync=True)
    """The notebook's own origin if the frame goes through the proxy, else empty."""
    _admitted = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        port: int,
        path: str = "/",
        *,
        sandbox: bool = False,
        height: int = 320,
        on_origin: Callable[[str], None] = lambda origin: None,
        **traits: Any,
    ) -> None:
        self.url = f"http://127.0.0.1:{port}{path}"
        super().__init__(_port=port, _path=path, _sandbox=sandbox, _height=height, **traits)
        self._on_origin = on_origin
        self.observe(self._admit, "origin")

    def _admit(self, change: Any) -> None:
        self._on_origin(change["new"])
        self._admitted = change["new"]

    def static(self) -> dict[str, str]:
        url = escape(self.url)
        link = f'<p data-wslab="chat-frame"><a href="{url}" target="_blank">{url}</a></p>'
        return {"text/plain": self.url, "text/html": link}
