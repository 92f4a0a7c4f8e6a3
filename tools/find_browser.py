"""Print where the browsers are that the tests drive; with `--install`, get them where apt may.

`wslab/installed.py` says where they are looked for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from wslab.installed import CHROMIUM, FIREFOX, find

WANTED = (CHROMIUM, FIREFOX)
# Without this font the screenshots show boxes instead of "▶" and "↗".
FONTS = "fonts-dejavu-core"


def install(packages: list[str]) -> None:
    """Install Debian's packages if this user may without being asked for a password.

    Where that cannot be done nothing is: the browser tests then say why they are skipped.
    """
    apt = shutil.which("apt-get")
    if apt is None:
        return
    if os.geteuid() == 0:
        sudo: list[str] = []
    elif (
        shutil.which("sudo")
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
    ):
        sudo = ["sudo", "-n"]
    else:
        return
    print(f"Installing {', '.join(packages)} for the tests (apt-get, once) ...", flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        if subprocess.run([*sudo, *quiet, *command], stdout=subprocess.DEVNULL).returncode:
            print(f"apt-get {command[0]} failed; going on without.", file=sys.stderr)
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="install them by apt-get if it may")
    options = parser.parse_args()
    missing = [one.debian_package for one in WANTED if find(one) is None]
    if missing and options.install:
        install([*missing, FONTS])
    for one in WANTED:
        path = find(one)
        if path is None:
            print(f"No {one.name}: its tests will be skipped. To run them, {one.remedy}")
        elif not options.install:
            print(path)


if __name__ == "__main__":
    main()
