"""The first notebook in a real JupyterLab: the check of the machine, and the first echo."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from . import reach


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 800)])
def test_the_first_page(lab_page, theme, width):
    notebook = lab_page.open_notebook(
        "00_start_here.ipynb", theme=theme, width=width, height=1000, fresh=True
    )
    for number in range(notebook.page.locator(".jp-Notebook .jp-Cell").count() - 2):
        if notebook.is_code(number):
            notebook.run_cell(number)
    doctor = notebook.view("doctor")
    for check in ("widgets", "browser", "loopback"):
        expect(doctor.locator(f'[data-check="{check}"]')).to_have_attribute("data-result", "ok")
    expect(doctor.locator('[data-result="fail"]')).to_have_count(0)

    panel, wire = notebook.view("client-panel"), notebook.view("wire-view")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-action="send"]').click()
    expect(wire.locator("[data-wslab-row]").last).to_have_attribute(
        "data-kind", "text"
    )  # the echo, newest of all
    # Two echoes from the cells and this one, there and back; of the rows only those in sight exist.
    count = "sum(row.kind == 'text' for row in lab.capture.index.rows())"
    assert notebook.execute(count) == "6"
    wire.scroll_into_view_if_needed()
    notebook.screenshot(f"start-here-{theme}-{width}")


def test_after_run_all_everything_can_be_clicked(lab_page):
    notebook = lab_page.open_notebook("00_start_here.ipynb")
    notebook.run_all()
    panel, wire = notebook.view("client-panel"), notebook.view("wire-view")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-action="close"]').click()
    expect(panel).to_have_attribute("data-state", "CLOSED")
    expect(wire.locator("[data-wslab-row]").last).to_have_attribute("data-kind", "close")
    assert "nothing is running" in notebook.execute("stop_all(); running()")
    reach.check(notebook)
