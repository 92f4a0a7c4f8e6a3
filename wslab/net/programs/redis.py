"""redis-server for a lab: on a socket in its private folder, which no other program finds."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import ClassVar

from wslab.net.programs.program import Program


class Redis(Program):
    """A redis-server that keeps nothing on disk and listens on no port."""

    program: ClassVar[str] = "redis-server"
    remedy: ClassVar[str] = "on Debian and Ubuntu: apt-get install redis-server"

    def __init__(self, name: str = "redis") -> None:
        super().__init__(name)

    @property
    def path(self) -> Path:
        """Its Unix socket. Raises `NotRunning`."""
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        """What its clients connect to. Raises `NotRunning`."""
        return f"unix://{self.path}"

    @property
    def pid(self) -> int:
        return int((self.folder / "redis.pid").read_text())

    def _command(self, program: str, folder: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(folder / "redis.sock"),
            "unixsocketperm": "700",
            "pidfile": str(folder / "redis.pid"),
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
        }
        return [
            program,
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(1.0)
            if sock.connect_ex(str(self.path)) != 0:
                return False
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith(b"+PONG")
