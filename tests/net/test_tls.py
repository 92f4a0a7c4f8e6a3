"""TLS that fails, and what stands on the way: faulty certificates, an old proxy, nginx."""

from __future__ import annotations

import os
import shutil

import pytest

from wslab.net import Client, ConnectFailed, EchoServer, HandshakeFailed, Tap
from wslab.net.browsers import Chromium
from wslab.net.programs import ProgramMissing
from wslab.net.servers import TLSHandshakeServer
from wslab.net.tls import Authority, OldProxy, careless, echo_through, tls_ends


@pytest.fixture(scope="module")
def _kept():
    """One for the whole module; `authority` says that nothing is left behind."""
    made = Authority("kept")
    yield made
    made.stop()


@pytest.fixture
def authority(_kept):
    with _kept:
        yield _kept


# --- What fails, and what is said of it


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("unknown authority", r"an authority that this client does not know .*: if the authority"),
        ("wrong host", r"made for another host .*: is the host in the URL right\?"),
        ("expired", r"has expired .*: the server needs a new one, or the clock"),
    ],
)
def test_a_client_says_what_is_wrong_with_a_certificate_and_what_to_do(authority, fault, said):
    with (
        EchoServer(tls=authority.server(fault)) as server,
        pytest.raises(ConnectFailed, match=rf"{said}.*Do not switch the check off"),
    ):
        Client(server.url, tls=authority.client()).connect()


def test_a_client_says_that_there_is_no_version_in_common(authority, log):
    with (
        TLSHandshakeServer(authority.server("old TLS")) as server,
        Tap(server.url, log) as tap,
        pytest.raises(ConnectFailed, match=r"a version of TLS .* speaks too, there is none"),
    ):
        Client(tap.url, tls=authority.client(newest_only=True)).connect()
    # alert, version, two bytes: fatal, protocol_version (RFC 8446 §6)
    assert log.bytes(1, "server") == bytes.fromhex("15 03 03 00 02 02 46")


def test_who_speaks_another_protocol_is_told_so(lab):
    with pytest.raises(ConnectFailed, match=r"URL begins with ws://, not wss://"):
        Client(lab.server.url.replace("ws://", "wss://")).connect()


def test_a_server_of_handshakes_ends_after_a_good_one(authority):
    with TLSHandshakeServer(authority.server()) as server:
        with pytest.raises(HandshakeFailed):
            Client(server.url, tls=authority.client()).connect()
        server.wait_ended()
        assert server.said == []


def test_a_careless_client_takes_any_certificate(authority):
    with (
        EchoServer(tls=authority.server("unknown authority")) as server,
        Client(server.url, tls=careless()) as client,
    ):
        client.connect()
        client.send("to whom?")
        assert client.recv() == "to whom?"


def test_a_browser_that_is_to_trust_needs_certutil(authority, monkeypatch, tmp_path):
    monkeypatch.setattr(
        shutil, "which", lambda name, **_: None if name == "certutil" else f"/bin/{name}"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(ProgramMissing, match="apt-get install libnss3-tools"):
        Chromium("trusting", trusts=authority.file).start()
    assert list(tmp_path.iterdir()) == []


# --- An old proxy


@pytest.fixture
def way(authority, log, request):
    """(a client's URL, the URL behind the proxy, the proxy, the log of both taps)."""
    secure, habit = request.param
    tls = authority.server() if secure else None
    with (
        EchoServer(tls=tls) as server,
        Tap(server.url, log, name="behind") as behind,
        OldProxy(behind.url, habit) as proxy,
        Tap(proxy.url, log, name="before") as before,
    ):
        yield before, behind, proxy


@pytest.mark.parametrize("way", [(False, "strips")], indirect=True)
def test_it_strips_what_is_for_one_connection(way, log):
    before, _, proxy = way
    assert echo_through(before.url, None) == "Refused with 426"
    assert proxy.did == ["stripped Upgrade and Connection"]
    assert b"\r\nUpgrade: websocket\r\n" in log.bytes(1, "client")
    behind = log.bytes(2, "client")
    assert behind.startswith(b"GET / HTTP/1.1\r\n")
    assert b"Upgrade" not in behind
    assert b"Connection" not in behind
    assert b"\r\nVia: 1.1 old-proxy\r\n" in behind  # RFC 9110 §7.6.3


@pytest.mark.parametrize("way", [(False, "waits")], indirect=True)
def test_it_waits_for_an_answer_behind_101(way, log):
    before, _, _ = way
    assert echo_through(before.url, None) == "It opens, and no echo comes"
    head, _, frames = log.bytes(1, "client").partition(b"\r\n\r\n")
    assert frames[:2] == b"\x81\x85"  # a masked text frame of five bytes, and it got no further:
    assert log.bytes(2, "client") == head + b"\r\n\r\n"


@pytest.mark.parametrize("way", [(True, "strips"), (True, "waits")], indirect=True)
@pytest.mark.parametrize("asked", [False, True])
def test_it_cannot_touch_wss(way, log, authority, asked):
    before, behind, _ = way
    proxy = before.url.replace("wss", "http") if asked else None
    came = echo_through(behind.url if asked else before.url, authority, proxy)
    assert came == "The echo comes back"
    sent = log.bytes(1, "client")
    if asked:
        connect, _, sent = sent.partition(b"\r\n\r\n")
        assert connect.startswith(f"CONNECT 127.0.0.1:{behind.port} HTTP/1.1".encode())
    assert sent == log.bytes(2, "client")  # byte for byte
    assert sent[:1] == b"\x16"


@pytest.mark.parametrize("way", [(False, "strips")], indirect=True)
def test_it_opens_no_tunnel_to_elsewhere(way):
    before, _, _ = way
    with pytest.raises(ConnectFailed, match="403"):
        Client("ws://127.0.0.1:9/", proxy=before.url.replace("ws", "http")).connect()


# --- nginx


@pytest.mark.parametrize(
    ("forgotten", "status", "asked"),
    [
        ("", 101, b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"),
        ("the version", 505, b"GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"),
        ("Upgrade", 426, b"GET / HTTP/1.1\r\nConnection: upgrade\r\n"),
        ("Connection", 426, b"\r\nConnection: close\r\n"),
    ],
)
def test_nginx_needs_each_of_three_lines(authority, lab, forgotten, status, asked):
    nginx = tls_ends(lab.tap.port, authority, "tls", forgotten)
    if nginx.find() is None and not os.environ.get("CI"):
        pytest.skip(nginx.remedy)
    with nginx, Client(nginx.url, tls=authority.client()) as client:
        try:
            client.connect()
            got = 101
        except HandshakeFailed as failed:
            got = failed.status
    # nginx asks in HTTP/1.1 by itself since its version 1.29.7.
    version = b"" if forgotten != "the version" else b"HTTP/1.0"
    sent = lab.capture.stream(1, "client")
    if version in sent:
        assert got == status
        assert asked in sent
