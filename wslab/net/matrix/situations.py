"""The rows of the matrix: every situation, and what is to be seen of it.

What single libraries do otherwise is not here: `differences.py` lists it.
"""

from __future__ import annotations

from collections.abc import Callable

from wslab.net.matrix.situation import Seen, Situation, Stage

MIB = 2**20

LONG = "All the same, all the same. " * 50
"""1,400 characters that are worth compressing."""


def _echoes(message: str | bytes) -> Callable[[Stage], object]:
    def script(stage: Stage) -> None:
        stage.client.send(message)
        stage.client.hear(1)

    return script


def _echo(frame: str, heard: str) -> Seen:
    """One frame there, the same back, and both APIs hand the message over."""
    return Seen((frame,), (frame,), None, (heard,), (heard,))


def _fragments_of_client(stage: Stage) -> None:
    stage.client.send_fragments("one ", "message")
    stage.server.hear(1)


def _fragments_of_server(stage: Stage) -> None:
    stage.server.send_fragments("one ", "message")
    stage.client.hear(1)


def _client_pings(stage: Stage) -> None:
    stage.client.ping("hello")
    stage.client.hear(1)


def _server_pings(stage: Stage) -> None:
    stage.server.ping("hello")
    stage.server.hear(1)


def _nobody_speaks(stage: Stage) -> None:
    pinging = [side for side in (stage.client, stage.server) if side.stack == "websockets"]
    stage.wait_for("pong", 2 * len(pinging) or 1, 5.0 if pinging else 0.3)


def _client_closes(code: int | None, reason: str = "") -> Callable[[Stage], object]:
    return lambda stage: stage.client.close(code, reason)


def _server_closes(code: int | None, reason: str = "") -> Callable[[Stage], object]:
    return lambda stage: stage.server.close(code, reason)


def _both_close(stage: Stage) -> None:
    stage.tap.hold()
    stage.client.close(4000, "the client is done")
    stage.server.close(4001, "the server is done")
    stage.wait_for("close", 2)
    stage.tap.resume()


def _close_in_flight(stage: Stage) -> None:
    """The server's message is on its way when the client closes."""
    stage.tap.hold("server")
    stage.server.send("on its way")
    stage.wait_for("text", 1)
    stage.client.close(1000, "done")
    stage.wait_for("close", 2)
    stage.tap.resume()


def _send_and_close(stage: Stage) -> None:
    for number in ("1", "2", "3"):
        stage.client.send(number)
    stage.client.close(1000, "done")


def _too_large(stage: Stage) -> None:
    stage.client.send(bytes(MIB + 1))
    stage.client.hear(1)


def _closed(code: int | None, reason: str = "", by: str = "client") -> Seen:
    """A clean closing handshake: the other peer sends the same code back (RFC 6455 §5.5.1)."""
    frame = "close, empty" if code is None else f"close {code} '{reason}'"
    end = f"{1005 if code is None else code} '{reason}', clean"
    return Seen((frame,), (frame,), "server: FIN", (), (), end, end)


_LOST = "1006 '', not clean"

_FRAMES = "RFC 6455 §5.6"
_CLOSE = "RFC 6455 §7.1.5"

SITUATIONS: dict[str, Situation] = {one.name: one for one in [
    Situation(
        "text", "messages", "The client sends the text “Hello”, and the server echoes it.",
        _FRAMES, "text data is encoded as UTF-8, and the opcode says that it is text",
        _echoes("Hello"), _echo("text 5 B", "text 'Hello'")),
    Situation(
        "binary", "messages", "The client sends the bytes 00 ff, and the server echoes them.",
        _FRAMES, "binary data is arbitrary: what it means is the application's business",
        _echoes(b"\x00\xff"), _echo("binary 2 B", "binary 00 ff")),
    Situation(
        "empty text", "messages", "The client sends the empty text.",
        "RFC 6455 §5.2", "the length of a payload may be 0: an empty message is a message",
        _echoes(""), _echo("text 0 B", "text ''")),
    Situation(
        "empty binary", "messages", "The client sends no bytes, as binary.",
        "RFC 6455 §5.2", "the length of a payload may be 0, and the opcode still says which type",
        _echoes(b""), _echo("binary 0 B", "binary")),
    Situation(
        "1 MiB", "messages", "The client sends 1,048,576 bytes.",
        "RFC 6455 §5.4", "a message may go in one frame or in several: nobody may depend on it",
        _echoes(bytes(MIB)), _echo("binary 1,048,576 B", "binary of 1,048,576 bytes")),
    Situation(
        "1 MiB + 1", "messages", "The client sends one byte more than 1 MiB.",
        "RFC 6455 §10.4", "an implementation must protect itself by a limit on frames or messages",
        _too_large, _echo("binary 1,048,577 B", "binary of 1,048,577 bytes")),
    Situation(
        "fragments, by the client", "messages", "The client sends “one message” in two parts.",
        "RFC 6455 §5.4", "a fragmented message is a first frame, any others, and one with FIN",
        _fragments_of_client,
        Seen(("text 4 B, more follows", "continuation 7 B"), None, None, None,
             ("text 'one message'",)),
        listens=True),
    Situation(
        "fragments, by the server", "messages", "The server sends “one message” in two parts.",
        "RFC 6455 §5.4", "a fragmented message is a first frame, any others, and one with FIN",
        _fragments_of_server,
        Seen(None, ("text 4 B, more follows", "continuation 7 B"), None,
             ("text 'one message'",), None),
        listens=True),
    Situation(
        "compression refused", "compression", "The client offers compression; the server has none.",
        "RFC 6455 §9.1", "an extension that the server does not name is not in use",
        _echoes("Hello"),
        Seen(("offers permessage-deflate; client_max_window_bits", "text 5 B"),
             ("no extension", "text 5 B"), None, None, None),
        handshake=True),
    Situation(
        "no offer", "compression", "The client offers nothing; the server would compress.",
        "RFC 6455 §9.1", "a server may only accept what the client has offered",
        _echoes("Hello"),
        Seen(("no extension", "text 5 B"), ("no extension", "text 5 B"), None, None, None),
        handshake=True, offered=False, compression=True),
    Situation(
        "short and compressed", "compression",
        "Compression is agreed on; the client sends “Hello”.",
        "RFC 7692 §6", "per message, a peer chooses whether to compress: RSV1 says so",
        _echoes("Hello"),
        Seen(("offers permessage-deflate; client_max_window_bits", "text 7 B, compressed"),
             ("agrees on permessage-deflate", "text 7 B, compressed"), None, None, None),
        handshake=True, compression=True),
    Situation(
        "long and compressed", "compression",
        "Compression is agreed on; the client sends 1,400 characters that repeat.",
        "RFC 7692 §6", "per message, a peer chooses whether to compress: RSV1 says so",
        _echoes(LONG),
        Seen(("text, compressed",), ("text, compressed",), None,
             ("text of 1,400 characters",), ("text of 1,400 characters",)),
        compression=True),
    Situation(
        "ping, by the client", "ping", "The client sends a ping with “hello” in it.",
        "RFC 6455 §5.5.3", "the answer to a ping is a pong with the same application data",
        _client_pings, Seen(("ping 5 B",), ("pong 5 B",), None, ("pong 'hello'",), ())),
    Situation(
        "ping, by the server", "ping", "The server sends a ping with “hello” in it.",
        "RFC 6455 §5.5.3", "the answer to a ping is a pong with the same application data",
        _server_pings, Seen(("pong 5 B",), ("ping 5 B",), None, (), ("pong 'hello'",))),
    Situation(
        "silence", "ping", "Nobody says anything. Who pings by itself? (Every 20 s is made 0.1 s.)",
        "RFC 6455 §5.5.2", "a ping may be a keepalive, and nobody has to send one",
        _nobody_speaks, Seen((), (), None, None, None), keepalive=0.1, unordered=True),
    Situation(
        "1000, by the client", "closing", "The client calls close(1000, 'done').",
        _CLOSE, "each side's close code is the one in the first close frame that it received",
        _client_closes(1000, "done"), _closed(1000, "done")),
    Situation(
        "1001, by the client", "closing", "The client calls close(1001, 'bye').",
        "RFC 6455 §7.4.1", "1001 says that an endpoint goes away: a page that is left, a shutdown",
        _client_closes(1001, "bye"), _closed(1001, "bye")),
    Situation(
        "3000, by the client", "closing", "The client calls close(3000, 'login').",
        "RFC 6455 §7.4.2", "3000-3999 are for libraries and frameworks, registered with IANA",
        _client_closes(3000, "login"), _closed(3000, "login")),
    Situation(
        "4000, by the client", "closing", "The client calls close(4000, 'ours').",
        "RFC 6455 §7.4.2", "4000-4999 mean what the two programs have agreed on",
        _client_closes(4000, "ours"), _closed(4000, "ours")),
    Situation(
        "close(), by the client", "closing", "The client calls close() without arguments.",
        _CLOSE, "a close frame without a code is reported as 1005",
        lambda stage: stage.client.close_plainly(), _closed(None)),
    Situation(
        "1000, by the server", "closing", "The server calls close(1000, 'done').",
        _CLOSE, "each side's close code is the one in the first close frame that it received",
        _server_closes(1000, "done"), _closed(1000, "done")),
    Situation(
        "close(), by the server", "closing", "The server calls close() without arguments.",
        _CLOSE, "a close frame without a code is reported as 1005",
        lambda stage: stage.server.close_plainly(), _closed(None)),
    Situation(
        "the server's own close()", "closing", "The program calls close() of the whole server.",
        "RFC 6455 §7.4.1", "1001 says that an endpoint goes away: a page that is left, a shutdown",
        lambda stage: stage.server.peers.close_server(), _closed(1001)),
    Situation(
        "both at once", "closing",
        "Both close, the client with 4000 and the server with 4001: the frames cross on the way.",
        _CLOSE, "each side's close code is the one in the first close frame that it received",
        _both_close,
        Seen(("close 4000 'the client is done'",), ("close 4001 'the server is done'",),
             "server: FIN", (), (), "4001 'the server is done', clean",
             "4000 'the client is done', clean")),
    Situation(
        "closing, data comes", "closing",
        "The client closes while a message of the server is on its way.",
        "RFC 6455 §1.4",
        "a peer discards what comes after the other's close frame, not what comes after its own",
        _close_in_flight,
        _closed(1000, "done")._replace(
            server_sends=("text 10 B", "close 1000 'done'"), client_hears=("text 'on its way'",)),
        listens=True),
    Situation(
        "send and close", "closing", "The client sends three messages and closes at once.",
        "RFC 6455 §1.4",
        "the closing handshake complements that of TCP, which is not always reliable end to end",
        _send_and_close,
        _closed(1000, "done")._replace(
            client_sends=("text 1 B", "text 1 B", "text 1 B", "close 1000 'done'"),
            server_hears=("text '1'", "text '2'", "text '3'")), listens=True),
    Situation(
        "the client drops TCP", "dying", "The client ends TCP without a close frame.",
        _CLOSE, "without a close frame, the close code is reported as 1006",
        lambda stage: stage.client.vanish(),
        Seen((), (), "client: FIN", (), (), _LOST, _LOST)),
    Situation(
        "the server drops TCP", "dying", "The server ends TCP without a close frame.",
        _CLOSE, "without a close frame, the close code is reported as 1006",
        lambda stage: stage.server.vanish(),
        Seen((), (), "server: FIN", (), (), _LOST, _LOST)),
    Situation(
        "the client resets TCP", "dying", "The client ends TCP with RST.",
        "RFC 9293 §3.5.2", "a reset says that the connection is gone at once, for both directions",
        lambda stage: stage.client.vanish(reset=True),
        Seen((), (), "client: RST", (), (), None, _LOST)),
    Situation(
        "the server resets TCP", "dying", "The server ends TCP with RST.",
        "RFC 9293 §3.5.2", "a reset says that the connection is gone at once, for both directions",
        lambda stage: stage.server.vanish(reset=True),
        Seen((), (), "server: RST", (), (), _LOST, None)),
    Situation(
        "the client leaves", "dying",
        "The client's program ends (or its page goes away), and nobody has called close().",
        "RFC 6455 §7.4.1", "1001 says that an endpoint goes away: a page that is left, a shutdown",
        lambda stage: stage.client.leave(),
        Seen((), (), "client: FIN", (), (), None, _LOST)),
    Situation(
        "the client is killed", "dying", "The client's process is killed: kill -9.",
        _CLOSE, "without a close frame, the close code is reported as 1006",
        lambda stage: stage.client.kill(),
        Seen((), (), "client: FIN", (), (), None, _LOST)),
    Situation(
        "the server is killed", "dying", "The server's process is killed: kill -9.",
        _CLOSE, "without a close frame, the close code is reported as 1006",
        lambda stage: stage.server.kill(),
        Seen((), (), "server: FIN", (), (), _LOST, None)),
]}  # fmt: skip
"""All situations, by name."""
