"""An echo server on wsproto, which has no sockets of its own: asyncio moves its bytes."""

import asyncio

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import RemoteProtocolError


async def echo(reader, writer):
    peer, parts = WSConnection(ConnectionType.SERVER), []
    try:
        while data := await reader.read(65536):
            try:
                peer.receive_data(data)
                for event in peer.events():
                    writer.write(b"".join(answers(peer, event, parts)))
            except RemoteProtocolError as error:
                if error.event_hint is not None:
                    writer.write(peer.send(error.event_hint))
                break
            if peer.state.name != "OPEN":
                break
    except OSError:
        pass
    finally:
        writer.close()


def answers(peer, event, parts):
    match event:
        case Request():
            yield peer.send(AcceptConnection(extensions=[PerMessageDeflate()]))
        case TextMessage() | BytesMessage():
            parts.append(event.data)
            if event.message_finished:
                message = type(parts[0])().join(parts)
                parts.clear()
                kind = TextMessage if isinstance(message, str) else BytesMessage
                yield peer.send(kind(message))
        case Ping():
            yield peer.send(event.response())
        case CloseConnection():
            # Of a fault it says no more than this: the code that the answer is to have.
            is_asked = peer.state.name == "REMOTE_CLOSING"
            yield peer.send(event.response() if is_asked else event)


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
