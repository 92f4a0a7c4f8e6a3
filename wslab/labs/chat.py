"""The chat lesson: a chat room, the panels and pages to join it, and guests of every kind."""

from __future__ import annotations

import inspect
import json
import random
import textwrap
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets
import regex
from IPython.display import Code
from websockets.asyncio.server import Server as LibraryServer

from wslab.exercises.chat import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import ChatServer, Client, ConnectFailed, Tap
from wslab.net.cases import OFFENDERS, meet
from wslab.net.servers import HostedServer
from wslab.net.trials import (
    WAYS,
    CutResult,
    CutServer,
    Leaving,
    measure_fan_out,
    measure_leaving,
    send_through,
)
from wslab.view import ChatPanel, PageFrame, WireView
from wslab.view.experiments import Bar, Cell, ResultTable
from wslab.wire import Capture

LIMIT = 50

_LEAD = "See you all tomorrow, at nine o'clock, in the caf"  # 49 characters
LIMIT_MESSAGES = {
    "plain letters": f"{_LEAD}es and bars",
    "é, one character": f"{_LEAD}é and so on",
    "é, an e and an accent": f"{_LEAD}e\u0301 and so on",
    "a family": f"{_LEAD}👨\u200d👩\u200d👧 and so on",
    "a flag": f"{_LEAD}🇩🇪 and so on",
}
"""Messages with something special at the fiftieth character."""

PING = 0.4
"""Seconds between the pings of the room with keepalive, and seconds to wait for each pong."""


class Seats(widgets.GridBox):
    """Chat panels side by side, with a text for saved notebooks, which draw no widgets."""

    def __init__(self, names: Sequence[str], seats: Sequence[ChatPanel]) -> None:
        self._text = f"<seats in the room: {', '.join(names)}>"
        columns = "repeat(auto-fit, minmax(min(17em, 100%), 1fr))"
        layout = widgets.Layout(grid_template_columns=columns, grid_gap="10px", width="100%")
        super().__init__(seats, layout=layout)

    def __repr__(self) -> str:
        return self._text


class Chat(Lesson):
    """The lab of the chat lesson."""

    questions = QUESTIONS
    server: ChatServer

    def _make_server(self) -> ChatServer:
        return ChatServer(self._name("chat"))

    # --- Places in the room

    @property
    def page_url(self) -> str:
        """The chat's page, through the tap: for as many tabs as you like."""
        return f"http://127.0.0.1:{self.port}/"

    def people(self, *names: str, url: str | None = None) -> Seats:
        """A seat in the room for each name, side by side; they have joined when this returns.

        `url` is that of another server. Again with the same names replaces those seats.
        """
        return Seats(names, [self.seat(name, url) for name in names])

    def seat(self, name: str, url: str | None = None) -> ChatPanel:
        """One seat, joined. The same name in the same room again replaces the seat before.

        Raises LookupError if nobody listens at `url`, as when the lab was opened again meanwhile.
        """
        key = name if url is None else f"{name} (yours)"
        panel = self._show(ChatPanel(self._client(key, wire_name=name), url or self.url, name), key)
        try:
            panel.join()
        except ConnectFailed as error:
            if url is None:
                raise
            raise LookupError(
                f"nobody listens at {url}: run the cell that starts your server, "
                "then run this cell again"
            ) from error
        return panel

    def join(self, name: str) -> Client:
        """A client for code, in the room as `name`."""
        client = self._client(f"{name} (code)", wire_name=name)
        return client.connect(f"{self.url}?name={quote(name)}")

    def page(self, name: str) -> PageFrame:
        """The chat's page in a frame, joined as `name`."""
        return self._frame(f"/?name={quote(name)}", sandbox=False)

    def unsafe_page(self, name: str) -> PageFrame:
        """A page with a mistake in it, in a sandbox, joined as `name`."""
        return self._frame(f"/unsafe?name={quote(name)}", sandbox=True)

    def _frame(self, path: str, *, sandbox: bool) -> PageFrame:
        frame = PageFrame(
            self.port,
            path,
            title="the chat's page",
            sandbox=sandbox,
            socket=self.server.path,
            on_origin=self.server.allowed_origins.add,
        )
        self._resources.callback(frame.close)
        return frame

    # --- A server of the learner's own

    def serve(self, start: Callable[[], Awaitable[LibraryServer]]) -> Tap:
        """Run the learner's own server; its address, through the tap, is the result's `url`."""
        # An earlier one stops, because it has the same name.
        return self._add_server(HostedServer(start, self._name("yours")), "yours")

    # --- Experiments

    def code_of(self, thing: Any) -> Code:
        """Show the code of a class or function, as it runs here."""
        return Code(textwrap.dedent(inspect.getsource(thing)), language="python")

    def try_limits(self, *cuts: Callable[[str], str | bytes]) -> ResultTable:
        """Send messages through a server that shortens them with each of `cuts`, and through one
        that takes no more than 50 bytes (`max_size=50`): what arrives?

        Raises what a cut raises, and TypeError if it returns neither text nor bytes.
        """
        messages = list(LIMIT_MESSAGES.values())
        for cut in cuts:
            for message in messages:  # a server would report the error far from its cause
                if not isinstance(short := cut(message), str | bytes):
                    raise TypeError(
                        f"expected text or bytes from {cut.__name__}({message!r}), got {short!r}"
                    )
        columns = [self._through(cut, messages, None) for cut in cuts]
        columns.append(self._through(lambda text: text, messages, LIMIT))
        rows: list[list[Cell]] = [
            [name, *(_told(column[number]) for column in columns)]
            for number, name in enumerate(LIMIT_MESSAGES)
        ]
        return ResultTable(["at 50", *(cut.__name__ for cut in cuts), f"max_size={LIMIT}"], rows)

    def _through(
        self, cut: Callable[[str], str | bytes], messages: list[str], max_size: int | None
    ) -> list[CutResult]:
        server = CutServer(cut, self._name("cut"), max_size=max_size)
        with self._with_server(server, "cut") as url:
            return send_through(url, messages)

    def slow_client(self) -> ResultTable:
        """Ten that read and one that reads nothing, on each of four ways to reach everybody."""
        rows: list[list[Cell]] = []
        for way in WAYS:
            result = measure_fan_out(way)
            rows.append(
                [
                    way,
                    Bar(result.delivered, f"{result.delivered:.0%}"),
                    f"{result.median * 1000:.1f} ms, at worst {result.worst * 1000:.0f} ms",
                    f"{result.waiting / 1000:,.0f} kB",
                    result.slow_one,
                ]
            )
        headings = [
            "the server's way",
            "the others got",
            "delay",
            "waiting in memory",
            "the stuck one",
        ]
        return ResultTable(headings, rows)

    def hostile_guests(self) -> ResultTable:
        """Let guests come who break the rules; meanwhile two of its own talk, Ada and Grace."""
        # Unusual names, so that they never replace somebody whom the learner has let in.
        ada, grace = self.join("Ada (guests)"), self.join("Grace (guests)")
        rows: list[list[Cell]] = []
        for offender in OFFENDERS.values():
            code, reason = meet(offender.name, self.url)
            said = f"still here after that one? {offender.what}"
            began = time.perf_counter()
            ada.send(said)
            while json.loads(grace.recv()).get("text") != said:
                pass
            took = time.perf_counter() - began
            rows.append([offender.what, f"{code}: {reason}", f"{took * 1000:.1f} ms"])
        ada.close()
        grace.close()
        return ResultTable(["a guest who", "is told", "Ada to Grace, right after"], rows)

    def vanish(self) -> ResultTable:
        """Linus leaves in four ways. When does the room notice, and what is it told?"""
        ways: list[tuple[str, Leaving, float | None]] = [
            ("says goodbye: a close frame", "close frame", None),
            ("his program is killed: TCP ends, no close frame", "TCP ends", None),
            ("his cable is pulled: nothing comes", "nothing", None),
            (f"the same, but the server pings every {PING} s", "nothing", PING),
        ]
        rows: list[list[Cell]] = []
        for what, how, ping in ways:
            room = ChatServer("chat: vanish", ping_interval=ping)
            room.ping_timeout, room.close_timeout = ping, 0.2
            with self._with_server(room, "vanish") as url:
                watcher = self._client("watcher").connect(url)
                took, why = measure_leaving(url, watcher, how)
                watcher.stop()
            noticed = "not noticed" if took is None else f"{took * 1000:,.0f} ms"
            rows.append([what, noticed, why])
        return ResultTable(["Linus …", "noticed after", "the room is told"], rows)

    def mystery(self) -> WireView:
        """Three guests in a room of their own; one does what is not done. Its wire tells which."""
        capture = Capture()
        offender = random.choice([o for o in OFFENDERS.values() if o.name.isalpha()][:3])
        with (
            ChatServer("chat: mystery") as room,
            Tap(room.url, capture, name="chat: mystery") as tap,
        ):
            visits: list[Callable[[], object]] = [
                lambda: self._polite_visit(tap.url, "Ada"),
                lambda: self._polite_visit(tap.url, "Grace"),
                lambda: meet(offender.name, tap.url),
            ]
            random.shuffle(visits)
            for visit in visits:
                visit()
        for number in capture.labels():
            capture.set_name(number, "guest")  # who it is would tell the answer
        return self._show(WireView(capture, server_label="server · mystery", remarks=False))

    def _polite_visit(self, url: str, name: str) -> None:
        client = Client(f"{url}?name={name}", name=f"chat visit of {name}").connect()
        client.send(random.choice(["Hello!", "Good morning", "Anybody here?"]))
        client.close()


def _told(result: CutResult) -> str:
    if result.arrived is None:
        code = next((word for word in ("1007", "1009") if word in result.ending), "?")
        whom = "the receiver" if code == "1007" else "the server"
        return f"nothing: {whom} closed with {code}"
    shown = "".join(regex.findall(r"\X", result.arrived)[-8:])
    return f"…{shown} ({len(result.arrived.encode())} bytes)"


open = Chat  # again: it replaces the one before
