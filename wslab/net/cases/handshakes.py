"""Opening handshakes with a single fault: requests of clients, and responses of servers.

Each is the same every time, and differs from the request or response of RFC 6455 §1.3 only in what
its name says.
"""

from __future__ import annotations

from wslab.net.cases.case import Case, Head, by_name
from wslab.net.clients.raw import KEY, Fields
from wslab.wire import Direction, accept_key

FOREIGN_ORIGIN = "https://attacker.example"

_PAGE = b"<!doctype html><title>Hello</title><p>An ordinary web page.</p>\n"

_NO_UPGRADE: Fields = {"Upgrade": None, "Connection": None, "Sec-WebSocket-Accept": None}

_FAILS = "RFC 6455 §4.1: the client must fail the connection"

_C: tuple[Direction, ...] = ("client",)
_S: tuple[Direction, ...] = ("server",)

FAULTY_CLIENTS = by_name([
    Case("correct", "does everything right, for comparison",
         "RFC 6455 §4.1: the request is as it must be", Head(), 101, _C),
    Case("missing-upgrade", "sends no Upgrade field",
         "RFC 6455 §4.2.1 (3): it names the protocol", Head({"Upgrade": None}), 426, _C),
    Case("wrong-upgrade", "asks for another protocol, Upgrade: h2c",
         "RFC 6455 §4.2.1 (3): the protocol is websocket", Head({"Upgrade": "h2c"}), 426, _C),
    Case("missing-connection", "sends no Connection field",
         "RFC 6455 §4.2.1 (4): it says Upgrade", Head({"Connection": None}), 426, _C),
    Case("wrong-connection", "sends Connection: keep-alive, without the word Upgrade",
         "RFC 6455 §4.2.1 (4): it says Upgrade", Head({"Connection": "keep-alive"}), 426, _C),
    Case("missing-key", "sends no Sec-WebSocket-Key",
         "RFC 6455 §4.2.1 (5): no key, no answer", Head({"Sec-WebSocket-Key": None}), 400, _C),
    Case("short-key", "sends a key of 5 bytes where 16 are asked for",
         "RFC 6455 §4.2.1 (5): 16 bytes", Head({"Sec-WebSocket-Key": "c2hvcnQ="}), 400, _C),
    Case("duplicate-key", "sends Sec-WebSocket-Key twice",
         "RFC 6455 §11.3.1: one key only", Head({"Sec-WebSocket-Key": (KEY, KEY)}), 400, _C),
    Case("wrong-version", "asks for version 12, a number that was reserved and never used",
         "RFC 6455 §4.2.2 (4), §4.4: refused, with the versions that the server speaks",
         Head({"Sec-WebSocket-Version": "12"}), 426, _C),
    Case("missing-version", "names no version",
         "RFC 6455 §4.2.1 (6): it is 13", Head({"Sec-WebSocket-Version": None}), 400, _C),
    Case("post-method", "sends POST instead of GET", "RFC 6455 §4.2.1 (1): the method is GET",
         Head({"Content-Length": "0"}, "POST {path} HTTP/1.1"), 405, _C),
    Case("http-1.0", "speaks HTTP/1.0, which knows no Upgrade",
         "RFC 6455 §4.2.1 (1): HTTP/1.1 or newer", Head(line="GET {path} HTTP/1.0"), 505, _C),
    Case("missing-host", "sends no Host field",
         "RFC 6455 §4.2.1 (2), RFC 9112 §3.2: it names the host", Head({"Host": None}), 400, _C),
    Case("foreign-origin",
         f"comes from a page of {FOREIGN_ORIGIN}: refused only by a server that checks",
         "RFC 6455 §4.2.2, §10.2: a server may refuse pages of others",
         Head({"Origin": FOREIGN_ORIGIN}), 403, _C, "may"),
    Case("no-http-version", "ends its first line after the path, without HTTP/1.1",
         "RFC 9112 §3: a request line ends in the version", Head(line="GET {path}"), 400, _C),
])  # fmt: skip
"""Faulty requests. `expected` is what `EchoServer` answers: the RFCs often leave it open."""

FAULTY_SERVERS = by_name([
    # Correct for the key of RFC 6455 §1.3, which no client sends: real keys are random.
    Case("wrong-accept", "answers 101 with the Sec-WebSocket-Accept of another key",
         _FAILS, Head({"Sec-WebSocket-Accept": accept_key(KEY)}), by=_S),
    Case("missing-accept", "answers 101 without Sec-WebSocket-Accept",
         _FAILS, Head({"Sec-WebSocket-Accept": None}), by=_S),
    Case("answers-200", "answers 200 OK with a page, as an ordinary web server does",
         "RFC 6455 §4.1: anything but 101 is handled as HTTP, no WebSocket opens",
         Head({**_NO_UPGRADE, "Content-Type": "text/html", "Content-Length": str(len(_PAGE))},
              "HTTP/1.1 200 OK", _PAGE), by=_S),
    # Relative, so that a client that came through a tap comes through it again.
    Case("redirect", "answers 302 Found and points to /moved, where all is right",
         "RFC 6455 §4.1: a client may follow; websockets does, browsers do not (WHATWG)",
         Head({**_NO_UPGRADE, "Location": "/moved", "Content-Length": "0"}, "HTTP/1.1 302 Found"),
         by=_S, duty="may"),
    Case("hangs", "reads the request and never answers",
         "RFC 6455 sets no limit: without a timeout a client stays CONNECTING for ever",
         Head(line=None), by=_S),
    Case("missing-upgrade-header", "answers 101 without Upgrade",
         _FAILS, Head({"Upgrade": None}), by=_S),
    Case("wrong-connection-header", "answers 101 with Connection: keep-alive",
         _FAILS, Head({"Connection": "keep-alive"}), by=_S),
    Case("unoffered-subprotocol", "picks a subprotocol that the client did not offer",
         _FAILS, Head({"Sec-WebSocket-Protocol": "unheard-of"}), by=_S),
    # Not the name of a real extension: most clients offer permessage-deflate.
    Case("unoffered-extension", "turns on an extension that the client did not offer",
         _FAILS, Head({"Sec-WebSocket-Extensions": "unheard-of"}), by=_S),
    Case("closes-at-once", "reads the request and closes the connection without a word",
         "RFC 6455 §4.1: the connection fails, for want of an answer",
         Head(line=None, ends=True), by=_S),
    Case("other-phrase", "answers HTTP/1.1 101 Bananas, and has all else right",
         "RFC 9112 §4: the number counts, and a client should ignore the phrase",
         Head(line="HTTP/1.1 101 Bananas"), 101, _S),
    Case("answers-with-a-list", "is offered the subprotocols chat and superchat, and names both",
         "RFC 6455 §4.2.2: a server picks one of those offered, or none",
         Head({"Sec-WebSocket-Protocol": "chat, superchat"}, offers=("chat", "superchat")), by=_S),
    Case("no-http-version", "answers 101 Switching Protocols, without HTTP/1.1 before it",
         "RFC 9112 §4: this is no HTTP, so the client fails the connection",
         Head(line="101 Switching Protocols"), by=_S),
])  # fmt: skip
"""Faulty responses; the client must open the connection only if `expected` is 101."""
