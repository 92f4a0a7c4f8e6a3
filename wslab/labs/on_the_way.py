"""Parts 4 to 7 of the lesson on secure WebSockets: whom to trust, and what stands on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit

from wslab.labs.lesson import Lesson
from wslab.labs.recorded_result import recorded_where_missing
from wslab.labs.tries import Tries
from wslab.net import Client, ConnectFailed, EchoServer
from wslab.net.browsers import Chromium
from wslab.net.tls import (
    CHAT,
    LINES,
    SHOP,
    Authority,
    Fault,
    OldProxy,
    PageServer,
    browser,
    careless,
    configuration,
    echo_through,
    judge,
    open_socket,
    server_with,
    tls_ends,
)
from wslab.view.experiments import Gallery, ResultTable, Words
from wslab.wire.protocol import parse_head

LOOPBACK = "127.0.0.1"

_ECHO = "The echo comes back"
_OPENS, _FAILS, _THROWS = "It opens", "An error, and close code 1006", "new WebSocket() throws"
_LEARNED = {"open": _OPENS, "error, close 1006": _FAILS, "threw SecurityError": _THROWS}
"""What a page's script learns, as a prediction; by the words of `Told`."""

_SERVERS: dict[str, tuple[Fault, str]] = {
    "good": ("", "Its certificate is right, and both clients were told to trust its authority"),
    "unknown authority": (
        "unknown authority", "Its certificate was signed by an authority that nobody knows",
    ),
    "wrong host": ("wrong host", "Its certificate was made for elsewhere.example"),
    "expired": ("expired", "Its certificate was right until yesterday"),
    "old TLS": ("old TLS", "Its certificate is right. It speaks TLS 1.2, the clients want 1.3"),
}  # fmt: skip

_WAYS = {
    "ws, stripped": "The proxy strips the fields that are for one connection only",
    "ws, passed on": "The proxy passes every field on, and awaits the final answer behind 101",
    "wss": "The same proxy, which strips fields, and a client that begins with TLS",
    "wss, CONNECT": "The client knows the proxy, and asks it for a tunnel to the server",
}

_FROM_PAGES = {
    "https to wss": ("https", "/", "wss", CHAT, "A secure page opens a secure socket"),
    "https to ws": ("https", "/", "ws", CHAT, "A secure page opens a plain socket"),
    "https to ws on this machine": (
        "https", "/", "ws", LOOPBACK, "A secure page opens a plain socket to 127.0.0.1",
    ),
    "http to wss": ("http", "/", "wss", CHAT, "A plain page opens a secure socket"),
    "https to ws, upgraded": (
        "https", "/upgrading", "ws", CHAT,
        "The server of the page has sent: Content-Security-Policy: upgrade-insecure-requests",
    ),
}  # fmt: skip

_HOP_BY_HOP = ("Upgrade", "Connection", "Via")
"""The fields of a request that a proxy changes (RFC 9110 §7.6.1, §7.6.3)."""

_FORGOTTEN = {
    "all three lines": "Nothing is forgotten",
    "no version": "The line proxy_http_version is forgotten",
    "no Upgrade": "The line with Upgrade is forgotten",
    "no Connection": "The line with Connection is forgotten",
}


class OnTheWay(Lesson):
    """The lab as far as it has an authority, a browser, a proxy and nginx."""

    predicts: ClassVar = {
        "whom_to_trust": "What does a page learn of a bad certificate?",
        "old_proxy": "What becomes of an echo in an old proxy?",
        "mixed_content": "Which sockets may a page open?",
        "nginx": "What becomes of an echo behind nginx?",
    }

    def _set_up(self) -> None:
        self._starting, self._trying = threading.RLock(), threading.Lock()
        self._authority: Authority | None = None
        self._chromium: Chromium | None = None
        parts = (self._whom_to_trust(), self._old_proxy(), self._mixed_content(), self._nginx())
        self._tries = {part.kind: replace(part, run=self._in_turn(part.run)) for part in parts}

    @property
    def authority(self) -> Authority:
        """The lab's certificate authority, which nobody else knows. Raises `PackageMissing`."""
        self._check_open()
        with self._starting:
            if self._authority is None:
                self._authority = Authority(self._name("authority")).start()
                self._resources.callback(self._authority.stop)
            return self._authority

    def _browser(self) -> Chromium:
        """A Chromium without a window that trusts the authority. Raises `ProgramMissing`."""
        with self._starting:
            if self._chromium is None:
                self._chromium = browser(self.authority, self._name("browser")).start()
                self._resources.callback(self._chromium.stop)
            return self._chromium

    @recorded_where_missing
    def compare(self, part: str) -> ResultTable:
        """Try all that a part has, such as "nginx", and compare."""
        self._check_open()
        return self._tries[part].table()

    def _in_turn(self, run: Callable[[str], Sequence[str]]) -> Callable[[str], Sequence[str]]:
        def one(name: str) -> Sequence[str]:
            with self._trying:  # a button and a cell may try at the same time
                return run(name)

        return one

    def _gallery(self, part: str) -> Gallery:
        gallery = self._tries[part].gallery(lambda: self.compare(part))
        return self._show(self._noted(gallery, part), part)

    # --- Whom do you trust?

    def whom_to_trust(self) -> Gallery:
        """Five servers to connect to, from Python and from a browser: predict, then try."""
        return self._gallery("whom_to_trust")

    def _whom_to_trust(self) -> Tries:
        def run(name: str) -> Sequence[str]:
            server = server_with(_SERVERS[name][0], self.authority, self._name(name))
            with (
                self._named(f"{name}: Python", f"{name}: page"),
                PageServer(self._name("page")) as pages,
                self._with_server(server, name) as url,
            ):
                page = self._browser().open(_at(pages.url, "http"))
                learned, *more = judge(server, url, self.authority, page)
            return _LEARNED.get(learned, learned), *more

        return Tries(
            "whom_to_trust",
            Words(
                title="five servers", noun="server", question="What will the page's script learn?",
                press="Connect", ready="from Python, and from a page in a real browser",
            ),
            {name: what for name, (_, what) in _SERVERS.items()},
            (_OPENS, _FAILS, "An error that says what is wrong", "Close code 1015"),
            ("the page's script", "the browser's console", "Python's ssl", "the alert"),
            run,
        )  # fmt: skip

    @recorded_where_missing
    def careless(self) -> ResultTable:
        """What an impostor hears from a client that checks, and from one that does not."""
        rows = []
        for name, tls in {"checks": self.authority.client(), "does not": careless()}.items():
            tap, context = f"impostor: {name}", self.authority.server("unknown authority")
            with self._with_server(EchoServer(self._name(tap), tls=context), tap) as url:
                client = Client(url, name=self._name(name), wire_name=tap, tls=tls)
                try:
                    with client.connect():
                        client.send("my password is 1234")
                        rows.append([name, f"the impostor's echo: {client.recv()!s}"])
                except ConnectFailed as failed:
                    rows.append([name, str(failed)])
        return ResultTable(["the client", "what its user sees"], rows, "careless-table")

    # --- An old proxy in between

    def old_proxy(self) -> Gallery:
        """Ways through an old proxy: predict what becomes of an echo, then try."""
        return self._gallery("old_proxy")

    def _old_proxy(self) -> Tries:
        sides = ("before the proxy", "behind the proxy")

        def run(name: str) -> Sequence[str]:
            authority = self.authority if name.startswith("wss") else None
            tls = authority.server() if authority else None
            server = EchoServer(self._name("behind the proxy"), tls=tls)
            named = self._named(*(f"{side}: {name}" for side in sides))
            with named as begins, self._with_server(server, sides[1]) as behind:
                proxy = OldProxy(behind, "waits" if name == "ws, passed on" else "strips")
                with self._with_server(proxy, sides[0]) as before:
                    if name == "wss, CONNECT":
                        came = echo_through(behind, authority, _at(before, "http"))
                    else:
                        came = echo_through(before, authority)
            return came, "; ".join(proxy.did), *begins

        return Tries(
            "old_proxy",
            Words(
                title="ways through an old proxy", noun="way", question="What becomes of an echo?",
                press="Send a message", ready="through a real proxy, with a tap on each side",
            ),
            _WAYS,
            (_ECHO, "Refused with 426", "It opens, and no echo comes"),
            ("what comes of it", "the proxy", *sides),
            run,
        )  # fmt: skip

    # --- Mixed content

    def mixed_content(self) -> Gallery:
        """Pages that open sockets: predict which the browser blocks, then try."""
        return self._gallery("mixed_content")

    def _mixed_content(self) -> Tries:
        def run(name: str) -> Sequence[str]:
            scheme, path, wanted, host, _ = _FROM_PAGES[name]
            tls = self.authority.server("", SHOP, CHAT)
            pages = PageServer(self._name("pages"), tls=tls if scheme == "https" else None)
            secure = wanted == "wss" or path == "/upgrading"
            server = PageServer(self._name("chat"), tls=tls if secure else None)
            with self._named(name) as begins, pages, self._with_server(server, "chat") as url:
                page = self._browser().open(_at(pages.url, scheme, SHOP) + path)
                told = open_socket(page, _at(url, wanted, host))
            return _LEARNED.get(told.page, told.page), told.browser, *begins

        return Tries(
            "mixed_content",
            Words(
                title="pages and sockets", noun="page", question="What does the script learn?",
                press="Open the page", ready="in a real browser without a window",
            ),
            {name: what for name, (*_, what) in _FROM_PAGES.items()},
            (_OPENS, _FAILS, _THROWS),
            ("the page's script", "the browser's console", "at the server"),
            run,
        )  # fmt: skip

    # --- TLS ends at nginx

    def nginx(self) -> Gallery:
        """nginx where TLS ends, with a line forgotten: predict what comes of it, then try."""
        return self._gallery("nginx")

    def _nginx(self) -> Tries:
        sides = ("before nginx", "behind nginx")
        forgotten = dict(zip(_FORGOTTEN, ("", *LINES), strict=True))

        def run(name: str) -> Sequence[str]:
            proxy = tls_ends(self.port, self.authority, self._name("nginx"), forgotten[name])
            with self._named(*(f"{side}: {name}" for side in sides)) as begins, proxy:
                before = self.tap_before(proxy.url, sides[0])
                try:
                    came = echo_through(before.url, self.authority)
                finally:
                    before.stop()
            return came, *begins

        return Tries(
            "nginx",
            Words(
                title="nginx, with a line forgotten", noun="configuration",
                question="What becomes of an echo?", press="Connect",
                ready="through a real nginx, with a tap on each side",
            ),
            _FORGOTTEN,
            (_ECHO, "Refused with 400", "Refused with 426", "Refused with 505"),
            ("what comes of it", *sides),
            run,
            lambda name: configuration(self.port, forgotten[name]).replace("{port}", "…"),
        )  # fmt: skip

    @contextmanager
    def _named(self, *names: str) -> Iterator[list[str]]:
        """Name the next connections on the wire, and yield how each begins, as soon as it ends."""
        before, begins = len(self.capture.labels()), list[str]()
        yield begins
        for number, name in enumerate(names, before + 1):
            there = number <= len(self.capture.labels())
            if there:
                self.capture.set_name(number, name)
            begins.append(_beginning(self.capture.stream(number, "client") if there else b""))


def _at(url: str, scheme: str, host: str = LOOPBACK) -> str:
    """The same port, by another scheme and host."""
    return f"{scheme}://{host}:{urlsplit(url).port}"


def _beginning(sent: bytes) -> str:
    """How a client's stream begins, in a line: of a request, what matters to a proxy."""
    if not sent:
        return "nothing"
    if sent[0] == 0x16:
        return "TLS"
    head = parse_head(sent)
    told = [f"{one.name}: {one.value}" for one in head.headers if one.name in _HOP_BY_HOP]
    return " · ".join([head.first_line, *told])
