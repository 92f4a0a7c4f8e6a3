"""One feed of messages, and five ways to get it: four over HTTP, and a WebSocket; and a page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler
from websockets.datastructures import Headers

from wslab.net import loop
from wslab.net.servers import origin, pages
from wslab.net.servers.pages import Page
from wslab.net.servers.tornado_server import TornadoServer

LONG_POLL = 20.0
"""Seconds after which those who wait for a message are told that the server is still there."""

PAGE_COUNT, PAGE_RATE = 20, 20.0
"""How many messages are published for a page that asks for it, and how many a second."""

MOST_REPORTS = 10
"""Of how many ways a page may report: there are five."""

LATEST = 20
"""How many messages `/latest` tells."""

KEPT = 10_000
"""How many messages a feed remembers for those who ask for older ones."""


class Message(NamedTuple):
    """One message of a feed."""

    number: int
    """Counted from 1, without gaps: whoever knows the last one can ask for those behind it."""
    at: float
    """When it was published: seconds since 1970 by this machine's clock."""
    text: str

    def as_json(self) -> str:
        return json.dumps(self._asdict(), separators=(",", ":"))


class FeedServer(TornadoServer):
    """Serves one feed at `/poll`, `/long-poll`, `/events`, `/stream` and `/socket`.

    With ``?after=7``, or the header `Last-Event-ID: 7`, they begin behind message 7; without, with
    the next one that is published. `/latest` is the last of them, for those who ask now and then:
    its answer has an ETag, so that who has it already gets a 304 (RFC 9110 §13.1.2).

    After `patience` seconds without a message a request at `/long-poll` gets an empty answer, and
    the others a sign of life: a comment, an empty line, a ping. Programs and pages of this machine
    may come, pages of other sites get 403 (`origin.py`).
    """

    def __init__(self, name: str, port: int = 0, *, patience: float = LONG_POLL) -> None:
        super().__init__(name, port)
        self.path = "/socket"
        self.patience = patience
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self._published = 0
        self._news: asyncio.Future[None] | None = None
        self._publishing: asyncio.Task[None] | None = None
        self.reports: dict[str, list[float]] = {}
        """By way: how many milliseconds each message took to the page, as it says."""
        self.script = pages.text("feed_page/feed.js")
        """The page's JavaScript."""

    # --- The feed

    def publish(self, text: str) -> None:
        """Publish a message. May be called on any thread."""
        loop.call(lambda: self.publish_here(text))

    def publish_here(self, text: str) -> None:
        """The same, on the loop thread."""
        self._published += 1
        self._messages.append(Message(self._published, time.time(), text))
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)

    def publish_for_page(self) -> int | None:
        """Begin to publish for a page; the number before the first, or None if it is still at it.
        On the loop thread."""
        if self._publishing is not None and not self._publishing.done():
            return None
        self._publishing = asyncio.ensure_future(self._publish_all())
        return self._published

    async def _publish_all(self) -> None:
        for number in range(PAGE_COUNT):
            await asyncio.sleep(1 / PAGE_RATE)
            self.publish_here(f"news {number + 1}")

    @property
    def published(self) -> int:
        """How many messages have been published."""
        return self._published

    def behind(self, number: int) -> list[Message]:
        """The messages behind that number, as far as they are remembered."""
        return [one for one in self._messages if one.number > number]

    @property
    def latest(self) -> list[Message]:
        """The last few messages."""
        return self.behind(self._published - LATEST)

    async def wait_behind(self, number: int, gone: asyncio.Future[None]) -> list[Message]:
        """The same, as soon as there is one; an empty list after `patience` seconds, or when
        `gone` says that the client has gone."""
        if not (found := self.behind(number)):
            if self._news is None:
                self._news = asyncio.get_running_loop().create_future()
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait([self._news, gone], timeout=self.patience, return_when=first)
            found = self.behind(number)
        return [] if gone.done() else found

    async def follow(
        self, number: int, gone: asyncio.Future[None]
    ) -> AsyncGenerator[Message | None]:
        """All messages behind that number, as they come, until the client has gone; and None where
        a sign of life is due."""
        while not gone.done():
            found = await self.wait_behind(number, gone)
            for message in found:
                number = message.number
                yield message
            if not found and not gone.done():
                yield None

    # --- The server

    def _handlers(self) -> list[Any]:
        ways: list[tuple[str, type[RequestHandler]]] = [
            ("/poll", _Poll),
            ("/long-poll", _LongPoll),
            ("/events", _Events),
            ("/stream", _Stream),
            ("/socket", _Socket),
            ("/latest", _Latest),
            ("/publish", _Publish),
            ("/report", _Report),
        ]
        files = pages.folder("feed_page", "feed.js")
        settings = {"feed": self}
        handlers: list[Any] = [(path, way, settings) for path, way in ways]
        return handlers + [(path, _File, {"page": page}) for path, page in files.items()]

    async def _close(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.wait([self._publishing])
        await super()._close()


class _Handler(RequestHandler):
    feed: FeedServer

    def initialize(self, feed: FeedServer) -> None:
        self.feed, self.gone = feed, asyncio.get_running_loop().create_future()

    def prepare(self) -> None:
        if refused := _refused(self):
            self.set_status(403)
            self.finish(f"{refused}.\n")

    def on_connection_close(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)

    @property
    def after(self) -> int:
        """The number of the last message that the client knows."""
        told = self.request.headers.get("Last-Event-ID") or self.get_argument("after", "")
        return int(told) if told.isdecimal() else self.feed.published

    def compute_etag(self) -> str | None:
        """None: an answer that is always new needs no name."""
        return None


def _refused(handler: RequestHandler) -> str | None:
    return origin.refuse_unless_local(Headers(list(handler.request.headers.get_all())))


class _Latest(_Handler):
    """The one answer here that may stay the same: Tornado names it, and answers 304."""

    async def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-cache")  # ask each time whether it is still the same
        self.write("[" + ",".join(one.as_json() for one in self.feed.latest) + "]")

    def compute_etag(self) -> str | None:
        return RequestHandler.compute_etag(self)


class _Poll(_Handler):
    async def get(self) -> None:
        self._answer(self.feed.behind(self.after))

    def _answer(self, messages: list[Message]) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.write("[" + ",".join(one.as_json() for one in messages) + "]")


class _LongPoll(_Poll):
    async def get(self) -> None:
        self._answer(await self.feed.wait_behind(self.after, self.gone))


class _Streaming(_Handler):
    content_type: str

    async def get(self) -> None:
        self.set_header("Content-Type", self.content_type)
        self.set_header("Cache-Control", "no-store")
        with contextlib.suppress(StreamClosedError):  # the client has gone
            await self.flush()  # the head, before the first message
            async for message in self.feed.follow(self.after, self.gone):
                self.write(self.part(message))
                await self.flush()

    def part(self, message: Message | None) -> str:
        raise NotImplementedError


class _Events(_Streaming):
    content_type = "text/event-stream"

    def part(self, message: Message | None) -> str:
        return f"id: {message.number}\ndata: {message.as_json()}\n\n" if message else ":\n\n"


class _Stream(_Streaming):
    content_type = "application/x-ndjson"

    def part(self, message: Message | None) -> str:
        return f"{message.as_json()}\n" if message else "\n"


class _Socket(WebSocketHandler):
    feed: FeedServer

    def initialize(self, feed: FeedServer) -> None:
        self.feed, self.gone = feed, asyncio.get_running_loop().create_future()

    def check_origin(self, origin: str) -> bool:
        return _refused(self) is None

    def open(self, *_: Any) -> None:
        self.set_nodelay(True)  # or the second of two small messages waits 40 ms for an ACK
        after = self.get_argument("after", "")
        number = int(after) if after.isdecimal() else self.feed.published
        # Tornado reads no frame, not even the goodbye, before `open` is done.
        self._sending = asyncio.ensure_future(self._send(number))

    async def _send(self, number: int) -> None:
        with contextlib.suppress(WebSocketClosedError):  # the client has gone
            async for message in self.feed.follow(number, self.gone):
                if message:
                    await self.write_message(message.as_json())
                else:
                    self.ping()

    def on_message(self, message: str | bytes) -> None:
        """Nothing: a feed goes one way."""

    def on_close(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


# --- The page


class _File(RequestHandler):
    def initialize(self, page: Page) -> None:
        self.page = page

    def get(self) -> None:
        for name, value in pages.fields(self.page).items():
            self.set_header(name, value)
        self.write(self.page.body)


class _Publish(_Handler):
    def post(self) -> None:
        after = self.feed.publish_for_page()
        if after is None:
            self.set_status(409)
            self.finish("another page is getting the feed: try again in a second")
            return
        self.write({"after": after, "count": PAGE_COUNT})


class _Report(_Handler):
    def post(self) -> None:
        try:
            said = json.loads(self.request.body)
            way, waits = str(said["way"]), [float(one) for one in said["waits"]]
        except (ValueError, TypeError, LookupError) as fault:
            self.set_status(400)
            self.finish(f'expected {{"way": …, "waits": […]}}: {type(fault).__name__}\n')
            return
        kept = self.feed.reports
        if way in kept or len(kept) < MOST_REPORTS:
            kept[way] = (kept.get(way, []) + waits)[-KEPT:]
