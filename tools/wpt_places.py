"""Where web-platform-tests run: in a page of their own, and in `%%browser` cells as on a hub."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Playwright
from playwright.sync_api import Page as BrowserPage
from real_lab import BROWSER_ARGS, CALL_TIMEOUT, FIREFOX_SETTINGS, START_TIMEOUT, running_lab
from wpt_files import WptFiles
from wpt_server import BASE, WptServer

from wslab.installed import CHROMIUM, FIREFOX, Wanted, find
from wslab.net.servers.pages import Page
from wslab.view.panels.browser_cells import BrowserCell

HUB = "hub.test"
NAMES = f"MAP {HUB} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
LONGEST = 65.0  # seconds: testharness.js itself gives up after 60 at most
VERDICTS = ("pass", "fail", "timeout", "not run", "precondition failed")  # testharness.js: 0 to 4

Verdicts = dict[str, str]
"""What became of a file's tests, by their names."""

# What of a page of Jupyter's a cell looks at, and a widget's model that hears of no change.
HOST = """<!doctype html><meta charset="utf-8"><title>A cell as on a hub</title>
<script type="application/json" id="jupyter-config-data">{"baseUrl": "BASE"}</script>
<body><script type="application/json" id="values">VALUES</script>
<script type="module">
import cells from "/browser_cells.js";
const values = JSON.parse(document.getElementById("values").textContent);
const nothing = () => {};
const model = { get: (name) => values[name], on: nothing, off: nothing, send: nothing };
cells.render({ model, el: document.body });
</script>""".replace("BASE", BASE)
# In a kernel: `show` runs a test as `%%browser` runs a learner's code.
PREPARE = """
from urllib.request import urlopen
from wslab.view.panels.browser_cells import BrowserCell
cell = None
def show(test):
    global cell
    if cell is not None:
        cell.close()
    with urlopen(f"http://127.0.0.1:PORT/websockets/{test}") as document:
        cell = BrowserCell(document.read().decode(), "ws://127.0.0.1:PORT/", [PORT])
    return cell
"""


class Place:
    """Where tests run: `show` brings a file into a page, and says in which frame of it."""

    def __init__(self, name: str, show: Callable[[str], Any]) -> None:
        self.name = name
        self._show = show

    def run(self, test: str) -> Verdicts:
        """Run a file; what became of each of its tests, and of the file where it failed itself."""
        document: Locator = self._show(test).locator(f'html[data-file="{test}"]')
        told = document.evaluate(
            "(_, most) => Promise.race([wptVerdicts, new Promise((end) => setTimeout(end, most))])",
            LONGEST * 1000,
        )
        if told is None:
            return {"(the file)": "timeout"}
        # Some names tell where the page comes from, which differs.
        verdicts = {
            re.sub(r"(?<=//)[\w.]+:\d+", "HOST", name): VERDICTS[status]
            for name, status, _ in told["tests"]
        }
        if told["harness"][0]:
            verdicts["(the file)"] = f"error: {told['harness'][1]}"
        return verdicts


def native(browser: Browser, server: WptServer) -> Place:
    page = new_page(browser)

    def show(test: str) -> Any:
        page.goto(f"http://127.0.0.1:{server.port}/websockets/{test}", wait_until="commit")
        return page

    return Place("native", show)


def bridged(browser: Browser, server: WptServer) -> Place:
    page = new_page(browser)

    def show(test: str) -> Any:
        page.goto(f"http://{HUB}:{server.port}/hub/{test}", wait_until="commit")
        return page.frame_locator("iframe").frame_locator("iframe")

    return Place("bridged", show)


@contextlib.contextmanager
def proxied(browser: Browser, server: WptServer) -> Iterator[Place]:
    options = [f"--ServerApp.base_url={BASE}", "--ServerApp.allow_remote_access=True"]
    with tempfile.TemporaryDirectory() as work, running_lab(Path(work), *options) as lab:
        lab.write_notebook("tests.ipynb", "show(test)")
        lab.page_url = lab.url.replace("127.0.0.1", HUB)
        notebook = lab.open(browser, "tests.ipynb")
        notebook.execute(PREPARE.replace("PORT", str(server.port)))

        def show(test: str) -> Any:
            notebook.execute(f"test = {test!r}")
            notebook.run_cell(0)
            return notebook.view("browser-cell").frame_locator("iframe").frame_locator("iframe")

        try:
            yield Place("proxied", show)
        finally:
            notebook.close()


def new_page(browser: Browser) -> BrowserPage:
    page = browser.new_page()
    page.set_default_timeout(CALL_TIMEOUT * 1000)
    return page


@contextlib.contextmanager
def serving(files: WptFiles) -> Iterator[WptServer]:
    """The server, with each file as a page of its own and as a cell in a page as on a hub."""
    server = WptServer()
    server.start()
    try:
        names = {"host": "127.0.0.1", "ports[ws][0]": str(server.port)}
        for test in files.tests():
            document = files.document(test, names)
            cell = BrowserCell(document, server.url, [server.port])
            traits = ("_code", "_url", "_frame", "_ports", "_output")
            values = json.dumps({trait: getattr(cell, trait) for trait in traits})
            cell.close()
            host = HOST.replace("VALUES", values.replace("<", r"\u003c"))
            server.pages[f"/websockets/{test}"] = page(document)
            server.pages[f"/hub/{test}"] = page(host)
        server.pages["/browser_cells.js"] = page(str(BrowserCell._esm), "text/javascript")
        yield server
    finally:
        server.stop()


def page(text: str, kind: str = "text/html") -> Page:
    return Page(f"{kind}; charset=utf-8", text.encode(), policy={})


@contextlib.contextmanager
def running_browser(playwright: Playwright, wanted: Wanted) -> Iterator[Browser]:
    """A browser that finds the hub, and nothing else."""
    timeout = START_TIMEOUT * 1000
    if wanted is FIREFOX:
        browser = playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=find(FIREFOX),
            firefox_user_prefs={**FIREFOX_SETTINGS, "network.dns.localDomains": HUB},
            timeout=timeout,
        )
    else:
        args = [arg for arg in BROWSER_ARGS if not arg.startswith("--host-resolver-rules")]
        browser = playwright.chromium.launch(
            executable_path=find(CHROMIUM),
            args=[*args, f"--host-resolver-rules={NAMES}"],
            timeout=timeout,
        )
    try:
        yield browser
    finally:
        browser.close()


def run(
    files: WptFiles, browser: Browser, wanted: Callable[[str], bool], *places: str
) -> Iterator[tuple[str, dict[str, Verdicts]]]:
    """Each file that is wanted, with its verdicts in these places: native, bridged, proxied."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(files))
        running = [native(browser, server), bridged(browser, server)]
        if "proxied" in places:
            running.append(stack.enter_context(proxied(browser, server)))
        for test in filter(wanted, files.tests()):
            yield test, {place.name: place.run(test) for place in running if place.name in places}
