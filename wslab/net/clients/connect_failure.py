"""Explains why a connection did not open, so that a learner knows what to do next."""

from __future__ import annotations

import errno
import socket
import ssl

from websockets.exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    SecurityError,
)

from wslab.net import registry
from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import (
    ConnectFailed,
    ConnectTimedOut,
    HandshakeFailed,
    WrongURL,
    WrongValue,
    WslabError,
)

_WHAT_NOW = {
    301: "this is a redirect that could not be followed",
    302: "this is a redirect that could not be followed",
    400: "the server finds something wrong with the request: compare it with RFC 6455 §4.2.1",
    401: "the server wants to know who asks: pass headers={'Authorization': ...}",
    403: "the server does not let this client in: is the Origin one that it allows?",
    404: "the server is there, but nothing is at this path: check the path of the URL",
    405: "the server wants another method than GET: this path is not for WebSocket",
    426: "the server wants another protocol or version: compare its Upgrade and "
    "Sec-WebSocket-Version with what was sent",
    503: "the server is starting, stopping or busy: try again",
}

_PLAIN = "If the server speaks plain WebSocket, the URL begins with ws://, not wss://"

_OTHER_HOST = (
    "that was made for another host",
    "is the host in the URL right? If it is, the server needs a certificate with this host in it",
)
_UNKNOWN_AUTHORITY = (
    "from an authority that this client does not know",
    "if the authority is your own, name its file: tls=ssl.create_default_context(cafile=…), or "
    "SSL_CERT_FILE=… in a shell",
)
_CERTIFICATES = {
    9: ("that is not valid yet", "is the clock of this machine right?"),
    10: ("that has expired", "the server needs a new one, or the clock of this machine is wrong"),
    62: _OTHER_HOST,  # a name
    64: _OTHER_HOST,  # an IP address
}
"""What is wrong, and what to do, by OpenSSL's verify codes (x509_vfy.h)."""

# What Linux and macOS call ECONNREFUSED, Windows calls WSAECONNREFUSED or (proactor) 1225.
_REFUSED = {errno.ECONNREFUSED, 10061, 1225}


def explain(
    error: Exception, address: Address, open_timeout: float | None, reached: bool
) -> WslabError:
    """Turn what the `websockets` library or the system raised into one of our errors.

    `reached` says whether the TCP connection was established. The caller raises the result
    ``from`` `error`, so that a lesson can still show what the library said.
    """
    where = f"{address.host_in_url}:{address.port}"
    if isinstance(error, TimeoutError) and open_timeout is not None:
        got_to = (
            "the TCP connection opened and the request was sent, but no answer came"
            if reached
            else f"{where} did not even accept a TCP connection"
        )
        return ConnectTimedOut(
            f"expected {address.url} to answer the handshake within {open_timeout:g} s: {got_to}. "
            "Is it a WebSocket server, and is it alive? open_timeout=... sets the patience in "
            "seconds"
        )
    if isinstance(error, InvalidStatus):
        return _explain_status(error, address)
    if isinstance(error, InvalidMessage):
        return HandshakeFailed(
            f"expected an HTTP response from {address.url}, got none that makes sense "
            f"({_because(error)}). Something listens at {where}, but it may not be a WebSocket "
            "server, or it closed the connection at once"
        )
    if isinstance(error, InvalidURI) and not reached:
        return WrongURL(f"expected ws://host:port/path: {error}")
    if isinstance(error, InvalidURI):
        return HandshakeFailed(
            f"{address.url} answered with a redirect to a place where no WebSocket client can go "
            f"({error})"
        )
    if isinstance(error, SecurityError):
        return HandshakeFailed(f"{address.url} was not followed for safety: {_because(error)}")
    if isinstance(error, InvalidHandshake):
        return HandshakeFailed(
            f"expected a valid handshake from {address.url}: it answered 101, but a client must "
            f"not accept this answer (RFC 6455 §4.1): {_because(error)}",
            status=101,
        )
    if isinstance(error, socket.gaierror):
        return ConnectFailed(
            f"expected a host name that exists, got {address.host!r} ({error.strerror}): check the "
            f"spelling; this machine itself is {LOOPBACK}"
        )
    if isinstance(error, ssl.SSLError):
        return explain_tls(error, address)
    if isinstance(error, OSError):
        if _refused(error):
            return ConnectFailed(_nobody_listens(address, where))
        if reached:
            return HandshakeFailed(
                f"the connection to {address.url} broke before the handshake was answered: "
                f"{_because(error)}. {_PLAIN if address.secure else ''}".rstrip()
            )
        return ConnectFailed(f"no TCP connection to {where}: {_because(error)}")
    if isinstance(error, (ValueError, TypeError)):
        return WrongValue(f"the handshake cannot be sent like this: {error}")
    return ConnectFailed(f"connecting to {address.url} failed: {type(error).__name__}: {error}")


def explain_tls(error: ssl.SSLError, address: Address) -> ConnectFailed:
    """Why TLS failed, and what to do. The caller raises the result ``from`` `error`."""
    where = f"{address.host_in_url}:{address.port}"
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        got, what_now = _CERTIFICATES.get(error.verify_code, _UNKNOWN_AUTHORITY)
        return ConnectFailed(
            f"expected a certificate of {where} that can be trusted, got one {got} "
            f"({error.verify_message}): {what_now}. Do not switch the check off: then anybody on "
            "the way can answer in the server's name"
        )
    if reason.endswith("PROTOCOL_VERSION") or reason.startswith("UNSUPPORTED_PROTOCOL"):
        return ConnectFailed(
            f"expected a version of TLS that {where} speaks too, there is none ({reason}): one of "
            "the two is too old or too strict. minimum_version and maximum_version of the context "
            "say what this client speaks"
        )
    return ConnectFailed(f"TLS with {where} failed: {reason or error}. {_PLAIN}")


def _explain_status(error: InvalidStatus, address: Address) -> HandshakeFailed:
    response = error.response
    body = bytes(response.body or b"")
    start = body[:200].decode(errors="replace").strip()
    said = f', and said: "{start}{"…" if len(body) > 200 else ""}"' if start else ""
    what_now = _WHAT_NOW.get(
        response.status_code, "only 101 opens a WebSocket: is this the server, and the path?"
    )
    return HandshakeFailed(
        f"expected 101 Switching Protocols from {address.url}, got {response.status_code} "
        f"{response.reason_phrase}{said}; {what_now}",
        status=response.status_code,
        headers=dict(response.headers.raw_items()),
        body=body,
    )


def _refused(error: OSError) -> bool:
    # If a name has several addresses, asyncio joins their errors to one without a number.
    folded = (f"[Errno {number}]" for number in _REFUSED)
    return error.errno in _REFUSED or any(number in str(error) for number in folded)


def _nobody_listens(address: Address, where: str) -> str:
    port = "" if address.explicit_port else f" The URL names no port, so {address.port} was tried."
    # Each address once: a lab has the same one as its tap.
    here = {f"{e.name} {e.url}": None for e in registry.running() if e.port is not None}
    ours = f" Ours are: {', '.join(here)}." if here else " No server of ours is running."
    return (
        f"expected a server at {where}, but nobody listens there.{port}{ours} "
        "Is the server started, and is this its port?"
    )


def _because(error: BaseException) -> str:
    """The error and what caused it, in one line."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(texts) < 3:
        texts.append(str(cause) or type(cause).__name__)
        cause = cause.__cause__
    return "; ".join(texts)
