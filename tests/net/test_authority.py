"""The lab's authority: real certificates, servers over TLS, and nothing left of either."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from wslab.net import Client, ConnectFailed, EchoServer, PackageMissing, Tap, registry
from wslab.net.tls import FAULTS, Authority


@pytest.fixture
def authority():
    with Authority() as made:
        yield made


def test_an_echo_server_speaks_tls_and_the_tap_passes_its_bytes_as_they_are(authority, log):
    with (
        EchoServer(tls=authority.server()) as server,
        Tap(server.url, log) as tap,
        Client(tap.url, tls=authority.client()) as client,
    ):
        assert server.url.startswith("wss://127.0.0.1:")
        assert tap.url.startswith("wss://127.0.0.1:")
        client.connect()
        client.send("a secret that nobody reads")
        assert client.recv() == "a secret that nobody reads"
    sent = log.bytes(1, "client")
    came = log.bytes(1, "server")
    assert (sent[:1], came[:1]) == (b"\x16", b"\x16")  # handshake records (RFC 8446 §5.1)
    assert b"secret" not in sent + came
    assert b"HTTP/1.1" not in sent + came


def test_a_client_without_the_authority_does_not_connect(authority):
    with EchoServer(tls=authority.server()) as server, pytest.raises(ConnectFailed) as failed:
        Client(server.url).connect()
    assert isinstance(failed.value.__cause__, ssl.SSLCertVerificationError)


def test_a_server_ends_with_a_client_that_never_says_hello(authority):
    with (
        EchoServer(tls=authority.server()) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        server.stop()
        assert not server.is_running


@pytest.mark.parametrize(
    ("fault", "code"), [("unknown authority", 20), ("wrong host", 64), ("expired", 10)]
)
def test_a_faulty_certificate_is_refused_for_its_fault(authority, fault, code):
    with (
        EchoServer(tls=authority.server(fault)) as server,
        pytest.raises(ConnectFailed) as failed,
    ):
        Client(server.url, tls=authority.client()).connect()
    assert failed.value.__cause__.verify_code == code


def test_an_old_server_serves_who_takes_tls_1_2_and_nobody_else(authority):
    with EchoServer(tls=authority.server("old TLS")) as server:
        with Client(server.url, tls=authority.client()) as client:
            client.connect()
        with pytest.raises(ConnectFailed):
            Client(server.url, tls=authority.client(newest_only=True)).connect()


def test_a_certificate_is_for_the_hosts_that_were_asked_for(authority):
    certificate = x509.load_pem_x509_certificate(authority.issue("", "shop.example").chain)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["shop.example"]
    with pytest.raises(ValueError, match="expected one of '', 'unknown authority'"):
        authority.issue("broken")
    assert len(FAULTS) == 5


def test_its_folder_is_private_holds_no_key_and_goes_with_it(authority):
    authority.server()
    folder = authority.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [one.name for one in folder.iterdir()] == ["authority.pem"]
    assert b"PRIVATE KEY" not in authority.file.read_bytes()
    assert registry.holds(authority)
    authority.stop()
    authority.stop()
    assert not folder.exists()
    assert not registry.holds(authority)
    with authority.start():
        assert authority.folder != folder


KERNEL = """
import os, signal
from wslab.net.tls import Authority
authority = Authority().start()
print(authority.folder, flush=True)
signal.pause()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_killed_kernel_leaves_no_folder():
    command = [sys.executable, "-c", KERNEL]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as kernel:
        folder = Path(kernel.stdout.readline().strip())
        (keeper,) = psutil.Process(kernel.pid).children()
        assert folder.exists()
        kernel.kill()
    keeper.wait(20)
    assert not folder.exists()


def test_without_trustme_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(PackageMissing, match=r"trustme is not installed: pip install 'wslab\[prod"):
        Authority().start()
    assert registry.running() == []
