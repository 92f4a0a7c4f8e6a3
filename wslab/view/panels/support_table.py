"""Shows which browser can what, by MDN's table, beside what the reader's own browser answers."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import anywidget
import traitlets

from ..live.assets import asset, script, style
from ..live.saved import Saved


class SupportTable(Saved, anywidget.AnyWidget):
    """MDN's browser-compat-data for WebSocket and its relatives, and the page's own answers.

    `url`: a WebSocket server for the page's questions that need a connection. The data is an
    extract, made by `tools/browser_support.py`; `data` has it, with its version and date.
    """

    _esm = script("panels/support_table.js")
    _css = style("panels/support_table.css")
    _data = traitlets.Dict().tag(sync=True)
    _url = traitlets.Unicode().tag(sync=True)

    def __init__(self, url: str) -> None:
        super().__init__(_url=url, _data=json.loads(asset("panels/browser_support.json")))

    @property
    def data(self) -> dict[str, Any]:
        """`version`, `date`, `browsers` (a name by its key) and `features`: each a dict with `key`,
        `name`, and `support` by the key of the browser."""
        return self._data

    def static(self) -> dict[str, str]:
        """The table by MIME type, without a browser's own answers."""
        browsers, features = self.data["browsers"], self.data["features"]
        told = f"{self.data['source']} {self.data['version']}, {self.data['date']}"
        rows = [
            [one["name"], *(_told(one["support"][browser]) for browser in browsers)]
            for one in features
        ]
        plain = [" | ".join(row) for row in (["from version", *browsers.values()], *rows)]
        head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in browsers.values())
        body = "".join(
            f"<tr><th scope='row'>{escape(name)}</th>"
            + "".join(f"<td>{escape(text)}</td>" for text in texts)
            + "</tr>"
            for name, *texts in rows
        )
        html = (
            f"<table data-wslab='support-static'><caption>{escape(told)}</caption>"
            f"<thead><tr><td>from version</td>{head}</tr></thead><tbody>{body}</tbody></table>"
            "<p><small>What your own browser answers: run this cell in JupyterLab.</small></p>"
        )
        return {"text/plain": "\n".join([told, *plain]), "text/html": html}


def _told(support: dict[str, Any]) -> str:
    """A statement in a word or two, as `told` in static/support.js says it."""
    if not support["added"]:
        return "no"
    if "removed" in support:
        return f"{support['added']} to {support['removed']}"
    but = " (flag)" if "flag" in support else " (partly)" if "partial" in support else ""
    return f"{support['added']}{but}"
