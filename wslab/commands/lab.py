"""Open JupyterLab on the lessons.

In a checkout these are its own notebooks. Installed from a wheel, and wherever FOLDER is given, the
course is copied to a folder first: what is new is added, what you have not touched is brought up to
date, and what you have changed stays as it is.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from wslab import course
from wslab.commands import CommandError, printable

DEFAULT_FOLDER = Path("wslab-course")
FIRST = "00_start_here.ipynb"
SETTINGS = Path(__file__).resolve().parents[1] / "jupyter"
"""The folder of JupyterLab's defaults; a user's own settings take precedence."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help=f"where to put the course (default ./{DEFAULT_FOLDER}; in a checkout, notebooks/)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, open no browser"
    )
    parser.add_argument(
        "--port", type=port, metavar="N", help="listen on this port (default: 8888 or the next)"
    )


def port(text: str) -> int:
    """A port number from the command line."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return number


def run(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise CommandError(
            f"JupyterLab is not installed for {sys.executable}; "
            f"install it: {sys.executable} -m pip install jupyterlab"
        )
    folder = prepare(options.folder)
    command = jupyterlab(folder, browser=not options.no_browser, port=options.port)
    # A user's own kernel called python3 must not replace the Python that has wslab.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    # These settings save a notebook with its widgets' state (without it JupyterLab says "model
    # not found" in their place), and export static HTML, as widgets are empty without a kernel.
    # JUPYTER_PATH is where the template of an export is looked for.
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        paths = [str(SETTINGS), os.environ.get(name, "")]
        os.environ[name] = os.pathsep.join(filter(None, paths))
    sys.stdout.flush()
    if os.name == "posix":
        # Replace this process, so that Ctrl-C and SIGTERM reach JupyterLab itself.
        os.execv(sys.executable, command)
    return subprocess.run(command).returncode


def prepare(folder: Path | None) -> Path:
    """Copy the course if needed, print what was kept, and return the folder to open."""
    if folder is None:
        checkout = course.checkout()
        if checkout is not None:
            return checkout
        folder = DEFAULT_FOLDER
    try:
        copied = course.copy_to(folder)
    except course.CourseError as error:
        raise CommandError(str(error)) from error
    print(f"The course is in {printable(str(folder))}: {copied}.")
    for name in map(printable, copied.kept):
        print(f"  kept your {name}; for the course's own, rename yours and run `wslab lab` again")
    return folder


def jupyterlab(folder: Path, *, browser: bool, port: int | None) -> list[str]:
    """The command line that opens JupyterLab on the folder, at its first lesson if it has one."""
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    if (folder / FIRST).exists():
        # The lesson is the default page, so that the address that Jupyter prints leads there too.
        command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    # Loopback, whatever a configuration file says; Jupyter's token stays on by default.
    command.append("--ServerApp.ip=127.0.0.1")
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command.append(f"--ServerApp.port={port}")
    if os.name == "posix" and os.geteuid() == 0:
        # Jupyter refuses to run as root by default; a container often has no other user.
        command.append("--allow-root")
    return command
