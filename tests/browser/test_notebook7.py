"""Lessons in Jupyter Notebook 7: one document to a page, without JupyterLab's side bars."""

from __future__ import annotations

import pytest
from real_lab import running_lab

from . import whole_lesson
from .conftest import copy_course


@pytest.fixture(scope="module")
def notebook7(browser, tmp_path_factory):
    work = tmp_path_factory.mktemp("notebook7")
    copy_course(work)
    with running_lab(work, program="notebook") as notebook7:
        yield notebook7


@pytest.mark.parametrize("name", ["01_first_connection.ipynb", "03_frames.ipynb"])
def test_a_lesson(notebook7, browser, name: str):
    notebook = notebook7.open(browser, name, width=whole_lesson.WIDTH, height=1000)
    notebook.errors.clear()  # Notebook 7.6 raises one of its own while a page loads
    try:
        notebook.run_all()
        whole_lesson.check(notebook)
    finally:
        notebook.close()
