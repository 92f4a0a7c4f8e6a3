"""Take what lesson 10 shows of MDN's browser-compat-data, and write it to a small file.

    python tools/browser_support.py [VERSION]

Fetches the npm package @mdn/browser-compat-data (CC0 1.0, by the MDN contributors) with `npm pack`;
nothing of it is installed. Writes wslab/view/panels/static/browser_support.json, with the version
and its date. Run it now and then: browsers go on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from html import unescape
from pathlib import Path
from typing import Any

PACKAGE = "@mdn/browser-compat-data"
OUT = Path(__file__).resolve().parents[1] / "wslab/view/panels/static/browser_support.json"

BROWSERS = {
    "chrome": "Chrome",
    "edge": "Edge",
    "firefox": "Firefox",
    "safari": "Safari",
    "safari_ios": "iOS",
    "nodejs": "Node",
}
WHOLE = "WebSocket"
"""The interface that is shown with all its members."""
INTERFACES = ("WebSocketStream", "WebTransport", "EventSource")
"""Those that are shown as a whole."""


def main() -> int:
    wanted = f"{PACKAGE}@{sys.argv[1]}" if len(sys.argv) > 1 else PACKAGE
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            data = json.load(package.extractfile("package/data.json"))  # type: ignore[arg-type]
    OUT.write_text(json.dumps(extract(data), indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes")
    return 0


def extract(data: dict[str, Any]) -> dict[str, Any]:
    """The part of the data that the lesson shows."""
    whole = data["api"][WHOLE]
    features = [_feature(WHOLE, WHOLE, whole)]
    for name, member in whole.items():
        if name == "__compat":
            continue
        features.append(_feature(f"{WHOLE}.{name}", name, member))
        features += [
            _feature(f"{WHOLE}.{name}.{part}", part, below)
            for part, below in member.items()
            if part != "__compat"
        ]
    features += [_feature(name, name, data["api"][name]) for name in INTERFACES]
    return {
        "source": PACKAGE,
        "version": data["__meta"]["version"],
        "date": data["__meta"]["timestamp"][:10],
        "licence": "CC0 1.0",
        "browsers": BROWSERS,
        "features": features,
    }


def _feature(key: str, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    compat = entry["__compat"]
    said = unescape(re.sub(r"<[^>]*>", "", compat.get("description", "")))
    support = {browser: _support(compat["support"].get(browser)) for browser in BROWSERS}
    return {"key": key, "name": said or name, "mdn": compat.get("mdn_url", ""), "support": support}


def _support(said: Any) -> dict[str, Any]:
    """The newest statement about the name that the standard has: its version, and any "but".

    `added` is a version, "preview", or False.
    """
    statements = said if isinstance(said, list) else [said or {"version_added": False}]
    plain = [one for one in statements if not {"prefix", "alternative_name"} & one.keys()]
    newest = plain[0] if plain else {"version_added": False}
    return {
        "added": newest["version_added"],
        **({"removed": newest["version_removed"]} if "version_removed" in newest else {}),
        **({"flag": newest["flags"][0]["name"]} if "flags" in newest else {}),
        **({"partial": True} if newest.get("partial_implementation") else {}),
    }


if __name__ == "__main__":
    sys.exit(main())
