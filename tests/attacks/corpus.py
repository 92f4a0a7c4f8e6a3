"""Valid recordings in every format: made by wslab, and, where they are installed, by tshark and
text2pcap.

    python tests/attacks/corpus.py

Exits 1 where one of them does not load, or holds nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from streams import MASKING_KEY, conversation, request

from wslab.net import EchoServer, Tap, connect, stop_all
from wslab.wire import FORMATS, Capture, encode_frame, load, save


def files(folder: Path) -> list[Path]:
    """Write the recordings into a folder."""
    for seed in range(6):
        for suffix in FORMATS:
            save(conversation(seed), folder / f"made-{seed}{suffix}")
    capture = real()
    for suffix in FORMATS:
        save(capture, folder / f"real{suffix}")
    if shutil.which("tshark"):
        for name, form in (("real", "pcap"), ("nanoseconds", "nsecpcap"), ("tshark", "pcapng")):
            target = folder / f"{name}.{form[-6:].removeprefix('ec')}"
            run("tshark", "-r", folder / "real.pcapng", "-F", form, "-w", target)
    if shutil.which("text2pcap"):
        packets = folder / "packets.txt"
        frame = encode_frame(1, b"hi", masking_key=MASKING_KEY)
        packets.write_text("\n".join(map(dump, (request(), frame))))
        for name, family, addresses in (
            ("four", "-4", "127.0.0.1,127.0.0.1"),
            ("six", "-6", "::1,::1"),
        ):
            target = folder / f"{name}.pcap"
            run(
                "text2pcap",
                "-q",
                family,
                addresses,
                "-T",
                "50000,80",
                "-F",
                "pcap",
                packets,
                target,
            )
        packets.unlink()
    return sorted(folder.iterdir())


def real() -> Capture:
    """A conversation through a tap that doubles and edits."""
    capture = Capture()
    server = EchoServer(compression="deflate").start()
    tap = Tap(server.port, capture).start()
    tap.add_rule("duplicate every 2nd client text")
    tap.add_rule('edit every 4th client text to "x"')
    client = connect(tap.url, headers={"Cookie": "a=SECRET"}, compression="deflate")
    for message in ("hello", "Grüße 🙂", b"\0\1\2", "x" * 70_000):
        client.send(message)
        client.recv()
    client.ping()
    client.close()
    stop_all()
    return capture


def dump(data: bytes) -> str:
    lines = (f"{at:06x} {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16))
    return "\n".join(lines) + "\n"


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        empty = []
        for path in files(Path(folder)):
            capture = load(path)
            print(f"{path.name}: {len(capture.index)} rows {capture.notes[:2]}")
            if not len(capture.index):
                empty.append(path.name)
    print(f"nothing in: {empty}" if empty else "all of them load")
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
