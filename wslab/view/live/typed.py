"""Parses what was typed into a field. Raises ValueError, which says what was expected."""

from __future__ import annotations


def typed_bytes(text: str, what: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"expected the {what} in hex, two digits a byte, got {text!r}") from None


def typed_length(text: str) -> int | None:
    """The length that was typed, in bytes; None for an empty field."""
    text = text.strip()
    if not text:
        return None
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(
            f"expected a length in bytes, such as 300 or 0xffff, got {text!r}"
        ) from None
