"""A correct echo client in one file, without a WebSocket library: what mutants are made of.

    python reference_client.py URL

It connects again and again, until it is refused with 410. It agrees on no extension.
"""

import asyncio
import base64
import hashlib
import os
import sys
from urllib.parse import urlsplit

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MOST = 4 * 2**20


class Failed(Exception):
    """The connection fails; `code` is that of the close frame."""

    def __init__(self, code):
        self.code = code


async def open_websocket(url, reader, writer):
    """The opening handshake; returns the status, which is 101 only if all is as it must be."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {urlsplit(url).path or '/'} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or words[0] != "HTTP/1.1":
        return 0
    if words[1] != "101":
        return int(words[1])
    fields = {}
    for line in rest:
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip(" \t"))
    if [one.lower() for one in fields.get("upgrade", [])] != ["websocket"]:
        return 0
    tokens = [one.strip().lower() for one in ",".join(fields.get("connection", [])).split(",")]
    if "upgrade" not in tokens:
        return 0
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    if fields.get("sec-websocket-accept") != [accept]:
        return 0
    if "sec-websocket-extensions" in fields:
        return 0
    if "sec-websocket-protocol" in fields:
        return 0
    return 101


async def read_frame(reader):
    """One frame: whether it is final, its opcode, and its payload."""
    first, second = await reader.readexactly(2)
    final, rsv, opcode = first >= 0x80, first & 0x70, first & 0x0F
    length = second & 0x7F
    if rsv:
        raise Failed(1002)
    if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        raise Failed(1002)
    if second & 0x80:
        raise Failed(1002)
    if opcode >= CLOSE and not final:
        raise Failed(1002)
    if opcode >= CLOSE and length > 125:
        raise Failed(1002)
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    elif length == 127:
        length = int.from_bytes(await reader.readexactly(8), "big")
    if length >= 2**63:
        raise Failed(1002)
    if length > MOST:
        raise Failed(1009)
    return final, opcode, await reader.readexactly(length)


def make_frame(opcode, payload):
    """A client's frame: masked, and the length in its shortest form."""
    size, key = len(payload), os.urandom(4)
    if size < 126:
        head = bytes([0x80 | opcode, 0x80 | size])
    elif size < 2**16:
        head = bytes([0x80 | opcode, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 0x80 | 127]) + size.to_bytes(8, "big")
    pad = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
    return head + key + masked


def check_close(payload):
    """The answer to a close frame. Raises `Failed` if it is not legal."""
    if len(payload) == 1:
        raise Failed(1002)
    if payload:
        code = int.from_bytes(payload[:2], "big")
        if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in (1004, 1005, 1006):
            raise Failed(1002)
        check_text(payload[2:])
    return payload[:2]


def check_text(data):
    """Raises `Failed` if this is not UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise Failed(1007) from None


async def echo(reader, writer):
    """Answer until a close frame has come, and been answered."""
    kind, parts = None, []
    while True:
        final, opcode, payload = await read_frame(reader)
        if opcode == CLOSE:
            writer.write(make_frame(CLOSE, check_close(payload)))
            return
        if opcode == PING:
            writer.write(make_frame(PONG, payload))
        elif opcode == PONG:
            pass
        else:
            if opcode == CONTINUATION and kind is None:
                raise Failed(1002)
            if opcode != CONTINUATION and kind is not None:
                raise Failed(1002)
            kind = kind or opcode
            parts.append(payload)
            if final:
                message, answer = b"".join(parts), kind
                kind, parts = None, []
                if answer == TEXT:
                    check_text(message)
                writer.write(make_frame(answer, message))
        await writer.drain()


async def main(url):
    """Connect for one case after the other."""
    while True:
        reader, writer = await asyncio.open_connection(*urlsplit(url).netloc.split(":"))
        try:
            status = await open_websocket(url, reader, writer)
            if status == 410:
                return
            if status == 101:
                try:
                    await echo(reader, writer)
                except Failed as failed:
                    writer.write(make_frame(CLOSE, failed.code.to_bytes(2, "big")))
                # The server ends TCP.
                while await reader.read(65536):
                    pass
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
