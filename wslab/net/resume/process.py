"""The room's server in a process of its own, which may be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

from wslab.net.address import LOOPBACK, Address
from wslab.net.programs.program import free_port


class RoomProcess:
    """A `Room` over each of these files. A new process takes the same port."""

    def __init__(self, *paths: Path) -> None:
        self.paths, self._port = paths, free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def urls(self) -> list[str]:
        """Where it listens when it runs, for each room."""
        return [Address(False, LOOPBACK, self._port, f"/{n}").url for n in range(len(self.paths))]

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wslab.net.resume.server", str(self._port), *map(str, self.paths),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            # Not in the kernel's group: the Stop button is for the kernel alone.
            process_group=0 if os.name == "posix" else None,
        )  # fmt: skip
        assert self._process.stdout is not None
        if not await self._process.stdout.readline():
            raise RuntimeError("the server of the room did not start")

    async def kill(self) -> None:
        """Kill it, as `kill -9` does: it has no time to say goodbye to anybody."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    async def stop(self) -> list[float]:
        """End it; returns when it accepted each connection (seconds, `time.monotonic`)."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        accepted: list[float] = json.loads(await self._process.stdout.readline())
        await self.kill()  # it would wait for the goodbye of each guest
        return accepted
