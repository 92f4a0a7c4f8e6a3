"""Parts 10 and 11 of the lesson on production: the socket over HTTP/2, and WebTransport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, TypeVar

from wslab.labs.lesson import Lesson
from wslab.labs.recorded_result import recorded_where_missing
from wslab.net import Missing, webtransport
from wslab.net.http2 import Http2Client, Stage, Who, frames
from wslab.view import PageFrame
from wslab.view.experiments import Cell, Link, ResultTable
from wslab.wire.protocol import parse_head

S = TypeVar("S", bound=AbstractContextManager[Any])


class OtherTransports(Lesson):
    """The same conversation carried by something else than HTTP/1.1's TCP connection."""

    @cached_property
    def _stages(self) -> dict[str, Any]:
        return {}

    # --- The same socket over HTTP/2

    @property
    def _stage(self) -> Stage:
        return self._kept("http2", Stage)

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
        protocols: list[list[Cell]] = [["nextHopProtocol", one.protocol, two.protocol]]
        rows: list[list[Cell]] = [
            *(protocols if one.protocol else []),
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

    # --- WebTransport

    @property
    def _transport(self) -> webtransport.Stage:
        return self._kept("webtransport", webtransport.Stage)

    def _kept(self, name: str, make: Callable[[str], S]) -> S:
        """A stage that starts when it is needed first, and ends with the lab."""
        self._check_open()
        if name not in self._stages:
            self._stages[name] = self._resources.enter_context(make(self._name(name)))
        return self._stages[name]

    @recorded_where_missing
    def webtransport(self, who: Who = "Python") -> ResultTable:
        """Open a session, send on a stream and in datagrams: the UDP packets that crossed."""
        said, packets = self._transport.visit() if who == "Chromium" else self._transport.talk()
        rows: list[list[Cell]] = []
        for form in dict.fromkeys(packet.form for packet in packets):
            of_form = [packet for packet in packets if packet.form == form]
            counts = []
            for side in ("client", "server"):
                sizes = [len(packet.data) for packet in of_form if packet.direction == side]
                counts.append(f"{len(sizes)} with {sum(sizes):,} bytes" if sizes else "none")
            rows.append([form, *counts])
        rows += [["what came back", line, ""] for line in said]
        return ResultTable(
            ["UDP packets that begin with", "of the client", "of the server"], rows, "udp-packets"
        )

    def transport_page(self) -> PageFrame | ResultTable:
        """The page that does the same in your browser; where there is none, what it needs."""
        try:
            port = self._transport.page.port
        except Missing as why:
            return ResultTable(["There is no page here"], [[str(why)]])
        frame = PageFrame(port, title="the WebTransport page", height=220)
        self._resources.callback(frame.close)
        return frame

    @recorded_where_missing
    def losses(self, loss: float = 0.2) -> ResultTable:
        """Send 40 messages in each of three ways, while `loss` of the client's packets are lost."""
        rows: list[list[Cell]] = []
        for way in webtransport.WAYS:
            sent = self._transport.send(way, 40, loss=loss)
            order = "yes" if sent.came == sorted(sent.came) else "no"
            slowest = f"{1000 * max(sent.waits):.0f} ms"
            rows.append([
                way, f"{sent.lost_packets}", f"{len(sent.came)} of 40", order, f"{sent.held_up}",
                slowest,
            ])  # fmt: skip
        return ResultTable(
            [
                "sent on", "packets lost", "messages that came", "in order",
                "held up by another's loss", "slowest",
            ],
            rows,
            "losses",
        )  # fmt: skip


def _field(name: str, value: str | None, fields: Mapping[str, str]) -> list[Cell]:
    """A header field over HTTP/1.1, and the same over HTTP/2."""
    return [name, value or "none", fields.get(name.lower(), "none")]
