"""The lesson on the echo page, DevTools and today's browsers: a page, and what watches it."""

from __future__ import annotations

from IPython.display import Code

from wslab.exercises.echo_page_and_devtools import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import EchoPageServer
from wslab.view import PageFrame, SupportTable


class EchoPageAndDevtools(Lesson):
    """The lab of the lesson on the echo page, which teaches `%%browser` to the notebook."""

    questions = QUESTIONS
    server: EchoPageServer

    def _make_server(self) -> EchoPageServer:
        return EchoPageServer(self._name("echo"))

    def _set_up(self) -> None:
        self._teach_browser_cells()

    # --- The page

    @property
    def page_url(self) -> str:
        """The echo page, through the tap: for as many tabs as you like."""
        return f"http://{self.host}:{self.port}/"

    def page(self) -> PageFrame:
        """The echo page in a frame, with a link to a tab of its own."""
        frame = PageFrame(self.port, title="the echo page", height=280)
        self._resources.callback(frame.close)
        return frame

    def page_code(self) -> Code:
        """The page's JavaScript, as the server serves it."""
        return Code(self.server.script, language="javascript")

    # --- Which browser can what

    def support(self) -> SupportTable:
        """MDN's table of browsers, beside what this browser answers."""
        return SupportTable(self.url)

    # --- What the server does unasked

    def say(self, *parts: str) -> None:
        """Send a message to everybody who is connected, each part in a frame of its own."""
        self._told(self.server.say(*parts))

    def ping(self) -> None:
        """Send a ping to everybody who is connected."""
        self._told(self.server.ping())

    def greet(self, greeting: str) -> None:
        """From now on the server says this first, to everybody who connects."""
        self.server.greeting = greeting

    def dismiss(self, code: int, reason: str = "") -> None:
        """Close every connection, with this code and reason."""
        self._told(self.server.dismiss(code, reason))

    def _told(self, count: int) -> None:
        print(f"to {count} connection{'s' * (count != 1)}")


open = EchoPageAndDevtools  # again: it replaces the one before
