"""Responses, for clients under test (RFC 6455 §4.1)."""

from __future__ import annotations

from wslab.net.cases import FAULTY_SERVERS, Case, Head

LOWER_ACCEPT = "{the correct one in lower case}"
"""Stands for an accept that only a comparison of upper and lower case finds to be wrong."""

_SERVER = ("server",)
_FAILS = "RFC 6455 §4.1: the client must fail the connection"
_FINE = "RFC 6455 §4.1: the response has all that it must"
_NO = {"Upgrade": None, "Connection": None, "Sec-WebSocket-Accept": None, "Content-Length": "0"}


def _fails(name: str, what: str, head: Head, rule: str = _FAILS, duty: str = "must") -> Case:
    return Case(name, what, rule, head, None, _SERVER, duty)  # type: ignore[arg-type]


def _opens(name: str, what: str, head: Head, rule: str = _FINE, duty: str = "must") -> Case:
    return Case(name, what, rule, head, 101, _SERVER, duty)  # type: ignore[arg-type]


_OTHERS = ("wrong-accept", "missing-accept", "answers-200", "missing-upgrade-header",
           "wrong-connection-header", "unoffered-subprotocol", "unoffered-extension",
           "closes-at-once", "other-phrase", "answers-with-a-list", "no-http-version")  # fmt: skip
"""The cases of `wslab.net.cases` that can be judged from the wire."""

CASES = (
    _opens("correct", "answers as it must", Head()),
    *(FAULTY_SERVERS[name] for name in _OTHERS),
    _opens("names-in-lower-case", "writes the names of its fields in lower case",
           Head({"Upgrade": None, "upgrade": "websocket"}),
           "RFC 9110 §5.1: the names of header fields are the same in upper and lower case"),
    _opens("upgrade-in-capitals", "answers Upgrade: WebSocket", Head({"Upgrade": "WebSocket"}),
           "RFC 6455 §4.1: upper and lower case are the same in the value of Upgrade"),
    _opens("connection-in-lower-case", "answers Connection: upgrade",
           Head({"Connection": "upgrade"}),
           "RFC 6455 §4.1: upper and lower case are the same in the words of Connection"),
    _opens("connection-with-keep-alive", "answers Connection: keep-alive, Upgrade",
           Head({"Connection": "keep-alive, Upgrade"}),
           "RFC 6455 §4.1: one of the words of Connection is Upgrade"),
    _opens("unknown-fields", "adds fields that nobody knows",
           Head({"Server": "conformance", "X-Unheard-Of": "yes"})),
    _opens("no-phrase", "answers HTTP/1.1 101, without a phrase", Head(line="HTTP/1.1 101 "),
           "RFC 9112 §4: the phrase may be empty"),
    _opens("spaces-around-values", "puts spaces and tabs around values",
           Head({"Upgrade": " \twebsocket  "}),
           "RFC 9112 §5.1: space around a value is not part of it"),
    _fails("wrong-upgrade", "answers Upgrade: h2c", Head({"Upgrade": "h2c"})),
    _fails("upgrade-and-more", "answers Upgrade: websocket-2", Head({"Upgrade": "websocket-2"})),
    _fails("missing-connection", "answers without Connection", Head({"Connection": None})),
    _fails("empty-accept", "answers with an empty Sec-WebSocket-Accept",
           Head({"Sec-WebSocket-Accept": ""})),
    _fails("accept-in-lower-case", "answers with the accept in lower case",
           Head({"Sec-WebSocket-Accept": LOWER_ACCEPT}),
           "RFC 6455 §4.1: upper and lower case differ in base64"),
    *(_fails(f"status-{status}", f"answers with status {status}, and all fields of a 101",
             Head(line=f"HTTP/1.1 {status} Whatever"),
             "RFC 6455 §4.1: anything but 101 is handled as HTTP, no WebSocket opens")
      for status in (100, 102, 200, 201, 204, 400, 403, 404, 500, 503)),
    _fails("status-401", "asks for a login with status 401",
           Head({**_NO, "WWW-Authenticate": 'Basic realm="lab"'}, "HTTP/1.1 401 Unauthorized"),
           "RFC 6455 §4.1: anything but 101 is handled as HTTP; a client may log in and ask again"),
    _fails("http-1.0", "answers in HTTP/1.0", Head(line="HTTP/1.0 101 Switching Protocols"),
           "RFC 9110 §15.2: HTTP/1.0 has no responses of 1xx", "should"),
    _fails("not-http", "answers with a line that is no HTTP", Head(line="Hello, client!")),
    _fails("subprotocol-empty", "answers with an empty subprotocol",
           Head({"Sec-WebSocket-Protocol": ""}),
           "RFC 6455 §4.1: a subprotocol that was not offered fails the connection", "should"),
    _fails("deflate-unoffered-parameter", "accepts permessage-deflate with an unknown parameter",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; unheard_of"}),
           "RFC 7692 §7: a client must fail the connection for an unknown parameter"),
    _fails("deflate-window-16", "accepts permessage-deflate with windows of 16 bits",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=16"}),
           "RFC 7692 §7.1.2.1: a client must fail the connection for a value that is not 8 to 15"),
    _fails("deflate-parameter-twice", "accepts permessage-deflate with a parameter twice",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover; "
                 "server_no_context_takeover"}),
           "RFC 7692 §7: a client must fail the connection for a repeated parameter"),
    _fails("deflate-twice", "accepts permessage-deflate twice",
           Head({"Sec-WebSocket-Extensions": "permessage-deflate, permessage-deflate"}),
           "RFC 7692 §5: a client must fail the connection if it is accepted twice", "should"),
    _fails("cut-off", "ends TCP in the middle of its response",
           Head(line="HTTP/1.1 101 Switching Pro", ends=True)),
)  # fmt: skip
