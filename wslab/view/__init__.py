"""What people see: the wire view, the client panel, and a static account for saved notebooks.

    from wslab.view import WireView, ClientPanel, render

Nothing heavy is imported until one of these names is asked for: `ipywidgets` alone costs more than
all the rest of `wslab`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .live.static_html import render
    from .panels.client_panel import ClientPanel
    from .wire.wire_view import WireView

__all__ = ["ClientPanel", "WireView", "render"]

_HOMES = {
    "ClientPanel": "panels.client_panel",
    "WireView": "wire.wire_view",
    "render": "live.static_html",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
