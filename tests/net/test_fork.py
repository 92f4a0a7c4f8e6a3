"""A forked child has the parent's servers and connections no more, and can begin its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

SCRIPT = """
import os, sys, warnings
warnings.simplefilter("ignore")  # Python 3.12 and newer: a fork beside threads
from wslab.labs import first_connection
from wslab.net import Client, EchoServer, Tap, running, stop_all
from wslab.net.clients import RawClient
from wslab.wire import Capture

lab = first_connection.open()
client = lab.connect()
RawClient(lab.url).connect().upgrade()
view = lab.wire()
print(lab.port, flush=True)
sys.stdin.readline()
read, write = os.pipe()
child = os.fork()
if child == 0:
    try:
        assert not running(), running()
        client.stop()
        lab.tap.stop()
        lab.server.stop()
        lab.close()
        stop_all()
        view.tell()
        with EchoServer() as mine, Tap(mine.port, Capture()) as tap, Client(tap.url) as own:
            own.connect().send("from the child")
            assert own.recv() == "from the child"
        assert first_connection.open().connect().state == "OPEN"
        print("child is ready", flush=True)
        os.read(read, 1)
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)
sys.stdin.readline()
client.send("from the parent")
print(client.recv(), flush=True)
lab.close()
print("closed", flush=True)
sys.stdin.readline()
os.write(write, b"x")
print(os.waitpid(child, 0)[1], flush=True)
"""


def test_a_child_neither_serves_nor_stops_what_is_its_parents():
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def say(line: str = "") -> str:
        script.stdin.write(f"{line}\n")
        script.stdin.flush()
        return script.stdout.readline().strip()

    with script:
        port = int(script.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
            assert say() == "child is ready"
            assert say() == "from the parent"
            assert script.stdout.readline().strip() == "closed"
            # The child is still there: had it a copy of these sockets, they would be open.
            peer.settimeout(20)
            with contextlib.suppress(ConnectionResetError):
                assert peer.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=20)
        assert say() == "0"
        script.stdin.close()
    assert script.returncode == 0
