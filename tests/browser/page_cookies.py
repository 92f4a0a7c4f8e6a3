"""A browser sends a page's cookies to every port of its machine: what becomes of them in a lab."""

from __future__ import annotations

import base64
import json

LOOK = """
import base64, pathlib, tempfile
from wslab.wire import save
files = [save(lab.capture, pathlib.Path(tempfile.mkdtemp(), "capture" + end))
         for end in (".jsonl", ".har", ".pcapng")]
rows = lab.capture.index.rows()
units = [lab.capture.index.unit(row.number) for row in rows]
places = {
    "the recording": b"".join(map(bytes, lab.capture.log.streams)),
    **{"the export " + file.name: file.read_bytes() for file in files},
    "an explanation": repr([rows, units, [unit.fields for unit in units]]).encode(),
    "a log": repr([*lab.server.log, *lab.tap.log, *lab.tap.faults, lab.capture.events]).encode(),
    "a view": "".join(out.static()["text/html"]
                      for out in Out.values() if hasattr(out, "static")).encode(),
}
sent = b"\\r\\nCookie: ***" in places["the recording"]
in_there = lambda kept: any(form.encode() in kept for form in forms)
print([place for place, kept in places.items() if in_there(kept)], sent)
"""


def are_nowhere(notebook) -> None:
    """They reached the lab, and are in no recording, export, explanation, log or view of it."""
    cookies = notebook.page.context.cookies(notebook.lab.url)
    secrets = [cookie["value"].strip('"') for cookie in cookies if len(cookie["value"]) > 8]
    assert any(cookie["name"].startswith("username-") for cookie in cookies), "a login"
    forms = [
        form
        for secret in secrets
        for form in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode())
    ]
    found = notebook.execute(f"forms = {json.dumps(forms)}\n{LOOK}")
    assert found.strip() == "[] True"  # nowhere; and they were sent, and masked
    shown = notebook.page.locator("[data-wslab]").all_inner_texts()
    assert not [text for text in shown for form in forms if form in text]
