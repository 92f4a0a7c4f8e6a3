"""The experiments: what each asks of a browser, and which prediction its answers make true.

    carry_out(EXPERIMENTS["cookies"], open_page, server, tap.port)     # the answers, by question

`open_page` has a browser open an address: a learner's own, by a click in the notebook, or one that
a test or `tools/record_browsers.py` drives. What a page does is in ``pages/experiments.js``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Literal, NamedTuple

from wslab.net.clients import connect
from wslab.net.errors import PortForbidden, PortTaken
from wslab.net.in_page.server import Answers, PageServer

FORBIDDEN = (6667, 6666, 6668, 6669, 6665, 6697, 10080, 5060)
"""Ports that no page may connect to (Fetch, "port blocking"): IRC's, Amanda's, SIP's."""

PATIENCE = 30.0
"""Seconds that a page has for an experiment; some of it the user may need for a question."""

Place = Literal["frame", "tab", "hidden"]
"""Where a page belongs: in a frame of the notebook, in a tab of its own, or in a frame while
another tab hides the notebook."""


class InPage(NamedTuple):
    """One experiment that a page carries out."""

    name: str
    """The function in ``pages/experiments.js``."""
    what: str
    predictions: tuple[str, ...]
    happened: Callable[[Answers], str]
    """The prediction that the answers make true."""
    why: str
    source: str
    """Where that is said, as `rfc_url` knows it: a standard, or its maker's announcement."""
    place: Place = "frame"
    path: str = "/page"


def carry_out(
    experiment: InPage, open_page: Callable[[str, Place, str], None], server: PageServer, tap: int
) -> Answers:
    """Have a page carry out an experiment: its answers, by question.

    `open_page` gets the page's address, its place, and the address of the tab that hides it. `tap`
    is the port of the tap in front of `server`. Raises `TimedOut` where no page has answered.
    """
    with _around(experiment) as (more, seen):
        address = server.page(experiment.name, tap, experiment.path, **more)
        open_page(address, experiment.place, server.page("cover", tap))
        return server.found(PATIENCE) | seen()


@contextmanager
def _around(experiment: InPage) -> Iterator[tuple[dict[str, str], Callable[[], Answers]]]:
    """What an experiment needs besides the server, and what is to be seen there afterwards."""
    if experiment.name != "ports":
        yield {}, dict
        return
    with _forbidden_server() as server:

        def seen() -> Answers:
            requests = server.requests
            with connect(server.url) as client:
                came = client.state.lower()
            return {"requests of it that reached the server": str(requests), "Python": came}

        yield {"port": str(server.port)}, seen


def _forbidden_server() -> PageServer:
    for port in FORBIDDEN:
        server = PageServer("forbidden port", port)
        try:
            return server.start()
        except (PortTaken, PortForbidden):
            continue
    raise PortTaken(f"expected one of the ports {FORBIDDEN} to be free, and none is")


def code_of(experiment: str) -> str:
    """The JavaScript of an experiment, as the page runs it."""
    source = (files(__package__) / "pages" / "experiments.js").read_text("utf-8")
    found = re.search(
        rf"(?:^/\*\*[^\n]*\*/\n)?^async function {experiment}\(.*?^}}\n", source, re.M | re.S
    )
    if found is None:
        raise KeyError(f"expected one of {', '.join(EXPERIMENTS)}, got {experiment!r}")
    return found[0]


# --- What the answers say

_LIKE_LINKS = "Relative ones and http: as well, but not ftp: and no fragment"
_WS_ONLY = "Only those that begin with ws: or wss:"
_ANY = "All of them"


def _addresses(answers: Answers) -> str:
    taken = [text for text, came in answers.items() if came != "SyntaxError"]
    if len(taken) == len(answers):
        return _ANY
    if not taken:
        return _WS_ONLY
    refused = set(answers) - set(taken)
    as_links = refused == {'"ftp://HOST/echo"', '"/echo#part"'}
    return _LIKE_LINKS if as_links else f"It takes {', '.join(taken)}"


_BOTH, _PYTHON, _NEITHER = "Both", "Only Python's client", "Neither"


def _ports(answers: Answers) -> str:
    page, python = answers["this browser"] == "open", answers["Python"] == "open"
    return _BOTH if page and python else _PYTHON if python else _NEITHER


_READS = "It reads protocols from it, and connects"
_THROWS = "It throws: only texts are allowed there"
_IGNORES = "It ignores the object, and connects without a subprotocol"


def _options(answers: Answers) -> str:
    came = answers["what came of it"]
    if "open" not in came:
        return _THROWS
    return _READS if '"chat"' in came else _IGNORES


_STREAM, _ALL_APIS, _NO_API = "Only WebSocketStream", "Both", "Neither"
_ABSENT = "This browser has no WebSocketStream"
_WAITS = "the server has to wait"


def _stream(answers: Answers) -> str:
    if answers["WebSocketStream"] != "here":
        return _ABSENT
    stream = answers["a WebSocketStream that is not read"] == _WAITS
    socket = answers["a WebSocket without a listener"] == _WAITS
    return _ALL_APIS if stream and socket else _STREAM if stream else _NO_API


_SAME_CLOSED = "The same page, but its socket is closed"
_SAME_OPEN = "The same page, and its socket is still open"
_ANEW = "The page is loaded again, and begins anew"


def _back(answers: Answers) -> str:
    if "readyState" not in answers:
        return _ANEW
    return _SAME_OPEN if answers["readyState"] == "OPEN" else _SAME_CLOSED


_ALL_COOKIES, _ONLY_NONE = "All four", "Only the one with SameSite=None"
_NONE_AND_PLAIN = "SameSite=None, and the one without SameSite"
_NO_COOKIE = "None at all"


def _cookies(answers: Answers) -> str:
    came = answers["localhost, another site"]
    return {
        "Strict, Lax, None, plain": _ALL_COOKIES,
        "None": _ONLY_NONE,
        "None, plain": _NONE_AND_PLAIN,
        "no cookie": _NO_COOKIE,
    }.get(came, came)


_ASKS, _CONNECTS = "The browser asks the user", "It simply connects"
_REFUSED = "It is refused without a question"


def _network(answers: Answers) -> str:
    before, after = answers["permission before"], answers["permission after"]
    if before != after or "granted" in before:
        return _ASKS
    return _CONNECTS if answers["from a tab"] == "open" else _REFUSED


_ONE, _TWO, _NO_WORKER = "One", "Two", "None: a worker has no WebSocket"


def _workers(answers: Answers) -> str:
    return {"1": _ONE, "2": _TWO}.get(answers.get("connections of the two", ""), _NO_WORKER)


_TIMERS = "Only the timers of the page"
_TIMERS_AND_MESSAGES = "The page's timers, and its answers to messages"
_EVERYTHING, _NOTHING = "Timers, messages and pongs", "Nothing"


def _background(answers: Answers) -> str:
    def slow(what: str) -> bool:
        return answers[f"{what}, hidden"] != answers[f"{what}, visible"]

    if "out of sight" in answers:
        return answers["out of sight"]
    timers = slow("setInterval of 100 ms")
    messages, pongs = slow("a message is answered"), slow("a ping is answered")
    if pongs:
        return _EVERYTHING
    return _TIMERS_AND_MESSAGES if messages else _TIMERS if timers else _NOTHING


# --- The table

_ALL = (
    InPage(
        "addresses",
        'Which of these does new WebSocket(…) take: "/echo", "//HOST/echo", "http://HOST/echo", '
        '"https://HOST/echo", "ftp://HOST/echo", "/echo#part"?',
        (_WS_ONLY, _LIKE_LINKS, _ANY),
        _addresses,
        "The address is read as that of a link in the page; http: becomes ws:, and https: wss:. "
        "Any other scheme throws a SyntaxError, and so does a fragment. Browsers from before 2024 "
        "took ws: and wss: only",
        "WHATWG: new WebSocket()",
    ),
    InPage(
        "ports",
        "An echo server listens on a port that belongs to IRC, the old chat. A page and Python's "
        "client try to connect. Who gets in?",
        (_BOTH, _PYTHON, _NEITHER),
        _ports,
        "A page could have a browser send lines to a server of another protocol. So some 80 ports "
        "are *blocked* for pages: no byte is sent, and the page hears what it hears of every "
        "failure. The block protects from pages, so it is not in the RFC and not in Python",
        "Fetch: port blocking",
    ),
    InPage(
        "options",
        'A page calls new WebSocket(url, { protocols: ["chat"] }), with an object where the '
        "subprotocols belong. What does this browser do?",
        (_READS, _THROWS, _IGNORES),
        _options,
        "The object that the page passes *notes what is read from it*, so the browser tells itself "
        "which options it knows. One that knows none makes a text of the object, and "
        "“[object Object]” is no subprotocol: SyntaxError. Chromium reads protocols and "
        "targetAddressSpace when it is started with --enable-experimental-web-platform-features. "
        "An option for headers is in no browser",
        "WHATWG: new WebSocket()",
    ),
    InPage(
        "stream",
        "A server sends 32 MiB as fast as it can, to a page that takes no notice: a WebSocket "
        "without a listener, and a WebSocketStream that is not read. Which of the two holds the "
        "server up?",
        (_NO_API, _STREAM, _ALL_APIS, _ABSENT),
        _stream,
        "A WebSocket has no way to say “wait”: the browser takes all that comes, and its events "
        "queue up in memory. A stream that nobody reads lets TCP's window fill, and the server has "
        "to wait: *back-pressure*. WebSocketStream is in Chromium since version 124, and in no "
        "standard yet",
        "chromestatus: WebSocketStream",
    ),
    InPage(
        "back",
        "A page with an open socket is left for another one, and then somebody presses Back. What "
        "is found there?",
        (_SAME_OPEN, _SAME_CLOSED, _ANEW),
        _back,
        "Browsers keep a page that is left, as it is, in their *back/forward cache*, and Back "
        "shows it at once. An open socket used to keep a page out; in Firefox it does. Chromium "
        "since 149 closes the socket: the server gets a close frame with 1001, and the page its "
        "close event, with 1006, when it wakes up. A page that does not reconnect then is dead",
        "chromestatus: back/forward cache",
        "tab",
    ),
    InPage(
        "cookies",
        "Four cookies are set for 127.0.0.1: SameSite=Strict, SameSite=Lax, SameSite=None, and one "
        "without SameSite. A page at localhost, which is another site, opens ws://127.0.0.1. "
        "Which of them ride along?",
        (_ALL_COOKIES, _NONE_AND_PLAIN, _ONLY_NONE, _NO_COOKIE),
        _cookies,
        "A handshake is a request like any other, and takes the cookies of the host with it, "
        "whatever the port. SameSite=Strict and Lax stay at home if the page is of another site. "
        "Without SameSite, Chromium takes a cookie for Lax. Another port is the same site. And a "
        "browser that blocks third-party cookies, as Firefox and Debian's Chromium do unasked, "
        "keeps even SameSite=None at home",
        "RFC 6265 §8.5",
        "tab",
    ),
    InPage(
        "network",
        "A page from the internet opens ws://127.0.0.1, to see which programs run on the reader's "
        "machine. What happens?",
        (_CONNECTS, _ASKS, _REFUSED),
        _network,
        "Chromium since 147 asks the user before a page from the internet may connect to this "
        "machine or its network: *Local Network Access*. A page in a frame may only if the page "
        'around it says allow="loopback-network". This page comes from your own machine, of '
        "course; its header says treat-as-public-address, which Chromium obeys and others do not "
        "know. Where a browser does not know it, this experiment cannot show anything offline",
        "WICG: Local Network Access",
        "tab",
        "/elsewhere",
    ),
    InPage(
        "workers",
        "A page asks for the same SharedWorker twice, as two tabs would, and each time asks it to "
        "open a socket if it has none yet. How many connections does the server see?",
        (_ONE, _TWO, _NO_WORKER),
        _workers,
        "Workers have the same WebSocket as pages, and send the page's Origin. A shared worker is "
        "one program for all pages of an origin: one socket for ten tabs",
        "HTML: shared workers",
    ),
    InPage(
        "background",
        "Another tab hides a page. The page has a timer of 100 ms and a socket; the server sends "
        "it messages, which it answers at once, and pings. What slows down?",
        (_EVERYTHING, _TIMERS_AND_MESSAGES, _TIMERS, _NOTHING),
        _background,
        "Browsers slow down the *timers* of hidden pages, to about one a second, and after some "
        "minutes to one a minute. A message is an event, and is delivered. A pong needs no script "
        "at all: the browser's network code sends it. So a keepalive of your own by setInterval "
        "starves in a hidden tab, and the server's pings do not",
        "RFC 6455 §5.5.2",
        "hidden",
    ),
)

EXPERIMENTS = {experiment.name: experiment for experiment in _ALL}
"""By name, in the order in which the lesson shows them."""
