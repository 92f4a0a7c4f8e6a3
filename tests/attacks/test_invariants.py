"""The attack of `invariants.py` on a few streams; by itself it takes many."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import invariants
from streams import request, response

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
REFUSED = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
BEGUN = request()[:100]


def test_random_streams_are_the_same_however_cut_and_lose_nothing_in_a_file(capsys):
    assert invariants.main(40, 9) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "turns",
    [
        # What follows the request that a 101 did not wait for is frames, whatever it looks like.
        [("server", response()), ("client", request() + BEGUN)],
        [("server", response()), ("client", GET), ("client", request() + BEGUN)],
        # As is what was sent before the 101 to an upgrade, or to the second one.
        [("client", request() + BEGUN), ("server", response()), ("client", request()[100:])],
        [("client", request() + request() + BEGUN), ("server", REFUSED + response())],
        [("client", GET + request() + BEGUN), ("server", response()), ("client", BEGUN)],
        # A request on its way when the 101 comes is read to its end.
        [("client", GET + BEGUN), ("server", response()), ("client", request()[100:] + BEGUN)],
        [("client", BEGUN), ("server", response()), ("client", request()[100:] + BEGUN)],
        [("client", BEGUN[:3]), ("server", response()), ("client", BEGUN[3:])],
        [("client", b"POST / HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 999\r\n\r\n" + BEGUN),
         ("server", response()), ("client", BEGUN)],
    ],
)  # fmt: skip
@pytest.mark.parametrize("ends", [[], [("client", "eof"), ("server", "eof")]])
def test_a_101_among_broken_requests_is_read_the_same_however_it_was_cut(turns, ends):
    for seed in range(2):
        assert list(invariants.faults(turns, ends, False, random.Random(seed))) == []
