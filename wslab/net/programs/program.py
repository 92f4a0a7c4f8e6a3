"""A program of this machine, such as nginx or a browser, started and ended by a lab.

It has a private folder, and never outlives the kernel: `keeper.py` holds it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, ClassVar, Self

from wslab.net import registry
from wslab.net.address import LOOPBACK
from wslab.net.errors import Missing, NotRunning, TimedOut, WslabError

KEEPER = Path(__file__).with_name("keeper.py")

PATIENCE = 20.0
"""Seconds within which a program must be ready, or gone."""

LINES = 1000
"""Lines that are kept of what a program prints."""


LAST_WORDS = 5
"""And of these, how many are told where it did not start."""


class ProgramMissing(Missing):
    """The program is not on this machine; the message says how to get it."""


class ProgramFailed(WslabError):
    """The program did not start; the message has its last words."""


class Program:
    """A program. Start and stop may each be called twice.

    A subclass says how it is called, how to get it and how to start it, and `_is_ready` when it
    takes connections or commands. `start` raises `ProgramMissing` or `ProgramFailed`; it replaces a
    running one of the same name.
    """

    kind: ClassVar[str] = "program"
    program: ClassVar[str]
    """Its name, which is its name on the PATH as well, unless `find` knows better."""
    remedy: ClassVar[str]
    """The command that installs it."""
    ending: ClassVar[str] = "SIGTERM"
    """The signal that asks it to end, or `PIPES`; see `keeper.py`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.printed: deque[str] = deque(maxlen=LINES)
        """The last lines that it printed, oldest first."""
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @classmethod
    def find(cls) -> str | None:
        """The path of the program; None where it is not installed."""
        path = os.pathsep.join([os.environ.get("PATH", ""), *cls._folders()])
        return shutil.which(cls.program, path=path)

    @classmethod
    def _folders(cls) -> list[str]:
        """Where it may be, besides the PATH."""
        return ["/usr/sbin", "/usr/local/sbin"]  # where Debian's nginx is, and only root looks

    def _command(self, program: str, folder: Path) -> Sequence[str]:
        """What starts it; its files go into `folder`. It must stay in the foreground."""
        raise NotImplementedError

    def _is_ready(self) -> bool:
        """Whether it answers."""
        raise NotImplementedError

    # --- Its life

    def start(self) -> Self:
        """Start it, and wait until it answers. A second call does nothing."""
        if self.is_running:
            return self
        self.stop()
        program = self.find()
        if program is None:
            raise ProgramMissing(f"{self.program} is not on this machine: {self.remedy}")
        registry.register(self.kind, self.name, self)
        try:
            self._start(program)
        except BaseException:
            self.stop()
            raise
        registry.tell_ports()
        return self

    def _start(self, program: str) -> None:
        folder = self._folder = Path(tempfile.mkdtemp(prefix=f"wslab-{self.program}-"))
        self.printed.clear()
        command = self._command(program, folder)
        # A group of its own: a kernel's interrupt or kill goes to the kernel's whole group.
        process = self._process = subprocess.Popen(
            [sys.executable, "-I", str(KEEPER), str(folder), self.ending, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self.ending == "PIPES" else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # on Windows
        )
        assert process.stderr is not None
        self._reader = threading.Thread(
            target=self._read, args=[process.stderr], name=f"wslab-{self.program}", daemon=True
        )
        self._reader.start()
        late = threading.Event()
        timer = threading.Timer(PATIENCE, late.set)
        timer.start()
        try:
            while not self._is_ready():
                if process.poll() is not None:
                    self._reader.join()
                    words = " / ".join(list(self.printed)[-LAST_WORDS:]) or "it said nothing"
                    raise ProgramFailed(f"{self.program} did not start: {words}")
                if late.wait(0.02):
                    raise TimedOut(f"{self.program} did not answer within {PATIENCE:g} s")
        finally:
            timer.cancel()
            timer.join()

    def stop(self) -> None:
        """End it, and wait until its processes and its folder are gone."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait(PATIENCE)
        elif self._folder is not None:  # no keeper was started, which would remove it
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._reader is not None:
            self._reader.join()
        registry.unregister(self)
        self._folder = None

    def signal(self, name: str) -> None:
        """Send its main process a signal, such as `SIGHUP`, by name. Raises `NotRunning`."""
        os.kill(self.pid, signal.Signals[name])

    def forget(self) -> None:
        """In a forked child: it is the parent's, and must not live as long as the child."""
        process, self._process, self._reader, self._folder = self._process, None, None, None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    # --- What is known of it

    @property
    def is_running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def folder(self) -> Path:
        """Its private folder, which is gone when it ends. Raises `NotRunning`."""
        if self._folder is None:
            raise NotRunning(f"{self.program} {self.name!r} does not run: call start() first")
        return self._folder

    @property
    def pid(self) -> int:
        """The number of the program's own process. Raises `NotRunning`."""
        raise NotImplementedError

    def _read(self, said: IO[bytes]) -> None:
        with said:
            for line in said:
                self.printed.append(line.decode("utf-8", "replace").rstrip("\r\n"))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self.is_running else "not running"
        return f"<{type(self).__name__} {self.name!r}: {state}>"


def free_port() -> int:
    """A port of this machine that nobody listens on at the moment; another may take it first."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex((LOOPBACK, port)) == 0
