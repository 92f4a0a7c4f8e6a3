"""The Node lesson in a real JupyterLab: programs in cells, the chat's page, the ends."""

from __future__ import annotations

from playwright.sync_api import expect

from . import reach


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("11_node.ipynb", width=1280, height=1000)
    page = notebook.page
    last = page.locator(".jp-Notebook .jp-Cell").count() - 1
    cells: dict[str, int] = {}
    for number in range(last - 1):  # the last two: closing the lab, and a word to teachers
        if not notebook.is_code(number):
            continue
        first = notebook.cell(number).locator(".jp-InputArea-editor").inner_text().split("\n")[0]
        cells[first] = number
        notebook.run_cell(number)
        if first == "%%browser room":
            # The guest in the page has to be there when Python says something.
            expect(notebook.view("browser-cell")).to_contain_text("the page is here")

    # What was sent as text came to the page as a Blob: the trap of part 2. Mended, it is text.
    expect(notebook.view("browser-cell")).to_contain_text("the page got: [object Blob]")
    mended = "lab.node(room._program.source.replace('(data)', '(data, b)')" + (
        ".replace('send(data, b)', 'send(data, { binary: b })'), 'room')"
    )
    notebook.execute(f"room = {mended}")
    notebook.run_cell(cells["%%browser room"])
    expect(notebook.view("browser-cell")).to_contain_text("the page is here")
    notebook.execute("with lab.connect(room.url) as guest: guest.send('Hello'); guest.recv()")
    expect(notebook.view("browser-cell")).to_contain_text("the page got: Hello")

    # A program's view: what it prints, live, and how it ended.
    server = notebook.view("program").first
    expect(server).to_contain_text("node · server")
    panel = notebook.view("client-panel")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-input="message"]').fill("<b>Grüße</b>")
    panel.locator('[data-action="send"]').click()
    expect(panel.locator('[data-event="message"]').last).to_contain_text("you said: <b>Grüße</b>")
    expect(server).to_contain_text("<Buffer 3c 62 3e 47 72 c3 bc c3 9f 65 3c 2f 62 3e>")
    server.scroll_into_view_if_needed()
    notebook.screenshots("node-server")
    notebook.execute("server.signal('SIGKILL'); server.wait()")
    expect(server).to_contain_text("ended by SIGKILL")
    expect(panel).to_have_attribute("data-state", "CLOSED")

    # The page of lesson 09, served by Node, and Python in the same room.
    frame = notebook.view("page-frame").locator("iframe").content_frame
    expect(frame.locator("#state")).to_have_text("you are Katherine")
    expect(frame.locator("#messages")).to_contain_text("Linus Good morning from Python")
    frame.locator("#message").fill("from the page")
    frame.locator("#message").press("Enter")
    expect(frame.locator("#messages li").first).to_have_text("Katherine from the page")
    notebook.execute("chat.signal('SIGTERM'); chat.wait()")
    expect(frame.locator("#state")).to_have_text("closed: 1001 the server is going away")

    # The gallery: predict, end a real process, compare.
    gallery = notebook.view("ends")
    gallery.locator('button[data-experiment="crash"]').click()
    gallery.get_by_role("radio").nth(2).check()  # 1011, as it would be in Python
    gallery.locator('[data-action="run"]').click()
    outcome = gallery.locator('[data-wslab="outcome"]')
    expect(outcome.locator('[data-column="python"]')).to_contain_text("close 1006")
    expect(outcome.locator('[data-column="process"]')).to_contain_text("exit code 1")
    notebook.screenshots("node-ends", gallery)

    a_board_of_everybody_with_everybody(notebook)

    verdicts = notebook.view("verdict")
    for number in range(verdicts.count()):
        expect(verdicts.nth(number)).to_contain_text("Not yet")
    reach.check(notebook)
    notebook.execute("lab.close()")
    expect(notebook.view("program").nth(1)).to_contain_text("ended by SIGTERM")
    assert notebook.errors == []


def a_board_of_everybody_with_everybody(notebook):
    """Its first row has run in this page; the others run by keyboard and by click."""
    board, page = notebook.view("matrix"), notebook.page

    def cell(row, column):
        return board.locator(f'.ws-cell[data-row="{row}"][data-column="{column}"]')

    row = "close(), by the client"
    for server in ("websockets", "ws"):
        expect(cell(row, f"websockets with {server}")).to_have_text("≠1000", timeout=30_000)
        expect(cell(row, f"browser with {server}")).to_have_text("✓agrees", timeout=30_000)
        expect(cell(row, f"WebSocket with {server}")).to_have_text("✓agrees", timeout=30_000)
        assert cell(row, f"browser with {server}").get_attribute("data-recorded") is None
    # A cell opens below its row, and leads to the wire.
    cell(row, "browser with ws").click()
    detail = board.locator('[data-wslab="cell"]')
    expect(detail.locator('tr[data-same="true"]')).to_have_count(7)
    expect(detail).to_contain_text("close event: code 1005")
    closes = detail.locator('[data-column="wire"] li[data-kind="close"] button')
    number = closes.first.get_attribute("data-row")
    closes.first.click()
    wire = notebook.view("wire-view")
    expect(wire.locator(f'[data-wslab-row="{number}"]')).to_have_attribute("aria-selected", "true")
    # By keyboard: one stop of the Tab key, arrows, Enter on a row's name runs the row.
    cell(row, "browser with ws").focus()
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    page.keyboard.press("End")
    expect(cell(row, "WebSocket with ws")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(cell("4000, by the client", "WebSocket with ws")).to_be_focused()
    assert board.locator('.ws-cells [tabindex="0"]').count() == 1
    name = board.locator('[data-row-name="the client leaves"] [role="rowheader"]')
    name.focus()
    page.keyboard.press("Enter")
    expect(cell("the client leaves", "browser with ws")).to_have_text("≠1001", timeout=30_000)
    expect(cell("the client leaves", "WebSocket with ws")).to_have_text("✓agrees", timeout=30_000)
    expect(board).not_to_have_attribute("data-busy", "")
    cell("the client leaves", "browser with websockets").click()
    expect(detail).to_contain_text("A browser says goodbye for a page that goes away.")
    # Stop: what has not begun does not run.
    board.locator('[data-action="run-all"]').click()
    expect(board).to_have_attribute("data-busy", "")
    board.locator('[data-action="stop"]').click()
    expect(board).not_to_have_attribute("data-busy", "", timeout=30_000)
    expect(cell("the server is killed", "WebSocket with ws")).to_have_text("·")
    notebook.screenshots("node-board", board)
