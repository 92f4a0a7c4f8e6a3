"""Requests and responses: every byte in a field, every broken rule named."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.utils import accept_key as library_accept_key

from wslab.wire import GUID, Capture, accept_key, accept_key_steps, load_streams
from wslab.wire.protocol.handshake import accept_slip, extensions, response_violations
from wslab.wire.protocol.http import MAX_HEAD, parse_head

REQUEST = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"\r\n"
)


def explain(request=REQUEST, response=b""):
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", request)
    capture.record(connection, "server", response)
    capture.end(connection, "server")
    return capture.index


def test_the_example_of_the_rfc():
    index = explain(response=RESPONSE)
    request, response = index.unit(0), index.unit(1)
    assert (request.kind, request.data, request.violations) == ("request", REQUEST, ())
    assert (response.kind, response.data, response.violations) == ("response", RESPONSE, ())
    assert [field.name for field in request.fields] == [
        "request line",
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Origin",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Version",
        "empty line",
    ]
    assert request.field("origin").value == "http://example.com"
    assert request.field("origin").rfc == "RFC 6455 §10.2"
    assert response.field("status line").value == "HTTP/1.1 101 Switching Protocols"
    assert index.state(1) == "OPEN"


def test_the_accept_key_step_by_step():
    steps = accept_key_steps("dGhlIHNhbXBsZSBub25jZQ==")
    # The values that RFC 6455 §1.3 prints.
    assert [step.value for step in steps] == [
        "dGhlIHNhbXBsZSBub25jZQ==",
        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        "dGhlIHNhbXBsZSBub25jZQ==" + GUID,
        "b37a4f2cc0624f1690f64606cf385945b2bec4ea",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ]


@given(st.binary(min_size=16, max_size=16))
def test_the_accept_key_is_the_librarys(nonce):
    import base64

    key = base64.b64encode(nonce).decode()
    assert accept_key(key) == library_accept_key(key)


def drop(name: bytes) -> bytes:
    return b"".join(
        line for line in REQUEST.splitlines(keepends=True) if not line.lower().startswith(name)
    )


# A request, the rules it breaks.
BROKEN_REQUESTS = [
    (REQUEST.replace(b"GET", b"POST"), ["method-not-get"]),
    (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), ["http-version-too-low"]),
    (REQUEST.replace(b"GET /chat", b"GET  /chat"), ["request-line-malformed"]),
    (REQUEST.replace(b"/chat", b"/chat#top"), ["fragment-in-target"]),
    (REQUEST.replace(b"Host:", b"Host :"), ["header-malformed", "host-missing"]),
    (drop(b"host"), ["host-missing"]),
    (REQUEST.replace(b"Host: ", b"Host: a\r\nHost: "), ["host-repeated"]),
    (drop(b"upgrade"), ["upgrade-missing"]),
    (REQUEST.replace(b": websocket", b": h2c"), ["upgrade-not-websocket"]),
    (drop(b"connection"), ["connection-missing"]),
    (REQUEST.replace(b"n: Upgrade", b"n: keep-alive"), ["connection-not-upgrade"]),
    (drop(b"sec-websocket-key"), ["key-missing"]),
    (REQUEST.replace(b"Upgrade: w", b"Sec-WebSocket-Key: a\r\nUpgrade: w"), ["key-repeated"]),
    (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ="), ["key-not-16-bytes"]),
    (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"not base64"), ["key-not-16-bytes"]),
    (drop(b"sec-websocket-version"), ["version-missing"]),
    (REQUEST.replace(b": 13", b": 12"), ["version-not-13"]),
    (
        REQUEST.replace(b": 13", b": 13\r\nSec-WebSocket-Version: 13"),
        ["version-repeated"],
    ),
    (REQUEST.replace(b"superchat", b"super(chat)"), ["subprotocol-malformed"]),
    (REQUEST.replace(b"superchat", b"chat"), ["subprotocol-repeated"]),
    (
        REQUEST.replace(b"Origin: ", b"Sec-WebSocket-Extensions: ;x\r\nOrigin: "),
        ["extensions-malformed"],
    ),
]

# What is no white space in HTTP (NBSP, NEL), no character of a target, no end of a line.
BROKEN_REQUESTS += [
    (REQUEST.replace(b"l: chat, superchat", b"l: \xa0chat"), ["subprotocol-malformed"]),
    (REQUEST.replace(b"n: Upgrade", b"n: \xa0Upgrade"), ["connection-not-upgrade"]),
    (REQUEST.replace(b": websocket", b": websocket\x85"), ["upgrade-not-websocket"]),
    (REQUEST[:-2] + b"Sec-WebSocket-Extensions: x;\xa0y\r\n\r\n", ["extensions-malformed"]),
    (REQUEST.replace(b"/chat", b"/\x00chat"), ["request-line-malformed"]),
    (REQUEST.replace(b"/chat", b"/\x7fchat"), ["request-line-malformed"]),
    (REQUEST.replace(b"/chat", b"/\xe9chat"), ["request-line-malformed"]),
    (REQUEST.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\r\n"), ["request-line-malformed"]),
    (REQUEST.replace(b"/chat", b"http://server.example.com:81/"), ["host-not-of-target"]),
    (REQUEST.replace(b"/chat", b"https://server.example.com:80/"), ["host-not-of-target"]),
]

HOST = b"Host: server.example.com"
LEGAL_REQUESTS = [
    REQUEST[:-2] + b'Sec-WebSocket-Extensions: x; y="1\\0"; z = "a"\r\n\r\n',
    REQUEST.replace(b"/chat", b"http://u@server.example.com/chat"),
    REQUEST.replace(b"/chat", b"http://server.example.com:80/chat"),
    REQUEST.replace(b"/chat", b"https://Server.example.com:443"),
    REQUEST.replace(b"/chat", b"http://server.example.com").replace(HOST, HOST + b":80"),
    REQUEST[:-2] + b"Content-Length: 0, 00\r\nContent-Length: 0\r\n\r\n",
    b"\r\n" + REQUEST,
    b"\n" + REQUEST,
]

BROKEN_RESPONSES = [
    (RESPONSE.replace(b"HTTP/1.1 101", b"HTTP 101"), ["status-line-malformed"]),
    (RESPONSE.replace(b"Upgrade: websocket\r\n", b""), ["response-upgrade-missing"]),
    (RESPONSE.replace(b": websocket", b": h2c"), ["response-upgrade-not-websocket"]),
    (RESPONSE.replace(b"Connection: Upgrade\r\n", b""), ["response-connection-missing"]),
    (RESPONSE.replace(b"n: Upgrade", b"n: close"), ["response-connection-not-upgrade"]),
    (RESPONSE.replace(b"s3pPLMBi", b"AAAAAAAA"), ["accept-wrong"]),
    (RESPONSE.replace(b"Sec-WebSocket-Accept", b"X"), ["accept-missing"]),
    (
        RESPONSE.replace(b"Upgrade: w", b"Sec-WebSocket-Accept: x\r\nUpgrade: w"),
        ["accept-repeated"],
    ),
    (RESPONSE.replace(b"l: chat", b"l: soap"), ["subprotocol-not-offered"]),
    (
        RESPONSE.replace(b"l: chat", b"l: chat\r\nSec-WebSocket-Protocol: superchat"),
        ["response-subprotocol-repeated"],
    ),
    (
        RESPONSE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        ["extension-not-offered"],
    ),
    (
        RESPONSE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: ;\r\n\r\n"),
        ["response-extensions-malformed"],
    ),
]


@pytest.mark.parametrize(("request_bytes", "rules"), BROKEN_REQUESTS)
def test_a_request_that_breaks_a_rule(request_bytes, rules):
    unit = explain(request_bytes).unit(0)
    assert [violation.rule for violation in unit.violations] == rules
    assert _covered_once(unit)


@pytest.mark.parametrize("request_bytes", LEGAL_REQUESTS)
def test_an_unusual_request_that_breaks_no_rule(request_bytes):
    index = explain(request_bytes, RESPONSE)
    assert [index.unit(number).violations for number in range(len(index))] == [(), ()]
    assert _covered_once(index.unit(0))


def test_an_empty_line_before_a_request_is_a_field_of_its_own():
    fields = explain(b"\r\n" + REQUEST).unit(0).fields
    assert [(field.name, field.bit, field.bits) for field in fields[:2]] == [
        ("empty line", 0, 16),
        ("request line", 16, 8 * len(b"GET /chat HTTP/1.1\r\n")),
    ]
    # Before a response there is none to be overlooked.
    (rule,) = explain(response=b"\r\n" + RESPONSE).unit(1).violations
    assert rule.rule == "status-line-malformed"


def test_a_parameter_in_quotes_is_what_stands_in_them():
    head = parse_head(b'GET / HTTP/1.1\r\nSec-WebSocket-Extensions: x; y="1\\0"; z\r\n\r\n')
    assert extensions(head) == [("x", (("y", "10"), ("z", None)))]


def test_the_same_length_said_again_is_that_length():
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc"
    index = explain(REQUEST, page + page)
    assert [row.length for row in index.rows()[1:]] == [len(page)] * 2
    assert not any(row.broken for row in index.rows())


@pytest.mark.parametrize("length", [b"3\r\nContent-Length: 5", b"3, 5", b"3, x", b"", b"-3", b","])
def test_a_length_that_is_not_one_number_breaks_a_rule(length):
    page = b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nabc"
    unit = explain(REQUEST, page).unit(1)
    assert unit.length == len(page)
    assert [violation.rule for violation in unit.violations] == [
        "response-content-length-malformed"
    ]


@pytest.mark.parametrize(("response", "rules"), BROKEN_RESPONSES)
def test_a_response_that_breaks_a_rule(response, rules):
    unit = explain(response=response).unit(1)
    assert [violation.rule for violation in unit.violations] == rules
    assert _covered_once(unit)


def test_a_refused_version_must_be_answered_with_the_versions_spoken():
    refused = REQUEST.replace(b": 13", b": 12")
    answer = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
    rules = [v.rule for v in explain(refused, answer).unit(1).violations]
    assert rules == ["versions-not-named"]
    for status in (b"103 Early Hints", b"401 Unauthorized"):
        other = answer.replace(b"426 Upgrade Required", status).replace(b"Content-Length", b"X")
        assert explain(refused, other).unit(1).violations == ()
    answer = answer.replace(b"Content", b"Sec-WebSocket-Version: 13\r\nContent")
    assert explain(refused, answer).unit(1).violations == ()


def test_an_ordinary_page_is_no_broken_handshake():
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello"
    capture = Capture()
    connection = capture.open_connection()
    for request, response in [(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", page), (REQUEST, RESPONSE)]:
        capture.record(connection, "client", request)
        capture.record(connection, "server", response)
    index = capture.index
    assert [row.kind for row in index.rows()] == ["request", "response"] * 2
    assert not any(row.broken for row in index.rows())
    assert index.unit(1).field("body").value == "Hello"
    assert index.state(1) == "OPEN"


@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n",
        b"Content-Length: 5\r\n\r\nHello",
        b"\r\nuntil the connection ends",
    ],
)
def test_bodies_end_where_http_says(body):
    index = explain(REQUEST, b"HTTP/1.1 200 OK\r\n" + body)
    assert [row.kind for row in index.rows()] == ["request", "response"]
    assert index.unit(1).length == len(b"HTTP/1.1 200 OK\r\n" + body)
    assert index.incomplete(1, "server") == 0
    assert index.state(1) == "CLOSED"


def test_what_a_client_sends_before_the_answer_waits_for_it():
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST + bytes.fromhex("8180 00000000"))
    assert [row.kind for row in capture.index.rows()] == ["request"]
    capture.record(connection, "server", RESPONSE + bytes.fromhex("8100"))
    kinds = [(row.kind, row.direction) for row in capture.index.rows()]
    assert kinds == [
        ("request", "client"),
        ("response", "server"),
        ("text", "client"),
        ("text", "server"),
    ]


def _covered_once(unit) -> bool:
    position = 0
    for field in unit.fields:
        if field.bit != position:
            return False
        position += field.bits
    return position == 8 * unit.length


def test_a_line_of_stray_carriage_returns_is_a_field_and_no_end():
    head = b"GET /a HTTP/1.1\r\nA: b\r\n\r\r\nC: d\r\n\r\n"
    unit = explain(head).unit(0)
    assert _covered_once(unit)
    assert unit.length == len(head)
    assert [field.name for field in unit.fields] == [
        "request line", "A", "not a header", "C", "empty line",
    ]  # fmt: skip
    assert [violation.rule for violation in unit.violations] == ["header-malformed"]


def test_a_head_that_does_not_end_is_cut_at_the_same_place_however_it_comes():
    head = b"GET / HTTP/1.1\r\nX: " + b"a" * (MAX_HEAD + 5000) + b"\r\n\r\n"
    found = []
    for size in (len(head), 65536, 9999):
        capture = Capture()
        connection = capture.open_connection()
        for at in range(0, len(head), size):
            capture.record(connection, "client", head[at : at + size])
        found.append([(row.offset, row.length) for row in capture.index.rows()])
        assert _covered_once(capture.index.unit(0))
    assert found == [[(0, MAX_HEAD), (MAX_HEAD, len(head) - MAX_HEAD)]] * 3


SLIPS = {
    "MGRiMTA3MzFhOTI1YmIzZDJhOTU0YmM5NTMwOGNiODY1YTk3YzcxZQ==": "written in hex first",
    "0db10731a925bb3d2a954bc95308cb865a97c71e": "the digest is in hex",
    "pxlI5BNo7jSotW6x7fuyJWzMuxA=": "the key was decoded first",
    "GfDP0N+Ur4aZJQlKSBhe4G8mZZQ=": "the CR of its line's end",
    "loHhcVaKkUl+CYhxGzSlqs+n4mk=": "the space in front of it",
    "8jUO+sx81zXKruXqcW0DIbEifu4=": "the GUID was in lower case",
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=": "the example's key in §1.3",
    "bGFib3JhdG9yeS1rZXkhIQ==": "the key itself",
    "z6y9qtIj7Q4MQzVKxOUVDPqpF+MMI1t7PeuVqqlnTdo=": "SHA-256",
    "fK6/L7MHSueZR7UPC6IkeMhO45E=": "a wrong copy of it",
    "DbEHMakluz0qlUvJUwjLhlqXxx4": "the = at its end is missing",
}
"""By the accept that a server sent to the key "laboratory-key!!" in base64."""


@pytest.mark.parametrize("accept", SLIPS)
def test_a_wrong_accept_names_the_slip_behind_it(accept):
    key = "bGFib3JhdG9yeS1rZXkhIQ=="
    request = parse_head(request_with(key))
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    (wrong,) = response_violations(parse_head(answer.encode()), request)
    assert wrong.rule == "accept-wrong"
    assert SLIPS[accept] in wrong.text


def digest(text: str, name: str = "sha1") -> bytes:
    return hashlib.new(name, text.encode()).digest()


def test_each_slip_is_named_that_servers_make():
    key = "bGFib3JhdG9yeS1rZXkhIQ=="
    right = digest(key + GUID)
    slips = {
        base64.b64encode(right.hex().upper().encode()): "written in hex first",
        right.hex().upper().encode(): "the digest is in hex",
        base64.b64encode(base64.b64encode(right)): "base64 twice",
        b'"' + base64.b64encode(right) + b'"': "in quotes",
        base64.b64encode(right).lower(): "lower case",
        base64.b64encode(right).replace(b"=", b"%3D"): "percent-encoded",
        base64.b64encode(digest(key + GUID, "sha512")): "SHA-512",
        digest(key + GUID.lower()).hex().encode(): "lower case, and the digest is in hex",
        base64.b64encode(right[:10]): "it has 10 bytes in base64, and a SHA-1 has 20",
        b"yess": "it has 3 bytes in base64",
        b"yes": "not valid base64",
    }
    for text, words in (
        (f"{key.lower()}{GUID}", "the key was put in lower case"),
        (f"{key.rstrip('=')}{GUID}", "the = at the key's end was left out"),
        (f'"{key}"{GUID}', "the key was put in quotes"),
        (f"b'{key}'{GUID}", "as Python prints bytes"),
        (f"undefined{GUID}", "undefined was hashed"),
        (GUID, "the key was left out"),
        (f"{key}{{{GUID}}}", "braces"),
        (key + GUID.replace("-", ""), "hyphens"),
        (f"{key}{GUID}\0", "a byte 0 at the end"),
    ):
        slips[base64.b64encode(digest(text))] = words
    for accept, words in slips.items():
        assert words in accept_slip(key, accept.decode()), accept
    assert "/" in accept_key("6")
    assert "base64 of URLs" in accept_slip("6", accept_key("6").replace("/", "_").replace("+", "-"))


def test_what_stands_before_the_first_line_is_told_apart_from_it():
    (fault, *_) = explain(b"debug: 1\n" + REQUEST).unit(0).violations
    assert "comes 9 bytes later: something was printed before it" in fault.text
    (fault, *_) = explain(response=b"ready\r\n" + RESPONSE).unit(1).violations
    assert "comes 7 bytes later" in fault.text
    notice = b"Notice: x\r\n\r\n" + RESPONSE
    index = load_streams(io.BytesIO(REQUEST), io.BytesIO(notice)).index
    assert meaning(index.unit(1), "body").startswith("The response begins here.")


def test_versions_of_drafts_and_case_in_subprotocols_are_told():
    faults = explain(REQUEST.replace(b"Version: 13", b"Version: 8")).unit(0).violations
    assert "Here 8 names a draft, hybi-08 of 2011." in faults[0].text
    chat = RESPONSE.replace(b"Protocol: chat", b"Protocol: Chat")
    (fault,) = explain(response=chat).unit(1).violations
    assert "capital letters" in fault.text


def test_a_wrong_accept_without_a_known_slip_names_none():
    assert accept_slip("bGFib3JhdG9yeS1rZXkhIQ==", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=") == ""


def request_with(key: str) -> bytes:
    return (
        "GET / HTTP/1.1\r\nHost: lab.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def meaning(unit, name: str) -> str:
    return unit.field(name).meaning


def test_a_101_without_a_subprotocol_is_legal_and_a_browser_fails():
    """RFC 6455 §4.1, and the WHATWG's standard, which asks for more."""
    index = explain(response=RESPONSE.replace(b"Sec-WebSocket-Protocol: chat\r\n", b""))
    assert index.unit(1).violations == ()
    said = meaning(index.unit(1), "status line")
    assert "chooses none of the subprotocols" in said
    assert "a browser then fails the connection" in said
    assert "browser" not in meaning(explain(response=RESPONSE).unit(1), "status line")


def test_null_as_a_subprotocol_is_a_script_s_slip():
    for word in (b"null", b"undefined"):
        index = explain(REQUEST.replace(b"chat, superchat", word))
        said = meaning(index.unit(0), "Sec-WebSocket-Protocol")
        assert f"A script passed {word.decode()}" in said


def test_a_list_of_subprotocols_sent_back_is_not_one():
    listed = RESPONSE.replace(b"Protocol: chat", b"Protocol: chat, superchat")
    (fault,) = explain(response=listed).unit(1).violations
    assert fault.rule == "subprotocol-not-offered"
    assert "Here 2 stand in a list: it must choose one of them" in fault.text


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (b"Bearer abcdef", "Here a space stands in one, and a browser's constructor throws"),
        (b"chat, bGFib3JhdG9yeQ==", "Here = stands in one"),
        (b"chat, a/b", "Base64 can be written with - and _"),
    ],
)
def test_what_keeps_a_subprotocol_from_being_a_token_is_named(offer, words):
    (fault,) = explain(REQUEST.replace(b"chat, superchat", offer)).unit(0).violations
    assert fault.rule == "subprotocol-malformed"
    assert words in fault.text


def test_line_ends_of_a_bare_lf_are_named_and_refuse_nothing():
    index = explain(response=RESPONSE.replace(b"\r\n", b"\n"))
    assert [fault.rule for fault in index.unit(1).violations] == ["response-bare-line-feed"]
    assert index.state(1) in ("OPEN", "CLOSED")
    assert index.is_upgraded(1)
