"""Every rule is broken once, by bytes, and named; nothing else is blamed for it."""

from __future__ import annotations

import pytest

from wslab.wire import RULES, Capture, encode_frame
from wslab.wire.protocol.deflate import Deflater

from .test_handshake import REQUEST, RESPONSE, drop

KEY = b"\x01\x02\x03\x04"
NOISE = bytes(range(256)) * 3  # deflate has nothing to gain within its first 256 bytes


def frame(opcode: int, payload: bytes = b"", **how) -> bytes:
    """A client's frame."""
    return encode_frame(opcode, payload, masking_key=KEY, **how)


def extended(head: bytes, extensions: str) -> bytes:
    return head[:-2] + b"Sec-WebSocket-Extensions: " + extensions.encode() + b"\r\n\r\n"


def compressed(*payloads: bytes, agreed: str = "permessage-deflate") -> tuple[bytes, bytes]:
    """A conversation in which the client sends compressed binary messages."""
    offer = agreed + ("" if "client_max" in agreed else "; client_max_window_bits")
    return (
        extended(REQUEST, offer) + b"".join(frame(2, payload, rsv1=True) for payload in payloads),
        extended(RESPONSE, agreed),
    )


def negotiated(offer: str, answer: str) -> tuple[bytes, bytes]:
    return extended(REQUEST, offer), extended(RESPONSE, answer)


PMD = "permessage-deflate"
HELLO = Deflater().deflate(b"Hello")
twice = Deflater()

# rule -> what the client sends, what the server sends (a whole conversation, recorded in turns)
BROKEN: dict[str, tuple[bytes, bytes]] = {
    # The request.
    "request-line-malformed": (REQUEST.replace(b"GET /chat", b"GET  /chat"), b""),
    "method-not-get": (REQUEST.replace(b"GET", b"POST"), b""),
    "http-version-too-low": (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), b""),
    "fragment-in-target": (REQUEST.replace(b"/chat", b"/chat#top"), b""),
    "target-malformed": (REQUEST.replace(b"/chat", b"chat"), b""),
    "header-malformed": (REQUEST.replace(b"Origin: ", b"Origin: \x00"), b""),
    "bare-line-feed": (REQUEST.replace(b"\r\n", b"\n", 3), b""),
    "response-bare-line-feed": (REQUEST, RESPONSE.replace(b"\r\n", b"\n", 1)),
    "hixie-76": (
        drop(b"sec-websocket-key")
        .replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key1: 4 1")
        .replace(b"Host", b"Sec-WebSocket-Key2: 1 2\r\nHost"),
        b"",
    ),
    "content-length-malformed": (
        REQUEST[:-2] + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        b"",
    ),
    "host-missing": (drop(b"host"), b""),
    "host-repeated": (REQUEST.replace(b"Host: ", b"Host: a\r\nHost: "), b""),
    "host-malformed": (REQUEST.replace(b"Host: server", b"Host: my server"), b""),
    "host-not-of-target": (REQUEST.replace(b"/chat", b"http://other.example/chat"), b""),
    "origin-repeated": (REQUEST.replace(b"Origin: ", b"Origin: null\r\nOrigin: "), b""),
    "upgrade-missing": (drop(b"upgrade"), b""),
    "upgrade-not-websocket": (REQUEST.replace(b": websocket", b": h2c"), b""),
    "connection-missing": (drop(b"connection"), b""),
    "connection-not-upgrade": (REQUEST.replace(b"n: Upgrade", b"n: keep-alive"), b""),
    "key-missing": (drop(b"sec-websocket-key"), b""),
    "key-repeated": (REQUEST.replace(b"Upgrade: w", b"Sec-WebSocket-Key: a\r\nUpgrade: w"), b""),
    "key-not-16-bytes": (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ="), b""),
    "version-missing": (drop(b"sec-websocket-version"), b""),
    "version-repeated": (REQUEST.replace(b": 13", b": 13\r\nSec-WebSocket-Version: 13"), b""),
    "version-not-13": (REQUEST.replace(b": 13", b": 12"), b""),
    "subprotocol-malformed": (REQUEST.replace(b"superchat", b"super(chat)"), b""),
    "subprotocol-repeated": (REQUEST.replace(b"superchat", b"chat"), b""),
    "extensions-malformed": (extended(REQUEST, ";x"), b""),
    # The response.
    "status-line-malformed": (REQUEST, RESPONSE.replace(b"HTTP/1.1 101", b"HTTP 101")),
    "response-header-malformed": (REQUEST, RESPONSE.replace(b"Upgrade: w", b"X: \0\r\nUpgrade: w")),
    "response-content-length-malformed": (
        REQUEST,
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0, 5\r\n\r\n",
    ),
    "response-http-version-too-low": (REQUEST, RESPONSE.replace(b"HTTP/1.1", b"HTTP/1.0")),
    "response-upgrade-missing": (REQUEST, RESPONSE.replace(b"Upgrade: websocket\r\n", b"")),
    "response-upgrade-not-websocket": (REQUEST, RESPONSE.replace(b"websocket", b"websocket, h2c")),
    "response-connection-missing": (REQUEST, RESPONSE.replace(b"Connection: Upgrade\r\n", b"")),
    "response-connection-not-upgrade": (REQUEST, RESPONSE.replace(b"n: Upgrade", b"n: close")),
    "accept-missing": (REQUEST, RESPONSE.replace(b"Sec-WebSocket-Accept", b"X")),
    "accept-repeated": (
        REQUEST,
        RESPONSE.replace(b"Upgrade: w", b"Sec-WebSocket-Accept: x\r\nUpgrade: w"),
    ),
    "accept-wrong": (REQUEST, RESPONSE.replace(b"s3pPLMBi", b"AAAAAAAA")),
    "subprotocol-not-offered": (REQUEST, RESPONSE.replace(b"l: chat", b"l: soap")),
    "response-subprotocol-repeated": (
        REQUEST,
        RESPONSE.replace(b"l: chat", b"l: chat\r\nSec-WebSocket-Protocol: superchat"),
    ),
    "extension-not-offered": (REQUEST, extended(RESPONSE, PMD)),
    "response-extensions-malformed": (REQUEST, extended(RESPONSE, ";")),
    "broken-request-accepted": (REQUEST.replace(b"superchat", b"chat"), RESPONSE),
    "versions-not-named": (
        REQUEST.replace(b": 13", b": 12"),
        b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
    ),
    "content-length-in-1xx": (REQUEST, RESPONSE[:-2] + b"Content-Length: 0\r\n\r\n"),
    "transfer-encoding-in-1xx": (
        REQUEST,
        RESPONSE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n",
    ),
    "versions-malformed": (
        REQUEST.replace(b": 13", b": 12"),
        b"HTTP/1.1 426 No\r\nSec-WebSocket-Version: 13, 013\r\nContent-Length: 0\r\n\r\n",
    ),
    "data-before-response": (REQUEST + frame(1, b"Hello"), RESPONSE),
    # Compression, as it is agreed on.
    "deflate-accepted-twice": negotiated(PMD, f"{PMD}, {PMD}"),
    "deflate-parameter-unknown": negotiated(PMD, f"{PMD}; level=9"),
    "deflate-parameter-repeated": negotiated(
        PMD, f"{PMD}; server_max_window_bits=9; server_max_window_bits=9"
    ),
    "deflate-value-invalid": negotiated(PMD, f"{PMD}; server_max_window_bits=16"),
    "deflate-offer-not-acceptable": negotiated(f"{PMD}; server_max_window_bits=7", PMD),
    "server-no-context-takeover-ignored": negotiated(f"{PMD}; server_no_context_takeover", PMD),
    "server-max-window-bits-ignored": negotiated(f"{PMD}; server_max_window_bits=9", PMD),
    "client-max-window-bits-not-offered": negotiated(PMD, f"{PMD}; client_max_window_bits=9"),
    # One frame.
    "rsv1-without-extension": (frame(1, rsv1=True), b""),
    "rsv2-set": (frame(1, rsv2=True), b""),
    "rsv3-set": (frame(1, rsv3=True), b""),
    "reserved-opcode": (frame(3), b""),
    "frame-not-masked": (encode_frame(1), b""),
    "frame-masked": (b"", frame(1)),
    "control-frame-fragmented": (frame(9, fin=False), b""),
    "control-frame-too-long": (frame(9, bytes(126)), b""),
    "length-not-minimal": (frame(2, b"a", length_form=16), b""),
    "length-too-big": (frame(2, announced_length=2**63), b""),
    "close-payload-one-byte": (frame(8, b"\x03"), b""),
    "close-code-not-allowed": (frame(8, b"\x03\xed"), b""),
    "close-reason-not-utf8": (frame(8, b"\x03\xe8\xff"), b""),
    "text-not-utf8": (frame(1, b"\xce", fin=False) + frame(0, b"\xff"), b""),
    # Frames in a row.
    "continuation-without-message": (frame(0), b""),
    "message-interleaved": (frame(1, fin=False) + frame(1), b""),
    "frame-after-close": (frame(8) + frame(1), b""),
    # Compressed messages.
    "rsv1-on-control-frame": tuple(map(bytes.__add__, compressed(), (frame(9, rsv1=True), b""))),
    "rsv1-on-continuation": tuple(
        map(
            bytes.__add__,
            compressed(),
            (frame(2, HELLO[:3], rsv1=True, fin=False) + frame(0, HELLO[3:], rsv1=True), b""),
        )
    ),
    "deflate-malformed": compressed(b"\xff\xff"),
    "deflate-context-kept": compressed(
        twice.deflate(NOISE), twice.deflate(NOISE), agreed=f"{PMD}; client_no_context_takeover"
    ),
    "deflate-window-too-big": compressed(
        Deflater().deflate(NOISE[:256] + bytes(300) + NOISE[:256]),
        agreed=f"{PMD}; client_max_window_bits=9",
    ),
}


def record(client: bytes, server: bytes) -> Capture:
    """A conversation in turns: request, response, the rest. Without a request: frames alone."""
    capture = Capture()
    connection = capture.open_connection(upgraded=not (client + server).find(b"HTTP/") > 0)
    request = client.find(b"\r\n\r\n") + 4 if b"HTTP/" in client else 0
    early = client if client == BROKEN["data-before-response"][0] else client[:request]
    capture.record(connection, "client", early)
    capture.record(connection, "server", server)
    capture.record(connection, "client", client[len(early) :])
    capture.end(connection, "server")
    return capture


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_named(rule):
    index = record(*BROKEN[rule]).index
    rows = index.rows()
    units = [index.unit(number) for number in range(len(index))]
    found = {violation.rule for unit in units for violation in unit.violations}
    found |= {violation.rule for violation in index.incomplete_violations(1, "client")}
    # An answer that says yes to a broken request breaks a rule of its own.
    beside = {"broken-request-accepted": {"subprotocol-repeated"}}.get(rule, set())
    beside |= {"versions-malformed": {"version-not-13"}}.get(rule, set())
    beside |= {"versions-not-named": {"version-not-13"}}.get(rule, set())
    assert found == {rule} | beside
    for row, unit in zip(rows, units, strict=True):
        assert row.broken == bool(unit.violations)


def test_the_table_holds_together():
    assert set(BROKEN) == set(RULES)
    for name, rule in RULES.items():
        assert rule.rule == name
        assert rule.rfc.startswith("RFC ")
        assert "§" in rule.rfc
        assert rule.text.endswith(".")
        assert rule.close_code in (None, 1002, 1007)
        assert rule.http_status in (None, 400, 405, 426, 505)
        assert rule.close_code is None or rule.http_status is None
        assert (
            not name.startswith("response-") or (rule.close_code, rule.http_status) == (None,) * 2
        )


def test_a_response_may_name_its_extensions_in_several_headers():
    """RFC 6455 §4.2.2 (5.6), and verified erratum 3433, which corrects §11.3.2."""
    split = extended(extended(RESPONSE, PMD), "x")
    index = record(extended(REQUEST, f"{PMD}, x"), split).index
    assert [row.kind for row in index.rows()] == ["request", "response"]
    assert not any(row.broken for row in index.rows())
