"""Fixtures of the real-browser tests: `lab_page.open_notebook("02_handshake.ipynb")`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import find_browser
import pytest
from playwright.sync_api import Browser
from real_lab import (
    REPOSITORY,
    OpenNotebook,
    RunningLab,
    Theme,
    running_browser,
    running_lab,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked `browser`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# "package" and not "session": while Playwright runs, this thread may start no other event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = find_browser.find()
    if path is None:
        reason = f"no Chromium or Chrome on this machine; {find_browser.REMEDY}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with running_browser(path) as browser:
        yield browser


@pytest.fixture(scope="package")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One JupyterLab for the whole folder, serving a copy of notebooks/. Needs `browser` so that a
    machine without one does not start it in vain."""
    work = tmp_path_factory.mktemp("lab")
    course = REPOSITORY / "notebooks"
    if course.is_dir():
        shutil.copytree(
            course, work / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
        )
    with running_lab(work) as lab:
        yield lab


class LabPage:
    """Opens notebooks for one test; `lab_page` closes them after it."""

    def __init__(self, lab: RunningLab, browser: Browser) -> None:
        self.lab = lab
        self.browser = browser
        self.opened: list[OpenNotebook] = []

    def open_notebook(
        self, name: str, theme: Theme = "light", width: int = 1440, height: int = 900
    ) -> OpenNotebook:
        """Open a notebook by its file name (a copy of notebooks/, or one that the test wrote)."""
        notebook = self.lab.open(self.browser, name, theme=theme, width=width, height=height)
        self.opened.append(notebook)
        return notebook

    def open_cells(self, *cells: str, name: str = "throwaway.ipynb", **options) -> OpenNotebook:
        """Write a throwaway notebook of code cells and open it."""
        self.lab.write_notebook(name, *cells)
        return self.open_notebook(name, **options)


@pytest.fixture
def lab_page(
    lab: RunningLab, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[LabPage]:
    lab_page = LabPage(lab, browser)
    yield lab_page
    failed = request.node.stash.get(FAILED, False)
    for number, notebook in enumerate(lab_page.opened):
        try:
            if failed and not notebook.page.is_closed():
                name = re.sub(r"\W+", "-", request.node.name)
                path = notebook.screenshot(f"FAILED-{name}-{number}")
                print(f"what the page looked like: {path}")
                print("what its console said:", *notebook.errors, sep="\n  ")
        finally:
            notebook.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
