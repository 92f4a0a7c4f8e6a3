"""The wire debugger through the page: everything that can be done to what crosses."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

CAST = """\
from wslab.labs import handshake
lab = handshake.open()
client = lab.connect()
lab.wire()
"""


def row(wire: Locator, text: str, direction: str = "client") -> Locator:
    return wire.locator(f'[data-wslab-row][data-direction="{direction}"]').filter(has_text=text)


def do(wire: Locator, action: str) -> None:
    wire.locator(f'[data-action="{action}"]').click()


def test_the_wire_is_stopped_stepped_and_changed_through_the_page(lab_page):
    notebook = lab_page.open_cells(CAST, width=1500, height=1000)
    notebook.run_all()
    wire = notebook.view("wire-view").first
    holds = wire.locator('[data-action="hold"]')
    waiting = notebook.view("waiting")

    do(wire, "hold")
    expect(holds).to_have_attribute("aria-pressed", "true")
    notebook.execute("for text in ('one', 'two', 'three', 'four'): client.send(text)")
    expect(wire.locator("[data-waiting]")).to_have_count(4)
    expect(waiting).to_have_text("4 waiting")

    do(wire, "step")
    expect(row(wire, '"one"')).to_have_attribute("data-mark", re.compile(r"^held [\d.]+ s$"))
    expect(row(wire, '"one"', "server")).to_have_attribute("data-mark", "held")

    row(wire, '"two"').click()
    do(wire, "drop")
    expect(row(wire, '"two"')).to_have_attribute("data-mark", re.compile("dropped$"))
    expect(notebook.view("frame-actions")).to_be_hidden()

    row(wire, '"three"').click()
    do(wire, "edit")
    wire.locator('[data-input="edit-payload"]').fill("changed")
    wire.locator('[data-input="edit-rsv1"]').check()
    do(wire, "apply-edit")
    expect(row(wire, '"three"')).to_have_attribute("data-mark", "edited, held")
    expect(wire.locator(".ws-history")).to_contain_text("edited (by hand)")
    assert notebook.execute("lab.tap.held[0].payload") == "b'changed'"
    do(wire, "edit")
    wire.locator('[data-input="edit-rsv1"]').uncheck()
    do(wire, "apply-edit")
    expect(wire.locator(".ws-history li")).to_have_count(3)  # held, and edited twice
    assert notebook.execute("lab.tap.held[0].data[0]") == str(0x81)

    # The rest of its header: the length, in a form that it does not need, and the masking key.
    def header(changed: str) -> None:
        expect(wire.locator(".ws-history li").last).to_contain_text(changed)

    do(wire, "edit")
    wire.locator('[data-input="edit-length-form"]').select_option("64")
    key = wire.locator('[data-input="edit-key"]')
    expect(key).to_have_value(re.compile("^([0-9a-f]{2} ?){4}$"))
    key.fill("00 00 00 00")
    height = wire.locator(".ws-bytes-box").first.bounding_box()["height"]
    assert height > 60  # the editor leaves room for the bytes that it is about
    notebook.screenshots("debugger-held")
    do(wire, "apply-edit")
    header("81 ff 00 00 00 00 00 00 00 07 00 00 00 00 63 68 61 6e 67 65 64")
    do(wire, "edit")
    expect(wire.locator('[data-input="edit-length-form"]')).to_have_value("64")
    key.fill("00")
    do(wire, "apply-edit")
    expect(notebook.view("debugger-problem")).to_contain_text("expected a masking key of 4 bytes")
    key.fill("01 02 03 04")
    announced = wire.locator('[data-input="edit-announced"]')
    announced.fill("3")
    wire.locator('[data-input="edit-length-form"]').select_option("")
    do(wire, "apply-edit")
    header("81 83 01 02 03 04 62")
    do(wire, "edit")
    expect(announced).to_have_value("3")
    expect(wire.locator('[data-input="edit-payload"]')).to_have_value("changed")
    announced.fill("")
    do(wire, "apply-edit")
    header("81 87 01 02 03 04 62")
    assert notebook.execute("lab.tap.held[0].payload") == "b'changed'"

    # By keyboard, on the chosen row and on all.
    rows = wire.get_by_role("listbox").first
    cells = notebook.page.locator(".jp-Notebook .jp-Cell")
    many = cells.count()
    row(wire, '"four"').click()
    rows.press("c")
    expect(row(wire, '"four"')).to_have_attribute("data-mark", re.compile("duplicated"))
    rows.press("a")
    expect(row(wire, '"changed"', "server")).to_have_count(1)
    rows.press("h")
    expect(holds).to_have_attribute("aria-pressed", "false")
    expect(waiting).to_be_hidden()
    received = notebook.execute("[client.recv() for _ in range(4)]")
    assert received == "['one', 'four', 'changed', 'four']"
    rows.press("x")
    wire.locator('[data-action="pause"]').press("x")
    assert cells.count() == many  # none of these keys was JupyterLab's: a cuts in, x cuts out

    do(wire, "tools")
    rule = wire.locator('[data-input="rule"]')
    rule.fill("drp every pong")
    do(wire, "add-rule")
    expect(notebook.view("debugger-problem")).to_contain_text("did you mean 'drop'?")
    rule.fill('edit every server text to "by rule"')
    do(wire, "add-rule")
    expect(wire.locator(".ws-rules li")).to_have_count(1)
    expect(notebook.view("debugger-problem")).to_be_hidden()
    assert notebook.execute("client.send('x'); client.recv()") == "'by rule'"
    do(wire, "remove-rule")
    expect(wire.locator(".ws-rules li")).to_have_count(0)

    wire.locator('[data-input="inject-text"]').fill("from nowhere")
    do(wire, "inject")
    expect(row(wire, "from nowhere", "server")).to_have_attribute("data-mark", "injected")
    assert notebook.execute("client.recv()") == "'from nowhere'"
    notebook.screenshots("debugger-tools")

    # It goes by itself: later than it was held by hand.
    do(wire, "hold")
    expect(holds).to_have_attribute("aria-pressed", "true")
    notebook.execute("client.send('later')")
    row(wire, '"later"').click()
    do(wire, "delay")
    expect(row(wire, '"later"')).to_have_attribute("data-mark", re.compile(r"^held [1-9][\d.]* s$"))
    expect(wire.locator(".ws-history")).to_contain_text("delayed (by hand)")
    expect(row(wire, '"later"', "server")).to_have_attribute("data-mark", "held")
    do(wire, "hold")
    expect(holds).to_have_attribute("aria-pressed", "false")
    assert notebook.execute("client.recv()") == "'later'"

    freeze = wire.locator('[data-action="freeze"]')
    freeze.click()
    expect(freeze).to_have_text("Thaw")
    notebook.execute("client.send('cold')")
    expect(row(wire, '"cold"')).to_have_attribute("data-mark", "held")
    expect(waiting).to_have_text("frozen · 1 waiting")
    expect(wire.locator('[data-action="step"]')).to_be_disabled()
    freeze.click()
    expect(row(wire, '"cold"')).to_have_attribute("data-mark", re.compile(r"^held [\d.]+ s$"))
    expect(row(wire, '"cold"', "server")).to_have_count(1)
    assert notebook.execute("client.recv()") == "'cold'"

    line = wire.locator('[data-input="latency"]')
    line.fill("200")
    do(wire, "slow")
    expect(waiting).to_have_text("slow line")
    assert notebook.execute("client.send('slow'); client.recv()") == "'slow'"
    for direction in ("client", "server"):
        delayed = re.compile(r"^delayed (?!0\.[01])[\d.]+ s$")
        expect(row(wire, '"slow"', direction)).to_have_attribute("data-mark", delayed)
    line.fill("")
    do(wire, "slow")
    expect(waiting).to_be_hidden()

    do(wire, "half-close-server")
    expect(wire).to_have_attribute("data-state", "CLOSED")
    ended = "[(e.direction, e.note) for e in lab.capture.events if e.name == 'cut']"
    assert notebook.execute(ended) == "[('server', 'FIN')]"

    # What nobody can stop does not pass in silence.
    notebook.execute("client = lab.connect()")
    do(wire, "hold")
    expect(holds).to_have_attribute("aria-pressed", "true")
    passed = notebook.view("debugger-passed")
    expect(passed).to_be_hidden()
    notebook.execute("client.send(bytes(17 * 2**20))")
    expect(passed).to_contain_text("over 16 MiB a frame passes as it comes")
    notebook.screenshot("debugger-passed")
    do(wire, "hold")
    expect(passed).to_be_hidden()

    do(wire, "cut")
    expect(wire).to_have_attribute("data-state", "CLOSED")
    notebook.execute("from wslab.wire import save")
    saved = "save(lab.capture, 'debugged.jsonl').read_text()"
    assert notebook.execute(f"{saved}.count('edited')") != "0"
    assert notebook.execute("print(list(lab.tap.faults))").strip() == "[]"
    notebook.execute("lab.close()")
    assert not notebook.errors
