"""Listening to what `websockets` says about the state of its connections, in its own words."""

from __future__ import annotations

import logging

from wslab.net.problem_log import ProblemLog
from wslab.wire.protocol import Peer
from wslab.wire.recording import StateLog

SOURCE = "websockets"

_MESSAGE = "= connection is %s"
"""What `websockets.protocol.Protocol` logs, at the level DEBUG, whenever its state changes."""


class StateWatch(logging.Handler):
    """Writes each change of state that the library logs into a `StateLog`."""

    def __init__(self, log: StateLog, peer: Peer) -> None:
        super().__init__(logging.DEBUG)
        self._log = log
        self._peer = peer

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == _MESSAGE and isinstance(record.args, tuple):
            self._log.add(self._peer, SOURCE, str(record.args[0]))


def watch(problems: ProblemLog, peer: Peer, log: StateLog) -> None:
    """Have the states of whoever logs to `problems` (a server, a client) written to `log`.

    For connections opened from now on. Doing it twice changes nothing.
    """
    logger = problems.logger
    if any(isinstance(handler, StateWatch) for handler in logger.handlers):
        return
    for handler in logger.handlers:
        handler.setLevel(logging.WARNING)  # problems are still problems only
    logger.setLevel(logging.DEBUG)
    logger.addHandler(StateWatch(log, peer))
