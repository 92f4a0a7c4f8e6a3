"""PostgreSQL for a lab: a database of its own, on a socket in its private folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from wslab.net.programs.program import PATIENCE, Program, ProgramFailed

USER = "wslab"
"""The database's user, who needs no password: nobody else comes into the folder."""

_PLACES = Path("/usr/lib/postgresql")
"""Where Debian has PostgreSQL, by version; on the PATH are only its clients."""


class Postgres(Program):
    """A PostgreSQL server that listens on no port."""

    program: ClassVar[str] = "postgres"
    remedy: ClassVar[str] = "on Debian and Ubuntu: apt-get install postgresql"
    ending: ClassVar[str] = "SIGINT"  # at SIGTERM it would wait until its clients have gone

    def __init__(self, name: str = "postgres") -> None:
        super().__init__(name)

    @classmethod
    def _folders(cls) -> list[str]:
        versions = _PLACES.glob("*/bin")
        return [str(one) for one in sorted(versions, key=lambda one: -float(one.parent.name))]

    @property
    def url(self) -> str:
        """What its clients connect to. Raises `NotRunning`."""
        return f"postgresql://{USER}@/postgres?host={self.folder}"

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _command(self, program: str, folder: Path) -> Sequence[str]:
        data, somebody = folder / "data", self._somebody(folder)
        made = subprocess.run(
            [
                *somebody, str(Path(program).with_name("initdb")), "-D", str(data), "-U", USER,
                "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
            ],
            capture_output=True, text=True, timeout=PATIENCE, cwd=folder,
        )  # fmt: skip
        if made.returncode:
            raise ProgramFailed(f"initdb made no database: {made.stderr.strip()}")
        # What it stores is gone with the folder, so it need not wait for the disk.
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "20",
        }
        settings = [part for one in options.items() for part in ("-c", "=".join(one))]
        return [*somebody, program, "-D", str(data), *settings]

    def _somebody(self, folder: Path) -> list[str]:
        """What starts a program as somebody else than root, whom PostgreSQL refuses."""
        if os.geteuid() != 0:
            return []
        shutil.chown(folder, "nobody")
        return ["setpriv", "--reuid=nobody", "--clear-groups"]

    def _is_ready(self) -> bool:
        return any("ready to accept connections" in line for line in list(self.printed))
