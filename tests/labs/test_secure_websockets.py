"""The lab of the secure websockets lesson, on real sockets."""

from __future__ import annotations


def test_letters_cost_as_many_bytes_as_utf8_takes(lab):
    rows = lab.measure("Hello", "Grüße").rows
    assert [row[1:] for row in rows] == [["5", "11"], ["5", "13"]]
