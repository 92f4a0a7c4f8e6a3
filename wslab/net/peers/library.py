"""A server and clients on Python's `websockets`, run from outside, that report what they see.

They use the library as its documentation shows, without any code of ours in between, so the reports
are what the library itself says. `node.py` does the same with Node's `ws`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.net import loop
from wslab.net.address import LOOPBACK
from wslab.net.peers.peers import CLOSE_TIMEOUT, MAX_SIZE, PATIENCE, PeerReport, Peers
from wslab.net.problem_log import ProblemLog

# --- What the server does with a connection -------------------------------------------------------

Behaviour = Callable[["_Watched", "LibraryPeers"], Awaitable[None]]


async def _echo(connection: _Watched, _: LibraryPeers) -> None:
    while True:
        await connection.send(await connection.recv())


async def _text_only(connection: _Watched, _: LibraryPeers) -> None:
    while isinstance(message := await connection.recv(), str):
        await connection.send(message)
    await connection.close(1003, "text only, please")


async def _guarded(connection: _Watched, _: LibraryPeers) -> None:
    if await connection.recv() != "open sesame":
        await connection.close(1008, "wrong password")


async def _crashes(connection: _Watched, _: LibraryPeers) -> None:
    message = await connection.recv()
    raise RuntimeError(f"a bug in the handler, met at {message!r}")


async def _one_at_a_time(connection: _Watched, peers: LibraryPeers) -> None:
    if len(peers.served) > 1:
        await connection.close(1013, "full: come back later")
    await connection.recv()


async def _gateway(connection: _Watched, peers: LibraryPeers) -> None:
    try:
        async with connect(peers.upstream, proxy=None, logger=peers.log.logger):
            raise AssertionError("the server behind the gateway is one that answers no 101")
    except Exception as error:
        connection.said.append(f"connect(upstream) raised {_named(error)}")
        await connection.close(1014, "bad answer from upstream")


async def _session(connection: _Watched, _: LibraryPeers) -> None:
    await connection.recv()
    await connection.close(3000, "your login has run out")


BEHAVIOURS: dict[str, Behaviour] = {
    "echo": _echo,
    "text-only": _text_only,
    "guarded": _guarded,
    "crashes": _crashes,
    "one-at-a-time": _one_at_a_time,
    "gateway": _gateway,
    "session": _session,
}
"""The behaviours that a server can have, by name. `ws_peers.js` has the same ones."""


class _Watched:
    """A connection that notes each call that fails."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.said: list[str] = []
        self.over = asyncio.Event()
        """Set when the program that uses the connection has learned that it ended."""

    async def recv(self) -> str | bytes:
        with self._noted("recv()"):
            return await self.connection.recv()

    async def send(self, message: str | bytes) -> None:
        with self._noted("send()"):
            await self.connection.send(message)

    async def close(self, code: int | None, reason: str = "") -> None:
        with self._noted(f"close({code}{f', {_short(reason)!r}' if reason else ''})"):
            # The library's types say int; None is what its protocol takes for "no code".
            await self.connection.close(code, reason)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def _noted(self, call: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.said.append(f"{call} raised {_named(error)}")
            raise

    def report(self) -> PeerReport:
        protocol = self.connection.protocol
        code = self.connection.close_code
        return PeerReport(
            None if code is None else int(code),
            self.connection.close_reason or "",
            protocol.close_rcvd is not None and protocol.close_sent is not None,
            tuple(self.said),
        )


# --- The peers ------------------------------------------------------------------------------------


class LibraryPeers(Peers):
    """A server and its clients on `websockets`, all of them on the loop thread."""

    name = "websockets"

    def __init__(self) -> None:
        self.log = ProblemLog("peers.websockets")
        self.served: list[_Watched] = []
        self.upstream = ""
        self._server: Server | None = None
        self._clients: dict[str, _Watched] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, PeerReport] = {}

    def reset(self) -> None:
        loop.run(self._stop())

    stop = reset

    def _order(self, order: str, who: str, **details: Any) -> Any:
        """Run the coroutine of that name on the loop."""
        patience = PATIENCE + details.get("patience", 0.0)
        return loop.run(getattr(self, f"_{order}")(who, **details), patience)

    def _peer(self, who: str) -> _Watched:
        return self.served[-1] if who == "server" else self._clients[who]

    async def _serve(self, _: str, behaviour: str, upstream: str, together: bool) -> int:
        # `together` changes nothing here: all peers share a loop anyway.
        self.upstream = upstream

        async def handler(connection: ServerConnection) -> None:
            watched = _Watched(connection)
            self.served.append(watched)
            try:
                await BEHAVIOURS[behaviour](watched, self)
                await watched.recv()  # raises when the connection has ended
            except ConnectionClosed:
                pass
            except Exception as error:
                watched.said.append(f"the handler raised {_named(error)}")
                raise  # to see what the library does then
            finally:
                watched.over.set()

        self._server = await serve(
            handler,
            LOOPBACK,
            0,
            compression=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT,
            max_size=MAX_SIZE,
            logger=self.log.logger,
        )
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    async def _connect(self, who: str, url: str, close_timeout: float) -> None:
        self._failed.pop(who, None)
        try:
            connection = await connect(
                url,
                compression=None,
                ping_interval=None,
                close_timeout=close_timeout,
                open_timeout=10.0,
                proxy=None,
                logger=self.log.logger,
            )
        except Exception as error:
            self._failed[who] = PeerReport(None, "", False, (f"connect() raised {_named(error)}",))
            return
        self._clients[who] = _Watched(connection)
        self._readers[who] = asyncio.get_running_loop().create_task(_read(self._clients[who]))

    async def _send(self, who: str, message: str | bytes) -> None:
        with contextlib.suppress(Exception):  # noted where it was raised
            await self._peer(who).send(message)

    async def _close(self, who: str, code: int | None, reason: str) -> None:
        await _close(self._peer(who), code, reason)

    async def _close_both(self, _: str, client: tuple[int, str], server: tuple[int, str]) -> None:
        # Both write before the loop reads again: neither can have seen the other's frame.
        await asyncio.gather(
            _close(self._peer("client"), *client), _close(self._peer("server"), *server)
        )

    async def _vanish(self, who: str) -> None:
        self._peer(who).connection.transport.abort()

    async def _shut_down(self, _: str, code: int, reason: str) -> None:
        assert self._server is not None
        if code != 1001:  # which is the library's own
            await asyncio.gather(*(_close(peer, code, reason) for peer in self.served))
        self._server.close()
        await self._server.wait_closed()

    async def _report(self, who: str, patience: float) -> PeerReport:
        if who in self._failed:
            return self._failed[who]
        if who == "server" and not self.served:
            return PeerReport(None, "", False, ("the handler was never called",))
        peer = self._peer(who)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await peer.connection.wait_closed()
                await peer.over.wait()
        return peer.report()

    async def _stop(self) -> None:
        server, self._server = self._server, None
        for peer in [*self._clients.values(), *self.served]:
            peer.connection.transport.abort()
        if self._readers:
            await asyncio.wait(self._readers.values())
        if server is not None:
            server.close()
            await server.wait_closed()
        self._clients, self._readers, self.served = {}, {}, []


async def _close(peer: _Watched, code: int | None, reason: str) -> None:
    with contextlib.suppress(Exception):  # noted where it was raised
        await peer.close(code, reason)


async def _read(client: _Watched) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await client.recv()
    client.over.set()


def _named(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    if cause is not None and str(cause) and str(cause) not in text:
        text += f" ({type(cause).__name__}: {cause})"
    return text


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text)} characters)"
