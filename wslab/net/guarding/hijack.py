"""Cross-site WebSocket hijacking: a stranger's page uses the victim's login (RFC 6455 §10.2)."""

from __future__ import annotations

from typing import NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab.net.browsers import Chromium
from wslab.net.guarding.bank import DEFENCES, Bank
from wslab.net.servers import Server, pages

PLACES = {"127.0.0.1, another port": "127.0.0.1", "localhost": "localhost"}
"""Where the stranger's page is, and its host: the bank is at 127.0.0.1."""

ALLOWS_THIRD_PARTIES = {
    "profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False},
}
"""The preferences of a Chromium that sends a site's cookies to whichever page asks, as Chrome does;
Debian's does not."""


class AttackServer(Server):
    """Serves the stranger's page. It knows no secret, and needs none: the victim's browser does."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        script = pages.text("attack_page/attack.js")
        self.script = script[
            script.index("/**") : script.index('document.getElementById("again')
        ].strip()
        """What its page does."""
        own = pages.folder("attack_page", "attack.js")
        anywhere = " ".join(
            f"{scheme}://{host}:*" for scheme in ("http", "ws") for host in PLACES.values()
        )
        page = own["/"]._replace(policy=pages.POLICY | {"connect-src": anywhere})
        self._pages = own | {"/": page}

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        return pages.answer(request, self._pages)


class Attack(NamedTuple):
    """What came of one visit to the stranger's page."""

    defence: str
    place: str
    read: list[str]
    """What the bank told that page."""
    log: str
    """The bank's own line about its handshake."""


def attack(bank: Bank, port: int, stranger: AttackServer) -> list[Attack]:
    """Have a victim log in at the bank, which is at `port`, and then visit the stranger's page.

    Once for each of the bank's defences, from each of `PLACES`, in a Chromium. Raises
    `BrowserMissing`.
    """
    found = []
    with Chromium("guarding: victim", preferences=ALLOWS_THIRD_PARTIES) as chromium:
        victim, other = chromium.open(f"http://127.0.0.1:{port}/"), chromium.open()
        for defence in DEFENCES:
            victim.evaluate(f"find('defence').value = '{defence}', logIn()")
            for place, host in PLACES.items():
                other.go_to(f"http://{host}:{stranger.port}/?bank={port}&host=127.0.0.1")
                read = other.evaluate("attack()")
                found.append(Attack(defence, place, read, bank.access_log[-1]))
        victim.evaluate("find('defence').value = 'none', logIn().then(logOut)")
    return found
