"""The data transfer lesson in a real JupyterLab: layers, and pings that go on."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from . import reach


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("04_data_transfer.ipynb", theme="dark", height=1000)
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):
        if notebook.is_code(number):
            notebook.run_cell(number)

    layers = notebook.view("layers")
    expect(layers.nth(1)).to_contain_text("3 frames")
    expect(layers.nth(2)).to_contain_text("100 frames")
    layers.nth(2).scroll_into_view_if_needed()
    notebook.screenshot("data-transfer-layers-dark")

    trips = notebook.view("round-trips")
    # Twenty, twenty more, and those that went on while a cell was busy: drawn over time.
    expect(trips).to_contain_text(re.compile(r"(4[1-9]|[5-9]\d|\d{3}) round trips"))
    expect(trips.locator(".ws-axis-x")).to_have_text("seconds")
    line = trips.locator(".ws-figure svg .curve path.line").first
    expect(line).to_have_attribute("d", re.compile("^M.*L"))
    expect(trips.locator(".ws-axis-y")).to_have_text("ms")
    before = trips.text_content().partition(" round trips")[0]
    trips.get_by_role("button").click()
    expect(trips).not_to_contain_text(f"{before[-2:]} round trips")
    trips.get_by_role("button", name="Stop").click()
    expect(trips.get_by_role("button", name="Start pinging")).to_be_visible()
    trips.scroll_into_view_if_needed()
    notebook.screenshot("data-transfer-pings-dark")

    the_line_climbs_while_a_cell_works(notebook)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert notebook.errors == []


def the_line_climbs_while_a_cell_works(notebook):
    """The longest round trip beside a busy cell takes longer than the usual one beside none."""
    told = notebook.execute(
        "quiet = trips.measure(20)\n"
        "busy = trips.during(lambda: sum(n * n for n in range(10_000_000)))\n"
        "print(max(busy) > median(quiet))"
    )
    assert told.strip() == "True"
