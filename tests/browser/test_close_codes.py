"""The lesson of the close codes in a real JupyterLab: every ending by its button, in the DOM."""

from __future__ import annotations

from playwright.sync_api import expect

from wslab.net.cases import ENDINGS

from . import reach

STACKS = ["websockets", "ws"]


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("07_close_codes.ipynb", width=1280, height=1100)
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):  # the last two: closing the lab, and a word to teachers
        if notebook.is_code(number):
            notebook.run_cell(number)
    gallery, wire = notebook.view("endings"), notebook.view("wire-view")
    says_goodbye_by_buttons(notebook)

    press(gallery, "1002")
    account = gallery.locator('[data-stack="websockets"][data-ending="1002"]')
    expect(account.locator('[data-column="client"]')).to_have_attribute("data-code", "1006")
    expect(account.locator('[data-column="client"]')).to_contain_text("not clean")
    expect(account.locator('[data-column="wire"] li[data-kind="close"]')).to_contain_text("1002")
    # The server is a raw peer: what it heard is no word of an API's.
    server = account.locator('[data-column="server"]')
    expect(server).to_have_text("the server, a raw peer (no API), heardclose 1002")
    expect(server.locator(".ws-code")).to_have_count(0)
    notebook.screenshots("endings-1002", gallery)

    # The row of the masked frame, one click away in the wire view.
    broken = account.locator('[data-column="wire"] li', has_text="broken")
    number = broken.locator("button").get_attribute("data-row")
    broken.locator("button").click()
    expect(wire.locator(f'[data-wslab-row="{number}"]')).to_have_attribute("aria-selected", "true")
    expect(wire.locator(f'[data-wslab-row="{number}"]')).to_have_attribute("data-kind", "text")

    # By keyboard.
    gallery.locator('button[data-ending="both-at-once"]').focus()
    notebook.page.keyboard.press("Enter")
    account = gallery.locator('[data-stack="websockets"][data-ending="both-at-once"]')
    expect(account.locator('[data-column="client"]')).to_have_attribute("data-code", "4001")
    expect(account.locator('[data-column="server"]')).to_have_attribute("data-code", "4000")

    if "ws" in STACKS:
        press(gallery, "1011")
        account = gallery.locator('[data-stack="ws"][data-ending="1011"]')
        expect(account.locator('[data-column="client"]')).to_have_attribute("data-code", "1006")
        expect(gallery.locator(".ws-difference")).to_contain_text("They differ")
        gallery.locator('button.ws-stack[data-stack="ws"]').click()  # the rest on websockets only
    for name in ENDINGS:
        press(gallery, name)
        account = gallery.locator(f'[data-stack="websockets"][data-ending="{name}"]')
        expect(account).to_have_attribute("data-as-documented", "true")
    # By code: the gallery shows it.
    notebook.execute("lab.ending(1001)")
    expect(gallery.locator('.ws-result[data-ending="1001"]')).to_be_visible()
    a_script_may_not_pass_1002(notebook)
    assert not [error for error in notebook.errors if "endings" in error]
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")


def says_goodbye_by_buttons(notebook):
    """Two close frames, one from each side, and the client's state is CLOSED again."""
    panel = notebook.view("client-panel")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-action="close"]').click()
    expect(panel).to_have_attribute("data-state", "CLOSED")
    crossed = notebook.execute(
        "newest = lab.capture.index.connections[-1]\n"
        "print([(row.direction, row.kind) for row in lab.capture.index.rows()\n"
        "    if row.connection == newest and row.kind == 'close'])"
    )
    assert crossed.strip() == "[('client', 'close'), ('server', 'close')]"


def press(gallery, name):
    gallery.locator(f'button[data-ending="{name}"]').click()
    expect(gallery.locator(f'.ws-result[data-ending="{name}"]')).to_be_visible()
    # The longest waits a third of a second on purpose, and starting Node takes its time.
    expect(gallery.locator(".ws-result")).not_to_have_attribute("data-busy", "", timeout=20_000)


def a_script_may_not_pass_1002(notebook):
    """In this very browser."""
    told = notebook.execute(
        "(socket,) = [out for out in Out.values() if type(out).__name__ == 'BrowserSocket']\n"
        "socket.connect(); socket.wait('open')\n"
        "socket.close(1002); print(socket.wait('exception').text)\n"
        "socket.close(4000, 'bye'); closed = socket.wait('close')\n"
        "print(closed.code, closed.was_clean)"
    )
    assert "InvalidAccessError" in told
    assert "4000 True" in told
