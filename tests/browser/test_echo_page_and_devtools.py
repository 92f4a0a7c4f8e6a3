"""The lesson on the echo page in a real JupyterLab: the page, the attack on it, the table."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, expect

from . import page_cookies, reach
from .test_first_connection import Lesson, lines, page_of

STOLEN = "All my money to Mallory, please"
POLICY = """<meta http-equiv="Content-Security-Policy" content="script-src 'nonce-mine'">"""


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("10_echo_page_and_devtools.ipynb", width=1280, height=1100)
    lesson = Lesson(notebook)
    page = lesson.run("open").frame_locator("iframe")
    lesson.run("wire")
    the_page_says_how_it_is_connected(notebook, lesson, page)
    lesson.run("page-code", "ask-unseen")
    a_page_gets_messages_and_never_frames(notebook, lesson, page)
    the_attack_works_on_one_page_alone(notebook, lesson, page)
    two_walls(notebook, lesson)
    code = [cell["id"] for cell in notebook_cells(notebook) if cell["cell_type"] == "code"]
    lesson.run(*code[code.index("ask-length") : code.index("ask-detect")])
    this_browser_answers_as_the_table_says(notebook, lesson)
    this_browser_answers_for_itself(notebook, lesson)
    lesson.run(*code[code.index("exercise-line") : code.index("close")])
    page_cookies.are_nowhere(notebook)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")
    # The console tells what the policy of the page in part 2 stopped, and nothing else.
    told = [said for said in notebook.errors if "script-src 'nonce-mine'" not in said]
    assert told == []


def the_page_says_how_it_is_connected(notebook, lesson, page) -> None:
    """In its frame and in a tab; each message is there twice, the newest first."""
    url = lesson.kernel("lab.url")
    state, said = page.locator("#state"), page.locator("#messages li")
    expect(state).to_have_text(f"Connected to {url}")
    for text in ("Hello", "<b>Hello</b>"):
        page.locator("#message").fill(text)
        page.locator("#message").press("Enter")
        expect(said).to_contain_text([f"Received: {text}", f"Sent: {text}"])
    assert page.locator("#messages b").count() == 0
    assert lesson.kernel("len({row.connection for row in lab.capture.index.rows()})") == 4
    notebook.screenshots("echo-page")
    page.get_by_role("button", name="Close").click()
    expect(state).to_have_text("Disconnected: 1000 Close was pressed")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.get_by_role("button", name="Connect again").click()
    expect(state).to_have_text(f"Connected to {url}")

    tab = notebook.page.context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda said: problems.append(said.text))
    tab.goto(lesson.kernel("lab.page_url"))
    expect(tab.locator("#state")).to_have_text(f"Connected to {url}")
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.evaluate(reach.AXE)
        found = tab.evaluate("async () => (await axe.run()).violations.map((one) => one.help)")
        assert found == [], scheme
        notebook.screenshot(f"echo-tab-{scheme}", of=tab.locator("body"))
    tab.set_viewport_size({"width": 320, "height": 600})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    assert problems == []  # nothing that the page's own policy forbids it
    tab.close()


def a_page_gets_messages_and_never_frames(notebook, lesson, page) -> None:
    told = page.locator("#messages li")
    before = told.count()
    expect(lesson.run("unseen")).to_contain_text("Python received: one message, three frames")
    expect(told.first).to_have_text("Received: one message, three frames")
    assert told.count() == before + 1
    kinds = lesson.kernel("[row.kind for row in lab.capture.index.rows()]")
    assert kinds.count("ping") == kinds.count("pong") == 2  # the page's browser, and Python
    assert kinds.count("continuation") == 4


def the_attack_works_on_one_page_alone(notebook, lesson, page) -> None:
    lesson.run("ask-status", "greet")
    output = lesson.run("unsafe")
    unsafe = page_of(output.locator('[data-wslab="browser-cell"]'))
    expect(unsafe.locator("#messages b")).to_have_text("Welcome!")
    expect(unsafe.locator("#messages div").first).to_have_text(f"Received: {STOLEN}")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Connect again").click()
    expect(page.locator("#messages li").first).to_contain_text("Received: <b>Welcome!</b> <img")
    notebook.screenshots("echo-attack", output)
    lesson.run("dismiss")
    expect(unsafe.locator("#state")).to_have_text("Connected to wss://your-bank.example/")
    expect(page.locator("#state")).to_contain_text("Disconnected: 4000 <img src=data:, onerror=")
    assert page.locator("#state img").count() == 0
    notebook.screenshots("echo-status", output)
    told = lines(lesson.run("status-parts"))
    expect(told).to_contain_text(["?who=%3Cb%3EAda%3C/b%3E&copy=2", "subprotocol: SyntaxError"])


def two_walls(notebook, lesson) -> None:
    """A policy stops the script, and the word stops the HTML as well."""
    (source,) = (cell["source"] for cell in notebook_cells(notebook) if cell["id"] == "unsafe")
    source = "".join(source)
    walled = source.replace("%%browser\n", f"%%browser\n{POLICY}\n")
    walled = walled.replace("<script>", '<script nonce="mine">')
    lesson.rewrite("unsafe", walled)
    output = lesson.run("unsafe")
    expect(lines(output)).to_contain_text(["Stopped by this page's own policy (script-src-attr)"])
    page = page_of(output)
    expect(page.locator("#messages b")).to_have_text("Welcome!")
    expect(page.locator("#messages div")).to_have_count(1)
    lesson.rewrite("unsafe", walled.replace("innerHTML", "textContent"))
    page = page_of(lesson.run("unsafe"))
    expect(page.locator("#messages div")).to_contain_text("Received: <b>Welcome!</b> <img")
    expect(page.locator("#messages div")).to_have_count(1)
    expect(output.locator("[data-line]")).to_have_count(0)
    expect(lesson.run("policy")).to_contain_text("script-src 'self'")
    lesson.run("greet-no-more")


def this_browser_answers_as_the_table_says(notebook, lesson) -> None:
    lesson.run("ask-detect")
    table = lesson.run("support").locator('[data-wslab="support"]')
    told = table.locator(".ws-bar [role=status]")
    expect(told).to_contain_text("all as the table says", timeout=20_000)  # it tries each for real
    expect(table.locator('[data-can="true"]')).to_have_count(20)  # of 21: one needs another site
    stream = table.locator('[data-feature="WebSocketStream"]')
    expect(stream.locator(".ws-answer")).to_have_text("✓ yes")
    notebook.screenshots("support", table)
    # Taken away from this page, as a flag or a policy would.
    notebook.page.evaluate("() => { self.kept = WebSocketStream; delete self.WebSocketStream }")
    table.get_by_role("button", name="Ask again").click()
    expect(stream.locator(".ws-answer")).to_have_text("✗ no ⚠ the table says yes")
    expect(stream).to_have_attribute("data-agrees", "false")
    expect(table.locator(".ws-bar [role=status]")).to_contain_text("1 not as the table says")
    notebook.page.evaluate("() => { self.WebSocketStream = self.kept }")
    told = lines(lesson.run("detect"))
    expect(told).to_contain_text(["WebSocket true", "WebSocketStream true", "WebTransport true"])
    expect(told.last).to_have_text("› ping: false - secure context: true", use_inner_text=True)

    # Not this machine, and no https: there a browser keeps some things back.
    tab = notebook.page.context.new_page()
    tab.route("**/*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    tab.goto("http://hub.example/")
    asked = "[isSecureContext, 'WebSocketStream' in self, 'WebTransport' in self]"
    assert tab.evaluate(asked) == [False, True, False]
    tab.close()


def this_browser_answers_for_itself(notebook, lesson) -> None:
    """In a frame and in a tab, opened by a click; what each must answer: `test_in_page.py`."""
    lesson.run("today-gallery", "today-options")
    gallery = notebook.view("todays-browser")

    def carry_out(name: str, prediction: str) -> Locator:
        gallery.locator(f'button[data-experiment="{name}"]').click()
        gallery.get_by_label(prediction).check()
        gallery.locator('[data-action="run"]').click()
        outcome = gallery.locator(f'[data-wslab="outcome"][data-experiment="{name}"]')
        expect(outcome.locator("[data-column]")).to_have_count(3)
        return outcome

    outcome = carry_out("options", "It throws: only texts are allowed there")
    expect(outcome.locator(".ws-verdict")).to_have_attribute("data-right", "true")
    expect(gallery.frame_locator("iframe").locator("#said")).to_contain_text("Done")

    outcome = carry_out("cookies", "All four")
    expect(outcome.locator(".ws-verdict")).to_have_attribute("data-right", "false")
    here = outcome.locator('[data-column="here"] li')
    expect(here).to_have_count(3)
    here.nth(1).locator("button[data-row]").click()
    wire = notebook.view("wire-view").first
    row = wire.locator('[data-wslab-row][aria-selected="true"]')
    expect(row).to_contain_text("GET /cookies/port")
    detail = wire.locator('[data-wslab="detail"]')
    expect(detail).to_contain_text("Cookie")
    expect(detail).not_to_contain_text("wslab-Strict")  # masked, as every login in a recording
    notebook.screenshot("todays-browser", gallery)

    lesson.run("today-table")
    table = notebook.view("browsers")
    tried = table.locator("tr", has_text="cookies: 127.0.0.1, another port").locator("td").nth(1)
    expect(tried).to_have_text("Strict, Lax, None, plain")
    expect(table.locator("tr", has_text="ports: Python")).to_contain_text("not tried yet")


def notebook_cells(notebook) -> list[dict]:
    return json.loads((notebook.lab.root / notebook.name).read_text("utf-8"))["cells"]
