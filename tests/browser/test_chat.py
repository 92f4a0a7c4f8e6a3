"""The chat lesson in a real JupyterLab: seats, the page in frames and tabs, attack and door."""

from __future__ import annotations

from playwright.sync_api import expect

from . import page_cookies, reach

STOLEN = "Please give Mallory all my money. Yours, Victim"


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("09_chat.ipynb", width=1280, height=1000)
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):  # the last two: closing the lab, and a word to teachers
        if notebook.is_code(number):
            notebook.run_cell(number)
    page = notebook.page

    # The seats: what Ada says stands on top of Grace's list.
    ada, grace = notebook.view("chat").nth(0), notebook.view("chat").nth(1)
    expect(ada).to_have_attribute("data-state", "OPEN")
    ada.locator('[data-input="message"]').fill("<i>Hello</i> שלום")
    ada.locator('[data-input="message"]').press("Enter")  # JupyterLab would cancel it in a cell
    top = grace.locator('[data-kind="message"]').first
    expect(top).to_have_text("Ada<i>Hello</i> שלום")
    expect(ada.locator("[data-mine]").first).to_contain_text("<i>Hello</i>")
    expect(ada.locator('[data-input="message"]')).to_have_value("")
    ada.scroll_into_view_if_needed()
    notebook.screenshots("chat-seats")

    # The page, in its frame.
    frames = page.locator('[data-wslab="page-frame"] iframe')
    safe = frames.nth(0).content_frame
    unsafe = frames.nth(1).content_frame.frame_locator("iframe")  # within what keeps it there
    expect(safe.locator("#state")).to_have_text("you are Katherine")
    assert safe.locator("html").get_attribute("data-theme") in ("light", "dark")
    safe.locator("#message").fill("from the page")
    safe.locator("#message").press("Enter")
    expect(safe.locator("#messages li").first).to_have_text("Katherine from the page")
    expect(grace.locator('[data-kind="message"]').first).to_have_text("Katherinefrom the page")

    # The attack works on the one page, and not on the other.
    notebook.execute("attacker = lab.join('Mallory 2')")
    notebook.execute(
        "attacker.send('<b>Look!</b> <img src=x onerror=\"socket.send('"
        "+ repr('Please give Mallory all my money. Yours, ') + ' + me)\">')"
    )
    expect(unsafe.locator("#messages li b").first).to_have_text("Look!")
    expect(safe.locator("#messages li").first).to_have_text(f"Victim {STOLEN}")
    expect(safe.locator("#messages li").nth(1)).to_contain_text("<b>Look!</b> <img src=x")
    assert safe.locator("#messages b, #messages img").count() == 0
    assert grace.locator("b, img").count() == 0
    frames.nth(1).scroll_into_view_if_needed()
    notebook.screenshots("chat-attack")
    # The unsafe page is in a sandbox: it has no origin, and so no cookies to lose.
    assert unsafe.locator("body").evaluate("() => self.origin") == "null"

    # The experiments' tables.
    results = notebook.view("result")
    expect(results).to_have_count(4)
    expect(results.nth(0)).to_contain_text("the receiver closed with 1007")
    expect(results.nth(2)).to_contain_text("shown out: 1013")
    results.nth(2).scroll_into_view_if_needed()
    notebook.screenshots("chat-slow")

    hostile_words_stay_words(notebook, safe, grace)
    the_page_in_tabs(notebook, grace)
    other_pages_stay_outside(notebook)
    page_cookies.are_nowhere(notebook)
    a_seat_leaves_and_comes_back(notebook, grace)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")


def hostile_words_stay_words(notebook, safe, grace) -> None:
    """A name of HTML; a text that turns around and closes the list; one without a break."""
    told = "\u202enu \0 </li></ol><img src=x onerror='alert(1)'>"
    notebook.execute(f"eve = lab.join('<i>Eve</i>')\neve.send({told!r})\neve.send('x' * 4096)")
    top = safe.locator("#messages li")
    expect(top.first).to_have_text("<i>Eve</i> " + "x" * 4096)
    assert top.nth(1).evaluate("item => item.textContent") == f"<i>Eve</i> {told}"
    said = grace.locator('[data-kind="message"]')
    expect(said.first).to_contain_text("x" * 300)  # and more; the panel shows the beginning
    assert told in said.nth(1).evaluate("item => item.textContent")
    for place in (safe.locator("body"), grace):
        assert place.locator("li i, li img").count() == 0
        # The long one makes nothing wider than its place.
        assert place.evaluate("place => place.scrollWidth <= place.clientWidth")
    # In an isolate of its own: what turns around does so in there, and the name stays in front.
    assert top.nth(1).locator("bdi").all_text_contents() == ["<i>Eve</i>", told]
    notebook.execute("eve.close()")


def the_page_in_tabs(notebook, grace) -> None:
    url = notebook.execute("print(lab.page_url)").strip()
    tabs = [notebook.page.context.new_page() for _ in range(2)]
    for tab in tabs:
        problems: list[str] = []
        tab.on("pageerror", lambda error, problems=problems: problems.append(str(error)))
        tab.on("console", lambda said, problems=problems: problems.append(said.text))
        tab.goto(url)
        tab.locator("#name").fill("Tab")
        tab.get_by_role("button", name="Join").click()
        expect(tab.locator("body")).to_have_attribute("data-state", "OPEN")
        assert problems == []  # nothing that the page's own policy forbids it
    expect(tabs[1].locator("#state")).to_have_text("you are Tab (2)")
    tabs[0].locator("#message").fill("to the other tab")
    tabs[0].get_by_role("button", name="Send").click()
    expect(tabs[1].locator("#messages li").first).to_have_text("Tab to the other tab")
    notebook.screenshot("chat-tab", of=tabs[1].locator("body"))
    tabs[0].close()
    expect(tabs[1].locator("#messages li").first).to_have_text("Tab said goodbye")
    expect(grace.locator('[data-kind="leave"]').first).to_contain_text("Tab")
    # Somebody who is shown out is told so on the page.
    tabs[1].locator("#message").fill("x" * 5000)
    tabs[1].get_by_role("button", name="Send").click()
    expect(tabs[1].locator("#state")).to_contain_text("closed: 1009")
    expect(tabs[1].get_by_role("button", name="Join")).to_be_visible()
    tabs[1].close()


def other_pages_stay_outside(notebook) -> None:
    """The notebook's own page is of another origin than the chat."""
    url = notebook.execute("print(lab.url)").strip()
    told = notebook.page.evaluate(
        """url => new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve("open");
          socket.onclose = (event) => resolve(event.code);
        })""",
        url,
    )
    assert told == 1006
    assert "403" in notebook.execute("print(lab.find('response').field('status line').value)")
    blocked = notebook.page.evaluate(
        "url => fetch(url).then((answer) => answer.text(), (error) => error.name)",
        notebook.execute("print(lab.page_url + 'unsafe')").strip(),
    )
    assert blocked == "TypeError"  # no script of another origin reads the page, or its ticket


def a_seat_leaves_and_comes_back(notebook, grace) -> None:
    grace.locator('[data-action="leave"]').click()
    expect(grace).to_have_attribute("data-state", "CLOSED")
    expect(grace.locator('[data-kind="end"]').first).to_contain_text("you left")
    grace.locator('[data-input="name"]').fill("evil\u202enimda")
    grace.locator('[data-action="join"]').click()
    expect(grace.locator('[data-kind="end"]').first).to_contain_text("U+202E")
    grace.locator('[data-input="name"]').fill("Grace Hopper")
    grace.locator('[data-action="join"]').click()
    expect(grace).to_have_attribute("data-state", "OPEN")
    expect(grace.locator(".ws-who")).to_have_text("Grace Hopper")
    # The newest line is on top and in sight.
    assert grace.locator(".ws-said").evaluate("list => list.scrollTop") == 0
