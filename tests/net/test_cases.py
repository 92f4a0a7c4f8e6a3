"""The record of which all tables of cases are made."""

from __future__ import annotations

import pytest

from wslab.net.cases import (
    EXTENSIONS,
    FAULTY_CLIENTS,
    FAULTY_FRAMES,
    FAULTY_SERVERS,
    FURTHER_FRAMES,
    OFFENDERS,
    SUBPROTOCOLS,
    Head,
)
from wslab.wire import rfc_url

TABLES = [
    FAULTY_CLIENTS,
    FAULTY_SERVERS,
    FAULTY_FRAMES,
    FURTHER_FRAMES,
    OFFENDERS,
    SUBPROTOCOLS,
    EXTENSIONS,
]
CASES = [case for table in TABLES for case in table.values()]


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_side_has_each_name_once(side):
    names = [case.name for case in CASES if side in case.by]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case.name)[:30])
def test_a_case_says_what_is_done_and_why_and_where_that_stands(case):
    assert case.what
    assert case.why
    assert case.section.startswith("RFC ")
    assert rfc_url(case.section)
    assert case.by


def test_frames_are_masked_by_clients_unless_that_is_what_is_wrong():
    opcode = FAULTY_FRAMES["reserved-opcode"]
    assert [frame.masking_key for frame in opcode.frames("server")] == [None]
    assert [frame.masking_key for frame in opcode.frames("client")] != [None]
    assert FAULTY_FRAMES["masks-its-frames"].frames("server")[0].masking_key is not None
    assert FAULTY_FRAMES["sends-unmasked"].frames("client")[0].masking_key is None


@pytest.mark.parametrize("case", [FAULTY_CLIENTS["correct"], FAULTY_FRAMES["vanishes"]])
def test_a_head_or_a_script_has_no_frames_to_show(case):
    with pytest.raises(TypeError, match=f"expected a case that sends frames, got '{case.name}'"):
        case.frames("client")


def test_a_script_stands_only_where_timing_or_an_answer_matters():
    scripts = {case.name for case in CASES if callable(case.sends)}
    assert scripts == {
        "never-answers-close",
        "answers-another-code",
        "keeps-tcp-open",
        "never-answers",
        "vanishes",
        "half-closes",
        "cuts-a-frame-short",
        "Flo",
    }
    assert all(isinstance(case.sends, Head) for case in FAULTY_SERVERS.values())
