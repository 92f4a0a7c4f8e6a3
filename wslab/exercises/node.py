"""The exercises of the Node lesson: questions, and checks that visit a learner's own server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved

QUESTIONS = {
    "kind": Question(
        'A guest sends the text "Hello" to this server. What is `data` in its message handler?',
        ("A string", "A Buffer: bytes", "A Blob", "An event, with the text in event.data"),
        1,
        (
            "So it was until version 7 of ws. Since version 8 it hands over bytes, and says beside "
            "them which of the two they were.",
            "Five bytes, whatever their kind: the second argument, isBinary, says that they came "
            "as text.",
            "That is what a browser's page gets for binary messages.",
            "That is the browser's way, which ws has as well (client.onmessage = …).",
        ),
        "RFC 6455 §5.6",
    ),
    "back": Question(
        "The server hands on what it got, with client.send(data), and what it got was the text "
        '"Hello". What does each guest receive?',
        (
            'The text "Hello"',
            "A binary message of five bytes",
            'The text "<Buffer 48 65 6c 6c 6f>"',
            "Nothing: ws refuses to send a Buffer",
        ),
        1,
        (
            "It would, if data were a string. It is a Buffer, and ws sends a Buffer as binary.",
            "The bytes are right, the kind is wrong: opcode 2 in place of 1. A page gets a Blob.",
            "No: the bytes themselves are sent. Only console.log shows them so.",
            "It sends both: a string as text, a Buffer as binary.",
        ),
        "RFC 6455 §5.6",
    ),
    "plainly": Question(
        "A client calls close() without arguments. What is in its close frame?",
        ("Nothing: it is empty", "1000", "1005", "That depends on its library"),
        3,
        (
            "From a browser, and from both clients of Node. Python's websockets puts 1000 there.",
            "From Python's websockets. A browser and both clients of Node send an empty frame.",
            "1005 is what an API reports of an empty frame: it is never in one.",
            "Python's websockets sends 1000, the others an empty frame. Both APIs report 1000, "
            "or 1005 for the empty one.",
        ),
        "RFC 6455 §7.1.5",
    ),
    "own": Question(
        "Which of these can no program do with Node's own WebSocket, though it can with ws?",
        ("Set a header of the request", "Send bytes", "Send a ping", "Be told a close code"),
        2,
        (
            "Node adds an option to what a page has: new WebSocket(url, { headers }).",
            "Any view of bytes will do: new Uint8Array([1, 2]).",
            "It has the methods of a page's WebSocket, and there is no ping among them. It does "
            "answer the pings that it gets.",
            "Its close event has code, reason and wasClean.",
        ),
        "RFC 6455 §5.5.2",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Predict what the guests are told

ENDS = ("SIGTERM, with a handler that says goodbye", "SIGKILL", "crash", "hang")

check_codes = Exercise(
    "codes",
    "Whether `codes` are the four close codes that a guest's API reports, for each of these ends "
    "of the server's process: SIGTERM with a handler for goodbye, SIGKILL, a crash, a hang.",
    expected=lambda: [1001, 1006, 1006, None],
    mistakes={
        "1011 is what a server *says* about an error in it, and this one cannot say anything any "
        "more: its whole process has ended.": Mistake(
            lambda: [1001, 1006, 1011, None], "no close frame comes from a process that is dead."
        ),
        "While a program hangs, the system keeps its TCP connections: nothing comes, and nothing "
        "is exactly what a guest is told.": Mistake(
            lambda: [1001, 1006, 1006, 1006], "None stands for: still open."
        ),
        "1000 says that the purpose is fulfilled. A server that shuts down is going away.": Mistake(
            lambda: [1000, 1006, 1006, None], "which code has that name?"
        ),
        "SIGKILL is not handed to the program: it has no chance to say goodbye.": Mistake(
            lambda: [1001, 1001, 1006, None], "what does an API report where no close frame came?"
        ),
        "1005 is reported where a close frame came without a code. Here none comes.": Mistake(
            lambda: [1001, 1005, 1005, None], "which code stands for: no close frame?"
        ),
    },
    hints=(
        "four values in a list, in this order; None where the guest is told nothing.",
        "who writes a close frame: the program, or the system? Which of the four programs can "
        "still run?",
        "the gallery has a button for each of them.",
    ),
    rfc="RFC 6455 §7.4.1",
    wrong="{what} is not what the guest in Python reports.",
    untouched="four codes are asked for, in a list.",
    praise="only a program that still runs can say goodbye.",
)

# --- Trace four clients

check_clients = Exercise(
    "clients",
    "Whether `clients` are the four clients that sent what the table shows, from A to D.",
    expected=lambda: ["browser", "websockets", "WebSocket", "ws"],
    mistakes={
        "The two clients of Node differ when compression has been agreed on: only one of them "
        "makes use of it.": Mistake(
            lambda: ["browser", "websockets", "ws", "WebSocket"],
            "Node's own WebSocket offers compression. What do C and D send of 1,400 letters?",
        ),
        "Three clients send 1 MiB in one frame; the one that cuts it is the browser.": Mistake(
            lambda: ["websockets", "browser", "WebSocket", "ws"],
            "which of the four has to share one process with all your tabs, and sends a large "
            "message piece by piece?",
        ),
        "Only Python's library fills in a code where its program gives none.": Mistake(
            lambda: ["browser", "WebSocket", "websockets", "ws"],
            "look at the row of close() without arguments.",
        ),
        "A reason need not come back with the code, and one client leaves it out: Node's own.": (
            Mistake(
                lambda: ["WebSocket", "websockets", "browser", "ws"],
                "look at what C answers to the server's close frame.",
            )
        ),
    },
    hints=(
        "four names in a list: browser, websockets, ws and WebSocket, each once.",
        "in each row of the table, one client stands out.",
        "look for the same rows on the board: what does each client send there?",
    ),
    rfc="RFC 6455 §5.4",
    wrong="{what} is not who they are.",
    untouched="four names are asked for, in a list.",
    praise="all four keep the rules, and each has its own way.",
)

# --- Trace a handler that waits

check_order = Exercise(
    "order",
    "Whether `order` has the four letters as the server prints them.",
    expected=lambda: "ACDB",
    read=lambda value: (
        "".join(c for c in value.upper() if c.isalpha()) if isinstance(value, str) else value
    ),
    mistakes={
        "Python's `async for` takes one message after the other. In Node each message calls the "
        "handler at once, though an earlier call still waits at its await.": Mistake(
            lambda: "ABCD", "the second message comes while the first call waits."
        ),
        "The two calls do not wait for each other: the fast one has nothing to wait for.": Mistake(
            lambda: "ACBD", "how long does each call wait before its second letter?"
        ),
        "The messages arrive in the order in which they were sent: TCP sees to that.": Mistake(
            lambda: "CDAB", "what does the first message print before anything waits?"
        ),
    },
    hints=(
        "each message calls the handler; what is below an await runs later.",
        "while a call waits at its await, the next message may call the handler once more.",
        "run the cell that is below it, and read what the program prints.",
    ),
    wrong="{what} is not what it prints.",
    untouched="four letters are asked for.",
    praise="messages arrive in order; handlers that wait need not end in order.",
)

# --- Servers of the learner's own

PATIENCE = 3.0
"""Seconds that a guest waits for what must come."""


class Running(Protocol):
    """A program with a server, in a process of its own; `wslab.net.node.NodeProgram` is one."""

    @property
    def url(self) -> str: ...
    @property
    def lines(self) -> Any: ...
    def listens(self, timeout: float = ...) -> bool: ...
    def signal(self, name: str) -> None: ...
    def waits(self, timeout: float) -> bool: ...
    @property
    def state(self) -> str: ...


class Program(Protocol):
    """What a `%%node` cell has made."""

    def fresh(self) -> AbstractContextManager[Running]: ...


class Wrong(Exception):
    """What is wrong with a server; the verdict says it."""

    def __init__(self, *said: object, **named: Any) -> None:
        super().__init__(*said)
        self.verdict = not_yet(*said, **named)  # type: ignore[arg-type]


class Visit:
    """Guests of a learner's server, which runs in a process of its own."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self._guests = contextlib.ExitStack()

    def guest(self) -> ClientConnection:
        """One more guest."""
        try:
            return self._guests.enter_context(
                connect(
                    self.server.url,
                    compression=None,
                    ping_interval=None,
                    close_timeout=0.2,
                    open_timeout=PATIENCE,
                    proxy=None,
                )
            )
        except Exception as error:
            raise self.wrong(f"a guest could not come in ({type(error).__name__}).") from error

    def hears(self, guest: ClientConnection, after: str) -> str | bytes:
        """The next message of a guest; `after` says what should have caused it."""
        try:
            return guest.recv(PATIENCE)
        except (TimeoutError, ConnectionClosed) as error:
            raise self.wrong(f"{after}, and not everybody heard it who should.") from error

    def wrong(self, text: str, why: str = "", hint: str = "", rfc: str = "") -> Wrong:
        """What is wrong, and the server's last words if it has ended."""
        if self.server.waits(0.3):
            words = [line.text for line in self.server.lines if "Error" in line.text]
            text = f"{text} Your server has {self.server.state}: {words[-1] if words else '…'}"
        return Wrong(text, misconception=why, hint=hint, rfc=rfc)

    def end(self) -> None:
        self._guests.close()


def visited(program: Program, visit: Callable[[Visit], Verdict]) -> Verdict:
    """Start the learner's program once more, and return the verdict of the visit."""
    if not hasattr(program, "fresh"):
        return not_yet(
            f"expected the program of the cell above, got {type(program).__name__}.",
            hint="run the cell that begins with %%node, then this one: it brings the name.",
        )
    with program.fresh() as server:
        guests = Visit(server)
        try:
            if not server.listens(10.0):
                raise guests.wrong(
                    "no server listens.",
                    hint="new WebSocketServer({ port: 0 }) listens on a free port by itself.",
                )
            return visit(guests)
        except Wrong as wrong:
            return wrong.verdict
        finally:
            guests.end()


# --- Bug hunt: four faults

_ERROR = 'client.on("error", (error) => console.log(error.message)): then it is dealt with.'


def _says(visit: Visit, speaker: ClientConnection, hearer: ClientConnection, text: str) -> Any:
    speaker.send(json.dumps({"text": text}))
    came = visit.hears(hearer, f"Ada said {text!r}")
    if isinstance(came, bytes):
        raise Wrong(
            f"Ada said {text!r} as text, and Grace got a binary message.",
            came,
            misconception="What came is a Buffer, and so is what you send: ws sends a Buffer as "
            "binary.",
            rfc="RFC 6455 §5.6",
            hint="send a string: the result of JSON.stringify is one.",
        )
    try:
        hearer_got = json.loads(came)
    except ValueError:
        raise Wrong(
            "this is what Grace got.", came, hint="send the result of JSON.stringify, as before."
        ) from None
    if hearer is not speaker:
        visit.hears(speaker, f"Ada said {text!r}")
    return hearer_got


def _repaired(visit: Visit) -> Verdict:
    ada, grace = visit.guest(), visit.guest()
    got = _says(visit, ada, grace, "hello")
    if not isinstance(got, dict) or got.get("text") != "hello":
        raise Wrong(
            "Ada said hello, and this is what Grace got.",
            got,
            {"text": "hello", "here": 2},
            hint="keep what was there: an object with text and here.",
        )
    linus = visit.guest()
    linus.close()
    for number in range(20):  # its close event may be a moment behind
        got = _says(visit, ada, grace, f"is Linus here? ({number})")
        if got.get("here") == 2:
            break
    else:
        raise Wrong(
            "Linus came in and left again; two are here.",
            got.get("here"),
            2,
            "Nobody takes out of the set who has left: it only grows, as long as the server runs.",
            hint='client.on("close", () => clients.delete(client)).',
        )
    visit.guest().send("Hello")
    _still_alive(
        visit, ada, grace, "a guest sent Hello, which is not JSON",
        "JSON.parse throws, nobody catches it, and an error that nobody catches ends the whole "
        "process: one guest has thrown out all.",
        "try { … } catch { return; } around JSON.parse, or close that guest with 1003 or 1008.",
    )  # fmt: skip
    visit.guest().socket.sendall(b"\x81\x01a")  # a frame without a mask
    _still_alive(
        visit, ada, grace, "a guest sent a frame without a mask",
        "ws closes that connection with 1002, and tells the program by an 'error' event. An "
        "'error' that has no listener is thrown, and ends the process.",
        _ERROR,
    )  # fmt: skip
    return solved(
        "text stays text, who has left is gone, and neither a careless guest nor a rude one ends "
        "the room for the others."
    )


def _still_alive(
    visit: Visit, ada: ClientConnection, grace: ClientConnection, what: str, why: str, hint: str
) -> None:
    with contextlib.suppress(Exception):
        if not visit.server.waits(0.5):
            _says(visit, ada, grace, "still here?")
            return
    raise visit.wrong(f"{what}, and then nobody heard anything any more.", why, hint)


check_repair = Exercise(
    "repair",
    "Whether the room works, whatever its guests do: `broken` is the program of the cell above, "
    "started once more for this and visited by real guests. Takes a few seconds.",
    judge=lambda broken: visited(broken, _repaired),
    hints=(
        "let a guest in with lab.connect(broken.url) and do what a careless guest would do.",
        "there are four: the kind of a message, who has left, what is not JSON, and the event "
        "without a listener.",
        "look at what the program printed last: an error that nobody caught names its line.",
    ),
    solution="""\
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ port: 0 });
const clients = new Set();

server.on("connection", (client) => {
  clients.add(client);
  client.on("message", (data) => {
    let text;
    try {
      text = JSON.parse(data).text;
    } catch {
      return client.close(1008, "JSON, please");
    }
    const answer = JSON.stringify({ text, here: clients.size });
    for (const other of clients) other.send(answer);
  });
  client.on("error", (error) => console.log(error.message));
  client.on("close", () => clients.delete(client));
});
""",
)

# --- Build: a relay that says goodbye

_BYTES = bytes([0, 255, 200, 1])
"""No UTF-8: as text they would be changed."""


def _relayed(visit: Visit) -> Verdict:
    ada, grace, linus = visit.guest(), visit.guest(), visit.guest()
    ada.send("Grüße")
    for guest in (grace, linus):
        _same(visit.hears(guest, "Ada sent a text"), "Grüße")
    ada.send(_BYTES)
    for guest in (grace, linus):
        _same(visit.hears(guest, "Ada sent four bytes"), _BYTES)
    grace.send("and you?")
    came = visit.hears(ada, "Grace sent a text")
    if came != "and you?":
        raise Wrong(
            "Grace answered, and this is what came to Ada first.",
            came,
            "and you?",
            "Who sends a message is one of server.clients too, and gets it back.",
            hint="if (other !== client) before you send.",
        )
    visit.server.signal("SIGTERM")
    codes = [_end_of(ada, PATIENCE)]  # that of the others comes soon, or not at all
    codes += [_end_of(guest, PATIENCE if codes[0] else 0.1) for guest in (grace, linus)]
    if codes != [1001] * 3:
        raise _no_goodbye(codes)
    if not visit.server.waits(PATIENCE):
        raise Wrong(
            "every guest has said goodbye, and the process still runs.",
            misconception="A server that listens keeps Node running.",
            hint="server.close() ends the listening; the guests stay until they have left.",
        )
    if visit.server.state != "ended with exit code 0":
        raise Wrong(
            f"every guest heard 1001, and your server has {visit.server.state}.",
            hint="a program that has nothing left to wait for ends by itself, with exit code 0.",
        )
    return solved(
        "to all but the sender, text as text and bytes as bytes; and on SIGTERM a goodbye to each, "
        "then the end.",
        "RFC 6455 §7.4.1",
    )


def _same(got: str | bytes, sent: str | bytes) -> None:
    if got == sent:
        return
    if isinstance(sent, str) and isinstance(got, bytes):
        why = "data is a Buffer, and ws sends a Buffer as binary unless it is told otherwise."
        hint = "other.send(data, { binary: isBinary }), with isBinary from the handler."
    elif isinstance(sent, bytes) and isinstance(got, str):
        why = "As text these bytes have changed: they are no UTF-8, and � stands for each of those "
        why += "that could not be read."
        hint = 'send data itself, with { binary: isBinary }; no + "", no String(data).'
    else:
        why, hint = "", "send what came, as it came."
    raise Wrong("this is what the others got.", got, sent, why, "RFC 6455 §5.6", hint)


def _end_of(guest: ClientConnection, patience: float) -> int | None:
    """The close code that the guest reports; None if it is still connected."""
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        while True:
            guest.recv(patience)
    return None if guest.close_code is None else int(guest.close_code)


def _no_goodbye(codes: list[int | None]) -> Wrong:
    said = "SIGTERM came; these are the codes that the guests report."
    wanted = [1001] * 3
    match codes[0]:
        case None:
            why = "The guests are still connected: server.close() only ends the listening."
            hint = 'for (const client of server.clients) client.close(1001, "going away").'
        case 1006:
            why = "The process ended before a goodbye was written: without a handler at once, and "
            why += "process.exit() does not wait for what is still to be sent."
            hint = 'process.on("SIGTERM", () => { … }), with client.close(1001) for each of '
            hint += "server.clients, and no process.exit()."
        case 1005:
            why, hint = "close() without a code sends a close frame without one.", "close(1001)."
        case 1000:
            why = "1000 says that the purpose is fulfilled."
            hint = "a server that shuts down says 1001, going away."
        case _:
            why, hint = "", "close each of server.clients with 1001."
    return Wrong(said, codes, wanted, why, "RFC 6455 §7.4.1", hint)


check_relay = Exercise(
    "relay",
    "Whether `relay` hands each message on to all others, in its own kind, and says goodbye on "
    "SIGTERM: started once more for this, and visited by real guests. Takes a few seconds.",
    judge=lambda relay: visited(relay, _relayed),
    hints=(
        "the library keeps a set of those who are here: server.clients.",
        "the handler of 'message' gets two arguments: the bytes, and whether they came as binary.",
        'process.on("SIGTERM", () => { … }): stop listening, and close each client with 1001.',
    ),
    solution="""\
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ port: 0 });

server.on("connection", (client) => {
  client.on("message", (data, isBinary) => {
    for (const other of server.clients) {
      if (other !== client) other.send(data, { binary: isBinary });
    }
  });
  client.on("error", (error) => console.log(error.message));
});

process.on("SIGTERM", () => {
  server.close();
  for (const client of server.clients) client.close(1001, "going away");
});
""",
)

SOLUTIONS = Solutions(check_repair, check_relay)

solution = SOLUTIONS.show
