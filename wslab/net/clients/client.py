"""A WebSocket client with plain functions: connect, send, recv, ping, close; none to await."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, Self, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as library_connect
from websockets.exceptions import ConcurrencyError, ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import Event as LibraryEvent
from websockets.protocol import State
from websockets.uri import parse_uri

from wslab.net import held_loop, loop, registry, socket_names
from wslab.net.address import Address, parse_url
from wslab.net.clients.connect_failure import explain
from wslab.net.clients.ending import ended_well, tell_ending
from wslab.net.clients.handshake_options import Headers, checked
from wslab.net.clients.inbox import Inbox
from wslab.net.clients.outgoing import check_close, check_ping, to_bytes
from wslab.net.compression import Compression, check_compression, client_options
from wslab.net.errors import ConnectFailed, NotConnected, TimedOut, WrongMessage, WrongValue
from wslab.net.problem_log import ProblemLog
from wslab.wire.protocol import masked_text

EVENTS_KEPT = 1000
"""How many events a client remembers; the oldest are dropped."""

CLOSE_PATIENCE = 10.0
"""Seconds that `close` waits for the closing handshake by default."""

GRACE = 0.5
"""Seconds that a server has for the closing handshake when a client is stopped or replaced."""

StateName = Literal["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
ClientEventName = Literal["open", "message", "error", "close", "sent", "ping", "pong"]

_numbers = itertools.count(1)


class ClientEvent(NamedTuple):
    """Something that happened to a client: a line in a panel's log."""

    time: float
    """Seconds since the epoch, as `time.time` counts them."""
    name: ClientEventName
    text: str
    """The start of a message, how the connection ended, and the like. May come from the peer."""


class Client:
    """A WebSocket client built on `websockets.asyncio.client`, which runs on the loop thread.

    Every method is a plain function that works from a cell, a widget callback or any thread. The
    state is always the library's own. ``compression`` (see `net/compression.py`),
    ``ping_interval`` and ``ping_timeout`` (seconds), ``max_size`` (bytes of the largest message
    accepted) and ``close_timeout`` (seconds that the server has to answer a close) are the
    library's options; the first two are off by default. ``tls`` is the context for ``wss://``, such
    as `Authority.client`; without one, it trusts the authorities that the system trusts. ``proxy``
    is the ``http://`` URL of a proxy; without one, none is used.

    Raises `WrongValue` for an option that cannot work.

    A client with a ``name`` replaces an earlier one of that name; without one it gets a number.
    A tap shows its connections under ``wire_name``, or under its name.
    """

    kind: ClassVar[str] = "client"

    def __init__(
        self,
        url: str | None = None,
        *,
        name: str | None = None,
        wire_name: str | None = None,
        compression: Compression = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = 20.0,
        max_size: int | None = 2**20,
        close_timeout: float | None = 10.0,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise WrongValue(f"expected a name as str, such as 'mine', got {name!r}")
        self.url = url
        self.tls = tls
        self.proxy = proxy
        self.name = name or f"client {next(_numbers)}"
        self.wire_name = self.name if wire_name is None else wire_name
        """What a tap of this process names its connections."""
        self.error: str | None = None
        """The last problem: why connecting failed, or how the connection broke."""
        self.sent = 0
        """Messages sent on this connection."""
        self.received = 0
        """Messages received on this connection."""
        self.log = ProblemLog(f"client.{self.name}")
        """The last problems, newest last: nothing is printed from a background thread."""
        self.options: dict[str, Any] = {
            "compression": compression,
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
            "max_size": max_size,
            "close_timeout": close_timeout,
        }
        """The library's options, as they were given."""
        _check_options(self.options)
        self._connection: _Connection | None = None  # set when it opens, kept when it is closed
        self._opening: _Connection | None = None  # set between the handshakes of TCP and WebSocket
        self._attempt: asyncio.Task[Any] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._inbox = Inbox()
        self._inbox.end("nothing was connected yet; call connect(url) first")
        self._events: deque[ClientEvent] = deque(maxlen=EVENTS_KEPT)
        self._subscribers: list[Callable[[], None]] = []
        self._lock = threading.Lock()  # for the two above: they are read on any thread

    # Its state

    @property
    def state(self) -> StateName:
        """Its readyState, with the WHATWG's names; CLOSED before the first connect."""
        if self._attempt is not None:
            return "CONNECTING"
        connection = self._connection
        return "CLOSED" if connection is None else cast("StateName", connection.state.name)

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose, or None (RFC 6455 §1.9)."""
        return None if self._connection is None else self._connection.subprotocol

    @property
    def key(self) -> str | None:
        """The Sec-WebSocket-Key of its request, by which a recording knows the connection."""
        if self._connection is None or self._connection.request is None:
            return None
        return self._connection.request.headers["Sec-WebSocket-Key"]

    @property
    def close_code(self) -> int | None:
        """The code that the server sent; 1005 if its close frame had none, 1006 without a frame.

        None while the connection is open, or if there never was one (RFC 6455 §7.1.5).
        """
        code = None if self._connection is None else self._connection.close_code
        return None if code is None else int(code)

    @property
    def close_reason(self) -> str | None:
        """The reason that the server sent with the close code (RFC 6455 §7.1.6)."""
        return None if self._connection is None else self._connection.close_reason

    @property
    def events(self) -> list[ClientEvent]:
        """The last `EVENTS_KEPT` things that happened, oldest first."""
        with self._lock:
            return list(self._events)

    @property
    def waiting(self) -> int:
        """How many messages are waiting for `recv`."""
        return len(self._inbox)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after every change; returns a function that ends the subscription.

        The callback runs on the loop thread, must be quick, and must not call client methods.
        """
        with self._lock:
            self._subscribers.append(callback)

        def unsubscribe() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._subscribers.remove(callback)

        return unsubscribe

    # Its functions

    def connect(
        self,
        url: str | None = None,
        *,
        subprotocols: Sequence[str] | str | None = None,
        origin: str | None = None,
        headers: Headers | None = None,
        open_timeout: float | None = 10.0,
    ) -> Self:
        """Open a connection to `url` (default: the last one), after closing an earlier connection.

        Offers `subprotocols`, sends `origin` as the Origin field, and adds `headers`. Waits at most
        `open_timeout` seconds. Raises `WrongURL`, `WrongValue` for values that no request can
        carry, `ConnectFailed`, `HandshakeFailed` or `ConnectTimedOut`; `error` then says the same.
        """
        loop.refuse_on_loop_thread("Client.connect")
        registry.register(self.kind, self.name, self)
        try:
            handshake = {"subprotocols": subprotocols, "origin": origin, "headers": headers}
            wanted = self.url if url is None else url
            work = self._connect(url, open_timeout, handshake)
            loop.run(work, refuse=lambda call: _refuse_held(wanted, call))
        except BaseException:
            if self.state == "CLOSED":
                registry.unregister(self)
            raise
        if not registry.holds(self):
            self.stop()  # replaced while it was connecting, or over already
        return self

    def send(self, message: str | bytes, timeout: float | None = 10.0) -> None:
        """Send text as a text message, bytes as a binary one (RFC 6455 §5.6).

        Returns when the message is handed over, which is before it arrives; `state` and
        `close_code` show how the server reacts. Raises `WrongMessage` before anything is sent,
        `NotConnected`, or `TimedOut` if the server accepts no data for `timeout` seconds.
        """
        data = to_bytes(message)
        loop.run(self._send(message, data, timeout), refuse=self._refuse_held)

    def recv(self, timeout: float | None = 10.0) -> str | bytes:
        """Return the oldest unread message: str for text, bytes for binary.

        Raises `TimedOut` after `timeout` seconds without a message. Raises `NotConnected`, which
        tells how the connection ended, if it is closed and everything was read.
        """
        loop.refuse_on_loop_thread("Client.recv")
        return self._inbox.get(timeout, self._refuse_held)

    def ping(self, payload: str | bytes = b"", timeout: float | None = 10.0) -> float:
        """Send a ping, wait for its pong, and return the round trip in seconds (RFC 6455 §5.5.2).

        Raises `WrongMessage` for more than 125 bytes, `NotConnected`, or `TimedOut`.
        """
        data = to_bytes(payload)
        check_ping(data)
        return loop.run(self._ping(data, timeout), refuse=self._refuse_held)

    def close(
        self, code: int = 1000, reason: str = "", *, timeout: float | None = CLOSE_PATIENCE
    ) -> None:
        """Close the connection and wait until it is closed; also ends an attempt to connect.

        Accepts 1000 and 3000-4999, as browsers do from a script, and a reason of at most 123 bytes
        in UTF-8. Raises `WrongClose` for anything else and leaves the connection open. Does nothing
        if there is no connection.

        The closing handshake may take ``close_timeout`` seconds. If `timeout` (None: without limit)
        is shorter, raises `TimedOut` after that, while the handshake continues.
        """
        check_close(code, reason)
        loop.run(self._close_within(code, reason, timeout), refuse=self._refuse_held)

    def stop(self) -> None:
        """Close the connection; cut it off if the server does not answer within `GRACE` seconds."""
        try:
            loop.run(self._close(1000, "stopped", GRACE))
        finally:
            # If it was interrupted too early, it is still connected and must stay in the registry.
            if self.state == "CLOSED":
                registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's that is connected."""
        self._connection = self._opening = self._attempt = self._reader = None
        self._lock, self._inbox = threading.Lock(), Inbox()
        self._inbox.end("the connection is that of the process that this one was forked from")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self.state
        text = f"{state} {masked_text(self.url)}" if self.url else state
        if self._connection is not None and self._attempt is None:
            text += f", {self.sent} sent, {self.received} received"
            if state == "CLOSED":
                text += f"; {self._connection.story}"
        elif state == "CLOSED" and self.error:
            text += f"; {self.error}"
        return f"<Client {text}>"

    def _refuse_held(self, call: str) -> None:
        _refuse_held(self.url, call)

    # On the loop thread

    async def _connect(
        self, url: str | None, open_timeout: float | None, handshake: Mapping[str, Any]
    ) -> None:
        wanted = self.url if url is None else url
        try:
            address = parse_url("" if wanted is None else wanted)
            options = self.options | client_options(self.options["compression"])
            options |= checked(**handshake)
            if address.secure and self.tls is not None:
                options["ssl"] = self.tls
        except WrongValue as error:  # nothing was done: a connection that is open stays open
            self.error = str(error)
            self._note("error", self.error)
            raise
        attempt = asyncio.current_task()
        before, self._attempt = self._attempt, attempt
        connection: _Connection | None = None
        story = "connecting was given up"
        try:
            await self._end_attempt(before)
            await self._end_connection(1000, "connect() was called again", GRACE)
            self.url = cast("str", wanted).strip()
            self._connection, self._opening, self.error = None, None, None
            self.sent = self.received = 0
            self._changed()
            opened = await library_connect(
                self.url,
                open_timeout=open_timeout,
                proxy=self.proxy,
                logger=self.log.logger,
                create_connection=cast("type[ClientConnection]", self._make_connection),
                **options,
            )
            if self._attempt is not attempt:  # close() came just as it opened
                opened.transport.abort()
                raise asyncio.CancelledError
            connection = cast("_Connection", opened)
        except asyncio.CancelledError:
            if self._attempt is attempt:
                raise  # the caller was interrupted
            raise ConnectFailed(
                f"connecting to {wanted} was given up: close() or another connect() came between"
            ) from None
        except Exception as error:
            failure = explain(error, address, open_timeout, reached=self._opening is not None)
            self.error = story = str(failure)
            raise failure from error
        finally:
            self._opening = None
            if self._attempt is attempt:
                self._attempt = None
                if connection is None:
                    self._given_up(story)
                else:
                    self._connection, self._inbox = connection, Inbox()
                    self._reader = asyncio.get_running_loop().create_task(self._read(connection))
                    self._note("open", self._tell_opening(connection))

    def _given_up(self, story: str) -> None:
        self._inbox.end(story)
        registry.unregister(self)
        self._note("error", story)

    async def _read(self, connection: _Connection) -> None:
        inbox = self._inbox
        try:
            while True:
                message = await connection.recv()
                self.received += 1
                dropped = inbox.dropped
                inbox.put(message)
                if inbox.dropped > dropped == 0:
                    self.log.note("too many unread messages: from now on the oldest are dropped")
                self._note("message", _preview(message))
        except ConnectionClosed as closed:
            connection.cause = closed.__cause__
        finally:
            story = connection.story
            inbox.end(story)
            if self._connection is connection:
                if not ended_well(connection):
                    self.error = story
                self._note("close", story)
                if self._attempt is None:
                    registry.unregister(self)

    async def _send(self, message: str | bytes, data: bytes, patience: float | None) -> None:
        connection = self._need_open("send")
        try:
            async with asyncio.timeout(patience):
                await connection.send(data, text=isinstance(message, str))
        except TimeoutError as error:
            left = connection.transport.get_write_buffer_size()
            raise TimedOut(
                f"the server took no data for {patience:g} s: {left:,} bytes still wait to be sent "
                "(a browser calls this bufferedAmount). They go out when it reads again"
            ) from error
        except ConnectionClosed as closed:
            raise NotConnected(
                f"the message was not sent completely: {connection.story}"
            ) from closed
        self.sent += 1
        self._note("sent", _preview(message))

    async def _ping(self, payload: bytes, patience: float | None) -> float:
        connection = self._need_open("ping")
        try:
            # The timeout includes sending, which waits if the server accepts no data.
            async with asyncio.timeout(patience):
                pong = await connection.ping(payload)
                self._note("ping", f"sent {_preview(payload)}")
                return await pong
        except ConcurrencyError as error:
            raise WrongMessage(
                f"a ping with the payload {payload!r} is still waiting for its pong: wait for it, "
                "or give this ping another payload, which tells their pongs apart"
            ) from error
        except TimeoutError as error:
            # Forget this ping, or the library would refuse another one with the same payload. A
            # late pong then counts as unsolicited, which is allowed (RFC 6455 §5.5.3).
            connection.pending_pings.pop(payload, None)
            raise TimedOut(
                f"expected a pong within {patience:g} s, none came: the server is busy, gone, or "
                "something on the way holds it back"
            ) from error
        except ConnectionClosed as closed:
            raise NotConnected(f"no pong will come: {connection.story}") from closed
        except asyncio.CancelledError:
            connection.pending_pings.pop(payload, None)
            raise

    async def _close(self, code: int, reason: str, patience: float | None) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            await self._end_attempt(attempt)
            self._given_up("connecting was given up")
        await self._end_connection(code, reason, patience)

    async def _close_within(self, code: int, reason: str, most: float | None) -> None:
        patience = self.options["close_timeout"]
        closing = asyncio.ensure_future(self._close(code, reason, patience))
        bounded = most is not None and (patience is None or most < patience)
        try:
            await asyncio.wait([closing], timeout=most if bounded else None)
        except asyncio.CancelledError:
            closing.cancel()
            raise
        if closing.done():
            return closing.result()
        raise TimedOut(
            f"expected the closing handshake to end within {most:g} s, and no close frame came "
            f"back: the server is busy or gone, or something on the way holds the frame (a tap "
            f"does after hold() or freeze(): let it go, and the connection closes). The client is "
            f"{self.state} and waits on in the background"
        )

    async def _end_attempt(self, attempt: asyncio.Task[Any] | None) -> None:
        if attempt is not None and not attempt.done():
            attempt.cancel()
            await asyncio.wait([attempt])

    async def _end_connection(self, code: int, reason: str, patience: float | None) -> None:
        connection, reader = self._connection, self._reader
        if connection is None or reader is None:
            return
        try:
            async with asyncio.timeout(patience):
                # Only while OPEN: later, the library's close() aborts a transport that may be gone.
                if connection.state is State.OPEN:
                    await connection.close(code, reason)
                # asyncio.wait, not await: the reader's exceptions must not be raised here.
                await asyncio.wait([reader])
        except TimeoutError:
            # In any state: even a CLOSED connection may wait for bytes that nobody reads.
            connection.transport.abort()
            await asyncio.wait([reader])

    def _need_open(self, what: str) -> _Connection:
        connection = self._connection
        if self._attempt is not None:
            raise NotConnected(f"cannot {what} while CONNECTING: wait until connect() returns")
        if connection is None:
            story = self.error or "nothing was connected yet"
            raise NotConnected(f"cannot {what}: {story}; call connect(url) first")
        if connection.state is State.CLOSING:
            raise NotConnected(
                f"cannot {what} while CLOSING: after a close frame nothing more may be sent "
                "(RFC 6455 §5.5.1); connect() opens a new connection"
            )
        if connection.state is not State.OPEN:
            raise NotConnected(
                f"cannot {what}: {connection.story}; connect() opens a new connection"
            )
        return connection

    def _make_connection(self, *arguments: Any, **options: Any) -> _Connection:
        self._opening = _Connection(*arguments, **options)
        self._opening.client = self
        return self._opening

    def _tell_opening(self, connection: _Connection) -> str:
        uri = connection.protocol.uri
        arrived = Address(uri.secure, uri.host, uri.port, uri.resource_name).url
        story = f"open: {arrived}"
        if uri != parse_uri(self.url or ""):
            story += f", where a redirect from {self.url} led"
        if connection.subprotocol:
            # In a header's words: some tell a login here.
            header = masked_text(f"Sec-WebSocket-Protocol: {connection.subprotocol}")
            story += f", subprotocol {header.partition(': ')[2]}"
        return masked_text(story)

    def _note(self, name: ClientEventName, text: str) -> None:
        with self._lock:
            self._events.append(ClientEvent(time.time(), name, text))
        self._changed()

    def _changed(self) -> None:
        with self._lock:
            subscribers = list(self._subscribers)
        for callback in subscribers:
            try:
                callback()
            except Exception as error:
                self.log.note("a subscriber failed", error)


class _Connection(ClientConnection):
    """The library's connection, reporting changes of state and control frames to its client."""

    client: Client
    cause: BaseException | None = None
    """The exception that ended it, if it did not end by a closing handshake alone."""
    _seen: State = State.CONNECTING

    @property
    def story(self) -> str:
        """How the connection ended, in a sentence."""
        return tell_ending(self, self.cause)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        socket_names.tell(transport, self.client.wire_name)

    # The library calls this after everything that can change the state, sent or received ...
    def send_data(self) -> None:
        super().send_data()
        self._look()

    # ... but for the end of the TCP connection.
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        socket_names.forget(self.transport)
        self._look()

    def process_event(self, event: LibraryEvent) -> None:
        super().process_event(event)
        if isinstance(event, Frame):
            if event.opcode is Opcode.PING:
                payload = _preview(bytes(event.data))
                self.client._note("ping", f"received {payload}; the library answered with a pong")
            elif event.opcode is Opcode.PONG:
                self.client._note("pong", f"received {_preview(bytes(event.data))}")

    def _look(self) -> None:
        if self.state is not self._seen:
            self._seen = self.state
            self.client._changed()


def connect(
    url: str,
    *,
    subprotocols: Sequence[str] | str | None = None,
    origin: str | None = None,
    headers: Headers | None = None,
    open_timeout: float | None = 10.0,
    **options: Any,
) -> Client:
    """Make a `Client` and connect it to `url`; `options` are those of `Client`.

    Raises what `Client.connect` raises. In a ``with`` statement, it closes at the end.
    """
    return Client(url, **options).connect(
        subprotocols=subprotocols, origin=origin, headers=headers, open_timeout=open_timeout
    )


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise `WrongValue` for an option that cannot work.

    Called before anything connects, or there might be a client that cannot be closed.
    """
    check_compression(options["compression"])
    for name in ("ping_interval", "ping_timeout", "close_timeout"):
        seconds = options[name]
        if seconds is not None and not (isinstance(seconds, int | float) and seconds >= 0):
            raise WrongValue(f"expected {name} in seconds, or None for no limit, got {seconds!r}")
    size = options["max_size"]
    if size is not None and not (isinstance(size, int) and size >= 0):
        raise WrongValue(f"expected max_size in bytes, or None for no limit, got {size!r}")


def _preview(message: str | bytes) -> str:
    """The start of a message, for a log."""
    if isinstance(message, str):
        return message if len(message) <= 200 else f"{message[:200]}… ({len(message):,} characters)"
    dots = " …" if len(message) > 16 else ""
    data = f": {message[:16].hex(' ')}{dots}" if message else ""
    return f"{len(message):,} byte{'' if len(message) == 1 else 's'}{data}"


def _refuse_held(url: str | None, call: str) -> None:
    with contextlib.suppress(WrongValue):
        held_loop.refuse(parse_url(url or ""), call)
