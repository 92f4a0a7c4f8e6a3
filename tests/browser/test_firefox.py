"""Every lesson in Firefox: a real JupyterLab, Run All, and a connection of the page's own.

Stock Firefox, driven over WebDriver BiDi. What a view does in detail the other modules try, in
Chromium; here is asked whether a lesson works in another browser at all, and what is different.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from real_lab import REPOSITORY, OpenNotebook
from record_browsers import answers

from wslab.net.in_page import Place, recorded

from . import whole_lesson
from .test_first_connection import Lesson, lines

NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def page(firefox, lab):
    """One page for all lessons, one after the other: loading JupyterLab is what takes long."""
    lab.write_notebook("nothing.ipynb", "")
    page = lab.open(firefox, "nothing.ipynb", width=whole_lesson.WIDTH, height=1000)
    yield page
    page.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_lesson(page: OpenNotebook, name: str):
    page.change_to(name)
    page.run_all()
    whole_lesson.check(page)
    if name == "00_start_here.ipynb":
        found = page.view("doctor").locator('[data-check="browser"]')
        expect(found).to_contain_text(re.compile(r"this page, in Firefox \d+, opened ws://127"))


def test_what_is_different_in_lesson_01(page: OpenNotebook):
    page.change_to("01_first_connection.ipynb")
    lesson = Lesson(page)
    said = lines(lesson.run("open", "bad-browser"))
    expect(said).to_contain_text(["open"])
    # RFC 6455, 7.2.1: a client fails a connection that is lost; WHATWG: then it fires `error`.
    # Firefox does where TCP is reset. Chromium does not, and after a FIN neither does.
    page.execute("lab.tap.cut(hard=True)")
    expect(said).to_contain_text(["open", "error", "close: code 1006 wasClean false"])
    lesson.run("bad-browser")
    expect(said).to_have_count(1)
    lesson.run("bad-python")
    expect(said).to_contain_text(["open", "close: code 1006 wasClean false"])
    # What the policy refuses Firefox throws; the cell makes of it what the standard says.
    said = lines(lesson.run("error-browser"))
    expect(said).to_contain_text(["error: message is undefined", "close: code 1006 wasClean false"])


QUICK = ("addresses", "options", "workers", "back")
"""Experiments in which the settings that tests have in Firefox change nothing."""


def test_what_is_recorded_of_firefox_is_what_it_does(page: OpenNotebook):
    (record,) = [one for one in recorded() if one.browser == "Firefox"]

    def open_page(url: str, place: Place, cover: str) -> None:
        page.page.context.new_page().goto(url, wait_until="commit")

    assert answers(open_page, QUICK) == {name: record.answers[name] for name in QUICK}
