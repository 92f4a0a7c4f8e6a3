"""The check of the machine in a real page: a widget round trip, and the page's own WebSocket."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

# An echo server on a thread of its own; the notebooks' own comes from wslab.labs.
SERVER = """\
import asyncio, threading
from websockets.asyncio.server import serve

async def echo(connection):
    async for message in connection:
        await connection.send(message)

url = []
listening = threading.Event()

async def main():
    async with serve(echo, "127.0.0.1", 0) as server:
        url.append(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        listening.set()
        await asyncio.Event().wait()

threading.Thread(target=asyncio.run, args=[main()], daemon=True).start()
assert listening.wait(10)
"""

SHOW = """\
from wslab import doctor
from wslab.view import DoctorView
view = DoctorView([check._asdict() for check in doctor.check()], {url})
view
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_that_works_says_ok(lab_page, theme):
    notebook = lab_page.open_cells(SERVER, SHOW.format(url="url[0]"), theme=theme)
    notebook.run_all()
    view = notebook.view("doctor")
    rows = view.locator("[data-check]")
    expect(view.locator('[data-check="widgets"]')).to_have_attribute("data-result", "ok")
    expect(view.locator('[data-check="browser"]')).to_have_attribute("data-result", "ok")
    expect(view.locator('[data-check="widgets"]')).to_contain_text("page → kernel → page")
    expect(view.locator('[data-check="browser"]')).to_contain_text(
        re.compile(r"this page, in Chrome \d+, opened ws://127\.0\.0\.1")
    )
    assert {"Python", "websockets", "loopback", "kernel"} <= {
        row.get_attribute("data-check") for row in rows.all()
    }
    expect(view.locator('[data-result="fail"]')).to_have_count(0)
    notebook.screenshot(f"doctor-{theme}")
    assert notebook.execute("view.page['browser']['result']").strip() == "'ok'"
    assert not notebook.errors


def test_a_server_out_of_reach_is_explained_and_can_be_tried_again(lab_page):
    closed = """\
import socket
with socket.create_server(("127.0.0.1", 0)) as s:
    closed = f"ws://127.0.0.1:{s.getsockname()[1]}"
"""
    notebook = lab_page.open_cells(closed, SHOW.format(url="closed"))
    notebook.run_all()
    browser = notebook.view("doctor").locator('[data-check="browser"]')
    expect(browser).to_have_attribute("data-result", "warn")
    expect(browser).to_contain_text("closed with code 1006 before it opened")
    expect(browser).to_contain_text("The lessons work all the same")
    notebook.screenshot("doctor-unreached")
    notebook.execute(SERVER + "view._url = url[0]")
    notebook.page.get_by_role("button", name="Check again").click()
    expect(browser).to_have_attribute("data-result", "ok")


def test_markup_in_a_finding_is_text(lab_page):
    hostile = "<img src=x onerror=alert(1)>"
    notebook = lab_page.open_cells(
        "from wslab.view import DoctorView\n"
        f"DoctorView([dict(name='<b>n</b>', result='fail', found={hostile!r}, remedy={hostile!r})])"
    )
    notebook.run_all()
    view = notebook.view("doctor")
    expect(view.locator('[data-result="fail"]')).to_contain_text(hostile)
    expect(view.locator("img, b")).to_have_count(0)
    expect(view.get_by_role("status")).to_contain_text("1 failed")
