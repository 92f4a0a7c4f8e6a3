"""The close codes: one table, read by the views, the lessons and the tests.

Source: RFC 6455 §7.4 and IANA's registry "WebSocket Close Code Number Registry".
"""

from __future__ import annotations

from typing import NamedTuple


class CloseCode(NamedTuple):
    """What a close code means."""

    code: int
    name: str
    meaning: str
    sendable: bool
    """Whether it may stand in a close frame (RFC 6455 §7.4.1)."""
    rfc: str


CLOSE_CODES: dict[int, CloseCode] = {
    code.code: code
    for code in [
        CloseCode(1000, "Normal Closure", "the work is done", True, "RFC 6455 §7.4.1"),
        CloseCode(
            1001, "Going Away", "a server shuts down or a page is left", True, "RFC 6455 §7.4.1"
        ),
        CloseCode(
            1002, "Protocol Error", "the peer broke a rule of the protocol", True, "RFC 6455 §7.4.1"
        ),
        CloseCode(
            1003, "Unsupported Data", "a type of message it cannot take", True, "RFC 6455 §7.4.1"
        ),
        CloseCode(1004, "Reserved", "has no meaning yet", False, "RFC 6455 §7.4.1"),
        CloseCode(
            1005, "No Status Received", "the close frame carried no code", False, "RFC 6455 §7.4.1"
        ),
        CloseCode(
            1006, "Abnormal Closure", "no close frame arrived at all", False, "RFC 6455 §7.4.1"
        ),
        CloseCode(
            1007,
            "Invalid Payload Data",
            "content of the wrong form, such as text that is not UTF-8",
            True,
            "RFC 6455 §7.4.1",
        ),
        CloseCode(1008, "Policy Violation", "against the peer's rules", True, "RFC 6455 §7.4.1"),
        CloseCode(1009, "Message Too Big", "longer than the peer takes", True, "RFC 6455 §7.4.1"),
        CloseCode(
            1010,
            "Mandatory Extension",
            "the client needs an extension that the server did not agree to",
            True,
            "RFC 6455 §7.4.1",
        ),
        CloseCode(
            1011, "Internal Error", "the peer met a fault of its own", True, "RFC 6455 §7.4.1"
        ),
        CloseCode(1012, "Service Restart", "come back in a moment", True, "RFC 6455 §11.7"),
        CloseCode(1013, "Try Again Later", "too busy at present", True, "RFC 6455 §11.7"),
        CloseCode(1014, "Bad Gateway", "a gateway got a bad answer", True, "RFC 6455 §11.7"),
        CloseCode(1015, "TLS Handshake", "the TLS handshake failed", False, "RFC 6455 §7.4.1"),
    ]
}


def close_code(code: int) -> CloseCode:
    """What `code` means, for any number from 0 to 65535.

    RFC 6455 §7.4.2: 0-999 are not used, 1000-2999 belong to the protocol, 3000-3999 to libraries
    and frameworks (registered with IANA), 4000-4999 to private agreement.
    """
    if code in CLOSE_CODES:
        return CLOSE_CODES[code]
    if code < 1000:
        return CloseCode(
            code, "Not Used", "codes below 1000 are not used", False, "RFC 6455 §7.4.2"
        )
    if code < 3000:
        return CloseCode(
            code, "Unassigned", "kept for the protocol itself", False, "RFC 6455 §7.4.2"
        )
    if code < 4000:
        return CloseCode(
            code, "Library Code", "for libraries and frameworks", True, "RFC 6455 §7.4.2"
        )
    if code < 5000:
        return CloseCode(
            code, "Private Code", "whatever the two peers agreed on", True, "RFC 6455 §7.4.2"
        )
    return CloseCode(code, "Out Of Range", "no range is set for it", False, "RFC 6455 §7.4.2")
