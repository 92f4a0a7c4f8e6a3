"""Everything that `wslab.net` raises on purpose, in one tree.

::

    WslabError
    ├── OnLoopThread        (RuntimeError)     called on the thread that it would wait for
    ├── LoopHeld            (RuntimeError)     the server cannot answer while this waits
    ├── NotRunning          (RuntimeError)     a server or tap that was not started
    ├── PortTaken           (OSError)          another program listens there already
    ├── PortForbidden       (PermissionError)  the system does not let us listen there
    ├── TimedOut            (TimeoutError)     nothing happened in time
    │   └── ConnectTimedOut                    (also a ConnectFailed)
    ├── NotConnected        (ConnectionError)  send, recv or ping without an open connection
    ├── ConnectFailed       (ConnectionError)  the connection did not get to OPEN
    │   ├── ConnectTimedOut                    the server never answered
    │   └── HandshakeFailed                    it answered, but not with a valid 101
    ├── NotHeld             (LookupError)      the tap holds no such frame
    ├── Missing                                something optional is not on this machine
    │   ├── PackageMissing                     a Python package
    │   └── ProgramMissing, NodeMissing        in the rooms of these
    └── WrongValue          (ValueError)       refused before anything was sent
        ├── WrongURL                           not an address that a WebSocket client can open
        ├── WrongMessage    (also TypeError)   not a message that a frame can carry
        ├── WrongClose                         a close code or reason that may not be sent
        └── WrongRule                          not a rule that a tap can follow

Each message says what was expected, what came, where, and what to do next. Where the `websockets`
library reported the failure, its exception is kept as ``__cause__``, so that a lesson can show what
the library said.
"""

from __future__ import annotations

from collections.abc import Mapping

from wslab.wire.protocol import masked_text


class WslabError(Exception):
    """Base class: catches all failures that `wslab.net` raises on purpose, and nothing else.

    Logins in a message, such as a token in a URL, are masked: it may be saved with a notebook.
    """

    def __init__(self, *texts: object) -> None:
        super().__init__(*(masked_text(text) if isinstance(text, str) else text for text in texts))


class OnLoopThread(WslabError, RuntimeError):
    """A function that waits for the loop thread was called on it, and would wait forever."""


class LoopHeld(WslabError, RuntimeError):
    """A call waits for a server on the event loop that it holds up: the answer could never come."""


class NotRunning(WslabError, RuntimeError):
    """A server's or a tap's address was asked for before it was started."""


class PortTaken(WslabError, OSError):
    """The fixed port is in use, by one of our own servers or by another program."""


class PortForbidden(WslabError, PermissionError):
    """The system does not allow this program to listen on the port (often one below 1024)."""


class TimedOut(WslabError, TimeoutError):
    """Something did not happen in time. Times are in seconds."""


class NotConnected(WslabError, ConnectionError):
    """There is no open connection. The message tells how the last one ended, and its close code."""


class ConnectFailed(WslabError, ConnectionError):
    """The connection did not reach the state OPEN (RFC 6455 §4.1)."""


class ConnectTimedOut(ConnectFailed, TimedOut):
    """The handshake was not answered within ``open_timeout`` seconds."""


class HandshakeFailed(ConnectFailed):
    """The server's answer to the opening handshake is not a valid 101 (RFC 6455 §4.1).

    ``status`` is the HTTP status (None where there was no HTTP answer), ``headers`` its header
    fields, ``body`` the answer's body.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.body = body


class NotHeld(WslabError, LookupError):
    """The tap holds no such frame (any more), or there is no such connection."""


class Missing(WslabError):
    """Something optional is not on this machine; the message names the command that installs it."""


class PackageMissing(Missing):
    """A Python package is not installed that only some lessons need."""


class WrongValue(WslabError, ValueError):
    """An argument was refused, before anything was done with it, because it cannot work."""


class WrongURL(WrongValue):
    """The URL is not one that a WebSocket client can open (RFC 6455 §3)."""


# A TypeError as well: sending 42 is a wrong type, sending half a surrogate pair is a wrong value,
# and catching either of Python's own errors catches it.
class WrongMessage(WrongValue, TypeError):
    """No frame can carry this message: not str or bytes, not Unicode, or too long for a ping."""


class WrongClose(WrongValue):
    """An application may not send this close code or reason (RFC 6455 §7.4, §5.5; WHATWG)."""


class WrongRule(WrongValue):
    """The tap cannot read this rule; the message names the word and what was expected there."""
