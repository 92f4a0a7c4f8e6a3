"""The attack of `invariants.py` on a few streams; by itself it takes many."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import invariants


def test_random_streams_are_the_same_however_cut_and_lose_nothing_in_a_file(capsys):
    assert invariants.main(40, 9) == 0, capsys.readouterr().out
