"""Shows the check of the machine: the kernel's results, and those that only a page can find."""

from __future__ import annotations

import threading
from html import escape
from typing import Any

import anywidget
import traitlets

from ..live.assets import script, style
from ..live.saved import Saved

PAGE_CHECKS = ("widgets", "browser")


class DoctorView(Saved, anywidget.AnyWidget):
    """A table of checks; the page makes two of them itself, and again when its button is pressed.

    `checks`: the kernel's results, each a dict with `name`, `result` ("ok", "warn" or "fail"),
    `found` and `remedy`. `url`: a WebSocket echo server for the page to open; "" leaves that out.

    The page's own: **widgets** (messages go page → kernel → page, and how long that takes) and
    **browser** (the page opens a real `new WebSocket(url)`; on a hub or on Binder it cannot, as
    the browser is on another machine than the kernel).
    """

    _esm = script("panels/doctor_view.js")
    _css = style("panels/doctor_view.css")
    _checks = traitlets.List(traitlets.Dict()).tag(sync=True)
    _url = traitlets.Unicode().tag(sync=True)

    def __init__(self, checks: list[dict[str, str]], url: str = "") -> None:
        self.page: dict[str, dict[str, str]] = {}
        """The page's results, by the name of the check; empty until a page has answered."""
        super().__init__(_checks=[dict(check) for check in checks], _url=url)
        self.on_msg(self._page_says)

    def _page_says(self, _widget: Any, content: Any, _buffers: Any) -> None:
        match content:
            case {"do": "ping", "page": str(page), "number": int(number)}:
                # Which thread answers depends on JupyterLab's version and settings: tell the page.
                main = threading.current_thread() is threading.main_thread()
                self.send({"pong": number, "page": page, "main": main})
            case {"do": "found", "name": str(name), "result": str(result), "found": str(found)}:
                if name in PAGE_CHECKS:
                    self.page[name] = {"name": name, "result": result, "found": found}

    def static(self) -> dict[str, str]:
        """The kernel's checks by MIME type, for readers without widgets."""
        lines = [
            (check.get("result", ""), check.get("name", ""), check.get("found", ""), remedy)
            for check in self._checks
            for remedy in [check.get("remedy", "")]
        ]
        plain = "\n".join(
            f"{result:<5} {name}: {found}" + (f"\n      → {remedy}" if remedy else "")
            for result, name, found, remedy in lines
        )
        rows = "".join(
            f"<tr><td>{escape(result)}</td><th scope='row'>{escape(name)}</th><td>{escape(found)}"
            + (f"<br>→ {escape(remedy)}" if remedy else "")
            + "</td></tr>"
            for result, name, found, remedy in lines
        )
        return {"text/plain": plain, "text/html": f"<table><tbody>{rows}</tbody></table>"}
