"""The secure websockets lesson: what a message costs on the wire."""

from __future__ import annotations

from wslab.exercises.secure_websockets import QUESTIONS
from wslab.labs.on_the_way import OnTheWay
from wslab.view.experiments import ResultTable


class SecureWebsockets(OnTheWay):
    """The lab of the secure websockets lesson."""

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


open = SecureWebsockets  # again: it replaces the one before
