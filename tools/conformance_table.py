"""Try well-known WebSocket libraries and browsers against the suite, and write docs/conformance.md.

    python tools/conformance_table.py              # all of them: some five minutes
    python tools/conformance_table.py aiohttp ws   # only these; writes nothing, prints the reports

Besides what the tests need: pip install aiohttp picows starlette uvicorn.

The programs are in tools/conformance_peers: each a library as it comes, echoing. A client that
crashes is started again, and the case at which it crashed is named.
"""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from autobahn_cases import AUTOBAHN
from record_browsers import chromium, firefox

from wslab.conformance import CASES, CaseServer, Report, check_server
from wslab.net.node import find_node

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).parent / "conformance_peers"
DOCUMENT = ROOT / "docs" / "conformance.md"
PATIENCE = 5.0
"""Seconds that a peer has for each step."""

STILL = 12.0
"""Seconds without a verdict after which a client is started again."""


AT_ONCE = {"network.websocket.delay-failed-reconnects": False}
"""Firefox waits longer and longer before it connects again to where a connection failed."""


class Tried(NamedTuple):
    """A peer, and what came of it."""

    name: str
    version: str
    report: Report
    crashed: list[str]
    """The cases at which the client's process ended or stood still."""


def command(file: str) -> list[str]:
    """What runs a program of the folder."""
    if file.endswith(".py"):
        return [sys.executable, str(PEERS / file)]
    return [find_node().node, str(PEERS / file)]


def try_server(name: str, told: str, file: str) -> Tried:
    """Start an echo server, which prints its port, and run the suite against it."""
    with subprocess.Popen(command(file), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as it:
        try:
            assert it.stdout is not None
            return Tried(name, told, check_server(int(it.stdout.readline()), patience=PATIENCE), [])
        finally:
            it.terminate()


def try_client(name: str, told: str, start: Callable[[str], subprocess.Popen[bytes]]) -> Tried:
    """Have a client connect again and again; start it anew when it ends or stands still."""
    news, crashed = threading.Event(), []
    with CaseServer(patience=PATIENCE, tell=lambda verdict: news.set()) as server:
        process = start(server.url)
        try:
            since = time.monotonic()
            while not server.last.wait(0.1):
                if news.is_set():
                    news.clear()
                    since = time.monotonic()
                if process.poll() is None and time.monotonic() - since < STILL:
                    continue
                ended = process.poll() is not None
                process.kill()
                process.wait()
                news.wait(PATIENCE + 1)  # for the verdict on the case at which it happened
                crashed += [f"{name}{'' if ended else ' (it stood still)'}"
                            for name in list(server.verdicts)[-1:]]  # fmt: skip
                process, since = start(server.url), time.monotonic()
        finally:
            process.kill()
            process.wait()
        return Tried(name, told, server.report(), crashed)


def try_page(name: str, browser: Callable[[], object]) -> Tried:
    """Have a page of a browser connect for one case after the other."""
    with (
        CaseServer(patience=PATIENCE) as server,
        files() as port,
        browser() as (told, open_page),  # type: ignore[attr-defined]
    ):
        page = f"http://127.0.0.1:{port}/client_page.html?cases={len(server.cases)}#{server.url}"
        open_page(page, "front", "")
        server.last.wait(300)
        return Tried(name, told, server.report(), [])


@contextmanager
def files() -> Iterator[int]:
    """Serve the folder to a browser: yields the port."""
    handler = functools.partial(Quiet, directory=str(PEERS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """It prints nothing."""

    def log_message(self, *_: object) -> None:
        pass


def runs(file: str) -> Callable[[str], subprocess.Popen[bytes]]:
    """Starts a client program with a URL."""
    return lambda url: subprocess.Popen([*command(file), url], stderr=subprocess.DEVNULL)


def peers() -> dict[str, Callable[[], Tried]]:
    """All that is tried, by name."""
    node = subprocess.run([find_node().node, "--version"], capture_output=True, text=True).stdout
    ws, uvicorn = find_node().version, f"{version('starlette')} on uvicorn {version('uvicorn')}"
    told = {
        "server websockets": (version("websockets"), "server_websockets.py"),
        "server Tornado": (version("tornado"), "server_tornado.py"),
        "server aiohttp": (version("aiohttp"), "server_aiohttp.py"),
        "server Starlette": (uvicorn, "server_starlette.py"),
        "server wsproto": (version("wsproto"), "server_wsproto.py"),
        "server picows": (version("picows"), "server_picows.py"),
        "server ws": (f"{ws} in Node {node.strip()}", "server_ws.cjs"),
        "client websockets": (version("websockets"), "client_websockets.py"),
        "client Tornado": (version("tornado"), "client_tornado.py"),
        "client aiohttp": (version("aiohttp"), "client_aiohttp.py"),
        "client picows": (version("picows"), "client_picows.py"),
        "client ws": (f"{ws} in Node {node.strip()}", "client_ws.cjs"),
        "client undici": (f"that of Node {node.strip()}", "client_undici.mjs"),
    }
    found: dict[str, Callable[[], Tried]] = {}
    for name, (one, file) in told.items():
        if name.startswith("server"):
            found[name] = functools.partial(try_server, name, one, file)
        else:
            found[name] = functools.partial(try_client, name, one, runs(file))
    found["client Chromium"] = functools.partial(try_page, "client Chromium", chromium)
    found["client Firefox"] = functools.partial(
        try_page, "client Firefox", functools.partial(firefox, AT_ONCE)
    )
    return found


# --- The document


def document(tried: list[Tried]) -> Iterator[str]:
    """The lines of docs/conformance.md."""
    yield from HEAD.format(count=len(CASES), day=date.today()).splitlines()
    yield ""
    yield "| peer | version | pass | fail | unusual | skipped |"
    yield "|---|---|---|---|---|---|"
    for one in tried:
        counts = " | ".join(f"{count}" for count in one.report.counts.values())
        yield f"| {one.name} | {one.version} | {counts} |"
    for word, title in (("fail", "Where a MUST is not kept"), ("unusual", "What is unusual")):
        yield from ["", f"## {title}"]
        for one in tried:
            yield from _deviations(one, word)
    yield from ["", *AUTOBAHN_HEAD.splitlines(), ""]
    yield "| Autobahn | what it tries | here |"
    yield "|---|---|---|"
    for ids, (what, here) in AUTOBAHN.items():
        names = here if isinstance(here, str) else ", ".join(f"`{name}`" for name in here)
        yield f"| {ids} | {what} | {names} |"


def _deviations(one: Tried, word: str) -> Iterator[str]:
    """What a peer does otherwise; cases with the same outcome stand together."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for verdict in one.report.verdicts:
        if verdict.word == word:
            says = verdict.case.why if verdict.rfc == verdict.case.section else ""
            found[verdict.rfc, says, verdict.why].append(verdict.case.name)
    if not found and not (word == "fail" and one.crashed):
        return
    yield from ["", f"### {one.name}", ""]
    if word == "fail":
        yield from (f"- `{name}`: **the process ended, or stood still**" for name in one.crashed)
    for (rfc, says, why), names in found.items():
        some = ", ".join(f"`{name}`" for name in names[:4])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        told = _escaped(why.removesuffix("."))
        yield f"- {some}{more}: {told}. {rfc}{f': {_escaped(says)}' if says else ''}."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


HEAD = """\
# Who keeps to the RFCs

{count} cases of the conformance suite (`wslab conform`), tried on {day} with the programs of
`tools/conformance_peers`, each a library as it comes, by `tools/conformance_table.py`, which wrote
this page. *Fail*: a MUST is not kept. *Unusual*: a SHOULD is not, or something is done that nothing
forbids and nobody expects. *Skipped*: nothing to try, because the peer offers no compression or no
subprotocol.
"""

AUTOBAHN_HEAD = """\
## Held against Autobahn

[Autobahn|Testsuite](https://github.com/crossbario/autobahn-testsuite) is the suite that everybody
used; it needs Python 2. Each behaviour that its published cases try has a case here, or a sentence
why not.
"""


def main() -> None:
    wanted = sys.argv[1:]
    tried = []
    for name, run in peers().items():
        if not wanted or any(one.lower() in name.lower() for one in wanted):
            tried.append(run())
            print(f"{name} {tried[-1].version}: {tried[-1].report.counts}", flush=True)
            if wanted:
                print(tried[-1].report, *tried[-1].crashed, sep="\n")
    if not wanted:
        DOCUMENT.write_text("\n".join([*document(tried), ""]), "utf-8")


if __name__ == "__main__":
    main()
