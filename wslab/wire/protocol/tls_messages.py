"""The messages of a TLS handshake that cross unencrypted: above all, what a ClientHello says.

Sources: RFC 8446 §4 (TLS 1.3) and RFC 5246 §7.4 (TLS 1.2) for the messages, RFC 8446 §4.2 for
extensions, RFC 6066 §3 for the server's name and RFC 7301 §3.1 for ALPN. In TLS 1.3 only the two
hellos can be read, in TLS 1.2 the server's certificate as well.
"""

from __future__ import annotations

from ..reader import Reader, Short

VERSIONS = {
    0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3",
}  # fmt: skip
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
_NAMES = {
    0: "HelloRequest", _CLIENT_HELLO: "ClientHello", _SERVER_HELLO: "ServerHello",
    4: "NewSessionTicket", _CERTIFICATE: "Certificate", 12: "ServerKeyExchange",
    13: "CertificateRequest", 14: "ServerHelloDone", 15: "CertificateVerify",
    16: "ClientKeyExchange", 22: "CertificateStatus",
}  # fmt: skip
_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS = 0, 16, 43
_EXTENSIONS = {
    _SERVER_NAME: "server_name", 5: "status_request", 10: "supported_groups",
    11: "ec_point_formats", 13: "signature_algorithms",
    _ALPN: "application_layer_protocol_negotiation", 18: "signed_certificate_timestamp",
    21: "padding", 22: "encrypt_then_mac", 23: "extended_master_secret",
    27: "compress_certificate", 35: "session_ticket", 41: "pre_shared_key",
    _SUPPORTED_VERSIONS: "supported_versions", 45: "psk_key_exchange_modes",
    49: "post_handshake_auth", 51: "key_share", 0xFE0D: "encrypted_client_hello",
    0xFF01: "renegotiation_info",
}  # fmt: skip
_CIPHERS = {
    0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
}  # fmt: skip
_EXTENSION = "RFC 8446 §4.2"


def message_names(body: bytes) -> list[str]:
    """The names of the messages in a record; empty where they are encrypted.

    Nothing in a record says whether it is encrypted, but encrypted bytes make no chain of messages
    with known types and lengths that fit. A hello that goes on in the next record has a version.
    """
    names, at = list[str](), 0
    while at + 4 <= len(body) and body[at] in _NAMES:
        names.append(_NAMES[body[at]])
        at += 4 + int.from_bytes(body[at + 1 : at + 4], "big")
    goes_on = at > len(body) and body[0] in (_CLIENT_HELLO, _SERVER_HELLO) and body[4:5] == b"\x03"
    return names if at == len(body) or goes_on else []


def message_fields(reader: Reader) -> None:
    """Cover the messages of a record with fields."""
    while reader.left:
        kind = reader.data[reader.at]
        rfc = "RFC 8446 §4"
        reader.take("message type", 1, _NAMES[kind], f"Number {kind}.", rfc)
        size = reader.number("message length", 3, "Bytes of the message that follow.", rfc)
        part = Reader(reader.data, reader.at, min(reader.stop, reader.at + size))
        try:
            if kind == _CLIENT_HELLO:
                _client_hello(part)
            elif kind == _SERVER_HELLO:
                _server_hello(part)
            elif kind == _CERTIFICATE:
                says = "The server's certificates, which only TLS 1.3 hides."
                part.rest("certificates", says, "RFC 5246 §7.4.2")
        except Short:
            part.rest("cut off", "Goes on in the next record.", "RFC 8446 §5.1")
        part.rest("content", "The rest of the message.", rfc)
        reader.fields += part.fields
        reader.at = part.at


def _client_hello(reader: Reader) -> None:
    rfc = "RFC 8446 §4.1.2"
    _begin_hello(reader, rfc)
    size = reader.number("cipher suites length", 2, "Bytes of the list.", rfc)
    says = "What the client can encrypt with, two bytes each."
    _take(reader, "cipher suites", size, f"{size // 2} of them", says, rfc)
    size = reader.number("compression methods length", 1, "Bytes of the list.", rfc)
    _take(reader, "compression methods", size, None, "Only 0, none, is left.", rfc)
    _extensions(reader, in_client_hello=True)


def _server_hello(reader: Reader) -> None:
    rfc = "RFC 8446 §4.1.3"
    _begin_hello(reader, rfc)
    chosen = int.from_bytes(_peek(reader, 2), "big")
    name = _CIPHERS.get(chosen, f"number {chosen:#06x}")
    _take(reader, "cipher suite", 2, name, "What the server has chosen.", rfc)
    _take(reader, "compression method", 1, None, "None.", rfc)
    _extensions(reader, in_client_hello=False)


def _begin_hello(reader: Reader, rfc: str) -> None:
    says = "TLS 1.3 says this for old devices, and its real version in an extension."
    _take(reader, "hello version", 2, _version(_peek(reader, 2)), says, rfc)
    _take(reader, "random", 32, None, "New for each connection: the keys depend on it.", rfc)
    size = reader.number("session id length", 1, "Bytes of the session id.", rfc)
    _take(reader, "session id", size, None, "TLS 1.3 has it only for old devices.", rfc)


def _extensions(reader: Reader, *, in_client_hello: bool) -> None:
    if not reader.left:
        return  # TLS 1.2 may have none
    reader.number("extensions length", 2, "Bytes of all extensions.", _EXTENSION)
    while reader.left and not reader.full:
        kind = int.from_bytes(_peek(reader, 2), "big")
        name = _EXTENSIONS.get(kind) or _number(kind)
        _take(reader, "extension", 2, name, f"Number {kind}.", _EXTENSION)
        size = reader.number("extension length", 2, "Bytes of its data.", _EXTENSION)
        reader.need(size, name)
        data = Reader(reader.data, reader.at, reader.at + size)
        try:
            if kind == _SERVER_NAME and size:
                _server_name(data)
            elif kind == _ALPN:
                _protocols(data)
            elif kind == _SUPPORTED_VERSIONS:
                _versions(data, in_client_hello)
        except Short:
            pass  # it is not what its number says
        data.rest("extension data", f"What {name} says.", _EXTENSION)
        reader.fields += data.fields
        reader.at = data.at


def _server_name(reader: Reader) -> None:
    rfc = "RFC 6066 §3"
    reader.number("name list length", 2, "Bytes of the list, which has one name.", rfc)
    reader.number("name type", 1, "0: the name of a host.", rfc)
    size = reader.number("name length", 2, "Bytes of the name.", rfc)
    says = "Whom the client wants to talk to, for everybody on the way to read."
    _take(reader, "server name", size, _text(_peek(reader, size)), says, rfc)


def _protocols(reader: Reader) -> None:
    rfc = "RFC 7301 §3.1"
    reader.number("protocol list length", 2, "Bytes of the list.", rfc)
    while reader.left:
        size = reader.number("protocol length", 1, "Bytes of the protocol's name.", rfc)
        says = "What is to be spoken inside TLS: http/1.1 can become a WebSocket."
        _take(reader, "protocol", size, _text(_peek(reader, size)), says, rfc)


def _versions(reader: Reader, in_client_hello: bool) -> None:
    rfc = "RFC 8446 §4.2.1"
    if not in_client_hello:
        says = "The version that is spoken from now on."
        _take(reader, "selected version", 2, _version(_peek(reader, 2)), says, rfc)
        return
    size = reader.number("versions length", 1, "Bytes of the list.", rfc)
    found = _peek(reader, size)
    names = ", ".join(_version(found[at : at + 2]) for at in range(0, size, 2))
    _take(reader, "versions", size, names, "The versions that the client speaks.", rfc)


def _version(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    return VERSIONS.get(number) or _number(number)


def _number(number: int) -> str:
    # RFC 8701: GREASE has no meaning, so that servers learn to skip what they do not know.
    return "GREASE" if number & 0x0F0F == 0x0A0A else f"number {number}"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _peek(reader: Reader, size: int) -> bytes:
    reader.need(size, "what follows")
    return reader.data[reader.at : reader.at + size]


def _take(reader: Reader, name: str, size: int, value: str | None, meaning: str, rfc: str) -> None:
    """Cover `size` bytes, all of them or none."""
    reader.need(size, name)
    reader.take(name, size, value, meaning, rfc)
