"""The views: the wire view, panels, the state diagram, and HTML for saved notebooks.

    from wslab.view import WireView, ClientPanel, render

Galleries, questions and charts are in `wslab.view.experiments`. Nothing heavy is imported until one
of these names is used: importing `ipywidgets` takes longer than all the rest of `wslab`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .live.live_view import LiveView
    from .live.static_html import render
    from .panels.browser_cells import cell_name, register_browser_cells
    from .panels.browser_socket import BrowserSocket, Route
    from .panels.chat_panel import ChatPanel
    from .panels.client_panel import ClientPanel
    from .panels.doctor_view import DoctorView
    from .panels.page_frame import PageFrame
    from .panels.program_view import ProgramView
    from .panels.support_table import SupportTable
    from .wire.account import Account
    from .wire.layers_view import LayersView
    from .wire.replay import Replay
    from .wire.state_diagram import StateDiagram
    from .wire.wire_view import WireView

__all__ = [
    "Account",
    "BrowserSocket",
    "ChatPanel",
    "ClientPanel",
    "DoctorView",
    "LayersView",
    "LiveView",
    "PageFrame",
    "ProgramView",
    "Replay",
    "Route",
    "StateDiagram",
    "SupportTable",
    "WireView",
    "cell_name",
    "register_browser_cells",
    "render",
]

_HOMES = {
    "Account": "wire.account",
    "BrowserSocket": "panels.browser_socket",
    "PageFrame": "panels.page_frame",
    "ChatPanel": "panels.chat_panel",
    "ClientPanel": "panels.client_panel",
    "DoctorView": "panels.doctor_view",
    "LayersView": "wire.layers_view",
    "LiveView": "live.live_view",
    "ProgramView": "panels.program_view",
    "Replay": "wire.replay",
    "Route": "panels.browser_socket",
    "SocketEvent": "panels.browser_socket",
    "StateDiagram": "wire.state_diagram",
    "SupportTable": "panels.support_table",
    "WireView": "wire.wire_view",
    "cell_name": "panels.browser_cells",
    "register_browser_cells": "panels.browser_cells",
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
