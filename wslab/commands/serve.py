"""Run a server on this machine: an echo, a chat, one that misbehaves, or a recording's.

Its URL is the first line printed. It listens on 127.0.0.1 only, and ends on Ctrl-C or SIGTERM with
exit status 0, after saying goodbye to its clients; 2 stands for a server that could not start.

A recording's server says to each client what it said then, each time once the client has said what
the recording's client said before. It tells where a client departs from the recording, and goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wslab.commands import CommandError, opened, printable, until_stopped
from wslab.commands.lab import port
from wslab.commands.replay import seconds

if TYPE_CHECKING:
    from wslab.net import Listener

SUMMARIES = {
    "echo": "sends back what it gets",
    "chat": "a chat room, with its page on the same port",
    "misbehave": "breaks a rule on purpose: --how says which, --list names them",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    servers = {
        **SUMMARIES,
        "FILE": "a recording (.jsonl, .pcapng, HAR): its server's side, as a mock",
    }
    parser.epilog = "servers:\n" + "\n".join(f"  {k:<10} {v}" for k, v in servers.items())
    parser.add_argument("server", metavar="SERVER", help="which server (see below)")
    parser.add_argument("--port", type=port, default=0, metavar="N", help="default: a free one")
    parser.add_argument("--how", metavar="NAME", help="how it misbehaves")
    parser.add_argument("--list", action="store_true", help="list the ways to misbehave, and end")
    parser.add_argument(
        "--max-size",
        type=size,
        metavar="BYTES",
        help="the largest message taken; a larger one is answered with close code 1009 "
        "(default: the server's own)",
    )
    parser.add_argument(
        "--compression",
        choices=("deflate", "none"),
        default="none",
        help="whether messages may be compressed (RFC 7692); default none",
    )
    mock = parser.add_argument_group("for a recording")
    mock.add_argument("--timing", action="store_true", help="wait between units as then")
    mock.add_argument(
        "--patience",
        type=seconds,
        metavar="SECONDS",
        help="how long to wait for what the recording's client said, before going on without it "
        "(default: as long as the client stays)",
    )
    mock.add_argument(
        "--once",
        action="store_true",
        help="end after one client, with exit status 0 if it said what was recorded, 1 if not",
    )


def size(text: str) -> int:
    """A size in bytes from the command line."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number of bytes from 1 on, got {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    from wslab.net import RecordedServer, WslabError
    from wslab.net.cases import MISBEHAVIOURS

    if options.list:
        if options.server != "misbehave":
            raise CommandError(f"--list is for misbehave; {options.server} has only one way")
        width = max(map(len, MISBEHAVIOURS))
        for case in MISBEHAVIOURS.values():
            print(f"{case.name:<{width}}  {case.what}\n{'':<{width}}  {case.rule}")
        return 0
    server = make(options)
    mock = server if isinstance(server, RecordedServer) else None
    what = f"{options.server} server" if mock is None else f"the server of {options.server}"
    with until_stopped() as stopped:
        try:
            server.start()
        except WslabError as error:
            raise CommandError(str(error)) from error
        try:
            print(server.url, flush=True)
            print(f"{printable(what)} on this machine only; Ctrl-C ends it", file=sys.stderr)
            while not stopped.wait(0.2):
                if options.once and mock and mock.conversations and mock.conversations[0].over:
                    break
        finally:
            server.stop()
    if mock is not None and not options.once:
        print(mock, file=sys.stderr)
    same = mock is None or any(conversation.same for conversation in mock.conversations)
    return int(options.once and not same)


def _say(line: str) -> None:
    """Print a line, as long as somebody reads them: the clients are served in any case."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def make(options: argparse.Namespace) -> Listener:
    """Make the server that the options name. Raises CommandError for an impossible one."""
    from wslab.net import ChatServer, EchoServer, FaultyServer, RecordedServer, WrongValue
    from wslab.net.cases import MISBEHAVIOURS

    if options.server not in SUMMARIES:
        if not Path(options.server).exists():
            names = ", ".join(SUMMARIES)
            raise CommandError(
                f"expected {names} or the file of a recording, got {options.server!r}"
            )
        if options.how is not None or options.max_size is not None or options.compression != "none":
            raise CommandError("--how, --max-size and --compression are not for a recording")
        try:
            return RecordedServer(
                opened(Path(options.server)),
                port=options.port,
                timing=options.timing,
                patience=options.patience,
                tell=_say,
            )
        except WrongValue as error:
            raise CommandError(str(error)) from error
    if options.timing or options.once or options.patience is not None:
        raise CommandError("--timing, --patience and --once are for a recording")
    if options.server == "misbehave":
        if options.max_size is not None or options.compression != "none":
            raise CommandError("--max-size and --compression are for echo and chat")
        if options.how not in MISBEHAVIOURS:
            given = "" if options.how is None else f", got {options.how!r}"
            raise CommandError(
                f"expected --how with a way to misbehave{given}; "
                "`wslab serve misbehave --list` names them"
            )
        return FaultyServer(options.how, port=options.port)
    if options.how is not None:
        raise CommandError(f"--how is for misbehave, not for {options.server}")
    compression = None if options.compression == "none" else "deflate"
    limit = {} if options.max_size is None else {"max_size": options.max_size}
    if options.server == "chat":
        return ChatServer(port=options.port, compression=compression, **limit)
    return EchoServer(port=options.port, compression=compression, **limit)
