"""hypercorn for a lab: a server that speaks WebSocket over HTTP/1.1 and over HTTP/2."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from wslab.net.address import LOOPBACK, Address
from wslab.net.programs.program import Program, answers, free_port

APP = Path(__file__).with_name("echo_app.py")


class Hypercorn(Program):
    """hypercorn with `echo_app`, on a free port, in the clear: TLS ends in front of it.

    A client that begins with HTTP/2's preface gets HTTP/2 (RFC 9113 §3.3), any other HTTP/1.1.
    """

    program: ClassVar[str] = "hypercorn"
    remedy: ClassVar[str] = "pip install 'wslab[production]'"

    def __init__(self, name: str = "hypercorn") -> None:
        super().__init__(name)
        self.port = 0
        """The port that it listens on; 0 before the start."""

    @classmethod
    def find(cls) -> str | None:
        """Python itself, where hypercorn is installed."""
        return sys.executable if find_spec(cls.program) else None

    def _command(self, program: str, folder: Path) -> list[str]:
        self.port = free_port()
        return [
            program, "-m", "hypercorn", "--workers", "0", "--graceful-timeout", "0",
            "--pid", str(folder / "hypercorn.pid"),
            "--bind", f"{LOOPBACK}:{self.port}", f"{APP.with_suffix('')}:app",
        ]  # fmt: skip

    def _is_ready(self) -> bool:
        return answers(self.port)

    @property
    def url(self) -> str:
        """The address of the echo, over HTTP/1.1."""
        return Address(False, LOOPBACK, self.port, "/echo").url

    @property
    def pid(self) -> int:
        return int((self.folder / "hypercorn.pid").read_text())
