"""The lesson of the first connection: one echo server, the browser and Python as its clients."""

from __future__ import annotations

from IPython import get_ipython

from wslab.exercises.first_connection import QUESTIONS
from wslab.labs.lab import Lab
from wslab.net import EchoServer
from wslab.view import browser_cells
from wslab.view.browser_socket import BrowserSocket, Route
from wslab.view.question_view import QuestionView

SUBPROTOCOL = "echo.example"
"""The one subprotocol that the server speaks."""


class FirstConnectionLab(Lab):
    """The lab of the first connection."""

    def __init__(self) -> None:
        self._sockets: dict[str, BrowserSocket] = {}
        super().__init__(
            "first_connection",
            EchoServer("first connection: echo", subprotocols=[SUBPROTOCOL]),
        )

    def browser(self, name: str = "browser", *, route: Route = "auto") -> BrowserSocket:
        """The browser's own WebSocket, to click on. The same name again replaces the one before."""
        if name in self._sockets:
            self._sockets.pop(name).stop()
        self._sockets[name] = BrowserSocket(self.url, route=route)
        return self._sockets[name]

    def ask(self, name: str) -> QuestionView:
        """A question to commit to before the reveal; the names are those of `QUESTIONS`."""
        return QuestionView(QUESTIONS[name])

    def close(self) -> None:
        """Stop everything of this lab. May be called twice; the recording stays readable."""
        for socket in self._sockets.values():
            socket.stop()
        self._sockets = {}
        super().close()

    stop = close


def open() -> FirstConnectionLab:
    """Start the lab, which replaces the one before, and teach `%%browser` to this notebook."""
    shell = get_ipython()
    if shell is not None:
        browser_cells.register(shell)
    return FirstConnectionLab()
