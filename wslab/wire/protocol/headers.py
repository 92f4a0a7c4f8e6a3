"""What the headers of a handshake are for: one table, in the reader's words."""

from __future__ import annotations

from typing import NamedTuple


class Header(NamedTuple):
    """A known header: what it says in a request, and in a response where that differs."""

    name: str
    request: str
    response: str
    rfc: str


HEADERS: dict[str, Header] = {
    header.name.lower(): header
    for header in [
        Header(
            "Host",
            "Which site is meant: one server and one port may serve many names.",
            "Belongs into requests only.",
            "RFC 6455 §4.1",
        ),
        Header(
            "Upgrade",
            "Asks to leave HTTP for another protocol on this same TCP connection.",
            "Names the protocol that this connection speaks from the next byte on.",
            "RFC 6455 §4.1",
        ),
        Header(
            "Connection",
            "Upgrade here says that the Upgrade header is meant for the next hop alone; "
            "a proxy that does not know WebSocket must not pass it on.",
            "Upgrade here confirms that the change of protocol is meant for this very hop.",
            "RFC 6455 §4.1",
        ),
        Header(
            "Sec-WebSocket-Key",
            "16 random bytes in base64, new for every connection. It is no secret and no password: "
            "the server must work with it, which proves that it speaks WebSocket and that "
            "the answer is no old one out of a cache.",
            "Belongs into requests only.",
            "RFC 6455 §11.3.1",
        ),
        Header(
            "Sec-WebSocket-Version",
            "The version of the protocol; 13 is the one that RFC 6455 defines.",
            "The versions that this server speaks; sent when it refuses the one it was asked for.",
            "RFC 6455 §11.3.5",
        ),
        Header(
            "Sec-WebSocket-Accept",
            "Belongs into responses only.",
            "The proof that the server read this request: SHA-1 of the key and a fixed GUID, "
            "in base64.",
            "RFC 6455 §11.3.3",
        ),
        Header(
            "Sec-WebSocket-Protocol",
            "The subprotocols that the client offers, the one it likes best first.",
            "The one subprotocol that the server chose out of those offered.",
            "RFC 6455 §11.3.4",
        ),
        Header(
            "Sec-WebSocket-Extensions",
            "The extensions that the client offers, such as permessage-deflate (compression).",
            "The extensions that both will use from the first frame on.",
            "RFC 6455 §11.3.2",
        ),
        Header(
            "Origin",
            "The site whose page opened the connection. A browser always sends it and no script "
            "can change it; the server must check it, because nobody else does.",
            "Belongs into requests only.",
            "RFC 6455 §10.2",
        ),
        Header(
            "Cookie",
            "What the browser has stored for this host, login included. It goes along with a "
            "handshake from any page: the reason why Origin matters. (Masked as it was recorded.)",
            "Belongs into requests only.",
            "RFC 6265 §5.4",
        ),
        Header(
            "Set-Cookie",
            "Belongs into responses only.",
            "Asks the browser to store a cookie. (Masked as it was recorded.)",
            "RFC 6265 §4.1",
        ),
        Header(
            "Authorization",
            "A login or a token. A browser's WebSocket cannot set it; other clients can. "
            "(Masked as it was recorded.)",
            "Belongs into requests only.",
            "RFC 9110 §11.6.2",
        ),
        Header(
            "Proxy-Authorization",
            "A login for the proxy on the way. (Masked as it was recorded.)",
            "Belongs into requests only.",
            "RFC 9110 §11.7.2",
        ),
        Header(
            "User-Agent",
            "Which program asks. For statistics; it says nothing about what is allowed.",
            "Belongs into requests only.",
            "RFC 9110 §10.1.5",
        ),
        Header(
            "Server",
            "Belongs into responses only.",
            "Which program answers.",
            "RFC 9110 §10.2.4",
        ),
        Header(
            "Date",
            "When the message was made.",
            "When the response was made.",
            "RFC 9110 §6.6.1",
        ),
        Header(
            "Content-Length",
            "How many bytes of body follow the empty line.",
            "How many bytes of body follow the empty line.",
            "RFC 9110 §8.6",
        ),
        Header(
            "Content-Type",
            "What kind of text or data the body is.",
            "What kind of text or data the body is.",
            "RFC 9110 §8.3",
        ),
        Header(
            "Transfer-Encoding",
            "How the body is cut up on the way.",
            "How the body is cut up on the way.",
            "RFC 9112 §6.1",
        ),
        Header(
            "Location",
            "Belongs into responses only.",
            "Where to ask instead. A browser's WebSocket does not follow it.",
            "RFC 9110 §10.2.2",
        ),
        Header(
            "Retry-After",
            "Belongs into responses only.",
            "When to ask again.",
            "RFC 9110 §10.2.3",
        ),
        Header(
            "Pragma",
            "An old way to say: no answers out of a cache.",
            "An old way to say: do not store this.",
            "RFC 9111 §5.4",
        ),
        Header(
            "Cache-Control",
            "no-cache: no answers out of a cache.",
            "Whether this answer may be stored.",
            "RFC 9111 §5.2",
        ),
        Header(
            "Accept-Encoding",
            "How a body may be compressed. Has no effect on a WebSocket's frames.",
            "How a body may be compressed.",
            "RFC 9110 §12.5.3",
        ),
        Header(
            "Accept-Language",
            "The languages that the reader prefers.",
            "The languages that the server prefers.",
            "RFC 9110 §12.5.4",
        ),
        Header(
            "Accept",
            "The kinds of content that the client takes.",
            "The kinds of content that the server takes.",
            "RFC 9110 §12.5.1",
        ),
    ]
}
# Not in any RFC's hands: a name that nobody here knows is still a header field.
UNKNOWN = Header(
    "",
    "A header that the handshake does not use.",
    "A header that the handshake does not use.",
    "RFC 9110 §5.1",
)


def header_meaning(name: str, in_request: bool) -> tuple[str, str]:
    """What the header `name` is for, and the RFC section that says so."""
    header = HEADERS.get(name.lower(), UNKNOWN)
    return header.request if in_request else header.response, header.rfc


SECRETS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
"""Headers whose values a capture masks: logins, in lower case."""
