"""Records the states of connections as the `websockets` library itself logs them."""

from __future__ import annotations

import logging

from wslab.net.problem_log import ProblemLog
from wslab.wire.protocol import Peer
from wslab.wire.recording import StateLog

SOURCE = "websockets"

_MESSAGE = "= connection is %s"
"""The line that `websockets.protocol.Protocol` logs, at level DEBUG, when its state changes."""


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
    """Write the states of a server or client, which logs to `problems`, into `log`.

    Applies to connections opened from now on. A second call changes nothing.
    """
    logger = problems.logger
    if any(isinstance(handler, StateWatch) for handler in logger.handlers):
        return
    for handler in logger.handlers:
        handler.setLevel(logging.WARNING)  # DEBUG lines must not become problems
    logger.setLevel(logging.DEBUG)
    logger.addHandler(StateWatch(log, peer))
