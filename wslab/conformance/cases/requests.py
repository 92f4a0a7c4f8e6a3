"""Requests, for servers under test (RFC 6455 §4.2.1)."""

from __future__ import annotations

from wslab.net.cases import FAULTY_CLIENTS, Case, Head
from wslab.net.clients import KEY

_CLIENT = ("client",)
_FINE = "RFC 6455 §4.2.1: the request has all that it must"
_NAMES = "RFC 9110 §5.1: the names of header fields are the same in upper and lower case"
_HTTP = "RFC 9112 §3: a server answers what is no HTTP with 400"
_TOKENS = "RFC 6455 §4.2.1 (4): one of the words of Connection is Upgrade"
_KEY = "RFC 6455 §4.2.1 (5): the key is 16 bytes in base64"
_EXTENSIONS = "RFC 6455 §9.1: a server ignores an extension that it does not know"
_PROTOCOLS = "RFC 6455 §4.2.2: a server that knows none of the subprotocols names none"
_LISTS = "RFC 6455 §9.1: several fields are the same as one with commas"


def _lower(*names: str) -> dict[str, str | None]:
    """These fields of the request in lower case, in place of the correct ones."""
    correct = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
               "Sec-WebSocket-Version": "13"}  # fmt: skip
    told: dict[str, str | None] = dict.fromkeys(names)
    return told | {name.lower(): correct[name] for name in names}


def _opens(name: str, what: str, rule: str, head: Head, duty: str = "must") -> Case:
    return Case(name, what, rule, head, 101, _CLIENT, duty)  # type: ignore[arg-type]


def _refused(
    name: str, what: str, rule: str, head: Head, status: int = 400, duty: str = "must"
) -> Case:
    return Case(name, what, rule, head, status, _CLIENT, duty)  # type: ignore[arg-type]


_AS_THEY_ARE = ("correct", "missing-upgrade", "wrong-upgrade", "missing-connection",
                "wrong-connection", "missing-key", "short-key", "wrong-version", "missing-version",
                "post-method", "http-1.0", "missing-host", "no-http-version")  # fmt: skip
"""The cases of `wslab.net.cases` that are strictly meant for every server."""

CASES = (
    *(FAULTY_CLIENTS[name] for name in _AS_THEY_ARE),
    FAULTY_CLIENTS["duplicate-key"]._replace(duty="should"),
    # What is odd, and right.
    _opens("names-in-lower-case", "writes the names of its fields in lower case", _NAMES,
           Head(_lower("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"))),
    _opens("names-in-upper-case", "writes SEC-WEBSOCKET-KEY", _NAMES,
           Head({"Sec-WebSocket-Key": None, "SEC-WEBSOCKET-KEY": KEY})),
    _opens("upgrade-in-capitals", "sends Upgrade: WebSocket",
           "RFC 6455 §4.2.1 (3): upper and lower case are the same",
           Head({"Upgrade": "WebSocket"})),
    _opens("connection-in-lower-case", "sends Connection: upgrade", _TOKENS,
           Head({"Connection": "upgrade"})),
    _opens("connection-with-keep-alive", "sends Connection: keep-alive, Upgrade, as Firefox does",
           _TOKENS, Head({"Connection": "keep-alive, Upgrade"})),
    _opens("connection-twice", "sends two Connection fields",
           "RFC 9110 §5.3: several fields are the same as one with commas",
           Head({"Connection": ("keep-alive", "Upgrade")})),
    _opens("upgrade-among-others", "sends Upgrade: h2c, websocket",
           "RFC 9110 §7.8: Upgrade is a list; RFC 6455 §4.2.1 (3): it contains websocket",
           Head({"Upgrade": "h2c, websocket"}), "may"),
    _opens("origin", "sends the Origin of a page on this machine",
           "RFC 6455 §4.1 (8): a browser names the page's origin",
           Head({"Origin": "http://localhost"}), "may"),
    _opens("unknown-fields", "sends fields that nobody knows",
           "RFC 6455 §4.2.1 (11): further fields, and unknown ones are ignored",
           Head({"X-Unheard-Of": "yes", "Sec-WebSocket-Unheard-Of": "maybe"})),
    _opens("query", "asks for a path with a query", "RFC 6455 §3: an address may have a query",
           Head(line="GET {path}?a=1&b=2 HTTP/1.1")),
    _opens("absolute-target", "asks for a whole http address",
           "RFC 6455 §4.2.1 (1): the target may be an absolute address",
           Head(line="GET http://127.0.0.1{path} HTTP/1.1"), "may"),
    _opens("cookies", "sends a cookie of 2,000 bytes",
           "RFC 6455 §4.1 (12): it may send cookies", Head({"Cookie": f"a={'x' * 2000}"})),
    _opens("spaces-around-values", "puts spaces and tabs around values",
           "RFC 9112 §5.1: space around a value is not part of it",
           Head({"Upgrade": "  websocket \t", "Connection": "\tUpgrade  "})),
    _opens("no-space-behind-colon", "has no space behind a colon",
           "RFC 9112 §5.1: the space behind the colon may be left out",
           Head({"Upgrade": None, "Upgrade:websocket\r\nX-Nothing": "x"})),
    _opens("empty-lines-first", "begins with an empty line",
           "RFC 9112 §2.2: a server should ignore an empty line before a request",
           Head(line="\r\nGET {path} HTTP/1.1"), "may"),
    # Subprotocols and extensions.
    _opens("unknown-subprotocol", "offers a subprotocol that nobody knows", _PROTOCOLS,
           Head({"Sec-WebSocket-Protocol": "unheard-of.example"}), "may"),
    _opens("unknown-subprotocols-in-two-fields", "offers two unknown subprotocols in two fields",
           _PROTOCOLS, Head({"Sec-WebSocket-Protocol": ("unheard-of", "never-seen")}), "may"),
    _opens("unknown-extension", "offers an extension that nobody knows", _EXTENSIONS,
           Head({"Sec-WebSocket-Extensions": "unheard-of; parameter=1"})),
    _opens("unknown-extension-with-quotes", 'offers an extension with a quoted parameter',
           _EXTENSIONS, Head({"Sec-WebSocket-Extensions": 'unheard-of; parameter="value"'})),
    _opens("extensions-in-two-fields", "offers two unknown extensions in two fields", _LISTS,
           Head({"Sec-WebSocket-Extensions": ("unheard-of", "never-seen")})),
    _opens("deflate-offered", "offers permessage-deflate",
           "RFC 7692 §5: the server accepts it or not",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate"})),
    _opens("deflate-with-window", "offers permessage-deflate with client_max_window_bits",
           "RFC 7692 §7.1.2.2: the parameter may have no value",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})),
    _opens("deflate-twice", "offers permessage-deflate in two forms",
           "RFC 7692 §5.1: a client may offer it several times, the best first",
           Head({"Sec-WebSocket-Extensions":
                 "permessage-deflate; server_max_window_bits=10, permessage-deflate"})),
    _opens("deflate-window-7", "offers permessage-deflate with windows of 7 bits",
           "RFC 7692 §7.1.2.1: a server must decline an offer with a value that is not 8 to 15",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=7"}),
           "may"),
    _opens("deflate-window-16", "offers permessage-deflate with windows of 16 bits",
           "RFC 7692 §7.1.2.1: a server must decline an offer with a value that is not 8 to 15",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=16"}),
           "may"),
    _opens("deflate-unknown-parameter", "offers permessage-deflate with a parameter nobody knows",
           "RFC 7692 §7: a server must decline an offer with an unknown parameter",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; unheard_of=1"}), "may"),
    _opens("deflate-parameter-twice", "offers permessage-deflate with a parameter twice",
           "RFC 7692 §7: a server must decline an offer with a repeated parameter",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover; "
                 "server_no_context_takeover"}), "may"),
    _opens("deflate-no-takeover", "asks the server to forget after each message",
           "RFC 7692 §7.1.1.1: a server that accepts the offer repeats the parameter",
           Head({"Sec-WebSocket-Extensions":
                 "permessage-deflate; server_no_context_takeover"})),
    _opens("deflate-no-takeover-with-a-value", "gives server_no_context_takeover a value",
           "RFC 7692 §7.1.1.1: the parameter has no value: a server must decline the offer",
           Head({"Sec-WebSocket-Extensions":
                 "permessage-deflate; server_no_context_takeover=true"}), "may"),
    # What is wrong.
    _refused("key-of-17-bytes", "sends a key of 17 bytes", _KEY,
             Head({"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA="}), duty="should"),
    _refused("key-not-base64", "sends a key that is not base64", _KEY,
             Head({"Sec-WebSocket-Key": "not base64 at all, dear!"}), duty="should"),
    _refused("empty-key", "sends an empty key", _KEY, Head({"Sec-WebSocket-Key": ""})),
    *(_refused(f"version-{version or 'empty'}", f"asks for version {version or '(nothing)'}",
               "RFC 6455 §4.2.2 (4): refused, with the versions that the server speaks",
               Head({"Sec-WebSocket-Version": version}), 426)
      for version in ("0", "14", "255", "thirteen", "")),
    *(_refused(f"version-{version}", f"asks for version {version}, an early draft",
               "RFC 6455 §4.4: a server may speak several versions",
               Head({"Sec-WebSocket-Version": version}), 426, "may")
      for version in ("7", "8")),
    _refused("version-in-words-of-http", "asks for version 13.0", "RFC 6455 §4.2.1 (6): it is 13",
             Head({"Sec-WebSocket-Version": "13.0"}), 426),
    _refused("versions-in-a-list", "asks for the versions 8, 13",
             "RFC 6455 §11.3.5: one version only", Head({"Sec-WebSocket-Version": "8, 13"}), 426,
             "should"),
    _refused("head-method", "sends HEAD instead of GET", "RFC 6455 §4.2.1 (1): the method is GET",
             Head(line="HEAD {path} HTTP/1.1"), 405),
    _refused("options-method", "sends OPTIONS instead of GET",
             "RFC 6455 §4.2.1 (1): the method is GET", Head(line="OPTIONS {path} HTTP/1.1"), 405),
    _refused("get-in-lower-case", "sends get instead of GET",
             "RFC 9110 §9.1: upper and lower case differ in methods",
             Head(line="get {path} HTTP/1.1")),
    _refused("http-0.9", "speaks HTTP/0.9", "RFC 6455 §4.2.1 (1): HTTP/1.1 or newer",
             Head(line="GET {path} HTTP/0.9"), 505),
    _refused("not-http", "sends a line that is no request", _HTTP, Head(line="Hello, server!")),
    _refused("frames-first", "sends a frame before any request", _HTTP,
             Head(line="\x01\x05Hello")),
    _refused("upgrade-without-connection-word", "says Connection: Upgrades",
             _TOKENS, Head({"Connection": "Upgrades"}), 426),
    _refused("upgrade-websockets", "asks for Upgrade: websockets",
             "RFC 6455 §4.2.1 (3): the protocol is websocket",
             Head({"Upgrade": "websockets"}), 426),
    _refused("space-before-colon", "puts a space before the colon of a field",
             "RFC 9112 §5.1: a server must answer such a request with 400",
             Head({"Upgrade": None, "Upgrade : websocket\r\nX-Nothing": "x"}), 400, "should"),
    _refused("field-without-colon", "sends a line without a colon among its fields",
             "RFC 9112 §5: a field is a name, a colon and a value",
             Head({"X-Nothing": "x\r\nnonsense without a colon"}), 400, "should"),
    _refused("host-twice", "sends two Host fields",
             "RFC 9112 §3.2: a server must answer such a request with 400",
             Head({"Host": ("127.0.0.1", "other.example")}), 400, "should"),
)  # fmt: skip
