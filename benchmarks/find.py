"""How fast is something found in a recording, beside walking over its messages?

    python benchmarks/find.py [--rows 100000] [--rounds 5]

The best of each counts, in seconds of the processor; nothing is asserted. `ratio` compares with one
pass over `index.messages()` of the same recording, which also unmasks, inflates and joins. Wanted:
100,000 rows in 250 ms.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

from wslab.wire import Capture, Deflater, encode_frame

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
SEARCHES = (
    "Hello", "04711", "größe", r"re:047\d1", "hex:30 34 37 31", "opcode=text", "opcode=ping",
    "from=client Hello", "length=11",
)  # fmt: skip


def recorded(frame: Callable[[int], tuple[str, bytes]], count: int) -> Capture:
    """One frame a read, as from a wire."""
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    for number in range(count):
        direction, data = frame(number)
        capture.record(connection, "client" if direction == "client" else "server", data)
    assert len(capture.index) == count + 2
    return capture


def recordings(count: int) -> dict[str, Capture]:
    deflater = Deflater()

    def text(number: int) -> bytes:
        return b"Hello %05d" % number

    def masked(number: int, size: int = 0) -> tuple[str, bytes]:
        payload = text(number).ljust(size, b".")
        return "client", encode_frame(1, payload, masking_key=os.urandom(4))

    def either(number: int) -> tuple[str, bytes]:
        return masked(number) if number % 2 else ("server", encode_frame(1, text(number)))

    def compressed(number: int) -> tuple[str, bytes]:
        return "server", encode_frame(1, deflater.deflate(text(number)), rsv1=True)

    def fragment(number: int) -> tuple[str, bytes]:
        last = number % 4 == 3
        return "server", encode_frame(0 if number % 4 else 1, text(number), fin=last)

    return {
        "masked, 11 bytes": recorded(masked, count),
        "masked, 200 bytes": recorded(lambda number: masked(number, 200), count),
        "both directions": recorded(either, count),
        "compressed": recorded(compressed, count),
        "in four fragments": recorded(fragment, count),
    }


def best(rounds: int, measured: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        measured()
        times.append(time.process_time() - started)
    return min(times)


def walk(capture: Capture) -> None:
    for _ in capture.index.messages():
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{options.rows:,} rows, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, capture in recordings(options.rows).items():
        beside = best(options.rounds, lambda capture=capture: walk(capture))
        print(f"{name}: one pass over the messages {beside * 1000:.0f} ms")
        for what in SEARCHES:
            taken = best(options.rounds, lambda capture=capture, what=what: capture.find(what))
            hits = len(capture.find(what))
            print(f"  {what:20} {taken * 1000:6.0f} ms  ratio {taken / beside:5.2f}  {hits:,} hits")


if __name__ == "__main__":
    main()
