"""Checks the machine that the lessons run on; suggests one remedy for each fault.

Nothing here is guessed: sockets are opened, a WebSocket echoes, a thread answers while this one
sleeps. `wslab doctor` prints the table; `DoctorView` shows it in a notebook and adds what only a
page can tell.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wslab import course, installed, nesting_package

Result = Literal["ok", "warn", "fail"]

NETWORK_TIMEOUT = 5.0  # seconds, for a connection on loopback; it takes less than a millisecond
BUSY_SECONDS = 0.2  # how long this thread sleeps to see whether another one answers
LITTLE_DISK = 100_000_000  # bytes; a capture of a long session is some megabytes
LOOPBACK_REMEDY = "allow this Python to listen and connect on 127.0.0.1 in your firewall"


class Check(NamedTuple):
    """The result of one check. `remedy` is empty exactly when `result` is "ok"."""

    name: str
    result: Result
    found: str
    remedy: str = ""


def check() -> list[Check]:
    """Run all checks, in less than two seconds on a healthy machine. Raises nothing."""
    return [
        *versions(),
        guarded("loopback", loopback, LOOPBACK_REMEDY),
        guarded("WebSocket echo", websocket_echo, LOOPBACK_REMEDY),
        guarded("background thread", background_thread, "restart the kernel"),
        kernel(),
        *([browsers()] if running_kernel() is None else []),  # there the page itself is one
        node(),
        nested_loops(),
        proxy(),
        disk(),
    ]


def guarded(name: str, examine: Callable[[], str], remedy: str) -> Check:
    """A check that passes with what `examine` found and fails with what it raised."""
    try:
        return Check(name, "ok", examine())
    except ImportError as error:
        return Check(name, "fail", str(error), pip(f"install {error.name}"))
    except Exception as error:
        return Check(name, "fail", f"{type(error).__name__}: {error}".rstrip(": "), remedy)


# ------------------------------------------------------------------------------ versions


def versions() -> Iterator[Check]:
    """Check Python and each package that wslab requires against its metadata."""
    python = platform.python_version()
    try:
        metadata = importlib.metadata.metadata("wslab")
        # JupyterLab needs it too, so it is there wherever a lesson can run.
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ImportError as error:  # PackageNotFoundError is one too
        yield Check("Python", "ok", python)
        where = course.PACKAGE.parent if course.checkout() else "WSLAB-WHEEL"
        remedy = pip(f"install {shlex.quote(str(where))}")
        yield Check(
            "packages", "fail", f"wslab is not installed here, or not whole: {error}", remedy
        )
        return

    needs = SpecifierSet(metadata["Requires-Python"] or "")
    if needs.contains(python, prereleases=True):
        yield Check("Python", "ok", f"{python} (needs {needs})")
    else:
        remedy = f"make a new environment with a Python {needs}"
        yield Check("Python", "fail", f"{python}, but wslab needs {needs}", remedy)

    for text in metadata.get_all("Requires-Dist") or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield package(requirement.name, requirement.specifier)


def package(name: str, needs: Any) -> Check:
    """One required package. `needs` is a packaging SpecifierSet."""
    wanted = f"{name}{needs}"
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "fail", f"not installed (needs {needs})", pip(f"install '{wanted}'"))
    if needs.contains(found, prereleases=True):
        return Check(name, "ok", f"{found} (needs {needs})")
    remedy = pip(f"install --upgrade '{wanted}'")
    return Check(name, "fail", f"{found}, but wslab needs {needs}", remedy)


def pip(arguments: str) -> str:
    """The command line that installs into this very Python."""
    return f"{shlex.quote(sys.executable)} -m pip {arguments}"


# ------------------------------------------------------------------------------ network


def loopback() -> str:
    """Listen on a free port of 127.0.0.1, connect to it, and carry some bytes both ways."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(NETWORK_TIMEOUT)
        host, port = server.getsockname()
        with socket.create_connection((host, port), timeout=NETWORK_TIMEOUT) as client:
            accepted, _ = server.accept()
            with accepted:
                accepted.settimeout(NETWORK_TIMEOUT)
                for sender, receiver in ((client, accepted), (accepted, client)):
                    sender.sendall(b"wslab")
                    came = receiver.recv(16)
                    if came != b"wslab":
                        raise OSError(f"sent b'wslab' through {host}:{port}, got {came!r}")
    return f"listened on {host}:{port}, connected, both directions carry"


def websocket_echo() -> str:
    """Open a real WebSocket to a real echo server on loopback and time one round trip."""
    from wslab.net import EchoServer, connect

    with (
        EchoServer("doctor's own") as server,  # beside that of `DoctorView`
        connect(server.url, open_timeout=NETWORK_TIMEOUT) as client,
    ):
        start = time.perf_counter()
        client.send("Hello")
        answer = client.recv(NETWORK_TIMEOUT)
        seconds = time.perf_counter() - start
    if answer != "Hello":
        raise OSError(f"sent 'Hello' to {server.url}, got {answer!r}")
    return f"'Hello' went to {server.url} and came back in {seconds * 1000:.1f} ms"


def proxy() -> Check:
    """Whether a client that honours proxy settings would leave the machine to reach loopback."""
    name = "proxy settings"
    proxies = urllib.request.getproxies()
    used = [scheme for scheme in ("ws", "socks", "https", "http") if scheme in proxies]
    if not used:
        return Check(name, "ok", "none")
    if urllib.request.proxy_bypass("127.0.0.1:80"):
        return Check(name, "ok", "127.0.0.1 is reached without the proxy")
    return Check(
        name,
        "warn",
        f"the {used[0]} proxy is asked for 127.0.0.1 too: clients that you write may not "
        "reach a lesson's server (wslab's own clients do)",
        "set the environment variable NO_PROXY=127.0.0.1,localhost before starting JupyterLab",
    )


# ------------------------------------------------------------------------------ threads


def background_thread() -> str:
    """Sleep here for 0.2 s while a server on the loop's thread answers a client on a third one."""
    from wslab.net import EchoServer, connect

    answers: list[float] = []
    finished = threading.Event()
    with (
        EchoServer("doctor's background") as server,
        connect(server.url, open_timeout=NETWORK_TIMEOUT) as client,
    ):

        def ask() -> None:
            while not finished.is_set():
                start = time.perf_counter()
                client.send("?")
                client.recv(NETWORK_TIMEOUT)
                answers.append(time.perf_counter() - start)
                finished.wait(0.002)  # a question now and then, not a flood

        asking = threading.Thread(target=ask, name="wslab-doctor", daemon=True)
        asking.start()
        # This sleep is the experiment: it does to its thread what a busy cell does to the kernel's.
        time.sleep(BUSY_SECONDS)
        while_busy = len(answers)
        finished.set()
        asking.join()
    if not while_busy:
        raise TimeoutError(f"a server on another thread gave no answer in {BUSY_SECONDS} s")
    return (
        f"a server answered {while_busy} times in the {BUSY_SECONDS} s that this thread slept, "
        f"the slowest after {max(answers) * 1000:.1f} ms"
    )


def kernel() -> Check:
    """Whether this runs in a Jupyter kernel, and on which thread it handles widgets' messages."""
    name = "kernel"
    found = running_kernel()
    if found is None:
        return Check(name, "ok", "this is a shell; the notebook 00_start_here checks the kernel")
    version = importlib.metadata.version("ipykernel")
    # ipykernel's own name for it; both ways of working are fine, and lessons tell them apart.
    subshells = getattr(found, "_supports_kernel_subshells", False)
    where = (
        "widgets may be answered on a subshell's thread, also while a cell is busy"
        if subshells
        else "widgets are answered between cells, on the thread that runs them"
    )
    return Check(name, "ok", f"ipykernel {version}: {where}")


def running_kernel() -> Any:
    """The IPython kernel that this code runs in; None in a shell or a plain script."""
    # Not imported unless it is there already: outside of a kernel it cannot be.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)


def browsers() -> Check:
    """Which browsers this machine has."""
    found = {name: path for name in installed.BROWSERS if (path := installed.browser(name))}
    if found:
        return Check("browsers", "ok", ", ".join(f"{name} ({found[name]})" for name in found))
    return Check(
        "browsers",
        "warn",
        f"expected one of {', '.join(installed.BROWSERS)} on this machine, found none",
        "install Firefox or Chromium; or open JupyterLab's address from a machine that has one",
    )


def node() -> Check:
    """Whether Node and its package `ws` are there, which some lessons use."""
    name = "Node"
    try:
        from wslab.net.node import NodeMissing, find_node
    except ImportError as error:  # the check of the packages names the remedy
        return Check(name, "warn", str(error), pip(f"install {error.name}"))
    try:
        found = find_node()
        done = subprocess.run(
            [found.node, "--version"], capture_output=True, text=True, timeout=NETWORK_TIMEOUT
        )
    except NodeMissing as missing:
        text = str(missing).partition(": run ")[0]
        return Check(
            name, "warn", f"{text}; lesson 11 uses it, and lessons 07 and 08", "wslab node"
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name, "warn", f"{type(error).__name__}: {error}", "wslab node")
    return Check(name, "ok", f"{done.stdout.strip()} with ws {found.version} ({found.node})")


def nested_loops() -> Check:
    """Whether nest_asyncio or its fork has replaced asyncio's own classes in this process."""
    name = "nest_asyncio"
    if not hasattr(asyncio, "_nest_patched"):
        could = f"wslab.allow_asyncio_run() would apply {nesting_package()}"
        return Check(name, "ok", f"not applied; asyncio is Python's own ({could})")
    applied = "nest_asyncio2" if hasattr(asyncio, "_nest_asyncio2") else "nest_asyncio"
    return Check(
        name,
        "warn",
        f"{applied} is applied: asyncio.run() works in a cell, and nested runs finish last in, "
        "first out",
        "restart the kernel to have Python's own asyncio back",
    )


# ------------------------------------------------------------------------------ disk


def disk() -> Check:
    """Room for captures and for what a notebook saves, in the working directory."""
    name = "disk"
    folder = Path.cwd()
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(name, "fail", str(error), "start JupyterLab in a folder that exists")
    found = f"{free / 1e9:.1f} GB free in {folder}"
    if free >= LITTLE_DISK:
        return Check(name, "ok", found)
    remedy = f"free some space: {LITTLE_DISK // 1_000_000} MB is enough"
    return Check(name, "warn", found, remedy)


# ------------------------------------------------------------------------------ for people

COLOURS = {"ok": "32", "warn": "33", "fail": "31"}


def table(checks: Iterable[Check], *, colour: bool = False) -> str:
    """The checks as lines to read; the result stands there as a word, whatever the colour."""
    checks = list(checks)
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        word = f"{check.result:<4}"
        if colour:
            word = f"\x1b[{COLOURS[check.result]}m{word}\x1b[0m"
        lines.append(f"{word}  {check.name:<{width}}  {printable(check.found)}")
        if check.remedy:
            lines.append(f"{'':4}  {'':{width}}  → {printable(check.remedy)}")
    counts = {result: sum(check.result == result for check in checks) for result in COLOURS}
    if counts["fail"]:
        lines.append(f"\n{counts['fail']} failed. The arrow says what to do.")
    elif counts["warn"]:
        lines.append(f"\nNothing failed; {counts['warn']} to know about.")
    else:
        lines.append("\nEverything works.")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Text on one line: an error's own text may bring line ends and terminal codes."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+", " ", text)
