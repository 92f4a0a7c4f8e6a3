"""Logins in heads: none is recorded, whatever its place, and wherever its bytes were cut."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture, encode_frame, load, save
from wslab.wire.accounts.json import json_pieces
from wslab.wire.accounts.text import text_pieces
from wslab.wire.formats import FORMATS, jsonl
from wslab.wire.protocol import is_masked, masked_text
from wslab.wire.protocol.secrets import is_secret_name, masked_line
from wslab.wire.recording.secrets_mask import SecretsMask

from .test_handshake import REQUEST, RESPONSE

LOGIN = "S3cr3tT0ken"
HIDDEN = "*" * len(LOGIN)

FIRST_LINES = [
    f"GET /chat?token={LOGIN} HTTP/1.1",
    f"GET /chat?name=Ada&access_token={LOGIN}&room=1 HTTP/1.1",
    f"GET /chat?%74oken={LOGIN} HTTP/1.1",
    f"GET /chat;jsessionid={LOGIN} HTTP/1.1",
    f"GET /chat?next=%2Flab%3Ftoken%3D{LOGIN}&room=1 HTTP/1.1",
    f"GET http://ada:{LOGIN}@example.com/ HTTP/1.1",
    f"CONNECT ada:{LOGIN}@example.com:80 HTTP/1.1",
    f"GET /chat?data=%7B%22token%22%3A%20%22{LOGIN}%22%7D HTTP/1.1",
    f'GET /chat?data={{"room":1,"authToken":"{LOGIN}"}} HTTP/1.1',
]
HEADERS = [
    f"Cookie: a={LOGIN}",
    f"cOOKIE :a={LOGIN}",
    f"Set-Cookie2: {LOGIN}",
    f"\x00Cookie: {LOGIN}",
    f" Cookie: {LOGIN}",
    f'"Cookie": {LOGIN}',
    f"C\xf6okie: {LOGIN}",
    f"Cookie={LOGIN}",
    f"Cookie {LOGIN}",
    f"Cookie\r\n : {LOGIN}",
    f"Cookie: a\r\n\tb={LOGIN}",
    f"X: y\rCookie: {LOGIN}",
    f"Proxy-Authorization: Basic {LOGIN}",
    f"Authentication-Info: nextnonce={LOGIN}",
    f"WWW-Authenticate: Negotiate {LOGIN}==",
    f"X-Api-Key: {LOGIN}",
    f"X-Forwarded-Access-Token: {LOGIN}",
    f"CB-ACCESS-PASSPHRASE: {LOGIN}",
    f"Referer: http://127.0.0.1:8888/lab?token={LOGIN}",
    f"Location: /lab#access_token={LOGIN}",
    f"Origin: http://ada:{LOGIN}@example.com",
    f"X-Note: Bearer {LOGIN}",
    f"Sec-WebSocket-Protocol: chat, access_token, {LOGIN}",
    f"Sec-WebSocket-Protocol: access_token,\r\n {LOGIN}",
    f"Sec-WebSocket-Protocol: chat, access_token\r\nsec-websocket-protocol: {LOGIN}",
    f"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{LOGIN}, chat",
    f"Sec-WebSocket-Protocol: v1.token.websocket.jupyter.org.{LOGIN}",
    f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{LOGIN}, beta.v1",
    f"Sec-WebSocket-Protocol: Bearer {LOGIN}",
]
PLAIN = [
    "GET /chat?q=bearer HTTP/1.1",
    "GET /token-economy?page=token-economy HTTP/1.1",
    "Host: 127.0.0.1:8000",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15",
    "Sec-WebSocket-Protocol: chat, graphql-transport-ws, wamp.2.json, v4.channel.k8s.io, mqttv3.1, "
    "v1.kernel.websocket.jupyter.org, com.microsoft.minecraft.wsencrypt, SOAP12-over-websocket",
    "Access-Control-Allow-Credentials: true",
    "Referer: http://127.0.0.1:8888/lab?path=a%20b&max_tokens=5",
    'WWW-Authenticate: Basic realm="Lab, here", Bearer error="invalid"',
    "X-Cookie: shown",
    "Keep-Alive: timeout=5",
    "Accept: */*",
    "Set your watch: now",
]


def recorded(direction: str, *pieces: bytes) -> bytes:
    """What is kept of pieces that came in this direction."""
    capture = Capture(clock=lambda: 0.0)
    connection = capture.open_connection()
    if direction == "server":
        capture.record(connection, "client", REQUEST)
    for piece in pieces:
        capture.record(connection, direction, piece)
    return capture.stream(connection, direction)


@pytest.mark.parametrize("line", FIRST_LINES + HEADERS)
@pytest.mark.parametrize("direction", ["client", "server"])
def test_a_login_is_nowhere_kept(line, direction):
    first = line in FIRST_LINES
    start = line if first else "GET /chat HTTP/1.1" if direction == "client" else "HTTP/1.1 200 OK"
    more = "" if first else f"{line}\r\n"
    head = f"{start}\r\nHost: example.com\r\n{more}Content-Length: 0\r\n\r\n".encode("latin-1")
    whole = recorded(direction, head)
    assert LOGIN.encode() not in whole
    assert len(whole) == len(head)
    assert b"Host: example.com\r\n" in whole
    for cut in range(len(head)):
        assert recorded(direction, head[:cut], head[cut:]) == whole
        assert LOGIN.encode() not in recorded(direction, head[:cut])
    assert recorded(direction, *(head[at : at + 1] for at in range(len(head)))) == whole


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_no_login_stays_as_it_is(line):
    assert masked_line(line.encode()) == line.encode()
    assert not is_masked(line.partition(": ")[2], line.partition(":")[0])


def test_the_names_in_a_query_stay():
    line = f"GET /chat?name=Ada&token={LOGIN}&room=1 HTTP/1.1\r\n".encode()
    assert masked_line(line, first=True) == line.replace(LOGIN.encode(), HIDDEN.encode())


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("token", True), ("accessToken", True), ("X-XSRF-TOKEN", True), ("user[password]", True),
        ("key", True), ("X-Api-Key", True), ("sid", True), ("code", True), ("PHPSESSID", True),
        ("ticket", True), ("auth", True), ("X-Amz-Signature", True), ("%2574oken", True),
        ("max_tokens", False), ("author", False), ("keyboard", False), ("status_code", False),
        ("Sec-WebSocket-Key", False), ("name", False), ("Host", False), ("inside", False),
    ],
)  # fmt: skip
def test_which_names_mean_a_login(name, secret):
    assert is_secret_name(name.encode()) is secret


HEADS = st.lists(
    st.one_of(
        st.sampled_from([line for line in HEADERS if "\n " not in line and "\n\t" not in line]),
        st.sampled_from(PLAIN),
    ),
    max_size=6,
)


@given(st.sampled_from(FIRST_LINES), HEADS, st.lists(st.integers(0, 2000), max_size=12))
def test_nothing_but_logins_is_changed_however_the_bytes_are_cut(first, lines, cuts):
    head = "\r\n".join([first, *lines, "", ""]).encode("latin-1")
    edges = sorted({0, len(head), *(min(cut, len(head)) for cut in cuts)})
    kept = recorded("client", *(head[a:b] for a, b in itertools.pairwise(edges)))
    assert LOGIN.encode() not in kept
    assert len(kept) == len(head)
    places = [
        line for line, shown in zip(head.split(b"\n"), kept.split(b"\n"), strict=True)
        if line != shown
    ]  # fmt: skip
    assert all(LOGIN.encode() in line for line in places)
    changed = {a for a, b in zip(head, kept, strict=True) if a != b}
    assert not changed & set(b"\r\n \t")
    for line in PLAIN:
        assert kept.count(line.encode()) == head.count(line.encode())


BODIES = {
    "the rest of a request's head": (
        "client",
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 60\r\n\r\nCookie: %b\r\n\r\n",
    ),
    "a trailer": (
        "server",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0;x=y\r\nSet-Cookie: %b\r\n\r\n",
    ),
    "a response behind a body without end": (
        "server",
        b"HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: %b\r\n\r\n",
    ),
    "a request within a body": (
        "client",
        b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nhello GET /?token=%b HTTP/1.1\r\n\r\n",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_head_that_a_body_swallowed_is_masked(name):
    direction, template = BODIES[name]
    data = template % LOGIN.encode()
    for size in (1, 7, 1000):
        kept = recorded(direction, *(data[at : at + size] for at in range(0, len(data), size)))
        assert kept == template % HIDDEN.encode()


def test_behind_connect_another_conversation_begins():
    capture = Capture()
    connection = capture.open_connection()
    proxy = f"CONNECT 127.0.0.1:80 HTTP/1.1\r\nProxy-Authorization: {LOGIN}\r\n\r\n".encode()
    capture.record(connection, "client", proxy)
    capture.record(connection, "server", b"HTTP/1.1 200 Established\r\n\r\n")
    capture.record(connection, "client", REQUEST[:-2] + f"Cookie: {LOGIN}\r\n\r\n".encode())
    capture.record(connection, "server", RESPONSE[:-2] + f"Set-Cookie: {LOGIN}\r\n\r\n".encode())
    capture.record(connection, "server", encode_frame(1, b"hello"))
    kinds = [row.kind for row in capture.index.rows()]
    assert kinds == ["request", "response", "request", "response", "text"]
    assert not any(LOGIN in line for line in jsonl.lines(capture))
    assert LOGIN.encode() not in capture.stream(1, "client") + capture.stream(1, "server")


def test_a_server_that_sends_the_offered_login_back():
    capture = Capture()
    connection = capture.open_connection()
    asked = re.sub(rb"(?<=-Protocol: )[^\r]*", b"access_token, hunter2", REQUEST)
    capture.record(connection, "client", asked)
    chosen = re.sub(rb"(?<=-Protocol: )[^\r]*", b"hunter2", RESPONSE)
    capture.record(connection, "server", chosen)
    assert b"hunter2" not in capture.stream(1, "server")
    assert capture.index.unit(1).violations == ()


def upgraded() -> Capture:
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    capture.record(1, "client", REQUEST)
    capture.record(1, "server", RESPONSE)
    return capture


ANSWER = RESPONSE[:-2] + f"Set-Cookie: {LOGIN}\r\n\r\n".encode()


def nowhere(capture: Capture, folder) -> bool:
    """Whether the login is in no file of a recording either."""
    files = [save(capture, folder / f"capture{suffix}").read_bytes() for suffix in FORMATS]
    forms = (LOGIN.encode(), LOGIN.encode().hex().encode())
    return not any(form in file for file in files for form in forms)


def test_an_edited_answer_is_masked_after_the_upgrade_too(tmp_path):
    capture = upgraded()
    capture.mark(1, "server", "edited", 0, len(RESPONSE), data=ANSWER)
    assert capture.events[-1].data == ANSWER.replace(LOGIN.encode(), HIDDEN.encode())
    assert nowhere(capture, tmp_path)


@pytest.mark.parametrize("cut", [len(ANSWER) - 12, len(ANSWER) - 22, len(ANSWER) - 30])
def test_an_answer_edited_in_parts(cut, tmp_path):
    capture = upgraded()
    capture.mark(1, "server", "edited", 0, 20, data=ANSWER[:cut])
    capture.mark(1, "server", "edited", 20, len(RESPONSE) - 20, data=ANSWER[cut:])
    capture.mark(1, "server", "delivered", 0, 20)
    capture.mark(1, "server", "delivered", 20, len(RESPONSE) - 20)
    assert LOGIN.encode()[-9:] not in capture.delivered(1, "server")
    assert len(capture.delivered(1, "server")) == len(ANSWER)
    assert nowhere(capture, tmp_path)


def test_an_edit_within_a_line_is_masked_by_what_stands_before_it():
    capture = Capture()
    capture.open_connection()
    head = b"GET / HTTP/1.1\r\nCookie: a=b\r\nHost: x\r\n\r\n"
    capture.record(1, "client", head[:26])  # the cookie's line has not ended
    capture.mark(1, "client", "edited", 24, 2, data=LOGIN.encode())
    capture.record(1, "client", head[26:])
    capture.mark(1, "client", "edited", 24, 3, data=LOGIN.encode())
    assert [event.data for event in capture.events if event.data] == [HIDDEN.encode()] * 2


def test_a_head_that_is_injected_among_frames(tmp_path):
    capture = upgraded()
    capture.record(1, "server", ANSWER)
    capture.mark(1, "server", "injected", len(RESPONSE), len(ANSWER))
    assert nowhere(capture, tmp_path)
    hello = encode_frame(1, b"Cookie: shown")
    capture.record(1, "server", hello)
    offset = len(RESPONSE + ANSWER)
    capture.mark(1, "server", "injected", offset, len(hello))
    capture.mark(1, "server", "edited", offset, len(hello), data=hello)
    assert capture.stream(1, "server").endswith(hello)
    assert capture.events[-1].data == hello


def test_the_edits_and_notes_of_a_file_are_masked_as_they_are_loaded(tmp_path):
    capture = upgraded()
    text = "".join(jsonl.lines(capture))
    text += (
        '{"time": 1, "connection": 1, "event": "edited", "direction": "server", "offset": 0, '
        f'"length": {len(RESPONSE)}, "hex": "{ANSWER.hex()}", "note": "ws://h/?token={LOGIN}"}}\n'
    )
    path = tmp_path / "capture.jsonl"
    path.write_text(text)
    loaded = load(path)
    assert nowhere(loaded, tmp_path)
    assert loaded.events[-1].note == f"ws://h/?token={HIDDEN}"


def test_a_line_that_has_not_ended_is_shown_when_it_has():
    capture = Capture()
    capture.open_connection()
    capture.record(1, "client", b"GET / HT")
    assert capture.stream(1, "client") == b"GET * **"
    capture.record(1, "client", b"TP/1.1\r\nHo")
    assert capture.stream(1, "client") == b"GET / HTTP/1.1\r\nHo"
    capture.record(1, "client", b"st: a")
    assert capture.stream(1, "client") == b"GET / HTTP/1.1\r\nHost* *"
    capture.end(1, "client")
    assert capture.stream(1, "client") == b"GET / HTTP/1.1\r\nHost: a"
    capture.record(1, "server", b"\x16\x03\x01")  # no line of text
    assert capture.stream(1, "server") == b"\x16\x03\x01"


def test_a_frame_that_came_before_the_answer_is_as_it_was():
    frame = encode_frame(1, b"x\nCook then more")
    capture = Capture()
    capture.open_connection()
    capture.record(1, "client", REQUEST + frame)
    capture.record(1, "server", RESPONSE)
    assert capture.stream(1, "client") == REQUEST + frame
    assert not capture._masks


@pytest.mark.parametrize("secret", [True, False])
def test_masking_takes_time_in_proportion_to_the_bytes(monkeypatch, secret):
    """Counted: the bytes of which a line is judged, for a head that comes a byte at a time."""
    judged = []

    def counted(line: bytes, first: bool = False) -> bytes:
        judged.append(len(line))
        return masked_line(line, first)

    monkeypatch.setattr("wslab.wire.recording.secrets_mask.masked_line", counted)

    def work(lines: int) -> int:
        judged.clear()
        mask = SecretsMask()
        head = b"GET / HTTP/1.1\r\n" + lines * (b"Cookie: a\r\n x\r\n" if secret else b"X: y\r\n")
        touched = 0
        for at in range(len(head)):
            again, now = mask.mask(head[at : at + 1])
            touched += len(again) + len(now)
        return touched + sum(judged)

    assert work(400) < 2.2 * work(200)


def test_texts_outside_of_a_recording():
    assert masked_text(f"ws://h/?name=Ada&token={LOGIN}: closed, code=1006") == (
        f"ws://h/?name=Ada&token={HIDDEN}* closed, code=1006"
    )
    assert masked_text("ws://ada:pw@h/\nCookie: a") == "ws://******@h/\nCookie: *"
    assert masked_text("code: 1006, key: a, Grüße \ud83d") == "code: 1006, key: a, Grüße \ud83d"


def test_the_explanation_says_who_masked():
    capture = Capture()
    capture.open_connection()
    capture.record(1, "client", re.sub(rb"GET \S+", b"GET /?token=abc", REQUEST))
    first, second, *_ = capture.index.unit(0).fields
    assert "?token=***" in str(first.value)
    assert "masked by wslab" in first.meaning
    assert "masked by wslab" not in second.meaning


def test_a_subprotocol_that_is_a_login_still_breaks_the_rule_that_it_breaks():
    capture = Capture()
    capture.open_connection()
    words = b"lab.v1, c2VjcmV0L3Rva2VuLzEyMzQ1Njc4OQ=="
    capture.record(1, "client", re.sub(rb"(?<=-Protocol: )[^\r]*", words, REQUEST))
    unit = capture.index.unit(0)
    assert unit.field("Sec-WebSocket-Protocol").value == f"lab.v1, {'*' * 30}=="
    assert [violation.rule for violation in unit.violations] == ["subprotocol-malformed"]


# --- What people had in their recordings

UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
KEY = b"Sec-WebSocket-Key: bGFib3JhdG9yeS1rZXkhIQ==\r\n"
ACCEPT = b"Sec-WebSocket-Accept: DbEHMakluz0qlUvJUwjLhlqXxx4=\r\n"
YES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

REPORTS = {  # request line and subprotocols; the answer; the login; what stays readable
    "a token in the query": (
        b"GET /api/kernels/0/channels?session_id=abc&token=5f3c0ffee5f3c0ffee HTTP/1.1\r\n", b"",
        YES + ACCEPT + b"\r\n",
        "5f3c0ffee5f3c0ffee", "/api/kernels/0/channels?session_id=***&token=" + 18 * "*",
    ),
    "a bearer token as a subprotocol, with a blank": (
        b"GET / HTTP/1.1\r\n", b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "eyJhbGciOiJub25lIn0", "Bearer " + 41 * "*",
    ),
    "a token in base64 behind a subprotocol": (
        b"GET / HTTP/1.1\r\n", b"lab.v1, c2VjcmV0L3Rva2VuLzEyMzQ1Njc4OQ==",
        YES + ACCEPT + b"Sec-WebSocket-Protocol: lab.v1\r\n\r\n",
        "c2VjcmV0L3Rva2Vu", "lab.v1, " + 30 * "*" + "==",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_a_login_that_somebody_reported(name, tmp_path):
    line, offers, answer, login, readable = REPORTS[name]
    offer = b"Sec-WebSocket-Protocol: " + offers + b"\r\n" if offers else b""
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    capture.record(1, "client", line + UPGRADE + KEY + offer + b"\r\n")
    capture.record(1, "server", answer)
    assert readable in capture.stream(1, "client").decode()
    accounts = [*text_pieces(capture), *json_pieces(capture)]
    files = [save(capture, tmp_path / f"it{suffix}").read_bytes() for suffix in FORMATS]
    for form in (login, login.encode().hex()):
        assert not any(form in piece for piece in accounts)
        assert not any(form.encode() in file for file in files)


def test_the_logins_of_a_har_that_another_program_wrote(tmp_path):
    token, bearer = "5f3c0ffee5f3c0ffee", "bXl0b2tlbg"
    headers = [
        *({"name": name, "value": value} for name, value in [
            ("Host", "127.0.0.1:18123"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dDvdZVJjthtv9WIMa9d4QA=="), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", f"v1.lab, base64url.bearer.authorization.k8s.io.{bearer}"),
            ("Authorization", f"Bearer {token}"),
        ]),
    ]  # fmt: skip
    entry = {
        "_resourceType": "websocket", "startedDateTime": "2026-11-28T22:47:19.560Z",
        "request": {
            "method": "GET", "httpVersion": "HTTP/1.1", "headers": headers,
            "url": f"ws://127.0.0.1:18123/api/kernels/k1/channels?token={token}",
            "queryString": [{"name": "token", "value": token}],
        },
        "response": {"status": 101, "statusText": "Switching Protocols", "headers": []},
        "_webSocketMessages": [
            {"type": "receive", "time": 1795906039.566063, "opcode": 1, "data": "hello"}
        ],
    }  # fmt: skip
    path = tmp_path / "other.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}))
    capture = load(path)
    assert f"?token={18 * '*'} HTTP/1.1" in capture.stream(1, "client").decode()
    assert [message.content for message in capture.index.messages()] == [b"hello"]
    accounts = "".join([*text_pieces(capture), *json_pieces(capture)])
    files = [save(capture, tmp_path / f"it{suffix}").read_bytes() for suffix in FORMATS]
    for login in (token, bearer):
        assert login not in accounts
        assert not any(login.encode() in file for file in files)
