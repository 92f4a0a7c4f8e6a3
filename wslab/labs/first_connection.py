"""The lesson of the first connection: one echo server, the browser and Python as its clients."""

from __future__ import annotations

from IPython import get_ipython

from wslab.exercises.first_connection import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import EchoServer
from wslab.view import register_browser_cells

SUBPROTOCOL = "echo.example"
"""The one subprotocol that the server speaks."""


class FirstConnection(Lesson):
    """The lab of the first connection, which teaches `%%browser` to the notebook."""

    questions = QUESTIONS

    def _make_server(self) -> EchoServer:
        return EchoServer(self._name("echo"), subprotocols=[SUBPROTOCOL])

    def _set_up(self) -> None:
        shell = get_ipython()
        if shell is not None:
            register_browser_cells(shell)


open = FirstConnection  # again: it replaces the one before
