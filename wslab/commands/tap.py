"""Put the wire tap in front of a server on this machine and print the conversation, live.

The first line printed is the URL to use instead of the server's own; then a line for each request,
response and frame. It listens on 127.0.0.1 only, takes any number of connections, and ends on
Ctrl-C or SIGTERM with exit status 0 and everything saved; 2 stands for a tap that could not start,
or for a recording that could not be saved where it should; then the line says where it is instead.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from wslab.commands import CommandError, printable, until_stopped
from wslab.commands.lab import port

if TYPE_CHECKING:
    from wslab.net import Tap
    from wslab.wire import Capture, Colour, Row
    from wslab.wire.recording import Ending

KEYS = """\
  Enter or s      step: deliver the oldest frame that waits
  a               deliver all that waits, and go on holding
  d N, x N, c N   deliver, drop or copy the frame in row N (without N: the oldest)
  e N TEXT        edit: let the frame in row N carry TEXT
  i TEXT          inject a text frame from the server; "i> TEXT" from the client
  g, h            go on without holding; hold again
  cut, reset      end every connection with FIN, with RST
  freeze, thaw    deliver nothing; go on
  drop every pong   or any other rule: followed from now on
  q               quit"""

LIMIT = 32
"""MiB that the recording keeps by default."""

LINES = 5000
"""The most rows printed at a time: of more, only the newest. Nobody reads faster, and frames may
come faster than they can be printed."""

REST = 0.5
"""Seconds of rest if there were more rows than that: the traffic needs the time."""

PAUSE = 0.03
"""Seconds between the first news and printing it. So lines come in batches, the traffic is not
slowed, and a frame's line says what was done to it on arrival."""

TICK, LULL = 0.2, 5
"""So many seconds without news, so many times in a row, are a pause: then what is still no whole
unit is looked at once more."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "lines that --hold takes on standard input:\n"
        + KEYS
        + "\n\nrules, for example:\n"
        "  drop every pong               corrupt the 3rd client frame\n"
        "  delay every text by 200 ms    duplicate every 2nd client text\n"
        '  edit every text to "hello"    drop 10%% of server frames'.replace("%%", "%")
    )
    parser.add_argument("url", help="the server: ws://127.0.0.1:8000, or only its port")
    parser.add_argument("--port", type=port, default=0, metavar="N", help="default: a free one")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write the recording there at the end: a .jsonl, .pcapng or .har",
    )
    parser.add_argument(
        "--limit", type=_limit, metavar="MIB", default=LIMIT, help=f"of memory for the recording "
        f"(default: {LIMIT}); then its oldest frames go. What is known about them takes up to a "
        "quarter more; then the oldest rows go",
    )  # fmt: skip
    parser.add_argument("--hold", action="store_true", help="hold every frame; Enter steps")
    parser.add_argument(
        "--rule", action="append", default=[], metavar="RULE", help="follow a rule; repeatable"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="for the rules' chance (default 0)"
    )


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1 << 20:
        raise argparse.ArgumentTypeError(f"expected 1 to {1 << 20} MiB, got {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    with until_stopped() as stopped:
        return _run(options, stopped)


def _run(options: argparse.Namespace, stopped: threading.Event) -> int:
    from wslab.net import Address, Tap, WslabError
    from wslab.wire import Capture

    capture = Capture(limit=options.limit << 20)
    try:
        upstream = int(options.url) if options.url.isdecimal() else options.url
        if Address.parse(upstream).secure:
            raise CommandError(
                f"expected ws://, got {options.url}: wss:// is encrypted from end to end, and a "
                "tap in between sees no frames; put it before the server's unencrypted port"
            )
        tap = Tap(upstream, capture, port=options.port)
        for rule in options.rule:
            tap.add_rule(rule, seed=options.seed)
        if options.hold:
            tap.hold()
        _check_writable(options.save)
        tap.start()
    except WslabError as error:
        raise CommandError(str(error)) from error
    try:
        print(printable(tap.url), flush=True)
        where = printable(f"{tap.upstream.host_in_url}:{tap.upstream.port}")
        print(f"in front of {where}; Ctrl-C ends it", file=sys.stderr)
        if options.hold:
            print(KEYS, file=sys.stderr)
        _watch(tap, capture, stopped, commands=options.hold)
    finally:
        tap.stop()
        if options.save is not None:
            _save(capture, options.save)
            count = len(capture.index) - capture.index.dropped
            where = printable(str(options.save))
            print(f"saved {count} row{'s' * (count != 1)} in {where}", file=sys.stderr)
    return 0


def _save(capture: Capture, path: Path) -> None:
    """Save the recording; if the file cannot be written, save in the folder for temporary files.

    In that case raises CommandError, which says where the recording is.
    """
    from wslab.wire import SavedInstead, save

    try:
        save(capture, path)
        return
    except SavedInstead as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        problem = f"cannot write {path}: {error.strerror or error}"
    # The recording cannot be made again, so try another folder that may have room.
    elsewhere = None
    try:
        elsewhere = Path(tempfile.mkdtemp(prefix="wslab-"), path.name)
        save(capture, elsewhere)
    except SavedInstead as error:
        raise CommandError(f"{problem}; {error}") from error
    except OSError as error:
        if elsewhere is not None:
            shutil.rmtree(elsewhere.parent, ignore_errors=True)
        where = elsewhere or "a folder for temporary files"
        raise CommandError(
            f"{problem}; nor {where}: {error.strerror or error}; the recording is lost. Make room, "
            "or name another disk with --save"
        ) from error
    raise CommandError(f"{problem}; the recording is in {elsewhere} instead: move it from there")


def _check_writable(path: Path | None) -> None:
    if path is None:
        return
    from wslab.wire import FORMATS

    if path.suffix.lower() not in FORMATS:
        raise CommandError(
            f"expected a file for --save that ends in {', '.join(FORMATS)}, got {path.name!r}: the "
            "end says what is written"
        )
    folder = path.resolve().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise CommandError(f"cannot write {path}: expected a file in a folder that can be written")


def _watch(tap: Tap, capture: Capture, stopped: threading.Event, *, commands: bool) -> None:
    news = threading.Event()
    unsubscribe = capture.subscribe(news.set)
    news.set()  # the tap runs already: somebody may have come before this subscription
    lines: deque[str] = deque()
    if commands:
        threading.Thread(target=_read_lines, args=(lines, news), daemon=True).start()
    printer = Printer(tap, capture)
    quiet = LULL  # how many times in a row nothing came
    try:
        while not stopped.is_set():
            if not news.wait(TICK):
                printer.print_problems()  # a refused connection makes almost no news
                quiet += 1
                if quiet == LULL:
                    printer.print_lost()
                continue
            quiet = 0
            news.clear()
            while lines:
                if not obey(tap, lines.popleft()):
                    return
            stopped.wait(PAUSE)
            if printer.print_news():
                stopped.wait(REST)
    finally:
        unsubscribe()
        printer.print_news()
        printer.print_lost()
        printer.print_loss()


def _read_lines(lines: deque[str], news: threading.Event) -> None:
    for line in sys.stdin:
        lines.append(line.strip())
        news.set()


def obey(tap: Tap, line: str) -> bool:
    """Obey a line of input; False for "quit". Prints on standard error what cannot be done."""
    from wslab.net import WslabError

    word, _, rest = line.partition(" ")
    try:
        match word:
            case "" | "s":
                if tap.step() is None:
                    print("nothing waits", file=sys.stderr)
            case "a":
                tap.deliver_all()
            case "d" | "x" | "c":
                act = {"d": tap.deliver, "x": tap.drop, "c": tap.duplicate}[word]
                act(int(rest) if rest else None)
            case "e":
                number, _, text = rest.partition(" ")
                tap.edit(int(number), text)
            case "i":
                tap.inject(rest, "server")
            case "i>":
                tap.inject(rest, "client")
            case "g":
                tap.resume()
            case "h":
                tap.hold()
            case "cut" | "reset" if not rest:
                tap.cut(hard=word == "reset")
            case "freeze" if not rest:
                tap.freeze()
            case "thaw":
                tap.thaw()
            case "q":
                return False
            case "?":
                print(KEYS, file=sys.stderr)
            case _:
                print(f"{'':>16}rule: {printable(str(tap.add_rule(line)))}", flush=True)
    except (WslabError, ValueError) as error:
        print(f"{printable(str(error))} (? lists what can be said here)", file=sys.stderr)
    return True


class Printer:
    """Prints each row once, and again in short when something was done to it later."""

    def __init__(self, tap: Tap, capture: Capture) -> None:
        from wslab.wire.recording import Endings

        self._tap = tap
        self._capture = capture
        self._rows = 0
        self._marks = 0
        self._told: dict[int, str] = {}
        self._problems: set[str] = set()
        self._lost = False
        self._endings = Endings(capture)
        self._half_ended: dict[int, Ending] = {}
        self._width = 0  # characters of the longest label of a connection so far
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def print_news(self) -> bool:
        """Print what is new; returns whether that was more than can be printed."""
        index = self._capture.index
        ended = self._ended()
        count, marked = len(index), index.marked
        much = count - self._rows > LINES
        for start in range(self._skip_to(count - LINES), count, 100):
            # A part at a time: the traffic needs the index as well.
            for row in index.rows(start, min(start + 100, count)):
                print(self._line(row))
                self._told[row.number] = row.mark
                for ending in ended.pop(row.number, ()):
                    self._print_ending(ending)
        self._rows = count
        marks = len(marked)
        for number in dict.fromkeys(marked[max(self._marks, marks - LINES) : marks]):
            (row,) = index.rows(number, number + 1)
            if number >= count or number < index.first or row.mark == self._told.get(number):
                continue
            self._told[number] = row.mark
            print(f"{'':>16}row {number}: {row.mark}")
        self._marks = marks
        for ending in itertools.chain.from_iterable(ended.values()):
            self._print_ending(ending)
        if not self._told or len(self._told) > 2 * LINES:
            told = {number: mark for number, mark in self._told.items() if mark}
            self._told = dict(list(told.items())[-LINES:])
        sys.stdout.flush()
        self.print_problems()
        return much

    def _ended(self) -> dict[int, list[Ending]]:
        """The new endings, by the row behind which each stands; that of one side alone waits."""
        found: dict[int, list[Ending]] = {}
        for ending in self._endings.news():
            self._half_ended.pop(ending.connection, None)
            if ending.over:
                found.setdefault(ending.row or 0, []).append(ending)
            else:
                self._half_ended[ending.connection] = ending
        return found

    def _skip_to(self, start: int) -> int:
        """Skip the rows before `start`, and print how many these are."""
        if start <= self._rows:
            return self._rows
        print(
            f"{'':>16}… {start - self._rows:,} rows are not printed: they came faster than lines "
            "can be written. The recording has them, as far as its limit allows (--save, --limit)"
        )
        return start

    def print_problems(self) -> None:
        """Print the problems that the tap has noted, on standard error."""
        if self._capture.dropped and not self._lost:
            self._lost = True
            self.print_loss()
        for line in [*self._tap.log, *self._tap.faults]:
            if line not in self._problems:
                self._problems.add(line)
                print(line, file=sys.stderr, flush=True)

    def print_lost(self) -> None:
        """Print, once each, what stands where frames stop fitting: it makes no row, or a wrong one;
        and what one side alone has ended.

        Only after a pause: what is not a whole unit yet may still become one.
        """
        from wslab.wire.recording import explanations

        for found in explanations(self._capture).values():
            where = f"{self._capture.label(found.connection)} {found.direction}"
            line = printable(f"{where}, byte {found.offset:,}: {found.says} {found.evidence}")
            if found.proven and line not in self._problems:
                self._problems.add(line)
                print(f"{'':>16}✗ {line}", flush=True)

        while self._half_ended:
            self._print_ending(self._half_ended.popitem()[1])

    def _print_ending(self, ending: Ending) -> None:
        whose = f"{self._capture.label(ending.connection):<{self._width}}"
        says = printable(f"{ending.says} {ending.evidence}".strip())
        line = f"{'':>5}  {ending.time:9.3f}  {whose}  end: {says}"
        print(f"\x1b[1m{line}\x1b[0m" if self._colour else line, flush=True)

    def print_loss(self) -> None:
        """Print how much of the recording is no longer kept, if any."""
        if self._capture.dropped:
            print(f"{self._capture.loss} --limit {2 * self._capture.limit >> 20} keeps more",
                  file=sys.stderr, flush=True)  # fmt: skip

    def _line(self, row: Row) -> str:
        from wslab.wire import KINDS, PALETTE

        arrow = "client ──▶ server" if row.direction == "client" else "client ◀── server"
        kind = row.kind if row.fin else f"{row.kind}, more follows"
        if self._colour:
            kind = f"\x1b[38;5;{KINDS[row.kind].colour.terminal}m{kind:<12}\x1b[0m"
        broken = self._loud("  ⚠ broken", PALETTE["alarm"]) if row.broken else ""
        mark = self._loud(f"  [{row.mark}]", PALETTE["orange"]) if row.mark else ""
        whose = self._capture.label(row.connection)
        self._width = max(self._width, len(whose))
        return (
            f"{row.number:>5}  {row.time:9.3f}  {whose:<{self._width}}  {arrow}  {kind:<12} "
            f"{row.length:>7,} B  {row.preview}{broken}{mark}"
        )

    def _loud(self, text: str, colour: Colour) -> str:
        return f"\x1b[1;38;5;{colour.terminal}m{text}\x1b[0m" if self._colour else text
