"""The lab of the first notebook: a check of the machine and a first echo."""

from __future__ import annotations

from wslab import doctor as machine
from wslab.labs.lesson import Lesson
from wslab.net import EchoServer
from wslab.view import DoctorView


class StartHere(Lesson):
    """An echo server on a free port, with the tap in front of it."""


open = StartHere  # again: it replaces the one before


def doctor() -> DoctorView:
    """Check this machine, from the kernel and from the page that you are looking at."""
    server = EchoServer("doctor").start()
    return DoctorView([check._asdict() for check in machine.check()], server.url)
