"""Shows the matrix, every client with every server in every situation, on a board."""

from __future__ import annotations

from wslab.net.matrix import (
    CLIENTS,
    SERVERS,
    SITUATIONS,
    Cell,
    Matrix,
    Played,
    Seen,
    recorded,
)
from wslab.net.node import NodeMissing
from wslab.net.peers import NoPage, PeerReport
from wslab.view.experiments import (
    Board,
    BoardColumn,
    BoardRow,
    CellOutcome,
    Column,
    Compared,
    InPage,
    Line,
    Note,
    ResultTable,
    Verdict,
)

VERDICTS = (
    Verdict("same", "agrees", "✓", "green", "as the rule says"),
    Verdict("differs", "differs", "≠", "orange", "otherwise, for a reason that is written down"),
    Verdict("cannot", "cannot", "–", "grey", "the API has no call for it, or refuses"),
    Verdict("unknown", "unexpected", "✗", "alarm", "as nobody has written down"),
)

LABELS = {
    "client_sends": "the client sends",
    "server_sends": "the server sends",
    "ends_first": "TCP is ended first by",
    "client_hears": "the client's program gets",
    "server_hears": "the server's program gets",
    "client_end": "the client's API reports",
    "server_end": "the server's API reports",
    "cannot": "cannot be done",
}
"""The fields of `Seen`, in words."""


def board_of(matrix: Matrix) -> Board:
    """A board on which `matrix` is played."""
    rows = [
        BoardRow(one.name, one.group, one.what, one.says, one.rfc) for one in SITUATIONS.values()
    ]
    columns = [
        BoardColumn(column_of(client, server), CLIENTS[client], f"server: {SERVERS[server]}")
        for server in SERVERS
        for client in CLIENTS
    ]

    def run(situation: str, column: str, in_page: InPage) -> CellOutcome:
        client, _, server = column.partition(" with ")
        cell = Cell(situation, client, server)
        try:
            return outcome_of(matrix.play(cell, in_page))
        except (NodeMissing, NoPage) as why:
            return outcome_of(recorded()[cell], str(why))

    title = "everybody with everybody"
    return Board(rows, columns, run, "matrix", title=title, verdicts=VERDICTS, corner="client")


def column_of(client: str, server: str) -> str:
    """The name of a column of the board."""
    return f"{client} with {server}"


SUSPECTS = ("browser", "websockets", "WebSocket", "ws")
"""The clients of the trace exercise, from A to D."""

TRACES = {
    "1 MiB": "1,048,576 bytes",
    "long and compressed": "1,400 letters, compression agreed on",
    "close(), by the client": "close() without arguments",
    "1000, by the server": "the answer to close 1000 'done'",
}
"""What the exercise shows of them: situations, and their names in its table."""


def suspects() -> ResultTable:
    """What four clients sent to a server on websockets, recorded: whose column is whose?"""
    rows = [
        [name, *(", ".join(_client_sent(situation, client)) for client in SUSPECTS)]
        for situation, name in TRACES.items()
    ]
    return ResultTable(["the client sends (recorded)", "A", "B", "C", "D"], rows, "suspects")


def _client_sent(situation: str, client: str) -> tuple[str, ...]:
    return recorded()[Cell(situation, client, "websockets")].seen.client_sends or ()


def outcome_of(played: Played, why_recorded: str = "") -> CellOutcome:
    """What came of a cell, for the board."""
    expected = played.cell.expected
    notes = []
    if why_recorded:
        notes.append(Note(f"This is a recording, because it cannot be played here: {why_recorded}"))
    notes += [
        Note(f"*{one.what}* {_sentence(one.why)}", one.source) for one in played.cell.differences
    ]
    if played.why_not:
        notes.append(Note(f"What the API says: {played.why_not}"))
    return CellOutcome(
        played.verdict,
        [
            Compared(
                label,
                _told(expected, name),
                _told(played.seen, name),
                name not in played.unlike,
            )
            for name, label in LABELS.items()
            if getattr(expected, name) not in (None, "") or name in played.unlike
        ],
        [] if played.seen.cannot else _columns(played),
        notes,
        played.recorded,
        played.seconds or None,
        _word(played),
        played,
    )


def _word(played: Played) -> str:
    """What differs, in a word."""
    words = [one.word for one in played.cell.differences] if played.verdict == "differs" else []
    return f"{words[-1]} +{len(words) - 1}" if len(words) > 1 else "".join(words)


def _told(seen: Seen, name: str) -> str:
    value = getattr(seen, name)
    if isinstance(value, tuple):
        return ", then ".join(value) or "nothing"
    return value or "nothing"


def _columns(played: Played) -> list[Column]:
    wire = [
        Line(line.text, direction=line.direction, kind=line.kind, row=line.row, broken=line.broken)
        for line in played.wire
    ]
    return [
        Column("wire", "on the wire", wire),
        _column("client", played.client_heard, played.client),
        _column("server", played.server_heard, played.server),
    ]


def _column(who: str, heard: tuple[str, ...], report: PeerReport | None) -> Column:
    lines = [Line(text) for text in heard]
    lines += [Line(text) for text in (report.said if report else ())]
    return Column(who, f"what the {who}'s API says", lines or [Line("nothing")])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
