"""A whole WebSocket server on asyncio's streams, in eight rungs: RFC 6455 without compression."""

import asyncio
import base64
import codecs
import contextlib
import hashlib
from typing import NamedTuple

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
LIMIT = 2**20  # bytes of the longest message that is taken


class Head(NamedTuple):  # what stands before a frame's masking key and payload (§5.2)
    fin: bool
    rsv: int
    opcode: int
    masked: bool
    length: int


class Refused(Exception):  # the client broke a rule: the close code that it is told, and why
    def __init__(self, code, why):
        super().__init__(code, why)


# 1 Answer the request (§4.2.2)
def answer(request, accept):
    accepted = f"Sec-WebSocket-Accept: {accept(fields_of(request)['sec-websocket-key'])}"
    return response("101 Switching Protocols", "Connection: Upgrade", accepted)


def fields_of(request):
    """The header fields by their names in lower case; several of a name are one, with commas."""
    fields = {}
    for line in request.decode("latin-1").strip().split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise ValueError(f"expected a name, a colon and a value, got {line!r}")
        fields.setdefault(name.lower(), []).append(value.strip())
    return {name: ",".join(values) for name, values in fields.items()}


def response(status, *fields):
    return "\r\n".join([f"HTTP/1.1 {status}", "Upgrade: websocket", *fields, "", ""]).encode()


# 2 Compute accept (§4.2.2)
def accept(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


# 3 Read a frame's head, in whatever pieces it comes (§5.2)
async def read_head(reader):
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length > 125:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    return Head(first >= 0x80, first >> 4 & 0b111, first & 0b1111, second >= 0x80, length)


# 4 Read its payload, and take the mask off (§5.3)
async def read_payload(reader, head):
    key = await reader.readexactly(4)
    payload = await reader.readexactly(head.length)
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


# 5 Write a frame (§5.2)
def write_frame(opcode, payload):
    size = len(payload)
    head = bytes([0x80 | opcode, size if size <= 125 else 126 if size < 2**16 else 127])
    extended = b"" if size <= 125 else size.to_bytes(2 if size < 2**16 else 8, "big")
    return head + extended + payload


# 6 Join fragments to messages, and answer pings in between (§5.4, §5.5.2)
async def messages(frames, send):
    """`frames` gives FIN, opcode and unmasked payload of each frame that is no close frame."""
    parts, size = [], 0
    async for fin, opcode, payload in frames:
        if opcode == PING:
            await send(PONG, payload)
        if opcode in (PING, PONG):
            continue
        if opcode != CONTINUATION:
            is_text, utf8 = opcode == TEXT, codecs.getincrementaldecoder("utf-8")()
        if (size := size + len(payload)) > LIMIT:
            raise Refused(1009, f"a message of more than {LIMIT} bytes")
        parts.append(utf8.decode(payload, fin) if is_text else payload)
        if fin:
            yield ("" if is_text else b"").join(parts)
            parts, size = [], 0


# 7 Close (§5.5.1, §7.4)
async def close(payload, send):
    code = int.from_bytes(payload[:2], "big")
    usable = code in {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
    if payload and not (len(payload) > 1 and usable):
        raise Refused(1002, f"{payload[:2].hex()} is no close code")
    payload[2:].decode()
    await send(CLOSE, payload[:2])


# 8 Refuse what is illegal: a frame (§5.2, §5.4, §5.5), a request (§4.2.1)
def refuse(head, unfinished):
    """`unfinished`: a message has begun, and its last frame has not come yet."""
    control, starts = head.opcode >= CLOSE, head.opcode in (TEXT, BINARY)
    known = head.opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
    for broken, code, why in (
        (not head.masked, 1002, "a client's frame is masked"),
        (head.rsv or not known, 1002, "nobody gave a meaning to this bit or opcode"),
        (control and (not head.fin or head.length > 125), 1002, "control frames are short"),
        (not control and starts == unfinished, 1002, "one message ends before another begins"),
        (head.length > LIMIT, 1009, f"a frame of more than {LIMIT} bytes"),
    ):
        if broken:
            raise Refused(code, why)


def refuse_request(request):
    """The response to a request that is not to be answered with 101."""
    bad = response("400 Bad Request", "Connection: close", "Content-Length: 0")
    try:
        method, _, version = request.split(b"\r\n")[0].split(b" ")
        fields = fields_of(request)
        key = base64.b64decode(fields.get("sec-websocket-key", ""), validate=True)
    except ValueError:
        return bad
    words = fields.get("connection", "").replace(" ", "").lower().split(",")
    if (method, version) != (b"GET", b"HTTP/1.1") or "," in fields.get("host", ","):
        return bad
    asks = fields.get("upgrade", "").lower() == "websocket" and "upgrade" in words
    if not asks or fields.get("sec-websocket-version") != "13":
        fits = ("Connection: Upgrade, close", "Sec-WebSocket-Version: 13", "Content-Length: 0")
        return response("426 Upgrade Required", *fits)
    return bad if len(key) != 16 else None


# The server that the rungs make
async def frames_of(reader, send):
    """The frames of a connection, up to the close frame, which is answered."""
    unfinished = False
    while True:
        head = await read_head(reader)
        refuse(head, unfinished)
        payload = await read_payload(reader, head)
        if head.opcode == CLOSE:
            await close(payload, send)
            return
        unfinished = unfinished if head.opcode > CLOSE else not head.fin
        yield head.fin, head.opcode, payload


async def connection(reader, writer, app):
    """Serve one client, from its request to the end of TCP. `app` gets the request, the messages,
    and a function that sends one."""

    async def send(opcode, payload):
        writer.write(write_frame(opcode, payload))
        await writer.drain()

    async def say(message):
        await send(*((TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)))

    try:
        request = await reader.readuntil(b"\r\n\r\n")
        refusal = refuse_request(request)
        writer.write(refusal or answer(request, accept))
        if refusal is None:
            await app(request, messages(frames_of(reader, send), send), say)
    except (Refused, UnicodeDecodeError) as broken:
        code, why = broken.args if isinstance(broken, Refused) else (1007, "text is UTF-8")
        await send(CLOSE, code.to_bytes(2, "big") + why.encode())
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        pass  # the client has gone, or its request has no end
    finally:
        # End TCP (§7.1.1), but read what still comes: TCP would else take back what was sent last.
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(1):
                writer.write_eof()
                while await reader.read(2**16):
                    pass
        writer.close()


async def echo(request, received, say):
    async for message in received:
        await say(message)


async def serve(app, port=0):
    return await asyncio.start_server(lambda *ends: connection(*ends, app), "127.0.0.1", port)
