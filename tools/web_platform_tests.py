"""Run web-platform-tests of WebSocket against the browser's own socket and that of cells on a hub.

python tools/web_platform_tests.py FOLDER [part of a file's name ...] [--write]

FOLDER is a checkout of web-platform-tests, which is not part of the project (`wpt_files.py` says
how to get it). Each file of its `websockets/` that applies runs three times in Chromium:

- native: in a page of its own, with the browser's own WebSocket;
- bridged: in a `%%browser` cell as on a hub, where the page around the cell makes the sockets, here
  through a proxy that changes nothing;
- proxied: in a `%%browser` cell of a real JupyterLab, through the real jupyter-server-proxy.

The exit code is 1 if the last two differ from the first other than `DIFFERENT` says. `--write`
writes what was found to docs/web-platform-tests.md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

import find_browser
from find_browser import CHROMIUM
from playwright.sync_api import Browser, Locator, Playwright, sync_playwright
from playwright.sync_api import Page as BrowserPage
from real_lab import BROWSER_ARGS, CALL_TIMEOUT, REPOSITORY, START_TIMEOUT, running_lab
from wpt_files import WptFiles
from wpt_server import BASE, WptServer

from wslab.net.servers.pages import Page
from wslab.view.panels.browser_cells import BrowserCell

_NO_REASON = "the proxy answers a close itself, with its code and without the reason"
_TOO_EARLY = "the proxy answers before it has asked the server: first comes an `open`"
DIFFERENT: dict[str, dict[str, str]] = {
    "native": {},
    "bridged": {},
    "proxied": {
        "Close-1000-verify-code.any.js": _NO_REASON,
        "Close-reason-unpaired-surrogates.any.js": _NO_REASON,
        "Close-delayed.any.js": "the proxy answers a close itself, and at once",
        "constructor/01[014].html": _TOO_EARLY,
        "interfaces/WebSocket/close/close-connecting.html": _TOO_EARLY,
        "opening-handshake/001.html": _TOO_EARLY,
        "interfaces/WebSocket/events/018.html": "what breaks a rule ends at the proxy: no `error`",
        "opening-handshake/005.html": "the server's close code ends at the proxy",
    },
}
"""Patterns of files whose verdicts differ from the native ones, by place, with the reason."""

PLACES = tuple(DIFFERENT)
HUB = "hub.test"
NAMES = f"MAP {HUB} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
LONGEST = 65.0  # seconds: testharness.js itself gives up after 60 at most
VERDICTS = ("pass", "fail", "timeout", "not run", "precondition failed")  # testharness.js: 0 to 4
TABLE = REPOSITORY / "docs" / "web-platform-tests.md"

Verdicts = dict[str, str]  # by the names of a file's tests
Found = dict[str, dict[str, Verdicts]]  # by file, then by place

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


# -- where the tests run ------------------------------------------------------------------------


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
def running_chromium(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium that finds the hub, and nothing else."""
    args = [arg for arg in BROWSER_ARGS if not arg.startswith("--host-resolver-rules")]
    browser = playwright.chromium.launch(
        executable_path=find_browser.find(CHROMIUM),
        args=[*args, f"--host-resolver-rules={NAMES}"],
        timeout=START_TIMEOUT * 1000,
    )
    try:
        yield browser
    finally:
        browser.close()


# -- what is found ------------------------------------------------------------------------------


def run(
    files: WptFiles, browser: Browser, wanted: Callable[[str], bool], *places: str
) -> Iterator[tuple[str, dict[str, Verdicts]]]:
    """Each file that is wanted, with its verdicts in these places."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(files))
        running = [native(browser, server), bridged(browser, server)]
        if "proxied" in places:
            running.append(stack.enter_context(proxied(browser, server)))
        for test in filter(wanted, files.tests()):
            yield test, {place.name: place.run(test) for place in running if place.name in places}


def reason(place: str, test: str) -> str | None:
    """Why this file's verdicts differ in this place; None where they should not."""
    return next((why for one, why in DIFFERENT[place].items() if fnmatch(test, one)), None)


def unexpected(test: str, verdicts: dict[str, Verdicts]) -> list[str]:
    """What is other than `DIFFERENT` says, in sentences."""
    sentences = []
    for place, found in verdicts.items():
        own = verdicts["native"]
        why = reason(place, test)
        if why and found == own:
            sentences.append(f"{test}, {place}: no difference any more, though {why}")
        elif found != own and not why:
            for name in dict.fromkeys([*own, *found]):
                here, there = own.get(name, "missing"), found.get(name, "missing")
                if here != there:
                    sentences.append(f"{test}, {place}: {there}, native: {here}: {name}")
    return sentences


def counted(verdicts: Verdicts) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts.values()).items())


def report(files: WptFiles, found: Found, browser: str) -> str:
    """The table of docs/, in Markdown."""
    counts = {
        place: Counter(verdict for one in found.values() for verdict in one[place].values())
        for place in PLACES
    }
    rows = [
        [verdict, *(f"{counts[place][verdict]}" for place in PLACES)]
        for verdict in dict.fromkeys(verdict for place in PLACES for verdict in counts[place])
    ]
    failing = [
        [f"`{test}`", counted(one["native"])]
        for test, one in found.items()
        if set(one["native"].values()) != {"pass"}
    ]
    differing = {
        place: [
            [f"`{test}`", counted(one["native"]), counted(one[place]), reason(place, test) or "?"]
            for test, one in found.items()
            if one[place] != one["native"]
        ]
        for place in PLACES[1:]
    }
    left_out = [
        [why, ", ".join(f"`{test}`" for test in tests)] for why, tests in files.left_out().items()
    ]
    return REPORT.format(
        day=datetime.date.today(),
        commit=files.commit(),
        browser=browser,
        proxy=version("jupyter-server-proxy"),
        files=len(found),
        tests=sum(len(one["native"]) for one in found.values()),
        counts=table(["", *PLACES], rows),
        bridged=table(["file", "native", "bridged", "why"], differing["bridged"]) or "None.\n",
        proxied=table(["file", "native", "proxied", "why"], differing["proxied"]) or "None.\n",
        failing=table(["file", "native"], failing) or "None.\n",
        left_out=table(["why", "files"], left_out),
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; nothing, where there are no rows."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) if rows else ""


REPORT = """\
# The socket of a `%%browser` cell, held against web-platform-tests

Written by `tools/web_platform_tests.py` on {day}, which runs the
[tests of WebSocket](https://github.com/web-platform-tests/wpt/tree/master/websockets) that browsers
are made with. They are no part of this project: the script takes them from a checkout, and
`tools/wpt_files.py` says how to get one. With `WSLAB_WPT` naming that folder,
`tests/browser/test_web_platform_tests.py` compares as well. Here:

- web-platform-tests {commit}
- {browser}, jupyter-server-proxy {proxy}
- {files} files with {tests} tests, over `ws:` and HTTP/1.1, each in three places:
  - **native**: in a page of its own, with the browser's own WebSocket
  - **bridged**: in a `%%browser` cell as on a hub, where a class of ours (`bridged_socket.js`)
    stands for a socket that the page around makes; here through a proxy that changes nothing
  - **proxied**: in a `%%browser` cell of a real JupyterLab, through the real proxy

{counts}
## Where the cell's socket differs from the browser's

{bridged}
No test asks for these: `event.isTrusted` is false; a socket that the server closes is OPEN until
its `close` event; a cell that ends closes its sockets without a code, and not with 1001; an options
bag is taken for the name of a subprotocol, as in browsers that know none.

## Where the proxy makes a difference

{proxied}
## What the browser itself fails

{failing}
## What is not run

The variants of these files over `wss:` and over HTTP/2, as cells connect to their lab over neither.
And whole files:

{left_out}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a checkout of web-platform-tests")
    parser.add_argument("parts", nargs="*", default=[""], help="parts of the wanted files' names")
    parser.add_argument("--places", nargs="*", default=PLACES, choices=PLACES)
    parser.add_argument("--write", action="store_true", help="write docs/web-platform-tests.md")
    options = parser.parse_args()
    files = WptFiles(options.folder)

    def wanted(test: str) -> bool:
        return any(part in test for part in options.parts)

    found: Found = {}
    problems: list[str] = []
    with sync_playwright() as playwright, running_chromium(playwright) as browser:
        for test, verdicts in run(files, browser, wanted, *options.places):
            found[test] = verdicts
            problems += unexpected(test, verdicts)
            print(test, *(f"{name}: {counted(found)}" for name, found in verdicts.items()))
        name = f"Chromium {browser.version}"
    print(*problems, sep="\n")
    if options.write:  # the whole of it
        TABLE.write_text(report(files, found, name), "utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
