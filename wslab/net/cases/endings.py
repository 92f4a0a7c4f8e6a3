"""The gallery of endings: every way in which a connection can end, made to happen for real.

    play(ENDINGS["1009"], LibraryPeers(), capture)     # on Python's websockets
    play(ENDINGS["1009"], NodePeers(), capture)        # on Node's ws, where it is installed

Each play has a tap in the middle and tells three stories: what crossed the wire, what the client's
API says, and what the server's API says. They differ more often than one would think.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from wslab.net.address import LOOPBACK
from wslab.net.cases.runner import FaultyServer, visit
from wslab.net.peers.peers import CLOSE_TIMEOUT, SHORT_CLOSE_TIMEOUT, Peers
from wslab.net.peers.report import PeerReport
from wslab.net.servers.tls import TLSServerWithoutCertificate
from wslab.net.tap import Tap
from wslab.wire import Capture, Direction, close_code
from wslab.wire.protocol.tls_records import is_tls, records

PATIENCE = 15.0
"""Seconds after which a play ends, whatever happened."""


class WireLine(NamedTuple):
    """Something that crossed during a play, in short."""

    direction: Direction
    kind: str
    """The kind of the frame, or `tls`, `fin`, `rst`."""
    text: str
    row: int | None
    """Its row in the wire view; None for what is no row there."""
    broken: bool = False
    """Whether it breaks a rule."""


class Documented(NamedTuple):
    """What the table says will happen. 1005 among the frames: a close frame without a code."""

    client_sends: int | None
    """The code in the client's close frame; None: it sends no close frame."""
    server_sends: int | None
    client_reports: int | None
    """The code that the client's API reports; for a raw peer the code that it heard."""
    client_clean: bool | None
    server_reports: int | None
    server_clean: bool | None


class Result(NamedTuple):
    """What came of a play: three columns, and whether they are as the table says."""

    name: str
    stack: str
    connection: int
    """Its number in the capture."""
    wire: tuple[WireLine, ...]
    client: PeerReport
    server: PeerReport
    observed: Documented
    documented: Documented
    seconds: float

    @property
    def as_documented(self) -> bool:
        """Whether everything was as the table says."""
        return self.observed == self.documented

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.name} on {self.stack}:"]
        lines.append("  on the wire")
        lines += [f"    {_arrow(line)}  {line.text}" for line in self.wire]
        for who, report in (("client", self.client), ("server", self.server)):
            if report.raw:
                lines.append(f"  the {who}, a raw peer (no API), heard")
                lines += [f"    {text}" for text in report.said]
                continue
            clean = "clean" if report.clean else "not clean"
            code = "no code" if report.code is None else f"code {report.code}"
            lines.append(f"  the {who}'s API: {code}, {clean}")
            lines += [f"    {text}" for text in report.said]
        if not self.as_documented:
            lines.append(f"  expected {self.documented}")
            lines.append(f"  got      {self.observed}")
        return "\n".join(lines)


class Cast:
    """What the script of an ending plays with: peers, a tap in front of the server, faulty ones."""

    def __init__(self, peers: Peers, capture: Capture, things: contextlib.ExitStack) -> None:
        self.peers = peers
        self.capture = capture
        self.raw: dict[str, PeerReport] = {}
        """The reports of raw peers, which stand in for one on a library."""
        self.things = things
        """What is let go when the play is over."""

    def serve(self, behaviour: str, **options: Any) -> str:
        """Start the library's server; the URL of the tap in front of it."""
        return self.tapped(f"ws://{LOOPBACK}:{self.peers.serve(behaviour, **options)}/")

    def open(self, behaviour: str = "echo", **options: Any) -> Peers:
        """Start the library's server and connect its client; the two."""
        self.peers.connect(self.serve(behaviour, **options))
        return self.peers

    def meet(
        self, how: str, message: str = "Hello", *, close_timeout: float = CLOSE_TIMEOUT
    ) -> Peers:
        """Let the library's client meet a faulty server, and send it a message."""
        server = FaultyServer(how, name=f"ending {how}")
        self.things.enter_context(server)
        self.peers.connect(self.tapped(server.url), close_timeout=close_timeout)
        if message:
            self.peers.send("client", message)
        self.raw["server"] = PeerReport(None)
        return self.peers

    def visit(self, how: str) -> Peers:
        """Let a faulty client visit the library's server."""
        result = visit(how, self.serve("echo"))
        heard = "no close frame" if result.close_code is None else f"close {result.close_code}"
        self.raw["client"] = PeerReport(result.close_code, "", None, (heard,))
        return self.peers

    def tapped(self, url: str) -> str:
        """The URL of a new tap in front of the server at `url`."""
        tap = Tap(url, self.capture, name="ending")
        self.things.enter_context(tap)
        return tap.url


Script = Callable[[Cast], None]


class Ending(NamedTuple):
    """One button of the gallery."""

    name: str
    title: str
    what: str
    """What happens, in one line."""
    why: str
    """Why the three columns say what they say."""
    rfc: str
    script: Script
    documented: Documented
    elsewhere: dict[str, Documented] = {}  # noqa: RUF012 - never written to
    """What is different on another stack, by its name."""
    difference: str = ""
    """What the two libraries do differently, if they do."""

    @property
    def code(self) -> int | None:
        """The close code that it is about, or None."""
        return int(self.name) if self.name.isdigit() else None

    def expected(self, stack: str) -> Documented:
        """What happens with this stack."""
        return self.elsewhere.get(stack, self.documented)


def _both(code: int) -> Documented:
    """Both send this code, both report it, both call it clean."""
    return Documented(code, code, code, True, code, True)


# --- The scripts ----------------------------------------------------------------------------------


def _normal(cast: Cast) -> None:
    cast.open().close("client", 1000, "done")


def _shutdown(cast: Cast) -> None:
    cast.open().shut_down()


def _restart(cast: Cast) -> None:
    cast.open().shut_down(1012, "back in a moment")


def _meets(how: str) -> Script:
    def script(cast: Cast) -> None:
        cast.meet(how)

    return script


def _visited_by(how: str) -> Script:
    def script(cast: Cast) -> None:
        cast.visit(how)

    return script


def _sends(behaviour: str, message: str | bytes) -> Script:
    def script(cast: Cast) -> None:
        cast.open(behaviour).send("client", message)

    return script


def _closes(who: str, code: int | None, reason: str = "") -> Script:
    def script(cast: Cast) -> None:
        cast.open().close(who, code, reason)

    return script


def _asks_for_1004(cast: Cast) -> None:
    peers = cast.meet("close-code-1004", message="")
    peers.close("client", 1004)  # refused: nothing is sent
    peers.send("client", "Hello")  # and now the server, which asks nobody, sends it


def _asks_for_1005(cast: Cast) -> None:
    peers = cast.open()
    peers.close("client", 1005)  # refused
    peers.close("client")


def _asks_for_1006(cast: Cast) -> None:
    peers = cast.open()
    peers.close("server", 1006)  # refused
    peers.vanish("server")


def _tls_fails(cast: Cast) -> None:
    with TLSServerWithoutCertificate("ending tls") as server:
        cast.peers.connect(cast.tapped(server.url))
        cast.raw["server"] = PeerReport(None, "", False, tuple(server.said))


def _full(cast: Cast) -> None:
    server = f"ws://{LOOPBACK}:{cast.peers.serve('one-at-a-time')}/"
    cast.peers.connect(server, "visitor")  # around the tap: it is not what we look at
    cast.peers.connect(cast.tapped(server))


def _gateway(cast: Cast) -> None:
    upstream = FaultyServer("answers-200", name="ending upstream")
    cast.things.enter_context(upstream)
    cast.open("gateway", upstream=upstream.url)


def _mandatory_extension(cast: Cast) -> None:
    # What the server agreed to is known after its 101: no extension.
    cast.open().close("client", 1010, "permessage-deflate")


def _reason_too_long(cast: Cast) -> None:
    peers = cast.meet("long-close", message="")
    peers.close("client", 1000, "x" * 124)  # refused: nothing is sent
    peers.send("client", "Hello")  # and now the server, which asks nobody, does it


def _both_at_once(cast: Cast) -> None:
    cast.open(together=True).close_both((4000, "the client is done"), (4001, "the server is done"))


def _close_never_answered(cast: Cast) -> None:
    peers = cast.meet("never-answers-close", close_timeout=SHORT_CLOSE_TIMEOUT)
    peers.close("client", 1000, "bye")


_CODES = [
    Ending(
        "1000",
        "Normal Closure",
        "The client calls close(1000, 'done').",
        "The server echoes the code: each side has said that it is done, and then TCP ends.",
        "RFC 6455 §7.1.2",
        _normal,
        _both(1000),
    ),
    Ending(
        "1001",
        "Going Away",
        "The server shuts down while the connection is open.",
        "No error: the client should connect again a little later. A page that is left closes with "
        "1001 too.",
        "RFC 6455 §7.4.1",
        _shutdown,
        _both(1001),
        difference="websockets closes each open connection with 1001 by itself. In ws, "
        "server.close() only stops listening: the program has to close each connection.",
    ),
    Ending(
        "1002",
        "Protocol Error",
        "The server masks a frame, which only a client may do.",
        "The client says 1002 on the wire and reports 1006 to its program: what it reports is the "
        "code that it *received*, and no close frame came to it.",
        "RFC 6455 §5.1",
        _meets("masks-its-frames"),
        Documented(1002, None, 1006, False, 1002, None),
    ),
    Ending(
        "1003",
        "Unsupported Data",
        "A server that takes only text gets a binary message.",
        "Nothing is wrong with the frame. The program minds the type, and closes.",
        "RFC 6455 §7.4.1",
        _sends("text-only", b"\x00\x01\x02"),
        _both(1003),
    ),
    Ending(
        "1004",
        "Reserved",
        "The client tries close(1004). Then a server puts 1004 into a frame all the same.",
        "It cannot be sent: the API refuses, and whoever receives it answers 1002.",
        "RFC 6455 §7.4.1",
        _asks_for_1004,
        Documented(1002, 1004, 1006, False, 1002, None),
    ),
    Ending(
        "1005",
        "No Status Received",
        "The client tries close(1005), and then closes without a code.",
        "The close frame is empty. 1005 is what both APIs make of *nothing*: it is never on the "
        "wire, and the API refuses to send it.",
        "RFC 6455 §7.1.5",
        _asks_for_1005,
        _both(1005),
    ),
    Ending(
        "1006",
        "Abnormal Closure",
        "The server tries close(1006), and then drops TCP without a word.",
        "No close frame on the wire at all. 1006 is each API's own word for that: nobody sent it, "
        "and nobody can.",
        "RFC 6455 §7.1.5",
        _asks_for_1006,
        Documented(None, None, 1006, False, 1006, False),
    ),
    Ending(
        "1007",
        "Invalid Payload Data",
        "A client sends a text message that is not UTF-8.",
        "The server says 1007 and gives up at once: the client's answer comes too late for its "
        "report, which is 1006.",
        "RFC 6455 §8.1",
        _visited_by("text-not-utf8"),
        Documented(None, 1007, 1007, None, 1006, False),
    ),
    Ending(
        "1008",
        "Policy Violation",
        "The server wants a password as the first message, and gets another.",
        "The code for everything that is forbidden and has no code of its own.",
        "RFC 6455 §7.4.1",
        _sends("guarded", "let me in"),
        _both(1008),
    ),
    Ending(
        "1009",
        "Message Too Big",
        "The client sends 100 bytes to a server that takes 64.",
        "The client reports 1009, clean: it received the code and answered. The server reports "
        "1006: it had stopped listening when the answer came.",
        "RFC 6455 §7.4.1",
        _sends("echo", "x" * 100),
        Documented(1009, 1009, 1009, True, 1006, False),
    ),
    Ending(
        "1010",
        "Mandatory Extension",
        "The client needs permessage-deflate, and the server did not agree to it.",
        "The one code that is for clients only: a server that needs an extension can refuse the "
        "handshake, a client finds out after the 101.",
        "RFC 6455 §7.4.1",
        _mandatory_extension,
        _both(1010),
    ),
    Ending(
        "1011",
        "Internal Error",
        "The server's handler meets a message and fails with an exception.",
        "websockets catches what the handler raised, and says 1011 for it.",
        "RFC 6455 §7.4.1",
        _sends("crashes", "Hello"),
        _both(1011),
        {"ws": Documented(None, None, 1006, False, None, False)},
        "In ws nobody catches it: the whole process ends, with every connection in it, and the "
        "clients see 1006. A program has to catch the exception and say close(1011) itself.",
    ),
    Ending(
        "1012",
        "Service Restart",
        "The server restarts, and says so to everybody.",
        "Come back, but not all in the same second.",
        "RFC 6455 §11.7",
        _restart,
        _both(1012),
    ),
    Ending(
        "1013",
        "Try Again Later",
        "A server with room for one gets a second client.",
        "The handshake went well: the server may also refuse earlier, with HTTP 503.",
        "RFC 6455 §11.7",
        _full,
        _both(1013),
    ),
    Ending(
        "1014",
        "Bad Gateway",
        "A server that passes messages on to another one finds a web page there.",
        "What HTTP calls 502.",
        "RFC 6455 §11.7",
        _gateway,
        _both(1014),
    ),
    Ending(
        "1015",
        "TLS Handshake",
        "The client opens wss://, and the TLS handshake fails: the server has no certificate.",
        "There is no WebSocket yet, and no frame that could carry a code. What crosses is TLS.",
        "RFC 6455 §7.4.1",
        _tls_fails,
        Documented(None, None, None, False, None, False),
        {"ws": Documented(None, None, 1006, False, None, False)},
        "websockets raises the error of the ssl module, without any code. ws tells of an error, "
        "and then closes with 1006, as a browser does. None of them says 1015.",
    ),
    Ending(
        "3000",
        "Unauthorized",
        "The server finds that the login has run out, and closes.",
        "3000-3999 are registered with IANA by libraries and frameworks; this one and some others "
        "have a common meaning.",
        "RFC 6455 §7.4.2",
        _sends("session", "balance?"),
        _both(3000),
    ),
    Ending(
        "4000",
        "a code of your own",
        "The client calls close(4000, 'game over').",
        "4000-4999 mean whatever the two programs agreed on.",
        "RFC 6455 §7.4.2",
        _closes("client", 4000, "game over"),
        _both(4000),
    ),
]

_SPECIAL = [
    Ending(
        "code-not-for-scripts",
        "a code that script may not pass",
        "The client calls close(1002): a page's script could not.",
        "A browser lets a script pass 1000 and 3000-4999, and throws InvalidAccessError for the "
        "rest. Libraries let a program pass whatever may stand in a frame.",
        "RFC 6455 §7.4.2",
        _closes("client", 1002, "by hand"),
        _both(1002),
    ),
    Ending(
        "reason-too-long",
        "a reason of 124 bytes",
        "The client tries it. Then a server does it, in a frame of 126 bytes.",
        "A control frame carries 125 bytes at most, and the code takes 2 of them: 123 are left.",
        "RFC 6455 §5.5",
        _reason_too_long,
        Documented(1002, 1000, 1006, False, 1002, None),
    ),
    Ending(
        "reason-not-utf8",
        "a reason that is not UTF-8",
        "A server closes with 1000 and a reason in Latin-1.",
        "The client minds the reason, and fails the connection: 1007 on the wire, 1006 in the API.",
        "RFC 6455 §5.5.1",
        _meets("close-reason-not-utf8"),
        Documented(1007, 1000, 1006, False, 1007, None),
    ),
    Ending(
        "one-byte-close",
        "a close frame of one byte",
        "A server closes with half a code.",
        "A close frame is empty, or it has at least two bytes.",
        "RFC 6455 §5.5.1",
        _meets("one-byte-close"),
        Documented(1002, None, 1006, False, 1002, None),
    ),
    Ending(
        "close-code-1005",
        "1005 in a frame",
        "A server puts 1005 into a close frame.",
        "1005 means that there was no code, so a frame that carries it contradicts itself.",
        "RFC 6455 §7.4.1",
        _meets("close-code-1005"),
        Documented(1002, 1005, 1006, False, 1002, None),
    ),
    Ending(
        "close-code-1006",
        "1006 in a frame",
        "A server puts 1006 into a close frame.",
        "1006 means that no close frame came, so a frame that carries it contradicts itself.",
        "RFC 6455 §7.4.1",
        _meets("close-code-1006"),
        Documented(1002, 1006, 1006, False, 1002, None),
    ),
    Ending(
        "close-code-1015",
        "1015 in a frame",
        "A server puts 1015 into a close frame.",
        "Where a frame can be sent, the TLS handshake did not fail.",
        "RFC 6455 §7.4.1",
        _meets("close-code-1015"),
        Documented(1002, 1015, 1006, False, 1002, None),
    ),
    Ending(
        "data-after-close",
        "data after close",
        "A server closes, and then sends one more message.",
        "The client never looks at it: for its program the connection ended well.",
        "RFC 6455 §5.5.1",
        _meets("data-after-close"),
        Documented(1000, 1000, 1000, True, 1000, None),
    ),
    Ending(
        "both-at-once",
        "both close at once",
        "Client and server close, each before it has read the other's close frame.",
        "Two close frames cross on the way. Each counts as the answer to the other, and each side "
        "reports the code of the *other* one: they do not agree, and nothing is wrong.",
        "RFC 6455 §7.1.5",
        _both_at_once,
        Documented(4000, 4001, 4001, True, 4000, True),
    ),
    Ending(
        "never-answers-close",
        "a close that is never answered",
        "The client closes. The server echoes messages, but never answers a close frame.",
        "The RFC sets no limit. The client's own patience (close timeout) ends it: 1006.",
        "RFC 6455 §7.1.1",
        _close_never_answered,
        Documented(1000, None, 1006, False, 1000, None),
    ),
    Ending(
        "half-closes",
        "TCP half closed, without a close frame",
        "A server ends its half of TCP, and would go on reading.",
        "TCP can be half closed, a WebSocket cannot: for the client it is over.",
        "RFC 6455 §7.1.5",
        _meets("half-closes"),
        Documented(None, None, 1006, False, None, None),
    ),
    Ending(
        "sends-unmasked",
        "a client that does not mask",
        "A client sends its message unmasked.",
        "The mirror image of 1002: here the server says it, and reports 1006.",
        "RFC 6455 §5.1",
        _visited_by("sends-unmasked"),
        Documented(None, 1002, 1002, None, 1006, False),
    ),
]

ENDINGS: dict[str, Ending] = {ending.name: ending for ending in [*_CODES, *_SPECIAL]}
"""The gallery: the codes by number, the other endings by name."""


def play(ending: Ending, peers: Peers, capture: Capture) -> Result:
    """Let `ending` happen, recorded in `capture`, and tell what came of it. Leaves nothing behind.

    Takes some milliseconds, and never longer than a few times `PATIENCE` seconds.
    """
    before = len(capture.log.streams) // 2
    started = time.perf_counter()
    with contextlib.ExitStack() as things:
        cast = Cast(peers, capture, things)
        try:
            ending.script(cast)
            client = cast.raw.get("client") or peers.report("client", PATIENCE)
            server = cast.raw.get("server") or peers.report("server", PATIENCE)
            _wait_for_the_end(capture, before)
        finally:
            peers.reset()
    connection = before + 1
    wire = tuple(_wire(capture, connection))
    sent = {side: _close_sent(capture, connection, side) for side in ("client", "server")}
    if "server" in cast.raw and server.code is None and not server.said:
        heard = sent["client"]
        said = "no close frame" if heard is None else f"close {heard}"
        server = PeerReport(heard, "", None, (said,))
    observed = Documented(
        sent["client"], sent["server"], client.code, client.clean, server.code, server.clean
    )
    return Result(
        ending.name,
        peers.name,
        connection,
        wire,
        client,
        server,
        observed,
        ending.expected(peers.name),
        time.perf_counter() - started,
    )


def _wait_for_the_end(capture: Capture, before: int) -> None:
    """Until both directions of every connection since `before` have ended."""

    def over() -> bool:
        events = [event for event in list(capture.events) if event.connection > before]
        opened = {event.connection for event in events if event.name == "open"}
        ended = {
            (event.connection, event.direction)
            for event in events
            if event.name in ("eof", "reset")
        }
        return len(ended) == 2 * len(opened)

    capture.wait_until(over, PATIENCE)


def _wire(capture: Capture, connection: int) -> Iterator[WireLine]:
    lines: list[tuple[float, WireLine]] = []
    if is_tls(capture.stream(connection, "client")):
        at = {chunk.direction: chunk.time for chunk in capture if chunk.connection == connection}
        for side in ("client", "server"):
            for record in records(capture.stream(connection, side)):
                text = f"TLS {record.meaning}, {record.length} B"
                lines.append((at[side], WireLine(side, "tls", text, None)))
    for row in capture.index.rows():
        if row.connection == connection:
            text = (
                row.preview if row.kind in ("request", "response") else f"{row.kind} {row.preview}"
            )
            line = WireLine(row.direction, row.kind, text, row.number, row.broken)
            lines.append((row.time, line))
    for event in list(capture.events):
        if event.connection == connection and event.name in ("eof", "reset"):
            assert event.direction is not None
            kind = "fin" if event.name == "eof" else "rst"
            says = "ends its half of TCP" if kind == "fin" else "TCP breaks off"
            text = f"{kind.upper()}: {says}"
            lines.append((event.time, WireLine(event.direction, kind, text, None)))
    for _, line in sorted(lines, key=lambda timed: timed[0]):
        yield line


def _close_sent(capture: Capture, connection: int, direction: Direction) -> int | None:
    """The code in this side's first close frame: 1005 for none in it, None for no such frame."""
    index = capture.index
    for row in index.rows():
        if (row.connection, row.direction, row.kind) == (connection, direction, "close"):
            payload = index.unit(row.number).payload
            if len(payload) >= 2:
                return int.from_bytes(payload[:2], "big")
            return None if payload else 1005
    return None


def _arrow(line: WireLine) -> str:
    return "client ──▶" if line.direction == "client" else "◀── server"


def name_of(ending: int | str) -> str:
    """The name of an ending: 1001 and "1001" are the same.

    Raises KeyError, naming those that there are.
    """
    name = str(ending)
    if name not in ENDINGS:
        hint = f" ({close_code(int(name)).meaning})" if name.isdigit() and len(name) < 6 else ""
        raise KeyError(f"expected one of {', '.join(ENDINGS)}, got {name!r}{hint}")
    return name
