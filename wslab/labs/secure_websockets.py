"""The lesson on secure WebSockets: what TLS hides, what it still shows, and whom to trust."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from wslab.exercises.secure_websockets import QUESTIONS
from wslab.labs.on_the_way import LOOPBACK, OnTheWay
from wslab.labs.recorded_result import recorded_where_missing
from wslab.net import Client, EchoServer, Missing
from wslab.net.programs import Tshark
from wslab.net.trials import WORDS, SuggestServer, words_that_fit
from wslab.view import ClientPanel
from wslab.view.experiments import Bar, Cell, Chart, ResultTable
from wslab.wire import Direction, Opcode, Row, save
from wslab.wire.protocol import RANDOM

HOST = "localhost"
"""The name in the address: a ClientHello names no numeric address (RFC 6066 §3)."""
SAID, ENDED = "Meet me at eight", "good night"
_FACTS = {
    "the server's name": HOST,
    "the path": "/rooms/garden",
    "a header": "de-CH",
    "what was said": SAID,
    "why it ended": ENDED,
}
"""What an eavesdropper might want to know of the conversation."""

ANSWERS = ("yes", "no, thank you", "perhaps tomorrow")
"""The three answers that a program can send. Everybody may know the program."""

SEALED = 5 + 1 + 16
"""Bytes that TLS 1.3 adds: a record's header, its true type, and the tag (RFC 8446 §5.2)."""


class SecureWebsockets(OnTheWay):
    """The lab of the lesson on secure WebSockets."""

    questions = QUESTIONS

    def _set_up(self) -> None:
        super()._set_up()
        self._lengths: Chart | None = None

    # --- One conversation, twice

    @property
    def secure_url(self) -> str:
        """The address of an echo server over TLS, through a tap. Raises `PackageMissing`."""
        with self._starting:
            if "wss" not in self._taps:
                server = EchoServer(self._name("wss"), tls=self.authority.server())
                self._add_server(server, "wss")
            return _named(self._taps["wss"].url)

    @property
    def key_log(self) -> Path:
        """The file in which the lab's clients write their TLS keys, in a private folder."""
        return self.authority.folder / "keys.log"

    def _trusting(self) -> ssl.SSLContext:
        """What a client needs for wss: it trusts the lab's authority, and logs its keys."""
        context = self.authority.client()
        context.keylog_filename = str(self.key_log)
        return context

    def secure_client(self) -> ClientPanel | ResultTable:
        """A client with buttons that speaks wss; without trustme, what is missing."""
        try:
            client = self._client("by hand", tls=self._trusting())
            return self._show(ClientPanel(client, self.secure_url, max_message=2**20), "by hand")
        except Missing as why:
            return ResultTable([], [], note=f"There is no client here: {why}")

    def _open(self, name: str, url: str) -> tuple[Client, int]:
        """A connected client, and the number of its connection."""
        before = len(self.capture.labels())
        client = self._client(name, tls=self._trusting() if url.startswith("wss:") else None)
        client.connect(url, headers={"Accept-Language": _FACTS["a header"]})
        labels = self.capture.labels()
        # By its name: a stranger may have come to this port as well.
        mine = [n for n, label in labels.items() if n > before and label == f"#{n} {name}"]
        return client, (mine or [before + 1])[-1]

    def _converse(self, name: str, url: str) -> int:
        """Have the conversation; returns the number of its connection."""
        client, number = self._open(name, url.rstrip("/") + _FACTS["the path"])
        with client:
            client.send(SAID)
            client.recv()
            client.close(1000, ENDED)
        return number

    @recorded_where_missing
    def twice(self) -> ResultTable:
        """Have one conversation over ws and over wss, and search what crossed for its words."""
        urls = {"ws": _named(self.url), "wss": self.secure_url}
        with self._trying:
            ways = [self._converse(way, url) for way, url in urls.items()]
        crossed = [self._crossed(number) for number in ways]
        rows: list[list[Cell]] = [
            [f"{what}: {word}", *("read" if word.encode() in one else "hidden" for one in crossed)]
            for what, word in _FACTS.items()
        ]
        sizes = [sum(row.length for row in self._rows(number)) for number in ways]
        rows.append(["bytes in all", *(f"{size:,}" for size in sizes)])
        return ResultTable(["", "over ws", "over wss"], rows, "twice-table")

    def _rows(self, connection: int, sender: Direction | None = None) -> list[Row]:
        rows = self.capture.index.rows()
        return [r for r in rows if r.connection == connection and sender in (None, r.direction)]

    def _crossed(self, connection: int) -> bytes:
        """All that crossed on a connection; masking hides nothing, so it is taken off."""
        units = [self.capture.index.unit(row.number) for row in self._rows(connection)]
        return b"\n".join(unit.data + unit.payload for unit in units)

    # --- What it still learns

    @recorded_where_missing
    def guess(self, *answers: str, size: int = 0) -> ResultTable:
        """Send answers over wss, and guess each from the length of its record, which is no secret.

        With a `size`, each message is filled up with spaces to so many bytes.
        """
        rows: list[list[Cell]] = []
        with self._trying:
            client, number = self._open("answers", self.secure_url)
            with client:
                for said in answers:
                    client.send(said.ljust(size))
                    client.recv()
                    length = self._rows(number, "client")[-1].length
                    found = [one for one in ANSWERS if length == _record(one.ljust(size))]
                    rows.append([said, f"{length} bytes", " or ".join(found) or "something else"])
        headings = ["sent", "on the wire", "so the eavesdropper says"]
        return ResultTable(headings, rows, "guess-table")

    def lengths(self) -> Chart:
        """A chart of the records that cross while somebody types; `type` draws in the last one."""
        chart = Chart(
            "what crosses while somebody types", y="bytes", series=["the page", "the server"]
        )
        self._lengths = self._show(chart)
        return chart

    @recorded_where_missing
    def type(self, word: str, *, size: int = 0, pause: float = 0.12) -> ResultTable:
        """Type a word into a search box over wss, and guess it from the lengths of the answers.

        With a `size`, the server fills each answer up to so many bytes; `pause` is the seconds
        between two letters. Raises ValueError for a word that the search does not know.
        """
        if word not in WORDS:
            raise ValueError(f"expected one of {', '.join(WORDS)}, got {word!r}")
        server = SuggestServer(self._name("search"), size=size, tls=self.authority.server())
        with self._trying, self._with_server(server, "search") as url:
            rows = [*self._typed(word, _named(url), size, min(pause, 1.0))]
        headings = ["typed", "the answer's record", "words that fit", ""]
        return ResultTable(headings, rows, "type-table")

    def _typed(self, word: str, url: str, size: int, pause: float) -> Iterator[list[Cell]]:
        client, number = self._open("search", url)
        lengths, began = list[int](), self.capture.now()
        if self._lengths is not None:
            self._lengths.clear()
        with client:
            yield ["", "", Bar(1, f"{len(WORDS)}"), _some(WORDS)]
            for end in range(1, len(word) + 1):
                client.send(word[:end])
                client.recv()
                asked, came = (self._rows(number, side)[-1] for side in ("client", "server"))
                if self._lengths is not None:
                    self._lengths.add("the page", asked.time - began, asked.length)
                    self._lengths.add("the server", came.time - began, came.length)
                lengths.append(_payload(came.length))
                found = words_that_fit(lengths, size)
                share = Bar(len(found) / len(WORDS), f"{len(found)}")
                yield [word[:end], f"{came.length} bytes", share, _some(found)]
                time.sleep(pause)

    # --- Reading your own

    @recorded_where_missing
    def keys(self) -> ResultTable:
        """The last lines of the key log: whose secret each has, which, and how it begins."""
        rows = self.capture.index.rows()
        hellos = [row for row in rows if row.preview.startswith("ClientHello")]
        whose = {
            self.capture.index.unit(row.number).data[RANDOM].hex(): row.connection for row in hellos
        }
        written = self.key_log.read_text("ascii") if self.key_log.exists() else ""
        lines = [line.split() for line in written.splitlines() if not line.startswith("#")]
        return ResultTable(
            ["connection", "secret", "its beginning"],
            [[self.capture.label(whose[r]), name, f"{key[:16]} …"] for name, r, key in lines[-5:]],
            "key-log",
        )

    @recorded_where_missing
    def with_keys(self) -> ResultTable:
        """Have the conversation over wss, save it without keys and with them, and ask tshark."""
        with self._trying:
            number = self._converse("wss", self.secure_url)
        rows: list[list[Cell]] = []
        for name, keys in {"sealed.pcapng": None, "opened.pcapng": self.key_log}.items():
            path = save(self.capture, self.authority.folder / name, secrets=keys)
            only = f"websocket and tcp.stream == {number - 1}"
            found = Tshark.read(
                path, only, "tcp.srcport", "websocket.opcode", "websocket.mask",
                "websocket.payload.text", "websocket.payload.close.reason",
            )  # fmt: skip
            rows += [
                [name, "server" if port == "443" else "client", _word(opcode), mask, text or why]
                for port, opcode, mask, text, why in found
            ] or [[name, "nobody", "no frames", "", ""]]
        headings = ["file", "from", "opcode", "MASK", "tshark reads"]
        return ResultTable(headings, rows, "keys-table")


def _named(url: str) -> str:
    """The same address by the host's name."""
    return url.replace(LOOPBACK, HOST)


def _word(opcode: str) -> str:
    return Opcode(int(opcode)).name.lower()


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:4]) + (", …" if len(words) > 4 else "")


def _record(message: str) -> int:
    """Bytes of the record in which a client sends a short message: its frame is masked."""
    return SEALED + 2 + 4 + len(message.encode())


def _payload(record: int) -> int:
    """Bytes of the message in a server's record of so many bytes."""
    frame = record - SEALED
    return frame - 2 if frame < 128 else frame - 4


open = SecureWebsockets  # again: it replaces the one before
