"""The lesson of the first connection: one echo server, the browser and Python as its clients."""

from __future__ import annotations

from IPython import get_ipython

from wslab.exercises.first_connection import QUESTIONS
from wslab.labs.lesson import Lab
from wslab.net import EchoServer
from wslab.view.panels import browser_cells

SUBPROTOCOL = "echo.example"
"""The one subprotocol that the server speaks."""


class FirstConnectionLab(Lab):
    """The lab of the first connection."""

    def __init__(self) -> None:
        super().__init__(
            "first_connection",
            EchoServer("first connection: echo", subprotocols=[SUBPROTOCOL]),
            QUESTIONS,
        )


def open() -> FirstConnectionLab:
    """Start the lab, which replaces the one before, and teach `%%browser` to this notebook."""
    shell = get_ipython()
    if shell is not None:
        browser_cells.register(shell)
    return FirstConnectionLab()
