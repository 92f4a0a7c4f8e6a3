"""A bank's four logins, its tickets, a sniffer before it, and a stranger's page: all for real."""

from __future__ import annotations

import asyncio
import http.client
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as connect_here

from wslab.net import Client, HandshakeFailed, Tap, connect, loop
from wslab.net.guarding import WAYS, AttackServer, Bank, Door, follow_secret, tickets
from wslab.net.guarding.secret_traces import lines
from wslab.net.guarding.tickets import Tickets
from wslab.net.servers import HostedServer
from wslab.wire import Capture, encode_frame


@pytest.fixture
def bank():
    with Bank("bank") as bank:
        yield bank


def post(server, path: str, **fields: str) -> tuple[int, str, str]:
    """Status, text and cookie of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("POST", path, headers=fields)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Set-Cookie", "")
    finally:
        connection.close()


def logged_in(bank: Bank) -> str:
    """The field Cookie of somebody who has logged in."""
    return post(bank, "/login")[2].partition(";")[0]


# --- Tickets


def test_a_ticket_is_good_once():
    office = Tickets()
    one, other = office.issue("Ada"), office.issue("Grace")
    assert len({one, other}) == 2
    assert len(one) == 22  # 16 bytes
    assert [office.redeem(ticket) for ticket in (other, one, one, "made up")] == [
        "Grace", "Ada", None, None,
    ]  # fmt: skip


def test_a_ticket_gets_old_and_is_forgotten(monkeypatch):
    now = 0.0
    monkeypatch.setattr(tickets.time, "monotonic", lambda: now)
    office = Tickets()
    in_time, late = office.issue("Ada"), office.issue("Ada")
    now = tickets.LIFETIME
    assert office.redeem(in_time) == "Ada"
    now = tickets.LIFETIME + 0.1
    assert office.redeem(late) is None
    unused = office.issue("Ada")
    now *= 3
    office.issue("Ada")
    assert unused not in office._open


# --- The bank


def test_the_cookie_is_the_banks_own_and_goes_with_the_logout(bank):
    status, text, cookie = post(bank, "/login")
    assert (status, text) == (200, "cookie")
    assert cookie.startswith(f"wslab_bank_{bank.port}=")
    assert cookie.endswith("; Max-Age=600; Path=/; HttpOnly; SameSite=None; Secure")
    mine = cookie.partition(";")[0]
    assert post(bank, "/ticket", Cookie=f"_xsrf=1; {mine}; username=x")[0] == 200
    status, _, gone = post(bank, "/logout", Cookie=mine)
    assert gone.startswith(f"wslab_bank_{bank.port}=; Max-Age=0; Path=/")
    assert post(bank, "/ticket", Cookie=mine)[0] == 401


def test_a_bank_keeps_so_many_sessions_and_lines(bank, monkeypatch):
    monkeypatch.setattr("wslab.net.guarding.bank.KEPT", 2)
    first, second, third = (logged_in(bank) for _ in range(3))
    came = [post(bank, "/ticket", Cookie=cookie)[0] for cookie in (first, second, third)]
    assert came == [401, 200, 200]
    assert {bank.access_log.maxlen, bank.debug_log.maxlen} == {1000}


@pytest.mark.parametrize("path", ["/by-cookie", "/by-query?token=x", "/by-ticket?ticket=x", "/x"])
def test_a_stranger_is_refused_in_the_handshake(bank, path):
    with pytest.raises(HandshakeFailed) as refused:
        connect(bank.url.rstrip("/") + path)
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"] == "Bearer"  # RFC 9110 §15.5.2


@pytest.mark.parametrize("first", ['{"token": "made up"}', "hello", "[]", '{"token": []}'])
def test_a_first_message_that_is_no_login_is_closed_with_1008(bank, first):
    with Client(f"{bank.url}by-message").connect() as client:
        client.send(first)
        with pytest.raises(ConnectionError):
            client.recv()
        assert client.close_code == 1008


def test_nobody_may_wait_for_ever_with_the_first_message(bank, monkeypatch):
    monkeypatch.setattr("wslab.net.guarding.bank.PATIENCE", 0.05)
    with Client(f"{bank.url}by-message").connect() as client:
        with pytest.raises(ConnectionError):
            client.recv()
        assert client.close_code == 1008


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{port}", 101),
        ("http://127.0.0.1:1", 403),
        ("http://localhost:{port}", 403),
        ("null", 403),
    ],
)
def test_origin_is_compared_as_a_whole(bank, origin, status):
    bank.defence = "Origin"
    headers = {"Cookie": logged_in(bank)}
    try:
        with Client(f"{bank.url}by-cookie").connect(
            origin=origin.format(port=bank.port), headers=headers
        ):
            came = 101
    except HandshakeFailed as refused:
        came = refused.status
    assert came == status
    assert bank.access_log[-1] == f'127.0.0.1 "GET /by-cookie HTTP/1.1" {status}'


def test_with_tickets_a_cookie_alone_opens_no_account(bank):
    bank.defence = "ticket"
    cookie = logged_in(bank)
    with pytest.raises(HandshakeFailed):
        connect(f"{bank.url}by-cookie", headers={"Cookie": cookie})
    ticket = post(bank, "/ticket", Cookie=cookie)[1]
    with connect(f"{bank.url}by-ticket?ticket={ticket}") as client:
        assert client.recv() == "Ada, your balance is 1000"
        client.send("pay 100 to Eve")
        assert client.recv() == "100 paid to Eve, your balance is 900"


def test_only_the_banks_own_page_chooses_its_defence(bank):
    assert post(bank, "/defend?by=ticket", Origin="http://127.0.0.1:1")[0] == 403
    assert bank.defence == "none"
    assert post(bank, "/defend?by=SameSite%3DLax", Origin=f"http://127.0.0.1:{bank.port}")[0] == 200
    assert bank.defence == "SameSite=Lax"
    assert post(bank, "/login")[2].endswith("; HttpOnly; SameSite=Lax")
    assert post(bank, "/defend?by=prayer")[0] == 200
    assert bank.defence == "SameSite=Lax"


# --- Secrets


def test_a_sniffer_reads_heads_and_unmasks_messages_of_any_length():
    head = b"GET / HTTP/1.1\r\nCookie: secret=7\r\n\r\n"
    texts = ["Hello", "x" * 200, "y" * 70_000]
    sent = [encode_frame(1, text.encode(), masking_key=b"\x37\xfa\x21\x3d") for text in texts]
    assert b"Hello" not in sent[0]
    assert lines(head + b"".join(sent)) == ["GET / HTTP/1.1", "Cookie: secret=7", *texts]


@pytest.mark.parametrize("way", WAYS)
def test_where_a_secret_shows(bank, way):
    capture = Capture()
    with Tap(bank.url, capture) as tap:
        found = follow_secret(bank, tap.url, capture, way)
    assert found.said == "Ada, your balance is 1000"
    secret = bank.given[-1]
    assert secret in found.crossed
    assert found.debug
    assert found.access == (way in ("query string", "ticket"))
    assert (secret in found.recorded) == (way == "first message")
    assert len(found.recorded) == len(found.crossed)
    assert found.again == ("401" if way == "ticket" else found.said)


def test_the_strangers_page_may_connect_to_this_machine_only():
    with AttackServer("stranger") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/")
        policy = connection.getresponse().getheader("Content-Security-Policy")
        connection.close()
    wanted = "connect-src http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*"
    assert wanted in policy.split("; ")
    assert server.script.startswith("/** Resolves")
    assert server.script.endswith("}")


# --- Limits


def until(condition: Callable[[], bool]) -> None:
    """Wait, at most 10 s, until the loop thread has come so far."""
    late = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < late
        loop.run(asyncio.sleep(0))


@pytest.mark.skipif(sys.platform != "linux", reason="there 127.0.0.2 is no address of the machine")
def test_a_door_counts_by_address_and_in_all_and_forgets_who_has_gone():
    door = Door(per_address=2, in_all=3)

    async def start():
        return await serve(
            ServerConnection.wait_closed, "127.0.0.1", 0, process_request=door.answer
        )

    with ExitStack() as visitors:
        server = HostedServer(start, "door").start()
        visitors.callback(server.stop)

        def visit(number: int):
            came_from = (f"127.0.0.{number}", 0)
            sock = socket.create_connection(("127.0.0.1", server.port), 5, came_from)
            visitors.callback(sock.close)
            try:
                return visitors.enter_context(connect_here(server.url, sock=sock, proxy=None))
            except InvalidStatus as refused:
                return refused.response.status_code

        first = visit(1)
        assert [isinstance(one, int) for one in (first, visit(1))] == [False, False]
        assert visit(1) == 503
        assert not isinstance(visit(2), int)
        assert visit(2) == 503  # no room is left for anybody
        first.close()
        until(lambda: door.open.total() == 2)
        assert not isinstance(visit(3), int)
    until(lambda: door.open.total() == 0)
