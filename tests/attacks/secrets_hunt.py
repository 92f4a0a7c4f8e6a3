"""Looks for a login in every output, from every place in a head, cut at every byte.

    python tests/attacks/secrets_hunt.py

Takes about three minutes. Says a line for each place, and exits 1 where the login gets through.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from wslab.view.live import static_html
from wslab.wire import Capture, accept_key, encode_frame
from wslab.wire.accounts import json_pieces, text_pieces
from wslab.wire.formats import har, jsonl, pcapng

LOGIN = "S3cr3tT0ken"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def request() -> bytes:
    return (
        "GET /chat HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def response(more: str = "") -> bytes:
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\n{more}\r\n"
    ).encode()


def up(header: str, first: str = "GET /chat HTTP/1.1", nl: str = "\r\n") -> bytes:
    """A request to upgrade with one more header (or several)."""
    lines = request().decode().split("\r\n")
    lines[0] = first
    lines[-2:-2] = header.split("\r\n")
    return nl.join(lines).encode("latin-1")


REQUESTS = {
    "Cookie": up(f"Cookie: a={LOGIN}"),
    "cOOKIE case": up(f"cOOKIE: a={LOGIN}"),
    "no space": up(f"Cookie:a={LOGIN}"),
    "space before colon": up(f"Cookie : a={LOGIN}"),
    "tab before colon": up(f"Cookie\t: a={LOGIN}"),
    "VT before colon": up(f"Cookie\x0b: a={LOGIN}"),
    "Authorization Bearer": up(f"Authorization: Bearer {LOGIN}"),
    "Proxy-Authorization": up(f"Proxy-Authorization: Basic {LOGIN}"),
    "Set-Cookie in request": up(f"Set-Cookie: {LOGIN}"),
    "obs-fold": up(f"Cookie: a=1;\r\n b={LOGIN}"),
    "obs-fold tab": up(f"Cookie: a=1;\r\n\tb={LOGIN}"),
    "obs-fold twice": up(f"Cookie: a=1;\r\n x=1\r\n b={LOGIN}"),
    "obs-fold empty first": up(f"Cookie:\r\n {LOGIN}"),
    "obs-fold bare LF": up(f"Cookie: a=1;\r\n b={LOGIN}", nl="\n"),
    "name folded: Cookie CRLF SP colon": up(f"Cookie\r\n : {LOGIN}"),
    "duplicate": up(f"Cookie: a={LOGIN}\r\nCookie: b={LOGIN}"),
    "bare LF": up(f"Cookie: a={LOGIN}", nl="\n"),
    "bare CR before Cookie": up(f"X: y\rCookie: a={LOGIN}"),
    "bare CR inside": up(f"Cookie: a\r{LOGIN}"),
    "NUL in value": up(f"Cookie: a\0{LOGIN}"),
    "NUL before name": up(f"\0Cookie: a={LOGIN}"),
    "NUL after name": up(f"Cookie\0: a={LOGIN}"),
    "leading space line": up(f" Cookie: a={LOGIN}"),
    "leading space first header": request().replace(
        b"Host", b" Cookie: a=" + LOGIN.encode() + b"\r\nHost"
    ),
    "HTTP/1.0": up(f"Cookie: a={LOGIN}", first="GET / HTTP/1.0"),
    "HTTP/0.9-ish": b"GET /\r\nCookie: " + LOGIN.encode() + b"\r\n\r\n",
    "empty line first": b"\r\n" + up(f"Cookie: a={LOGIN}"),
    "two empty lines first": b"\r\n\r\n" + up(f"Cookie: a={LOGIN}"),
    "very long cookie 100K": up(f"Cookie: a={'x' * 100000}{LOGIN}"),
    "long header before": up(f"X: {'x' * 200000}\r\nCookie: {LOGIN}"),
    "past MAX_HEAD in value": up(f"Cookie: {'x' * 262200}{LOGIN}"),
    "past MAX_HEAD, name cut": up(f"X: {'x' * 261900}\r\nY: z\r\nCookie: {'y' * 300}{LOGIN}"),
    "Cookie wholly past MAX_HEAD": up(f"X: {'x' * 262200}\r\nCookie: {LOGIN}"),
    "pipelined": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + up(f"Cookie: {LOGIN}"),
    "pipelined behind body": b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    + up(f"Cookie: {LOGIN}"),
    "wrong Content-Length swallows": b"GET / HTTP/1.1\r\nContent-Length: 40\r\n\r\n"
    + up(f"Cookie: {LOGIN}"),
    "GET with CL then 101": b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 60\r\n\r\nCookie: "
    + LOGIN.encode()
    + b"\r\n\r\n",
    "chunked trailer": f"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nCookie: {LOGIN}\r\nAuthorization: {LOGIN}\r\n\r\n".encode(),
    "TE identity+chunked CL": f"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nCookie: {LOGIN}\r\n\r\n".encode(),
    "unicode name": up("Cöokie: " + LOGIN),
    "ZWSP": up("Cookie\xa0: " + LOGIN),
    "Cookie2": up(f"Cookie2: {LOGIN}"),
    "X-Api-Key": up(f"X-Api-Key: {LOGIN}"),
    "X-Auth-Token": up(f"X-Auth-Token: {LOGIN}"),
    "X-XSRFToken": up(f"X-XSRFToken: {LOGIN}"),
    "X-Forwarded-Access-Token": up(f"X-Forwarded-Access-Token: {LOGIN}"),
    "X-Amz-Security-Token": up(f"X-Amz-Security-Token: {LOGIN}"),
    "Sec-WebSocket-Protocol bearer": up(
        f"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{LOGIN}, chat"
    ),
    "Sec-WebSocket-Protocol access_token": up(f"Sec-WebSocket-Protocol: access_token, {LOGIN}"),
    "?token= in URL": up("X: y", first=f"GET /chat?token={LOGIN} HTTP/1.1"),
    "?access_token=": up("X: y", first=f"GET /chat?access_token={LOGIN} HTTP/1.1"),
    "user:pass@ absolute form": up("X: y", first=f"GET http://u:{LOGIN}@h/ HTTP/1.1"),
    "Referer ?token=": up(f"Referer: http://127.0.0.1:8888/lab?token={LOGIN}"),
    "no colon": up(f"Cookie {LOGIN}"),
    "Cookie=": up(f"Cookie= {LOGIN}"),
    "method lower, Cookie": up(f"Cookie: {LOGIN}", first="get / http/1.1"),
    "method junk": up(f"Cookie: {LOGIN}", first="\x81\x05Hello"),
    "TLS-like first byte": up(f"Cookie: {LOGIN}", first="\x16\x03\x01"),
    "PROXY v1 line": b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + up(f"Cookie: {LOGIN}"),
    "Cookie on the request line": up("X: y", first=f"Cookie: {LOGIN}"),
    "quoted-string name": up(f'"Cookie": {LOGIN}'),
    "long name padding": up(f"Cookie{' ' * 80}: {LOGIN}"),
    "long leading blanks": up("Cookie" + "\t" * 200 + f": {LOGIN}"),
}
RESPONSES = {
    "Set-Cookie in 101": response(f"Set-Cookie: s={LOGIN}; HttpOnly\r\n"),
    "Set-Cookie behind 100": b"HTTP/1.1 100 Continue\r\n\r\n"
    + response(f"Set-Cookie: s={LOGIN}\r\n"),
    "Set-Cookie behind 103": f"HTTP/1.1 103 Early Hints\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode()
    + response(f"Set-Cookie: s={LOGIN}\r\n"),
    "Set-Cookie in 401": f"HTTP/1.1 401 No\r\nSet-Cookie: {LOGIN}\r\nContent-Length: 0\r\n\r\n".encode(),
    "trailer Set-Cookie": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
    "Set-Cookie2": response(f"Set-Cookie2: {LOGIN}\r\n"),
    "WWW-Authenticate Negotiate": f"HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate {LOGIN}\r\nContent-Length: 0\r\n\r\n".encode(),
    "Authentication-Info": response(f"Authentication-Info: nextnonce={LOGIN}\r\n"),
    "Location ?token=": f"HTTP/1.1 302 F\r\nLocation: /lab?token={LOGIN}\r\nContent-Length: 0\r\n\r\n".encode(),
    "not HTTP first line": f"ICY 200 OK\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
    "response behind an unlimited body": f"HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
    "204 with body then next": f"HTTP/1.1 204 N\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
    "1xx 101 lookalike": f"HTTP/1.1 101\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
    "CL too small": f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello HTTP/1.1 200 OK\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
    "CL repeated": f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 50\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: {LOGIN}\r\n\r\n".encode(),
}


def outputs(capture: Capture) -> Iterator[tuple[str, bytes]]:
    """Everything that a recording is turned into."""
    lines = list(jsonl.lines(capture))
    yield "streams", b"".join(bytes(stream[:]) for stream in capture.log.streams)
    yield "jsonl", "".join(lines).encode()
    yield "bytes in jsonl", b"".join(bytes.fromhex(json.loads(li).get("hex", "")) for li in lines)
    yield "har", har.dumps(capture).encode()
    yield "pcapng", b"".join(pcapng.blocks(capture))
    yield "static html", static_html.render(capture, rows=10**6).encode()
    yield "summary", static_html.summary(capture, rows=10**6).encode()
    yield "text account", "".join(text_pieces(capture)).encode()
    yield "json account", "".join(json_pieces(capture)).encode()
    units = [capture.index.unit(number) for number in range(len(capture.index))]
    yield "repr", repr((capture, units)).encode()


def recording(pieces: list[bytes], direction: str) -> Capture:
    """A connection on which these pieces came in one direction."""
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    if direction == "server":
        capture.record(connection, "client", request())
    for piece in pieces:
        capture.record(connection, direction, piece)
    if direction == "client":
        capture.record(connection, "server", response())
        capture.record(connection, "client", encode_frame(1, b"x", masking_key=b"1234"))
    return capture


def leaks(data: bytes, direction: str) -> set[str]:
    """Where the login gets through, cut at any byte or at each."""
    found: set[str] = set()
    size, login = len(data), LOGIN.encode()
    cuts: set[int] = set(range(size + 1))
    if size >= 3000:
        cuts = {*range(400), *range(size - 400, size + 1), 65536, 262143, 262144, 262145}
    for cut in sorted(cuts):
        capture = recording([data[:cut], data[cut:]], direction)
        recorded = login in b"".join(bytes(stream[:]) for stream in capture.log.streams)
        if cut == 0 or (recorded and not found):
            found |= {name for name, output in outputs(capture) if login in output}
    if size < 3000:
        capture = recording([data[at : at + 1] for at in range(size)], direction)
        if login in b"".join(bytes(stream[:]) for stream in capture.log.streams):
            found.add("byte by byte")
    return found


def main() -> int:
    leaking = 0
    for direction, places in (("client", REQUESTS), ("server", RESPONSES)):
        for name, data in places.items():
            found = leaks(data, direction)
            leaking += bool(found)
            print(f"{'LEAK' if found else 'ok  '} {direction} {name:36} {sorted(found) or ''}")
    print(f"{len(REQUESTS) + len(RESPONSES)} places, {leaking} leak")
    return bool(leaking)


if __name__ == "__main__":
    sys.exit(main())
