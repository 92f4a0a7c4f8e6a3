"""Every way in which a connection can end, and code that makes each happen on any library.

    play(ENDINGS["1009"], LibraryPeers(), capture)     # on Python's websockets
    play(ENDINGS["1009"], NodePeers(), capture)        # on Node's ws, where it is installed

Each play has a tap in the middle and gives three reports: what crossed the wire, what the client's
API says, and what the server's API says. They differ more often than one would expect.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from wslab.net.address import LOOPBACK
from wslab.net.cases.frames import FAULTY_FRAMES
from wslab.net.cases.runner import FaultyServer, visit
from wslab.net.cases.wire_line import WireLine, wait_for_the_end, wire_lines
from wslab.net.peers.frame_peer import code_in
from wslab.net.peers.peers import CLOSE_TIMEOUT, SHORT_CLOSE_TIMEOUT, PeerReport, Peers
from wslab.net.servers.tls import TLSHandshakeServer
from wslab.net.tap import Tap
from wslab.wire import Capture, Direction, close_code

PATIENCE = 15.0
"""Seconds after which a play is ended in any case."""


class Documented(NamedTuple):
    """The documented result of an ending. 1005 as a sent code: a close frame without a code."""

    client_sends: int | None
    """The code in the client's close frame; None if it sends no close frame."""
    server_sends: int | None
    client_reports: int | None
    """The code that the client's API reports; for a raw peer, the code that it received."""
    client_clean: bool | None
    server_reports: int | None
    server_clean: bool | None


class Result(NamedTuple):
    """The result of a play: the three reports, and whether they are as documented."""

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
        """Whether everything happened as documented."""
        return self.observed == self.documented

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.name} on {self.stack}:"]
        lines.append("  on the wire")
        lines += [f"    {line.arrow}  {line.text}" for line in self.wire]
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
    """Everything that the script of an ending uses: peers on a library, taps, and faulty peers."""

    def __init__(self, peers: Peers, capture: Capture, things: contextlib.ExitStack) -> None:
        self.peers = peers
        self.capture = capture
        self.things = things
        """Everything that is stopped when the play is over."""
        self.raw: Direction | None = None
        """The side on which a raw peer replaces the library's, if there is one."""
        self.reports: dict[str, PeerReport] = {}
        """The reports of other replacements of the library's peers."""

    def serve(self, behaviour: str, **options: Any) -> str:
        """Start the library's server, and return the URL of the tap in front of it."""
        return self.tapped(f"ws://{LOOPBACK}:{self.peers.serve(behaviour, **options)}/")

    def open(self, behaviour: str = "echo", **options: Any) -> Peers:
        """Start the library's server and connect its client; returns the peers."""
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
        self.raw = "server"
        return self.peers

    def visit(self, how: str) -> None:
        """Let a faulty client visit the library's server."""
        visit(how, self.serve("echo"))
        self.raw = "client"

    def tapped(self, url: str) -> str:
        """Start a tap in front of the server at `url`, and return the tap's URL."""
        tap = Tap(url, self.capture, name="ending")
        self.things.enter_context(tap)
        return tap.url


Script = Callable[[Cast], object]


class Ending(NamedTuple):
    """One way for a connection to end: the script, and what the peers then send and report."""

    name: str
    """The close code that it shows, or a name."""
    rfc: str
    script: Script
    documented: Documented
    elsewhere: dict[str, Documented] = {}  # noqa: RUF012 - never written to
    """What differs on another library, by the library's name."""

    @property
    def code(self) -> int | None:
        """The close code that it shows, or None."""
        return int(self.name) if self.name.isdigit() else None


# --- The scripts ----------------------------------------------------------------------------------


def _sends(behaviour: str, message: str | bytes) -> Script:
    """The client sends a message for which the server closes the connection."""
    return lambda cast: cast.open(behaviour).send("client", message)


def _closes(who: str, code: int | None, reason: str = "") -> Script:
    return lambda cast: cast.open().close(who, code, reason)


def _shuts_down(code: int, reason: str = "") -> Script:
    return lambda cast: cast.open().shut_down(code, reason)


def _tries_then_meets(how: str, code: int, reason: str = "") -> Script:
    """The client's API refuses a close code; then a raw server sends it without asking an API."""

    def script(cast: Cast) -> None:
        peers = cast.meet(how, message="")
        peers.close("client", code, reason)  # refused: nothing is sent
        peers.send("client", "Hello")  # on which the raw server sends it

    return script


def _asks_for_1005(cast: Cast) -> None:
    peers = cast.open()
    peers.close("client", 1005)  # refused
    peers.close("client")


def _asks_for_1006(cast: Cast) -> None:
    peers = cast.open()
    peers.close("server", 1006)  # refused
    peers.vanish("server")


def _tls_fails(cast: Cast) -> None:
    with TLSHandshakeServer(name="ending tls") as server:
        cast.peers.connect(cast.tapped(server.url))
        cast.reports["server"] = PeerReport(None, "", False, tuple(server.said))


def _full(cast: Cast) -> None:
    server = f"ws://{LOOPBACK}:{cast.peers.serve('one-at-a-time')}/"
    cast.peers.connect(server, "visitor")  # not through the tap: it is not what we look at
    cast.peers.connect(cast.tapped(server))


def _gateway(cast: Cast) -> None:
    upstream = FaultyServer("answers-200", name="ending upstream")
    cast.things.enter_context(upstream)
    cast.open("gateway", upstream=upstream.url)


def _both_at_once(cast: Cast) -> None:
    cast.open(together=True).close_both((4000, "the client is done"), (4001, "the server is done"))


def _close_never_answered(cast: Cast) -> None:
    peers = cast.meet("never-answers-close", close_timeout=SHORT_CLOSE_TIMEOUT)
    peers.close("client", 1000, "bye")


# --- The results ----------------------------------------------------------------------------------


def _both(code: int) -> Documented:
    """Both peers send this code, report it, and call the closing clean."""
    return Documented(code, code, code, True, code, True)


def _client_fails(code: int, sent: int | None = None) -> Documented:
    """The client fails the connection with `code`; the raw server sends `sent`, if anything."""
    return Documented(code, sent, 1006, False, code, None)


def _server_fails(code: int) -> Documented:
    """The server fails the connection with `code`; the raw client sends no close frame."""
    return Documented(None, code, code, None, 1006, False)


def _meets(how: str, documented: Documented, name: str = "") -> Ending:
    """The ending in which a client meets a server that plays the case `how`."""

    def script(cast: Cast) -> None:
        cast.meet(how)

    return Ending(name or how, FAULTY_FRAMES[how].section, script, documented)


def _visited_by(how: str, documented: Documented, name: str = "") -> Ending:
    """The ending in which a client that plays the case `how` visits the server."""
    return Ending(name or how, FAULTY_FRAMES[how].section, lambda cast: cast.visit(how), documented)


_CODES = "RFC 6455 §7.4.1"

ENDINGS: dict[str, Ending] = {ending.name: ending for ending in [
    Ending("1000", "RFC 6455 §7.1.2", _closes("client", 1000, "done"), _both(1000)),
    Ending("1001", _CODES, _shuts_down(1001), _both(1001)),
    _meets("masks-its-frames", _client_fails(1002), "1002"),
    Ending("1003", _CODES, _sends("text-only", b"\x00\x01\x02"), _both(1003)),
    Ending("1004", _CODES, _tries_then_meets("close-code-1004", 1004), _client_fails(1002, 1004)),
    Ending("1005", "RFC 6455 §7.1.5", _asks_for_1005, _both(1005)),
    Ending("1006", "RFC 6455 §7.1.5", _asks_for_1006,
           Documented(None, None, 1006, False, 1006, False)),
    _visited_by("text-not-utf8", _server_fails(1007), "1007"),
    Ending("1008", _CODES, _sends("guarded", "let me in"), _both(1008)),
    Ending("1009", _CODES, _sends("echo", "x" * 100),
           Documented(1009, 1009, 1009, True, 1006, False)),
    # Known only after the server's 101: it has agreed on no extension.
    Ending("1010", _CODES, _closes("client", 1010, "permessage-deflate"), _both(1010)),
    Ending("1011", _CODES, _sends("crashes", "Hello"), _both(1011),
           {"ws": Documented(None, None, 1006, False, None, False)}),
    Ending("1012", "RFC 6455 §11.7", _shuts_down(1012, "back in a moment"), _both(1012)),
    Ending("1013", "RFC 6455 §11.7", _full, _both(1013)),
    Ending("1014", "RFC 6455 §11.7", _gateway, _both(1014)),
    Ending("1015", _CODES, _tls_fails, Documented(None, None, None, False, None, False),
           {"ws": Documented(None, None, 1006, False, None, False)}),
    Ending("3000", "RFC 6455 §7.4.2", _sends("session", "balance?"), _both(3000)),
    Ending("4000", "RFC 6455 §7.4.2", _closes("client", 4000, "game over"), _both(4000)),
    Ending("code-not-for-scripts", "RFC 6455 §7.4.2", _closes("client", 1002, "by hand"),
           _both(1002)),
    Ending("reason-too-long", "RFC 6455 §5.5", _tries_then_meets("long-close", 1000, "x" * 124),
           _client_fails(1002, 1000)),
    _meets("close-reason-not-utf8", _client_fails(1007, 1000), "reason-not-utf8"),
    _meets("one-byte-close", _client_fails(1002)),
    _meets("close-code-1005", _client_fails(1002, 1005)),
    _meets("close-code-1006", _client_fails(1002, 1006)),
    _meets("close-code-1015", _client_fails(1002, 1015)),
    _meets("data-after-close", Documented(1000, 1000, 1000, True, 1000, None)),
    Ending("both-at-once", "RFC 6455 §7.1.5", _both_at_once,
           Documented(4000, 4001, 4001, True, 4000, True)),
    Ending("never-answers-close", "RFC 6455 §7.1.1", _close_never_answered,
           Documented(1000, None, 1006, False, 1000, None)),
    _meets("half-closes", Documented(None, None, 1006, False, None, None)),
    _visited_by("sends-unmasked", _server_fails(1002)),
]}  # fmt: skip
"""All endings: those of a close code by its number, the others by name."""


def play(ending: Ending, peers: Peers, capture: Capture) -> Result:
    """Make `ending` happen, record it in `capture`, and return the result. Leaves nothing running.

    Takes some milliseconds, and at most a few times `PATIENCE` seconds.
    """
    before = len(capture.log.streams) // 2
    started = time.perf_counter()
    with contextlib.ExitStack() as things:
        cast = Cast(peers, capture, things)
        try:
            ending.script(cast)
            reports = {
                side: cast.reports.get(side) or peers.report(side, PATIENCE)
                for side in ("client", "server")
                if side != cast.raw
            }
            wait_for_the_end(capture, before, PATIENCE)
        finally:
            peers.reset()
    connection = before + 1
    sends = {side: _close_sent(capture, connection, side) for side in ("client", "server")}
    if cast.raw is not None:
        heard = sends["client" if cast.raw == "server" else "server"]
        said = "no close frame" if heard is None else f"close {heard}"
        reports[cast.raw] = PeerReport(heard, "", None, (said,))
    client, server = reports["client"], reports["server"]
    observed = Documented(
        sends["client"], sends["server"], client.code, client.clean, server.code, server.clean
    )
    return Result(
        ending.name,
        peers.name,
        connection,
        tuple(wire_lines(capture, connection)),
        client,
        server,
        observed,
        ending.elsewhere.get(peers.name, ending.documented),
        time.perf_counter() - started,
    )


def _close_sent(capture: Capture, connection: int, direction: Direction) -> int | None:
    """The code in a peer's first close frame: 1005 for a frame without one, None for no frame."""
    index = capture.index
    for row in index.rows():
        if (row.connection, row.direction, row.kind) == (connection, direction, "close"):
            return code_in(index.unit(row.number).payload)
    return None


def name_of(ending: int | str) -> str:
    """The name of an ending: 1001 and "1001" are the same.

    Raises KeyError for an unknown one, with a list of all endings.
    """
    name = str(ending)
    if name not in ENDINGS:
        hint = f" ({close_code(int(name)).meaning})" if name.isdigit() and len(name) < 6 else ""
        raise KeyError(f"expected one of {', '.join(ENDINGS)}, got {name!r}{hint}")
    return name
