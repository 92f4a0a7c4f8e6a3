"""For all tests: Ctrl-C is Ctrl-C."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    # A shell that starts this in the background has SIGINT ignored, and Python leaves it so: tests
    # that interrupt a call would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
