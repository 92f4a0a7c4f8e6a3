"""What every lesson's lab has: a server, a tap in front of it, a recording, clients and views."""

from __future__ import annotations

import inspect
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Self, TypeVar
from weakref import WeakSet

from IPython import get_ipython
from IPython.display import Code

from wslab.course import headings
from wslab.exercises.time_limit import TimeIsUp, within
from wslab.net import (
    Client,
    Compression,
    EchoServer,
    Listener,
    NotRunning,
    ProblemLog,
    Server,
    Tap,
    WireDebugger,
    page_opened,
    register,
    unregister,
    watch_ports,
)
from wslab.net.servers import HostedServer
from wslab.view import (
    Account,
    BrowserSocket,
    ClientPanel,
    LiveView,
    Replay,
    Route,
    WireView,
    cell_name,
    register_browser_cells,
)
from wslab.view.experiments import (
    Asked,
    Gallery,
    Predictions,
    PredictionsView,
    Question,
    QuestionView,
)
from wslab.wire import Capture, Direction, Kind, Unit
from wslab.wire.payloads import Decoder

V = TypeVar("V", bound=LiveView)
G = TypeVar("G", bound=Gallery)

_resting: defaultdict[str, WeakSet[LiveView]] = defaultdict(WeakSet)
"""By topic: the views of closed labs, as far as a page or a variable holds them."""


_predicted: defaultdict[str, Predictions] = defaultdict(Predictions)
"""By topic: what the learner predicted, as long as the kernel lives."""


DECODE_TIME = 1.0
"""Seconds that a learner's decoder has for one message."""


def limited(decode: Decoder) -> Decoder:
    """The same decoder with a time limit: even one without an end ends."""

    def decode_in_time(message: str | bytes) -> object:
        try:
            return within(DECODE_TIME, lambda: decode(message))
        except TimeIsUp as late:
            raise TimeoutError(str(late)) from None

    return decode_in_time


class Lesson:
    """A server with the wire tap in front of it, and the views that show them.

    A lesson's own lab is a subclass in `wslab/labs/<topic>.py`. It says what is particular: its
    `questions`, its server (`_make_server`), what else it has from the start on (`_set_up`), and
    methods for the notebook's cells. A view goes out through `_show`, a client comes from
    `_client`, a further server goes to `_add_server` (to stay) or `_with_server` (for a moment),
    what else has to end is told to `_resources`. Then `close` ends it all.

    Opening a lab of the same topic again replaces this one: servers, taps and clients go, and the
    views rest.
    """

    kind = "lab"

    questions: ClassVar[Mapping[str, Question]] = {}
    """The questions by name; `ask(name)` shows one."""

    predicts: ClassVar[Mapping[str, str]] = {}
    """The galleries that ask for predictions: the method that shows one, and what it is about."""

    remarks: ClassVar[bool] = True
    """Whether the wire says how connections ended: not where the learner is to find it out."""

    def __init__(self) -> None:
        # One word links what belongs together: module, notebook, exercises, tests.
        self.topic = type(self).__module__.rpartition(".")[2]
        self.capture = Capture()
        self._clients: dict[str, Client] = {}
        self._views: dict[object, LiveView] = {}  # by kind and name, or by itself
        self._taps: dict[str, Tap] = {}
        self._resources = ExitStack()
        """Closed by `close()`."""
        self.faults = ProblemLog(f"{self.kind}.{self.topic}")
        """Errors that occurred while the lab was being closed."""
        self._closed = False
        self._debugger = WireDebugger(self.capture)
        self._replay = Replay()
        self.server = self._make_server()
        register(self.kind, self.topic, self)  # this stops the previous one
        for view in list(_resting[self.topic]):
            view.replaced()
        try:
            self.server.start()
            self._tap = self.tap_before(self.server.url, self.topic)
            self._set_up()
        except BaseException:
            self.close()
            raise

    # --- What is particular to a lesson

    def _make_server(self) -> Listener:
        """Make the lesson's own server, without starting it; by default an echo server."""
        return EchoServer(self._name("echo"))

    def _set_up(self) -> None:
        """Start whatever else the lesson has; the server and its tap are already running."""

    def _name(self, role: str) -> str:
        """A server's name, which is unique over all labs: "first connection: echo"."""
        return f"{self.topic.replace('_', ' ')}: {role}"

    def _add_server(self, server: Server | HostedServer, tap: str) -> Tap:
        """Start another server, with a tap of that name in front of it; `close` stops both."""
        self._resources.callback(server.stop)
        return self.tap_before(server.start().url, tap)

    @contextmanager
    def _with_server(self, server: Listener, tap: str) -> Iterator[str]:
        """Run another server inside a `with`; yields the address of the tap in front of it."""
        with server:
            before = self.tap_before(server.url, tap)
            try:
                yield before.url
            finally:
                before.stop()

    def _teach_browser_cells(self) -> None:
        """Teach `%%browser` to the notebook, for a lesson that has such cells."""
        if (shell := get_ipython()) is not None:
            register_browser_cells(shell, watch_ports, page_opened)

    # --- Addresses

    @property
    def url(self) -> str:
        """The address for any client: through the tap, so that the wire view shows what it does.

        Raises `NotRunning` when the lab is closed.
        """
        self._check_open()
        return self._tap.url

    @property
    def server_url(self) -> str:
        """The address of the server itself, bypassing the tap."""
        return self.server.url

    @property
    def host(self) -> str:
        """The address of the tap; always this machine's own."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """The port of the tap."""
        return self._tap.port

    @property
    def tap(self) -> Tap:
        """The tap, which is also the wire debugger: hold, step, edit, drop, inject, cut, freeze.

        It controls all taps of this lab.
        """
        return self._tap

    # --- Clients

    def client(self, name: str = "client", *, url: str | None = None) -> ClientPanel:
        """A client with buttons; `url` is that of another server. The same name again replaces the
        earlier panel."""
        client = self._client(name, wire_name="client panel" if name == "client" else name)
        panel = ClientPanel(client, url or self.url, max_message=self.server.max_size or 2**20)
        return self._show(panel, name)

    def browser(self, name: str = "browser", *, route: Route = "auto") -> BrowserSocket:
        """The browser's own WebSocket, with buttons. The same name replaces the earlier one."""
        socket = BrowserSocket(self.url, route=route)
        shown = "browser panel" if name == "browser" else name
        socket.panel.on_opened = lambda made, opened: self._tap.page_opened(
            shown, made, opened, sandboxed=False
        )
        self._show(socket.panel, name)
        return socket

    def connect(
        self,
        url: str | None = None,
        *,
        name: str = "python",
        compression: Compression = None,
        **options: Any,
    ) -> Client:
        """A connected client for code. The same name again closes the earlier connection.

        The wire view shows it under that name; without one, under the cell that is running.
        `compression` is that of `Client`, the other options are those of `Client.connect`:
        subprotocols, origin, headers, open_timeout.
        """
        shell = get_ipython()
        shown = cell_name(shell) if shell is not None and name == "python" else name
        client = self._client(name, wire_name=shown, compression=compression)
        return client.connect(url or self.url, **options)

    def _client(self, name: str, **options: Any) -> Client:
        if name in self._clients:
            self._clients[name].stop()
        options = {"wire_name": name, **options}
        self._clients[name] = Client(self.url, name=f"{self.topic} {name}", **options)
        return self._clients[name]

    def tap_before(self, url: str, name: str) -> Tap:
        """Another tap that records into the same capture, in front of another server."""
        self._check_open()
        if name in self._taps:
            self._taps[name].stop()
        tap = Tap(url, self.capture, name=name, debugger=self._debugger)
        self._taps[name] = tap
        return tap.start()

    # --- Questions

    def ask(self, name: str) -> QuestionView:
        """Show a question to answer before the explanation. Raises KeyError for an unknown name."""
        if name not in self.questions:
            names = ", ".join(self.questions) or "none: this lab has no questions"
            raise KeyError(f"expected one of {names}, got {name!r}")
        return self._show(self._noted(QuestionView(self.questions[name]), name))

    def _noted(self, gallery: G, name: str) -> G:
        """The same gallery; what is predicted in it counts for the question or method `name`."""
        noted = _predicted[self.topic]
        gallery.on_prediction = lambda experiment, said: noted.note(name, experiment, said)
        return gallery

    def predictions(self) -> PredictionsView:
        """Show how many of the learner's answers were right, and what to read again."""
        return self._show(PredictionsView(self._asked(), _predicted[self.topic]), "")

    def _asked(self) -> list[Asked]:
        """What this lesson asks, in the notebook's order, each under its heading there."""
        asked = {f'lab.ask("{name}")': Asked(name, q.prompt) for name, q in self.questions.items()}
        asked |= {f"lab.{name}()": Asked(name, about) for name, about in self.predicts.items()}
        found: dict[str, Asked] = {}
        for text, above in headings(self.topic):
            for call in asked:
                if call in text and call not in found:
                    part, _, below = above.partition("\n")
                    number = part.partition(" · ")[0]
                    short = f"part {number}" if number.isdigit() else part
                    found[call] = asked[call]._replace(
                        heading=below or part, part=f"{short}, “{below}”" if below else short
                    )
        return list((found | {c: one for c, one in asked.items() if c not in found}).values())

    # --- The recording

    def wire(self, *, decode: Decoder | None = None, **options: Any) -> WireView:
        """Show everything that crosses the wire, live.

        `decode` is your own decoder of what is inside a message. It gets the message, a str or
        bytes, and returns a text, or a list of `(name, size in bytes, value, meaning)`; the last
        two may be left out. It has `DECODE_TIME` seconds; what goes wrong in it, the view says.
        """
        if decode is not None:
            options = {"decode": limited(decode), **options}
        role = self.server.name.rpartition(": ")[2]  # names are unique over all labs: "chat: echo"
        label = {"server_label": f"server · {role}"}
        own: dict[str, Any] = {
            "debugger": self._debugger, "replay": self._replay, "remarks": self.remarks,
        }  # fmt: skip
        options = label | own | options
        return self._show(WireView(self.capture, **options))

    def _show(self, view: V, name: str | None = None) -> V:
        """Return a live view, and let it rest when the lab closes (at once if it has).

        It replaces a view of the same kind and `name`; views without a name replace nothing.
        """
        # The name of the class: `anywidget` makes a class of its own for each widget.
        key = view if name is None else (type(view).__name__, name)
        if key in self._views:
            self._views[key].close()
        self._views[key] = view
        if self._closed:
            view.rest()
        return view

    def connection_of(self, client: Client) -> int:
        """A client's connection, by its number on the wire. Raises LookupError if it has none."""
        index, key = self.capture.index, client.key
        for row in reversed(index.rows()):
            if row.kind == "request" and f": {key}\r\n".encode() in index.unit(row.number).data:
                return row.connection
        raise LookupError(
            f"{client} has not connected through this lab's tap: run the cell that connects it; "
            "then run this cell again"
        )

    def wait_for_page(self, *, still_open: bool = False, timeout: float = 2.0) -> bool:
        """Wait until a page has connected: it does so in its own time.

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

    def find(
        self,
        kind: Kind,
        direction: Direction | None = None,
        *,
        of: Client | None = None,
        number: int = -1,
    ) -> Unit:
        """The last unit of that kind (or another by its `number`, as in a list).

        `of` is the client whose connection is looked at; without it, all are. Raises LookupError
        where nothing of the kind has crossed.
        """
        index = self.capture.index
        connection = None if of is None else self.connection_of(of)
        rows = [
            row.number
            for row in index.rows()
            if row.kind == kind
            and direction in (None, row.direction)
            and connection in (None, row.connection)
        ]
        try:
            return index.unit(rows[number])
        except IndexError:
            raise LookupError(
                f"no such {kind} among the {len(rows)} that crossed so far; "
                "connect and send something first, then run this cell again"
            ) from None

    def explain(
        self,
        kind: Kind,
        direction: Direction | None = None,
        *,
        of: Client | None = None,
        number: int = -1,
    ) -> Account:
        """`find`, told as a table of fields: what each says, and where the RFC says so."""
        return Account(self.find(kind, direction, of=of, number=number))

    def source(self) -> Code:
        """Show the code of this lab: there is no magic in it."""
        return Code(inspect.getsource(sys.modules[type(self).__module__]), language="python")

    # --- The end

    def _check_open(self) -> None:
        # A closed lab's views are still in the page, and their buttons still work.
        if self._closed:
            raise NotRunning(
                f"lab {self.topic!r} is closed: run the cell that opens it, then those below again"
            )

    def close(self) -> None:
        """Stop everything in this lab. May be called twice; the recording stays readable.

        Never fails: if a part cannot be stopped, the others are, and `faults` says so.
        """
        self._closed = True
        taps = self._taps.values()
        parts = [
            *(tap.disarm for tap in taps),  # or the goodbyes would be held there
            *(client.stop for client in self._clients.values()),
            self._resources.close,
            *(tap.stop for tap in taps),
            self.server.stop,
            # The views stay in the page, with what they saw, and hear no more.
            *(view.rest for view in self._views.values()),
        ]
        for part in parts:
            try:
                part()
            except Exception as fault:
                self.faults.note(getattr(part, "__qualname__", "a part"), fault)
        _resting[self.topic].update(self._views.values())
        self._clients, self._taps, self._views = {}, {}, {}
        unregister(self)

    def stop(self) -> None:
        """`close`, as the registry calls it."""
        self.close()

    def forget(self) -> None:
        """In a forked child: the lab is the parent's, and only its recording can be read here."""
        self._closed = True
        self._clients, self._taps, self._views = {}, {}, {}
        self._resources.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return f"<lab {self.topic}: closed>"
        return f"<lab {self.topic}: {self.url} (through the tap), {self.server_url} (around it)>"
