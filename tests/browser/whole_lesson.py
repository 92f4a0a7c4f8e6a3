"""Whether a lesson works after Run All, in whichever browser and front end it is open."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect
from real_lab import OpenNotebook

from . import reach

WIDTH = 1280


def check(notebook: OpenNotebook) -> None:
    """Its views are drawn, each kind of client in it connects for real, the console is silent."""
    for view in notebook.page.locator(".wslab").all():
        expect(view).not_to_be_empty()
    found = [kind for kind in CLIENTS if notebook.view(kind).count()]
    assert found, f"nothing in {notebook.name} connects: is there a new kind of client?"
    for kind in found:
        before = notebook.execute(CROSSED)
        CLIENTS[kind](notebook, notebook.view(kind).first)
        more = f"lab.capture.wait_until(lambda: {CROSSED} > {before}, 20)"
        assert notebook.execute(more) == "True", f"{kind}: no byte crossed"
    opens_a_frame(notebook)
    docks_the_wire(notebook)
    covered = reach.overlaps(notebook, width=WIDTH)
    assert not covered, "\n".join(covered)
    errors = [error for error in notebook.errors if not any(said in error for said in NO_FAULT)]
    assert not errors, "\n".join(errors)


NO_FAULT = ("cell.js", "ws://127.0.0.1:65535/", "[anywidget] Failed to initialize model")
"""What may be on the console: what lesson 01 does on purpose, a `send` too early and a port where
nobody listens; and that anywidget waited two seconds for a view, on a slow machine."""

CROSSED = "sum(map(len, lab.capture.log.streams))"


def uses_a_client(notebook: OpenNotebook, panel: Locator) -> None:
    """Python's, or the page's own."""
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-input="message"]').fill("from this page")
    panel.locator('[data-action="send"]').click()
    expect(panel.locator('[data-event="message"]').last).to_contain_text("from this page")


def runs_javascript(notebook: OpenNotebook, cell: Locator) -> None:
    number = cell.evaluate(
        "view => [...document.querySelectorAll('.jp-Notebook .jp-Cell')]"
        ".indexOf(view.closest('.jp-Cell'))"
    )
    notebook.run_cell(number)
    expect(notebook.cell(number).locator('[data-wslab="browser-cell"]')).to_have_attribute(
        "data-sockets", "1"
    )


def sends_a_frame(notebook: OpenNotebook, workshop: Locator) -> None:
    workshop.locator('[data-action="send"]').click()
    expect(workshop.locator('[data-reaction="1"]')).to_contain_text("recv() returned")


def says_something(notebook: OpenNotebook, seat: Locator) -> None:
    seat.locator('[data-input="message"]').fill("from this page")
    seat.locator('[data-input="message"]').press("Enter")
    expect(seat.locator('[data-kind="message"]').first).to_contain_text("from this page")


def says_it_in_a_frame(notebook: OpenNotebook, frame: Locator) -> None:
    page = frame.frame_locator("iframe")
    if (get := page.get_by_role("button", name="Get the feed")).count():  # that of lesson 12
        get.click()
        expect(page.locator("#state")).to_contain_text("Done", timeout=30_000)
        return
    if (login := page.get_by_role("button", name="Log in as Ada")).count():  # that of lesson 14
        login.click()  # whether this browser keeps a cookie in a frame is its own affair
        expect(page.get_by_role("status")).not_to_have_text("Nobody has logged in")
        return
    again = page.get_by_role("button", name="Connect again")
    # Lesson 10 closes every connection in the end, but for a page that was loaded later than that.
    if again.count():
        expect(page.locator("#state")).not_to_have_text("Connecting…")
        if again.is_enabled():
            again.click()
        expect(page.get_by_role("button", name="Send")).to_be_enabled()
    page.locator("#message").fill("from the page in this page")
    page.locator("#message").press("Enter")
    expect(page.locator("#messages li").first).to_contain_text("from the page in this page")


def offers_something(notebook: OpenNotebook, gallery: Locator) -> None:
    """Both clients of lesson 06, Python's and the page's."""
    gallery.locator("button[data-experiment]").first.click()
    gallery.get_by_role("radio").first.check()
    gallery.locator('[data-action="run"]').click()
    expect(gallery.locator('[data-wslab="outcome"] [data-column="browser"]')).to_be_visible()


CLIENTS = {
    "client-panel": uses_a_client,
    "browser-socket": uses_a_client,
    "browser-cell": runs_javascript,
    "frame-workshop": sends_a_frame,
    "negotiations": offers_something,
    "chat": says_something,
    "page-frame": says_it_in_a_frame,
}
"""What connects, by its `data-wslab` attribute, and what somebody does with it."""


def opens_a_frame(notebook: OpenNotebook) -> None:
    """A click on an arrow shows the frame's fields, and none of them is cut off."""
    wire = notebook.view("wire-view").first
    http = '[data-kind="request"], [data-kind="response"], [data-kind="chunk"]'
    wire.locator(f"[data-wslab-row]:not({http})").last.click()
    detail = wire.locator('[data-wslab="detail"]')
    first = re.compile("opcode|content type")  # of a frame, or of the TLS record around it
    expect(detail.locator(".ws-fields").first).to_contain_text(first)
    cut = detail.evaluate(CUT_OFF)
    assert not cut, "\n".join(cut)


def docks_the_wire(notebook: OpenNotebook) -> None:
    """A button puts the wire beside the cells, where links lead to it, and another one back."""
    page = notebook.page
    notebook.view("wire-view").first.locator('[data-action="dock"]').click()
    docked = page.locator('.ws-dock [data-wslab="wire-view"]')
    docked.locator(".ws-rows").press("Escape")
    link = page.locator('a[href^="#wire:"]').first
    link.press("Enter")
    expect(docked.locator("[data-wslab-row][aria-selected='true']")).to_be_in_viewport()
    expect(docked.locator(".ws-rows")).to_be_focused()
    expect(link).to_be_in_viewport()
    covered = reach.overlaps(notebook, width=WIDTH)
    assert not covered, "\n".join(["docked:", *covered])
    docked.locator('[data-action="dock"]').press("Enter")
    expect(docked).to_have_count(0)


CUT_OFF = """\
detail => [...detail.querySelectorAll('.ws-fields *')]
  .filter(part => getComputedStyle(part).overflowX !== 'visible')
  .filter(part => part.scrollWidth > part.clientWidth + 1)
  .map(part => `${part.className}: ${part.innerText}`)
"""
