"""Serves the pages of the experiments, lets their sockets in, and hears what they found."""

from __future__ import annotations

import asyncio
import json
import queue
import secrets
import statistics
import time
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlencode

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wslab.net.errors import NotRunning, TimedOut, WslabError
from wslab.net.servers import Server, origin, pages
from wslab.net.servers.pages import Page

Answers = dict[str, str]
"""What a browser does: its answers, by question."""

FLOOD = 32
"""MiB that the server tries to send to a page that does not read."""

STALLED = 1.0
"""Seconds without progress after which the server is taken to be held up."""

EVERY = 0.2
"""Seconds between two messages, and two pings, to a page whose timers are measured."""

PATIENCE = 3.0
"""Seconds that a page waits for an answer of the lab."""

COOKIES = ("Strict", "Lax", "None", "plain")
"""The cookies that a page sets, by their SameSite; "plain" has none."""

COOKIE_PAGES = {
    "/cookies/origin": "127.0.0.1, same origin",
    "/cookies/port": "127.0.0.1, another port",
    "/cookies/site": "localhost, another site",
}
"""Which page opens the socket at this path."""

FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""A sandboxed frame has no origin, so not even its own scripts are of the same one."""

_MIB = 2**20


class PageServer(Server):
    """The pages of the experiments at ``/page``, and the sockets that they open.

    A page tells its answers on ``/lab``, where only who knows the ticket in its address comes in.
    """

    def __init__(self, name: str = "pages", port: int = 0) -> None:
        super().__init__(name, port, subprotocols=["chat"], max_size=2**16)
        self.close_timeout = 1.0
        self.path = "/echo"
        self._ticket = secrets.token_urlsafe(16)
        self._pages = _experiment_pages()
        self._found: queue.SimpleQueue[Answers | WslabError] = queue.SimpleQueue()
        self._visits: dict[str, list[Request]] = {}
        self._ended: dict[str, asyncio.Future[str]] = {}
        self._flooded: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @property
    def requests(self) -> int:
        """How many requests for a socket came so far."""
        return sum(map(len, list(self._visits.values())))

    def page(self, experiment: str, tap_port: int, path: str = "/page", **more: str) -> str:
        """The address of the page that carries out `experiment`; its sockets go to `tap_port`."""
        query = {"run": experiment, "ticket": self._ticket, "tap": tap_port, "server": self.port}
        return f"http://127.0.0.1:{self.port}{path}?{urlencode(query | more)}"

    def found(self, timeout: float) -> Answers:
        """The answers of a page, when it has told them.

        Raises `TimedOut` after `timeout` seconds, `NotRunning` if the server stops before, and
        `WslabError` if the page's script failed.
        """
        try:
            found = self._found.get(timeout=timeout)
        except queue.Empty:
            raise TimedOut(
                f"expected a page to tell what it found within {timeout:g} s, and none did: if no "
                "tab was opened, allow pop-ups for this page, and press the button again"
            ) from None
        if isinstance(found, WslabError):
            raise found
        return found

    async def _close(self) -> None:
        self._found.put(NotRunning("the lab was closed while a page was still at work"))
        await super()._close()

    # --- HTTP: the pages, and which pages may open a socket

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path, _, query = request.path.partition("?")
        if problem := origin.refuse_unless_local(request.headers):
            return pages.refusal(problem)
        if path == "/lab" and parse_qs(query).get("ticket") != [self._ticket]:
            return pages.refusal("expected the ticket of this experiment in the address")
        if "Upgrade" not in request.headers:
            return pages.answer(request, self._pages)
        self._visits.setdefault(path, []).append(request)
        return None

    # --- The sockets

    async def handle(self, connection: ServerConnection) -> None:
        path = connection.request.path.partition("?")[0] if connection.request else ""
        serve = {
            "/lab": self._hear,
            "/flood": self._flood,
            "/held": self._hold,
            "/timed": self._time,
        }
        await serve.get(f"/{path.split('/')[1]}", _echo)(connection, path)

    async def _hear(self, connection: ServerConnection, path: str) -> None:
        """What a page tells, or asks."""
        async for message in connection:
            match json.loads(message):
                case {"do": "answers", "answers": dict(answers)}:
                    self._found.put({str(name): str(text) for name, text in answers.items()})
                    reply: object = {}
                case {"do": "failed", "why": str(why)}:
                    self._found.put(WslabError(f"the page's own script failed: {why}"))
                    reply = {}
                case {"do": "flooded", "path": str(path)}:
                    reply = await self._future(self._flooded, path)
                case {"do": "ended", "path": str(path)}:
                    reply = {"ended": await self._until_ended(path)}
                case {"do": "visits", "path": str(path)}:
                    visits = self._visits.get(path, [])
                    reply = {"count": len(visits), "origin": visits[0].headers.get("Origin")}
                case {"do": "cookies"}:
                    reply = {"answers": self._cookies()}
                case _:
                    reply = {}
            await connection.send(json.dumps(reply))

    def _cookies(self) -> Answers:
        """By the page that opened a socket: the experiment's cookies that came along."""
        return {
            page: ", ".join(cookies_of(self._visits[path][0])) or "no cookie"
            for path, page in COOKIE_PAGES.items()
            if path in self._visits
        }

    async def _flood(self, connection: ServerConnection, path: str) -> None:
        """Send `FLOOD` MiB, until nothing more can be sent for `STALLED` seconds."""
        message = bytes(2**18)
        sent, held = 0, False
        try:
            while sent < FLOOD * _MIB and not held:
                async with asyncio.timeout(STALLED):
                    await connection.send(message)
                sent += len(message)
        except TimeoutError:
            held = True
        except ConnectionClosed:
            pass
        self._future(self._flooded, path).set_result({"sent": sent // _MIB, "held": held})
        await connection.wait_closed() if not held else connection.transport.abort()

    async def _hold(self, connection: ServerConnection, path: str) -> None:
        """Keep a connection until the page ends it."""
        ended = self._future(self._ended, path)
        async for _ in connection:
            pass
        received = connection.protocol.close_rcvd
        ended.set_result(
            "no close frame: TCP ended" if received is None else f"a close frame, {received.code}"
        )

    async def _until_ended(self, path: str) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._future(self._ended, path))
        except TimeoutError:
            return "nothing: the connection is still open"

    async def _time(self, connection: ServerConnection, path: str) -> None:
        """For the seconds that the page asks for: send messages and pings, and time the answers."""
        async for message in connection:
            seconds = float(json.loads(message)["seconds"])
            began = time.monotonic()
            messages, pongs = [], []
            while time.monotonic() - began < seconds:
                pongs.append(await asyncio.wait_for(await connection.ping(), PATIENCE))
                then = time.monotonic()
                await connection.send("are you there?")
                await asyncio.wait_for(connection.recv(), PATIENCE)
                messages.append(time.monotonic() - then)
                await asyncio.sleep(EVERY)
            found = {"message": messages, "pong": pongs}
            medians = {name: statistics.median(took) * 1000 for name, took in found.items()}
            took = time.monotonic() - began
            await connection.send(json.dumps({"seconds": took, **medians}))

    def _future(self, table: dict[str, asyncio.Future[Any]], path: str) -> asyncio.Future[Any]:
        return table.setdefault(path, asyncio.get_running_loop().create_future())


def cookies_of(request: Request) -> list[str]:
    """Which of the experiment's own `COOKIES` a request brings; of others, not even the names."""
    fields = ";".join(request.headers.get_all("Cookie"))
    names = {pair.partition("=")[0].strip() for pair in fields.split(";")}
    return [cookie for cookie in COOKIES if f"wslab-{cookie}" in names]


async def _echo(connection: ServerConnection, path: str) -> None:
    async for message in connection:
        await connection.send(message)


def _experiment_pages() -> dict[str, Page]:
    def content(name: str) -> bytes:
        return (files(__package__) / "pages" / name).read_bytes()

    policy = pages.POLICY | {
        "connect-src": "'self' ws: wss:",
        "worker-src": "'self'",
        "frame-src": "'self' http://127.0.0.1:* http://localhost:*",
    }
    page = Page("text/html", content("page.html"), policy, {"Cache-Control": "no-cache"})
    scripts = ("page.js", "experiments.js", "worker.js")
    return {
        "/page": page,
        # A page of this machine that Chromium treats as one from the internet.
        "/elsewhere": page._replace(policy=policy | {"treat-as-public-address": ""}),
        "/page.css": Page("text/css", pages.text("page.css").encode()),
        **{f"/{name}": Page("text/javascript", content(name), policy, FOR_ALL) for name in scripts},
    }
