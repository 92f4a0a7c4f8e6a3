"""Every rule that bytes on the wire can break, by name: one table.

Source: the MUSTs of RFC 6455 sections 3, 4, 5 and 7, of RFC 7692 sections 5, 6 and 7, and of HTTP
(RFC 9110, RFC 9112), as far as the bytes themselves show whether they are kept. A rule for the
request of a handshake names the HTTP status of the refusal; a rule for a frame, the close code. A
rule for a response names neither: the client drops the connection, and its API reports 1006.

Rules that no recording can show to be broken are left out: a key must be chosen at random (RFC 6455
§4.1, §5.3), a ping or a close must be answered in the end (§5.5.1, §5.5.2), padding bits must be
zero (RFC 7692 §7.2.1), and everything about what a program does with the bytes it received.
"""

from __future__ import annotations

from .fields import Violation


def _rule(name: str, rfc: str, code: int | None, text: str) -> Violation:
    """Make one rule. `code`: an HTTP status for a request, a close code for a frame, or None."""
    if code is None or code < 1000:
        return Violation(name, text, rfc, None, code)
    return Violation(name, text, rfc, code, None)


# fmt: off
_ALL = (
    # The request of the handshake: what a server must check before it says yes.
    _rule("request-line-malformed", "RFC 9112 §3", 400,
          "A request starts with a method, a target and a version, one space between them."),
    _rule("method-not-get", "RFC 6455 §4.1", 405,
          "The method of the handshake must be GET."),
    _rule("http-version-too-low", "RFC 6455 §4.1", 505,
          "The handshake needs HTTP/1.1 or newer: Upgrade does not exist in HTTP/1.0."),
    _rule("fragment-in-target", "RFC 6455 §3", 400,
          "A WebSocket address has no fragment: '#' must be written as %23."),
    _rule("target-malformed", "RFC 6455 §4.1", 400,
          "The target must be a path that starts with '/', or a whole http or https address."),
    _rule("header-malformed", "RFC 9112 §5", 400,
          "A header is a name, a colon right behind it, and a printable value, on its own line."),
    _rule("content-length-malformed", "RFC 9112 §6.3", 400,
          "Content-Length is one number; if it is repeated, it must be the same."),
    _rule("host-missing", "RFC 6455 §4.2.1", 400,
          "The request must name the Host it is meant for."),
    _rule("host-repeated", "RFC 9112 §3.2", 400,
          "There must be exactly one Host header."),
    _rule("host-malformed", "RFC 9110 §7.2", 400,
          "Host is a name or an address, and a port behind a colon unless it is the usual one."),
    _rule("host-not-of-target", "RFC 6455 §4.1", 400,
          "Where the target is a whole address, it must name the same host as Host does."),
    _rule("origin-repeated", "RFC 6454 §7.3", 400,
          "There must be only one Origin."),
    _rule("upgrade-missing", "RFC 6455 §4.2.1", 426,
          "The request must carry Upgrade: websocket."),
    _rule("upgrade-not-websocket", "RFC 6455 §4.2.1", 426,
          "The Upgrade header must name the protocol websocket."),
    _rule("connection-missing", "RFC 6455 §4.2.1", 426,
          "The request must carry Connection: Upgrade."),
    _rule("connection-not-upgrade", "RFC 6455 §4.2.1", 426,
          "One of the Connection header's words must be Upgrade."),
    _rule("key-missing", "RFC 6455 §4.2.1", 400,
          "The request must carry a Sec-WebSocket-Key."),
    _rule("key-repeated", "RFC 6455 §11.3.1", 400,
          "There must be only one Sec-WebSocket-Key."),
    _rule("key-not-16-bytes", "RFC 6455 §4.2.1", 400,
          "Sec-WebSocket-Key must be 16 bytes written in base64 (24 characters)."),
    _rule("version-missing", "RFC 6455 §4.2.1", 400,
          "The request must carry Sec-WebSocket-Version: 13."),
    _rule("version-repeated", "RFC 6455 §11.3.5", 400,
          "There must be only one Sec-WebSocket-Version in a request."),
    _rule("version-not-13", "RFC 6455 §4.4", 426,
          "The version must be 13; a server answers another with the versions that it speaks."),
    _rule("subprotocol-malformed", "RFC 6455 §4.1", 400,
          "Each subprotocol must be a token: printable ASCII without separators."),
    _rule("subprotocol-repeated", "RFC 6455 §4.1", 400,
          "Each subprotocol must be offered only once."),
    _rule("extensions-malformed", "RFC 6455 §9.1", 400,
          "Extensions are names with parameters: name; key=value; key, name, ..."),
    # The response: what a client must check before it calls the connection open.
    _rule("status-line-malformed", "RFC 9112 §4", None,
          "A response starts with HTTP/1.1 and a three-digit status; a phrase may follow."),
    _rule("response-header-malformed", "RFC 9112 §5", None,
          "A header is a name, a colon right behind it, and a printable value, on its own line."),
    _rule("response-content-length-malformed", "RFC 9112 §6.3", None,
          "Content-Length is one number; if it is repeated, it must be the same."),
    _rule("response-http-version-too-low", "RFC 9110 §15.2", None,
          "A 101 response needs HTTP/1.1 or newer: HTTP/1.0 has no responses of 1xx."),
    _rule("response-upgrade-missing", "RFC 6455 §4.1", None,
          "A 101 response must carry Upgrade: websocket."),
    _rule("response-upgrade-not-websocket", "RFC 6455 §4.1", None,
          "The Upgrade header of the response must be websocket and nothing else."),
    _rule("response-connection-missing", "RFC 6455 §4.1", None,
          "A 101 response must carry Connection: Upgrade."),
    _rule("response-connection-not-upgrade", "RFC 6455 §4.1", None,
          "One of the words of the response's Connection header must be Upgrade."),
    _rule("accept-missing", "RFC 6455 §4.1", None,
          "A 101 response must carry a Sec-WebSocket-Accept."),
    _rule("accept-repeated", "RFC 6455 §11.3.3", None,
          "There must be only one Sec-WebSocket-Accept."),
    _rule("accept-wrong", "RFC 6455 §4.1", None,
          "Sec-WebSocket-Accept must be computed from the key of this very request."),
    _rule("subprotocol-not-offered", "RFC 6455 §4.1", None,
          "The server may choose only a subprotocol that the client offered."),
    _rule("response-subprotocol-repeated", "RFC 6455 §11.3.4", None,
          "The server may choose only one subprotocol."),
    _rule("extension-not-offered", "RFC 6455 §4.1", None,
          "The server may use only an extension that the client offered."),
    _rule("response-extensions-malformed", "RFC 6455 §9.1", None,
          "Extensions are names with parameters: name; key=value; key, name, ..."),
    _rule("broken-request-accepted", "RFC 6455 §4.2.1", None,
          "A server must not say yes to a request that breaks a rule, or is no handshake at all."),
    # Compression, as the response agrees on it.
    _rule("deflate-accepted-twice", "RFC 7692 §5", None,
          "Only one extension may use RSV1: permessage-deflate must be accepted once."),
    _rule("deflate-parameter-unknown", "RFC 7692 §7", None,
          "permessage-deflate has four parameters, and the response names another one."),
    _rule("deflate-parameter-repeated", "RFC 7692 §7", None,
          "Each parameter of permessage-deflate may appear only once."),
    _rule("deflate-value-invalid", "RFC 7692 §7.1", None,
          "Window bits are a number from 8 to 15; the other two parameters have no value."),
    _rule("deflate-offer-not-acceptable", "RFC 7692 §7", None,
          "A server must decline an offer with unknown, repeated or impossible parameters."),
    _rule("server-no-context-takeover-ignored", "RFC 7692 §7.1.1.1", None,
          "To accept an offer with server_no_context_takeover, the response must repeat it."),
    _rule("server-max-window-bits-ignored", "RFC 7692 §7.1.2.1", None,
          "The response must name a server_max_window_bits no bigger than the one offered."),
    _rule("client-max-window-bits-not-offered", "RFC 7692 §7.1.2.2", None,
          "The response must not name client_max_window_bits unless the offer did."),
    _rule("content-length-in-1xx", "RFC 9110 §8.6", None,
          "A response with status 1xx or 204 has no body: it must not carry Content-Length."),
    _rule("transfer-encoding-in-1xx", "RFC 9112 §6.1", None,
          "A response with status 1xx or 204 has no body: it must not carry Transfer-Encoding."),
    _rule("versions-not-named", "RFC 6455 §4.4", None,
          "A server that refuses a version must name its own in Sec-WebSocket-Version."),
    _rule("versions-malformed", "RFC 6455 §4.3", None,
          "A version is a number from 0 to 255 without leading zeros."),
    # One frame.
    _rule("rsv1-without-extension", "RFC 6455 §5.2", 1002,
          "RSV1 must be 0 unless an extension was agreed on that uses it."),
    _rule("rsv1-on-control-frame", "RFC 7692 §6.1", 1002,
          "Control frames are never compressed: their RSV1 must be 0."),
    _rule("rsv1-on-continuation", "RFC 7692 §6.1", 1002,
          "Only the first frame of a compressed message carries RSV1."),
    _rule("rsv2-set", "RFC 6455 §5.2", 1002,
          "RSV2 must be 0: no extension in use defines it."),
    _rule("rsv3-set", "RFC 6455 §5.2", 1002,
          "RSV3 must be 0: no extension in use defines it."),
    _rule("reserved-opcode", "RFC 6455 §5.2", 1002,
          "The opcodes 3-7 and 11-15 are reserved: they have no meaning yet."),
    _rule("frame-not-masked", "RFC 6455 §5.1", 1002,
          "A client must mask every frame that it sends."),
    _rule("frame-masked", "RFC 6455 §5.1", 1002,
          "A server must not mask any frame."),
    _rule("control-frame-fragmented", "RFC 6455 §5.5", 1002,
          "A control frame (close, ping, pong) must not be split: FIN must be 1."),
    _rule("control-frame-too-long", "RFC 6455 §5.5", 1002,
          "A control frame's payload must be 125 bytes or less."),
    _rule("length-not-minimal", "RFC 6455 §5.2", 1002,
          "The length must be written in the shortest of its three forms."),
    _rule("length-too-big", "RFC 6455 §5.2", 1002,
          "The first bit of a 64-bit length must be 0."),
    _rule("close-payload-one-byte", "RFC 6455 §5.5.1", 1002,
          "A close frame's payload is empty, or starts with a code of two bytes."),
    _rule("close-code-not-allowed", "RFC 6455 §7.4", 1002,
          "This close code must never appear in a frame."),
    _rule("close-reason-not-utf8", "RFC 6455 §5.5.1", 1007,
          "The reason in a close frame must be UTF-8."),
    _rule("text-not-utf8", "RFC 6455 §8.1", 1007,
          "A text message must be UTF-8."),
    # Frames in a row.
    _rule("continuation-without-message", "RFC 6455 §5.4", 1002,
          "A continuation frame needs a message that has been started and not finished."),
    _rule("message-interleaved", "RFC 6455 §5.4", 1002,
          "A new message must not start before the one in fragments is finished."),
    _rule("frame-after-close", "RFC 6455 §5.5.1", None,
          "After its close frame a peer must send no more data frames."),
    _rule("data-before-response", "RFC 6455 §4.1", None,
          "A client must wait for the response before it sends anything more."),
    # What the frames of a compressed message hold.
    _rule("deflate-malformed", "RFC 7692 §7.2.2", 1002,
          "A compressed message must be DEFLATE that can be inflated."),
    _rule("deflate-context-kept", "RFC 7692 §7.2.1", 1002,
          "After no_context_takeover was agreed on, no message may refer to an earlier one."),
    _rule("deflate-window-too-big", "RFC 7692 §7.2.1", 1002,
          "After max_window_bits was agreed on, nothing may refer to what is farther back."),
)
# fmt: on

RULES: dict[str, Violation] = {rule.rule: rule for rule in _ALL}
"""Every rule by its name."""
