"""A short talk in a protocol that travels in WebSocket messages: a real server, a real client."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Self

from wslab.net.errors import NotRunning
from wslab.net.listener import Listener
from wslab.wire import Capture, load

PATIENCE = 20.0
"""Seconds that each step of a talk may take on a slow machine."""

_RECORDED = Path(__file__).parent / "recorded"


class Talk(ABC):
    """A server on a free port of this machine, and a client that talks to it for a moment.

    `with` starts and stops the server; `play` has the client talk to a URL, which may be that of a
    tap in front of the server. Only `missing` works without the protocol's libraries.
    """

    name: ClassVar[str]
    """The protocol's, as in `wslab.wire.payloads.PAYLOADS`."""
    cast: ClassVar[str]
    """Who talks, for people."""
    packages: ClassVar[dict[str, str]]
    """What it needs: the name to import, and the package that has it."""
    install: ClassVar[str]
    """The command that installs all of it."""

    @classmethod
    def missing(cls) -> list[str]:
        """The packages that it needs and this Python does not have."""
        return [
            package
            for module, package in cls.packages.items()
            if importlib.util.find_spec(module) is None
        ]

    @classmethod
    def versions(cls) -> str:
        """The packages with their versions: `amqtt 0.12.1, paho-mqtt 2.2.0`."""
        return ", ".join(f"{package} {version(package)}" for package in cls.packages.values())

    @property
    @abstractmethod
    def url(self) -> str:
        """The server's address, path included."""

    @abstractmethod
    def start(self) -> None:
        """Start the server."""

    @abstractmethod
    def play(self, url: str) -> None:
        """Have the client connect to `url`, talk, and close. Raises `TimedOut` if that hangs."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server. May be called twice."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class HostedTalk(Talk):
    """A talk whose server runs on the loop thread."""

    def __init__(self, server: Listener) -> None:
        self._server = server

    @property
    def url(self) -> str:
        if not self._server.is_running:
            raise NotRunning(f"the server of {self.name} does not run: call start() first")
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()


def recorded(name: str) -> Capture:
    """The recording of an earlier talk, for machines without its libraries. `tools/record_talks.py`
    makes them."""
    return load(_RECORDED / f"{name}.jsonl")
