"""Every name that the comparison with Autobahn points at is a case."""

from __future__ import annotations

import re
from fnmatch import filter as matching

import pytest
from autobahn_cases import AUTOBAHN

from wslab.conformance import CASES


@pytest.mark.parametrize("ids", AUTOBAHN)
def test_what_autobahn_tries_has_a_case_here_or_a_sentence_why_not(ids):
    what, here = AUTOBAHN[ids]
    assert what
    if isinstance(here, str):
        assert here.endswith(".")
        here = tuple(re.findall(r"`([^`]+)`", here))
    for name in here:
        assert matching(CASES, name), f"no case is called {name}"
