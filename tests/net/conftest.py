"""Real sockets on loopback, and nothing left behind by any test."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from wslab.net import EchoServer, Tap, loop, running, stop_all
from wslab.wire import Capture, Direction

PATIENCE = 10.0
"""Seconds after which a test that waits for something has failed; nothing here takes as long."""


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    loop.problems.clear()
    before = set(threading.enumerate())
    yield
    stop_all()
    assert list(running()) == []
    assert loop.tasks() == []
    # The resolver's thread pool belongs to asyncio, and is kept for the next host name.
    after = {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}
    assert {thread.name for thread in after - before} <= {loop.THREAD_NAME}
    problems = list(loop.problems)
    loop.problems.clear()
    assert problems == []


class Lab(NamedTuple):
    """What most tests need: an echo server, a tap in front of it, and the capture it fills."""

    server: EchoServer
    tap: Tap
    capture: Capture


@pytest.fixture
def capture() -> Capture:
    return Capture()


@pytest.fixture
def lab(capture: Capture) -> Iterator[Lab]:
    with EchoServer() as server, Tap(server.port, capture) as tap:
        yield Lab(server, tap, capture)


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port where nobody listens: it is bound, so that nobody else gets it meanwhile."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def interrupt_when() -> Iterator[Callable[[threading.Event], None]]:
    """Presses the Stop button, which is SIGINT to the main thread, as soon as an event is set."""
    if not hasattr(signal, "pthread_kill"):
        pytest.skip("needs POSIX signals")
    main = threading.main_thread().ident
    assert main is not None
    threads: list[threading.Thread] = []

    def interrupt_when(event: threading.Event) -> None:
        def stop_button() -> None:
            event.wait(PATIENCE)
            signal.pthread_kill(main, signal.SIGINT)

        threads.append(threading.Thread(target=stop_button))
        threads[-1].start()

    yield interrupt_when
    for thread in threads:
        thread.join()


class Log(Capture):
    """A recording that also keeps what a tap told it, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[Any, ...]] = []
        self.opened = 0
        self.changed = threading.Condition()

    def open_connection(self, **options: Any) -> int:
        self.opened = super().open_connection(**options)
        self._add("open", self.opened)
        return self.opened

    def recorder(self, connection: int, direction: Direction) -> Callable[[bytes], None]:
        return lambda data: self._add(connection, direction, data)

    def end(self, connection: int, direction: Direction, how: Any = "eof") -> None:
        super().end(connection, direction, how)
        self._add(connection, direction, how)

    def _add(self, *entry: Any) -> None:
        with self.changed:
            self.entries.append(entry)
            self.changed.notify_all()

    def bytes(self, connection: int, direction: str) -> bytes:
        return b"".join(
            entry[2]
            for entry in list(self.entries)
            if entry[:2] == (connection, direction) and isinstance(entry[2], bytes)
        )

    def wait_for(self, *entry: Any) -> None:
        """Until the tap told this."""
        with self.changed:
            assert self.changed.wait_for(lambda: entry in self.entries, PATIENCE), self.entries


@pytest.fixture
def log() -> Log:
    return Log()
