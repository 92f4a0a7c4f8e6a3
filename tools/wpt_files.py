"""The files of web-platform-tests' `websockets/`: which ones apply here, and their documents.

A checkout of https://github.com/web-platform-tests/wpt is read, and nothing of it is kept:

    git clone --depth 1 --filter=blob:none --sparse https://github.com/web-platform-tests/wpt
    git -C wpt sparse-checkout set websockets resources common interfaces
"""

from __future__ import annotations

import json
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

LEFT_OUT = {
    "handlers/*": "",  # no tests, but what tests use
    "resources/*": "",
    "*/resources/*": "",
    "*/support/*": "",
    "constants.sub.js": "",
    "multi-globals/url-parsing/[ci]*/*": "",
    "unload-a-document/*-[12].html": "",
    "stream/*": "WebSocketStream, an interface of its own that only Chromium has",
    "cookies/*": "a cell's frame has no origin, hence no cookies",
    "multi-globals/*": "a cell may hold no frames",
    "remove-own-iframe*": "a cell may hold no frames",
    "unload-a-document/*": "a cell's page is never left: it is taken away",
    "back-forward-cache*": "a cell's page is never left: it is taken away",
    "*.worker.js": "a cell may start no workers",
    "Create-on-worker-shutdown.any.js": "a cell may start no workers",
    "basic-auth.any.js": "exists for wss: only",
    "mixed-content.https.any.js": "exists for https: only",
    "bufferedAmount-unchanged-by-sync-xhr.any.js": "a cell may make no other requests than sockets",
    "security/002.html": "a cell may make no other requests than sockets",
    "opening-handshake/003.html": "asks for a name in DNS, and nothing here leaves this machine",
    "opening-handshake/received-301-code.html": "connects to the page's own server, no lab's",
    "Create-url-with-windows-1252-encoding.html": "a cell's page is UTF-8",
    "constructor/016.html": "a cell's page is UTF-8",
}
"""Patterns of files that are not run, with the reason, or "" for what is no test by itself."""

REPORT = """
document.documentElement.dataset.file = FILE;
setup({ output: false });
window.wptVerdicts = new Promise((resolve) => add_completion_callback((tests, status) => resolve({
  harness: [status.status, status.message],
  tests: tests.map(({ name, status, message }) => [name, status, message]),
})));
"""


class WptFiles:
    """A checkout of web-platform-tests; raises FileNotFoundError where a part of it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for needed in ("websockets/constants.sub.js", "resources/testharness.js", "interfaces"):
            if not (folder / needed).exists():
                raise FileNotFoundError(
                    f"expected a checkout of web-platform-tests in {folder}, which has {needed}; "
                    "it has not"
                )

    def commit(self) -> str:
        """The commit that is checked out, and its day."""
        command = ["git", "-C", str(self.folder), "log", "-1", "--format=%H %cs"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or "unknown: no git repository"

    def tests(self) -> list[str]:
        """The files that apply, by their paths below `websockets/`."""
        return [path for path, reason in self._all() if reason is None]

    def left_out(self) -> dict[str, list[str]]:
        """The other files, by the reason."""
        found: dict[str, list[str]] = {}
        for path, reason in self._all():
            if reason:
                found.setdefault(reason, []).append(path)
        return found

    def _all(self) -> list[tuple[str, str | None]]:
        root = self.folder / "websockets"
        paths = sorted(
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.suffix in (".js", ".html")
        )
        return [
            (path, next((why for one, why in LEFT_OUT.items() if fnmatch(path, one)), None))
            for path in paths
        ]

    def document(self, test: str, names: dict[str, str]) -> str:
        """A test as one page that loads nothing, as the page of a cell may not.

        `names` are the values of wpt's own placeholders, such as {{host}}. The page's promise
        `wptVerdicts` gives the result; `<html data-file>` says which file it is.
        """
        path = self.folder / "websockets" / test
        text = path.read_text("utf-8")
        if path.suffix == ".js":
            metas = re.findall(r"^// META: (\w+)=(.*)$", text, re.MULTILINE)
            timeouts = [value for key, value in metas if key == "timeout"]
            scripts = ["/resources/testharness.js", *(v for k, v in metas if k == "script")]
            text = (
                f'<!doctype html><meta charset="utf-8"><title>{path.name}</title>'
                + "".join(f'<meta name="timeout" content="{value}">' for value in timeouts)
                + "".join(f"<script src={script}></script>" for script in scripts)
                + f"<script>{text}</script>"
            )
        text = re.sub(r"<script>(.*?)</script>", _with_location, text, flags=re.DOTALL)
        return re.sub(
            r"<script src=[\"']?([^\"'> ]+)[\"']?></script>",
            lambda found: f"<script>{self._script(path, found[1], names)}</script>",
            text,
        )

    def _script(self, test: Path, name: str, names: dict[str, str]) -> str:
        if name.endswith("testharnessreport.js"):
            return ""
        name = name.replace("/WebIDLParser.js", "/webidl2/lib/webidl2.js")  # as wpt's server does
        place = self.folder / name[1:] if name.startswith("/") else test.parent / name
        text = place.read_text("utf-8").replace("</script", r"<\/script")
        if ".sub." in place.name:
            text = re.sub(r"\{\{(.*?)\}\}", lambda found: names.get(found[1], "unknown"), text)
        if place.name == "testharness.js":
            file = test.relative_to(self.folder / "websockets").as_posix()
            text += REPORT.replace("FILE", json.dumps(file))
        if place.name == "idlharness.js":
            specs = {
                spec: (self.folder / "interfaces" / f"{spec}.idl").read_text("utf-8")
                for spec in ("websockets", "html", "dom")
            }
            found = json.dumps(specs).replace("</", r"<\/")
            text += f"\nglobalThis.fetch_spec = async (spec) => ({{ spec, idl: ({found})[spec] }});"
        return text


def _with_location(found: re.Match[str]) -> str:
    """A test's own script. Where a cell's `location` is about:srcdoc, its base URL takes over."""
    script = found[1]
    if re.search(r"\blocation\b", script):
        script = f"{{ const location = new URL(document.baseURI);\n{script}\n}}"
    return f"<script>{script}</script>"
