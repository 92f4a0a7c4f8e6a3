"""Record lesson 11's programs anew, for machines without Node.

    python tools/record_node.py

Runs the notebook on this machine and keeps what its programs printed, what crossed, and what the
lab measured, in wslab/net/node/recorded. Run it when the lesson's programs change, or when Node or
`ws` say something else.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbclient
import nbformat

from wslab.net.node import find_node

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "wslab" / "net" / "node" / "recorded"

KEEP = """
import json
from wslab.net.trials import PROGRAM_ENDS
from wslab.wire import save
save(lab.capture, {wire!r})
print(json.dumps({{
    "programs": {{
        name: [list(line) for line in one.lines]
        for name, one in lab._programs.items() if name not in ("chat", "twice")
    }},
    "two_clients": lab.two_clients().rows,
    "end": {{name: lab.end(name) for name in PROGRAM_ENDS}},
}}))
"""


def record() -> None:
    """Run the notebook up to the matrix, and keep what came of it."""
    notebook = nbformat.read(ROOT / "notebooks" / "11_node.ipynb", as_version=4)
    end = next(n for n, cell in enumerate(notebook.cells) if cell.id == "matrix-text")
    FOLDER.mkdir(exist_ok=True)
    keep = KEEP.format(wire=str(FOLDER / "wire.jsonl"))
    notebook.cells = [*notebook.cells[:end], nbformat.v4.new_code_cell(keep)]
    nbclient.NotebookClient(notebook, timeout=120).execute()
    run = json.loads(notebook.cells[-1].outputs[0].text)
    found = find_node()
    asked = subprocess.run([found.node, "--version"], capture_output=True, text=True, check=True)
    run["versions"] = f"Node {asked.stdout.strip()} with ws {found.version}"
    text = json.dumps(run, indent=1, ensure_ascii=False)
    (FOLDER / "run.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    record()
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size:,} bytes")
