"""A Chromium without a window, for a lab: started, commanded and ended by it.

It takes its commands on a pipe (`--remote-debugging-pipe`) and not on a port, because every program
on the machine could connect to a port, and have the browser read its user's files. The pipe also
ends it: when the kernel is killed, the pipe closes, and Chromium exits. `keeper.py` then removes
its folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, ClassVar, Self

from wslab.installed import CHROMIUM, find
from wslab.net import registry
from wslab.net.browsers.commands import PATIENCE, BrowserEvent, CommandFailed, Commands
from wslab.net.errors import Missing, NotRunning, WslabError

KEEPER = Path(__file__).with_name("keeper.py")

FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--use-mock-keychain",
    "--mute-audio",
    "--lang=en-US",
    # Nothing leaves this machine, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
)


class BrowserMissing(Missing):
    """There is no browser on this machine; the message says how to get one."""


class BrowserFailed(WslabError):
    """The browser did not start; the message has what it said."""


class ChromiumPage:
    """A page of a `Chromium`: a tab that nobody sees."""

    def __init__(self, commands: Commands, target: str, session: str) -> None:
        self._commands = commands
        self.target = target
        """The page by CDP's `targetId`."""
        self.session = session

    @property
    def events(self) -> list[BrowserEvent]:
        """What the browser told of this page so far, oldest first."""
        return [event for event in self._commands.events if event.session == self.session]

    def command(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Send a command about this page: `page.command("Page.navigate", url=…)`."""
        return self._commands.command(method, self.session, **params)

    def wait_for(self, method: str, **params: Any) -> BrowserEvent:
        """Wait for an event of this page, which may have come already; see `Commands`."""
        return self._commands.wait_for(method, self.session, **params)

    def go_to(self, url: str) -> None:
        """Open a URL, and wait until it is loaded. Raises `CommandFailed` where it cannot be."""
        self.command("Page.enable")
        before = len(self._commands.events)
        if problem := self.command("Page.navigate", url=url).get("errorText"):
            raise CommandFailed(f"the browser could not open {url}: {problem}")
        self.wait_for("Page.loadEventFired", after=before)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is waited for.

        Raises `CommandFailed` with what the script threw.
        """
        answer = self.command(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if thrown := answer.get("exceptionDetails"):
            words = thrown.get("exception", {}).get("description") or thrown["text"]
            raise CommandFailed(f"the page's script threw {words}")
        return answer["result"].get("value")


class Chromium:
    """A headless Chromium with a profile of its own, which is gone when it ends.

    `flags` are more flags for its command line, `preferences` what a user may have set in the
    profile. `start` raises `BrowserMissing` or `BrowserFailed`;
    it replaces a running one of the same name. `stop` may be called twice.
    """

    kind: ClassVar[str] = "browser"

    def __init__(
        self, name: str, *flags: str, preferences: Mapping[str, object] | None = None
    ) -> None:
        self.name = name
        self.flags = flags
        self.preferences = preferences
        self.version = ""
        """What it calls itself, such as `Chrome/156.0.8078.108`; "" before the start."""
        self.folder: Path | None = None
        """Its profile; None while it does not run."""
        self._process: subprocess.Popen[bytes] | None = None
        self._commands: Commands | None = None

    def start(self) -> Self:
        """Start it; a second call does nothing."""
        if self._commands is not None and not self._commands.over:
            return self
        self.stop()
        program = find(CHROMIUM)
        if program is None:
            raise BrowserMissing(
                f"found no Chrome or Chromium on this machine: {CHROMIUM.remedy}, "
                f"or name its program in {CHROMIUM.variable}"
            )
        registry.register(self.kind, self.name, self)
        try:
            self._start(program)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it, and wait until its processes and its folder are gone."""
        process, commands = self._process, self._commands
        self._process, self._commands, self.folder = None, None, None
        if process is not None:
            _close(process)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:  # it hangs: have the keeper kill it
                process.terminate()
                process.wait(PATIENCE)
        if commands is not None:
            commands.join()
        registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's, and must not live as long as the child."""
        process, self._process, self._commands = self._process, None, None
        if process is not None:
            _close(process)

    @property
    def commands(self) -> Commands:
        """For commands to the browser itself. Raises `NotRunning`."""
        if self._commands is None:
            raise NotRunning(f"browser {self.name!r} does not run: call start() first")
        return self._commands

    def open(self, url: str = "about:blank") -> ChromiumPage:
        """Open a page in a new tab."""
        target = self.commands.command("Target.createTarget", url="about:blank")["targetId"]
        answer = self.commands.command("Target.attachToTarget", targetId=target, flatten=True)
        page = ChromiumPage(self.commands, target, answer["sessionId"])
        if url != "about:blank":
            page.go_to(url)
        return page

    def _start(self, program: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wslab-chromium-"))
        if self.preferences is not None:
            (self.folder / "Default").mkdir()
            (self.folder / "Default/Preferences").write_text(json.dumps(self.preferences))
        flags = [*FLAGS, f"--user-data-dir={self.folder}", *self.flags]
        if sys.platform == "linux" and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium's sandbox does not work for root
        with tempfile.TemporaryFile() as said:
            # A group of its own: a kernel's interrupt or kill goes to the kernel's whole group.
            process = subprocess.Popen(
                [sys.executable, "-I", str(KEEPER), str(self.folder), program, *flags],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            self._process = process
            assert process.stdin is not None
            assert process.stdout is not None
            self._commands = Commands(_writer(process.stdin), _texts(process.stdout))
            try:
                self.version = self._commands.command("Browser.getVersion")["product"]
            except WslabError as error:
                said.seek(0)
                lines = said.read().decode("utf-8", "replace").strip().splitlines()
                words = lines[-1] if lines else "it said nothing"
                raise BrowserFailed(
                    f"{program} did not start: {words}. Does it start in a terminal? "
                    f"{CHROMIUM.variable} may name another one"
                ) from error

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Chromium {self.name!r}, {self.version if self._commands else 'not running'}>"


def _writer(pipe: IO[bytes]) -> Any:
    def send(text: str) -> None:
        pipe.write(text.encode() + b"\0")
        pipe.flush()

    return send


def _texts(pipe: IO[bytes]) -> Iterator[str]:
    """The texts that come on a pipe: each ends with a zero byte."""
    rest = b""
    with pipe:
        while chunk := os.read(pipe.fileno(), 64 * 1024):
            *whole, rest = (rest + chunk).split(b"\0")
            for text in whole:
                yield text.decode()


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
