"""A server and clients on Python's `websockets`, run from outside, that report what they see.

They use the library as its documentation shows, without any code of ours in between, so the reports
are what the library itself says. `node.py` does the same with Node's `ws`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.net import loop
from wslab.net.address import LOOPBACK
from wslab.net.peers.peers import CLOSE_TIMEOUT, MAX_SIZE, PATIENCE, SHORT, PeerReport, Peers
from wslab.net.peers.process import ProcessPeers
from wslab.net.problem_log import ProblemLog

# --- What the server does with a connection -------------------------------------------------------

Behaviour = Callable[["_Watched", "LibraryPeers"], Awaitable[None]]


async def _echo(connection: _Watched, _: LibraryPeers) -> None:
    while True:
        await connection.send(await connection.recv())


async def _listens(connection: _Watched, _: LibraryPeers) -> None:
    while True:
        await connection.recv()


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
    "listens": _listens,
    "text-only": _text_only,
    "guarded": _guarded,
    "crashes": _crashes,
    "one-at-a-time": _one_at_a_time,
    "gateway": _gateway,
    "session": _session,
}
"""The behaviours that a server can have, by name. `ws_peers.js` has the same ones."""


class _Watched:
    """A connection that notes what its API hands over, and each call that fails."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.said: list[str] = []
        self.heard: list[str] = []
        """See `Peers.hear`."""
        self.news = asyncio.Condition()
        self.over = asyncio.Event()
        """Set when the program that uses the connection has learned that it ended."""

    async def recv(self) -> str | bytes:
        with self._noted("recv()"):
            message = await self.connection.recv()
        await self.note(_told(message))
        return message

    async def note(self, heard: str) -> None:
        self.heard.append(heard)
        async with self.news:
            self.news.notify_all()

    async def end(self) -> None:
        self.over.set()
        async with self.news:
            self.news.notify_all()

    async def send(self, message: str | bytes | Sequence[str]) -> None:
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
        self._calls: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        """Set when the server's first connection is there."""

    def reset(self) -> None:
        loop.run(self._stop())

    stop = reset

    def _order(self, order: str, who: str, **details: Any) -> Any:
        """Run the coroutine of that name on the loop."""
        patience = PATIENCE + details.get("patience", 0.0)
        return loop.run(getattr(self, f"_{order}")(who, **details), patience)

    def _peer(self, who: str) -> _Watched:
        return self.served[-1] if who == "server" else self._clients[who]

    async def _serve(
        self,
        _: str,
        behaviour: str,
        upstream: str,
        together: bool,
        compression: bool,
        limited: bool,
        keepalive: float,
    ) -> int:
        # `together` changes nothing here: all peers share a loop anyway.
        self.upstream = upstream

        async def handler(connection: ServerConnection) -> None:
            watched = _Watched(connection)
            self.served.append(watched)
            self._arrived.set()
            try:
                await BEHAVIOURS[behaviour](watched, self)
                await watched.recv()  # raises when the connection has ended
            except ConnectionClosed:
                pass
            except Exception as error:
                watched.said.append(f"the handler raised {_named(error)}")
                raise  # to see what the library does then
            finally:
                await watched.end()

        limit: dict[str, Any] = {"max_size": MAX_SIZE} if limited else {}
        self._server = await serve(
            handler,
            LOOPBACK,
            0,
            compression="deflate" if compression else None,
            ping_interval=keepalive or None,
            close_timeout=CLOSE_TIMEOUT,
            logger=self.log.logger,
            **limit,
        )
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    async def _connect(
        self, who: str, url: str, close_timeout: float, compression: bool, keepalive: float
    ) -> None:
        self._failed.pop(who, None)
        try:
            connection = await connect(
                url,
                compression="deflate" if compression else None,
                ping_interval=keepalive or None,
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

    async def _send(self, who: str, message: str | bytes | Sequence[str]) -> str | None:
        return await self._refusal(who, self._peer(who).send(message))

    async def _send_fragments(self, who: str, parts: Sequence[str]) -> str | None:
        return await self._send(who, parts)

    async def _ping(self, who: str, payload: str) -> None:
        peer = self._peer(who)
        answered = await peer.connection.ping(payload)

        async def wait_for_pong() -> None:
            with contextlib.suppress(ConnectionClosed):
                await answered
                await peer.note(f"pong '{payload}' (what ping() returned is done)")

        self._start(wait_for_pong())

    async def _hear(self, who: str, count: int, patience: float) -> list[str]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                if who == "server":
                    await self._arrived.wait()
                peer = self._peer(who)
                async with peer.news:
                    await peer.news.wait_for(lambda: len(peer.heard) >= count or peer.over.is_set())
        return list(self._peer(who).heard)

    async def _close(self, who: str, code: int | None, reason: str) -> str | None:
        return await self._refusal(who, self._peer(who).close(code, reason))

    async def _close_plainly(self, who: str) -> str | None:
        return await self._refusal(who, self._peer(who).connection.close())

    async def _close_both(self, _: str, client: tuple[int, str], server: tuple[int, str]) -> None:
        # Both write before the loop reads again: neither can have seen the other's frame.
        closes = self._peer("client").close(*client), self._peer("server").close(*server)
        for close in closes:
            self._start(close)

    async def _refusal(self, who: str, call: Coroutine[Any, Any, None]) -> str | None:
        """Start a call, and return what it says if it refuses at once.

        The call goes on alone: close() is done when the other peer has answered, and send() when
        that peer has taken enough.
        """
        said = self._peer(who).said
        before = len(said)
        self._start(call)
        for _ in range(3):
            await asyncio.sleep(0)  # by now it has written its frame, or raised
        return said[before] if len(said) > before else None

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        async def act() -> None:
            with contextlib.suppress(Exception):  # noted where it was raised
                await call

        task = asyncio.get_running_loop().create_task(act())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _vanish(self, who: str, reset: bool) -> None:
        transport = self._peer(who).connection.transport
        if reset:
            # Closing without lingering is what makes the system send RST (POSIX, SO_LINGER).
            linger = struct.pack("ii" if sys.platform != "win32" else "hh", 1, 0)
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
        transport.abort()

    async def _leave(self, _: str) -> str:
        return "it shares the kernel's process"

    _kill = _leave

    async def _close_server(self, _: str) -> None:
        assert self._server is not None
        self._server.close()

    async def _shut_down(self, _: str, code: int, reason: str) -> None:
        assert self._server is not None
        if code != 1001:  # which is the library's own
            await asyncio.gather(*(peer.close(code, reason) for peer in self.served))
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
        if tasks := [*self._readers.values(), *self._calls]:
            await asyncio.wait(tasks)
        if server is not None:
            server.close()
            await server.wait_closed()
        self._clients, self._readers, self.served = {}, {}, []
        self._arrived.clear()


class LibraryProcesses(ProcessPeers):
    """The same in processes of their own, which can be killed."""

    name = "websockets"

    def __init__(self) -> None:
        super().__init__([sys.executable, "-m", "wslab.net.peers.library_process"])


async def _read(client: _Watched) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await client.recv()
    await client.end()


def _told(message: str | bytes) -> str:
    """A message as this API hands it over, as `Peers.hear` tells it."""
    if isinstance(message, str):
        shown = repr(message) if len(message) <= SHORT else f"of {len(message):,} characters"
        return f"text {shown} (str)"
    shown = message.hex(" ") if len(message) <= SHORT else f"of {len(message):,} bytes"
    return f"binary {shown}".strip() + " (bytes)"


def _named(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    if cause is not None and str(cause) and str(cause) not in text:
        text += f" ({type(cause).__name__}: {cause})"
    return text


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text)} characters)"
