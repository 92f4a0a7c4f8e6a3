"""Every citation leads somewhere, and to the standard whose fact it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import citations

from wslab.wire import CLOSE_CODES

ALL = citations.all_citations()


def test_every_kind_of_text_is_listed():
    kinds = {one.where.split(" ")[0] for one in ALL}
    assert {"01_first_connection", "09_chat", "frames", "rule", "header", "close", "state"} <= kinds
    assert all(one.sentence for one in ALL)


def test_every_link_is_to_a_source_over_https():
    assert {one.url for one in ALL if one.reference and not one.url.startswith("https://")} == set()


def test_a_link_in_brackets_of_its_own_is_for_the_sentence_before_it():
    (found,) = [one for one in ALL if one.where == "03_frames mask-why"]
    assert found.sentence == "No page chooses the server's bytes, so they need no mask. ([§10.3])"


@pytest.mark.parametrize("fact", ["bufferType", "InvalidStateError", "event.message", "wasClean"])
def test_what_a_browser_does_is_cited_from_the_whatwg(fact):
    said = [one for one in ALL if fact in one.sentence and "question" in one.where]
    said += [one for one in ALL if f"`{fact}`" in one.sentence and one.reference == f"`{fact}`"]
    assert all("websockets.spec.whatwg.org" in one.url for one in said)


def test_the_questions_about_the_browser_cite_the_whatwg():
    cited = {one.where: one.url for one in ALL}
    for name in ("early", "buffer_type", "error"):
        assert "whatwg.org" in cited[f"first_connection question {name}"]
    assert "whatwg.org" in cited["data_transfer question ping"]


def test_close_codes_of_later_years_cite_the_registry_and_those_of_the_rfc_the_rfc():
    for code in CLOSE_CODES.values():
        of_the_rfc = code.code <= 1011 or code.code == 1015
        assert code.rfc == ("RFC 6455 §7.4.1" if of_the_rfc else "IANA: close codes")


def test_only_of_1005_1006_and_1015_it_is_said_that_the_rfc_forbids_them():
    forbidden = [one.where for one in ALL if "an endpoint must not put" in one.sentence]
    assert forbidden == [f"case close-code-{code}" for code in (1005, 1006, 1015)]


def test_the_tool_prints_what_is_asked_for():
    tool = Path(citations.__file__)
    printed = subprocess.run(
        [sys.executable, tool, "§10.3"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "03_frames mask-why" in printed
    assert "§5.2" not in printed.replace("§10.3", "")
