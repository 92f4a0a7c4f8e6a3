"""A bank whose accounts are WebSockets, with four ways to say who is there, and two defences.

POST /login      a session begins: its secret is the cookie `wslab_bank_…`
POST /token      the same secret once more, for a script (needs the cookie)
POST /ticket     a ticket (needs the cookie)
POST /logout     the session ends, and the cookie goes
/by-cookie, /by-query?token=…, /by-ticket?ticket=…, /by-message      the account
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, unquote

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.http11 import Request, Response

from wslab.net.guarding.tickets import Tickets
from wslab.net.servers import Server, origin, pages
from wslab.net.trials.token_traces import Lines

CUSTOMER, BALANCE = "Ada", 1000
"""Who has an account here, and what is on it when she logs in."""

SESSION = 600
"""Seconds that a browser keeps the cookie, if nobody logs out."""

PATIENCE = 2.0
"""Seconds that somebody has for a first message that says who is there."""

KEPT = 1000
"""Lines of its logs, and sessions, that it keeps."""

DEFENCES = {
    "none": "SameSite=None; Secure",
    "SameSite=Lax": "SameSite=Lax",
    "SameSite=Strict": "SameSite=Strict",
    "Origin": "SameSite=None; Secure",
    "ticket": "SameSite=None; Secure",
}
"""What the bank may do against other pages, and what it says of its cookie then."""


class Bank(Server):
    """The bank. Programs and pages of any origin may connect unless `defence` forbids it.

    `defence` is one of `DEFENCES`, and may be changed at any time: "Origin" lets in no page but the
    bank's own, with "ticket" a cookie alone opens no account.
    """

    def __init__(self, name: str, port: int = 0) -> None:
        super().__init__(name, port)
        self.defence = "none"
        self.access_log: deque[str] = deque(maxlen=KEPT)
        """A line for each request, as web servers write it."""
        self.debug_log: deque[str] = deque(maxlen=KEPT)
        """All that the `websockets` library tells its logger at level DEBUG."""
        self.given: deque[str] = deque(maxlen=KEPT)
        """The secrets and tickets that it gave out last."""
        self.tickets = Tickets()
        self._sessions: dict[str, str] = {}
        self._balance = BALANCE
        self._watching: set[ServerConnection] = set()
        self._pages = pages.folder("bank_page", "bank.js")
        self.log.logger = logging.Logger(f"{name}.debug", logging.DEBUG)
        self.log.logger.addHandler(Lines(self.debug_log))

    @property
    def cookie(self) -> str:
        """The name of its cookie. A cookie knows no port, so the name does."""
        return f"wslab_bank_{self.port}"

    # --- HTTP: log in, get a token or a ticket, open the account

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        response = self._answer(connection, request)
        status = 101 if response is None else response.status_code
        self.access_log.append(
            f'{connection.remote_address[0]} "{request.method} {request.path} HTTP/1.1" {status}'
        )
        return response

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if request.method == "POST":
            return self._post(connection, request, path)
        if "Upgrade" not in request.headers:
            return pages.answer(request, self._pages)
        if self.defence == "Origin" and (why := origin.refuse_unless_own(request.headers)):
            return pages.refusal(why)
        if path != "/by-message" and self._who(request, path) is None:
            return _unknown(connection)
        return None

    def _post(self, connection: ServerConnection, request: Request, path: str) -> Response:
        secret = self._secret(request)
        name = self._sessions.get(secret)
        text, cookie = "", ""
        if path == "/login":
            secret, self._balance = secrets.token_urlsafe(16), BALANCE
            self._sessions[secret] = CUSTOMER
            if len(self._sessions) > KEPT:
                del self._sessions[next(iter(self._sessions))]  # the oldest
            self.given.append(secret)
            cookie = f"{secret}; Max-Age={SESSION}"
            text = "ticket" if self.defence == "ticket" else "cookie"
        elif path == "/defend":
            if why := origin.refuse_unless_own(request.headers):
                return pages.refusal(why)
            wanted = unquote(request.path.partition("by=")[2])
            self.defence = wanted if wanted in DEFENCES else self.defence
        elif name is None:
            return _unknown(connection)
        elif path == "/logout":
            del self._sessions[secret]
            cookie = "; Max-Age=0"
        else:
            text = self.tickets.issue(name) if path == "/ticket" else secret
            self.given.append(text)
        response = connection.respond(200, text)
        response.headers["Cache-Control"] = "no-store"
        if cookie:
            kept = f"{self.cookie}={cookie}; Path=/; HttpOnly; {DEFENCES[self.defence]}"
            response.headers["Set-Cookie"] = kept
        return response

    def _secret(self, request: Request) -> str:
        """What the bank's own cookie says. Those of other programs, such as Jupyter, come too."""
        for field in request.headers.get_all("Cookie"):
            try:
                if found := SimpleCookie(field).get(self.cookie):
                    return found.value
            except CookieError:
                continue
        return ""

    def _who(self, request: Request, path: str) -> str | None:
        """The name of who asks for an account; None if that is not known."""
        query = parse_qs(request.path.partition("?")[2])
        if path == "/by-ticket":
            return self.tickets.redeem(query.get("ticket", [""])[0])
        if path == "/by-query":
            return self._sessions.get(query.get("token", [""])[0])
        by_cookie = path == "/by-cookie" and self.defence != "ticket"
        return self._sessions.get(self._secret(request)) if by_cookie else None

    # --- The account

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/by-message" and not await self._introduced(connection):
            await connection.close(1008, "expected a token first")
            return
        self._watching.add(connection)
        try:
            await connection.send(f"{CUSTOMER}, your balance is {self._balance}")
            async for message in connection:
                if message == "pay 100 to Eve":
                    self._balance -= 100
                    told = f"100 paid to Eve, your balance is {self._balance}"
                    broadcast(self._watching, told)
        finally:
            self._watching.discard(connection)

    async def _introduced(self, connection: ServerConnection) -> bool:
        """Whether the first message says in time who is there."""
        try:
            async with asyncio.timeout(PATIENCE):
                return json.loads(await connection.recv())["token"] in self._sessions
        except (TimeoutError, ValueError, TypeError, LookupError):
            return False


def _unknown(connection: ServerConnection) -> Response:
    """401, which must say what would be accepted (RFC 9110 §15.5.2)."""
    response = connection.respond(401, "Who are you?\n")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
