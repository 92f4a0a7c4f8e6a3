"""nginx in front of a lab's servers, with a configuration that a lesson shows and changes."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import NotRunning
from wslab.net.programs.program import Program, ProgramFailed, answers, free_port

_TRIES = 3
"""How often another port is tried, when a program has taken the one that was free."""

_CONFIGURATION = """\
{user}daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log access.log;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
  uwsgi_temp_path temp; scgi_temp_path temp;
{http}
}}
"""


class Nginx(Program):
    """nginx on a free port of this machine.

    ``http`` is what stands in the block `http` of its configuration; `{port}` in it is the port,
    so a block `server` begins with ``listen 127.0.0.1:{port};``. ``files`` are put into its folder,
    by name, such as certificates.
    """

    program: ClassVar[str] = "nginx"
    remedy: ClassVar[str] = "on Debian and Ubuntu: apt-get install nginx-light"

    def __init__(
        self,
        http: str,
        name: str = "nginx",
        *,
        files: Mapping[str, bytes] = {},
        secure: bool = False,
    ) -> None:
        super().__init__(name)
        self.http = http
        self.files = dict(files)
        self.secure = secure
        self._port: int | None = None

    def start(self) -> Nginx:
        for left in range(_TRIES, 0, -1):
            try:
                super().start()
                break
            except ProgramFailed as failed:
                if "Address already in use" not in str(failed) or left == 1:
                    raise
        return self

    def _command(self, program: str, folder: Path) -> list[str]:
        self._port = free_port()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        # Started by root it would give its work to another user, who may not look into the folder.
        user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
        http = self.http.replace("{port}", str(self._port))
        (folder / "nginx.conf").write_text(_CONFIGURATION.format(user=user, http=http), "utf-8")
        return [program, "-p", str(folder), "-c", "nginx.conf"]

    def _is_ready(self) -> bool:
        return answers(self.port)

    @property
    def port(self) -> int:
        """The port that it listens on. Raises `NotRunning` before the start."""
        if self._port is None:
            raise NotRunning(f"nginx {self.name!r} has no port yet: call start() first")
        return self._port

    @property
    def url(self) -> str:
        """The address that a client connects to."""
        return Address(self.secure, LOOPBACK, self.port).url

    @property
    def pid(self) -> int:
        return int((self.folder / "nginx.pid").read_text())

    @property
    def access_log(self) -> list[str]:
        """What it noted of each request, oldest first: a WebSocket's line comes at its end."""
        path = self.folder / "access.log"
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []
