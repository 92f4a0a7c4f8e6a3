"""What the exercises on certificates say, OpenSSL says as well: with real certificates."""

from __future__ import annotations

import ssl
from contextlib import suppress

import pytest

from wslab.exercises.secure_websockets import (
    CERTIFICATE,
    check_context,
    check_fault,
)
from wslab.net.tls import Authority


@pytest.fixture
def authority():
    with Authority("of the exercises") as made:
        yield made


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """A handshake in memory. Raises what the client's side raises."""
    bios = [ssl.MemoryBIO() for _ in range(2)]
    one = client.wrap_bio(*bios, server_hostname=host)
    other = server.wrap_bio(*reversed(bios), server_side=True)
    for side in (one, other, one):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return one


def lets_in(context: ssl.SSLContext, server: ssl.SSLContext, host: str = "127.0.0.1") -> bool:
    try:
        shake_hands(context, server, host)
    except ssl.SSLError:
        return False
    return True


def test_each_wrong_context_lets_an_impostor_in_or_keeps_the_server_out(authority):
    file = str(authority.file)
    good, other, unknown = map(authority.server, ("", "wrong host", "unknown authority"))
    right = check_context.expected(file)
    assert [lets_in(right, one) for one in (good, other, unknown)] == [True, False, False]
    checks_nothing, any_host, not_ours, a_server = check_context.mistakes.values()
    assert lets_in(checks_nothing.function(file), unknown)
    assert not lets_in(any_host.function(file), unknown)
    assert lets_in(any_host.function(file), other)
    assert not lets_in(not_ours.function(file), good)
    assert not lets_in(a_server.function(file), good)


def test_the_certificate_has_the_form_that_pythons_ssl_gives(authority):
    server = authority.server("", "shop.example", "*.cdn.example", "192.0.2.7")
    given = shake_hands(authority.client(), server, "shop.example").getpeercert()
    assert given.keys() >= CERTIFICATE.keys()
    assert given["subjectAltName"] == CERTIFICATE["subjectAltName"]
    assert isinstance(ssl.cert_time_to_seconds(given["notAfter"]), int)


@pytest.mark.parametrize("host", sorted({host for _, host, _ in check_fault.cases}))
def test_openssl_agrees_about_the_names(authority, host):
    names = [name for _, name in CERTIFICATE["subjectAltName"]]
    server = authority.server("", *names)
    now = ssl.cert_time_to_seconds("Nov 29 12:00:00 2026 GMT")
    expected = check_fault.expected(CERTIFICATE, host, now)
    assert bool(expected) != lets_in(authority.client(), server, host)
