"""Jupyter: a server in a process of its own, with a kernel, and a client that asks it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import Any

from wslab.net.address import LOOPBACK, Address
from wslab.net.clients import Client
from wslab.net.errors import NotRunning, TimedOut
from wslab.net.payloads.talk import PATIENCE, Talk

_V1 = "v1.kernel.websocket.jupyter.org"
_START = 60.0
"""Seconds that the server and its kernel may take to start on a slow machine."""
_NOBODY = dict.fromkeys(("USER", "LOGNAME", "USERNAME", "LNAME"), "learner")
"""Jupyter writes who runs it into each message; a recording that is passed on need not say it."""
_MOST = 100
"""The most messages that are awaited for one question."""

# It prints its port. It ends when its standard input does: then this process has ended, somehow.
_SERVE = """
import os, signal, sys, threading
def end_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end_with_parent, daemon=True).start()
from jupyter_server.serverapp import ServerApp
app = ServerApp.instance()
app.initialize(sys.argv[1:])
app.io_loop.add_callback(lambda: print(app.port, flush=True))  # after it has begun to listen
app.start()
"""


class JupyterTalk(Talk):
    """`kernel_info_request` and `execute_request`, each with all that comes of it."""

    name = "jupyter_kernel"
    cast = "a Jupyter server with a kernel, and a client of wslab's"
    packages = {"jupyter_server": "jupyter_server", "ipykernel": "ipykernel"}  # noqa: RUF012
    install = "pip install jupyter_server ipykernel"

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._token = secrets.token_hex(16)
        self._port = 0
        self._kernel = ""

    @property
    def url(self) -> str:
        if not self._kernel:
            raise NotRunning("the Jupyter server does not run: call start() first")
        return Address(False, LOOPBACK, self._port, f"/api/kernels/{self._kernel}/channels").url

    @property
    def process(self) -> int | None:
        """The number of the server's process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        # Of its own, so that the user's settings and other servers are left alone.
        self._folder = tempfile.TemporaryDirectory(prefix="wslab-jupyter-")
        folder = self._folder.name
        log = Path(folder, "log")
        with log.open("wb") as words:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _SERVE, "--no-browser", "--allow-root"),
                    f"--ServerApp.ip={LOOPBACK}", "--ServerApp.port=0",
                    f"--ServerApp.root_dir={folder}",
                ],
                env=os.environ | _NOBODY | {
                    "JUPYTER_TOKEN": self._token, "JUPYTER_NO_CONFIG": "1", "IPYTHONDIR": folder,
                    "JUPYTER_CONFIG_DIR": folder, "JUPYTER_RUNTIME_DIR": folder,
                },
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, encoding="utf-8",
            )  # fmt: skip
        assert self._process.stdout is not None
        late = threading.Timer(_START, self._process.kill)
        late.start()
        port = self._process.stdout.readline().strip()
        late.cancel()
        late.join()
        if not port.isdigit():
            said = " ".join(log.read_text("utf-8", "replace").split())[-300:]
            raise TimedOut(
                f"expected Jupyter's server to start within {_START:g} s; it said: {said}"
            )
        self._port = int(port)
        self._kernel = self._ask("POST", "kernels", {"name": "python3"})["id"]

    def _ask(self, method: str, what: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self._port}/api/{what}", json.dumps(body).encode(),
            {"Authorization": f"token {self._token}"}, method=method,
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=_START) as answer:
            return json.load(answer)

    def stop(self) -> None:
        process, self._process, self._kernel = self._process, None, ""
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()  # it ends its kernels, and itself
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def play(self, url: str) -> None:
        from jupyter_client.session import Session

        session = Session(key=b"", username="learner")
        client = Client(url, name="jupyter talk", wire_name="kernel client")
        login = {"Authorization": f"token {self._token}"}
        client.connect(
            f"{url}?session_id={session.session}", subprotocols=[_V1], headers=login,
            open_timeout=_START,
        )  # fmt: skip
        try:
            code = {"code": "6 * 7", "silent": False, "store_history": True}
            for kind, content in (("kernel_info_request", {}), ("execute_request", code)):
                self._request(client, session, kind, content)
        finally:
            client.stop()

    def _request(self, client: Client, session: Any, kind: str, content: dict[str, Any]) -> None:
        """Send a request, and wait until its reply has come and the kernel is idle again."""
        from jupyter_server.services.kernels.connection.base import (
            deserialize_msg_from_ws_v1,
            serialize_msg_to_ws_v1,
        )

        message = session.msg(kind, content)
        request = serialize_msg_to_ws_v1(message, "shell", session.pack)  # type: ignore[no-untyped-call]
        client.send(request)
        left = {"reply", "idle"}
        for _ in range(_MOST):
            channel, parts = deserialize_msg_from_ws_v1(client.recv(_START))  # type: ignore[no-untyped-call]
            header, parent, _, said = map(json.loads, parts[:4])
            if parent.get("msg_id") == message["header"]["msg_id"]:
                idle = said.get("execution_state") == "idle"
                left -= {"idle"} if channel == "iopub" and idle else set()
                left -= {"reply"} if header["msg_type"].endswith("_reply") else set()
            if not left:
                return
        raise TimedOut(f"expected a reply to {kind} among {_MOST} messages; none came")
