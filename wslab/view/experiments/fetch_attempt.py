"""A button with which the page tries to open a WebSocket with `fetch`, and cannot."""

from __future__ import annotations

from html import escape
from typing import Any

import anywidget
import traitlets

from ..live.assets import script, style


class FetchAttempt(anywidget.AnyWidget):
    """Runs `fetch(url, {headers: {Upgrade: "websocket", ...}})` in the page, for real.

    `asked` and `result` tell, once the button was pressed, what the script asked for and what the
    page got. What the browser really sent is on the wire view.
    """

    _esm = script("experiments/fetch_attempt.js")
    _css = style("experiments/fetch_attempt.css")
    _url = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Unicode().tag(sync=True)
    result = traitlets.Unicode().tag(sync=True)

    def __init__(self, url: str) -> None:
        super().__init__(_url=url.replace("ws://", "http://", 1))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        text = f"A button that lets the page try fetch on {self._url}"
        return {**data, "text/plain": text, "text/html": f"<p>{escape(text)}.</p>"}, metadata
