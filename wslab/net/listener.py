"""What servers and taps share: a port on this machine, a name in the registry, start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import ClassVar, Self

from wslab.net import loop, registry
from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import NotRunning, PortForbidden, PortTaken, WrongValue
from wslab.net.problem_log import ProblemLog

# Linux and macOS say EADDRINUSE, Windows WSAEADDRINUSE.
_IN_USE = {errno.EADDRINUSE, 10048}


class Listener:
    """Something that listens on a port of the loopback interface.

    `start` and `stop` are plain functions and may each be called twice. With port 0 the system
    picks a free port. A subclass uses the bound socket in `_open` and releases everything in
    `_close`; both run on the loop thread. Raises `PortTaken` or `PortForbidden` if a fixed port
    is not available.
    """

    kind: ClassVar[str] = "server"
    max_size: int | None = None
    """Bytes of the largest message that it reads; None if it sets no limit."""
    secure: bool = False
    """Whether it speaks TLS, so that its address is a ``wss://`` one."""

    def __init__(self, name: str, port: int = 0) -> None:
        if not isinstance(name, str):
            raise WrongValue(f"expected a name as str, such as 'echo', got {name!r}")
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise WrongValue(f"expected a port from 0 (any free one) to 65535, got {port!r}")
        self.name = name
        self.path = "/"
        self.log = ProblemLog(f"{self.kind}.{name}")
        """The last problems, newest last: nothing is printed from a background thread."""
        self._wanted_port = port
        self._bound_port: int | None = None
        self._running = False
        self._changing = asyncio.Lock()

    @property
    def port(self) -> int:
        """The port it listens on. Raises `NotRunning` before the first start."""
        if self._bound_port is None:
            raise NotRunning(f"{self.kind} {self.name!r} has no port yet: call start() first")
        return self._bound_port

    @property
    def url(self) -> str:
        """The address that a client connects to. Raises `NotRunning` before the first start."""
        return Address(self.secure, LOOPBACK, self.port, self.path).url

    @property
    def is_running(self) -> bool:
        """Whether it is listening."""
        return self._running

    def start(self) -> Self:
        """Listen; stops what ran under the same kind and name. A second call does nothing."""
        loop.refuse_on_loop_thread(f"{type(self).__name__}.start")
        if self._running:
            return self
        try:
            registry.register(self.kind, self.name, self)
            loop.run(self._start())
            registry.tell_ports()
        except BaseException:
            # An interrupt may come just after `_start` has finished: nothing is left to cancel.
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop listening and end every connection. A second call does nothing."""
        try:
            loop.run(self._stop())
        finally:
            # If it was interrupted too early, it still runs and must stay in the registry.
            if not self._running:
                registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's that listens."""
        self._running, self._changing = False, asyncio.Lock()

    async def _open(self, sock: socket.socket) -> None:
        """Serve on `sock`, which is bound; this object must close it."""
        raise NotImplementedError

    async def _close(self) -> None:
        """Close the socket and every connection, even after an `_open` that failed halfway."""
        raise NotImplementedError

    async def _start(self) -> None:
        async with self._changing:
            if self._running:
                return
            self._bound_port = None
            await self._listen()
            self._running = True
            if not registry.holds(self):
                # Replaced or stopped before this began, when there was nothing to stop yet.
                self._running = False
                await asyncio.shield(self._close())

    async def _listen(self) -> None:
        sock = self._bind()
        try:
            await self._open(sock)
        # CancelledError too: an interrupted start leaves nothing behind.
        except BaseException as error:
            with contextlib.suppress(Exception):
                await self._close()
            sock.close()
            if isinstance(error, OSError):
                raise self._explain(error) from error
            raise

    async def _stop(self) -> None:
        async with self._changing:
            try:
                if self._running:
                    self._running = False
                    # Shielded: an interrupt ends the waiting, not the clean-up.
                    await asyncio.shield(self._close())
            except OSError as fault:  # the peer has gone: ending a lab must not fail
                self.log.note(f"while {self.kind} {self.name!r} stopped", fault)
            finally:
                # `stop` does this too, but it may have been interrupted before this had begun.
                registry.unregister(self)

    def _bind(self) -> socket.socket:
        # Name TCP: if the protocol is left out, asyncio does not recognise it as TCP and leaves
        # Nagle's algorithm on, and small frames that follow each other wait 40 ms for an ACK.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                # So that the port can be reused at once although old connections are still in
                # TIME_WAIT.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setblocking(False)
            sock.bind((LOOPBACK, self._wanted_port))
        except OSError as error:
            sock.close()
            raise self._explain(error) from error
        self._bound_port = sock.getsockname()[1]
        return sock

    def _explain(self, error: OSError) -> Exception:
        port = self._wanted_port
        where = f"{LOOPBACK}:{port}"
        if error.errno in _IN_USE:
            holder = registry.port_holder(port)
            if holder is not None and holder.thing is not self:
                return PortTaken(
                    f"expected port {port} to be free for {self.kind} {self.name!r}, but our own "
                    f"{holder} holds it: stop that one first (wslab.net.stop_all() stops "
                    "everything), or leave the port out and get a free one"
                )
            return PortTaken(
                f"expected port {port} to be free for {self.kind} {self.name!r}, but another "
                f"program on this machine listens on {where} (none of ours): end that program, "
                "choose another port, or leave the port out and get a free one"
            )
        if isinstance(error, PermissionError):
            return PortForbidden(
                f"the system does not let this program listen on {where} ({error.strerror}): "
                "ports below 1024 need special rights; choose one from 1024 to 65535, or leave "
                "the port out and get a free one"
            )
        return error

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = "not started" if self._bound_port is None else self.url
        state = "" if self._running or self._bound_port is None else ", stopped"
        return f"<{type(self).__name__} {self.name!r} {where}{state}>"
