"""What one client that reads nothing does to the others, on each of the four ways."""

from __future__ import annotations

import pytest

from wslab.net.trials import WAYS, measure_fan_out


def test_awaiting_each_in_turn_stops_everybody():
    result = measure_fan_out("await each in turn", readers=4)
    assert result.delivered < 0.5
    assert result.slow_one == "still in the room"


@pytest.mark.parametrize("way", [way for way in WAYS if way != "await each in turn"])
def test_the_other_ways_lose_nothing(way):
    assert measure_fan_out(way, readers=4).delivered == 1.0


def test_broadcast_piles_up_what_dropping_caps():
    kept, capped = (
        measure_fan_out("broadcast()", readers=2),
        measure_fan_out("drop the slow one", readers=2),
    )
    assert kept.waiting > 4 * capped.waiting
    assert kept.slow_one == "still in the room"
    assert capped.slow_one == "shown out: 1013"
