"""The chat server with real clients, polite ones and others, and its page by plain HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as library_connect

from wslab.net import Client, HandshakeFailed, RawClient, Tap, loop
from wslab.net.cases import OFFENDERS, meet
from wslab.net.servers import chat as chat_server
from wslab.net.servers.chat import ChatServer, wanted_name
from wslab.wire import Capture, save
from wslab.wire.protocol import parse_head


@pytest.fixture
def room():
    with ChatServer() as room:
        yield room


def come_in(room, name):
    return Client(f"{room.url}?name={quote(name)}").connect()


def hear(client, event):
    """The next event of this kind; those before it are passed over."""
    while True:
        heard = json.loads(client.recv())
        if heard["event"] == event:
            return heard


def test_everybody_hears_everybody(room):
    ada, grace = come_in(room, "Ada"), come_in(room, "Grace")
    assert hear(grace, "welcome") == {"event": "welcome", "name": "Grace", "people": ["Ada"]}
    assert hear(ada, "join")["name"] == "Ada"
    assert hear(ada, "join")["name"] == "Grace"
    ada.send("zażółć gęślą jaźń 🙂")
    for client in (ada, grace):
        heard = hear(client, "message")
        assert (heard["from"], heard["text"]) == ("Ada", "zażółć gęślą jaźń 🙂")
    grace.close()
    assert hear(ada, "leave") == {"event": "leave", "name": "Grace", "why": "said goodbye"}
    assert room.people == ["Ada"]


def test_the_server_says_who_speaks_whatever_the_text_says(room):
    ada, mallory = come_in(room, "Ada"), come_in(room, "Mallory")
    mallory.send('Ada"}, {"event": "message", "from": "Ada", "text": "it was me')
    assert hear(ada, "message")["from"] == "Mallory"


def test_who_comes_late_gets_the_last_messages():
    with ChatServer(history=3) as room:
        ada = come_in(room, "Ada")
        for number in range(5):
            ada.send(f"{number}")
            hear(ada, "message")
        late = come_in(room, "Grace")
        assert hear(late, "welcome")["people"] == ["Ada"]
        assert [hear(late, "message")["text"] for _ in range(3)] == ["2", "3", "4"]


def test_two_of_a_name_are_told_apart(room):
    first, second, third = [come_in(room, name) for name in ("Ada", "ada", "ADA")]
    assert [hear(c, "welcome")["name"] for c in (first, second, third)] == [
        "Ada",
        "ada (2)",
        "ADA (3)",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Ada\u200d",
        "Ada\u200c",
        "A\u034fda",
        "Ada\ufe0f",
        "Ada\U000e0100",
        "Ad\u3164a",
        "Ada \u2800",
        "\uff21da",  # as wide as an ideograph
        "\u24b6da",
    ],
)
def test_a_name_that_looks_like_one_in_the_room_gets_a_number(room, name):
    ada, other = come_in(room, "Ada"), come_in(room, name)
    assert hear(ada, "welcome")["name"] == "Ada"
    assert hear(other, "welcome")["name"] == f"{name} (2)"


def test_names_that_look_different_are_left_alone(room):
    names = ["Ada", "Ada Lovelace", "AdaLovelace", "Ad\u00e1", "👩\u200d💻", "💻"]
    people = [come_in(room, name) for name in names]
    assert [hear(one, "welcome")["name"] for one in people] == names


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "guest"),
        ("?name=Ada", "Ada"),
        ("?name=%20%20Ada%20%09%20Lovelace%20", "Ada Lovelace"),
        ("?name=<b>Ada</b>", "<b>Ada</b>"),
        ("?name=" + quote("e\u0301"), "\u00e9"),
        ("?name=" + quote("👩\u200d💻"), "👩\u200d💻"),
        ("?other=1&name=" + quote("שלום"), "שלום"),
    ],
)
def test_names_that_are_taken(query, name):
    assert wanted_name(f"/chat{query}") == (name, 0, "")


@pytest.mark.parametrize(
    ("name", "code", "problem"),
    [
        ("x" * 33, 1008, "at most 32 characters, got 33"),
        ("evil\u202ednim", 1008, "U+202E"),
        ("evil\u2066", 1008, "U+2066"),
        ("nul\0", 1008, "U+0000"),
        ("line\u2028", 0, ""),  # a space to Python, and stripped as such
        ("bom\ufeff", 1008, "U+FEFF"),
        ("\u200d", 1008, "can be seen"),
        ("%20", 1008, "can be seen"),
        ("\u3164", 1008, "can be seen"),
        ("\uffa0", 1008, "can be seen"),
        ("\u115f \u1160", 1008, "can be seen"),
        ("\u2800", 1008, "can be seen"),
        ("%FF", 1007, "not UTF-8"),
        ("%ED%A0%80", 1007, "not UTF-8"),  # half a surrogate pair
    ],
)
def test_names_that_are_not(name, code, problem):
    query = name if "%" in name else quote(name)
    _, got, why = wanted_name(f"/chat?name={query}")
    assert (got, problem in why) == (code, True)


def test_a_name_of_html_is_a_name(room):
    ada = come_in(room, "Ada")
    assert hear(ada, "join")["name"] == "Ada"
    eve = come_in(room, "<img src=x onerror=1>")
    eve.send("hello")
    assert hear(ada, "join")["name"] == "<img src=x onerror=1>"
    assert hear(ada, "message")["from"] == "<img src=x onerror=1>"


@pytest.mark.parametrize(
    ("query", "code"), [("name=%FF", 1007), ("name=a%00b", 1008), ("name=%E2%80%AEevil", 1008)]
)
def test_a_name_that_is_none_is_told_so_and_nobody_else_hears_of_it(room, query, code):
    ada = come_in(room, "Ada")
    odd = Client(f"{room.url}?{query}").connect()
    with pytest.raises(ConnectionError):
        odd.recv()
    assert odd.close_code == code
    ada.send("just us?")
    assert hear(ada, "message")["text"] == "just us?"
    assert room.people == ["Ada"]


@pytest.mark.parametrize("name", OFFENDERS)
def test_an_offender_is_told_why_and_the_chat_goes_on(room, name):
    ada, grace = come_in(room, "Ada"), come_in(room, "Grace")
    code, reason = meet(name, room.url)
    assert code == OFFENDERS[name].expected
    assert reason
    ada.send("still here?")
    while hear(grace, "message")["text"] != "still here?":
        pass
    assert room.people == ["Ada", "Grace"]


def test_text_of_every_kind_arrives_as_it_was_sent(room):
    ada, grace = come_in(room, "Ada"), come_in(room, "Grace")
    for text in ("<script>alert(1)</script>", "\u202eevil", "a\0b", '"}\n', "\ud7ff\ufffd", ""):
        ada.send(text)
        assert hear(grace, "message")["text"] == text


def test_a_flood_does_not_delay_the_others(room):
    ada, grace = come_in(room, "Ada"), come_in(room, "Grace")
    flood = threading.Thread(target=meet, args=("Flo", room.url))
    flood.start()
    for number in range(20):
        ada.send(f"number {number}")
        while hear(grace, "message")["text"] != f"number {number}":
            pass
    flood.join(20)
    assert not flood.is_alive()


def test_who_reads_nothing_is_capped_then_shown_out_and_nobody_misses_anything():
    with ChatServer(rate=1e6, backlog=256 * 1024) as room:
        ada, grace = come_in(room, "Ada"), come_in(room, "Grace")
        stuck = RawClient(f"{room.url}?name=Stuck").connect().upgrade()
        text, most, sent = "x" * 4000, 0, 0
        while "Stuck" in room.people:  # the system's own buffers take some megabytes first
            ada.send(text)
            sent += 1
            assert hear(grace, "message")["text"] == text  # no loss and no delay
            behind = loop.run(_most_behind(room))
            most = max(most, behind)
            assert sent < 20_000
        assert 256 * 1024 < most < 256 * 1024 + 3 * 4200
        assert "1013" in hear(grace, "leave")["why"]
        assert b"\x03\xf5" in stuck.read_to_end()[-60:]  # 1013


async def _most_behind(room):
    return max(member.behind for member in room.members)


def test_who_never_takes_the_close_frame_is_cut_off(monkeypatch):
    monkeypatch.setattr(chat_server.show_out, "__defaults__", (0.2,))
    with ChatServer(rate=1e6, backlog=0) as room:
        ada = come_in(room, "Ada")
        stuck = RawClient(f"{room.url}?name=Stuck").connect().upgrade()
        while "Stuck" in room.people:
            ada.send("x" * 4000)
            hear(ada, "message")
        while room.connections > 1:
            ada.send("is it over?")
            hear(ada, "message")
        stuck.stop()


def test_who_breaks_off_is_missed():
    with ChatServer() as room:
        ada = come_in(room, "Ada")
        RawClient(f"{room.url}?name=Linus").connect().upgrade().reset()
        assert hear(ada, "leave")["why"] == "vanished: no close frame came (1006)"


def test_who_answers_no_ping_is_missed():
    room = ChatServer(ping_interval=0.1)
    room.ping_timeout = room.close_timeout = 0.1
    with room:
        ada = come_in(room, "Ada")
        linus = RawClient(f"{room.url}?name=Linus").connect().upgrade()
        assert "1011" in hear(ada, "leave")["why"]
        linus.stop()


def test_stopping_says_goodbye_to_everybody(room):
    ada = come_in(room, "Ada")
    room.stop()
    with pytest.raises(ConnectionError):
        hear(ada, "what never comes")
    assert ada.close_code == 1001


# --- Plain HTTP


def get(room, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", room.port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/?name=Ada", "text/html"),
        ("/chat.js", "text/javascript"),
        ("/page.css", "text/css"),
    ],
)
def test_the_page_and_what_belongs_to_it(room, path, kind):
    answer, body = get(room, path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    # Nothing from outside: no address but the page's own is named anywhere.
    assert b"http://" not in body
    assert b"https://" not in body
    head, nothing = get(room, path, "HEAD")
    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == str(len(body))


def test_the_unsafe_page_is_kept_in_a_sandbox(room):
    answer, _ = get(room, "/unsafe?name=Victim")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts allow-forms" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


@pytest.mark.parametrize("path", ["/nope", "/chat.js/", "/../etc/passwd", "/%2e%2e/x", "/unsafe/"])
def test_anything_else_is_not_found(room, path):
    answer, body = get(room, path)
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert b"There is no" in body


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/chat", 426)])
def test_head_gets_no_content_whatever_the_answer(room, path, status):
    with RawClient(room.port) as client:  # http.client would not read any
        client.send(f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1:{room.port}\r\n\r\n".encode())
        answer = client.read_to_end()
    head, end, body = answer.partition(b"\r\n\r\n")
    assert (parse_head(head + end).status, body) == (status, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_not_allowed(room, method):
    # RFC 9110 §15.5.6: 405 names what is allowed.
    answer, _ = get(room, "/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    answer, _ = get(room, "/chat", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "body", ["Content-Length: 3\r\n\r\na=b", "Transfer-Encoding: chunked\r\n\r\n"]
)
def test_a_request_with_a_body_is_told_off_and_not_just_dropped(room, body):
    with RawClient(room.port) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n{body}".encode())
        assert parse_head(client.read_to_end()).status == 405


def test_garbage_is_a_bad_request(room):
    with RawClient(room.port) as client:
        client.send(b"\x16\x03\x01\x02\r\n\r\n")
        assert parse_head(client.read_to_end()).status == 400


def test_a_plain_get_of_the_sockets_path_is_told_to_upgrade(room):
    answer, _ = get(room, "/chat")
    assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")


def test_only_its_own_page_and_programs_come_in(room):
    own = f"http://127.0.0.1:{room.port}"
    for origin in (own, None):
        Client(room.url).connect(origin=origin).close()
    for origin in (
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",  # another program's page on this machine
        f"https://127.0.0.1:{room.port}",
        "http://localhost:" + str(room.port),  # not the host that was asked for
    ):
        with pytest.raises(HandshakeFailed) as refused:
            Client(room.url).connect(origin=origin)
        assert refused.value.status == 403


def test_its_page_through_a_tap_comes_in_too(room):
    with Tap(room.url, Capture()) as tap:
        Client(tap.url).connect(origin=f"http://127.0.0.1:{tap.port}").close()


def test_a_strange_host_name_gets_neither_page_nor_socket(room):
    # DNS rebinding: evil.example now points to 127.0.0.1, and Origin agrees with Host.
    host = f"evil.example:{room.port}"
    for path in ("/", "/chat", "/unsafe"):
        answer, body = get(room, path, Host=host, Origin=f"http://{host}")
        assert answer.status == 403
        assert room._ticket.encode() not in body


def test_a_lesson_can_let_a_page_of_another_origin_in(room):
    room.allowed_origins.add("https://hub.example")
    Client(room.url).connect(origin="https://hub.example").close()
    with pytest.raises(HandshakeFailed):
        Client(room.url).connect(origin="https://evil.example")


def test_the_sandboxed_page_comes_in_by_its_ticket_only(room):
    Client(f"{room.url}?ticket={room._ticket}").connect(origin="null").close()
    for ticket in ("", "wrong", room._ticket[:-1]):
        with pytest.raises(HandshakeFailed):
            Client(f"{room.url}?ticket={ticket}").connect(origin="null")
    with pytest.raises(HandshakeFailed):
        Client(f"{room.url}?ticket={room._ticket}").connect(origin="https://evil.example")


def test_cookies_reach_neither_the_recording_nor_the_log(room, tmp_path):
    capture = Capture()
    with Tap(room.url, capture) as tap:
        connection = http.client.HTTPConnection("127.0.0.1", tap.port, timeout=10)
        connection.request("GET", "/", headers={"Cookie": "login=do-not-keep-me"})
        assert connection.getresponse().status == 200
        connection.close()
        client = Client(tap.url).connect(headers={"Cookie": "login=do-not-keep-me"})
        client.send("hello")
        client.close()
    kept = b"".join(
        save(capture, tmp_path / f"capture.{kind}").read_bytes()
        for kind in ("jsonl", "har", "pcapng")
    )
    for stream in capture.log.streams:
        assert b"do-not-keep-me" not in stream
    assert b"Cookie: ***" in capture.stream(1, "client").replace(b" ****", b" ***")
    for form in (b"do-not-keep-me", b"do-not-keep-me".hex().encode()):
        assert form not in kept
    assert "do-not-keep-me" not in "".join([*room.log, *tap.log, *tap.faults])


def test_a_broken_frame_ends_one_connection_only(room):
    room.stop()
    room.close_timeout = 0.2  # this one will not answer
    room.start()
    ada = come_in(room, "Ada")
    with socket.create_connection(("127.0.0.1", room.port), timeout=10) as sock:
        sock.sendall(
            b"GET /chat?name=Odd HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert hear(ada, "join")["name"] == "Ada"
        assert hear(ada, "join")["name"] == "Odd"
        sock.sendall(b"\x83\x80\0\0\0\0")  # opcode 3 does not exist
        assert "1002" in hear(ada, "leave")["why"]


def test_another_library_is_served_as_well(room):
    with library_connect(f"{room.url}?name=Sync", proxy=None, open_timeout=10) as client:
        assert json.loads(client.recv(timeout=10))["event"] == "welcome"
        client.send(b"binary")
        assert json.loads(client.recv(timeout=10))["event"] == "join"
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003
