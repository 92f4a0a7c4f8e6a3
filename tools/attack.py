"""Run the attacks of tests/attacks one after the other; exit code 1 if any gets through.

python tools/attack.py [part of a name]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from import_graph import ROOT

# Script, its arguments, and the seconds after which it is ended and counts as having got through.
ATTACKS: list[tuple[str, list[str], int]] = [
    ("secrets_hunt.py", [], 400),
    ("invariants.py", ["1000", "1"], 240),
    ("corpus.py", [], 60),
    ("fuzz.py", ["all", "80", "1"], 400),
    ("fuzz_files.py", ["150", "1"], 240),
    ("big.py", ["8"], 400),
    ("pcap_dos.py", [], 60),
    ("tap_burst.py", ["--seconds", "20"], 90),
    ("tap_burst.py", ["--seconds", "20", "--", "--limit", "8"], 90),
    ("tap_burst.py", ["--seconds", "20", "--", "--rule", "delay every text by 1 ms"], 90),
    ("tap_burst.py", ["--seconds", "20", "--", "--rule", "hold every text"], 90),
    ("tap_burst.py", ["--seconds", "10", "--", "--hold"], 90),
    ("tap_burst.py", ["--seconds", "10", "--endless"], 90),
    ("tap_storm.py", [], 300),
    ("random_order.py", [], 600),
    ("cell_exfil.py", ["chromium"], 600),
    ("cell_exfil.py", ["firefox"], 600),
]


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    got_through = []
    for script, arguments, most in ATTACKS:
        if wanted not in script:
            continue
        name = " ".join([script, *arguments])
        print(f"--- {name}", flush=True)
        began = time.monotonic()
        command = [sys.executable, str(ROOT / "tests" / "attacks" / script), *arguments]
        try:
            code = subprocess.run(command, cwd=ROOT, env=environment, timeout=most).returncode
        except subprocess.TimeoutExpired:
            print(f"ended after {most} s")
            code = 1
        print(f"--- {'got through' if code else 'held'}, {time.monotonic() - began:.0f} s\n")
        if code:
            got_through.append(name)
    print(f"{len(got_through)} of the attacks got through", *got_through, sep="\n  ")
    return bool(got_through)


if __name__ == "__main__":
    sys.exit(main())
