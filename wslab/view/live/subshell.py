"""Have messages from a page handled while a cell runs: on the subshell they were sent to."""

from __future__ import annotations

from typing import Any


def handle_on_subshell(*widgets: Any) -> None:
    """Handle these widgets' messages while a cell runs.

    JupyterLab sends them to a subshell of the kernel. ipykernel 7.4 notes on a comm which shell
    sent on it last, and hands a page's answers to that one. What a cell or a thread of ours sends
    counts as the main shell's, and then every click would wait for the running cell. A comm
    without that note is left as it is.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = _where_it_was_sent


def _where_it_was_sent(_data: Any, subshell: str | None) -> str | None:
    return subshell
