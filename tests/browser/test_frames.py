"""The frames lesson in a real JupyterLab: the workshop by mouse and by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_workshop(lab_page):
    notebook = lab_page.open_notebook("03_frames.ipynb", width=900, height=1100)
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):
        if notebook.is_code(number):
            notebook.run_cell(number)
    page, bench = notebook.page, notebook.view("frame-workshop")
    wire = notebook.view("wire-view").last

    # By mouse: a recipe, a bit, and the peer's answer.
    bench.locator('[data-input="text"]').fill("Hi")
    expect(bench.locator("[data-byte]")).to_have_count(8)
    bench.locator('[data-action="send"]').click()
    first = bench.locator('[data-reaction="1"]')
    expect(first).to_contain_text('"Hi"')
    expect(first).to_contain_text("recv() returned 'Hi'")
    bench.locator('[data-bit="8"]').click()  # MASK
    expect(bench.locator('[data-flag="masked"]')).to_have_text("MASK 0")
    expect(bench.locator("[data-violation]")).to_contain_text("must mask")
    bench.locator('[data-action="send"]').click()
    second = bench.locator('[data-reaction="2"]')
    expect(second).to_contain_text("1002")
    expect(second).to_contain_text("the TCP connection ended")
    bench.scroll_into_view_if_needed()
    notebook.screenshots("frames-workshop")

    # By keyboard alone: choose a recipe, move over the bits, flip one, send.
    recipe = bench.locator('[data-input="recipe"]')
    recipe.focus()
    recipe.select_option("a ping between fragments")
    bit = bench.locator('[data-bit="0"]')
    bit.focus()
    page.keyboard.press("ArrowRight")
    expect(bench.locator('[data-bit="1"]')).to_be_focused()
    expect(bench.locator('[data-wslab="explanation"]')).to_have_attribute("data-field", "RSV1")
    page.keyboard.press("Space")
    expect(bench.locator('[data-flag="rsv1"]')).to_have_text("RSV1 1")
    expect(bench.locator('[data-bit="1"]')).to_be_focused()
    page.keyboard.press("Space")
    expect(bench.locator('[data-flag="rsv1"]')).to_have_text("RSV1 0")
    bench.locator('[data-action="send"]').focus()
    page.keyboard.press("Enter")
    expect(bench.locator('[data-reaction="3"]')).to_contain_text("pong")

    # From the wire onto the bench and back to a real client.
    echo = wire.locator('[data-wslab-row][data-kind="pong"]').last
    expect(echo).to_be_visible()
    bench.locator('[data-input="row"]').fill(echo.get_attribute("data-wslab-row"))
    bench.locator('[data-action="take"]').click()
    expect(bench.locator('[data-sender="server"]')).to_have_attribute("aria-pressed", "true")
    bench.locator('[data-input="opcode"]').select_option("1")
    bench.locator('[data-action="send"]').click()
    expect(bench.locator('[data-reaction="4"]')).to_contain_text("message: ?")

    # What cannot be is said in one line, and what was typed stays.
    announced = bench.locator('[data-input="announced_length"]')
    announced.fill("a lot")
    announced.press("Tab")
    problem = bench.locator('[data-wslab="problem"]')
    expect(problem).to_contain_text("expected a length in bytes")
    notebook.execute("lab.close()")
    assert notebook.errors == []
