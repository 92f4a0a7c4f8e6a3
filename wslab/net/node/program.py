"""JavaScript as text, run in a Node process of its own, which never outlives the kernel."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, ClassVar, Literal, NamedTuple, Self

from wslab.net import loop, registry, socket_names
from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import NotRunning, TimedOut, WrongValue
from wslab.net.node.find import NodeAndWs, find_node

FILE = "program.js"
"""What errors call the program."""

PROGRAMS = Path(__file__).with_name("programs")
"""The folder of the programs that lessons run and show."""

LINES = 1000
"""Lines that are kept of what a program prints."""

LONGEST_LINE = 4000
"""Bytes of the longest line; what is longer becomes several."""

MOST_OUTPUT = 4_000_000
"""Bytes that a program may print before it is ended: one that prints without an end."""

MEMORY = "--max-old-space-size=512"
"""MiB of memory for its objects; a program that fills it ends with an error."""

ASKED_LATE = 2.0
"""Seconds after the end of a connection in which a busy tap may still ask whose it was."""

GRACE = 2.0
"""Seconds that a program has after SIGTERM, until SIGKILL."""

Stream = Literal["out", "err"]


class Printed(NamedTuple):
    """A line that a program printed, and when, in seconds since the epoch."""

    time: float
    name: Stream
    """`out` for `console.log`, `err` for `console.error` and errors that nobody caught."""
    text: str


class NodeProgram:
    """A program in Node; `source` is its text. Start and stop may each be called twice.

    `require("ws")` and `import … from "ws"` find the package. A server in it listens on this
    machine alone, whatever it asks for; `start` does not wait for that, `listens` does. The program
    takes the place of an earlier one of its name.

    It ends when its standard input is closed, and so with the kernel, also if that is killed
    (`lifeline.js`). The Stop button does not reach it. Raises `NodeMissing` where Node or `ws` is
    not installed.
    """

    kind: ClassVar[str] = "node"

    def __init__(
        self,
        source: str,
        name: str = "node",
        *,
        url: str = "",
        variables: Mapping[str, str] = {},
        found: NodeAndWs | None = None,
    ) -> None:
        """The program finds `url` under that name, and `variables` in `process.env`."""
        if not isinstance(source, str):
            raise WrongValue(f"expected a program's text as str, got {type(source).__name__}")
        self.source = source
        self.name = name
        self.found = found or find_node()
        self.lines: deque[Printed] = deque(maxlen=LINES)
        """The last lines that it printed, oldest first."""
        self._variables = {
            **variables,
            "WSLAB_URL": url,
            "FORCE_COLOR": "0",  # Jupyter asks every program for colours
            # Node looks whether it is a module or a script, and need not say that it had to look.
            "NODE_OPTIONS": "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
        }
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []
        self._subscribers: list[Callable[[], None]] = []
        self._changed = threading.Condition()
        self._listening: int | None = None
        self._over = False

    # --- Its life

    def start(self) -> Self:
        """Start it. A second call does nothing, also after its end."""
        if self._process is not None:
            return self
        registry.register(self.kind, self.name, self)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wslab-node-"))
        script = self._folder / FILE
        script.write_text(self.source, "utf-8")
        _link(self.found.ws.parent, self._folder / "node_modules")
        lifeline = Path(__file__).with_name("lifeline.js")
        # Or the Stop button, which goes to the whole group of processes, would end it as well.
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # only Windows has it
        self._process = process = subprocess.Popen(
            [self.found.node, MEMORY, "--require", str(lifeline), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | self._variables,
            creationflags=flags,
            start_new_session=not flags,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        errors = self._reader(self._read, "err", process.stderr)
        self._readers = [errors, self._reader(self._watch, process.stdout, errors)]
        for reader in self._readers:
            reader.start()

    def stop(self, grace: float = GRACE) -> None:
        """End it: by SIGTERM, and after `grace` seconds by SIGKILL. May be called twice."""
        try:
            process = self._process
            if process is not None:
                process.terminate()
                try:
                    process.wait(grace)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                assert process.stdin is not None
                process.stdin.close()
            for reader in self._readers:
                reader.join()
        finally:
            registry.unregister(self)
            if self._folder != Path():
                shutil.rmtree(self._folder, ignore_errors=True)

    def signal(self, name: str = "SIGTERM") -> None:
        """Send it a signal, by name. Raises `NotRunning` after its end."""
        if self._process is None or self._process.poll() is not None:
            raise NotRunning(f"{self!r} does not run: start it again, then send the signal")
        self._process.send_signal(signal.Signals[name])

    def wait(self, timeout: float = 10.0) -> str:
        """Wait until it has ended, and say how. Raises `TimedOut` after `timeout` seconds."""
        if not self.waits(timeout):
            raise TimedOut(f"expected {self!r} to end within {timeout:g} s; it still runs")
        return self.state

    def waits(self, timeout: float) -> bool:
        """Wait until it has ended, for `timeout` seconds at most; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._over, timeout)

    def prints(self, text: str, timeout: float = 10.0) -> None:
        """Wait until it has printed a line with this text. Raises `TimedOut`."""

        def has() -> bool:
            return self._over or any(text in line.text for line in list(self.lines))

        with self._changed:
            self._changed.wait_for(has, timeout)
        if not any(text in line.text for line in list(self.lines)):
            raise TimedOut(f"expected {self!r} to print {text!r} within {timeout:g} s; it did not")

    def listens(self, timeout: float = 10.0) -> bool:
        """Wait until its server listens, or until it has ended; whether it listens.

        False as well if neither happens within `timeout` seconds.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._listening is not None, timeout)
            return self._listening is not None and not self._over

    # --- What is known of it

    @property
    def pid(self) -> int:
        """The number of its process. Raises `NotRunning` before the start."""
        if self._process is None:
            raise NotRunning(f"{self!r} has no process yet: call start() first")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def port(self) -> int:
        """The port that it listens on. Raises `NotRunning` if it listens on none."""
        if self._listening is None or not self.is_running:
            raise NotRunning(f"{self!r} listens on no port: start it, and let it call listen")
        return self._listening

    @property
    def url(self) -> str:
        """The address of its server. Raises `NotRunning` if it listens on no port."""
        return Address(False, LOOPBACK, self.port).url

    @property
    def state(self) -> str:
        """Whether it runs, or how it ended: by an exit code, or by a signal."""
        if self._process is None:
            return "not started"
        code = self._process.poll()
        if code is None:
            return f"running, process {self._process.pid}"
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback`, on any thread, when it prints or its state changes.

        Returns a function that ends this.
        """
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscribers.remove(callback)

        return unsubscribe

    def forget(self) -> None:
        """In a forked child: the process is the parent's."""
        self._process, self._readers, self._folder = None, [], Path()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<NodeProgram {self.name!r}: {self.state}>"

    # --- What it prints: read on two threads

    def _reader(self, read: Callable[..., None], *given: object) -> threading.Thread:
        return threading.Thread(target=read, args=given, name="wslab-node", daemon=True)

    def _watch(self, out: IO[bytes], errors: threading.Thread) -> None:
        """Read what it prints, then wait for its end, and say that it has come."""
        assert self._process is not None
        self._read("out", out)
        errors.join()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        with self._changed:
            self._over = True
            self._changed.notify_all()
        registry.tell_ports()
        self._tell()

    def _read(self, name: Stream, stream: IO[bytes]) -> None:
        """Keep what it prints, line by line, until the end."""
        assert self._process is not None
        left = MOST_OUTPUT
        with stream:
            for data in iter(lambda: stream.readline(LONGEST_LINE), b""):
                left -= len(data)
                if left < 0:
                    self._print("err", f"stopped: it had printed more than {MOST_OUTPUT:,} bytes")
                    self._process.kill()
                    break
                text = data.decode("utf-8", "replace").rstrip("\r\n")
                if text[:1] == "\0":
                    self._hear(*text[1:].split())
                else:
                    self._print(name, text)

    def _hear(self, event: str, *ports: str) -> None:
        """What `lifeline.js` says of its sockets."""
        if event == "listening":
            with self._changed:
                self._listening = int(ports[0])
                self._changed.notify_all()
            registry.tell_ports()
            self._tell()
        else:
            own, other = ((LOOPBACK, int(port)) for port in ports)
            running, addresses = loop.start(), (own, other)
            if event == "connected":
                running.call_soon_threadsafe(socket_names.tell_of, addresses, self.name)
            else:
                running.call_soon_threadsafe(
                    lambda: running.call_later(
                        ASKED_LATE, socket_names.forget_of, addresses, self.name
                    )
                )

    def _print(self, name: Stream, text: str) -> None:
        for place in (f"{self._folder.as_uri()}/", f"{self._folder}{os.sep}"):
            text = text.replace(place, "")
        with self._changed:
            self.lines.append(Printed(time.time(), name, text))
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        for callback in list(self._subscribers):
            callback()


def _link(target: Path, link: Path) -> None:
    if sys.platform == "win32":  # a link proper needs rights there that few people have
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)
