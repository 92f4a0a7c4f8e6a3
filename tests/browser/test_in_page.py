"""What today's Chromium does, by experiment: as it comes, and with another setting.

Each answer is as the source beside it says; where a browser's maker has decided it, that is what he
announced. This Chromium is not Playwright's, which has no back/forward cache and no hidden page.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from record_browsers import VARIANTS, OpenPage, answers, chromium

from wslab.installed import CHROMIUM
from wslab.net.in_page import DETAILS, EXPERIMENTS, known, recorded

from .conftest import path_of

EXPECTED = {
    # WHATWG WebSockets, "obtain a WebSocket URL": relative to the page, http becomes ws and https
    # wss; another scheme and a fragment are a SyntaxError. Nobody speaks TLS here: WHATWG,
    # "feedback from the protocol": a connection that fails is an error event, and 1006.
    "addresses": {
        '"/echo"': "ws://HOST/echo · open",
        '"http://HOST/echo"': "ws://HOST/echo · open",
        '"https://HOST/echo"': "wss://HOST/echo · error, close 1006",
        '"//HOST/echo"': "ws://HOST/echo · open",
        '"ftp://HOST/echo"': "SyntaxError",
        '"/echo#part"': "SyntaxError",
    },
    # WHATWG Fetch, "port blocking": a bad port is a network error; nothing is sent.
    "ports": {
        "this browser": "error, close 1006",
        "requests of it that reached the server": "0",
        "Python": "open",
    },
    # WHATWG WebSockets, the constructor: what is no sequence becomes a text, and "[object Object]"
    # is no subprotocol (RFC 6455 §4.1: a token).
    "options": {"read from the object": "nothing", "what came of it": "SyntaxError"},
    # chromestatus.com, "WebSocketStream" (since 124): it is built on Streams, for back-pressure.
    "stream": {
        "WebSocketStream": "here",
        "a WebSocketStream that is not read": "the server has to wait",
        "a WebSocket without a listener": "the server sends everything",
    },
    # chromestatus.com, "Disconnect WebSockets on BFCache entry" (since 149); whatwg/html, issue
    # 12085: the server gets 1001, the page an error and 1006 when it is restored.
    "back": {
        "after Back": "the same page: its script goes on",
        "events on return": "pageshow, readyState OPEN · error · close 1006, wasClean false",
        "readyState": "CLOSED",
        "the server got": "a close frame, 1001",
    },
    # RFC 6265 §8.5: a port is no boundary. RFC 6265bis, "SameSite cookies": Strict and Lax only
    # from the same site. That no other cookie comes is Debian's: it blocks third-party cookies.
    "cookies": {
        "127.0.0.1, same origin": "Strict, Lax, None, plain",
        "127.0.0.1, another port": "Strict, Lax, None, plain",
        "localhost, another site": "no cookie",
    },
    # chromestatus.com, "Local network access restrictions for WebSockets" (since 147). Nobody sits
    # before this one, and who is not asked has not allowed it.
    "network": {
        "permission before": "prompt",
        "from a tab": "error, close 1006",
        "permission after": "denied",
        "from a frame": "error, close 1006",
        "from a frame with allow": "error, close 1006",
        "from a sandboxed frame of this machine": "open",
    },
    # WHATWG WebSockets, the interface: Exposed=(Window,Worker). WHATWG HTML, "SharedWorker": one
    # for all pages of an origin.
    "workers": {
        "a worker's socket": "open, 1 made",
        "a shared worker's socket, for two": "open, 1 made · open, 1 made",
        "connections of the two": "1",
        "Origin that the server reads": "the page's own",
    },
    # WHATWG HTML, "timer initialization steps": a browser may let timers wait. RFC 6455 §5.5.2: a
    # pong is sent as soon as is practical; the browser's network code does, whatever the page does.
    "background": {
        "setInterval of 100 ms, hidden": "about once a second",
        "the same in a worker, hidden": "about 10 times a second",
        "a message is answered, hidden": "at once",
        "a ping is answered, hidden": "at once",
        "setInterval of 100 ms, visible": "about 10 times a second",
        "the same in a worker, visible": "about 10 times a second",
        "a message is answered, visible": "at once",
        "a ping is answered, visible": "at once",
    },
}

CHANGED = {
    # WHATWG WebSockets, pull request for `WebSocketOptions`; with the flag Chromium has it.
    "options": {
        "read from the object": "protocols, targetAddressSpace",
        "what came of it": 'open, protocol "chat"',
    },
    # RFC 6265bis, "SameSite cookies": SameSite=None is sent to other sites too; what has no
    # SameSite, Chromium takes for Lax (chromestatus.com, "Cookies default to SameSite=Lax").
    "cookies": EXPECTED["cookies"] | {"localhost, another site": "None"},
    # WICG Local Network Access: with the user's permission; a frame only where the page around it
    # hands it down (permissions policy "loopback-network").
    "network": {
        "permission before": "granted",
        "from a tab": "open",
        "permission after": "granted",
        "from a frame": "error, close 1006",
        "from a frame with allow": "open",
        "from a sandboxed frame of this machine": "open",
    },
}
"""With the flag for experimental features, third-party cookies, and the user's permission."""


@pytest.fixture(scope="module")
def as_it_comes() -> Iterator[OpenPage]:
    path_of(CHROMIUM)
    with chromium() as (_, open_page):
        yield open_page


@pytest.fixture(scope="module")
def changed() -> Iterator[OpenPage]:
    path_of(CHROMIUM)
    with chromium(variant=True) as (_, open_page):
        yield open_page


def compared(found: dict[str, str]) -> dict[str, str]:
    return {about: text for about, text in found.items() if about not in DETAILS}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_browser_as_it_comes(as_it_comes: OpenPage, name: str):
    found = answers(as_it_comes, [name])[name]
    assert compared(found) == EXPECTED[name]
    assert EXPERIMENTS[name].happened(found) in EXPERIMENTS[name].predictions


@pytest.mark.parametrize("name", VARIANTS)
def test_a_browser_with_another_setting(changed: OpenPage, name: str):
    assert answers(changed, [name])[name] == CHANGED[name]


def test_what_is_recorded_of_chromium_is_that():
    for one in recorded():
        if one.browser == "Chromium":
            expected = CHANGED if one.variant else EXPECTED
            assert {name: compared(found) for name, found in one.answers.items()} == {
                name: expected[name] for name in one.answers
            }
    chromium, firefox = known("cookies").values()
    assert chromium["localhost, another site"] == "no cookie (third-party cookies allowed: None)"
    assert firefox["localhost, another site"] == "no cookie"
