"""The frames lesson in a real JupyterLab: the workshop by mouse and by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from . import reach


def tab_to(target: Locator) -> None:
    """Press Tab until `target` has the focus."""
    for _ in range(30):
        target.page.keyboard.press("Tab")
        if target.evaluate("it => it.matches(':focus')"):
            return
    raise AssertionError(f"Tab does not reach {target}")


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

    # By keyboard alone, from its first control on: say who sends, choose a recipe, type a payload,
    # move over the bits, flip one, send.
    bench.locator('[data-sender="client"]').click()
    for key, who in (("Tab", "server"), ("Shift+Tab", "client")):
        sender = bench.locator(f'[data-sender="{who}"]')
        page.keyboard.press(key)
        page.keyboard.press("Enter")
        expect(sender).to_have_attribute("aria-pressed", "true")
        expect(sender).to_be_focused()
    tab_to(bench.locator('[data-input="recipe"]'))
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(bench.locator('[data-input="recipe"]')).to_have_value("a ping between fragments")
    expect(bench.locator('[data-input="opcode"]')).to_have_value("9")
    tab_to(bench.locator('[data-input="text"]'))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("??")
    expect(bench.locator("[data-byte]")).to_have_count(8)
    page.keyboard.press("Backspace")
    expect(bench.locator("[data-byte]")).to_have_count(7)
    tab_to(bench.locator('[data-bit="8"]'))  # where the bits were left
    page.keyboard.press("ArrowUp")
    expect(bench.locator('[data-bit="0"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(bench.locator('[data-bit="1"]')).to_be_focused()
    expect(bench.locator('[data-wslab="explanation"]')).to_have_attribute("data-field", "RSV1")
    page.keyboard.press("Space")
    expect(bench.locator('[data-flag="rsv1"]')).to_have_text("RSV1 1")
    expect(bench.locator('[data-bit="1"]')).to_be_focused()
    page.keyboard.press("Space")
    expect(bench.locator('[data-flag="rsv1"]')).to_have_text("RSV1 0")
    tab_to(bench.locator('[data-action="send"]'))
    page.keyboard.press("Enter")
    expect(bench.locator('[data-reaction="3"]')).to_contain_text("pong")

    # From the wire onto the bench and back to a real client.
    echo = wire.locator('[data-wslab-row][data-kind="pong"]').last
    expect(echo).to_be_visible()
    bench.locator('[data-input="row"]').fill("the last")
    bench.locator('[data-action="take"]').click()
    expect(bench.locator('[data-wslab="problem"]')).to_contain_text("Expected the number of a row")
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
    a_trial_by_keyboard(notebook)
    the_predictions_at_the_end(notebook)
    two_frames_compared(notebook)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert notebook.errors == []


def a_trial_by_keyboard(notebook):
    """The list is one stop of the Tab key; the arrows walk through it, and Enter chooses."""
    trials, keyboard = notebook.view("trials"), notebook.page.keyboard
    first = trials.locator("button[data-experiment]").first
    first.focus()
    keyboard.press("End")
    expect(trials.locator("button[data-experiment]").last).to_be_focused()
    keyboard.press("Home")
    expect(first).to_be_focused()
    for _ in range(7):
        keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(trials.get_by_role("button", name="Send it")).to_be_disabled()
    tab_to(trials.get_by_role("radio").first)
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    tab_to(trials.get_by_role("button", name="Send it"))
    keyboard.press("Enter")
    outcome = trials.locator('[data-wslab="outcome"]')
    expect(outcome).to_have_attribute("data-experiment", "a client that does not mask")
    expect(outcome).to_contain_text("As you said: It closes with 1002, Protocol Error.")
    broken = outcome.locator('[data-column="wire"] li', has_text="broken")
    expect(broken).to_have_attribute("data-direction", "client")
    notebook.screenshots("frames-trials", trials)


def the_predictions_at_the_end(notebook):
    """They follow each answer at once; the way back leads to the heading above the question."""
    summary = notebook.view("predictions")
    expect(summary).to_contain_text("1 of 1 right.")  # of the trials
    question = notebook.view("question").nth(1)
    question.get_by_label("So that nobody on the way can read it").check()
    question.get_by_role("button", name="That is my answer").click()
    expect(summary).to_contain_text("1 of 2 right.")
    expect(summary).to_contain_text("You have not answered yet: part 1, part 6, part 7.")
    notebook.screenshots("frames-predictions", summary)
    summary.get_by_role("link", name="4 · The mask").focus()
    notebook.page.keyboard.press("Enter")
    heading = notebook.page.get_by_role("heading", name="4 · The mask")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()


def two_frames_compared(notebook):
    """The client's masked Hello above the server's, field under field, by keyboard and mouse."""
    wire, keyboard = notebook.view("wire-view").first, notebook.page.keyboard
    compared = wire.locator('[data-wslab="comparison"]')
    button = wire.locator('[data-action="compare"]')
    hello = wire.locator('[data-wslab-row][data-kind="text"]')
    wire.get_by_role("listbox", name="what crossed").focus()
    for key in ("Home", "ArrowDown", "ArrowDown"):
        keyboard.press(key)
    expect(hello.first).to_have_attribute("aria-selected", "true")
    expect(button).to_be_visible()
    tab_to(button)
    keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    keyboard.press("ArrowDown")
    expect(hello.nth(1)).to_have_attribute("aria-selected", "true")
    expect(compared).to_contain_text("3 fields differ, 2 the same.")

    def slot(name):
        return compared.locator(f'[data-slot="{name}"]')

    expect(slot("FIN, RSV, opcode")).to_have_attribute("data-same", "true")
    expect(slot("MASK, payload length")).to_contain_text("MASK: 1 ≠ 0")
    expect(slot("masking key")).to_contain_text("no masking key")
    expect(slot("masking key")).to_contain_text("≠ differs")
    expect(slot("payload").locator(".ws-pair > div").nth(1)).to_have_text("B 48656c6c6f")
    expect(slot("payload, unmasked")).to_have_attribute("data-same", "true")
    expect(slot("payload, unmasked").locator("[data-differs]")).to_have_count(0)
    notebook.screenshots("frames-compared", wire)

    keyboard.press("Escape")
    expect(compared).to_be_hidden()
    expect(wire.get_by_role("heading", name="text frame")).to_be_visible()
    request, response = (
        wire.locator(f'[data-kind="{kind}"]').first for kind in ("request", "response")
    )
    for choose in (request, button, response):
        choose.click()
    expect(slot("Upgrade")).to_have_attribute("data-same", "true")
    expect(slot("Host")).to_contain_text("no Host")
    hello.nth(1).click()
    expect(compared).to_contain_text("they have no field in common")
    response.click()  # what axe is to see
