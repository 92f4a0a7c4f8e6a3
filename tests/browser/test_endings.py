"""What a recording tells of an ending is what the browser's own close event says."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable

import pytest

from wslab.net import Tap
from wslab.wire import Capture, accept_key
from wslab.wire.recording import endings

PATIENCE = 20.0


def close(payload: bytes) -> bytes:
    return bytes([0x88, len(payload)]) + payload


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def sends(data: bytes, *, waits: bool = True, resets: bool = False) -> Callable:
    """Sends these bytes, perhaps waits for an answer, and ends TCP."""

    def play(peer: socket.socket) -> None:
        peer.sendall(data)
        if waits:
            peer.recv(1000)
        if resets:
            reset(peer)

    return play


def answers(data: bytes) -> Callable:
    """Waits for the page's close frame, sends these bytes, and ends TCP."""

    def play(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(data)

    return play


# What the server does behind its 101 -> whether the page closes with 4000.
SERVERS: dict[str, tuple[Callable, bool]] = {
    "FIN": (sends(b"", waits=False), False),
    "RST": (sends(b"", waits=False, resets=True), False),
    "a close frame and FIN": (sends(close(b"\x03\xe9"), waits=False), False),
    "a close frame that is answered": (sends(close(b"\x03\xe8")), False),
    "a close frame that is answered, and RST": (sends(close(b"\x03\xe8"), resets=True), False),
    "a close frame without a code": (sends(close(b"")), False),
    "a close frame with 1006": (sends(close(b"\x03\xee")), False),
    "a close frame with 2999": (sends(close(b"\x0b\xb7")), False),
    "a close frame of one byte": (sends(close(b"\x03")), False),
    "a part of a frame": (sends(b"\x81\x7e\x01\x2ca", waits=False), False),
    "an answer with the same code": (answers(close(b"\x0f\xa0")), True),
    "an answer with another code": (answers(close(b"\x0f\xa1")), True),
    "no answer": (answers(b""), True),
}

BROKEN = ("a close frame with 1006", "a close frame with 2999", "a close frame of one byte")
"""What browsers take differently, so that nothing is told of it unless the wire shows it."""

OPEN = """([url, closes]) => new Promise(told => {
    const ws = new WebSocket(url);
    if (closes) ws.onopen = () => ws.close(4000);
    ws.onclose = event => told([event.code, event.wasClean]);
})"""


def serve(listener: socket.socket, play: Callable) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.settimeout(PATIENCE)
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += peer.recv(4096)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked)[1].decode()
        peer.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
        )
        play(peer)


@pytest.mark.parametrize("which", ["browser", "firefox"])
def test_an_ending_is_what_the_close_event_says(which, request):
    capture = Capture()
    page = request.getfixturevalue(which).new_page()
    for number, (what, (play, closes)) in enumerate(SERVERS.items(), 1):

        def is_over(number: int = number) -> bool:
            found = endings(capture).get(number)
            return found is not None and found.over

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, args=(listener, play))
            thread.start()
            with Tap(listener.getsockname()[1], capture) as tap:
                code, clean = page.evaluate(OPEN, [tap.url, closes])
                assert capture.wait_until(is_over, PATIENCE), what
            thread.join(PATIENCE)
        ending = endings(capture)[number]
        assert ending.client_code == code or (what in BROKEN and ending.client_code is None), ending
        if "wasClean" in ending.programs:
            assert f"wasClean is {str(clean).lower()}" in ending.programs, ending
    page.close()
