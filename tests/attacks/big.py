"""Large files with little in them, through the command: their memory and time.

    python tests/attacks/big.py [MEGABYTES]

Exits 1 where a file takes more than ten times its size in memory, more than 2 s for a megabyte, or
is a traceback. Where every two bytes are a frame, each line that is printed has 12 us besides.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY = 10  # times the file
START = 100 << 20  # bytes of memory that the command takes for a file of nothing

HEAD = b'{"wslab": "capture", "version": 1, "started": "2024-01-01T00:00:00+00:00"}\n'
PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
PCAPNG = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def cases(size: int) -> list[tuple[str, bytes, list[str]]]:
    """What each file is, how it begins before its zeros, and the options to read it with."""
    length = size.to_bytes(8, "big")
    return [
        ("JSON Lines, zeros behind the head", HEAD, ["--brief"]),
        ("JSON Lines, a head that never ends", HEAD[:-1] + b" ", ["--brief"]),
        ("a HAR", b'{"log": {"entries": [', ["--brief"]),
        ("a pcap of empty packets", PCAP, ["--brief"]),
        ("a pcapng", PCAPNG, ["--brief"]),
        ("zeros from the client", b"", ["--brief", "--client"]),
        ("a request's head that never ends", b"GET / HTTP/1.1\r\n", ["--brief", "--client"]),
        ("one binary frame", b"\x82\x7f" + length, ["--server"]),
        ("one binary frame, --json", b"\x82\x7f" + length, ["--json", "--server"]),
        ("one text frame", b"\x81\x7f" + length, ["--server"]),
    ]


def main(megabytes: int) -> int:
    got_through = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, begins, options in cases(megabytes << 20):
            path = Path(folder, "big")
            with path.open("wb") as file:
                file.write(begins)
                file.truncate(megabytes << 20)
            lines = 0 if begins else (megabytes << 20) // 2
            most = 2 * megabytes + 12e-6 * lines
            seconds, memory, code, said = explain(*options, str(path), most=most)
            faulty = (
                code not in (0, 2) or said.count(b"\n") > 1
                or memory > START + MEMORY * (megabytes << 20) or seconds > most
            )  # fmt: skip
            got_through += faulty
            how = "GOT THROUGH" if faulty else "held"
            why = said[-200:].decode("utf-8", "replace")
            print(
                f"{how}: {name}, {megabytes} MB: {seconds:.1f} s, {memory >> 20} MB, {code} {why}"
            )
    return 1 if got_through else 0


def explain(*options: str, most: float) -> tuple[float, int, int, bytes]:
    """Run `wslab explain`: its seconds of CPU, most bytes of memory, exit code and stderr."""
    with tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", "wslab", "explain", *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        ends = time.monotonic() + 9 * most  # other programs may be busy as well
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if time.monotonic() > ends:
                process.kill()
            time.sleep(0.02)
        _, status, used = ended
        process.returncode = code = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return used.ru_utime + used.ru_stime, used.ru_maxrss << 10, code, errors.read()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 64))
