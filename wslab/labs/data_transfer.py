"""The data transfer lesson: messages, frames and reads; text and bytes; pings and pongs."""

from __future__ import annotations

from wslab.exercises.data_transfer import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net.clients import KEY
from wslab.net.peers import RawToServer, Reaction, TellingEchoServer
from wslab.view import LayersView
from wslab.view.experiments import RoundTrips
from wslab.wire.recording import layers_of

PATIENCE = 5.0
"""Seconds within which a piece must have crossed the tap."""


class DataTransfer(Lesson):
    """The lab of the data transfer lesson."""

    questions = QUESTIONS
    server: TellingEchoServer

    def _make_server(self) -> TellingEchoServer:
        return TellingEchoServer(self._name("echo"))

    def _set_up(self) -> None:
        self._raw = RawToServer(self.url, self.server)
        self._resources.callback(self._raw.close)
        self._connection = 0  # the raw client's, and below it the offset of its last `send`
        self._start = 0

    def send(self, *pieces: bytes) -> Reaction:
        """Send these bytes as a client, each piece by itself, and wait for what comes of them.

        They cross on a connection of their own, so that nothing sent before has to do with it. The
        next piece leaves when the one before has crossed the tap, so that each is read alone.
        """
        connection = self._connect()
        for piece in pieces[:-1]:
            crossed = self.capture.size(connection, "client") + len(piece)
            self._raw.send_piece(piece)
            self._wait_for(connection, crossed)
        return self._raw.send(pieces[-1] if pieces else b"")

    def send_each(self, *pieces: bytes) -> list[Reaction]:
        """`send`, but wait for what comes of each piece before the next one leaves."""
        self._connect()
        return [self._raw.send(piece) for piece in pieces]

    def _connect(self) -> int:
        """Make a new connection for `send`; the one before ends. Returns its number."""
        self._check_open()
        self._raw.hang_up()
        self._raw.send_piece(b"")
        self._connection = self._raw_connection()
        self._start = self.capture.size(self._connection, "client")
        return self._connection

    def layers(self) -> LayersView:
        """Show what the last `send` sent: as messages, as frames, and as pieces that were read.

        Raises LookupError if nothing was sent yet.
        """
        if not self._connection:
            raise LookupError("nothing was sent yet: lab.send(...) first, then run this cell again")
        return LayersView(layers_of(self.capture, self._connection, "client", self._start))

    def round_trips(self) -> RoundTrips:
        """Ping the server repeatedly, and draw how long each pong took."""
        return self._show(RoundTrips(self.connect(name="pings")))

    def _raw_connection(self) -> int:
        """The raw client's connection: the last whose request has the RFC's key."""
        index = self.capture.index
        requests = [row.number for row in index.rows() if row.kind == "request"]
        made_by_hand = (
            unit for unit in map(index.unit, reversed(requests)) if KEY.encode() in unit.data
        )
        return next(made_by_hand).connection

    def _wait_for(self, connection: int, length: int) -> None:
        self.capture.wait_until(lambda: self.capture.size(connection, "client") >= length, PATIENCE)


open = DataTransfer  # again: it replaces the one before
