"""A stand-in for a language model: it answers a prompt word by word, over SSE or a WebSocket.

Over HTTP each question is a request of its own, and going away is how one cancels. Over a WebSocket
questions, words and cancellations of all answers share one connection, in messages of our own:

    {"ask": "why?"}            {"id": 1}, {"id": 1, "n": 1, "word": "no"}, …, {"id": 1, "done": 60}
    {"cancel": 1}              {"id": 1, "done": 4}
    {"resume": 1, "after": 3}  {"id": 1, "n": 4, "word": "so"}, …
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncGenerator
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from wslab.net.servers.tornado_server import TornadoServer

LENGTH = 60
"""Words of an answer."""

KEPT = 100
"""How many answers a server remembers, so that they can be resumed."""

_TEXT = (
    "a message is not a frame and no frame is a packet so whoever counts one of them has counted "
    "none of the others while the wire just carries bytes in order from here to there and back"
)


class Answer:
    """An answer that is being made, word by word."""

    def __init__(self, number: int, prompt: str, rate: float) -> None:
        self.number = number
        self.words: list[str] = []
        """What has been made so far."""
        self.cancelled = False
        self._chance = random.Random(prompt)
        self._rate = rate
        self._news = asyncio.Event()
        self._making = asyncio.ensure_future(self._make())

    @property
    def done(self) -> bool:
        return self.cancelled or len(self.words) >= LENGTH

    async def _make(self) -> None:
        while not self.done:
            await asyncio.sleep(1 / self._rate)
            self.words.append(self._chance.choice(_TEXT.split()))
            self._tell()

    def cancel(self) -> None:
        """Make no more words of it."""
        self.cancelled = True
        self._making.cancel()
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(self, after: int) -> AsyncGenerator[tuple[int, str], None]:
        """The words behind number `after` with their numbers, as they are made."""
        while True:
            news = self._news
            for number, word in enumerate(self.words[after:], after + 1):
                after = number
                yield number, word
            if self.done and after >= len(self.words):
                return
            if news is self._news:
                await news.wait()


class WordServer(TornadoServer):
    """Answers at `/words?prompt=…` as an event stream, and at `/socket` over a WebSocket.

    It makes `rate` words a second. An answer goes on to its end after its client has gone, unless
    the server `stops` it then.
    """

    def __init__(
        self, name: str, port: int = 0, *, rate: float = 50.0, stops: bool = False
    ) -> None:
        super().__init__(name, port)
        self.rate, self.stops = rate, stops
        self.answers: dict[int, Answer] = {}
        """The last answers, by their numbers."""
        self._numbers = itertools.count(1)

    def ask(self, prompt: str) -> Answer:
        """Begin an answer; on the loop thread."""
        answer = Answer(next(self._numbers), prompt, self.rate)
        self.answers[answer.number] = answer
        if len(self.answers) > KEPT:
            oldest = next(iter(self.answers))
            self.answers.pop(oldest).cancel()
        return answer

    def _handlers(self) -> list[Any]:
        settings = {"server": self}
        return [("/words", _Words, settings), ("/socket", _Socket, settings)]

    async def _close(self) -> None:
        for answer in self.answers.values():
            answer.cancel()
        await super()._close()


class _Words(RequestHandler):
    server: WordServer

    def initialize(self, server: WordServer) -> None:
        self.server = server
        self.answer: Answer | None = None

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        # An id says which answer it is, and how far: a browser that was cut off sends the last one.
        which, _, after = self.request.headers.get("Last-Event-ID", "").partition("/")
        found = self.server.answers.get(int(which)) if which.isdecimal() else None
        answer = self.answer = found or self.server.ask(self.get_argument("prompt", ""))
        with contextlib.suppress(StreamClosedError):  # the client has gone
            await self.flush()
            async for number, word in answer.follow(int(after or 0) if found else 0):
                self.write(f"id: {answer.number}/{number}\ndata: {word}\n\n")
                await self.flush()
            # Without it a browser would take the end for a break, and ask again.
            self.write(f"id: {answer.number}/{len(answer.words)}\nevent: done\ndata:\n\n")

    def on_connection_close(self) -> None:
        if self.server.stops and self.answer is not None:
            self.answer.cancel()


class _Socket(WebSocketHandler):
    server: WordServer

    def initialize(self, server: WordServer) -> None:
        self.server = server
        self.sending: dict[int, asyncio.Task[None]] = {}

    def open(self, *_: Any) -> None:
        self.set_nodelay(True)  # or the second of two small messages waits 40 ms for an ACK

    async def on_message(self, text: str | bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(text)
            if "ask" in said:
                self._send(self.server.ask(str(said["ask"])), 0)
            elif "cancel" in said:
                self.server.answers[int(said["cancel"])].cancel()
            else:
                self._send(self.server.answers[int(said["resume"])], int(said["after"]))
        except (ValueError, TypeError, LookupError) as fault:
            await self._tell(error=f"expected ask, cancel or resume: {type(fault).__name__}")

    def _send(self, answer: Answer, after: int) -> None:
        self.sending[answer.number] = asyncio.ensure_future(self._follow(answer, after))

    async def _follow(self, answer: Answer, after: int) -> None:
        await self._tell(id=answer.number)
        async for number, word in answer.follow(after):
            await self._tell(id=answer.number, n=number, word=word)
        await self._tell(id=answer.number, done=len(answer.words))

    async def _tell(self, **said: object) -> None:
        with contextlib.suppress(WebSocketClosedError):  # the client has gone
            await self.write_message(json.dumps(said))

    def on_close(self) -> None:
        for number, sending in self.sending.items():
            sending.cancel()
            if self.server.stops and number in self.server.answers:
                self.server.answers[number].cancel()
