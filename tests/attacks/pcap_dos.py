"""A pcap whose client sends a head that never ends, one byte a packet: does the time grow with it?

    python tests/attacks/pcap_dos.py [PACKETS]

Exits 1 where `wslab explain --brief` takes more than 10 s for the 250,000 packets (14 MB).
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST = 10.0  # seconds


def pcap(head: bytes) -> bytes:
    """The bytes of a head, each in a packet of its own."""
    made = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for place in range(-1, len(head)):
        data = head[place : place + 1] if place >= 0 else b""
        flags = 16 if data else 2
        tcp = struct.pack("!HHIIBBHHH", 50000, 80, 1000 + place, 0, 0x50, flags, 65535, 0, 0)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0) + b"\x7f\0\0\1" * 2
        size = 40 + len(data)
        made += struct.pack("<IIII", place + 1, 0, size, size) + ip + tcp + data
    return bytes(made)


def main(packets: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bytewise.pcap")
        path.write_bytes(pcap(b"GET / HTTP/1.1\r\n" + b"s\n" * (packets // 2)))
        size, began = path.stat().st_size, time.monotonic()
        command = [sys.executable, "-m", "wslab", "explain", "--brief", path]
        subprocess.run(command, capture_output=True, timeout=280)
    took = time.monotonic() - began
    print(f"{size / 1e6:.1f} MB, {packets} packets of one byte: {took:.1f} s")
    return 1 if took > MOST else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 250_000))
