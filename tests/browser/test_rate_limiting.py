"""The rate limiting lesson in a real JupyterLab: the live chart, the page's senders, the table."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from . import reach

ALL = 500 * 16_384


@pytest.fixture
def notebook(lab_page):
    return lab_page.open_notebook("05_rate_limiting.ipynb", width=1280, height=1000)


def number_of(notebook, name: str) -> int:
    """Where the cell with this id of the file is."""
    return notebook.page.evaluate(
        "name => window.jupyterapp.shell.currentWidget.content.widgets"
        ".findIndex(widget => widget.model.id === name)",
        name,
    )


def run(notebook, name: str):
    """Run a cell by its id; its output."""
    number = number_of(notebook, name)
    notebook.run_cell(number)
    return notebook.cell(number).locator(".jp-OutputArea")


def lines(output):
    return output.locator('[data-wslab="browser-cell"] [data-line]')


def test_the_lesson_from_top_to_bottom(notebook):
    run(notebook, "open")
    chart = run(notebook, "places").locator('[data-wslab="chart"]')
    grows_while_a_cell_is_busy(notebook, chart)
    chooses_and_compares(notebook)
    said = lines(run(notebook, "amounts-page"))
    expect(said).to_contain_text(["A 0", "B 5", "C 12", "D 1012", "E 0"])
    a_page_just_sends(notebook)
    a_page_asks_whether_nothing_waits(notebook)
    a_page_awaits(notebook)
    table = run(notebook, "results").locator('[data-wslab="senders-table"]')
    for sender in ("a loop that just sends", "page: a loop that just sends", "WebSocketStream"):
        expect(table).to_contain_text(sender)
    chart = run(notebook, "tap-places").locator('[data-wslab="chart"]')
    run(notebook, "tap")
    expect(chart).to_contain_text("the tap")
    expect(chart.locator(".ws-figure svg .curve path.line")).to_have_count(5)
    wire = run(notebook, "wire").locator('[data-wslab="wire-view"]')
    expect(wire).to_contain_text("sender")
    run(notebook, "sizes")
    expect(run(notebook, "fairness")).to_contain_text("1008")
    notebook.screenshots("rate-limiting")
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert notebook.errors == []


def grows_while_a_cell_is_busy(notebook, chart) -> None:
    """The first bands are drawn before the cell that sends has come to its end."""
    number = number_of(notebook, "send")
    notebook.page.evaluate(
        """number => {
          const notebook = window.jupyterapp.shell.currentWidget.content;
          notebook.activeCellIndex = number;
          window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        number,
    )
    expect(chart.locator(".ws-figure svg .curve path.line").first).to_have_attribute(
        "d", re.compile("^M.*L")
    )
    assert "[*]" in notebook.cell(number).locator(".jp-InputPrompt").inner_text()
    expect(notebook.cell(number)).to_contain_text("messages arrived")
    for place in ("sender's library", "reader's library"):
        expect(chart).to_contain_text(place)


def chooses_and_compares(notebook) -> None:
    gallery = run(notebook, "senders").locator('[data-wslab="senders"]')
    gallery.get_by_role("button", name="await send()").click()
    expect(gallery.locator("pre")).to_contain_text("await connection.send(message)")
    gallery.get_by_label(re.compile("holds a little")).check()
    gallery.get_by_role("button", name="Send", exact=True).click()
    expect(gallery).to_contain_text("As you said")


def a_page_just_sends(notebook) -> None:
    said = lines(run(notebook, "page-loop"))
    expect(said.first).to_contain_text(f"after the loop: {ALL}")
    expect(said.filter(has_text=re.compile("waiting: 0$"))).to_have_count(1)
    expect(said.last).to_contain_text("closed")


def a_page_asks_whether_nothing_waits(notebook) -> None:
    said = lines(run(notebook, "tutorial"))
    expect(said).to_contain_text(re.compile(r"sent ([12]\d|30) messages, at most 16384 bytes"))


def a_page_awaits(notebook) -> None:
    expect(lines(run(notebook, "stream"))).to_contain_text(
        re.compile(r"500 writes took \d+ ms|This browser has no WebSocketStream")
    )
    notebook.execute("lab.capture.wait_until(lambda: len(lab.server.reports) == 3, 10)")
