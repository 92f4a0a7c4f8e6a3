"""Try a WebSocket server or client against what the RFCs say, case by case.

The server under test must echo: send back each message as it came. A client under test (--client)
must do so as well; it connects again and again to the URL that is printed first, until it is
refused with 410. Exit status 1 where a MUST was not kept, 2 where nothing could be tried.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wslab.commands import CommandError, until_stopped
from wslab.commands.lab import port
from wslab.commands.replay import seconds

if TYPE_CHECKING:
    from wslab.conformance import Report
    from wslab.net import Address


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", metavar="URL", help="an echo server: ws://127.0.0.1:9000")
    parser.add_argument("--client", action="store_true", help="try a client: prints a URL for it")
    parser.add_argument("--port", type=port, default=0, metavar="N", help="with --client: its port")
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="only these cases, such as 'text-*'"
    )
    parser.add_argument("--list", action="store_true", help="list the cases, and end")
    parser.add_argument(
        "--patience",
        type=seconds,
        default=2.0,
        metavar="SECONDS",
        help="how long the peer may take for an answer (default 2)",
    )
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write them as JUnit's XML too")
    parser.add_argument(
        "--anywhere",
        action="store_true",
        help="allow a server on another machine: ask its owner first, as much of it is wrong",
    )


def run(options: argparse.Namespace) -> int:
    from wslab.conformance import cases_for
    from wslab.net import WslabError

    if options.client == bool(options.url) and not options.list:
        raise CommandError("expected either the URL of a server, or --client")
    try:
        cases = cases_for("client" if options.client else "server", options.only)
        if options.list:
            width = max(len(case.name) for case in cases)
            for case in cases:
                print(f"{case.name:<{width}}  {case.what}\n{'':<{width}}  {case.rule}")
            return 0
        report = _client(options, cases) if options.client else _server(options, cases)
    except WslabError as error:
        raise CommandError(" ".join(str(error).split())) from error
    if options.junit is not None:
        try:
            options.junit.write_text(report.to_junit(), "utf-8")
        except OSError as error:
            raise CommandError(
                f"cannot write {options.junit}: {error.strerror or error}"
            ) from error
    if options.json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        for line in report.lines(colour=sys.stdout.isatty()):
            print(line)
    return 1 if report.failed else 0


def _server(options: argparse.Namespace, cases: list) -> Report:  # type: ignore[type-arg]
    from wslab.conformance import check_server
    from wslab.net import parse_url

    address = parse_url(options.url)
    if not options.anywhere and not _is_here(address):
        raise CommandError(
            f"{address.host} is not this machine: half of what is sent is wrong on purpose, and "
            "its owner should know; with --anywhere it is tried all the same"
        )
    return check_server(address, cases, patience=options.patience)


def _is_here(address: Address) -> bool:
    return address.host in ("localhost", "::1") or address.host.startswith("127.")


def _client(options: argparse.Namespace, cases: list) -> Report:  # type: ignore[type-arg]
    from wslab.conformance import CaseServer

    with (
        until_stopped() as stopped,
        CaseServer(cases, patience=options.patience, port=options.port) as server,
    ):
        print(server.url, flush=True)
        print(f"{len(cases)} cases; Ctrl-C ends it", file=sys.stderr)
        while not stopped.is_set() and not server.last.wait(0.2):
            pass
        return server.report()
