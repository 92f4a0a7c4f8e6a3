"""What travels is exact, and survives text that nobody should send."""

from __future__ import annotations

import struct

from wslab.view.live.batches import clipped, link, pack
from wslab.wire import KINDS
from wslab.wire.recording import Row


def row(**changes) -> Row:
    values = {
        "number": 0, "time": 1.5, "connection": 3, "direction": "server", "kind": "text",
        "offset": 0, "length": 2**40, "fin": True, "preview": "x", "broken": False,
    }  # fmt: skip
    return Row(**{**values, **changes})


def test_columns_are_little_endian_and_hold_what_a_capture_can_hold():
    columns, previews = pack([row(), row(preview="Grüße", connection=2**32 - 1)])
    assert columns == struct.pack("<4d4I4B", 1.5, 1.5, 2**40, 2**40, 1, 8, 3, 2**32 - 1, 3, 3, 1, 1)
    assert previews == "xGrüße".encode()
    assert list(KINDS)[3] == "text"


def test_no_rows_are_two_empty_buffers():
    assert pack([]) == [b"", b""]


def test_half_a_surrogate_pair_does_not_break_the_way_to_the_page():
    _, previews = pack([row(preview="\ud800")])
    assert previews.decode()
    assert clipped("a\udc00").encode() == b"a?"


def test_values_are_clipped_and_none_stays_none():
    assert clipped(None) is None
    assert clipped(0) == "0"
    assert len(clipped("x" * 10_000)) < 500


def test_a_reference_that_is_no_rfc_has_no_link():
    assert link("RFC 6455 §5.2") == "https://www.rfc-editor.org/rfc/rfc6455.html#section-5.2"
    assert link("WHATWG") is None
