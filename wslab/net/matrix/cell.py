"""A cell of the matrix: one situation with one client and one server, played and compared."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from wslab.net import loop
from wslab.net.address import LOOPBACK
from wslab.net.cases.wire_line import WireLine, wait_for_the_end, wire_lines
from wslab.net.errors import NotRunning
from wslab.net.matrix.differences import DIFFERENCES, Difference
from wslab.net.matrix.situation import NOBODY, SIDES, Cannot, Seen, Side, Situation, Stage
from wslab.net.matrix.situations import SITUATIONS
from wslab.net.peers import (
    LibraryProcesses,
    NodeOwnPeers,
    NodePeers,
    PagePeers,
    PeerReport,
    Peers,
)
from wslab.net.peers.frame_peer import code_in
from wslab.net.peers.page import InPage
from wslab.net.peers.peers import SHORT
from wslab.net.tap import Tap
from wslab.wire import Capture, Direction
from wslab.wire.protocol import parse_head

CLIENTS = {
    "websockets": "Python websockets",
    "browser": "this browser",
    "ws": "Node ws",
    "WebSocket": "Node WebSocket",
}
"""The clients, by name: who they are."""

SERVERS = {"websockets": "Python websockets", "ws": "Node ws"}
"""The servers, by name: who they are."""

PATIENCE = 10.0
"""Seconds within which a connection must have ended."""


class Cell(NamedTuple):
    """One situation with one client and one server."""

    situation: str
    client: str
    server: str

    @property
    def expected(self) -> Seen:
        """What is written down: what the rule says, and what is known of these two peers."""
        seen = SITUATIONS[self.situation].expected
        for one in self.differences:
            seen = seen._replace(**one.seen)
        return seen

    @property
    def differences(self) -> list[Difference]:
        """What is known of these peers in this situation, besides what the rule says."""
        return [one for one in DIFFERENCES if one.is_of(*self)]


CELLS = [
    Cell(name, client, server) for name in SITUATIONS for server in SERVERS for client in CLIENTS
]
"""All cells, row by row."""


class Played(NamedTuple):
    """What came of a cell."""

    cell: Cell
    seen: Seen
    wire: tuple[WireLine, ...] = ()
    client_heard: tuple[str, ...] = ()
    """What the client's API handed over, with the API's own types."""
    server_heard: tuple[str, ...] = ()
    client: PeerReport | None = None
    server: PeerReport | None = None
    why_not: str = ""
    """Why a peer could not do its part, in the words of its API."""
    connection: int = 0
    """Its number in the capture; 0 for one that was not recorded there."""
    seconds: float = 0.0
    recorded: str = ""
    """When and with which versions it was recorded; "" if it has just been played."""

    @property
    def unlike(self) -> tuple[str, ...]:
        """The fields of `Seen` in which it is not what is written down."""
        return self.seen.unlike(self.cell.expected)

    @property
    def verdict(self) -> str:
        """`same`: as the rule says. `differs` or `cannot`: as the list of differences says.
        `unknown`: as nothing says that is written down."""
        if self.unlike:
            return "unknown"
        if self.seen.cannot:
            return "cannot"
        return "differs" if self.cell.differences else "same"


class Matrix:
    """Plays cells, one at a time, with processes that are kept from one cell to the next.

    ``in_page`` runs a function in a page, for the browser's column: see `PagePeers`.
    """

    def __init__(self, capture: Capture, in_page: InPage | None = None) -> None:
        self.capture = capture
        self._in_page = in_page or (lambda function, data: None)
        self._peers: dict[str, Peers] = {}
        self._playing = threading.Lock()
        self._stopped = False
        self._numbers = itertools.count(1)

    def play(self, cell: Cell, in_page: InPage | None = None) -> Played:
        """Play one cell. Raises `NodeMissing` or `NoPage` where the peer is not here."""
        with self._playing:
            if self._stopped:
                raise NotRunning(
                    "the matrix is stopped: run the cell that opens the lab, then this one again"
                )
            client, server = self._on(cell.client, in_page), self._on(cell.server)
            return _play(cell, client, server, self.capture, f"cell-{next(self._numbers)}")

    def _on(self, stack: str, in_page: InPage | None = None) -> Peers:
        if stack not in self._peers:
            make: dict[str, Callable[[], Peers]] = {
                "websockets": LibraryProcesses,
                "ws": NodePeers,
                "WebSocket": NodeOwnPeers,
                "browser": lambda: PagePeers(self._in_page),
            }
            self._peers[stack] = make[stack]()
        peers = self._peers[stack]
        if isinstance(peers, PagePeers) and in_page is not None:
            peers.in_page = in_page
        return peers

    def stop(self) -> None:
        """End all processes; nothing is played after that. May be called twice."""
        with self._playing:
            self._stopped = True
            for peers in self._peers.values():
                peers.stop()
            self._peers = {}


def _play(cell: Cell, clients: Peers, servers: Peers, capture: Capture, path: str) -> Played:
    situation, expected = SITUATIONS[cell.situation], cell.expected
    before, started, connection = capture.index.update(), time.perf_counter(), 0
    client, server = Side(clients, "client"), Side(servers, "server")
    with contextlib.ExitStack() as things:
        things.callback(servers.reset)
        port = servers.serve(
            "listens" if situation.listens else "echo",
            compression=situation.compression,
            limited=False,
            keepalive=situation.keepalive,
        )
        tap = things.enter_context(Tap(f"ws://{LOOPBACK}:{port}/{path}", capture, name="matrix"))
        things.callback(clients.reset)
        try:
            refused = clients.connect(
                tap.url, compression=situation.offered, keepalive=situation.keepalive
            )
            if refused is not None:
                raise Cannot("client", "offer nothing", refused)
            server.hear(0)  # it is there now
            loop.run(asyncio.sleep(0))  # the tap forwards first, and records second
            connection = _connection(capture, before, path)
            situation.script(Stage(client, server, tap, capture, connection))
        except Cannot as said:
            seconds = time.perf_counter() - started
            lines = tuple(wire_lines(capture, connection)) if connection else ()
            return Played(
                cell, Seen(cannot=said.what), lines, why_not=str(said), connection=connection,
                seconds=seconds,
            )  # fmt: skip
        reports = {}
        if expected.ends_first is not None:
            patience = 0.3 if expected.ends_first == NOBODY else PATIENCE
            reports = {side.who: side.peers.report(side.who, patience) for side in (client, server)}
            wait_for_the_end(capture, connection - 1, patience, connection)
        loop.run(asyncio.sleep(0))  # the tap forwards first, and records second
        seen = _on_the_wire(situation, capture, connection)
        lines = tuple(wire_lines(capture, connection))
        heard = {side.who: side.hear(0) for side in (client, server)}
        seen = seen._replace(
            client_hears=_without_types(heard["client"]),
            server_hears=_without_types(heard["server"]),
            client_end=_end(reports["client"]) if reports else None,
            server_end=_end(reports["server"]) if reports else None,
        )
        if not reports:
            client.peers.close("client", 1000, "the matrix is done with it")
            client.peers.report("client", 1.0)
    return Played(
        cell, seen, lines, heard["client"], heard["server"],
        reports.get("client"), reports.get("server"),
        connection=connection, seconds=time.perf_counter() - started,
    )  # fmt: skip


def _connection(capture: Capture, before: int, path: str) -> int:
    """The connection whose request asks for that path; others may have been opened meanwhile."""
    return next(
        row.connection
        for row in capture.index.rows(before)
        if row.kind == "request" and row.preview.startswith(f"GET /{path} ")
    )


# --- What is seen ---------------------------------------------------------------------------------

_TOLD_ANYHOW = (1009,)
"""Codes with which a library closes by itself: the reason is its own, and not looked at."""

LARGE = 2**16
"""Bytes of a message from which the number of its frames is not looked at any more."""


def _on_the_wire(situation: Situation, capture: Capture, connection: int) -> Seen:
    sends = {}
    for side in SIDES:
        frames = list(_frames(capture, connection, side, situation.handshake))
        sends[side] = tuple(sorted(set(frames)) if situation.unordered else frames)
    ends = sorted(
        (event.time, f"{event.direction}: {'FIN' if event.name == 'eof' else 'RST'}")
        for event in list(capture.events)
        if event.connection == connection and event.name in ("eof", "reset")
    )
    return Seen(sends["client"], sends["server"], ends[0][1] if ends else NOBODY)


def _frames(capture: Capture, connection: int, side: Direction, handshake: bool) -> Iterator[str]:
    """The frames of one side, in words; a large message in several frames is told as one."""
    index, begun = capture.index, ("", 0)
    for row in index.rows_of(connection, side):
        unit = index.unit(row.number, 256)
        if row.kind in ("request", "response"):
            if handshake:
                yield _extension(unit.data, side)
            continue
        size = len(unit.payload) + unit.rest
        if row.kind == "close":
            code = code_in(unit.payload)
            reason = unit.payload[2:].decode("utf-8", "replace")
            told = "" if code in _TOLD_ANYHOW else f" '{reason}'"
            yield f"close {code}{told}" if unit.payload else "close, empty"
            continue
        compressed = bool(unit.data[0] & 0x40)
        if size >= LARGE and not row.fin:
            begun = (begun[0] or row.kind, begun[1] + size)
            continue
        if begun[0]:
            yield f"{begun[0]} {begun[1] + size:,} B in several frames"
            begun = ("", 0)
            continue
        more = "" if row.fin else ", more follows"
        if compressed and size > SHORT:
            yield f"{row.kind}, compressed{more}"  # to how much depends on the library
        else:
            yield f"{row.kind} {size:,} B{', compressed' if compressed else ''}{more}"


def _extension(head: bytes, side: Direction) -> str:
    said = parse_head(head).get("Sec-WebSocket-Extensions")
    if not said:
        return "no extension"
    return f"{'offers' if side == 'client' else 'agrees on'} {said}"


def _without_types(heard: tuple[str, ...]) -> tuple[str, ...]:
    """What an API handed over, without the type in parentheses, which is its own."""
    return tuple(text.rpartition(" (")[0] for text in heard)


def _end(report: PeerReport) -> str:
    if report.code is None:
        return report.said[-1] if report.said else "still open"
    return f"{report.code} '{report.reason}', {'clean' if report.clean else 'not clean'}"
