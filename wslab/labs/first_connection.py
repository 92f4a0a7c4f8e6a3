"""The first connection lesson: an echo server, with the browser and Python as its clients."""

from __future__ import annotations

from wslab.exercises.first_connection import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import EchoServer

SUBPROTOCOL = "echo.example"
"""The only subprotocol that the server supports."""


class FirstConnection(Lesson):
    """The lab of the first connection, which teaches `%%browser` to the notebook."""

    questions = QUESTIONS

    def _make_server(self) -> EchoServer:
        return EchoServer(self._name("echo"), subprotocols=[SUBPROTOCOL])

    def _set_up(self) -> None:
        self._teach_browser_cells()


open = FirstConnection  # again: it replaces the one before
