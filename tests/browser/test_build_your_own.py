"""The build your own lesson in a real JupyterLab."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("15_build_your_own.ipynb")
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last):
        if notebook.is_code(number):
            notebook.run_cell(number)
    expect(notebook.page.locator('[data-wslab="result"]')).to_contain_text("Grüße")
    expect(notebook.page.locator('[data-wslab="verdict"]')).to_contain_text("Not yet")
    notebook.screenshot("build_your_own")
    notebook.execute("lab.close()")
    assert notebook.errors == []
