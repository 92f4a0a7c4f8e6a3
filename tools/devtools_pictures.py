"""Take the pictures of the browsers' DevTools anew, and with them the recordings of lesson 10.

    python tools/devtools_pictures.py

Chrome's DevTools are a page themselves: a headless Chromium serves them, and shows them in a second
tab. Firefox's are driven over WebDriver BiDi, with access to the browser's own windows. Both watch
the conversation of `wslab.net.browsers`. What the panes then show is compared with what the lesson
says of them: where a new version shows something else, this fails, and says so.

Writes `wslab/net/browsers/recorded/`: CDP's events, the wire, the HAR that DevTools saved, the rows
of Firefox's list, and each picture in a light and a dark theme.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from wslab.installed import FIREFOX, find
from wslab.net import Tap
from wslab.net.browsers import (
    KINDS,
    RECORDED,
    Chromium,
    ChromiumPage,
    Commands,
    ConversationServer,
    Played,
    play,
    told_by_chrome,
)
from wslab.wire import Capture, save

WIDTH, SCALE = 900, 2  # CSS pixels, about as wide as a notebook's cell; and pixels for each of them
THEMES = ("light", "dark")
TODAY = date.today().isoformat()
FRAME = "webSocketFrame"  # the events of which Chrome makes the rows of its list

HELPERS = """\
  // All elements below a root, those in shadow trees too.
  let all = (test, root = document) => {
    let found = [];
    let walk = (node) => {
      if (node.nodeType === 1 && test(node)) found.push(node);
      if (node.shadowRoot) walk(node.shadowRoot);
      for (let child of node.childNodes) walk(child);
    };
    walk(root);
    return found;
  };
  let until = async (look, what) => {
    for (let tries = 0; tries < 800; tries++) {
      let found = await look();
      if (found) return found;
      await new Promise((go) => setTimeout(go, 25));
    }
    throw new Error(`did not come: ${what ?? look}`);
  };
"""


def record() -> None:
    """Have both browsers play the conversation, and write what came of it."""
    RECORDED.mkdir(exist_ok=True)
    with chrome_devtools() as (chromium, page, devtools):
        chrome(chromium, page, devtools)
        with firefox_devtools() as firefox:
            of_firefox(firefox, chromium.open())
    for path in sorted(RECORDED.iterdir()):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


@contextlib.contextmanager
def conversation(capture: Capture) -> Iterator[str]:
    """The server with a tap before it; yields the tap's address."""
    with (
        ConversationServer("pictures") as server,
        Tap(server.url, capture, name="pictures") as tap,
    ):
        yield tap.url


def write_lines(name: str, *lines: dict[str, Any]) -> None:
    """Write objects as JSON Lines."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (RECORDED / name).write_text(text, "utf-8")


def write_picture(converter: ChromiumPage, name: str, png: str) -> None:
    """Write a PNG, in base64, as a WebP, which is a quarter of it."""
    script = f"""(async () => {{
      let png = await fetch("data:image/png;base64,{png}");
      let image = await createImageBitmap(await png.blob());
      let canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width, image.height];
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.toDataURL("image/webp", 0.7).split(",")[1];
    }})()"""
    (RECORDED / f"{name}.webp").write_bytes(base64.b64decode(converter.evaluate(script)))


# --- Chrome


@contextlib.contextmanager
def chrome_devtools() -> Iterator[tuple[Chromium, ChromiumPage, ChromiumPage]]:
    """A Chromium with an empty page, and a page with DevTools that watch it."""
    # DevTools speak to the browser over a WebSocket, on a port.
    flags = ("--remote-debugging-port=0", "--remote-allow-origins=*")
    with Chromium("pictures", *flags) as chromium:
        assert chromium.folder is not None
        port = (chromium.folder / "DevToolsActivePort").read_text().split()[0]
        page, devtools = chromium.open(), chromium.open()
        settings = {  # as DevTools keep them: in JSON
            "screencast-enabled": "false",
            "network-log-show-overview": "false",
            "filter-bar-network-panel-toggled": "false",
            "resource-web-socket-frame-split-view-state": '{"horizontal": {"size": 70}}',
        }
        devtools.command("Page.enable")
        devtools.command(
            "Page.addScriptToEvaluateOnNewDocument",
            source=f"Object.assign(localStorage, {json.dumps(settings)})",
        )
        devtools.command(
            "Emulation.setDeviceMetricsOverride",
            width=WIDTH,
            height=400,
            deviceScaleFactor=SCALE,
            mobile=False,
        )
        address = f"127.0.0.1:{port}/devtools"
        devtools.go_to(
            f"http://{address}/inspector.html?ws={address}/page/{page.target}&panel=network"
        )
        in_devtools(devtools, "until(() => all((e) => e.id === 'network-container').length)")
        yield chromium, page, devtools


def in_devtools(devtools: ChromiumPage, expression: str) -> Any:
    """Evaluate in the page of DevTools, with the helpers at hand."""
    return devtools.evaluate(f"(async () => {{\n{HELPERS}\n  return await {expression};\n}})()")


def click(devtools: ChromiumPage, test: str) -> None:
    """Click the first element that fits, when it has come, as a mouse does."""
    x, y = in_devtools(
        devtools,
        f"""until(() => {{
          let box = all({test})[0]?.getBoundingClientRect();
          return box?.width && [box.x + Math.min(box.width / 2, 40), box.y + box.height / 2];
        }}, {test!r})""",
    )
    for kind in ("mousePressed", "mouseReleased"):
        devtools.command(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
        )


def drag(devtools: ChromiumPage, column: str, pixels: int) -> None:
    """Move the border before a column of the list of messages."""
    heading = f"all((e) => e.matches('th.{column}-column') && e.offsetWidth).at(-1)"
    x, y = in_devtools(
        devtools,
        f"""until(() => {{
          let box = {heading}?.getBoundingClientRect();
          return box && [box.left, box.top + box.height / 2];
        }})""",
    )
    for kind, to in (
        ("mousePressed", x),
        ("mouseMoved", x + pixels),
        ("mouseReleased", x + pixels),
    ):
        devtools.command(
            "Input.dispatchMouseEvent", type=kind, x=to, y=y, button="left", clickCount=1
        )


def chrome(chromium: Chromium, page: ChromiumPage, devtools: ChromiumPage) -> None:
    """Record Chrome's events, wire and HAR, and take its pictures."""
    capture = Capture()
    with conversation(capture) as url:
        played = play(chromium, page, url, capture)
    click(
        devtools,
        "(e) => e.matches('td.name-column') && /websocket/.test(e.parentNode.textContent)",
    )
    pane = "(e) => e.matches('.tabbed-pane-header-tab') && /^{}/.test(e.textContent.trim())"
    themed(devtools, "chrome-headers", pane.format("Headers"), 460)
    names = in_devtools(
        devtools,
        "all((e) => e.matches('.header-name')).map((e) => e.innerText.trim()).filter(Boolean)",
    )
    click(devtools, pane.format("Messages"))
    for column, pixels in (("length", -110), ("time", 28)):  # or their headings are cut off
        drag(devtools, column, pixels)
    themed(devtools, "chrome-messages", pane.format("Messages"), 400)
    expect_rows(devtools, played)
    har = RECORDED / "chrome.har"
    har.write_text(exported(chromium, devtools), "utf-8")
    head = {
        "browser": played.browser,
        "day": TODAY,
        "page": played.page,
        "header_names": names,
    }
    events = ({"method": event.method, "params": event.params} for event in played.events)
    write_lines("chrome.jsonl", head, *events)
    save(capture, RECORDED / "chrome-wire.jsonl")


def themed(devtools: ChromiumPage, name: str, tab: str, height: int) -> None:
    """Choose a tab of the pane, and take its picture in each theme."""
    click(devtools, tab)
    size = {"width": WIDTH, "height": height, "deviceScaleFactor": SCALE, "mobile": False}
    devtools.command("Emulation.setDeviceMetricsOverride", **size)
    devtools.command("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=height - 1)
    for theme in THEMES:
        scheme = {"name": "prefers-color-scheme", "value": theme}
        devtools.command("Emulation.setEmulatedMedia", features=[scheme])
        dark = "document.documentElement.classList.contains('theme-with-dark-background')"
        in_devtools(devtools, f"until(() => {dark} === {str(theme == 'dark').lower()})")
        # Two frames: then what was changed has been painted.
        in_devtools(
            devtools,
            "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))",
        )
        png = devtools.command("Page.captureScreenshot", format="png")["data"]
        write_picture(devtools, f"{name}-{theme}", png)


def expect_rows(devtools: ChromiumPage, played: Played) -> None:
    """Compare the rows of the pane with what the lesson derives from CDP's events."""
    shown = in_devtools(
        devtools,
        """until(() => {
          let rows = all((e) => e.querySelector?.(":scope > td.length-column")?.textContent);
          return rows.length && rows.map((row) => ["data", "length"].map(
              (column) => row.querySelector(`.${column}-column`).textContent.trim()));
        })""",
    )
    told = [one for one in told_by_chrome(played.events) if one.name.startswith(FRAME)]
    derived = [[one.text, one.length] for one in told]
    if shown != derived:
        raise SystemExit(f"Chrome's pane shows\n{shown}\nand the lesson would say\n{derived}")


def exported(chromium: Chromium, devtools: ChromiumPage) -> str:
    """The HAR that DevTools' own button saves."""
    with tempfile.TemporaryDirectory() as folder:
        where = {"behavior": "allow", "downloadPath": folder, "eventsEnabled": True}
        chromium.commands.command("Browser.setDownloadBehavior", **where)
        label = "Export HAR (sanitized)…"
        click(devtools, f"(e) => e.matches('button') && e.title === {label!r}")
        saved = chromium.commands.wait_for("Browser.downloadProgress", state="completed")
        return Path(saved.params["filePath"]).read_text("utf-8")


# --- Firefox


class Firefox:
    """A Firefox without a window, spoken to over WebDriver BiDi."""

    PREFERENCES = {  # noqa: RUF012
        "browser.aboutwelcome.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "devtools.netmonitor.panes-network-details-width": 640,
        "devtools.netmonitor.visibleColumns": '["status", "method", "file"]',
        "devtools.everOpened": True,
        "network.dns.disabled": True,
    }

    def __init__(self, url: str) -> None:
        self._socket = connect(f"{url}/session", max_size=None)
        self.commands = Commands(self._socket.send, self._socket)
        answer = self.commands.command("session.new", capabilities={})["capabilities"]
        self.name = f"Firefox/{answer['browserVersion']}"
        (self.page,) = self._contexts()
        (self.window,) = self._contexts(**{"moz:scope": "chrome"})

    def _contexts(self, **scope: str) -> list[str]:
        answer = self.commands.command("browsingContext.getTree", **scope)
        return [context["context"] for context in answer["contexts"]]

    def run(self, body: str, context: str = "") -> Any:
        """Run the body of an async function, in the browser's own window or in a page.

        Returns what it returns, which has to be JSON's.
        """
        answer = self.commands.command(
            "script.callFunction",
            functionDeclaration=f"async () => {{\n{HELPERS}\n{body}\n}}",
            target={"context": context or self.window},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def close(self) -> None:
        self._socket.close()
        self.commands.join()


@contextlib.contextmanager
def firefox_devtools() -> Iterator[Firefox]:
    """A Firefox with an empty page, and a window with DevTools that watch it."""
    program = find(FIREFOX)
    if program is None:
        raise SystemExit(f"no Firefox on this machine: {FIREFOX.remedy}")
    with tempfile.TemporaryDirectory() as profile:
        lines = (f"user_pref({json.dumps(n)}, {json.dumps(v)});" for n, v in
                 Firefox.PREFERENCES.items())  # fmt: skip
        Path(profile, "user.js").write_text("\n".join(lines))
        flags = ("--headless", "--no-remote", "--profile", profile, "about:blank")
        bidi = ("--remote-debugging-port", "0", "--remote-allow-system-access")
        process = subprocess.Popen(
            [program, *bidi, *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        try:
            assert process.stderr is not None
            found = (re.search(r"BiDi listening on (ws://\S+)", line) for line in process.stderr)
            url = next(match[1] for match in found if match)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            firefox = Firefox(url)
            try:
                yield firefox
            finally:
                firefox.close()
        finally:
            process.terminate()
            process.wait()


OPEN = """\
  let {require} = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
  let {gDevTools} = require("devtools/client/framework/devtools");
  let options = {toolId: "netmonitor", hostType: "window"};
  window.toolbox = await gDevTools.showToolboxForTab(gBrowser.selectedTab, options);
  return "null";
"""
LIST = """\
  let pane = toolbox.getCurrentPanel().panelWin;
  let items = () => [...pane.document.querySelectorAll(".message-list-item")];
  let messages = () => [...pane.store.getState().messages.messages.values()].flat();
  let actions = pane.windowRequire("devtools/client/netmonitor/src/actions/index");
"""
CHOOSE = (
    LIST
    + """\
  let rows = () => [...pane.document.querySelectorAll(".request-list-item")];
  let row = await until(() => rows().find((row) => row.textContent.startsWith("101")));
  row.dispatchEvent(new pane.MouseEvent("mousedown", {bubbles: true, button: 0}));
  (await until(() => pane.document.getElementById("response-tab"))).click();
  await until(() => items().length);
  return "null";
"""
)
SWITCH_ON = (
    LIST
    + """\
  let before = items().length;
  pane.store.dispatch(actions.toggleControlFrames());
  for (let column of ["size", "opCode", "maskBit", "finBit"])
    pane.store.dispatch(actions.toggleMessageColumn(column));
  await until(() => items().length > before);
  return "null";
"""
)
READ = (
    LIST
    + """\
  let told = messages();
  let texts = items().map((item) => [...item.querySelectorAll("td")].map((td) => td.innerText));
  let closed = all((e) => !e.children.length && /^Connection Closed/.test(e.textContent),
                   pane.document);
  return JSON.stringify({
    columns: [...pane.document.querySelectorAll(".message-list-headers th")]
      .map((th) => th.innerText),
    rows: items().map((item, number) => ({
      sent: item.classList.contains("sent"), cells: texts[number]})),
    opcodes: told.map((message) => message.opCode),
    closed: closed.map((e) => e.textContent)});
"""
)
HAR = (
    LIST
    + """\
  let {HarMenuUtils} = pane.windowRequire("devtools/client/netmonitor/src/har/har-menu-utils");
  let {getDisplayedRequests} =
    pane.windowRequire("devtools/client/netmonitor/src/selectors/index");
  let requests = getDisplayedRequests(pane.store.getState());
  let connector = pane.Netmonitor?.connector ?? pane.connector;
  return JSON.stringify(await HarMenuUtils.copyAllAsHar(requests, connector));
"""
)
HEADS = (
    LIST
    + """\
  pane.document.getElementById("headers-tab").click();
  let boxes = () => all((e) => e.matches(".devtools-checkbox-toggle"), pane.document);
  for (let box of await until(() => boxes().length === 2 && boxes())) box.click();
  let raw = () => all((e) => e.matches("textarea"), pane.document).map((e) => e.value);
  let texts = await until(() => raw().length === 2 && raw());
  let panel = pane.document.getElementById("headers-panel").innerText;
  let size = (of) => panel.match(`${of} Headers \\\\((.*?)\\\\)`)[1];
  return JSON.stringify({
    response: [texts[0], size("Response")], request: [texts[1], size("Request")]});
"""
)
SNAPSHOT = """\
  toolbox.topWindow.resizeTo(%(width)d, %(height)d);
  Services.prefs.setCharPref("devtools.theme", "%(theme)s");
  let pane = toolbox.getCurrentPanel().panelWin;
  await until(() => pane.innerWidth === %(width)d);
  await until(() => pane.document.documentElement.classList.contains("theme-%(theme)s"));
  await new Promise((go) => setTimeout(go, 500));  // its colours change in a transition
  let page = toolbox.win.browsingContext.currentWindowGlobal;
  let image = await page.drawSnapshot(null, %(scale)d, "white");
  let canvas = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return JSON.stringify(canvas.toDataURL().split(",")[1]);
"""


def of_firefox(firefox: Firefox, converter: ChromiumPage) -> None:
    """Record the rows of Firefox's list, and take its pictures."""
    firefox.run(OPEN)
    capture = Capture()
    with conversation(capture) as url:
        firefox.commands.command(
            "browsingContext.navigate",
            context=firefox.page,
            url=url.replace("ws://", "http://", 1),
            wait="complete",
        )
        page = firefox.run("return JSON.stringify(await play());", firefox.page)
    save(capture, RECORDED / "firefox-wire.jsonl")
    firefox.run(CHOOSE)
    snapshots(firefox, converter, "firefox-messages", 430)
    at_first = firefox.run(READ)
    firefox.run(SWITCH_ON)
    snapshots(firefox, converter, "firefox-control-frames", 550)
    read = firefox.run(READ) | firefox.run(HEADS)
    (RECORDED / "firefox.har").write_text(firefox.run(HAR), "utf-8")
    rows = []
    for row, opcode in zip(read["rows"], read["opcodes"], strict=True):
        cells = dict(zip(read["columns"], row["cells"], strict=True))
        del cells["Time"]
        data, sender = cells.pop("Data").strip(" \n"), "client" if row["sent"] else "server"
        rows.append(shown(sender, KINDS[opcode], data, control=opcode >= 8, cells=cells))
    first = [row["cells"][0].strip(" \n") for row in at_first["rows"]]
    if first != [row["data"] for row in rows if not row["control"]]:
        raise SystemExit(f"Firefox's list shows {first} at first, and then {rows}")
    rows += [shown(None, None, text) for text in read["closed"]]
    for sender, kind in (("client", "request"), ("server", "response")):
        text, size = read[kind]
        rows.append(shown(sender, kind, text.partition("\n")[0], cells={"Size": size}))
    write_lines("firefox.jsonl", {"browser": firefox.name, "day": TODAY, "page": page}, *rows)


def shown(sender: str | None, kind: str | None, data: str, **more: Any) -> dict[str, Any]:
    """What Firefox shows in one place, as a line of its file."""
    return {"direction": sender, "kind": kind, "data": data, "control": False, "cells": {}} | more


def snapshots(firefox: Firefox, converter: ChromiumPage, name: str, height: int) -> None:
    """Take a picture of the toolbox in each theme."""
    for theme in THEMES:
        how = {"width": WIDTH, "height": height, "theme": theme, "scale": SCALE}
        write_picture(converter, f"{name}-{theme}", firefox.run(SNAPSHOT % how))


if __name__ == "__main__":
    sys.exit(record())
