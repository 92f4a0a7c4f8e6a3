"""The in production lesson: what a message costs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from wslab.exercises.in_production import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.labs.recorded_result import recorded_where_missing
from wslab.net.http2 import Http2Client, Stage, Who, frames
from wslab.view.experiments import Cell, Link, ResultTable
from wslab.wire.protocol import parse_head


class InProduction(Lesson):
    """The lab of the lesson on production."""

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

    # --- The same socket over HTTP/2

    @cached_property
    def _stage(self) -> Stage:
        self._check_open()
        return self._resources.enter_context(Stage(self._name("http2")))

    @recorded_where_missing
    def http2(self, who: Who = "Python") -> ResultTable:
        """Open a WebSocket over HTTP/2, say "Hello", and close: the HTTP/2 frames that crossed."""
        return ResultTable(
            ["from", "head, in its 4 parts", "type", "flags", "stream", "what it says", "section"],
            [
                [
                    one.direction, one.parts, one.type, " ".join(one.flags),
                    f"{one.stream}", one.says, Link(one.rfc, one.rfc),
                ]
                for one in self._stage.over_http2(who).frames
            ],
            "http2-frames",
        )  # fmt: skip

    @recorded_where_missing
    def same_frames(self, who: Who = "Python") -> ResultTable:
        """The same conversation over HTTP/1.1 and over HTTP/2, compared field by field."""
        one, two = self._stage.over_http1(who), self._stage.over_http2(who)
        request, response = (parse_head(unit.data) for unit in one.units[:2])
        asked, answered = (dict(f.fields) for f in two.frames if f.type == "HEADERS")
        connect = f"{asked[':method']} {asked[':path']}, :protocol {asked[':protocol']}"
        rows: list[list[Cell]] = [
            ["request", request.first_line, connect],
            _field("Sec-WebSocket-Key", request.get("Sec-WebSocket-Key"), asked),
            ["answer", response.first_line, f":status {answered[':status']}"],
            _field("Sec-WebSocket-Accept", response.get("Sec-WebSocket-Accept"), answered),
        ]
        for side in ("client", "server"):
            old, new = (
                next(unit for unit in talk.units if (unit.direction, unit.kind) == (side, "text"))
                for talk in (one, two)
            )
            rows.append([f"the {side}'s text", old.data.hex(" "), new.data.hex(" ")])
            for left, right in zip(old.fields, new.fields, strict=True):
                rows.append([f"· {left.name}", str(left.value), str(right.value)])
        ends = [frame for frame in two.frames if "END_STREAM" in frame.flags]
        rows.append(["the end", "TCP's FIN", f"END_STREAM in a {ends[0].type} frame"])
        verdicts: list[list[Cell]] = [
            [*row, "the same" if row[1] == row[2] else "differs"] for row in rows
        ]
        return ResultTable(["", "over HTTP/1.1", "over HTTP/2", ""], verdicts, "same-frames")

    @recorded_where_missing
    def streams(self) -> ResultTable:
        """Two sockets and a request in one TCP connection: the frames, in the order they came."""
        with Http2Client(self._stage.relay.port) as client:
            one, two = client.open(), client.open()
            client.send(one, "from the first")
            page = client.get()
            client.send(two, "from the second")
            client.wait(lambda: bool(client.data[one] and client.data[two]))
        what = {one: "the first socket", page: "the page", two: "the second socket"}
        return ResultTable(
            ["from", "stream", "whose", "type", "bytes", "what it says"],
            [
                [
                    frame.direction, f"{frame.stream}", what[frame.stream], frame.type,
                    f"{9 + int.from_bytes(frame.head[:3], 'big')}", frame.says,
                ]
                for frame in frames(self._stage.relay.crossed[-1]) if frame.stream
            ],
            "http2-streams",
        )  # fmt: skip

    @recorded_where_missing
    def unread(self) -> ResultTable:
        """Read nothing of one socket's echo, and ask another one in the same connection."""
        with Http2Client(self._stage.relay.port) as client:
            first, second = client.open(), client.open()
            client.reads = False
            for _ in range(5):
                client.send(first, "x" * 16_000)
            client.wait_in_vain(lambda: False)  # until no more comes
            client.send(second, "Is anybody there?")
            client.wait_in_vain(lambda: bool(client.data[second]))
            came, answer = len(client.data[first]), len(client.data[second])
            client.read_on()
            client.wait(lambda: len(client.data[first]) > 80_000 and bool(client.data[second]))
            return ResultTable(
                ["bytes that came in", "while nothing is read", "after WINDOW_UPDATE"],
                [
                    ["the first socket", f"{came:,}", f"{len(client.data[first]):,}"],
                    ["the second socket", f"{answer:,}", f"{len(client.data[second]):,}"],
                ],
                "http2-windows",
            )


def _field(name: str, value: str | None, fields: Mapping[str, str]) -> list[Cell]:
    """A header field over HTTP/1.1, and the same over HTTP/2."""
    return [name, value or "none", fields.get(name.lower(), "none")]


open = InProduction  # again: it replaces the one before
