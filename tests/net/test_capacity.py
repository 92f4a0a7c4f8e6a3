"""What a connection costs, measured in a process of its own, and planned for many."""

from __future__ import annotations

import pytest

from wslab.net.capacity import PORTS, Figures, Wanted, plan, run_out


def test_source_ports_run_out_for_one_server_and_not_for_a_second():
    out = run_out(5)
    assert (out.first, out.second) == (5, 5)
    assert out.error


COST = Figures("plain", memory=10_000, handshake=0.001, delivery=0.000_01)


@pytest.mark.parametrize(
    ("changes", "decides"),
    [({}, "memory"), ({"rate": 5.0}, "messages"), ({"herd": 1.0}, "everybody coming back")],
)
def test_a_plan_multiplies_what_one_costs(changes, decides):
    wanted = Wanted(1_000_000, rate=0.1, heartbeat=20, memory=16e9, cores=8, herd=600)
    need = plan(COST, 8, wanted._replace(**changes))
    assert need.decides == decides
    assert need.memory == 1e10
    assert need.heartbeats == 50_000
    assert need.heartbeat_bytes == 50_000 * (8 + 2 * 52)
    assert need.addresses == 16 == -(-1_000_000 // PORTS)
    if not changes:
        assert need.message_cores == pytest.approx(1)
        assert need.servers["memory"] == pytest.approx(0.625)
    if decides == "everybody coming back":
        assert (need.handshakes, need.herd_cores) == (1e6, pytest.approx(1000))
