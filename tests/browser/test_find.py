"""The find bar of the wire view in a real page: by keyboard, live, over fragments and filters."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from . import reach

OPEN = """\
from websockets.sync.client import connect
from wslab.labs import first_connection
lab = first_connection.open()
with connect(lab.url, proxy=None, compression=None) as client:
    for message in ("Hello", '{"say": "Hello again"}', ["Hel", "lo in two"], b"other"):
        client.send(message)
        client.recv()
"""


def test_rows_are_found_by_keyboard_and_marked_down_to_their_bytes(lab_page):
    notebook = lab_page.open_cells(OPEN, "lab.wire()")
    notebook.run_all()
    wire, keys = notebook.view("wire-view"), notebook.page.keyboard
    rows, count = (
        wire.get_by_role("listbox", name="what crossed"),
        wire.locator("[data-wslab=found]"),
    )
    box = wire.get_by_role("textbox", name="find")
    chosen = wire.locator("[data-wslab-row][aria-selected=true]")
    hits = wire.locator("[data-wslab-row][data-hit]")
    expect(wire.locator('[data-wslab-row="9"]')).to_be_attached()

    # A key opens the bar, and the first hit is shown as soon as something is typed.
    wire.locator('[data-wslab-row="1"]').click()
    rows.focus()
    keys.press("/")
    expect(box).to_be_focused()
    keys.type("hello")
    expect(count).to_have_text("1 of 6")  # the two frames of the third message are one hit
    expect(box).to_be_focused()
    expect(chosen).to_have_attribute("data-wslab-row", "2")
    expect(chosen).to_have_attribute("aria-label", re.compile(", found$"))
    expect(hits).to_have_count(6)
    marked = wire.locator(".ws-byte.ws-hit")
    expect(marked).to_have_count(5)
    assert [int(at) for at in marked.evaluate_all("all => all.map(one => one.dataset.byte)")] == [
        6, 7, 8, 9, 10,
    ]  # fmt: skip
    expect(wire.locator(".ws-plains .ws-hit")).to_have_text(list("Hello"))
    expect(wire.locator(".ws-field.ws-hit")).to_have_attribute("data-field", "payload")

    # To the next and the previous one, and around the ends.
    keys.press("Enter")
    expect(count).to_have_text("2 of 6")
    keys.press("Shift+Enter")
    keys.press("Shift+Enter")
    expect(count).to_have_text("6 of 6")
    keys.press("Enter")
    expect(chosen).to_have_attribute("data-wslab-row", "2")

    # It goes on live.
    notebook.execute("with lab.connect() as client:\n    client.send('hello')\n    client.recv()")
    expect(count).to_have_text("1 of 8")

    # A hit that starts in one frame and ends in another is marked in both.
    box.fill('"hello in"')
    expect(count).to_have_text("1 of 2")
    expect(wire.locator(".ws-plains .ws-hit")).to_have_text(list("Hel"))
    rows.focus()
    keys.press("ArrowDown")
    expect(wire.locator(".ws-plains .ws-hit")).to_have_text(list("lo in"))

    # What a filter hides is counted; a field is marked in the head; a mistake is said.
    box.fill("opcode=text")
    expect(count).to_have_text(re.compile(r"of 8$"))
    wire.get_by_role("button", name=re.compile("^Show")).click()
    wire.get_by_role("button", name="client → server").click()
    expect(count).to_have_text(re.compile("of 8 · 4 hidden by the filter$"))
    wire.get_by_role("button", name="Show everything").click()
    box.focus()
    keys.press("Enter")
    expect(wire.locator(".ws-byte.ws-hit")).to_have_attribute("data-byte", "0")
    box.fill("re:(")
    expect(count).to_have_text(re.compile(r"^⚠ expected a regular expression after re:, got '\('"))
    box.fill("nothing like it")
    expect(count).to_have_text("nothing found")

    # Inside a message, too; and everybody can reach all of it.
    box.fill("again")
    expect(count).to_have_text(re.compile("of 2$"))
    wire.get_by_role("button", name="inside: JSON object").click()
    expect(wire.locator("[data-wslab=inside] .ws-byte.ws-hit")).to_have_count(5)
    notebook.screenshots("find", wire)
    reach.check(notebook)

    # Escape closes it, and nothing is marked any more.
    box.focus()
    keys.press("Escape")
    expect(box).to_be_hidden()
    expect(rows).to_be_focused()
    expect(hits).to_have_count(0)
    expect(wire.locator(".ws-hit")).to_have_count(0)
    keys.press("Control+f")
    expect(box).to_be_focused()
    expect(count).to_have_text(re.compile("of 2$"))
