"""Fixtures of the real-browser tests: `lab_page.open_notebook("02_handshake.ipynb")`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from real_lab import (
    REPOSITORY,
    OpenNotebook,
    RunningLab,
    Theme,
    launch_chromium,
    launch_firefox,
    running_lab,
)

from wslab.installed import CHROMIUM, FIREFOX, Wanted, find


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked `browser`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# "package" and not "session": while Playwright runs, this thread may start no other event loop.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for the whole folder."""
    with launch_chromium(playwright, path_of(CHROMIUM)) as browser:
        yield browser


@pytest.fixture(scope="package")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    with launch_firefox(playwright, path_of(FIREFOX)) as firefox:
        yield firefox


def path_of(wanted: Wanted) -> str:
    """Where the browser is. Without it a test is skipped, and under CI it fails."""
    path = find(wanted)
    if path is not None:
        return path
    reason = f"no {wanted.name} on this machine; {wanted.remedy}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One JupyterLab for the whole folder, serving a copy of notebooks/.

    Ask for it after the browser: where there is none, it would be started in vain.
    """
    work = tmp_path_factory.mktemp("lab")
    copy_course(work)
    with running_lab(work) as lab:
        yield lab


def copy_course(work: Path) -> None:
    """Copy notebooks/ to where a server that runs in `work` serves it."""
    shutil.copytree(
        REPOSITORY / "notebooks",
        work / "notebooks",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
    )


class LabPage:
    """Opens notebooks for one test; `lab_page` closes them after it."""

    def __init__(self, lab: RunningLab, browser: Browser, pages: list[Page]) -> None:
        self.lab = lab
        self.browser = browser
        self.pages = pages
        self.opened: list[tuple[OpenNotebook, bool]] = []

    def open_notebook(
        self,
        name: str,
        theme: Theme = "light",
        width: int = 1440,
        height: int = 900,
        fresh: bool = False,
    ) -> OpenNotebook:
        """Open a notebook by its file name (a copy of notebooks/, or one that the test wrote).

        In a page where another test's notebook has been, as loading JupyterLab takes longer than
        most tests. In a `fresh` one, which nobody gets after it, where that is what it is about.
        """
        page = self.pages.pop() if self.pages and not fresh else None
        notebook = self.lab.open(
            self.browser, name, theme=theme, width=width, height=height, page=page
        )
        self.opened.append((notebook, fresh))
        return notebook

    def open_cells(self, *cells: str, name: str = "throwaway.ipynb", **options) -> OpenNotebook:
        """Write a throwaway notebook of code cells and open it."""
        self.lab.write_notebook(name, *cells)
        return self.open_notebook(name, **options)


@pytest.fixture(scope="package")
def pages(browser: Browser, lab: RunningLab) -> list[Page]:
    """Pages of JupyterLab in which no notebook is open at the moment."""
    return []


@pytest.fixture
def lab_page(
    browser: Browser, lab: RunningLab, pages: list[Page], request: pytest.FixtureRequest
) -> Iterator[LabPage]:
    lab_page = LabPage(lab, browser, pages)
    yield lab_page
    failed = request.node.stash.get(FAILED, False)
    for number, (notebook, fresh) in enumerate(lab_page.opened):
        try:
            if notebook.page.is_closed():
                continue
            if failed:
                name = re.sub(r"\W+", "-", request.node.name)[:80]  # a file's name has its limit
                path = notebook.screenshot(f"FAILED-{name}-{number}")
                print(f"what the page looked like: {path}")
                print("what its console said:", *notebook.errors, sep="\n  ")
            elif not fresh:
                notebook.leave()
                pages.append(notebook.page)
        finally:
            if notebook.page not in pages:
                notebook.close()


@pytest.fixture(scope="module")
def module_notebook(
    browser: Browser, lab: RunningLab, pages: list[Page], request: pytest.FixtureRequest
) -> Iterator[Callable[..., OpenNotebook]]:
    """Opens one notebook of these code cells for all tests of a module."""
    failed = request.session.testsfailed
    opened: list[OpenNotebook] = []

    def open_cells(*cells: str, name: str = "module.ipynb") -> OpenNotebook:
        lab.write_notebook(name, *cells)
        opened.append(lab.open(browser, name, page=pages.pop() if pages else None))
        return opened[-1]

    yield open_cells
    for notebook in opened:
        if request.session.testsfailed > failed:
            notebook.close()
        else:
            notebook.leave()
            pages.append(notebook.page)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
