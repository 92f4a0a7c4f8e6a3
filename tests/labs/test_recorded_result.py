"""A lab's recorded results: in place of live ones only where something is missing, and marked."""

from __future__ import annotations

import pytest

from wslab.labs import recorded_result
from wslab.labs.recorded_result import recorded_where_missing, write
from wslab.net import PackageMissing
from wslab.net.packages import extra
from wslab.view.experiments import Bar, Link, ResultTable


class Lab:
    """As much of a lab as the decorator asks for."""

    topic = "measuring"
    has_it = True

    @recorded_where_missing
    def measure(self, number: int, *, twice: bool = False) -> ResultTable:
        if not self.has_it:
            raise PackageMissing("no such package: install it")
        return ResultTable(
            ["a", "b", "c"],
            [[f"{number}", Bar(0.5, "half"), Link("§7.4.1", "RFC 6455 §7.4.1")]],
            "measured",
        )


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded_result, "FOLDER", tmp_path / "recorded")
    monkeypatch.setattr(recorded_result, "live", {})


def test_where_nothing_is_missing_the_result_is_live():
    table = Lab().measure(1)
    assert table.note == ""
    assert recorded_result.live == {"measure(1)": table}


def test_where_something_is_missing_the_recorded_result_says_so_and_why():
    lab = Lab()
    there = lab.measure(1, twice=True)
    write("measuring", "on 2026-11-29 with Python 3.11.7", recorded_result.live)
    lab.has_it = False
    table = lab.measure(1, twice=True)
    assert table.rows == there.rows
    assert (table.headings, table.kind) == (there.headings, there.kind)
    told = "RECORDED, not live (on 2026-11-29 with Python 3.11.7). no such package: install it"
    assert table.note == told
    assert table._repr_html_().startswith(f"<p><strong>{told}</strong></p><table")
    assert repr(table).startswith(f"{told}\n\na")


@pytest.mark.parametrize("is_there", [False, True])
def test_a_call_that_was_not_recorded_says_what_is_missing(is_there):
    lab = Lab()
    if is_there:
        lab.measure(1)
        write("measuring", "today", recorded_result.live)
    lab.has_it = False
    with pytest.raises(PackageMissing, match="no such package: install it"):
        lab.measure(2)


def test_the_import_of_a_package_that_is_not_there_names_the_command():
    with (
        pytest.raises(PackageMissing, match=r"pip install 'wslab\[production\]'"),
        extra("production"),
    ):
        import no_such_package_of_ours  # noqa: F401
