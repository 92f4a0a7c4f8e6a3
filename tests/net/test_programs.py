"""nginx, redis-server and PostgreSQL: real ones, which end with their lab and with its kernel."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from wslab.net import Client, EchoServer, HandshakeFailed, registry
from wslab.net.http2 import Hypercorn
from wslab.net.programs import Nginx, Postgres, Program, ProgramFailed, ProgramMissing, Redis

PLAIN = (
    "server {{ listen 127.0.0.1:{{port}}; location / {{ {} proxy_pass http://127.0.0.1:{}; }} }}"
)
UPGRADE = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    'proxy_set_header Connection "upgrade";'
)
PROGRAMS = {
    "nginx": lambda: Nginx("server { listen 127.0.0.1:{port}; }"),
    "redis": Redis,
    "postgres": Postgres,
    "hypercorn": Hypercorn,
}


@pytest.fixture(params=PROGRAMS)
def program(request) -> Program:
    """One that runs. Under CI it must be there."""
    made = PROGRAMS[request.param]()
    needs(type(made))
    with made:
        yield made


def test_a_program_runs_and_leaves_nothing(program):
    assert program.is_running
    folder, process = program.folder, psutil.Process(program.pid)
    children = process.children(recursive=True)
    assert registry.holds(program)
    program.stop()
    program.stop()
    assert not program.is_running
    assert not any(one.is_running() for one in (process, *children))
    assert not folder.exists()
    assert not registry.holds(program)
    with program.start():
        assert program.folder != folder


def test_another_of_its_name_takes_its_place(program):
    process = psutil.Process(program.pid)
    with Nginx(program.http) if isinstance(program, Nginx) else type(program)():
        assert not program.is_running
        assert not process.is_running()


KERNEL = """
import sys, time
from tests.net.test_programs import PROGRAMS
program = PROGRAMS[sys.argv[1]]().start()
print(program.pid, program.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_killed_kernel_takes_its_program_along(name):
    needs(type(PROGRAMS[name]()))
    command = [sys.executable, "-c", KERNEL, name]
    kernel = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    pid, folder = kernel.stdout.readline().split()
    program = psutil.Process(int(pid))
    keeper = program.parent()
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.communicate()
    with contextlib.suppress(psutil.NoSuchProcess):
        keeper.wait(20)
    assert not program.is_running() or program.status() == psutil.STATUS_ZOMBIE
    assert not Path(folder).exists()


def needs(program: type[Program]) -> None:
    if program.find() is None and not os.environ.get("CI"):
        pytest.skip(f"{program.program} is not installed: {program.remedy}")


def test_redis_answers_on_its_socket_and_on_no_port():
    needs(Redis)
    with Redis() as program, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(program.path))
        sock.sendall(b"PUBLISH room hello\r\n")
        assert sock.recv(64) == b":0\r\n"
        assert psutil.Process(program.pid).net_connections("tcp") == []


def test_nginx_passes_a_websocket_on_with_two_lines_and_not_without():
    needs(Nginx)
    with EchoServer("behind") as server:
        with Nginx(PLAIN.format(UPGRADE, server.port)) as nginx, Client(nginx.url) as client:
            client.connect()
            client.send("through a proxy")
            assert client.recv() == "through a proxy"
            assert nginx.access_log == []  # its line comes when the connection ends
        with Nginx(PLAIN.format("", server.port)) as nginx:
            with pytest.raises(HandshakeFailed):
                Client(nginx.url).connect()
            (line,) = nginx.access_log
            assert '"GET / HTTP/1.1" 505' in line  # nginx asks its upstream in HTTP/1.0


def test_what_is_wrong_in_a_configuration_is_said():
    needs(Nginx)
    with pytest.raises(ProgramFailed, match='unknown directive "servr"'), Nginx("servr {}"):
        pass


def test_files_are_put_beside_it():
    needs(Nginx)
    page = "server { listen 127.0.0.1:{port}; root .; location / { } }"
    with Nginx(page, files={"hello.txt": b"Hello"}) as nginx:
        url = nginx.url.replace("ws://", "http://", 1)
        with urllib.request.urlopen(f"{url}hello.txt") as answer:
            assert answer.read() == b"Hello"


def test_a_program_that_is_missing_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(Nginx, "program", "nginx-that-is-not-here")
    with pytest.raises(ProgramMissing, match="apt-get install nginx-light"):
        Nginx("").start()
