"""The close codes: one table, read by the views, the lessons and the tests.

Source: RFC 6455 §7.4 and IANA's registry "WebSocket Close Code Number Registry" (`IANA`), which
§11.7 sets up. 1012-1014 and those from 3000 on were registered later and are only in the registry.
What a client should do next applies §7.2.3 (wait before reconnecting, longer each time) to each.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

IANA = "https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number"
"""The address of the registry."""

Who = Literal["either peer", "server", "client", "nobody"]
Reconnect = Literal["no", "at once", "later", "after a change"]


class CloseCode(NamedTuple):
    """What a close code means."""

    code: int
    name: str
    meaning: str
    sendable: bool
    """Whether it may stand in a close frame (RFC 6455 §7.4.1)."""
    rfc: str
    who: Who = "either peer"
    """Who sends it. The registry lets either peer send most codes; this names the one for which
    the code makes sense."""
    reconnect: Reconnect = "no"
    """Whether a client whose connection ended with this code should connect again."""
    then: str = ""
    """What that client should do next."""


_CODE = "RFC 6455 §7.4.1"
_REGISTRY = "IANA: close codes"
_IN_RANGES = "RFC 6455 §7.4.2"
_NEVER = "never met: nobody may send it"

# fmt: off
_TABLE = (
    CloseCode(1000, "Normal Closure", "the work is done", True, _CODE,
              "either peer", "no", "nothing: both sides are done"),
    CloseCode(1001, "Going Away", "a server shuts down or a page is left", True, _CODE,
              "either peer", "later", "from a server: connect again, after a random wait"),
    CloseCode(1002, "Protocol Error", "the peer broke a rule of the protocol", True, _CODE,
              "either peer", "after a change", "find the bug: the same bytes will fail again"),
    CloseCode(1003, "Unsupported Data", "a type of message it cannot take", True, _CODE,
              "either peer", "after a change", "connect again only to send the other type"),
    CloseCode(1004, "Reserved", "has no meaning yet", False, _CODE,
              "nobody", "no", _NEVER),
    CloseCode(1005, "No Status Received", "the close frame carried no code", False, _CODE,
              "nobody", "no", "as after 1000: the peer closed properly and gave no code"),
    CloseCode(1006, "Abnormal Closure", "no close frame arrived at all", False, _CODE,
              "nobody", "later", "connect again, after a random wait that grows with each failure"),
    CloseCode(1007, "Invalid Payload Data",
              "content of the wrong form, such as text that is not UTF-8", True, _CODE,
              "either peer", "after a change", "find the bug: text must be UTF-8"),
    CloseCode(1008, "Policy Violation", "against the peer's rules", True, _CODE,
              "either peer", "after a change", "log in, or stop doing what is not allowed"),
    CloseCode(1009, "Message Too Big", "longer than the peer takes", True, _CODE,
              "either peer", "after a change", "connect again and send less at a time"),
    CloseCode(1010, "Mandatory Extension",
              "the client needs an extension that the server did not agree to", True, _CODE,
              "client", "no", "do without the extension, or use another server"),
    CloseCode(1011, "Internal Error", "the peer met a fault of its own", True, _CODE,
              "either peer", "later", "connect again after a wait; if it stays so, tell somebody"),
    CloseCode(1012, "Service Restart", "come back in a moment", True, _REGISTRY,
              "server", "later", "connect again, after a random wait of 5 to 30 seconds"),
    CloseCode(1013, "Try Again Later", "too busy at present", True, _REGISTRY,
              "server", "later", "connect again much later, or to another address"),
    CloseCode(1014, "Bad Gateway", "a gateway got a bad answer", True, _REGISTRY,
              "server", "later", "connect again after a wait: what stands behind it is broken"),
    CloseCode(1015, "TLS Handshake", "the TLS handshake failed", False, _CODE,
              "nobody", "after a change", "look at the certificate, its names and its dates"),
    CloseCode(3000, "Unauthorized", "the endpoint wants to know who asks", True, _REGISTRY,
              "server", "after a change", "log in (again), then connect again"),
    CloseCode(3003, "Forbidden", "known, but not allowed to do this", True, _REGISTRY,
              "server", "no", "nothing: asking again will not help"),
    CloseCode(3008, "Timeout", "it took too long", True, _REGISTRY,
              "either peer", "at once", "connect again"),
)
_RANGES = (  # each starts at its own code and ends before the next one's
    CloseCode(0, "Not Used", "codes below 1000 are not used", False, _IN_RANGES,
              "nobody", "no", _NEVER),
    CloseCode(1000, "Unassigned", "kept for the protocol itself", False, _IN_RANGES,
              "nobody", "no", _NEVER),
    CloseCode(3000, "Library Code", "for libraries and frameworks", True, _IN_RANGES,
              "either peer", "after a change", "what that library's documentation says"),
    CloseCode(4000, "Private Code", "whatever the two peers agreed on", True, _IN_RANGES,
              "either peer", "after a change", "whatever the two peers agreed on"),
    CloseCode(5000, "Out Of Range", "no range is set for it", False, _IN_RANGES,
              "nobody", "no", _NEVER),
)
# fmt: on
CLOSE_CODES: dict[int, CloseCode] = {code.code: code for code in _TABLE}
"""Every close code that has a meaning of its own, by number."""


def close_code(code: int) -> CloseCode:
    """Look up what `code` means, for any number from 0 to 65535.

    RFC 6455 §7.4.2: 0-999 are not used, 1000-2999 belong to the protocol, 3000-3999 to libraries
    and frameworks (registered with IANA), 4000-4999 to private agreement.
    """
    if code in CLOSE_CODES:
        return CLOSE_CODES[code]
    *_, found = (whole for whole in _RANGES if whole.code <= max(code, 0))
    return found._replace(code=code)
