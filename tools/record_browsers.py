"""Record what the browsers of this machine do, for lesson 10: their answers to all experiments.

    python tools/record_browsers.py

Writes wslab/net/in_page/recorded.json. The browsers are as they come, but for what a page cannot
do without: no window, a profile of their own, and no name is looked up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from websockets.sync.client import connect

from wslab.installed import CHROMIUM, FIREFOX, find
from wslab.net import Tap
from wslab.net.browsers import Chromium, CommandFailed, Commands
from wslab.net.in_page import EXPERIMENTS, RECORDED_FILE, Answers, PageServer, Place, carry_out
from wslab.wire import Capture

OpenPage = Callable[[str, Place, str], None]

EXPERIMENTAL = "--enable-experimental-web-platform-features"

ALLOWED = {
    "cookie_controls_mode": 0,
    "block_third_party_cookies": False,
    "content_settings": {
        "exceptions": {"loopback_network": {"http://127.0.0.1:*,*": {"setting": 1}}}
    },
}
"""In the profile of a user who allows third-party cookies, and every page to connect to here."""

VARIANTS = {
    "options": f"started with {EXPERIMENTAL}",
    "cookies": "third-party cookies allowed",
    "network": "the user has allowed it",
}
"""The experiments in which another Chromium does something else, and what is different there."""

COVERED = 5.5
"""Seconds that a tab hides a page; then it is closed."""

FIREFOX_SETTINGS = {
    # Or Firefox has others while it is driven: with them, cookies and timers of tests.
    "remote.prefs.recommended": False,
    "network.dns.disabled": True,
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
}


@contextmanager
def chromium(variant: bool = False) -> Iterator[tuple[str, OpenPage]]:
    """A Chromium without a window: its version, and how to open a page in it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        flags = [f"--user-data-dir={folder}"]
        if variant:
            flags.append(EXPERIMENTAL)
            (Path(folder) / "Default").mkdir()
            (Path(folder) / "Default/Preferences").write_text(json.dumps({"profile": ALLOWED}))
        with Chromium("recorded", *flags) as browser:

            def open_page(url: str, place: Place, cover: str) -> None:
                browser.commands.command("Target.createTarget", url=url)
                if place == "hidden":
                    browser.commands.command("Target.createTarget", url=cover)

            yield browser.version.rpartition("/")[2], open_page


@contextmanager
def firefox(preferences: Mapping[str, object] = {}) -> Iterator[tuple[str, OpenPage]]:
    """The same of a Firefox, spoken to in WebDriver BiDi."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = (
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in {**FIREFOX_SETTINGS, **preferences}.items()
        )
        (Path(folder) / "user.js").write_text("".join(settings))
        process = subprocess.Popen(
            [
                find(FIREFOX) or FIREFOX.name.lower(),
                *("--headless", "--no-remote", "--remote-debugging-port=0"),
                *("--profile", folder, "about:blank"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": folder},
        )
        try:
            with connect(f"{_bidi_url(process.stderr or ())}/session", max_size=None) as socket:
                commands = Commands(socket.send, socket)
                told = commands.command("session.new", capabilities={})["capabilities"]
                yield told["browserVersion"], _tabs_of(commands)
                commands.command("browser.close")
        finally:
            process.terminate()
            process.wait(20)


def _bidi_url(lines: Iterable[str]) -> str:
    for line in lines:
        if found := re.search(r"BiDi listening on (ws://\S+)", line):
            return found[1]
    raise RuntimeError("expected Firefox to say where it listens, and it ended")


def _tabs_of(commands: Commands) -> OpenPage:
    def open_tab(address: str) -> str:
        tab: str = commands.command("browsingContext.create", type="tab")["context"]
        commands.command("browsingContext.navigate", context=tab, url=address, wait="none")
        return tab

    def close_tab(tab: str) -> None:
        with suppress(CommandFailed):  # most tabs close themselves
            commands.command("browsingContext.close", context=tab)

    opened: list[str] = []

    def open_page(url: str, place: Place, cover: str) -> None:
        while opened:
            close_tab(opened.pop())
        opened.append(open_tab(url))
        if place == "hidden":
            threading.Timer(COVERED, close_tab, [open_tab(cover)]).start()

    return open_page


def answers(open_page: OpenPage, names: Iterable[str] = EXPERIMENTS) -> dict[str, Answers]:
    """What a browser does in these experiments."""
    found = {}
    for name in names:
        with PageServer("recorded") as server, Tap(server.url, Capture(), name="recorded") as tap:
            found[name] = carry_out(EXPERIMENTS[name], open_page, server, tap.port)
    return found


def main() -> None:
    records = []

    def record(browser: str, version: str, found: dict[str, Answers], variant: str = "") -> None:
        today = date.today().isoformat()
        told = {"browser": browser, "version": version, "date": today, "variant": variant}
        records.append(told | {"answers": found})
        print(browser, version, variant)

    with chromium() as (version, open_page):
        record(CHROMIUM.name, version, answers(open_page))
    with chromium(variant=True) as (version, open_page):
        for name, variant in VARIANTS.items():
            record(CHROMIUM.name, version, answers(open_page, [name]), variant)
    with firefox() as (version, open_page):
        record(FIREFOX.name, version, answers(open_page))
    RECORDED_FILE.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
