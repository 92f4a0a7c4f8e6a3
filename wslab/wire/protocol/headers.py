"""What each header of a handshake is for, in plain words: one table."""

from __future__ import annotations

from typing import NamedTuple


class KnownHeader(NamedTuple):
    """What a header means in a request, and what it means in a response."""

    name: str
    rfc: str
    request: str = "Belongs in responses only."
    response: str = "Belongs in requests only."


# fmt: off
_KNOWN = (
    KnownHeader("Host", "RFC 9110 §7.2",
        "Which site is meant: one server and one port may serve many names."),
    KnownHeader("Upgrade", "RFC 9110 §7.8",
        "Asks to leave HTTP for another protocol on this same TCP connection.",
        "Names the protocol that this connection speaks from the next byte on."),
    KnownHeader("Connection", "RFC 9110 §7.6.1",
        "Upgrade here says that the Upgrade header is meant for the next hop alone; a proxy that "
        "does not know WebSocket must not pass it on.",
        "Upgrade here confirms that the change of protocol is meant for this very hop."),
    KnownHeader("Sec-WebSocket-Key", "RFC 6455 §4.1",
        "16 random bytes in base64, new for every connection. It is no secret and no password: "
        "the server has to compute its answer from it, which proves that it has read this "
        "request. An old answer from a cache would not fit."),
    KnownHeader("Sec-WebSocket-Version", "RFC 6455 §4.4",
        "The version of the protocol; 13 is the one that RFC 6455 defines.",
        "The versions that this server speaks; sent when it refuses the one it was asked for."),
    KnownHeader("Sec-WebSocket-Accept", "RFC 6455 §4.2.2",
        response="The proof that the server read this request: SHA-1 of the key and a fixed GUID, "
        "in base64."),
    KnownHeader("Sec-WebSocket-Protocol", "RFC 6455 §1.3",
        "The subprotocols that the client offers, the one it likes best first.",
        "The one subprotocol that the server chose out of those offered."),
    KnownHeader("Sec-WebSocket-Extensions", "RFC 6455 §9.1",
        "The extensions that the client offers, such as permessage-deflate (compression).",
        "The extensions that both will use from the first frame on."),
    KnownHeader("Origin", "RFC 6455 §10.2",
        "The site whose page opened the connection. A browser always sends it and no script can "
        "change it; the server must check it, because nobody else does."),
    KnownHeader("Cookie", "RFC 6265 §5.4",
        "What the browser has stored for this host, login included. It goes along with a "
        "handshake from any page: the reason why Origin matters."),
    KnownHeader("Set-Cookie", "RFC 6265 §4.1",
        response="Asks the browser to store a cookie."),
    KnownHeader("Authorization", "RFC 9110 §11.6.2",
        "A login or a token. A browser's WebSocket cannot set it; other clients can."),
    KnownHeader("Proxy-Authorization", "RFC 9110 §11.7.2",
        "A login for the proxy on the way."),
    KnownHeader("User-Agent", "RFC 9110 §10.1.5",
        "Which program asks. Useful for statistics; it gives no rights."),
    KnownHeader("Server", "RFC 9110 §10.2.4",
        response="Which program answers."),
    KnownHeader("Date", "RFC 9110 §6.6.1",
        "When the message was made.",
        "When the response was made."),
    KnownHeader("Content-Length", "RFC 9110 §8.6",
        "How many bytes of body follow the empty line.",
        "How many bytes of body follow the empty line."),
    KnownHeader("Content-Type", "RFC 9110 §8.3",
        "What kind of text or data the body is.",
        "What kind of text or data the body is."),
    KnownHeader("Transfer-Encoding", "RFC 9112 §6.1",
        "How the body is encoded for the way, for example in chunks.",
        "How the body is encoded for the way, for example in chunks."),
    KnownHeader("Location", "RFC 9110 §10.2.2",
        response="Where to ask instead. A browser's WebSocket does not follow it."),
    KnownHeader("Retry-After", "RFC 9110 §10.2.3",
        response="When to ask again."),
    KnownHeader("Pragma", "RFC 9111 §5.4",
        "An old way to ask for an answer that does not come from a cache.",
        "Has no meaning in a response; Cache-Control has."),
    KnownHeader("Cache-Control", "RFC 9111 §5.2",
        "no-cache: the client would rather not have an answer that a cache has not checked with "
        "the server.",
        "Whether a cache may keep this answer, and for how long."),
    KnownHeader("Accept-Encoding", "RFC 9110 §12.5.3",
        "How a body may be compressed. Has no effect on a WebSocket's frames.",
        "How a body may be compressed."),
    KnownHeader("Accept-Language", "RFC 9110 §12.5.4",
        "The languages that the reader prefers."),
    KnownHeader("Accept", "RFC 9110 §12.5.1",
        "The kinds of content that the client takes.",
        "The kinds of content that the server takes."),
)
# fmt: on

HEADERS: dict[str, KnownHeader] = {header.name.lower(): header for header in _KNOWN}
"""The known headers, by their names in lower case."""

# Used for any other name: an unknown header is still a header.
_NOT_USED = "A header that the handshake does not use."
UNKNOWN = KnownHeader("", "RFC 9110 §5.1", _NOT_USED, _NOT_USED)


def header_meaning(name: str, in_request: bool) -> tuple[str, str]:
    """What the header `name` is for, and the RFC section that says so."""
    header = HEADERS.get(name.lower(), UNKNOWN)
    return header.request if in_request else header.response, header.rfc
