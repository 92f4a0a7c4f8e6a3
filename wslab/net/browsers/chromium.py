"""A Chromium without a window, for a lab: started, commanded and ended by it.

It takes its commands on a pipe (`--remote-debugging-pipe`) and not on a port, because every program
on the machine could connect to a port, and have the browser read its user's files. The pipe also
ends it: when the kernel is killed, the pipe closes, and Chromium exits.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, ClassVar

from wslab.installed import CHROMIUM, find
from wslab.net import held_loop
from wslab.net.address import parse_url
from wslab.net.browsers.commands import PATIENCE, BrowserEvent, CommandFailed, Commands
from wslab.net.errors import NotRunning, WrongURL
from wslab.net.programs.program import Program, ProgramMissing

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
        if url.startswith(("http://", "https://")):
            with contextlib.suppress(WrongURL):
                held_loop.refuse(parse_url("ws" + url[4:].partition("#")[0]), "ChromiumPage.go_to")
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


class Chromium(Program):
    """A headless Chromium with a profile of its own, which is gone when it ends.

    `flags` are more flags for its command line, `preferences` what a user may have set in the
    profile, `trusts` the file of an authority that it trusts besides its own (on Linux, with
    certutil). Otherwise it is a `Program`.
    """

    kind: ClassVar[str] = "browser"
    program: ClassVar[str] = "Chromium"
    remedy: ClassVar[str] = f"{CHROMIUM.remedy}, or name its program in {CHROMIUM.variable}"
    ending: ClassVar[str] = "PIPES"

    def __init__(
        self,
        name: str,
        *flags: str,
        preferences: Mapping[str, object] | None = None,
        trusts: Path | None = None,
    ) -> None:
        super().__init__(name)
        self.flags = flags
        self.preferences = preferences
        self.trusts = trusts
        self.version = ""
        """What it calls itself, such as `Chrome/156.0.8078.108`; "" before the start."""
        self._commands: Commands | None = None

    @classmethod
    def find(cls) -> str | None:
        return find(CHROMIUM)

    @property
    def is_running(self) -> bool:
        return self._commands is not None and not self._commands.over

    def stop(self) -> None:
        super().stop()
        commands, self._commands = self._commands, None
        if commands is not None:
            commands.join()

    def forget(self) -> None:
        super().forget()
        self._commands = None

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

    def _command(self, program: str, folder: Path) -> list[str]:
        if self.preferences is not None:
            (folder / "Default").mkdir()
            (folder / "Default/Preferences").write_text(json.dumps(self.preferences))
        flags = [*FLAGS, f"--user-data-dir={folder}", *self.flags]
        if sys.platform == "linux" and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium's sandbox does not work for root
        home = ["env", f"HOME={_home(folder, self.trusts)}"] if self.trusts else []
        return [*home, program, *flags]

    def _is_ready(self) -> bool:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        if self._commands is None:
            self._commands = Commands(_writer(process.stdin), _texts(process.stdout))
        try:
            self.version = self._commands.command("Browser.getVersion")["product"]
        except NotRunning:  # it has ended at once
            return False
        return True


def _home(folder: Path, authority: Path) -> Path:
    """A home in `folder`, with a database in which Chromium on Linux looks for authorities.

    Raises `ProgramMissing` without certutil, which makes it; elsewhere Chromium asks the system.
    """
    certutil = shutil.which("certutil")
    if certutil is None or sys.platform != "linux":
        raise ProgramMissing(
            "a browser that trusts the lab's authority needs Linux and certutil: on Debian and "
            "Ubuntu: apt-get install libnss3-tools"
        )
    database = folder / "home" / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for command in (
        ("-N", "--empty-password"),
        ("-A", "-n", "wslab", "-t", "C,,", "-i", str(authority)),  # C: for servers
    ):
        whole = [certutil, "-d", f"sql:{database}", *command]
        subprocess.run(whole, check=True, capture_output=True, timeout=PATIENCE)
    return folder / "home"


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
