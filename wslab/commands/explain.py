"""Explain a recording byte by byte: a capture, a HAR, a pcap or pcapng, or the bytes themselves.

Half a capture is read, too: without its handshake, of one side alone, with packets lost or cut.
Exit status 0 whatever the bytes hold, 2 for a file that cannot be read. With --find: 0 if something
was found, 1 if nothing was, 2 for what cannot be looked for. With --json the account is
one JSON object: connections (their names), units, messages, incomplete (bytes at the end that are
no whole unit), incomplete_violations (the rules that they break already), explanations (what stands
where frames stop fitting), endings (how each connection ended whose end the recording shows: from
which side, by FIN, RST, the tap or silence, after which pause, and what both APIs say), notes.
Times are in seconds since the recording began, each unit's too.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wslab.commands import CommandError, opened, unreadable

if TYPE_CHECKING:
    from wslab.wire import Capture, Direction


PROTOCOLS = ("graphql_transport_ws", "json", "jupyter_kernel", "mqtt", "socket_io", "stomp")
"""The names of `wslab.wire.payloads.PAYLOADS`; loading them would make the help slow."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="a capture (.jsonl), a HAR saved by a browser's DevTools, also zipped, a pcap or a "
        "pcapng, or bytes as --hex takes them; - for standard input",
    )
    parser.add_argument(
        "--client", type=Path, metavar="FILE", help="the raw bytes that the client sent"
    )
    parser.add_argument(
        "--server", type=Path, metavar="FILE", help="the raw bytes that the server sent"
    )
    parser.add_argument(
        "--hex",
        metavar="BYTES",
        help='bytes such as "81 05 48 65 6c 6c 6f": also a dump, decimals, what a program prints',
    )
    parser.add_argument(
        "--from",
        dest="sender",
        choices=("client", "server"),
        help="who sent the bytes of --hex (default: the client if the first frame is masked)",
    )
    parser.add_argument("--json", action="store_true", help="print the account as JSON")
    parser.add_argument("--brief", action="store_true", help="one line for each unit")
    parser.add_argument(
        "--find",
        metavar="WHAT",
        help="only the units that fit, with what fits marked: a text in the unmasked, inflated "
        "messages, 're:id=[0-9]+', 'hex:81 05', 'opcode=ping', 'close_code=1006', "
        "'Hello from=client'; all terms must fit",
    )
    parser.add_argument(
        "--decode",
        metavar="PROTOCOL",
        help="explain also what is inside the messages: auto (what each connection's handshake "
        "names), " + ", ".join(PROTOCOLS),
    )
    parser.add_argument("--no-pager", action="store_true", help="do not page on a terminal")


def run(options: argparse.Namespace) -> int:
    # Nothing becomes garbage before the end; searching for it would take a quarter of the time.
    gc.disable()
    if options.decode not in (None, "auto", *PROTOCOLS):
        raise CommandError(
            f"expected a protocol to decode, one of auto, {', '.join(PROTOCOLS)}; "
            f"got {options.decode!r}"
        )
    capture = _capture(options)
    from wslab.wire.accounts import WIDTH, json_pieces, text_pieces
    from wslab.wire.payloads import Insides

    insides = None
    if options.decode is not None:
        insides = Insides(capture, None if options.decode == "auto" else options.decode)
    hits = None
    if options.find is not None:
        try:
            hits = {hit.row: hit for hit in capture.find(options.find)}
        except ValueError as error:
            raise CommandError(f"--find: {error}") from error
    status = int(hits == {})
    if options.json:
        _write(_joined(json_pieces(capture, insides, hits)))
        return status
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = shutil.get_terminal_size((WIDTH, 24)).columns

    def text() -> Iterator[str]:
        return text_pieces(
            capture, colour=colour, brief=options.brief, width=max(60, width), insides=insides,
            hits=hits,
        )  # fmt: skip

    if not (sys.stdout.isatty() and not options.no_pager and _page(text())):
        _write(text())
    return status


def _capture(options: argparse.Namespace) -> Capture:
    """Load the recording that the options name."""
    streams = options.client is not None or options.server is not None
    if (options.file is not None) + streams + (options.hex is not None) != 1:
        raise CommandError(
            "expected one of: a FILE, --client and --server, or --hex; see wslab explain --help"
        )
    if options.sender and options.hex is None:
        raise CommandError("--from says who sent the bytes of --hex, which is not there")
    if options.hex is not None:
        return _of_hex(options.hex, options.sender)
    if not streams:
        return opened(options.file)
    from wslab.wire import load_streams

    with contextlib.ExitStack() as stack:
        return load_streams(_open(options.client, stack), _open(options.server, stack))


def _open(path: Path | None, stack: contextlib.ExitStack) -> BinaryIO | None:
    if path is None:
        return None
    try:
        file = stack.enter_context(path.open("rb"))
        # Read a pipe to its end at once: a program may fill two pipes one after the other.
        return file if file.seekable() else io.BytesIO(file.read())
    except OSError as error:
        raise CommandError(unreadable(path, error)) from error


def _of_hex(text: str, sender: Direction | None) -> Capture:
    from wslab.wire import CaptureError, load_pasted

    try:
        return load_pasted(text, sender)
    except CaptureError as error:
        raise CommandError(_one_line(str(error))) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _write(text: Iterable[str]) -> None:
    try:
        for piece in text:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough
    except OSError as error:
        # Python would try to write the rest once more at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"cannot write the account: {error.strerror or error}") from error


def _joined(pieces: Iterable[str]) -> Iterator[str]:
    """Join short pieces to longer ones: a call of `write` costs more than a short piece."""
    some: list[str] = []
    size = 0
    for piece in pieces:
        some.append(piece)
        size += len(piece)
        if size >= 1 << 16:
            yield "".join(some)
            some.clear()
            size = 0
    yield "".join(some)


_NO_SUCH_COMMAND = (126, 127)
"""A shell's exit statuses for a command that it cannot run or find."""


def _page(text: Iterable[str]) -> bool:
    """Show a text in the user's pager, or in `less`; False if there is none."""
    pager = os.environ.get("PAGER") or shutil.which("less")
    if not pager:
        return False
    environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    process = subprocess.Popen(
        pager, shell=True, stdin=subprocess.PIPE, env=environment, encoding="utf-8",
        errors="backslashreplace",
    )  # fmt: skip
    assert process.stdin is not None
    signal.signal(signal.SIGINT, signal.default_int_handler)  # see below
    with contextlib.suppress(BrokenPipeError):  # the reader has seen enough
        for piece in text:
            process.stdin.write(piece)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    while True:
        try:
            return process.wait() not in _NO_SUCH_COMMAND
        except KeyboardInterrupt:
            continue  # Ctrl-C belongs to the pager
