"""Answers that somebody could plausibly write: wrong ones with a word of what is said of them, and
right ones in other styles. `test_every_exercise.py` tries them all.

The answers of lesson 01 are pages; they are in `test_first_connection.py` and `tests/browser`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import random
import re
import ssl
import struct
import zlib
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any

from websockets.asyncio.server import broadcast

from wslab.exercises.reference_server import Head, Refused
from wslab.wire import encode_frame, mask

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = bytes.fromhex("37fa213d")

# --- 02: the handshake


def sha1(text: str) -> bytes:
    return hashlib.sha1(text.encode(), usedforsecurity=False).digest()


def accept_in_one_line(key):
    return base64.standard_b64encode(sha1(f"{key}{GUID}")).decode("ascii")


def accept_by_update(key):
    digest = hashlib.new("sha1", usedforsecurity=False)
    digest.update(key.encode("ascii"))
    digest.update(GUID.encode("ascii"))
    return str(base64.b64encode(digest.digest()), "ascii")


def response(request: bytes, **changes: Any) -> bytes:
    key = request.decode().partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    said = {
        "line": "HTTP/1.1 101 Switching Protocols",
        "upgrade": "Upgrade: websocket",
        "connection": "Connection: Upgrade",
        "accept": f"Sec-WebSocket-Accept: {accept_in_one_line(key)}",
        "end": "\r\n\r\n",
        **changes,
    }
    end = said.pop("end")
    return ("\r\n".join(line for line in said.values() if line) + end).encode()


# --- 03 and 04: frames


def encode_by_struct(payload, key):
    masked = bytearray(payload)
    for i in range(len(masked)):
        masked[i] ^= key[i % 4]
    return struct.pack("!BB4s", 0x81, 0x80 | len(payload), key) + bytes(masked)


def length_by_struct(frame):
    short = frame[1] % 128
    if short < 126:
        return short
    return struct.unpack_from("!H" if short == 126 else "!Q", frame, 2)[0]


def length_by_shifting(frame):
    count = {126: 2, 127: 8}.get(frame[1] & 127)
    if count is None:
        return frame[1] & 127
    total = 0
    for byte in frame[2 : 2 + count]:
        total = total << 8 | byte
    return total


def cut_unevenly(payload, parts):
    rest, frames = payload, []
    while len(frames) < parts - 1:
        frames.append(encode_frame(0 if frames else 1, rest[:1], fin=False))
        rest = rest[1:]
    return [*frames, encode_frame(0 if frames else 1, rest)]


def cut(payload, parts, *, opcode=0, fin=0, key=None):
    size = -(-len(payload) // parts)
    return [
        encode_frame(
            opcode if n else 1, payload[n * size : (n + 1) * size],
            fin=fin or n == parts - 1, masking_key=key,
        )
        for n in range(parts)
    ]  # fmt: skip


def text_by_codec(payloads):
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    return "".join(decoder.decode(part) for part in payloads) + decoder.decode(b"", final=True)


# --- 06: extensions and subprotocols


def choose_by_index(offered, supported):
    fit = set(offered) & set(supported)
    return min(fit, key=supported.index) if fit else None


def answer_by_regex(offer, supported):
    names = re.findall(r"[^\s,]+", offer or "")
    return next((name for name in supported if name in names), None)


def inflate_all(payloads, *, bits=-15, tail=b"\0\0\xff\xff", decode=True):
    inflater = zlib.decompressobj(bits)
    texts = []
    for payload in payloads:
        text = inflater.decompress(payload) + inflater.decompress(tail)
        texts.append(text.decode() if decode else text)
    return texts


def publish_by_struct(packet, *, qos=True, most=4, decode=True):
    start = 2
    while packet[start - 1] & 0x80 and start < 1 + most:
        start += 1
    (size,) = struct.unpack_from("!H", packet, start)
    rest = packet[start + 2 :]
    topic, rest = rest[:size], rest[size:]
    rest = rest[2:] if qos and packet[0] & 0b110 else rest
    return (topic.decode() if decode else topic), bytes(rest)


def decode_by_struct(message, order=">"):
    kind, sensor, tenths = struct.unpack_from(f"{order}BHH", message)
    fields = [("type", 1, kind), ("sensor", 2, sensor), ("tenths", 2, tenths)]
    place = message[5:]
    return [*fields, ("place", len(place), str(place, "utf-8"))] if place else fields


# --- 05: rate limiting

LITTLE = 65_536


def pump(ask: str, send: Callable[..., Any] = lambda c, m: broadcast([c], m), wait: float = 0.01):
    """A pump that asks "each" time, "once", "skips" what has no room, or asks "never"."""

    def is_full(connection):
        return connection.transport.get_write_buffer_size() > LITTLE

    async def pumped(connection, messages):
        if ask == "once" and is_full(connection):
            return
        for message in messages:
            while ask == "each" and is_full(connection):  # noqa: ASYNC110
                await asyncio.sleep(wait)
            if ask == "skips" and is_full(connection):
                continue
            sending = send(connection, message)
            if sending is not None:
                await sending

    return pumped


async def pump_with_a_pause(connection, messages):
    for message in messages:
        await connection.send(message)
        await asyncio.sleep(0.1)


class BucketByArrival:
    """The same bucket, as the time at which it will be full again."""

    def __init__(self, rate, burst):
        self.step, self.room, self.full = 1 / rate, (burst - 1) / rate, None

    def take(self, now):
        full = now if self.full is None else max(self.full, now)
        if full - now > self.room:
            return False
        self.full = full + self.step
        return True


class BucketOfNothing:
    def __init__(self, rate, burst):
        pass

    def take(self, now):
        return True


class BucketPerSecond:
    """Counts the messages of each second of the clock."""

    def __init__(self, rate, burst):
        self.burst, self.second, self.count = burst, None, 0

    def take(self, now):
        if int(now) != self.second:
            self.second, self.count = int(now), 0
        self.count += 1
        return self.count <= self.burst


class BucketThatStartsEmpty(BucketByArrival):
    def __init__(self, rate, burst):
        super().__init__(rate, burst)
        self.burst = burst

    def take(self, now):
        if self.full is None:
            self.full = now + self.burst * self.step
        return super().take(now)


# --- 07: close codes

BLACKLIST = (1000, 1002, 1003, 1007, 1008, 1010)
PASSES = (1001, 1006, 1011, 1012, 1013, 1014)


def payload_by_struct(code, reason):
    data = struct.pack(">H", code) + reason.encode("utf-8")
    if len(data) <= 125:
        return data
    raise ValueError("too long")


def payload(code, reason, order="big", limit=123):
    if len(reason.encode()) > limit:
        raise ValueError("too long")
    return code.to_bytes(2, order) + reason.encode()


def wait_with(again: Callable[[int], bool], seconds: Callable[[int], float]):
    return lambda code, attempt: seconds(attempt) if again(code) else None


def passes(code):
    return code in PASSES


# --- 08: states


def next_state_by_table(state, event):
    table = {
        ("CONNECTING", "receives 101"): "OPEN",
        ("CONNECTING", "receives refusal"): "CLOSED",
        ("OPEN", "sends close"): "CLOSING",
        ("OPEN", "receives close"): "CLOSING",
    }
    return "CLOSED" if event == "tcp ends" else table.get((state, event), state)


def next_state_by_match(state, event):
    match state, event:
        case _, "tcp ends":
            return "CLOSED"
        case "CONNECTING", "receives 101":
            return "OPEN"
        case "CONNECTING", "receives refusal":
            return "CLOSED"
        case "OPEN", "sends close" | "receives close":
            return "CLOSING"
    return state


def changed(state, event, to):
    """The right function, but for one case."""
    return lambda s, e: to if (s, e) == (state, event) else next_state_by_table(s, e)


def outbox_in_place(state, waiting, message):
    if state in ("CLOSING", "CLOSED"):
        raise ConnectionError(state)
    waiting.append(message)
    return [waiting, []] if state == "OPEN" else [[], waiting]


def outbox_but(state, wrong):
    return lambda now, old, new: wrong(old, new) if now == state else outbox_in_place(now, old, new)


# --- 09: the chat


def shorten_step_by_step(text, limit):
    while len(text.encode()) > limit:
        text = text[:-1]
    return text


def shorten_by_counting(text, limit):
    kept, size = [], 0
    for character in text:
        size += len(character.encode())
        if size > limit:
            break
        kept.append(character)
    return "".join(kept)


def room(say: Callable[..., Any], leave: str = "finally"):
    """A handler and its set of members; `say(members, message)` may be a coroutine function."""
    members: set = set()

    async def handler(connection):
        members.add(connection)
        try:
            async for message in connection:
                said = say(members, message)
                if asyncio.iscoroutine(said):
                    await said
        except Exception:
            if leave == "on errors":
                members.discard(connection)
            raise
        finally:
            if leave == "finally":
                members.discard(connection)
        if leave == "after the loop":
            members.discard(connection)

    return handler, members


async def in_turn(members, message):
    for member in list(members):
        await member.send(message)


async def together(members, message):
    await asyncio.gather(*(member.send(message) for member in members), return_exceptions=True)


TASKS: set = set()


def a_task_each(members, message):
    for member in members:
        asyncio.create_task(member.send(message))  # noqa: RUF006 - as a learner writes it


def a_task_each_and_kept(members, message):
    for member in members:
        task = asyncio.create_task(member.send(message))
        TASKS.add(task)
        task.add_done_callback(TASKS.discard)


def queues():
    """A queue and a task for each member: the slow one's is full, and loses messages."""
    members: dict = {}

    class Members(set):
        pass

    shown = Members()

    async def write(connection, queue):
        while True:
            await connection.send(await queue.get())

    async def handler(connection):
        queue = members[connection] = asyncio.Queue(100)
        shown.add(connection)
        writer = asyncio.create_task(write(connection, queue))
        try:
            async for message in connection:
                for other in members.values():
                    if not other.full():
                        other.put_nowait(message)
        finally:
            del members[connection]
            shown.discard(connection)
            writer.cancel()

    return handler, shown


def history(kept=10, *, late=False, to_all=False, backwards=False):
    guests: set = set()
    old: deque = deque(maxlen=kept)

    async def handler(guest):
        if late:
            guests.add(guest)
        for line in list(reversed(old)) if backwards else list(old):
            broadcast({*guests, guest} if to_all else [guest], line)
        guests.add(guest)
        try:
            async for message in guest:
                old.append(message)
                broadcast(guests, message)
        finally:
            guests.discard(guest)

    return handler


def history_as_a_list():
    guests: set = set()
    lines: list = []

    async def handler(guest):
        for line in lines[-10:]:
            await guest.send(line)
        guests.add(guest)
        try:
            async for message in guest:
                lines.append(message)
                broadcast(guests, message)
        finally:
            guests.remove(guest)

    return handler


# --- 11: programs in Node


def repaired(**changes: str) -> str:
    """The mended room, with some of its parts as somebody could have left them."""
    parts = {
        "parse": """let text;
    try { text = JSON.parse(data).text; } catch { return client.close(1008); }""",
        "answer": "const answer = JSON.stringify({ text, here: clients.size });",
        "send": "for (const other of clients) other.send(answer);",
        "error": 'client.on("error", () => {});',
        "close": 'client.on("close", () => clients.delete(client));',
        **changes,
    }
    return f"""
const {{ WebSocketServer }} = require("ws");
const server = new WebSocketServer({{ port: 0 }});
const clients = new Set();
server.on("connection", (client) => {{
  clients.add(client);
  client.on("message", (data) => {{
    {parts["parse"]}
    {parts["answer"]}
    {parts["send"]}
  }});
  {parts["error"]}
  {parts["close"]}
}});
"""


def relay(
    *,
    send: str = "if (other !== client) other.send(data, { binary: isBinary })",
    handler: str = "server.close(); for (const one of server.clients) one.close(1001);",
) -> str:
    term = f'process.on("SIGTERM", () => {{ {handler} }});' if handler else ""
    return f"""
const {{ WebSocketServer }} = require("ws");
const server = new WebSocketServer({{ port: 0 }});
server.on("connection", (client) => {{
  client.on("message", (data, isBinary) => {{
    for (const other of server.clients) {{ {send}; }}
  }});
}});
{term}
"""


RELAY_AS_A_MODULE = """
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const http = createServer();
const server = new WebSocketServer({ server: http });
const guests = new Map();
server.on("connection", function (guest) {
  guests.set(guest, true);
  guest.onmessage = ({ data }) => {
    for (const [other] of guests) if (other !== guest && other.readyState === 1) other.send(data);
  };
  guest.on("close", () => guests.delete(guest));
});
http.listen(8080);
process.once("SIGTERM", () => {
  http.close();
  for (const [guest] of guests) guest.close(1001, "maintenance");
});
"""

REPAIRED_OTHERWISE = """
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ port: 0 });
server.on("connection", (client) => {
  client.on("error", console.log);
  client.on("message", (data) => {
    try {
      const said = JSON.parse(data.toString());
      said.here = server.clients.size;
      server.clients.forEach((other) => other.send(JSON.stringify(said)));
    } catch (error) {
      console.log(error.message);
    }
  });
});
"""


# --- 15: a server of one's own


def answer_by_lines(request, accept):
    lines = [line.split(b":", 1) for line in request.split(b"\r\n") if b":" in line]
    fields = {name.strip().lower(): value.strip() for name, value in lines}
    told = f"sec-websocket-accept: {accept(fields[b'sec-websocket-key'].decode())}\r\n\r\n"
    return b"HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nUPGRADE: WebSocket\r\n" + told.encode()


def answer_by_place(request, accept):
    """Takes the key from the line in which it once was."""
    key = request.decode().split("\r\n")[4].split(": ")[1]
    return answer_by_lines(f"GET / HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\n".encode(), accept)


async def head_by_struct(reader):
    both = await reader.readexactly(2)
    size = both[1] % 128
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    return (bool(both[0] & 128), both[0] // 16 % 8, both[0] % 16, both[1] > 127, size)


async def head_without_lengths(reader):
    first, second = await reader.readexactly(2)
    return Head(first >= 128, first >> 4 & 7, first & 15, second >= 128, second & 127)


async def head_of_four(reader):
    first, second = await reader.readexactly(2)
    return (first >= 128, first & 15, second >= 128, second & 127)


async def payload_by_library(reader, head):
    key = await reader.readexactly(4)
    return mask(await reader.readexactly(head.length), key)


async def payload_and_key(reader, head):
    return await reader.readexactly(head.length + 4)


async def payload_without_await(reader, head):
    return reader.readexactly(head.length)


def frame_by_struct(opcode, payload):
    size = len(payload)
    if size > 65535:
        return struct.pack("!BBQ", 128 + opcode, 127, size) + payload
    return struct.pack(*("!BBH", 128 + opcode, 126, size) if size > 125 else
                       ("!BB", 128 + opcode, size)) + payload  # fmt: skip


async def messages_in_two_lists(frames, send):
    texts, binaries, now = [], [], None
    async for fin, opcode, payload in frames:
        if opcode == 9:
            await send(10, payload)
        elif opcode in (0, 1, 2):
            now = {1: texts, 2: binaries}.get(opcode, now)
            now += [payload]
            if fin:
                whole, is_text = b"".join(now), now is texts
                now.clear()
                yield str(whole, "utf-8") if is_text else whole


async def messages_of_frames(frames, send):
    async for _, opcode, payload in frames:
        yield payload.decode() if opcode == 1 else payload


async def close_whole(payload, send):
    """Echoes code and reason."""
    if payload:
        code, _ = int.from_bytes(payload[:2], "big"), payload[2:].decode()
        if len(payload) < 2 or not (999 < code < 1004 or 1006 < code < 1015 or 2999 < code < 5000):
            raise Refused(1002, "no")
    await send(8, payload)


async def close_anything(payload, send):
    await send(8, payload)


async def close_without_await(payload, send):
    send(8, payload).close()


def refuse_one_by_one(head, unfinished):
    if not head.masked or head.rsv or head.opcode not in (0, 1, 2, 8, 9, 10):
        raise Refused(1002, "bits")
    if head.opcode > 7 and (head.length > 125 or not head.fin):
        raise Refused(1002, "control")
    if head.opcode < 8 and bool(head.opcode) == unfinished:
        raise Refused(1002, "order")
    if head.length > 2**20:
        raise Refused(1009, "long")


def refuse_by_error(head, unfinished):
    if not head.masked:
        raise ValueError("a client's frame is masked")


def refuse_all_control(head, unfinished):
    if head.opcode > 7:
        raise Refused(1002, "control")


def request_by_pattern(request):
    text = re.sub(r":\s*", ": ", request.decode().lower())
    wants = ("get / http/1.1\r\n", "upgrade: websocket\r\n", "-version: 13\r\n")
    if (
        all(want in text for want in wants)
        and re.search("connection:.*upgrade", text)
        and re.search(r"sec-websocket-key: [\w+/]{22}==\r\n", text)
    ):
        return None
    return b"HTTP/1.1 426 No\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"


# --- 14: in production


def account(allowed=lambda origin: origin == "https://school.example", lifetime=10.0):
    def account(origin, ticket, tickets, now):
        name, issued = tickets.pop(ticket, (None, now)) if allowed(origin) else (None, now)
        return name if now <= issued + lifetime else None

    return account


# --- The tables: by exercise, what it is called with, and what is said

# --- 10: the echo page


def said_by_type(messages, senders):
    told = [message for message in messages if message["type"] in senders]
    return [
        (senders[one["type"]], one["data"] if one["opcode"] == 1 else base64.b64decode(one["data"]))
        for one in told
    ]


# --- 12: HTTP against WebSocket


def poller(after: Callable[[int, list[int]], int], part: Callable[[list], list] = list):
    """A poller that goes on behind `after(before, numbers)`, and gives back a `part` of them."""

    class Poller:
        def __init__(self, ask):
            self.ask, self.after = ask, 0

        def poll(self):
            numbers = self.ask(self.after)
            self.after = after(self.after, numbers)
            return part(numbers)

    return Poller


class PollerByOne:
    def __init__(self, ask):
        self.ask, self.after = ask, 0

    def poll(self):
        found = []
        for number in self.ask(self.after):
            self.after = number
            found.append(number)
        return found


def events_by_blocks(stream, joined="\n", cut=True, space=" "):
    """By splitting at empty lines first."""
    found, last = [], ""
    blocks = stream.split("\n\n")
    for block in blocks[:-1] if cut else blocks:
        data = []
        for line in block.split("\n"):
            if line.startswith("id:"):
                last = line[3:].removeprefix(space)
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(space))
        if data:
            found.append((last, joined.join(data)))
    return found


def events_by_regex(stream):
    """Each data line, with the id before it."""
    found, last = [], ""
    for name, value in re.findall(r"^(id|data): ?(.*)$", stream, re.MULTILINE):
        if name == "id":
            last = value
        else:
            found.append((last, value))
    return found


# --- 13: secure WebSockets


def context_by_hand(verify=ssl.CERT_REQUIRED, host=True):
    def context(file):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = host and verify != ssl.CERT_NONE
        made.verify_mode = verify  # OPTIONAL means REQUIRED to a client
        made.load_verify_locations(file)
        return made

    return context


def one_label(host, name):
    return re.fullmatch(re.escape(name).replace(r"\*", "[^.]+"), host) is not None


def fault_by_pattern(fits=one_label, kinds=("DNS", "IP Address"), lower=True):
    def fault(certificate, host, now):
        names = [name for kind, name in certificate["subjectAltName"] if kind in kinds]
        if not any(fits(host.lower() if lower else host, name) for name in names):
            return "wrong host"
        begins, ends = (
            datetime.strptime(certificate[key], "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
            for key in ("notBefore", "notAfter")
        )
        now = datetime.fromtimestamp(now, UTC)
        return "not valid yet" if now < begins else "expired" if now > ends else ""

    return fault


# --- 14: in production


def chat_server(said, heard):
    """A `Server` of these two methods."""

    class Server:
        def __init__(self, publish):
            self.guests, self.publish, self.mine = [], publish, deque()

        def tell(self, text):
            for guest in self.guests:
                guest(text)

    Server.said, Server.heard = said, heard
    return Server


def tell_and_publish(server, text):
    server.tell(text)
    server.mine.append(text)
    server.publish(text)


def unless_mine(server, text):
    if text in server.mine:
        server.mine.remove(text)
    else:
        server.tell(text)


# --- 14: in production


def back_off(limit=lambda n: min(30, 2**n), wait=lambda u, most: u(0, most), again=True):
    """A class that keeps its waits in a list, and no count."""

    class BackOff:
        def __init__(self, uniform):
            self.uniform, self.waits = uniform, []

        def wait(self):
            self.waits.append(wait(self.uniform, limit(len(self.waits))))
            return self.waits[-1]

        def connected(self):
            if again:
                self.waits.clear()

    return BackOff


class DoublingBackOff:
    def __init__(self, uniform):
        self.uniform = uniform
        self.connected()

    def connected(self):
        self.limit = 1

    def wait(self):
        now, self.limit = self.limit, min(2 * self.limit, 30)
        return self.uniform(0, 1) * now


WRONG: dict[str, list[tuple[Any, str]]] = {
    "build_your_own-answer": [
        (answer_by_place, "raised IndexError"),
        (lambda request, accept: "HTTP/1.1 101 Yes", "answer returned str, not bytes"),
        (lambda request, accept: b"HTTP/1.1 101 Yes\r\n\r\n", "pgrade"),
        (lambda request, accept: answer_by_lines(request, lambda key: accept(key + "\n")), "ccept"),
    ],
    "build_your_own-accept": [
        (lambda key: base64.b64encode(sha1(key)).decode(), "GUID is missing"),
        (lambda key: sha1(key + GUID).hex(), "in hex"),
        (lambda key: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "accept('"),
    ],
    "build_your_own-read_head": [
        (head_without_lengths, "say that the length follows"),
        (head_of_four, "81 85"),
        (lambda reader: reader.readexactly(2), "81 85"),
    ],
    "build_your_own-read_payload": [
        (payload_and_key, "the text of the RFC's example"),
        (payload_without_await, "the text of the RFC's example"),
        (lambda reader, head: b"Hello", "raised TypeError"),
    ],
    "build_your_own-write_frame": [
        (lambda opcode, payload: encode_frame(opcode, payload, masking_key=KEY), "never masks"),
        (lambda opcode, payload: bytes([128 + opcode, len(payload)]) + payload, "longer form"),
        (lambda opcode, payload: b"\x81" + frame_by_struct(opcode, payload)[1:], "argument"),
    ],
    "build_your_own-messages": [
        (messages_of_frames, "a ping"),
        (lambda frames, send: frames, "a text"),
        (lambda frames, send: [], "async for"),
    ],
    "build_your_own-close": [
        (close_anything, "Half a code came back"),
        (close_without_await, "not answered"),
        (lambda payload, send: payload, "write async def"),
        (lambda payload, send: send(8, b""), "no code"),
    ],
    "build_your_own-refuse": [
        (refuse_by_error, "raised ValueError: a client's frame is masked"),
        (refuse_all_control, "may come there"),
        (lambda head, unfinished: 1002, "must raise"),
    ],
    "build_your_own-refuse_request": [
        (lambda request: None, "nobody asks"),
        (lambda request: b"HTTP/1.1 400 No\r\n\r\n", "all that it needs"),
        (lambda request: "400" if b"Upgrade: web" not in request else None, "raised TypeError"),
    ],
    "handshake-accept": [
        (lambda key: base64.b64encode(sha1(key + GUID)), "Right bytes"),
        (lambda key: sha1(key + GUID).hex(), "in hex"),
        (lambda key: base64.b64encode(sha1(key)).decode(), "GUID is missing"),
        (lambda key: base64.encodebytes(sha1(key + GUID)).decode(), "line end behind"),
    ],
    "handshake-answer": [
        (lambda request: response(request, end="\r\n"), "never ends"),
        (lambda request: response(request, connection="Connection: keep-alive"), "onnection"),
        (lambda request: response(request, line="HTTP/1.1 200 OK"), "only 101"),
        (lambda request: response(request, accept=f"Sec-WebSocket-Accept: {GUID}"), "ccept"),
        (lambda request: response(request, end="\r\n\r\nHello"), "behind the empty line"),
        (lambda request: response(request, upgrade=""), "pgrade"),
    ],
    "handshake-culprit": [("Upgrade", "as it should be"), ("Connection", "as it should be"),
                          ("Origin", "need not be"), ("Sec-WebSocket-Key", "need not be")],
    "frames-encode": [
        (lambda payload, key: encode_frame(1, payload), "a client must mask"),
        (lambda payload, key: bytes([0x81, 0x80 + len(payload)]) + key + payload, "not"),
        (lambda payload, key: bytes([0x01, 0x80 + len(payload)]) + key + mask(payload, key), "FIN"),
        (lambda payload, key: bytes([0x81, 0x80 + len(payload)]) + mask(payload, key), "key"),
    ],
    "frames-read": [("Hello", "does not say"), (b"tide!", "not say"),
                    ("81 84 f3 27 66 a7 84 46 10 c2", "whole frame")],
    "frames-length": [
        (lambda frame: frame[1], "does not belong to the length"),
        (lambda frame: len(frame) - 6, "frame[1] & 0x7f"),
        (lambda frame: frame[1] & 0x7F if frame[1] & 0x7F < 126
         else int.from_bytes(frame[2:6], "big"), "frame[2:4]"),
        (lambda frame: frame[1] & 0x7F if frame[1] & 0x7F < 126
         else int.from_bytes(frame[2:4], "big"), "eight bytes"),
    ],
    "data_transfer-cut": [
        (lambda payload, parts: [encode_frame(1, payload)], "number of frames"),
        (lambda payload, parts: cut(payload, parts, opcode=1), "the first frame has the opcode"),
        (lambda payload, parts: cut(payload, parts, fin=1), "opcode"),
        (lambda payload, parts: cut(payload, parts, key=b"abcd"), "does not mask"),
        (lambda payload, parts: b"".join(cut(payload, parts)), "a list of frames"),
    ],
    "data_transfer-count": [((2, 4), "messages are right"), ((3, 5), "frames are right"),
                            ((5, 5), "frames are right"), ((1, 1), "1 messages")],
    "data_transfer-text": [
        (lambda payloads: "".join(part.decode() for part in payloads), "middle of a character"),
        (lambda payloads: b"".join(payloads), "Expected text"),
        (lambda payloads: b"".join(payloads).decode("latin-1"), "Latin-1"),
        (lambda payloads: b"".join(payloads).decode(errors="ignore"), "is no UTF-8"),
    ],
    "extensions_and_subprotocols-choose": [
        (lambda offered, supported: offered[0] if offered else None, "client's order"),
        (lambda offered, supported: [n for n in offered if n in supported], "not all that fit"),
        (lambda offered, supported: supported[0], "Nobody offered"),
        (lambda offered, own: ", ".join(n for n in own if n in offered), "still a list"),
    ],
    "extensions_and_subprotocols-answer": [
        (lambda offer, own: choose_by_index((offer or "").split(","), own), "after each comma"),
        (lambda offer, own: choose_by_index((offer or "").lower().split(", "), own), "not right"),
        (lambda offer, own: answer_by_regex(offer and offer.lower(), own), "letter by letter"),
        (lambda offer, own: answer_by_regex(offer, own) or "", "left out"),
    ],
    "extensions_and_subprotocols-inflate": [
        (lambda payloads: inflate_all(payloads, tail=b""), "put them back"),
        (lambda payloads: inflate_all(payloads, bits=15), "raw DEFLATE"),
        (lambda payloads: [inflate_all([one])[0] for one in payloads], "the same inflater"),
        (lambda payloads: inflate_all(payloads, decode=False), "bytes still"),
        (lambda payloads: "".join(inflate_all(payloads)), "Expected list"),
    ],
    "extensions_and_subprotocols-publish": [
        (lambda packet: publish_by_struct(packet, qos=False), "packet identifier"),
        (lambda packet: publish_by_struct(packet, most=1), "remaining length"),
        (lambda packet: publish_by_struct(packet, decode=False), "UTF-8"),
        (lambda packet: publish_by_struct(packet)[0], "Expected"),
    ],
    "extensions_and_subprotocols-decode": [
        (lambda message: decode_by_struct(message, "<"), "wrong order"),
        (lambda message: decode_by_struct(message)[:3], "The place is missing"),
        (lambda message: decode_by_struct(message)[:3] + [("place", len(message[5:].decode()),
                         message[5:].decode())][: len(message) - 5], "counted in bytes"),
    ],
    "extensions_and_subprotocols-trace": [((10, False), "exponent"), ((4096, False), "server's"),
                                          ((32768, False), "largest"), ((1024, True), "alone")],
    "rate_limiting-order": [
        ("ABCD", "way of a byte"),
        ("CDBA", "has room"),
        ("D, C, A, B", "has room"),
        ("DCB", "another order"),
    ],
    "rate_limiting-amounts": [
        ([0, 5, 10, 1010, 0], "count characters"),
        ([0, 11, 24, 1032, 0], "whole frames"),
        ([0, 5, 7, 1000, 0], "taken off"),
        ([0, 5, 12, 1012, 1012], "long handed it on"),
    ],
    "rate_limiting-pump": [
        (pump("once"), "asks once"),
        (pump("never"), "asks once"),
        (pump("skips"), "left out"),
        (pump_with_a_pause, "had to wait"),
    ],
    "rate_limiting-bucket": [
        (BucketOfNothing, "lets everything"),
        (BucketPerSecond, "asked at"),
        (BucketThatStartsEmpty, "begins empty"),
    ],
    "close_codes-payload": [
        (lambda code, reason: payload(code, reason, "little"), "larger first"),
        (lambda code, reason: payload(code, reason, limit=200), "let through"),
        (lambda code, reason: payload(code, reason, limit=125), "let through"),
        (lambda code, reason: payload(code, reason, limit=122), "exactly that many"),
        (lambda code, reason: f"{code}{reason}".encode(), "not written in digits"),
    ],
    "close_codes-trace": [((1002, 1006), "text is not"), ((1007, 1007), "what it received"),
                          ((1006, 1006), "may send 1006"), ((1007, 1005), "1005 is for")],
    "close_codes-wait": [
        (wait_with(lambda code: code not in BLACKLIST, lambda n: min(2**n, 60)), "after 1005"),
        (wait_with(lambda code: code not in (*BLACKLIST, 1005), lambda n: min(2**n, 60)), "1009"),
        (wait_with(lambda code: code not in (*BLACKLIST, 1005, 1009), lambda n: 2 + n), "1015"),
        (wait_with(passes, lambda n: random.uniform(0, 1)), "must grow"),
        (wait_with(passes, lambda n: random.uniform(0, 60)), "must grow"),
        (wait_with(passes, lambda n: 2**n), "put a limit"),
        (wait_with(passes, lambda n: 5 * n), "at once"),
        (wait_with(lambda code: code == 1006, lambda n: min(2**n, 60)), "after 1001"),
    ],
    "connection_state-next_state": [
        (changed("OPEN", "receives close", "CLOSED"), "TCP has ended"),
        (changed("CLOSING", "receives close", "CLOSED"), "TCP has ended"),
        (changed("CONNECTING", "tcp ends", "CONNECTING"), "Without TCP"),
        (changed("CLOSED", "receives 101", "OPEN"), "Nothing leads out"),
    ],
    "connection_state-trace": [
        (["OPEN", "CLOSED"], "begins in CONNECTING"),
        (["CONNECTING", "OPEN", "CLOSING", "CLOSED"], "no close frame"),
        (["CONNECTING", "CLOSED"], "a valid 101 came"),
        (["CLOSED", "OPEN", "CONNECTING"], "another order"),
    ],
    "connection_state-outbox": [
        (outbox_but("CONNECTING", lambda old, new: ([], [new, *old])), "first stays first"),
        (outbox_but("OPEN", lambda old, new: ([new], [])), "goes out first"),
        (outbox_but("CLOSING", lambda old, new: ([], [*old, new])), "nothing more may be sent"),
        (outbox_but("CLOSED", lambda old, new: None), "vanish"),
    ],
    "chat-shorten": [
        (lambda text, limit: text.encode()[:50].decode(errors="ignore"), "not always 50"),
        (lambda text, limit: text[:limit], "many characters"),
        (lambda text, limit: text.encode()[:limit].decode(errors="replace"), "nobody wrote"),
        (lambda text, limit: text[: limit // 4], "Something that would have fitted"),
        (lambda text, limit: text.encode("ascii", "ignore")[:limit].decode(), "fitted"),
    ],
    "chat-chat": [
        (room(in_turn), "reads nothing"),
        (room(together), "reads nothing"),
        (room(a_task_each), "tasks wait"),
        (room(a_task_each_and_kept), "tasks wait"),
        (room(broadcast, leave="after the loop"), "still a member"),
    ],
    "chat-history": [
        (history(None), "the last ten"),
        (history(backwards=True), "oldest first"),
        (history(to_all=True, late=True), "nobody else"),
        (history(5), "ten were to come"),
        (history(0), "None of the old lines"),
    ],
    "chat-offender": [((1, 1009), "was not shown out"), ((2, 1000), "it is, but"),
                      ((3, 1000), "was not shown out"), (("Ada", 1009), "two numbers")],
    "echo_page_and_devtools-pane": [
        (["Hi", "?", "?", "Hello"], "Ping and pong"), (["Hello", "Hi"], "another order"),
        (["Hi", "Hel", "lo"], "two rows"), (["Hi", "?", "Hello"], "a ping is none"),
    ],
    "echo_page_and_devtools-said": [
        (lambda messages: [m["data"] for m in messages], "Who sent each is missing"),
        (lambda messages: said_by_type(messages, {"send": "client"}), "it has the type receive"),
        (lambda messages: said_by_type(messages, {"send": "server", "receive": "client"}),
         "what it sent, the client sent"),
    ],
    "echo_page_and_devtools-rides_along": [
        (lambda same_site, page, server: True, "is not right"),
        (lambda same_site, page, server: page.split("/")[2] == server.split("/")[2],
         "is not right"),
        (lambda same_site, page, server: same_site in ("None", ""), "is not right"),
    ],
    "echo_page_and_devtools-connects": [
        (lambda event, ready_state, was_clean: event == "close", "wrong events"),
        (lambda event, ready_state, was_clean: ready_state == 3, "wrong events"),
        (lambda event, ready_state, was_clean: True, "wrong events"),
        (lambda event, ready_state, was_clean: False, "wrong events"),
    ],
    "echo_page_and_devtools-line": [
        (lambda text: html.escape(text), "no element at all"),
        (lambda text: f"<li><b>{html.escape(text)}</b></li>", "<li>, <b>"),
        (lambda text: f"<li>{html.escape(html.escape(text))}</li>", "shows another text"),
        (lambda text: f"<li>{text!a}</li>", "shows another text"),
        (lambda text: f"<li>{text.replace('<', '')}</li>", "shows another text"),
    ],
    "node-clients": [
        (["browser", "websockets", "ws", "WebSocket"], "only one of them"),
        (["websockets", "browser", "WebSocket", "ws"], "the one that cuts it"),
        (["browser", "WebSocket", "websockets", "ws"], "fills in a code"),
        (["WebSocket", "websockets", "browser", "ws"], "one client leaves it out"),
    ],
    "node-codes": [([1000, 1006, 1006, None], "1000 says"), ([1001, 1001, 1006, None], "SIGKILL"),
                   ([1001, 1006, 1011, None], "1011 is what"),
                   ([1001, 1006, 1006, 1006], "nothing is exactly"),
                   ([1001, 1005, 1005, None], "1005 is reported")],
    "node-order": [("ABCD", "one message after the other"), ("ACBD", "do not wait for each other"),
                   ("CDAB", "TCP sees to that")],
    "node-repair": [
        (repaired(send="for (const other of clients) other.send(Buffer.from(answer));"),
         "a Buffer as binary"),
        (repaired(close=""), "Nobody takes out of the set"),
        (repaired(parse="const { text } = JSON.parse(data);"), "one guest has thrown out all"),
        (repaired(error=""), "'error' that has no listener"),
        (repaired(error='server.on("error", () => {});'), "'error' that has no listener"),
        (repaired(answer="const answer = `${text} (${clients.size})`;"), "JSON.stringify"),
        ("nothere();", "ReferenceError: nothere is not defined"),
        ("const server = 1;", "no server listens"),
    ],
    "node-relay": [
        (relay(send="other.send(data, { binary: isBinary })"), "gets it back"),
        (relay(send="if (other !== client) other.send(data)"), "sends a Buffer as binary"),
        (relay(send='if (other !== client) other.send(data + "")'), "they are no UTF-8"),
        (relay(handler=""), "before a goodbye was written"),
        (relay(handler="process.exit();"), "before a goodbye was written"),
        (relay(handler="server.close();"), "only ends the listening"),
        (relay(handler="for (const one of server.clients) one.close(1001);"), "keeps Node running"),
        (relay(handler="for (const one of server.clients) one.close(); server.close();"),
         "without a code"),
        (relay(handler="for (const one of server.clients) one.close(1000); server.close();"),
         "the purpose is fulfilled"),
        (relay(send=""), "not everybody heard it"),
    ],
    "secure_websockets-records": [
        ([25, 25, 29, 22], "frame's header"),
        ([27, 27, 31, 24], "masks its frames"),
        ([31, 31, 35, 28], "second record is shorter"),
        ([31, 27, 33, 28], "These are letters"),
        ([9, 5, 13, 6], "frame alone"),
        ([14, 10, 18, 11], "the tag, 17 bytes"),
        ([26, 22, 30, 23], "own header is missing"),
    ],
    "secure_websockets-hello": [
        ([96, "garden.example", "1.3"], "as well"),
        ([92, "garden.example", "1.3"], "message's"),
        ([101, "http/1.1", "1.3"], "ALPN"),
        ([101, "garden.example", "1.0"], "record's version"),
        ([101, "garden.example", "1.2"], "hello's own version"),
        ([101, "garden.exampl", "1.3"], "14 bytes"),
    ],
    "http_vs_websocket-arrivals": [
        ([3, 9, 10.5, 21], "times of publishing"),
        ([7, 1, 9.5, 9], "how long each"),
        ([13, 19, 20.5, 31], "whole interval"),
        ([0, 0, 10, 20], "not published yet"),
        ([0, 10, 10, 20], "Not the nearest poll"),
    ],
    "http_vs_websocket-trace": [
        (["Hello\nwor", "ld", "12"], "cut in two"),
        (["Hello", "world", "12"], "join the data lines"),
        (["Hello\nworld", "12", "3"], "never told"),
        (["Hello\nworld", "keep going", "12"], "a comment"),
    ],
    "http_vs_websocket-poller": [
        (poller(lambda before, numbers: numbers[-1] if numbers else 0), "begins at 0 again"),
        (poller(lambda before, numbers: before + len(numbers)), "gaps"),
        (poller(lambda before, numbers: before), "never remembers"),
        (poller(lambda before, numbers: before + 1), "published before each poll"),
        (poller(lambda before, numbers: max(numbers, default=before), lambda all: all[-1:]),
         "may have several"),
    ],
    "http_vs_websocket-events": [
        (events_by_regex, "Only an empty line"),
        (lambda stream: events_by_blocks(stream, joined=""), "line end"),
        (lambda stream: events_by_blocks(stream, space=""), "is syntax"),
        (lambda stream: events_by_blocks(stream, cut=False), "cuts off"),
    ],
    "secure_websockets-context": [
        (context_by_hand(verify=ssl.CERT_NONE), "may pose as your server"),
        (context_by_hand(host=False), "any other host gets in"),
        (lambda file: ssl.create_default_context(), "your own server is refused"),
        (lambda file: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "a server's context"),
    ],
    "secure_websockets-fault": [
        (fault_by_pattern(lambda host, name: host == name), "stands for a name in front"),
        (fault_by_pattern(lambda host, name: fnmatch(host, name)), "two in front"),
        (fault_by_pattern(lambda host, name: host in (name, name[2:]) or one_label(host, name)),
         "the bare host is not meant"),
        (fault_by_pattern(lambda host, name: host.endswith(name.lstrip("*."))), "two in front"),
        (fault_by_pattern(kinds=("DNS",)), "is among the names too"),
        (fault_by_pattern(lower=False), "no capitals"),
    ],
    "in_production-account": [
        (account(lambda origin: bool(origin) and origin.endswith("school.example")),
         "anybody can register it"),
        (account(lambda origin: origin in (None, "https://school.example")), "A missing Origin"),
        (account(lifetime=float("inf")), "good for ever"),
    ],
    "in_production-server": [
        (chat_server(tell_and_publish, lambda self, text: self.tell(text)), "hear it twice"),
        (chat_server(tell_and_publish, lambda self, text: None), "is not passed on"),
        (chat_server(lambda self, text: self.tell(text), lambda self, text: None),
         "it is not published"),
        (chat_server(tell_and_publish, unless_mine), "different orders"),
        (chat_server(lambda self, text: None, lambda self, text: self.tell(text)),
         "nobody hears anything"),
    ],
    "in_production-inside": [
        ([[1792, 1], [1024, 3], [768, 1], "Hello"], "32 bits"),
        ([(7, 1), (4, 2147483651), (3, 1), "Hello"], "first bit"),
        ([(16, 1), (13, 3), (12, 1), "Hello"], "not counted"),
        ([(7, 1), (4, 3), (3, 1), "He"], "not a WebSocket frame"),
        ([(7, 1), (4, 3), (3, 1), "He\0\0llo"], "PADDED"),
        ([(7, 1), (4, 3), (3, 1), "Hehillo"], "another socket"),
    ],
    "in_production-back_off": [
        (back_off(limit=lambda n: 2**n), "Without a longest wait"),
        (back_off(wait=lambda u, most: most), "no chance"),
        (back_off(wait=lambda u, most: most + u(0, 1)), "on top"),
        (back_off(again=False), "never begins anew"),
        (back_off(limit=lambda n: min(30, n + 1)), "by the same step"),
    ],
}  # fmt: skip
"""A function, a value, or, as a tuple, several values; a word of what the verdict says."""

RIGHT: dict[str, list[Any]] = {
    "build_your_own-answer": [answer_by_lines],
    "build_your_own-accept": [accept_in_one_line],
    "build_your_own-read_head": [head_by_struct],
    "build_your_own-read_payload": [payload_by_library],
    "build_your_own-write_frame": [frame_by_struct],
    "build_your_own-messages": [messages_in_two_lists],
    "build_your_own-close": [close_whole],
    "build_your_own-refuse": [refuse_one_by_one],
    "build_your_own-refuse_request": [request_by_pattern],
    "handshake-accept": [accept_in_one_line, accept_by_update],
    "handshake-answer": [
        response,
        lambda request: response(request, line="HTTP/1.1 101 Yes", upgrade="upgrade: WebSocket"),
        lambda request: response(request, connection="CONNECTION: keep-alive, Upgrade"),
    ],
    "handshake-culprit": ["sec-websocket-accept", " Sec-WebSocket-Accept: "],
    "frames-encode": [encode_by_struct],
    "frames-length": [length_by_struct, length_by_shifting],
    "data_transfer-cut": [cut, cut_unevenly],
    "data_transfer-text": [text_by_codec, lambda payloads: str(b"".join(payloads), "utf-8")],
    "extensions_and_subprotocols-choose": [choose_by_index],
    "extensions_and_subprotocols-answer": [answer_by_regex],
    "extensions_and_subprotocols-inflate": [inflate_all],
    "extensions_and_subprotocols-publish": [publish_by_struct],
    "extensions_and_subprotocols-decode": [decode_by_struct],
    "rate_limiting-order": ["DCBA", "d c b a", "D, C, B, A"],
    "rate_limiting-amounts": [[0, 5, 12, 1012, 0]],
    "rate_limiting-pump": [pump("each"), pump("never", lambda c, m: c.send(m))],
    "rate_limiting-bucket": [BucketByArrival],
    "close_codes-payload": [payload, payload_by_struct],
    "close_codes-wait": [
        wait_with(passes, lambda n: random.uniform(0, min(2**n, 60))),  # full jitter
        wait_with(passes, lambda n: min(2**n, 60) * random.uniform(0.5, 1)),
        wait_with(passes, lambda n: min(1.5**n + random.random(), 300)),
        wait_with(passes, lambda n: [1, 2, 5, 10, 30, 60][min(n, 5)]),
    ],
    "connection_state-next_state": [next_state_by_table, next_state_by_match],
    "connection_state-trace": [("connecting", "Open", "closed")],
    "connection_state-outbox": [outbox_in_place],
    "chat-shorten": [shorten_step_by_step, shorten_by_counting],
    "chat-chat": [room(broadcast), queues()],
    "chat-history": [history(), history_as_a_list()],
    "echo_page_and_devtools-pane": [[" Hi", "Hello "]],
    "echo_page_and_devtools-said": [
        lambda messages: said_by_type(messages, {"send": "client", "receive": "server"}),
    ],
    "echo_page_and_devtools-rides_along": [
        lambda same_site, page, server: (
            same_site.lower() == "none" or page.split(":")[1] == server.split(":")[1]
        ),
    ],
    "echo_page_and_devtools-connects": [
        lambda event, ready_state, was_clean: (
            ready_state is None or {"close": not was_clean}.get(event, False)
        ),
    ],
    "echo_page_and_devtools-line": [
        lambda text: f"<li>{html.escape(text, quote=False)}</li>",
        lambda text: "<li>" + "".join(f"&#{ord(sign)};" for sign in text) + "</li>\n",
        lambda text: f'<li class="said">{text.replace("&", "&amp;").replace("<", "&lt;")}</li>',
    ],
    "node-clients": [["browser", "websockets", "WebSocket", "ws"]],
    "node-codes": [[1001, 1006, 1006, None]],
    "node-order": ["ACDB", "a c d b"],
    "node-repair": [repaired(), REPAIRED_OTHERWISE],
    "node-relay": [relay(), RELAY_AS_A_MODULE],
    "secure_websockets-records": [[31, 27, 35, 28]],
    "secure_websockets-hello": [[101, "garden.example", "1.3"]],
    "http_vs_websocket-arrivals": [[10, 10, 20, 30]],
    "http_vs_websocket-trace": [["Hello\nworld", "12"]],
    "http_vs_websocket-poller": [
        PollerByOne,
        poller(lambda before, numbers: numbers[-1] if numbers else before),
        poller(lambda before, numbers: max([before, *numbers])),
    ],
    "http_vs_websocket-events": [events_by_blocks],
    "in_production-account": [account()],
    "in_production-server": [
        chat_server(lambda self, text: self.publish(text), lambda self, text: self.tell(text)),
        chat_server(
            lambda self, text: self.publish({"text": text, "from": id(self)}),
            lambda self, told: [guest(told["text"]) for guest in self.guests],
        ),
    ],
    "in_production-inside": [
        [(7, 1), (4, 3), (3, 1), "Hello"],
        [[7, 1], [4, 3], [3, 1], "Hello"],
    ],
    "in_production-back_off": [back_off(), DoublingBackOff],
    "secure_websockets-context": [context_by_hand(), context_by_hand(ssl.CERT_OPTIONAL)],
    "secure_websockets-fault": [fault_by_pattern()],
}
"""The same, and right."""
