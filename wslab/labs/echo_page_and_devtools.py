"""The lesson on the echo page, DevTools and today's browsers: a page, and what watches it."""

from __future__ import annotations

from wslab.exercises.echo_page_and_devtools import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.view.experiments import ResultTable


class EchoPageAndDevtools(Lesson):
    """The lab of the lesson on the echo page."""

    questions = QUESTIONS

    def measure(self, *messages: str) -> ResultTable:
        """Send each message, and tell how long it is: in characters, and on the wire."""
        rows = []
        with self.connect(name="measure") as client:
            for message in messages:
                client.send(message)
                client.recv()
                sent = self.find("text", "client")
                rows.append([message, f"{len(message)}", f"{len(sent.data)}"])
        return ResultTable(["message", "characters", "bytes on the wire"], rows)


open = EchoPageAndDevtools  # again: it replaces the one before
