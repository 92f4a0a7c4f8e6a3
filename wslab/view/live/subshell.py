"""Handles messages from a page while a cell runs, on the subshell to which they were sent."""

from __future__ import annotations

from typing import Any


def handle_on_subshell(*widgets: Any) -> None:
    """Handle these widgets' messages while a cell runs.

    JupyterLab sends them to a subshell of the kernel. But ipykernel 7.4 notes for each comm which
    shell sent on it last, and gives that shell the page's messages. Messages from our cells and
    threads count as the main shell's, so every click would wait for the running cell. A comm
    without such a note is left alone.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = _where_it_was_sent


def _where_it_was_sent(_data: Any, subshell: str | None) -> str | None:
    return subshell
