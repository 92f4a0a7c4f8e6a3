"""Random conversations and mutants of them, for the attacks on what reads recordings."""

from __future__ import annotations

import random

from wslab.wire import Capture, Deflater, accept_key, encode_frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASKING_KEY = b"\x12\x34\x56\x78"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"

INTERESTING = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000]
INTERESTING += [0xFFFFFFFF, 2**63 - 1, 2**63, 2**64 - 1]
PIECES = [
    b"\r\n", b"\n", b"\r\n\r\n", b"\0", b"\xff", b"\x00\x00\xff\xff", b"HTTP/1.1 101 x\r\n\r\n",
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", b"Content-Length: 9\r\n",
    b"Transfer-Encoding: chunked\r\n", b"\x88\x00", b"\xc1\x02\x03\x00", b"\x81\xff" + b"\xff" * 8,
]  # fmt: skip


def request(*, compressed: bool = False, extra: str = "") -> bytes:
    lines = [
        "GET /chat HTTP/1.1", "Host: 127.0.0.1:8000", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13",
        *([f"{DEFLATE}; client_max_window_bits"] if compressed else []),
    ]  # fmt: skip
    return ("\r\n".join(lines) + f"\r\n{extra}\r\n").encode()


def response(*, compressed: bool = False, parameters: str = "", extra: str = "") -> bytes:
    lines = [
        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(KEY)}",
        *([f"{DEFLATE}{parameters}"] if compressed else []),
    ]  # fmt: skip
    return ("\r\n".join(lines) + f"\r\n{extra}\r\n").encode()


def some_frames(chance: random.Random, direction: str, count: int, compressed: bool) -> bytes:
    key = MASKING_KEY if direction == "client" else None
    deflater = Deflater() if compressed else None
    made = b""
    for number in range(count):
        kind = chance.randrange(8)
        if kind == 0:
            made += encode_frame(1, f"Grüße 🙂 {number}".encode(), masking_key=key)
        elif kind == 1:
            payload = chance.randbytes(chance.choice([0, 5, 125, 126, 300]))
            made += encode_frame(2, payload, masking_key=key)
        elif kind in (2, 3):
            made += encode_frame(7 + kind, b"ping", masking_key=key)
        elif kind == 4:
            made += encode_frame(1, b"Hel", masking_key=key, fin=False)
            made += encode_frame(9, b"", masking_key=key) + encode_frame(0, b"lo", masking_key=key)
        elif kind == 5 and deflater:
            payload = deflater.deflate(b"compress me " * chance.randrange(1, 40))
            made += encode_frame(1, payload, masking_key=key, rsv1=True)
        else:
            size = 66_000 if chance.random() < 0.05 else 200
            made += encode_frame(1, b"x" * size, masking_key=key)
    return made + encode_frame(8, b"\x03\xe8bye", masking_key=key)


def mutated(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """`data` with some bytes changed, cut out, put in, doubled or taken from others."""
    made = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8, 30])):
        if not made:
            made += chance.randbytes(5)
        at, size = chance.randrange(len(made)), chance.choice([1, 2, 4, 16, 200])
        match chance.randrange(10):
            case 0 | 1 | 2:
                made[at] ^= 1 << chance.randrange(8)
            case 3:
                width = chance.choice([1, 2, 4, 8])
                value = chance.choice(INTERESTING) & (256**width - 1)
                made[at : at + width] = value.to_bytes(width, chance.choice(["big", "little"]))
            case 4:
                del made[at : at + size]
            case 5:
                made[at:at] = chance.randbytes(size)
            case 6:
                start = chance.randrange(len(made))
                made[at:at] = made[start : start + 10 * size]
            case 7:
                other = chance.choice(others)
                start = chance.randrange(len(other) or 1)
                made[at:at] = other[start : start + 10 * size]
            case 8:
                del made[at:]
            case _:
                made[at:at] = chance.choice(PIECES)
    return bytes(made)


def two_streams(chance: random.Random) -> tuple[bytes, bytes]:
    """A client's and a server's bytes: HTTP, upgrade, frames, rubbish, in any order."""
    asks = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\nGET / HTTP/1.0\n\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
        request(), request(compressed=True),
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nbody",
    ]  # fmt: skip
    window = "; client_max_window_bits=9"
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 204 No\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nto the end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\n\r\n",
        response(), response(compressed=True), response(compressed=True, parameters=window),
        response(compressed=True, parameters="; server_no_context_takeover"),
        b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 103 x\r\n\r\n",
    ]  # fmt: skip
    streams = []
    for direction, heads in (("client", asks), ("server", answers)):
        data = b"".join(chance.choice(heads) for _ in range(chance.randrange(4)))
        data += some_frames(chance, direction, chance.randrange(6), chance.random() < 0.5)
        streams.append(mutated(chance, data, [data]) if chance.random() < 0.4 else data)
    return streams[0], streams[1]


def conversation(seed: int) -> Capture:
    """A whole, legal recording of one to three connections, cut anywhere."""
    chance, ticks = random.Random(seed), iter(range(1 << 40))
    capture, compressed = Capture(clock=lambda: next(ticks) / 1000), seed % 2 == 1
    for _ in range(1 + seed % 3):
        number = capture.open_connection()
        crossed = [
            ("client", request(compressed=compressed, extra="Cookie: session=SECRET\r\n")),
            ("server", response(compressed=compressed)),
            ("client", some_frames(chance, "client", 8, compressed)),
            ("server", some_frames(chance, "server", 8, compressed)),
        ]
        for direction, data in crossed:
            while data:
                size = chance.randrange(1, len(data) + 1)
                capture.record(number, direction, data[:size])
                data = data[size:]
        capture.end(number, "client")
        capture.end(number, "server")
    return capture
