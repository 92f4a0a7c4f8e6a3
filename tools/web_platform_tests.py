"""Run web-platform-tests of WebSocket against the browser's own socket and that of cells on a hub.

python tools/web_platform_tests.py FOLDER [part of a file's name ...] [--write]

FOLDER is a checkout of web-platform-tests, which is not part of the project (`wpt_files.py` says
how to get it). Each file of its `websockets/` that applies runs in Chromium and in Firefox:

- native: in a page of its own, with the browser's own WebSocket;
- bridged: in a `%%browser` cell as on a hub, where the page around the cell makes the sockets, here
  through a proxy that changes nothing;
- proxied, in Chromium only: in a `%%browser` cell of a real JupyterLab, through the real
  jupyter-server-proxy.

The exit code is 1 if the last two differ from the first other than `DIFFERENT` says. `--write`
writes what was found to docs/web-platform-tests.md.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections import Counter
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

from playwright.sync_api import sync_playwright
from real_lab import REPOSITORY
from wpt_files import WptFiles
from wpt_places import Verdicts, run, running_browser

from wslab.installed import CHROMIUM, FIREFOX

PLACES = {CHROMIUM: ("native", "bridged", "proxied"), FIREFOX: ("native", "bridged")}
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

TABLE = REPOSITORY / "docs" / "web-platform-tests.md"

Found = dict[str, dict[str, dict[str, Verdicts]]]  # by browser, file and place


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


def report(files: WptFiles, found: Found) -> str:
    """The table of docs/, in Markdown."""
    columns = {
        (browser, place): Counter(
            verdict for one in tests.values() for verdict in one[place].values()
        )
        for browser, tests in found.items()
        for place in next(iter(tests.values()))
    }
    return REPORT.format(
        day=datetime.date.today(),
        commit=files.commit(),
        browsers=", ".join(found),
        proxy=version("jupyter-server-proxy"),
        files=len(files.tests()),
        tests=max(sum(counts.values()) for counts in columns.values()),
        counts=table(
            ["", *(f"{browser}, {place}" for browser, place in columns)],
            [
                [verdict, *(f"{counts[verdict]}" for counts in columns.values())]
                for verdict in dict.fromkeys(verdict for one in columns.values() for verdict in one)
            ],
        ),
        bridged=differences(found, "bridged"),
        proxied=differences(found, "proxied"),
        failing=table(
            ["file", "browser", "native"],
            [
                [f"`{test}`", browser, counted(one["native"])]
                for browser, tests in found.items()
                for test, one in tests.items()
                if set(one["native"].values()) != {"pass"}
            ],
        ),
        left_out=table(
            ["why", "files"],
            [
                [why, ", ".join(f"`{test}`" for test in tests)]
                for why, tests in files.left_out().items()
            ],
        ),
    )


def differences(found: Found, place: str) -> str:
    rows = [
        [
            f"`{test}`",
            browser,
            counted(one["native"]),
            counted(one[place]),
            reason(place, test) or "?",
        ]
        for browser, tests in found.items()
        for test, one in tests.items()
        if one.get(place, one["native"]) != one["native"]
    ]
    return table(["file", "browser", "native", place, "why"], rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) if rows else "Nowhere.\n"


REPORT = """\
# The socket of a `%%browser` cell, held against web-platform-tests

Written by `tools/web_platform_tests.py` on {day}, which runs the
[tests of WebSocket](https://github.com/web-platform-tests/wpt/tree/master/websockets) that browsers
are made with. They are no part of this project: the script takes them from a checkout, and
`tools/wpt_files.py` says how to get one. With `WSLAB_WPT` naming that folder,
`tests/browser/test_web_platform_tests.py` compares as well. Here:

- web-platform-tests {commit}
- {browsers}, jupyter-server-proxy {proxy}
- {files} files with {tests} tests, over `ws:` and HTTP/1.1, each in up to three places:
  - **native**: in a page of its own, with the browser's own WebSocket
  - **bridged**: in a `%%browser` cell as on a hub, where a class of ours (`bridged_socket.js`)
    stands for a socket that the page around makes; here through a proxy that changes nothing
  - **proxied**: in a `%%browser` cell of a real JupyterLab, through the real proxy; in Chromium

{counts}
## Where the cell's socket differs from the browser's

{bridged}
No test asks for these: `event.isTrusted` is false; a socket that the server closes is OPEN until
its `close` event; a cell that ends closes its sockets without a code, and not with 1001; an options
bag is taken for the name of a subprotocol, as in browsers that know none.

## Where the proxy makes a difference

{proxied}
## What browsers themselves fail

{failing}
## What is not run

The variants of these files over `wss:` and over HTTP/2, as cells connect to their lab over neither.
And whole files:

{left_out}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a checkout of web-platform-tests")
    parser.add_argument("parts", nargs="*", default=[""], help="parts of the wanted files' names")
    parser.add_argument("--write", action="store_true", help="write docs/web-platform-tests.md")
    options = parser.parse_args()
    if options.write and options.parts != [""]:
        parser.error("--write writes what was found in all files: leave the parts out")
    files = WptFiles(options.folder)

    def wanted(test: str) -> bool:
        return any(part in test for part in options.parts)

    found: Found = {}
    problems: list[str] = []
    for one, places in PLACES.items():
        with sync_playwright() as playwright, running_browser(playwright, one) as browser:
            name = f"{one.name} {browser.version}"
            found[name] = {}
            for test, verdicts in run(files, browser, wanted, *places):
                found[name][test] = verdicts
                problems += unexpected(test, verdicts)
                said = "; ".join(f"{place} {counted(had)}" for place, had in verdicts.items())
                print(f"{one.name}, {test}: {said}", flush=True)
    print(*problems, sep="\n")
    if options.write:
        TABLE.write_text(report(files, found), "utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
