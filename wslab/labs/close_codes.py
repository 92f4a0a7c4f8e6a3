"""The close codes lesson: an echo server, and every way in which a connection can end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from websockets.version import version

from wslab.exercises.close_codes import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net import Client, WslabError
from wslab.net.cases import ENDINGS, Ending, Result, name_of, play
from wslab.net.node import NodeMissing, find_node
from wslab.net.peers import LibraryPeers, NodePeers, PeerReport, Peers
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Link,
    Mark,
    Outcome,
    ResultTable,
    Words,
)
from wslab.wire import CLOSE_CODES, close_code

MYSTERY = "reason-not-utf8"
"""The ending of the trace exercise."""

_ENDINGS = Words(
    title="endings",
    choose="Choose how it shall end. It happens for real, between live peers.",
    press="",
    waiting="it is happening …",
    failed="the play itself failed",
    noun="ending",
    static="Endings, each made to happen by a button:",
)


class Story(NamedTuple):
    """The lesson's words about an ending."""

    what: str
    """What happens, in one line."""
    why: str
    """Why the three columns say what they say."""
    title: str = ""
    """Its title; "" if it has the name of its close code."""
    difference: str = ""
    """What the two libraries do differently, if they do."""


STORIES: dict[str, Story] = {
    "1000": Story(
        "The client calls close(1000, 'done').",
        "The server echoes the code: each side has said that it is done, and then TCP ends."),
    "1001": Story(
        "The server shuts down while the connection is open.",
        "No error: the client should connect again a little later. A page that is left closes "
        "with 1001 too.",
        difference="websockets closes each open connection with 1001 by itself. In ws, "
                   "server.close() only stops listening: the program has to close each "
                   "connection."),
    "1002": Story(
        "The server masks a frame, which only a client may do.",
        "The client says 1002 on the wire and reports 1006 to its program: what it reports is the "
        "code that it *received*, and no close frame came to it."),
    "1003": Story(
        "A server that takes only text gets a binary message.",
        "Nothing is wrong with the frame. The program minds the type, and closes."),
    "1004": Story(
        "The client tries close(1004). Then a server puts 1004 into a frame all the same.",
        "It cannot be sent: the API refuses, and whoever receives it answers 1002."),
    "1005": Story(
        "The client tries close(1005), and then closes without a code.",
        "The close frame is empty. 1005 is what both APIs make of *nothing*: it is never on the "
        "wire, and the API refuses to send it."),
    "1006": Story(
        "The server tries close(1006), and then drops TCP without a word.",
        "No close frame on the wire at all. 1006 is each API's own word for that: nobody sent it, "
        "and nobody can."),
    "1007": Story(
        "A client sends a text message that is not UTF-8.",
        "The server says 1007 and gives up at once: the client's answer comes too late for its "
        "report, which is 1006."),
    "1008": Story(
        "The server wants a password as the first message, and gets another.",
        "The code for everything that is forbidden and has no code of its own."),
    "1009": Story(
        "The client sends 100 bytes to a server that takes 64.",
        "The client reports 1009, clean: it received the code and answered. The server reports "
        "1006: it had stopped listening when the answer came."),
    "1010": Story(
        "The client needs permessage-deflate, and the server did not agree to it.",
        "The one code that is for clients only: a server that needs an extension can refuse the "
        "handshake, a client finds out after the 101."),
    "1011": Story(
        "The server's handler meets a message and fails with an exception.",
        "websockets catches what the handler raised, and says 1011 for it.",
        difference="In ws nobody catches it: the whole process ends, with every connection in it, "
                   "and the clients see 1006. A program has to catch the exception and say "
                   "close(1011) itself."),
    "1012": Story(
        "The server restarts, and says so to everybody.",
        "Come back, but not all in the same second."),
    "1013": Story(
        "A server with room for one gets a second client.",
        "The handshake went well: the server may also refuse earlier, with HTTP 503."),
    "1014": Story(
        "A server that passes messages on to another one finds a web page there.",
        "What HTTP calls 502."),
    "1015": Story(
        "The client opens wss://, and the TLS handshake fails: the server has no certificate.",
        "There is no WebSocket yet, and no frame that could carry a code. What crosses is TLS.",
        difference="websockets raises the error of the ssl module, without any code. ws tells of "
                   "an error, and then closes with 1006, as a browser does. None of them says "
                   "1015."),
    "3000": Story(
        "The server finds that the login has run out, and closes.",
        "3000-3999 are registered with IANA by libraries and frameworks; this one and some others "
        "have a common meaning."),
    "4000": Story(
        "The client calls close(4000, 'game over').",
        "4000-4999 mean whatever the two programs agreed on.",
        "a code of your own"),
    "code-not-for-scripts": Story(
        "The client calls close(1002): a page's script could not.",
        "A browser lets a script pass 1000 and 3000-4999, and throws InvalidAccessError for the "
        "rest. Libraries let a program pass whatever may stand in a frame.",
        "a code that script may not pass"),
    "reason-too-long": Story(
        "The client tries it. Then a server does it, in a frame of 126 bytes.",
        "A control frame carries 125 bytes at most, and the code takes 2 of them: 123 are left.",
        "a reason of 124 bytes"),
    "reason-not-utf8": Story(
        "A server closes with 1000 and a reason in Latin-1.",
        "The client minds the reason, and fails the connection: 1007 on the wire, 1006 in the API.",
        "a reason that is not UTF-8"),
    "one-byte-close": Story(
        "A server closes with half a code.",
        "A close frame is empty, or it has at least two bytes.",
        "a close frame of one byte"),
    "close-code-1005": Story(
        "A server puts 1005 into a close frame.",
        "1005 means that there was no code, so a frame that carries it contradicts itself.",
        "1005 in a frame"),
    "close-code-1006": Story(
        "A server puts 1006 into a close frame.",
        "1006 means that no close frame came, so a frame that carries it contradicts itself.",
        "1006 in a frame"),
    "close-code-1015": Story(
        "A server puts 1015 into a close frame.",
        "Where a frame can be sent, the TLS handshake did not fail.",
        "1015 in a frame"),
    "data-after-close": Story(
        "A server closes, and then sends one more message.",
        "The client never looks at it: for its program the connection ended well.",
        "data after close"),
    "both-at-once": Story(
        "Client and server close, each before it has read the other's close frame.",
        "Two close frames cross on the way. Each counts as the answer to the other, and each side "
        "reports the code of the *other* one: they do not agree, and nothing is wrong.",
        "both close at once"),
    "never-answers-close": Story(
        "The client closes. The server echoes messages, but never answers a close frame.",
        "The RFC sets no limit. The client's own patience (close timeout) ends it: 1006.",
        "a close that is never answered"),
    "half-closes": Story(
        "A server ends its half of TCP, and would go on reading.",
        "TCP can be half closed, a WebSocket cannot: for the client it is over.",
        "TCP half closed, without a close frame"),
    "sends-unmasked": Story(
        "A client sends its message unmasked.",
        "The mirror image of 1002: here the server says it, and reports 1006.",
        "a client that does not mask"),
}  # fmt: skip
"""The stories by the name of the ending."""


class CloseCodes(Lesson):
    """The lab of the close codes."""

    questions = QUESTIONS
    remarks = False

    def _set_up(self) -> None:
        self._peers: dict[str, Peers] = {}
        self._playing = threading.Lock()

    def codes(self, *codes: int) -> ResultTable:
        """The registry, or the given codes of it: who sends it, what it means, what to do next."""
        who, again, then = "who may send it", "connect again?", "and the client then"
        rows = [
            (
                str(entry.code),
                entry.name,
                entry.who + ("" if entry.sendable else ": never in a frame"),
                entry.meaning,
                entry.reconnect,
                entry.then,
                Link(entry.rfc.removeprefix("RFC 6455 "), entry.rfc),
            )
            for entry in map(close_code, codes or CLOSE_CODES)
        ]
        headings = ("code", "name", who, "it means", again, then, "")
        return ResultTable(headings, rows, "close-codes")

    # --- The gallery

    @property
    def stacks(self) -> dict[str, str]:
        """The libraries that can play here; one that cannot says why, after a "-"."""
        stacks = {"websockets": f"websockets {version} (Python)"}
        try:
            stacks["ws"] = f"ws {find_node().version} (Node)"
        except NodeMissing as missing:
            stacks["ws"] = f"-{missing}"
        return stacks

    def endings(self) -> Gallery:
        """The gallery: a button for each ending, played for real, in three columns."""
        endings = [self._experiment(ending) for ending in ENDINGS.values()]
        return self._show(Gallery(endings, "endings", _ENDINGS, stacks=self.stacks))

    def _experiment(self, ending: Ending) -> Experiment:
        def run(choice: Choice) -> Outcome:
            return told(self._play(ending.name, choice.stack))

        return experiment(ending, run)

    def ending(self, ending: int | str, stack: str = "websockets") -> Result:
        """Make one ending happen, by code or name, with peers on `stack`; print it for its story.

        Raises KeyError for an ending that is not in the gallery, and `NodeMissing` for `stack="ws"`
        if Node or its package is not installed.
        """
        result = self._play(name_of(ending), stack)
        for view in self._views.values():
            if isinstance(view, Gallery) and result.name in view.experiments:
                view.show(result.name, told(result), stack)
        return result

    def _play(self, name: str, stack: str) -> Result:
        with self._playing:  # a button and a cell may start one at the same time
            return play(ENDINGS[name], self._peers_on(stack), self.capture)

    def _peers_on(self, stack: str) -> Peers:
        if stack not in ("websockets", "ws"):
            raise KeyError(f"expected the stack 'websockets' or 'ws', got {stack!r}")
        self._check_open()
        if stack not in self._peers:
            self._peers[stack] = LibraryPeers() if stack == "websockets" else NodePeers()
            self._resources.callback(self._peers[stack].stop)
        return self._peers[stack]

    # --- What the APIs accept

    def try_close(self, *codes: int, reason: str = "") -> ResultTable:
        """Let each API close connections with these codes, and see which of them it accepts."""
        ways: dict[str, Callable[[int, str], str]] = {
            "a browser's rules (wslab's client)": self._close_by_client,
            "websockets": lambda code, why: self._close_by("websockets", code, why),
        }
        if not self.stacks["ws"].startswith("-"):
            ways["ws"] = lambda code, why: self._close_by("ws", code, why)
        rows = [[f"close({code})", *(way(code, reason) for way in ways.values())] for code in codes]
        return ResultTable(["", *ways], rows)

    def _close_by_client(self, code: int, reason: str) -> str:
        with Client(self.url, name="close codes tries").connect() as client:
            try:
                client.close(code, reason)
            except WslabError as error:
                return f"✗ {type(error).__name__}: {str(error).partition(':')[0]}"
            return "✓ sent"

    def _close_by(self, stack: str, code: int, reason: str) -> str:
        with self._playing:
            peers = self._peers_on(stack)
            try:
                peers.connect(self.url)
                peers.close("client", code, reason)
                said = peers.report("client", 0.5).said
            finally:
                peers.reset()
        for text in said:
            call, _, error = text.replace(" threw ", " raised ").partition(" raised ")
            if call.startswith("close("):
                return f"✗ {error}"
        return "✓ sent"

    # --- Exercises

    def mystery(self) -> Result:
        """An ending for the trace exercise: only its wire is shown, without the client's code."""
        result = self._play(MYSTERY, "websockets")
        for line in result.wire:
            mark = "   ⚠ broken" if line.broken else ""
            asked = (line.kind, line.direction) == ("close", "client")
            print(f"{line.arrow}  {'close ?' if asked else line.text}{mark}")
        return result


def experiment(ending: Ending, run: Callable[[Choice], Outcome]) -> Experiment:
    """Make an ending an experiment of the gallery."""
    code, story = None if ending.code is None else close_code(ending.code), STORIES[ending.name]
    return Experiment(
        ending.name,
        story.what,
        run,
        title=story.title or (code.name if code else ""),
        group="other endings" if code is None else "close codes",
        why=story.why,
        rfc=ending.rfc,
        tag="" if code is None or code.sendable else "never sent",
        about=""
        if code is None
        else f"Sent by: {code.who}. It means: {code.meaning}. Connect again: {code.reconnect}. "
        f"Then: {code.then}.",
        difference=story.difference,
    )


def told(result: Result) -> Outcome:
    """The result of an ending, as three columns."""
    wire = [
        Line(line.text, direction=line.direction, kind=line.kind, row=line.row, broken=line.broken)
        for line in result.wire
    ]
    fine = result.as_documented
    return Outcome(
        [
            Column("wire", "on the wire", wire),
            _column("client", result.client),
            _column("server", result.server),
        ],
        mark=Mark("✓ as documented" if fine else "⚠ not as documented", fine),
        seconds=result.seconds,
        data={"as-documented": str(fine).lower()},
        result=result,
    )


def _column(peer: str, report: PeerReport) -> Column:
    lines = [Line(report.reason, label="reason")] if report.reason else []
    lines += [Line(text) for text in report.said]
    data = {
        "code": "none" if report.code is None else str(report.code),
        "clean": "null" if report.clean is None else str(report.clean).lower(),
        "raw": str(report.raw).lower(),
    }
    if report.raw:
        return Column(peer, f"the {peer}, a raw peer (no API), heard", lines, data=data)
    clean = report.clean
    return Column(
        peer,
        f"what the {peer}'s API says",
        lines,
        head="no code" if report.code is None else str(report.code),
        detail="" if report.code is None else close_code(report.code).name or "",
        mark=None if clean is None else Mark("✓ clean" if clean else "✗ not clean", clean),
        data=data,
    )


open = CloseCodes  # again: it replaces the one before
