"""One table of the kinds: complete, in order, and no two look alike."""

from __future__ import annotations

from typing import get_args

from wslab.wire import KINDS, PALETTE, Kind


def test_every_kind_has_its_look():
    assert tuple(KINDS) == get_args(Kind)
    assert len({look.shape for look in KINDS.values()}) == len(KINDS)
    assert {look.colour for look in KINDS.values()} < set(PALETTE.values())
