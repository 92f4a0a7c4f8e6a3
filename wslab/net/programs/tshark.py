"""Wireshark's tshark: what it says of a packet file, field by field."""

from __future__ import annotations

import itertools
import os
import subprocess

from wslab.net.programs.program import PATIENCE, Program, ProgramFailed, ProgramMissing


class Tshark(Program):
    """Not a server: it reads a file and ends. See `read`."""

    program = "tshark"
    remedy = "on Debian and Ubuntu: apt-get install tshark"

    @classmethod
    def read(cls, path: str | os.PathLike[str], only: str, *fields: str) -> list[list[str]]:
        """The fields of each packet that the display filter `only` lets pass.

        Raises `ProgramMissing`, or `ProgramFailed` where tshark cannot read the file.
        """
        if (program := cls.find()) is None:
            raise ProgramMissing(f"{cls.program} is not on this machine: {cls.remedy}")
        wanted = itertools.chain.from_iterable(("-e", field) for field in fields)
        command = [program, "-n", "-r", os.fspath(path), "-Y", only, "-T", "fields", *wanted]
        ran = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False
        )
        if ran.returncode:
            raise ProgramFailed(f"tshark did not read the file: {ran.stderr.strip()}")
        return [line.split("\t") for line in ran.stdout.splitlines()]
