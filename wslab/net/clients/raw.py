"""A TCP client that sends exactly the bytes it is given, and returns exactly what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Literal, Self

from wslab.net import held_loop, loop, registry, socket_names
from wslab.net.address import Address
from wslab.net.clients.connect_failure import explain_tls
from wslab.net.errors import ConnectFailed, ConnectTimedOut, NotConnected, TimedOut, WrongValue
from wslab.net.reset import close
from wslab.net.reset import reset as cut_off
from wslab.wire.protocol import parse_head

MAX_HEAD = 64 * 1024
"""The most bytes that are read in search of the end of a head."""

MAX_READ = 16 * 2**20
"""The most bytes that one read returns."""

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455 §1.3: base64 of the 16 bytes "the sample nonce"."""

REQUEST_LINE = "GET {path} HTTP/1.1"

_numbers = itertools.count(1)


Fields = Mapping[str, str | Sequence[str] | None]
"""The fields of a head: several values for a field that is repeated, None to leave one out."""


def encode_head(line: str, fields: Fields) -> bytes:
    """Encode an HTTP head, correct or not, with the empty line that ends it."""
    lines = [line]
    for name, value in fields.items():
        values = [value] if isinstance(value, str) else value or ()
        lines += [f"{name}: {text}" for text in values]
    return "\r\n".join([*lines, "", ""]).encode()


def opening_request(
    address: Address, changes: Fields = MappingProxyType({}), line: str = REQUEST_LINE
) -> bytes:
    """The request of RFC 6455 §1.3 to the server at `address`, the same every time.

    `changes` are additional fields, or other values for its own. `line` is its first line, with
    `{path}` for the path.
    """
    fields = {
        "Host": f"{address.host_in_url}:{address.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    return encode_head(line.replace("{path}", address.path), {**fields, **changes})


async def dial(
    address: Address, patience: float, tls: ssl.SSLContext | None = None, *, wire_name: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect by TCP within `patience` seconds. Raises `ConnectFailed` or `ConnectTimedOut`.

    A tap of this process shows the connection under `wire_name`.
    """
    where = f"{address.host_in_url}:{address.port}"
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    except ssl.SSLError as error:
        raise explain_tls(error, address) from error
    except TimeoutError as error:
        raise ConnectTimedOut(f"{where} accepted no connection in {patience:g} s") from error
    except OSError as error:
        raise ConnectFailed(f"expected a server at {where}: {error}") from error
    socket_names.tell(writer.transport, wire_name)
    return reader, writer


class RawClient:
    """A TCP connection to `where` (a port, ``(host, port)``, ``"host:port"`` or a ``ws://`` URL).

    The reading functions return what came. That is less than asked for if the time was up, or if
    the stream ended first: see `ended`. Nothing is ever added, checked or answered.
    """

    kind: ClassVar[str] = "raw client"

    def __init__(
        self,
        where: str | int | tuple[str, int] | Address,
        *,
        timeout: float = 5.0,
        wire_name: str = "raw client",
    ) -> None:
        self.address = where if isinstance(where, Address) else Address.parse(where)
        self.url = self.address.url
        self.name = str(next(_numbers))
        self.wire_name = wire_name
        """What a tap of this process names its connection."""
        self.timeout = timeout
        """The most seconds that each function waits by default."""
        self.ended: Literal["eof", "reset"] | None = None
        """How the other side's stream ended: by FIN, by RST, or not yet (None)."""
        self._received = bytearray()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def connect(self) -> Self:
        """Open the TCP connection. Raises `ConnectFailed` or `ConnectTimedOut`."""
        loop.refuse_on_loop_thread("RawClient.connect")
        registry.register(self.kind, self.name, self)
        try:
            loop.run(self._connect(), refuse=self._refuse_held)
        except BaseException:
            registry.unregister(self)
            raise
        return self

    def upgrade(self) -> Self:
        """Send the opening request and read its answer. Raises `ConnectFailed` unless it is 101."""
        self.send(opening_request(self.address))
        head = parse_head(self.read_head())
        if head.status != 101:
            self.close()
            raise ConnectFailed(f"expected 101 from {self.url}, got {head.first_line!r}")
        return self

    def send(self, data: bytes, timeout: float | None = None) -> None:
        """Send these bytes. Raises `NotConnected`, or `TimedOut` if the peer accepts no data."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise WrongValue(f"expected bytes, got {type(data).__name__}; nothing was sent")
        work = self._send(bytes(data), self.timeout if timeout is None else timeout)
        loop.run(work, refuse=self._refuse_held)

    def send_eof(self) -> None:
        """Say that nothing more will be sent (FIN); reading goes on."""
        loop.run(self._send_eof())

    def read_head(self, timeout: float | None = None) -> bytes:
        """Read up to and including the empty line that ends an HTTP head."""

        def enough(received: bytearray) -> int:
            return received.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in received else 0

        return self._read(enough, MAX_HEAD, timeout)

    def read_exactly(self, count: int, timeout: float | None = None) -> bytes:
        """Read `count` bytes."""
        return self._read(lambda received: count if len(received) >= count else 0, count, timeout)

    def read_some(self, timeout: float | None = None) -> bytes:
        """Read whatever comes next."""
        return self._read(len, MAX_READ, timeout)

    def read_to_end(self, timeout: float | None = None) -> bytes:
        """Read until the other side ends its stream."""
        return self._read(lambda received: 0, MAX_READ, timeout)

    def reset(self) -> None:
        """Cut the connection off, with RST if the system allows it."""
        loop.run(self._close(reset=True))
        registry.unregister(self)

    def close(self) -> None:
        """End the connection with FIN. A second call does nothing."""
        loop.run(self._close(reset=False))
        registry.unregister(self)

    def stop(self) -> None:
        """The same as `close`."""
        self.close()

    def __enter__(self) -> Self:
        return self if self._writer is not None else self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._writer is None else "open"
        return f"<RawClient {self.address.host_in_url}:{self.address.port}, {state}>"

    def _read(self, enough: Callable[[bytearray], int], limit: int, timeout: float | None) -> bytes:
        work = self._collect(enough, limit, self.timeout if timeout is None else timeout)
        return loop.run(work, refuse=self._refuse_held)

    def _refuse_held(self, call: str) -> None:
        held_loop.refuse(self.address, call.replace("_collect", "read"))

    async def _connect(self) -> None:
        self._reader, self._writer = await dial(
            self.address, self.timeout, wire_name=self.wire_name
        )

    async def _send(self, data: bytes, patience: float) -> None:
        _, writer = self._open()
        try:
            async with asyncio.timeout(patience):
                writer.write(data)
                await writer.drain()
        except TimeoutError as error:
            raise TimedOut(f"the other side took no data for {patience:g} s") from error
        except OSError as error:
            self.ended = "reset"
            raise NotConnected(f"the connection broke while sending: {error}") from error

    async def _send_eof(self) -> None:
        _, writer = self._open()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _collect(
        self, enough: Callable[[bytearray], int], limit: int, patience: float
    ) -> bytes:
        received = self._received
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not enough(received) and len(received) < limit and self.ended is None:
                    reader, _ = self._open()
                    try:
                        data = await reader.read(64 * 1024)
                    except OSError:
                        self.ended = "reset"
                    else:
                        received += data
                        self.ended = None if data else "eof"
        size = min(enough(received) or len(received), limit)
        data = bytes(received[:size])
        del received[:size]
        return data

    async def _close(self, *, reset: bool) -> None:
        writer, self._reader, self._writer = self._writer, None, None
        if writer is None:
            return
        if reset:
            cut_off(writer.transport)
        await close(writer)

    def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            raise NotConnected("this raw client has no connection: call connect() first")
        return self._reader, self._writer
