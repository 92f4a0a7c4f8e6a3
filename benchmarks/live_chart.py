"""What a live chart costs the kernel while lesson 05 draws in it: the share of one core.

    python benchmarks/live_chart.py [--runs 5]

A real JupyterLab in a real browser shows the chart. Each run sends 500 messages to the slow reader,
and the buffers are looked at 50 times a second. Counted is the time of the views' thread, on which
the chart is drawn and given to the page, over the time of the runs. It should stay under 5%.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from real_lab import REPOSITORY, running_browser, running_lab

from wslab.installed import CHROMIUM, find

MEASURE = """
import json, threading, time
import psutil

def spent():
    ids = {thread.native_id for thread in threading.enumerate() if thread.name == "wslab-view"}
    return sum(t.user_time + t.system_time for t in psutil.Process().threads() if t.id in ids)

lab.send()  # the first one starts the thread
shares = []
for _ in range(RUNS):
    began, before = time.perf_counter(), spent()
    lab.send()
    shares.append((spent() - before) / (time.perf_counter() - began))
print(json.dumps(shares))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    browser_path = find(CHROMIUM)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_browser(browser_path) as browser,
        running_lab(Path(folder)) as lab,
    ):
        shutil.copytree(REPOSITORY / "notebooks", Path(folder) / "notebooks", dirs_exist_ok=True)
        notebook = lab.open(browser, "05_rate_limiting.ipynb")
        for number in range(5):
            if notebook.is_code(number):
                notebook.run_cell(number)
        shares = json.loads(notebook.execute(MEASURE.replace("RUNS", str(runs))))
        print("views' thread, % of a core:", ", ".join(f"{100 * share:.1f}" for share in shares))


if __name__ == "__main__":
    main()
