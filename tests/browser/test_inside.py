"""What is inside a message, in a real page: unasked, by hand, and by the reader's own decoder."""

from __future__ import annotations

from playwright.sync_api import expect

from . import reach

OPEN = """\
from wslab.labs import first_connection
lab = first_connection.open()
packet = bytes.fromhex("32 0a 0003 612f62 002a 686921")
with lab.connect() as client:
    for message in ('{"user": {"name": "Zoë"}}', packet, b"x"):
        client.send(message)
        client.recv()
"""
WIRE = """\
def decode(message):
    while message == b"x":
        pass
    return [("first", 1, message[0], "the first of all"), ("next", 2)]
lab.wire(decode=decode)"""


def test_what_is_inside_a_message(lab_page):
    notebook = lab_page.open_cells(OPEN, "lab.wire()", WIRE)
    notebook.run_all()
    wire, own = notebook.view("wire-view").first, notebook.view("wire-view").last
    inside = wire.locator("[data-wslab=inside]")

    # JSON is recognised, and stays folded until the reader wants it.
    wire.locator('[data-wslab-row="2"]').click()
    toggle = inside.get_by_role("button", name="inside: JSON object")
    expect(toggle).to_have_attribute("aria-expanded", "false")
    expect(inside.get_by_role("listbox")).to_be_hidden()
    toggle.click()
    expect(inside.get_by_role("option", name="user.name")).to_contain_text("Zoë")

    # By hand as MQTT: bits, a link to the standard, by keyboard from field to field.
    wire.locator('[data-wslab-row="4"]').click()
    expect(toggle).to_be_hidden()
    inside.get_by_role("combobox").select_option("mqtt")
    expect(inside.get_by_role("button", name="inside: MQTT PUBLISH")).to_be_visible()
    said = inside.locator("[data-wslab=inside-explanation]")
    expect(said).to_contain_text("type 3: carries a message on a topic")
    expect(said.get_by_role("link")).to_have_attribute(
        "href", "https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html"
    )
    inside.get_by_role("option", name="topic a/b").click()
    expect(said).to_contain_text("bytes 4 to 6")
    notebook.page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("packet identifier")
    expect(said).to_contain_text("42")

    # A control frame has no message.
    wire.locator('[data-wslab-row="8"]').click()
    expect(inside).to_be_hidden()

    # The reader's own decoder: fields, and one that never ends.
    inside = own.locator("[data-wslab=inside]")
    own.locator('[data-wslab-row="4"]').click()
    expect(inside.get_by_role("option", name="first")).to_contain_text("50")
    expect(inside.get_by_role("option", name="left over")).to_be_visible()
    own.locator('[data-wslab-row="6"]').click()
    expect(inside.get_by_role("alert")).to_contain_text("this looks like a loop without an end")
    own.locator('[data-wslab-row="5"]').click()
    expect(inside.get_by_role("option", name="next")).to_be_visible()

    wire.locator('[data-wslab-row="4"]').click()
    expect(wire.locator("[data-wslab=inside]")).to_be_visible()
    wire.locator("[data-wslab=inside]").scroll_into_view_if_needed()
    notebook.screenshots("inside-a-message")
    reach.check(notebook)
