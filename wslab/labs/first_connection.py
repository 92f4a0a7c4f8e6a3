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

    def wait_for_page(self, *, still_open: bool = False, timeout: float = 2.0) -> bool:
        """Wait until a `%%browser` cell has connected: it runs in the page, in its own time.

        `still_open`: until one of those connections is open. Returns whether it came to that.
        """

        def has_come() -> bool:
            pages = [number for number, origin in self._origins().items() if origin is not None]
            states = [self.capture.index.state(number) for number in pages]
            return "OPEN" in states if still_open else bool(states)

        return self.capture.wait_until(has_come, timeout)

    def _origins(self) -> dict[int, str | None]:
        """The Origin in each connection's request; None where there is none."""
        index = self.capture.index
        requests = [index.unit(row.number) for row in index.rows() if row.kind == "request"]
        return {
            unit.connection: next(
                (str(field.value) for field in unit.fields if field.name.lower() == "origin"), None
            )
            for unit in requests
        }


open = FirstConnection  # again: it replaces the one before
