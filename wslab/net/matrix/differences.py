"""What single libraries do otherwise than the sentence of a situation says, and why.

Nothing here is a fault: each has its reason, and its document says so. What breaks a MUST would be
listed here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from wslab.net.matrix.situation import EITHER, NOBODY


class Difference(NamedTuple):
    """One thing that a library does otherwise, hides, or cannot do."""

    word: str
    """What differs, in a word."""
    what: str
    """The same in one sentence."""
    why: str
    """The sentence of the library's documentation, or of the standard, behind it."""
    source: str
    """Where that stands: a reference that `rfc_url` knows."""
    situations: tuple[str, ...]
    seen: Mapping[str, Any]
    """The fields of `Seen` that differ."""
    clients: tuple[str, ...] = ()
    """The clients it is about; () for all."""
    servers: tuple[str, ...] = ()

    def is_of(self, situation: str, client: str, server: str) -> bool:
        """Whether it is about this cell."""
        return (
            situation in self.situations
            and client in (self.clients or (client,))
            and server in (self.servers or (server,))
        )


_API = ("browser", "WebSocket")
"""The clients on the WHATWG's API."""

_TOO_LARGE = "close 1009"

_IN_PARTS = ("text 4 B, more follows", "continuation 7 B, more follows", "continuation 0 B")


def _buffers(side: str, *texts: tuple[str, ...]) -> list[Difference]:
    """`ws` on that side hands out texts as bytes: one entry for each situation."""
    who: dict[str, tuple[str, ...]] = {f"{side}s": ("ws",)}
    return [
        Difference(
            "Buffer",
            "ws hands a text to its program as a Buffer of UTF-8, with isBinary false.",
            "the message event has data, a Buffer, and isBinary, which says whether the message is "
            "binary; the program makes a string of a text: String(data)",
            "ws: message event",
            (situation,),
            {f"{side}_hears": tuple(f"{text} as bytes" for text in texts_of)},
            **who,
        )
        for situation, *texts_of in texts
    ]


DIFFERENCES: tuple[Difference, ...] = (
    # -- messages
    *_buffers(
        "client", ("text", "text 'Hello'"), ("empty text", "text ''"),
        ("fragments, by the server", "text 'one message'"),
        ("long and compressed", "text of 1,400 bytes"),
        ("closing, data comes", "text 'on its way'")),
    *_buffers(
        "server", ("text", "text 'Hello'"), ("empty text", "text ''"),
        ("fragments, by the client", "text 'one message'"),
        ("long and compressed", "text of 1,400 bytes"),
        ("send and close", "text '1'", "text '2'", "text '3'")),
    Difference(
        "in parts",
        "A browser cuts a large message into several frames.",
        "a sender may fragment a message as it likes, and so may whoever passes it on",
        "RFC 6455 §5.4", ("1 MiB",),
        {"client_sends": ("binary 1,048,576 B in several frames",)}, ("browser",)),
    Difference(
        "in parts",
        "A browser cuts a large message into several frames.",
        "a sender may fragment a message as it likes, and so may whoever passes it on",
        "RFC 6455 §5.4", ("1 MiB + 1",),
        {"client_sends": ("binary 1,048,577 B in several frames",)}, ("browser",)),
    Difference(
        "1009",
        "A server on websockets takes 1 MiB at most, and closes with 1009.",
        "max_size is 1 MiB unless the program says otherwise; ws takes 100 MiB (maxPayload), a "
        "browser as much as it can",
        "websockets: max_size", ("1 MiB + 1",),
        {"client_sends": ("binary 1,048,577 B", _TOO_LARGE), "server_sends": (_TOO_LARGE,),
         "client_hears": (), "server_hears": ()}, servers=("websockets",)),
    Difference(
        "1009",
        "A server on websockets takes 1 MiB at most, whatever the frames.",
        "max_size is about the message: the frames of the browser are counted together",
        "websockets: max_size", ("1 MiB + 1",),
        {"client_sends": ("binary 1,048,577 B in several frames", _TOO_LARGE)}, ("browser",),
        ("websockets",)),
    Difference(
        "1009",
        "A client on websockets takes 1 MiB at most, and closes with 1009.",
        "max_size is 1 MiB unless the program says otherwise: the echo is too large for it",
        "websockets: max_size", ("1 MiB + 1",),
        {"client_sends": ("binary 1,048,577 B", _TOO_LARGE),
         "server_sends": ("binary 1,048,577 B", _TOO_LARGE), "client_hears": ()},
        ("websockets",), ("ws",)),
    Difference(
        "empty end",
        "websockets ends a message in fragments with an empty frame.",
        "send() takes an iterable whose end it cannot foresee: no part is the last one until the "
        "next does not come",
        "websockets: send()", ("fragments, by the client",),
        {"client_sends": _IN_PARTS}, ("websockets",)),
    Difference(
        "empty end",
        "websockets ends a message in fragments with an empty frame.",
        "send() takes an iterable whose end it cannot foresee: no part is the last one until the "
        "next does not come",
        "websockets: send()", ("fragments, by the server",),
        {"server_sends": _IN_PARTS}, servers=("websockets",)),
    Difference(
        "cannot",
        "The WHATWG's API cannot send fragments.",
        "send() takes a whole message; how it is cut into frames is the browser's business",
        "WHATWG: send()", ("fragments, by the client",), {"cannot": "client: fragments"}, _API),
    # -- compression
    Difference(
        "cannot",
        "The WHATWG's API cannot leave the offer out.",
        "the constructor takes an address and subprotocols: extensions are the browser's business",
        "WHATWG: new WebSocket()", ("no offer",), {"cannot": "client: offer nothing"}, _API),
    Difference(
        "12 bits",
        "A server on websockets asks for small windows of 4 KiB (12 bits).",
        "the default settings take less memory for each connection, and compress a little less",
        "websockets: compression", ("short and compressed",),
        {"server_sends": (
            "agrees on permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
            "text 7 B, compressed")}, servers=("websockets",)),
    Difference(
        "plain",
        "Node's WebSocket offers compression, and never compresses what it sends.",
        "a peer may send any message uncompressed, though compression has been agreed on",
        "RFC 7692 §6", ("short and compressed",),
        {"client_sends": ("offers permessage-deflate; client_max_window_bits", "text 5 B")},
        ("WebSocket",)),
    Difference(
        "plain",
        "Node's WebSocket offers compression, and never compresses what it sends.",
        "a peer may send any message uncompressed, though compression has been agreed on",
        "RFC 7692 §6", ("long and compressed",), {"client_sends": ("text 1,400 B",)},
        ("WebSocket",)),
    # -- ping
    Difference(
        "cannot",
        "The WHATWG's API cannot ping.",
        "the protocol's pings are the browser's to send: the API does not offer them to a script",
        "WHATWG: ping and pong", ("ping, by the client",), {"cannot": "client: ping"}, _API),
    Difference(
        "ping event",
        "ws tells its program of each ping that came.",
        "there is an event for a ping; the pong has been sent already",
        "ws: ping event", ("ping, by the client",), {"server_hears": ("ping 'hello'",)},
        ("websockets", "ws"), ("ws",)),
    Difference(
        "ping event",
        "ws tells its program of each ping that came.",
        "there is an event for a ping; the pong has been sent already",
        "ws: ping event", ("ping, by the server",), {"client_hears": ("ping 'hello'",)}, ("ws",)),
    Difference(
        "pings",
        "websockets pings by itself, on both sides.",
        "a ping every 20 seconds (ping_interval) keeps the connection open, and finds out when it "
        "is not; ws leaves that to the program, and a browser does not do it",
        "websockets: keepalive", ("silence",),
        {"client_sends": ("pong 4 B",), "server_sends": ("ping 4 B",)}, servers=("websockets",)),
    Difference(
        "pings",
        "websockets pings by itself, on both sides.",
        "a ping every 20 seconds (ping_interval) keeps the connection open, and finds out when it "
        "is not; ws leaves that to the program, and a browser does not do it",
        "websockets: keepalive", ("silence",),
        {"client_sends": ("ping 4 B",), "server_sends": ("pong 4 B",)}, ("websockets",), ("ws",)),
    Difference(
        "pings",
        "websockets pings by itself, on both sides.",
        "both do, and each answers the other's",
        "websockets: keepalive", ("silence",),
        {"client_sends": ("ping 4 B", "pong 4 B"), "server_sends": ("ping 4 B", "pong 4 B")},
        ("websockets",), ("websockets",)),
    # -- closing
    Difference(
        "cannot",
        "The WHATWG's API lets a script pass 1000 and 3000-4999 only.",
        "close() throws an InvalidAccessError for any other code",
        "WHATWG: close()", ("1001, by the client",), {"cannot": "client: close(1001)"}, _API),
    Difference(
        "1000",
        "websockets sends 1000 where its program gives no code.",
        "the code of close() is 1000 unless the program says otherwise: an empty close frame does "
        "not come from this library's close()",
        "websockets: close()", ("close(), by the client",),
        {"client_sends": ("close 1000 ''",), "server_sends": ("close 1000 ''",),
         "client_end": "1000 '', clean", "server_end": "1000 '', clean"}, ("websockets",)),
    Difference(
        "1000",
        "websockets sends 1000 where its program gives no code.",
        "the code of close() is 1000 unless the program says otherwise: an empty close frame does "
        "not come from this library's close()",
        "websockets: close()", ("close(), by the server",),
        {"client_sends": ("close 1000 ''",), "server_sends": ("close 1000 ''",),
         "client_end": "1000 '', clean", "server_end": "1000 '', clean"}, servers=("websockets",)),
    Difference(
        "no reason",
        "Node's WebSocket sends the code back without the reason.",
        "a peer typically sends the status code back; the reason need not come with it",
        "RFC 6455 §5.5.1", ("1000, by the server",),
        {"client_sends": ("close 1000 ''",), "server_end": "1000 '', clean"}, ("WebSocket",)),
    Difference(
        "stays open",
        "ws stops listening, and leaves the connections alone.",
        "the existing connections are not closed by the server's close(): the program closes them",
        "ws: server.close()", ("the server's own close()",),
        {"client_sends": (), "server_sends": (), "ends_first": NOBODY,
         "client_end": "still open", "server_end": "still open"}, servers=("ws",)),
    Difference(
        "no waiting",
        "A client on ws does not wait for the server to end TCP.",
        "the client should wait for the server to end TCP first, and may end it itself",
        "RFC 6455 §7.1.1",
        ("1000, by the client", "1001, by the client", "3000, by the client", "4000, by the client",
         "close(), by the client", "1000, by the server", "close(), by the server", "both at once",
         "closing, data comes", "send and close"),
        {"ends_first": EITHER}, ("ws",)),
    Difference(
        "no waiting",
        "A client on ws does not wait for the server to end TCP.",
        "the client should wait for the server to end TCP first, and may end it itself",
        "RFC 6455 §7.1.1", ("the server's own close()",),
        {"ends_first": EITHER}, ("ws",), ("websockets",)),
    Difference(
        "dropped",
        "The WHATWG's API drops what comes after its own close().",
        "a message is handed to the script only while readyState is OPEN",
        "WHATWG: events", ("closing, data comes",), {"client_hears": ()}, _API),
    # -- dying
    Difference(
        "cannot",
        "The WHATWG's API cannot end TCP without a closing handshake.",
        "it has close(), and nothing harder",
        "WHATWG: close()", ("the client drops TCP",), {"cannot": "client: drop TCP"}, _API),
    Difference(
        "cannot",
        "The WHATWG's API cannot end TCP without a closing handshake.",
        "it has close(), and nothing harder",
        "WHATWG: close()", ("the client resets TCP",), {"cannot": "client: reset TCP"}, _API),
    Difference(
        "1001",
        "A browser says goodbye for a page that goes away.",
        "when the page of an open WebSocket goes away, the browser starts the closing handshake "
        "with 1001",
        "WHATWG: events", ("the client leaves",),
        {"client_sends": ("close 1001 ''",), "server_sends": ("close 1001 ''",),
         "ends_first": EITHER, "server_end": "1001 '', clean"}, ("browser",)),
    Difference(
        "cannot",
        "A page cannot kill its own browser.",
        "whoever does it from outside sees what the other columns show",
        "WHATWG: close()", ("the client is killed",), {"cannot": "client: be killed"},
        ("browser",)),
)  # fmt: skip
"""All differences. Where two are about the same field of one cell, the later one counts."""
