"""A wire beside the notebook, and links in the prose that lead to its arrows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from . import reach

IMPORTS, OPEN, WIRE, TALK = 3, 5, 9, 11
"""Cells of lesson 00."""

BOXES = """\
() => {
  const box = name => document.querySelector(name).getBoundingClientRect().toJSON();
  return [box('.jp-WindowedPanel-outer'), box('.ws-dock'), box('.jp-Notebook')];
}
"""
FONT = "() => parseFloat(getComputedStyle(document.querySelector('.ws-dock .wslab')).fontSize)"
CHANGE = """\
([cell, code]) => {
  const {widgets} = window.jupyterapp.shell.currentWidget.content;
  widgets[cell].model.sharedModel.source = code;
}
"""


def test_a_wire_is_docked_beside_the_cells_and_goes_back(lab_page):
    notebook = lab_page.open_notebook("00_start_here.ipynb", width=1280)
    for number in (IMPORTS, OPEN, WIRE, TALK):
        notebook.run_cell(number)
    page, wire = notebook.page, notebook.view("wire-view")
    wire.locator('[data-action="dock"]').press("Enter")
    docked = page.locator(".ws-dock [data-wslab='wire-view']")
    button = docked.locator('[data-action="dock"]')
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-pressed", "true")
    cells, dock, whole = page.evaluate(BOXES)
    assert cells["right"] <= dock["left"] + 1
    assert dock["right"] <= whole["right"] + 1
    assert dock["height"] == pytest.approx(whole["height"], abs=2)

    # It is in sight wherever the reader is, and live.
    notebook.cell(18).scroll_into_view_if_needed()
    expect(docked.locator('[data-wslab="count"]')).to_have_text("6 rows")
    notebook.run_cell(TALK)
    expect(docked.locator('[data-wslab="count"]')).to_have_text("12 rows")
    expect(docked.locator("[data-wslab-row]").last).to_be_in_viewport()

    # Everybody can use it: by keyboard, in both themes, on a narrow page, at a presenter's size.
    docked.locator(".ws-rows").press("Home")
    docked.locator(".ws-rows").press("Enter")
    expect(docked.locator(".ws-byte").first).to_be_focused()
    for theme in ("dark", "light"):
        notebook.change_theme(theme)
        assert reach.axe(page) == []
        notebook.screenshot(f"dock-{theme}")
    size = page.evaluate(FONT)
    notebook._in_page("await app.commands.execute('application:toggle-presentation-mode')", 20)
    assert page.evaluate(FONT) > size
    notebook._in_page("await app.commands.execute('application:toggle-presentation-mode')", 20)
    page.set_viewport_size({"width": 800, "height": 900})  # no room at the side
    # It moves with the next frame that the page draws.
    page.wait_for_function(f"() => (([cells, dock]) => cells.bottom <= dock.top + 1)(({BOXES})())")
    _, dock, _ = page.evaluate(BOXES)
    assert dock["height"] > 300
    edge = page.get_by_role("separator", name="size of the docked wire")
    edge.focus()
    expect(edge).to_have_attribute("aria-orientation", "horizontal")
    edge.press("ArrowUp")
    assert page.evaluate(BOXES)[1]["height"] > dock["height"]
    notebook.screenshot("dock-narrow")
    assert reach.overlaps(notebook) == []
    page.set_viewport_size({"width": 1280, "height": 900})

    # Its edge moves by keyboard and by pointer, and keeps its place.
    edge = page.get_by_role("separator", name="size of the docked wire")
    expect(edge).to_have_attribute("aria-orientation", "vertical")
    before = int(edge.get_attribute("aria-valuenow"))
    edge.press("ArrowLeft")
    expect(edge).to_have_attribute("aria-valuenow", str(before + 2))
    edge.press("Home")
    expect(edge).to_have_attribute("aria-valuenow", edge.get_attribute("aria-valuemin"))
    cells, dock, whole = page.evaluate(BOXES)
    edge.hover()
    page.mouse.down()
    page.mouse.move(whole["right"] - 0.6 * whole["width"], 300)
    page.mouse.up()
    expect(edge).to_have_attribute("aria-valuenow", "60")
    cells, dock, _ = page.evaluate(BOXES)
    assert dock["width"] == pytest.approx(0.6 * whole["width"], abs=3)
    assert cells["right"] <= dock["left"] + 1
    page.mouse.move(10, 300)
    expect(edge).to_have_attribute("aria-valuenow", "60")
    assert reach.axe(page) == []
    notebook.screenshot("dock-dragged")
    edge.dblclick()
    expect(edge).to_have_attribute("aria-valuenow", str(before))
    edge.press("End")

    # The cell is run again: the new view takes the place of the old one.
    docked.evaluate("view => { view.old = true }")
    notebook.run_cell(WIRE)
    page.wait_for_function("() => document.querySelector('.ws-dock .ws-wire')?.old === undefined")
    expect(docked).to_have_count(1)
    expect(wire).to_have_count(1)

    # Only one is docked: another puts this one back. It leaves nothing when its cell shows no wire.
    page.evaluate(CHANGE, [TALK, "lab.wire()"])
    notebook.run_cell(TALK)
    notebook.cell(TALK).locator('[data-action="dock"]').click()
    expect(page.locator(".ws-dock")).to_have_count(1)
    expect(notebook.cell(TALK).locator("[data-wslab='docked-note']")).to_be_visible()
    expect(notebook.cell(WIRE).locator("[data-wslab='wire-view']")).to_be_visible()
    page.evaluate(CHANGE, [TALK, "1"])
    notebook.run_cell(TALK)
    expect(page.locator(".ws-dock")).to_have_count(0)
    expect(page.locator(".jp-Notebook")).to_have_css("padding-right", "0px")

    notebook.cell(WIRE).locator('[data-action="dock"]').click()
    expect(docked).to_have_count(1)
    expect(edge).to_have_attribute("aria-valuenow", "75")  # as it was left
    edge.dblclick()
    button.press("Enter")
    expect(docked).to_have_count(0)
    notebook.cell(WIRE).locator('[data-action="dock"]').press("Enter")
    page.locator('[data-action="undock"]').press("Enter")
    expect(page.locator(".ws-dock")).to_have_count(0)
    expect(notebook.cell(WIRE).locator('[data-action="dock"]')).to_be_focused()
    assert notebook.errors == []


def test_a_link_in_the_prose_leads_to_its_arrow_and_back(lab_page):
    notebook = lab_page.open_notebook("00_start_here.ipynb", width=1280)
    for number in (IMPORTS, OPEN, WIRE):
        notebook.run_cell(number)
    page, wire = notebook.page, notebook.view("wire-view")
    address = page.url
    link = page.locator('a[href="#wire:text=Hello&from=client"]')
    link.click()
    answer = page.get_by_role("status").filter(has_text="No such arrow yet")
    expect(answer).to_have_text(" (No such arrow yet: run the cells above first.)")

    notebook.run_cell(TALK)
    # A filter does not let it through: the link is stronger.
    wire.locator('[data-action="filter"]').click()
    wire.locator('[data-filter-kind="close"]').click()
    link.press("Enter")
    chosen = wire.locator("[data-wslab-row][aria-selected='true']")
    expect(chosen).to_have_attribute("aria-label", re.compile('client to server, text: "Hello"'))
    expect(chosen).to_be_in_viewport()
    expect(wire.locator(".ws-rows")).to_be_focused()
    expect(wire.locator(".ws-heading")).to_contain_text("client → server, 11 bytes")
    expect(answer).to_have_count(0)
    back = wire.locator('[data-action="return"]')
    back.click()
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()

    # The docked wire is lit in its place, and the reader stays.
    wire.locator('[data-action="dock"]').click()
    page.locator('a[href="#wire:text=Hello&from=server"]').press("Enter")
    expect(chosen).to_have_attribute("aria-label", re.compile('server to client, text: "Hello"'))
    expect(wire.locator(".ws-rows")).to_be_focused()
    expect(link).to_be_in_viewport()
    expect(back).to_be_hidden()
    assert page.url == address
    assert notebook.errors == []
