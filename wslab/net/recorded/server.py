"""The server's side of a recording, for live clients: a mock that says what was said then.

with RecordedServer(load("talk.jsonl")) as server:
    client = connect(server.url)     # gets what the recording's client got
print(server)                        # where each client departed from the recording
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from wslab.net.errors import WrongValue
from wslab.net.recorded.conversation import Conversation
from wslab.net.recorded.expected import asked_for
from wslab.net.recorded.part import Part, parts_of
from wslab.net.servers.raw import CONNECTIONS_KEPT, RawConnection, RawServer
from wslab.wire import Capture, Unit


class RecordedServer(RawServer):
    """A server that says to each client what the server of `capture` said, when it said it.

    Each of its units waits until the client has said what the recording's client said before, and
    with `timing` for as long as the server waited then. A client gets the connection with the
    target and subprotocols that it asks for, else the next one, and after the last the first again.

    Frames go out as they were recorded, byte for byte. If the client does not offer the compression
    that was agreed on, none is agreed on, and messages go out inflated. A message that another one
    takes the place of, or that does not come for `patience` seconds (None: for as long as the
    client stays), counts as come: the recording goes on. JSON with the same values is the same.
    Pings that were not recorded are answered as well. `tell` gets a line for what happens, at once.

    Raises `WrongValue` if the recording has nothing that a server said.
    """

    def __init__(
        self,
        capture: Capture,
        *,
        name: str = "recorded",
        port: int = 0,
        timing: bool = False,
        patience: float | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(self._converse, name=name, port=port)
        self.parts = list(parts_of(capture))
        if not self.parts:
            raise WrongValue(_nothing(capture))
        self.timing = timing
        self.patience = patience
        self.conversations: deque[Conversation] = deque(maxlen=CONNECTIONS_KEPT)
        """The last clients, oldest first."""
        self.tell = tell
        self.capture = Capture()
        """The recording of what crosses now."""
        self._played: Counter[int] = Counter()
        requests = (part.request for part in self.parts if part.request)
        target = next((asked_for(request)[0] for request in requests), "/")
        self.path = target if target.startswith("/") else "/"

    def __str__(self) -> str:
        return "\n".join(map(str, self.conversations)) or "no client has come"

    async def _converse(self, connection: RawConnection) -> None:
        conversation = Conversation(self.capture, connection, self.tell)
        self.capture.record(conversation.number, "client", connection.request)
        rows = self.capture.index.rows_of(conversation.number, "client")
        part = self._choose(self.capture.index.unit(rows[0].number) if rows else None)
        self._played[part.number] += 1
        self.conversations.append(conversation)
        label = f"client {self._played.total()} as {part.label}"
        try:
            await conversation.play(part, label, self.timing, self.patience)
            conversation.over = True
            self.tell(conversation.verdict)
        finally:
            await conversation.close()

    def _choose(self, request: Unit | None) -> Part:
        """The part for a client's request: of those that fit best, the one played least."""

        def misfit(part: Part) -> tuple[int, int]:
            if request is None or part.request is None:
                return 3 * (request is not part.request), self._played[part.number]
            (then, offers), (now, offered) = asked_for(part.request), asked_for(request)
            other_path = then.partition("?")[0] != now.partition("?")[0]
            fit = 3 if other_path else 2 if then != now else int(offers != offered)
            return fit, self._played[part.number]

        return min(self.parts, key=misfit)


def _nothing(capture: Capture) -> str:
    """Why a recording cannot be served."""
    rows = capture.index.rows()
    got = "one without a request, a response or a frame"
    if any(row.kind == "tls" for row in rows):
        got = "one that is encrypted: record in front of TLS, or with its keys"
    elif any(row.direction == "server" for row in rows):
        got = "nothing from it but the answer to the handshake"
    elif rows:
        got = "only what clients sent: record both directions, as `wslab tap` does"
    expected = "expected a recording with something that a server said after its handshake"
    return "; ".join([f"{expected}, got {got}", *capture.notes[:3]])
