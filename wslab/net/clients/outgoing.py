"""Checks whether an application may send a message, ping or close, before anything is sent."""

from __future__ import annotations

from wslab.net.errors import WrongClose, WrongMessage

MAX_CONTROL_PAYLOAD = 125
"""The most bytes of payload in a ping, pong or close frame (RFC 6455 §5.5)."""


def to_bytes(message: object) -> bytes:
    """Encode a message as a payload: text as UTF-8. Raises `WrongMessage` unless str or bytes."""
    if isinstance(message, str):
        try:
            return message.encode()
        except UnicodeEncodeError as error:
            raise WrongMessage(
                f"expected text that UTF-8 can carry, got half a surrogate pair, "
                f"U+{ord(message[error.start]):04X}, at position {error.start}: text messages are "
                "valid UTF-8 (RFC 6455 §5.6, §8.1). Nothing was sent: replace that character, or "
                "send bytes"
            ) from error
    if isinstance(message, (bytes, bytearray, memoryview)):
        return bytes(message)
    raise WrongMessage(
        f"expected str (sent as text) or bytes (sent as binary), got {type(message).__name__}: "
        f"nothing was sent; for data of other kinds, json.dumps(...) makes a str"
    )


def check_close(code: object, reason: object) -> None:
    """Raise `WrongClose` unless an application may send these (RFC 6455 §7.4, §5.5; WHATWG)."""
    if isinstance(code, bool) or not isinstance(code, int):
        raise WrongClose(f"expected a close code such as 1000, got {code!r}; nothing was sent")
    if code != 1000 and not 3000 <= code <= 4999:
        raise WrongClose(
            f"expected close code 1000 or one from 3000 to 4999, got {code}: the others belong to "
            "the protocol itself or are reserved (RFC 6455 §7.4), and a browser's script may not "
            "pass them either. Nothing was sent, the connection is as it was"
        )
    if not isinstance(reason, str):
        raise WrongClose(f"expected the reason as str, got {reason!r}; nothing was sent")
    try:
        size = len(reason.encode())
    except UnicodeEncodeError as error:
        raise WrongClose(
            f"expected a reason that UTF-8 can carry, got half a surrogate pair at position "
            f"{error.start} (RFC 6455 §5.5.1); nothing was sent, the connection is as it was"
        ) from error
    limit = MAX_CONTROL_PAYLOAD - 2
    if size > limit:
        raise WrongClose(
            f"expected a reason of at most {limit} bytes in UTF-8, got {size}: a control frame has "
            f"room for {MAX_CONTROL_PAYLOAD}, and the code takes 2 (RFC 6455 §5.5). Nothing was "
            "sent, the connection is as it was"
        )


def check_ping(payload: bytes) -> None:
    """Raise `WrongMessage` if a control frame cannot carry the payload (RFC 6455 §5.5)."""
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise WrongMessage(
            f"expected a ping payload of at most {MAX_CONTROL_PAYLOAD} bytes, got {len(payload)} "
            "(RFC 6455 §5.5: control frames are short, and never fragmented); nothing was sent"
        )
