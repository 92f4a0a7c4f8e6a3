"""What people see: the wire view, the client panel, and a static account for saved notebooks.

    from wslab.view import WireView, ClientPanel, render

Nothing heavy is imported until one of these names is asked for: `ipywidgets` alone costs more than
all the rest of `wslab`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client_panel import ClientPanel
    from .static_html import render
    from .wire_view import WireView

__all__ = ["ClientPanel", "WireView", "render"]

_HOMES = {"ClientPanel": "client_panel", "WireView": "wire_view", "render": "static_html"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
