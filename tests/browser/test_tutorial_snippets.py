"""A popular tutorial's own snippets run in `%%browser` cells as they stand, but for the address.

They are not ours and not in this repository: where they are not at hand, this is skipped.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from real_lab import REPOSITORY

from .test_first_connection import page_of

SEEDS = sorted((REPOSITORY.parent / "shared" / "seeds").glob("*.txt"))

pytestmark = pytest.mark.skipif(
    not SEEDS, reason="the tutorial's text is not at hand (../shared/seeds)"
)

LAB = "from wslab.labs import first_connection\nlab = first_connection.open()"
SOCKET = "let socket = new WebSocket(url);\n"


def snippets(language: str) -> list[str]:
    """The text's blocks of code in that language, every address replaced by `url`."""
    text = "\n".join(path.read_text("utf-8") for path in SEEDS)
    blocks = re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)
    return [re.sub(r"(['\"])wss?://[^'\"]*\1", "url", block) for block in blocks]


def snippet(mark: str, language: str = "JavaScript") -> str:
    """The one in which `mark` stands."""
    (found,) = [block for block in snippets(language) if mark in block]
    return found


def test_the_first_example_and_the_fragments(lab_page):
    notebook = lab_page.open_cells(
        LAB,
        f"%%browser\n{snippet('[open] Connection established')}",
        f"%%browser\n{SOCKET}{snippet('bufferType')}\nsocket.onopen = () => socket.send('text');",
        # It names two things that it leaves to the reader.
        f"%%browser\n{SOCKET}let count = 0;\nlet moreData = () => `part ${{++count}}`;\n"
        "socket.onmessage = (event) => console.log(event.data);\n"
        # readyState is CONNECTING at first, and bufferedAmount 0 then too.
        f"socket.onopen = () => {{\n{snippet('bufferedAmount == 0')}\n}};",
        f"%%browser\n{SOCKET}socket.onopen = () => {{\n{snippet('closing party:')}\n}};\n"
        "socket.addEventListener('close', ({ code, reason, wasClean }) => "
        "console.log(code, reason, wasClean));",
        f"%%browser\n{SOCKET}{snippet('in case connection is broken')}\n"
        "socket.addEventListener('close', ({ code, wasClean }) => console.log(code, wasClean));",
    )
    notebook.run_all()
    cells = notebook.view("browser-cell")
    expect(cells.nth(0)).to_contain_text("[message] Data received from server: My name is John")
    expect(cells.nth(0).locator('[data-line="alert"]')).to_have_count(3)
    expect(cells.nth(1)).to_have_attribute("data-state", "OPEN")
    expect(cells.nth(2)).to_contain_text("part 3")
    expect(cells.nth(3)).to_contain_text("1000 Work complete true")
    expect(cells.nth(4)).to_have_attribute("data-state", "OPEN")
    notebook.execute("lab.tap.cut()")
    expect(cells.nth(0)).to_contain_text("[close] Connection died")
    expect(cells.nth(4)).to_contain_text("1006 false")
    expect(cells.locator('[data-line="error"]')).to_have_count(0)


def test_the_two_pages_with_a_form(lab_page):
    chat_html, demo_html = snippets("HTML")
    chat = f"{chat_html}<script>\n{snippet('forms.publish')}</script>"
    demo = f"{demo_html}<script>\n{snippet('message-form')}</script>"
    notebook = lab_page.open_cells(LAB, f"%%browser\n{chat}", f"%%browser\n{demo}", "lab.wire()")
    notebook.run_all()
    page = page_of(notebook.view("browser-cell").nth(0))
    for number, text in enumerate(["one", "<b>two</b>"]):
        page.locator("[name=message]").fill(text)
        page.locator("[type=submit]").click()
        expect(page.locator("#messages div")).to_have_count(number + 1)
    expect(page.locator("#messages div")).to_have_text(["<b>two</b>", "one"])

    page = page_of(notebook.view("browser-cell").nth(1))
    expect(page.locator("#status")).to_contain_text("Connected to: ws://127.0.0.1")
    page.locator("#message").fill("three")
    page.get_by_role("button", name="Send Message").click()
    expect(page.locator("#messages li")).to_have_text(["Sent:three", "Received:three"])
    page.get_by_role("button", name="Close Connection").click()
    expect(page.locator("#status")).to_have_text("Disconnected from WebSocket.")
    wire = notebook.view("wire-view").locator('[data-wslab-row][data-kind="text"]')
    expect(wire).to_have_count(6)
