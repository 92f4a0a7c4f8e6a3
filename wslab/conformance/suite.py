"""Runs the cases against a server, or against a client that connects again for each of them."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatch

from wslab.conformance.cases import CASES
from wslab.conformance.play import Played, with_client, with_server
from wslab.conformance.report import Report
from wslab.conformance.verdict import Verdict, judge
from wslab.conformance.wire import Wire
from wslab.net import Address, ConnectFailed, WrongValue, refuse_held, run_on_loop
from wslab.net.cases import Case
from wslab.net.clients import dial
from wslab.net.servers import RawConnection, RawServer
from wslab.wire import Direction
from wslab.wire.protocol import parse_head

PATIENCE = 2.0
"""Seconds that the peer has for each step of a case."""

AT_ONCE = 8
"""How many cases are played with a server at the same time."""

Told = Callable[[Verdict], None]
"""Is told each verdict as it comes."""


def cases_for(peer: Direction, only: str = "") -> list[Case]:
    """The cases for a server or a client under test, of which `only` (a pattern such as `text-*`)
    picks some. Raises `WrongValue` where it picks none."""
    by = "server" if peer == "client" else "client"
    found = [case for case in CASES.values() if by in case.by]
    picked = [case for case in found if not only or fnmatch(case.name, only)]
    if not picked:
        raise WrongValue(
            f"expected the name of a case for a {peer}, or a pattern such as 'text-*', got {only!r}"
        )
    return picked


# --- A server under test


def check_server(
    where: str | int | Address,
    cases: Sequence[Case] | None = None,
    *,
    patience: float = PATIENCE,
    tell: Told = lambda verdict: None,
) -> Report:
    """Run the cases against an echo server. Raises `ConnectFailed` if nobody listens there."""
    address = where if isinstance(where, Address) else Address.parse(where)
    cases = cases_for("server") if cases is None else cases
    refuse = functools.partial(refuse_held, address)
    return run_on_loop(_check_server(address, cases, patience, tell), refuse=refuse)


async def _check_server(
    address: Address, cases: Sequence[Case], patience: float, tell: Told
) -> Report:
    began = time.perf_counter()
    _, writer = await dial(address, patience)  # says in one line that nobody is there
    writer.close()
    places = asyncio.Semaphore(AT_ONCE)
    verdicts: dict[str, Verdict] = {}

    async def play(case: Case) -> None:
        async with places:
            verdicts[case.name] = await _with_server(case, address, patience)
            tell(verdicts[case.name])

    async with asyncio.TaskGroup() as group:  # ends all of them if this is given up
        for case in cases:
            group.create_task(play(case))
    ordered = [verdicts[case.name] for case in cases]
    return Report("server", address.url, ordered, time.perf_counter() - began)


async def _with_server(case: Case, address: Address, patience: float) -> Verdict:
    began = time.perf_counter()
    try:
        reader, writer = await dial(address, patience, wire_name=case.name)
    except ConnectFailed as failed:
        return Verdict(case, "fail", f"{failed}: did an earlier case end the server?", case.section)
    wire = Wire(reader, writer, "client", patience)
    try:
        played = await with_server(case, wire, address)
    finally:
        await wire.end()
    return _verdict_of(case, played, began)


def _verdict_of(case: Case, played: Played, began: float) -> Verdict:
    word, why, rfc = judge(case, played)
    return Verdict(case, word, why, rfc, played.wire.capture, time.perf_counter() - began)


# --- A client under test


class CaseServer(RawServer):
    """A server for clients under test: each connection gets the next case, or the one that its path
    names, once. When all have been played it refuses further connections with 410.
    """

    def __init__(
        self,
        cases: Sequence[Case] | None = None,
        *,
        patience: float = PATIENCE,
        tell: Told = lambda verdict: None,
        port: int = 0,
    ) -> None:
        super().__init__(self._play, name="conformance", port=port, reads_head=False)
        chosen = cases_for("client") if cases is None else cases
        self.cases = {one.name: one for one in chosen}
        self.verdicts: dict[str, Verdict] = {}
        """By name, as far as they have come."""
        self.last = threading.Event()
        """Set when every case has its verdict."""
        self._begun: set[str] = set()
        self._patience, self._tell = patience, tell
        self._start_time = time.perf_counter()

    def report(self) -> Report:
        """The verdicts so far; a case to which no client came is skipped."""
        none = "no client connected for it"
        verdicts = [
            self.verdicts.get(name) or Verdict(case, "skipped", none)
            for name, case in self.cases.items()
        ]
        return Report("client", self.url, verdicts, time.perf_counter() - self._start_time)

    async def _play(self, connection: RawConnection) -> None:
        began = time.perf_counter()
        wire = Wire(connection.reader, connection.writer, "server", self._patience)
        try:
            if not await wire.until(lambda wire: wire.count("client", "request") > 0):
                return  # some clients open connections of which they make no use
            case = self._next(wire)
            if case is None:
                await connection.respond("410 Gone", "Content-Length: 0", "Connection: close")
                return
            played = await with_client(case, wire)
        finally:
            await wire.end()
        verdict = self.verdicts[case.name] = _verdict_of(case, played, began)
        self._tell(verdict)
        if len(self.verdicts) == len(self.cases):
            self.last.set()

    def _next(self, wire: Wire) -> Case | None:
        request = wire.units("client")
        path = parse_head(request[0].data).first_line.split(" ")[1:2]
        name = path[0].strip("/") if path else ""
        if name not in self.cases or name in self._begun:
            name = next((one for one in self.cases if one not in self._begun), "")
        self._begun.add(name)
        return self.cases.get(name)
