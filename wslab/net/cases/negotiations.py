"""How a server may answer what a client offers: subprotocols and permessage-deflate.

Each is a whole response; `Head.offers` are the subprotocols that belong to the client's offer. What
they have in common: a client must fail the connection if the server turns on what was not offered.
"""

from __future__ import annotations

from wslab.net.cases.case import Case, Head, by_name
from wslab.wire import Direction

_S: tuple[Direction, ...] = ("server",)
_PROTOCOL = "Sec-WebSocket-Protocol"
_EXTENSIONS = "Sec-WebSocket-Extensions"
_ONE_OF_THESE = "RFC 6455 §4.1: a server may name only what the client offered"

SUBPROTOCOLS = by_name([
    Case("chosen", "is offered chat and superchat, and chooses superchat",
         "RFC 6455 §4.2.2: the order is the client's wish, the choice is the server's",
         Head({_PROTOCOL: "superchat"}, offers=("chat", "superchat")), 101, _S),
    Case("none-offered", "is offered none, and names none",
         "RFC 6455 §1.9: a subprotocol is optional", Head(), 101, _S),
    Case("none-in-common", "is offered chat, speaks only mqtt, and names none",
         "RFC 6455 §4.2.2: no field means no subprotocol, and the client may go on. The WHATWG's "
         "standard says that a page's socket must fail here",
         Head(offers=("chat",)), 101, _S, "may"),
    Case("not-offered", "is offered chat, and chooses mqtt", _ONE_OF_THESE,
         Head({_PROTOCOL: "mqtt"}, offers=("chat",)), by=_S),
    Case("unasked", "is offered none, and names chat", _ONE_OF_THESE,
         Head({_PROTOCOL: "chat"}), by=_S),
    Case("other-case", "is offered chat, and chooses Chat",
         "RFC 6455 §4.1: names are compared letter by letter, and these are two",
         Head({_PROTOCOL: "Chat"}, offers=("chat",)), by=_S),
    Case("list", "is offered chat and superchat, and names both in one field",
         "RFC 6455 §4.2.2: a server picks one of those offered, or none",
         Head({_PROTOCOL: "chat, superchat"}, offers=("chat", "superchat")), by=_S),
    Case("two-fields", "is offered chat and superchat, and names each in a field of its own",
         "RFC 6455 §11.3.4: the field must not appear more than once in a response",
         Head({_PROTOCOL: ("chat", "superchat")}, offers=("chat", "superchat")), by=_S),
])  # fmt: skip
"""Answers to an offer of subprotocols; `expected` is 101 where RFC 6455 lets the client go on."""

EXTENSIONS = by_name([
    Case("agreed", "agrees to permessage-deflate",
         "RFC 7692 §7.1.3: the extension's name is enough",
         Head({_EXTENSIONS: "permessage-deflate"}), 101, _S),
    Case("declined", "says nothing about extensions",
         "RFC 6455 §9.1: the field is left out, and no extension is in use", Head(), 101, _S),
    Case("with-parameters", "agrees, and adds three parameters that nobody asked for",
         "RFC 7692 §7.1: a server may add them to any answer",
         Head({_EXTENSIONS: "permessage-deflate; server_no_context_takeover; "
               "client_no_context_takeover; server_max_window_bits=10"}), 101, _S),
    Case("other-extension", "turns on x-webkit-deflate-frame, an older extension",
         "RFC 6455 §9.1: a client must fail the connection for an extension that it did not offer",
         Head({_EXTENSIONS: "x-webkit-deflate-frame"}), by=_S),
    Case("unknown-parameter", "agrees, with a parameter level=9",
         "RFC 7692 §7: only four parameters are defined, and the client must refuse another",
         Head({_EXTENSIONS: "permessage-deflate; level=9"}), by=_S),
    Case("window-of-16-bits", "agrees, with server_max_window_bits=16",
         "RFC 7692 §7.1.2.1: 8 to 15 are the values",
         Head({_EXTENSIONS: "permessage-deflate; server_max_window_bits=16"}), by=_S),
    Case("agreed-twice", "names permessage-deflate twice",
         "RFC 7692 §5: only one extension at a time may use RSV1",
         Head({_EXTENSIONS: "permessage-deflate, permessage-deflate"}), by=_S),
])  # fmt: skip
"""Answers to an offer of permessage-deflate."""
