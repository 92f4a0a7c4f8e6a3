"""Reads once more the bytes that are no whole unit, or that break the framing, to name the culprit.

A wrong length, or bytes that are no frame at all, make a reader cut all that follows in wrong
places: one fault, many marks. A reading is named only where bytes prove it: read in this way, the
frames behind it fit exactly (RFC 6455 §5.2). Healthy streams are not looked at.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import zlib
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from ..fields import Direction
from ..protocol import frames, handshake, http
from ..protocol.secrets import masked_line
from ..protocol.tls_records import BEGINNING, begins_record, record_end, record_text
from ..protocol.utf8 import is_utf8
from .capture import Capture
from .gap import sound
from .index import DOUBTED, Doubt
from .log import whose_stream
from .preview import printable

MOST = 1 << 20
"""The most bytes that are read once more, from a little before the first fault on."""
FIT = 4
"""So many sound frames in a row prove that a frame begins at their start."""
TRIED = 20_000
"""The most places that are tried for one reading."""
WORK = 64 << 20
"""Bytes that are read for one window, again and again; a tried frame counts as 256 more."""


class _Enough(Exception):
    """So much was read in vain that this is no fault with a simple cause."""


class Explanation(NamedTuple):
    """What the bytes really are at which a direction's framing was lost."""

    connection: int
    direction: Direction
    offset: int
    """Where the culprit begins, in bytes of its direction's stream."""
    length: int
    """Bytes up to where frames fit again, or to the end."""
    data: bytes
    """The first of these bytes."""
    says: str
    """What they are, in one sentence."""
    evidence: str
    rfc: str
    proven: bool = True
    """False where frames stop fitting and no other reading is proven."""

    @property
    def stop(self) -> int:
        """The offset at which frames fit again, or the end."""
        return self.offset + self.length


def explanations(capture: Capture) -> dict[tuple[int, Direction], Explanation]:
    """By connection and direction, what stands where its framing is lost; none where it holds."""
    found, index = {}, capture.index
    for stream, doubt in index.doubts():
        connection, direction = whose_stream(stream)
        window = _Window(doubt, direction)
        request, answer = (None, None) if doubt.in_head else index.handshake(connection)
        if request is not None and handshake.is_hixie_76(request):
            third = bytes(capture.log.streams[stream & ~1][request.length : request.length + 8])
            reading: _Reading | None = window.hixie_76(handshake.hixie_76_answer(request, third))
        elif request is not None and answer is not None and handshake.is_hixie_75(request, answer):
            reading = window.hixie_75()
        elif doubt.in_head:
            # A line that has not ended is masked: it is read as it came, and shown masked.
            came = capture.stream(connection, direction, unmasked=True)[doubt.start :][:DOUBTED]
            reading = _Window(doubt._replace(data=came), direction).head()
            reading = reading or window.rest_of_body(_last_body(capture, stream, doubt.start))
        else:
            at = doubt.start + doubt.fault
            before = bytes(capture.log.streams[stream][max(0, at - 4) : at])
            try:
                reading = window.rest_of_head(before) or window.framing()
            except _Enough:
                reading, window.work = None, 0
        if reading is not None:
            start, stop, says, evidence, rfc = reading
            found[connection, direction] = Explanation(
                connection, direction, doubt.start + start, stop - start,
                _first(window.data[start:stop]), says, evidence, rfc,
            )  # fmt: skip
        elif doubt.broken and not window.intact(doubt.fault):
            at = doubt.fault
            says = "No frame can stand here, and nothing proves what these bytes are."
            found[connection, direction] = Explanation(
                connection, direction, doubt.start + at, len(window.data) - at,
                window.data[at : at + 128], says, "", "RFC 6455 §5.2", proven=False,
            )  # fmt: skip
    return found


_Order = Literal["big", "little"]
_ORDERS: tuple[_Order, _Order] = "big", "little"
_Slip = Callable[[int], "int | None"]
"""Where a frame ends that has a certain slip; None where none such can stand."""
_Reading = tuple[int, int, str, str, str]
"""Where in the window it begins and ends, what it is, the evidence, and the RFC's section."""

_STATUS = re.compile(rb"\r?\n?(HTTP/\d\.\d \d{3}(?![^ \r\n])[^\r\n]*)")
_REQUEST = re.compile(rb"\r?\n?([A-Z]{3,16} [!-~]+ HTTP/\d\.\d)\r?\n")
_LINES = re.compile(rb"(?:[\t -~\x80-\xff]+\r?\n)+")
_FIRSTS = re.compile(rb"[\x00-\x02\x40-\x42\x80-\x82\x88-\x8a\xc1\xc2]")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[^\r\n]*)?\r\n")
_CHUNKS = "RFC 9112 §7.1"
_LATIN_1 = re.compile(rb"(?:[\t\r\n\x1b -~]*[\xa0-\xff]{1,2}(?=[\t\r\n -~]|\Z))+[\t\r\n -~]*")
_CONTROL_BYTE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
_BETWEEN_BYTES = re.compile(rb"(?:\x00[^\x00\xff]*\xff)+")
_ASCII = bytes(range(128))
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BEHIND = {
    b"\n": "a line end, as println writes it", b"\r\n": "a line end, as println writes it",
    b"\0": "the end of a text in C", b"\r\n\r\n": "the end of a head",
}  # fmt: skip
_RECODED: dict[str, Callable[[str], bytes]] = {
    "the bytes of a frame in hex": lambda text: bytes.fromhex(text.replace("\\x", " ")),
    "the bytes of a frame in Base64": lambda text: base64.b64decode(
        text[: text.find("=") + 1 or None] + "=" * text.count("==", 0, text.find("=") + 2),
        validate=True,
    ),
    "a frame with each of its bytes as a character of UTF-8": lambda text: text.encode("latin-1"),
}
"""How a frame can be written as text, and what reads it back; it raises ValueError."""
_BETWEEN = "A message stands between the bytes 00 and ff, without a length and unmasked."
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class _Window:
    """A part of one direction's stream, around the first fault; places count from its start."""

    def __init__(self, doubt: Doubt, direction: Direction) -> None:
        self.data = doubt.data[:MOST]
        self.whole = len(doubt.data) <= MOST
        self.doubt = doubt
        self.direction: Direction = direction
        self.key = 4 if direction == "client" else 0
        self.work = 0

    # --- Heads

    def head(self) -> _Reading | None:
        """Why a head does not end."""
        data = self.data[: http.MAX_HEAD]
        if not http.begins_head(data):
            return None
        what = "request" if self.direction == "client" else "response"
        never = f"The head of this {what} never ends: "
        written = data.count(rb"\r\n")
        if written and rb"\r\n" in data[:2048]:
            says = never + r"its line ends are the four characters \r\n, not the bytes 0d 0a."
            proof = rf"\r\n stands in it {_times(written)}, as 5c 72 5c 6e: it was not unescaped."
            return 0, len(self.data), says, proof, "RFC 9112 §2.1"
        lines = _LINES.match(data)
        if lines is None:
            if b"\r" in data.rstrip(b"\r") and b"\n" not in data:
                says = never + "its lines end with CR alone."
                proof = f"The byte 0d stands in it {_times(data.count(13))}, the byte 0a never."
                return 0, len(self.data), says, proof, "RFC 9112 §2.2"
            return None
        blank = re.search(rb"\n[ \t]+\r?\n", lines[0])
        end = blank.start() + 1 if blank else lines.end()
        if blank:
            says = never + "the line that should be empty holds blanks."
            proof = f"At byte {self.place(end)} it is {blank[0][1:].hex(' ')}, and not 0d 0a."
        elif end == len(data):
            says = never + "the empty line is missing."
            count = lines[0].count(b"\n")
            proof = f"Its {count} lines are whole, and nothing follows the end of the last one."
        elif (sound := self._sound(end)) and end + sound.frame_length <= len(data):
            says = never + "the empty line is missing, and a frame begins in its place."
            found = f"{data[end : end + 2].hex(' ')}, a {self._kind(end)}"
            proof = f"At byte {self.place(end)} stands {found}."
        else:
            return None
        proof += " Only the bytes 0d 0a 0d 0a end a head, so the other side still waits."
        return 0, len(self.data), says, proof, "RFC 9112 §2.1"

    def rest_of_body(self, body: bytes | None) -> _Reading | None:
        """What goes on behind a body, whose Content-Length is too small."""
        if body is None or not _readable(self.data) or http.begins_head(self.data):
            return None
        here, size = len(self.data), len(body)
        says = f"{self._these(0, here)} beyond the body: its Content-Length says {size:,}, and "
        says += f"{size + here:,} bytes of body are here."
        proof = "They are text, and no head begins with them."
        if _is_json(body + self.data) and not _is_json(body):
            proof = f'With them the body is JSON, without them it is not: "…{_text(self.data)}".'
        return 0, here, says, proof, "RFC 9112 §6.3"

    # --- Frames

    def hixie_76(self, answer: bytes | None) -> _Reading:
        """What follows the handshake of the draft before RFC 6455."""
        at = self.doubt.fault
        data = self.data[at:]
        says = f"These {len(data):,} bytes are hixie-76, a draft of 2010 that RFC 6455 replaced."
        proof = (
            "The request has Sec-WebSocket-Key1 and -Key2, and 8 bytes behind it are a third key"
        )
        if self.direction == "server":
            fits = "are" if data[:16] == answer else "should be, and are not,"
            proof += f": the first 16 bytes here {fits} the MD5 of the three"
        return at, len(self.data), says, f"{proof}. {_BETWEEN}", "RFC 6455 §4.1"

    def hixie_75(self) -> _Reading:
        """The same for the draft before that one, which has no keys."""
        at = self.doubt.fault
        says = f"These {len(self.data) - at:,} bytes are hixie-75, a draft of 2010 that RFC 6455 "
        proof = "The 101 has WebSocket-Origin and WebSocket-Location, and no Accept. "
        return at, len(self.data), f"{says}replaced.", proof + _BETWEEN, "RFC 6455 §4.1"

    def rest_of_head(self, before: bytes) -> _Reading | None:
        """The empty line behind a value that ends with a line feed, and so ended the head itself.

        `before` are the four bytes in front of the fault.
        """
        at = self.doubt.fault
        if before[1:] != b"\n\r\n" or before[:1] == b"\r" or self.data[at : at + 2] != b"\r\n":
            return None
        says = "These 2 bytes were meant to end the head, which had ended already."
        proof = (
            f"The last value of the head ends with a line feed of its own ({before.hex(' ')}), as "
            "some functions put one behind base64. Its line end then is an empty line, which ends "
            "the head."
        )
        return at, at + 2, says, proof + self._goes_on(at + 2), "RFC 9112 §2.2"

    def _hixie(self, at: int) -> _Reading | None:
        """Messages of the drafts before RFC 6455, behind a handshake of RFC 6455."""
        found = _BETWEEN_BYTES.match(self.data, at)
        if (
            found is None
            or not self._fits(found.end())
            or not is_utf8(found[0][1:].translate(None, b"\0\xff"))
        ):
            return None
        count = found[0].count(b"\xff")
        says = f"{self._these(at, found.end())} {count} message{'s' * (count > 1)} of hixie-75 or "
        says += "hixie-76, drafts of 2010 that RFC 6455 replaced."
        return at, found.end(), says, _BETWEEN + self._goes_on(found.end()), "RFC 6455 §5.2"

    def framing(self) -> _Reading | None:
        """What made the framing fail; None where it holds, or where nothing is proven."""
        first = self.doubt.fault
        if reading := self._http(first):
            return reading
        if not self.doubt.broken:
            return self._length(first) or self._spill(first) or self._too_long(first)
        if self.intact(first):
            return None
        if reading := self._foreign(first):
            return reading
        places = first, *reversed(self.doubt.before)
        tries = (
            self._length, self._key, self._interrupted, self._off, self._spill, self._too_long,
        )  # fmt: skip
        for read in tries:
            if read == self._off and (reading := self._behind_each(first) or self._hixie(first)):
                return reading
            for at in places:
                if reading := read(at):
                    return reading
        return self._text(first) or self._stray(first)

    def _http(self, at: int) -> _Reading | None:
        line = _STATUS.match(self.data, at) or _REQUEST.match(self.data, at)
        if line is None:
            return None
        end = http.find_end(self.data, at, 0, len(self.data)) or len(self.data)
        head = http.parse_head(self.data[at:end])
        if not (head.status and head.status < 200):
            chunked = "chunked" in head.words("Transfer-Encoding")
            body = http.Body(0, chunked=True) if chunked else http.Body(http.content_length(head))
            size = chunked or http.content_length(head) is not None
            end = (body.read(self.data, end, len(self.data)) or len(self.data)) if size else end
        again = end < len(self.data) and self._fits(end)
        stop = end if again else len(self.data)
        answer = line.re is _STATUS
        both = answer == (self.direction == "client")
        what = "response" if answer else "request"
        first = _text(masked_line(line[1], True))
        says = f'These {stop - at:,} bytes are an HTTP {what}, not a frame: "{first}".'
        if line[1] == b"PRI * HTTP/2.0":
            says = f"These {stop - at:,} bytes are HTTP/2, not a frame: its preface stands first."
        proof = "The client's bytes and the server's seem to stand in one stream."
        if not both:
            proof = (
                f"HTTP was over with the 101. The {self.direction}'s side still "
                + ("answers as if it were not" if answer else "asks as if it were not")
                + ": a framework, a middleware or a proxy behind it writes into the socket."
            )
        return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"

    def _foreign(self, at: int) -> _Reading | None:
        """TLS, chunks of HTTP, gzip, or a frame that was written as text."""
        data = self.data
        if begins_record(data[at : at + BEGINNING], first=True):
            stop = record_end(data, at, len(data)) or len(data)
            what = f"TLS, not a frame: {record_text(data[at:stop])}"
            proof = "This connection began without TLS, and none can begin behind the 101."
            return self._bytes_are(at, stop, what, proof, "RFC 8446 §5.1")
        if chunk := _CHUNK.match(data, at):
            stop, size = chunk.end(), int(chunk[1], 16)
            if data[stop + size : stop + size + 2] == b"\r\n" and self._sound(stop, whole=False):
                end = http.Body(0, chunked=True).read(data, at, len(data)) or len(data)
                proof = f'"{_text(chunk[1])}" is a size in hex: {_bytes(size)} with a '
                proof += f"{self._kind(stop)} follow, and a line end. After a 101 there are none."
                return self._bytes_are(at, end, "HTTP's chunks, with frames inside", proof, _CHUNKS)
        if data[at : at + 3] == b"\x1f\x8b\x08":
            unpack = zlib.decompressobj(31)
            with contextlib.suppress(zlib.error):
                inside = unpack.decompress(data[at:], 200)
                rest = unpack.unused_data if unpack.eof else b""
                proof = f'Unpacked they begin with "{_text(inside)}".'
                stop = len(data) - len(rest)
                return self._bytes_are(at, stop, "gzip, not a frame", proof, "RFC 6455 §5.2")
        return self._recoded(at)

    def _recoded(self, at: int) -> _Reading | None:
        """A frame as text: in hex, in Base64, or with each byte as a character of UTF-8."""
        data = self.data[at:]
        found = _text_length(data)
        text = data[:found].decode()
        for how, decode in _RECODED.items():
            try:
                window = self._like(decode(text))
            except ValueError:
                continue
            header = window._sound(0)
            if header and window.data != data and window._fits(0):
                plain = frames.frame_payload(window.data, 0, header)
                what = f'{how}: "{_text(data[:found])}"'
                proof = f'Decoded they are a {window._kind(0)} with the payload "{_text(plain)}".'
                return self._bytes_are(at, at + found, what, proof, "RFC 6455 §5.2")
        if data[:3] == b"\xef\xbf\xbd" and data.count(b"\xef\xbf\xbd") > 1:
            proof = "ef bf bd is U+FFFD, which a decoder writes for a byte that is no UTF-8. The "
            proof += "frame was decoded as text and written as text: its bytes are lost."
            what = "a frame that went through a text decoder"
            return self._bytes_are(at, at + found, what, proof, "RFC 6455 §5.2")
        return None

    def _bytes_are(self, at: int, stop: int, what: str, proof: str, rfc: str) -> _Reading:
        if not self._fits(stop):
            stop = len(self.data)
        says = f"{self._these(at, stop)} {what}."
        return at, stop, says, proof + self._goes_on(stop), rfc

    def _these(self, at: int, stop: int) -> str:
        return f"These {stop - at:,} bytes are" if stop - at > 1 else "This byte is"

    def _like(self, data: bytes) -> _Window:
        """Other bytes, to be read as those of this direction."""
        return _Window(self.doubt._replace(data=data, fault=0, before=()), self.direction)

    def _text(self, at: int) -> _Reading | None:
        data = self.data
        stop = at + _text_length(data[at:])
        if (control := _CONTROL_BYTE.search(data, at, stop)) and control.start() > at + 1:
            stop = control.start()
        other = ""
        odd = _LATIN_1.match(data, at)
        letters = len(odd[0].translate(None, _ASCII)) if odd else 0  # others than ASCII's
        if odd and odd.end() > stop and len(odd[0]) > max(11, 4 * letters):
            stop, other = odd.end(), ", in another encoding than UTF-8"
        word = stop - at > 3 and data[at:stop].strip().isalpha()
        few = stop - at < (8 if stop == len(data) and not word else 2)  # frames behind prove more
        shown = _COLOUR.sub("", data[at:stop].decode("latin-1" if other else "utf-8"))
        if few or _CONTROL.search(shown):
            return None
        if not self._fits(stop) and stop - at < MOST // 2:
            return None
        says = f'These {stop - at:,} bytes are text, not a frame{other}: "{_text(shown.encode())}".'
        if data[at:stop] == b"\xef\xbb\xbf":
            says = "These 3 bytes are a byte order mark, not a frame: a file begins so."
        proof = f"The program of the {self.direction} printed them into the socket" + (
            ", or the frame before them announces too few bytes."
            if self.doubt.before
            else ": a warning, an error or a page stands where a frame must."
        )
        return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"

    def _behind_each(self, at: int) -> _Reading | None:
        """The same few bytes behind each frame, such as the line end of a `println`."""
        data = self.data
        for size in range(1, 5):
            again, place, count = data[at : at + size], at + size, 0
            while (header := self._sound(place)) and count < FIT:
                place += header.frame_length
                if data[place : place + size] != again:
                    break
                place, count = place + size, count + 1
            if count == FIT or (count and place == len(data)):
                name = _BEHIND.get(again, "")
                says = f"{again.hex(' ')}{name and f' ({name})'} stands behind each frame."
                proof = f"Without it {count + 1} frames follow one another exactly."
                return at, len(data), says, proof, "RFC 6455 §5.2"
        return None

    def _stray(self, at: int) -> _Reading | None:
        """Bytes of which nothing is known but that frames fit behind them."""
        for tried, found in enumerate(_FIRSTS.finditer(self.data, at + 1)):
            stop = found.start()
            if tried > TRIED:
                break
            if self._fits(stop, least=1 if stop - at < FIT else 2 if stop - at < 64 else 3):
                says = f"{self._these(at, stop)} no part of a frame."
                proof = f"Behind {'them' if stop - at > 1 else 'it'} frames fit again."
                if self.doubt.before:
                    proof += " The frame before may announce too few bytes."
                return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"
        return None

    def _length(self, at: int) -> _Reading | None:
        """Another length of the frame at `at` with which the frames behind it fit."""
        data, key = self.data, self.key
        if len(data) - at < 2 + key or not self._may_begin(data[at]) or data[at] & 0x08:
            return None
        second = data[at + 1]
        short, mask_right = second & 0x7F, (second >= 0x80) == bool(key)
        is_text = data[at] == 0x81

        header = frames.read_header(data, at, len(data))
        says = f"The length of this {self._kind(at)} is wrong: "
        left = len(data) - at - (header.length if header else 2 + key)
        told = f"Its header announces {header.payload_length:,} bytes" if header else ""
        told += f", and {left:,} are here. " if header and header.payload_length > left else ". "

        if short > 125 and mask_right:
            form = 2 if short == 126 else 8
            for size in (form, 10 - form, 4, 1):
                for order in _ORDERS:
                    if (size, order) == (form, "big"):
                        continue
                    again = partial(self._other_form, second=second, size=size, order=order)
                    if stop := self._proven(at, again):
                        length = stop - at - 2 - size - key
                        if size == form:
                            says += "it is written in the other byte order, its last byte first."
                            how = "Read in the other byte order"
                        else:
                            says += f"{short} stands for {form} bytes of length, and {size} "
                            says += "follows." if size == 1 else "follow."
                            how = f"Read from {_bytes(size)}"
                            how += ", the last one first," if order == "little" else ""
                        proof = (
                            f"{told}{how} the length is {length:,}, and then {self._then(stop)}."
                        )
                        return self._all(at, stop, says, proof)
        begin = at + 2 + key
        if short == 127 and mask_right and header and header.payload_length >> 40 and is_text:
            stop = begin + _text_length(self._plain(begin, len(data) - begin))
            if stop - begin > 15 and self._fits(stop):
                says += "127 stands for 8 bytes of extended length, and they are missing."
                proof = (
                    f"{told}Those 8 bytes are text themselves: {_text(self._plain(begin, 8))!r}."
                )
                return at, stop, says, proof, "RFC 6455 §5.2"
        return self._characters(at, header, says) if is_text and header and mask_right else None

    def _spill(self, at: int) -> _Reading | None:
        """Of the length only the lowest bits are written, without a longer form of it."""
        data, form = self.data, self._spill_of(at)
        if form is None:
            return None
        begin, base, step, least = form
        for tried, stop in enumerate(range(begin + base, len(data) + 1, step)):
            if tried > TRIED:
                break
            if stop - begin < least or not (self._fits(stop) or self._fits(stop, self._spilled)):
                continue
            if data[at] == 0x81 and not is_utf8(self._plain(begin, stop - begin)):
                continue
            missing = "more than 125 needs the extended length, which is missing."
            where = f"The second byte is {data[at + 1]:02x}"
            if least > 126:
                missing = "more than 65,535 needs 64 bits, and only the last 16 are here."
                where = f"The length is {base:,}"
            much, bits = f"{stop - begin:,}", step.bit_length() - 1
            proof = f"{where}, the lowest {bits} bits of {much}: {much} bytes of payload follow, "
            says = f"The length of this {self._kind(at)} is wrong: {missing}"
            return self._all(at, stop, says, f"{proof}and then {self._then(stop)}.")
        return None

    def _spill_of(self, at: int) -> tuple[int, int, int, int] | None:
        """Where such a payload begins, its least size, the step to the next, the first possible."""
        header = frames.read_header(self.data, at, len(self.data))
        if header is None or not self._may_begin(self.data[at]) or self.data[at] & 0x08:
            return None
        second, begin = self.data[at + 1], at + 2 + self.key
        if header.masked == bool(self.key):
            if second & 0x7F == 126:
                return at + header.length, header.payload_length, 1 << 16, 1 << 16
            return begin, second & 0x7F, 128, 126
        # A length of 8 bits spills into the MASK bit.
        return (begin, second, 256, 126) if second >= 0x80 else None

    def _characters(self, at: int, header: frames.FrameHeader, says: str) -> _Reading | None:
        """The length counts characters, or UTF-16 units, and not bytes."""
        count = header.payload_length
        for unit in ("characters", "UTF-16 units"):
            again = partial(self._counted, unit=unit)
            stop = self._proven(at, again)
            if stop is not None and (size := stop - at - header.length) > count:
                says += f"it counts {unit}, and must count bytes of UTF-8."
                proof = (
                    f"Its header announces {count:,}. The first {count:,} {unit} are {size:,} "
                    f"bytes, and then {self._then(stop)}."
                )
                return self._all(at, stop, says, proof)
        return None

    def _key(self, at: int) -> _Reading | None:
        """The MASK bit and the masking key contradict each other."""
        for without in (True, False):
            again = partial(self._keyed, without=without)
            stop = self._proven(at, again)
            if stop is None:
                continue
            header = frames.header_at(self.data, at)
            size = header.payload_length
            plain = self._plain(stop - size, size, masked=not without)
            text = self._text_in(at, plain)
            if text is None and (stop == len(self.data) or (without and self.key)):
                continue  # that the frames fit is too little: four bytes are easily missing
            if text is not None and (
                not _readable(text) or len(text) < FIT * (stop == len(self.data))
            ):
                continue
            if text and not without and _readable(self.data[stop - size - 4 : stop]):
                continue
            plain = text or plain
            says = f"The MASK bit of this {self._kind(at)} is "
            says += (
                "set, but no masking key follows: its payload is clear."
                if without
                else "0, but a masking key and a masked payload follow."
            )
            how = "Without a key" if without else "Unmasked with the four bytes behind the length"
            proof = f'{how} the payload is "{_text(plain)}", and then {self._then(stop)}.'
            return self._all(at, stop, says, proof)
        return None

    def _off(self, at: int) -> _Reading | None:
        """The length is wrong by a few bytes, as if it counted the header or left out a letter."""
        header = frames.read_header(self.data, at, len(self.data))
        if header is None:
            return None
        for more in (*range(1, 17), *range(-1, -9, -1)):
            again = partial(self._shorter, more=more)
            stop = again(at)
            if stop is None or stop == len(self.data):
                continue
            size = header.payload_length - more
            plain = self._plain(stop - size, size)
            text = self._text_in(at, plain)
            if not _readable((text or b"").removesuffix(b"\0")):
                continue
            json_alone = more < 0 and self._is_json_with(more, stop, size)
            alone = self._fits(stop, least=1 if abs(more) > 2 or json_alone else 2)
            if more < 0 and self._plain(stop + more, -more, masked=False).strip(b"\0\r\n") == b"":
                alone = False  # it may as well have been printed there
            slip = _off_by(more, header, self.data[at] == 0xC1)
            plain = text or plain
            if alone and more > 0 and not slip:
                return self._early(at, header, stop) if text is not None else None
            if text is None and header.masked and more == 4:
                slip += ", or that key was not written"
            place, alike = stop, 0
            while alike < FIT and (following := again(place)) and not self._fits(stop):
                place, alike = following, alike + 1
            if (alone and (more > 0 or self.key or json_alone)) or alike > 1:
                how = f"it announces {_bytes(abs(more))} too {'many' if more > 0 else 'few'}"
                says = f"The length of this {self._kind(at)} is wrong: {slip or how}."
                proof = f"Its header announces {_bytes(header.payload_length)}. With {size:,} the "
                proof += f'payload is "{_text(plain)}", and then {self._then(stop)}.'
                return self._all(at, stop, says, proof)
        return None

    def _is_json_with(self, more: int, stop: int, size: int) -> bool:
        """Whether a payload is JSON with the bytes behind it, and not without them."""
        plain = self._plain(stop - size, size)
        return plain[:1] in (b"{", b"[") and _is_json(plain) and not _is_json(plain[:more])

    def _too_long(self, at: int) -> _Reading | None:
        """A text that ends early: the next frame begins inside of what its header announces."""
        header = self._sound(at, whole=False)
        if header is None:
            return None
        begin, end = at + header.length, min(len(self.data), at + header.frame_length)
        if self.data[at] != 0x81:
            places = _FIRSTS.finditer(self.data, begin, end) if self.doubt.broken else ()
            stops = (found.start() for found in itertools.islice(places, TRIED))
            stop = next((stop for stop in stops if self._fits(stop, least=3)), None)
            return None if stop is None else self._early(at, header, stop)
        fault = begin + _text_length(self._plain(begin, end - begin))
        for stop in range(min(fault, end - 1), max(begin, fault - 8) - 1, -1):
            if self._fits(stop, least=2 if self.key else 1):
                return self._early(at, header, stop)
        return None

    def _early(self, at: int, header: frames.FrameHeader, stop: int) -> _Reading:
        here = stop - at - header.length
        says = f"This {self._kind(at)} announces {_bytes(header.payload_length)}, and {here:,} are "
        says += "here: then the next frame begins."
        proof = f"At byte {self.place(stop):,} stands a {self._kind(stop)}, and frames fit from "
        proof += "there on. The rest was not written, or the length is wrong."
        return at, stop, says, proof, "RFC 6455 §5.2"

    def _interrupted(self, at: int) -> _Reading | None:
        """Another frame was written into the middle of the frame at `at`."""
        header = self._sound(at, whole=False)
        if header is None:
            return None
        begin, end = at + header.length, at + header.frame_length
        inner = self._sound(begin, whole=False)
        stop = end + inner.frame_length if inner else len(self.data) + 1
        if inner and stop <= len(self.data) and self._fits(stop):
            place = begin + inner.length  # of the first payload, behind both headers
            plain, key = (
                self.data[place : place + header.payload_length],
                self.data[begin - 4 : begin],
            )
            plain = frames.mask(plain, key) if self.key else plain
            if self.data[at] != 0x81 or is_utf8(plain):
                says = (
                    f"Two frames were written at once: behind the header of this {self._kind(at)} "
                )
                says += f"stands that of a {self._kind(begin)}, and then both payloads."
                proof = f'The first payload is "{_text(plain)}", and behind the second '
                proof += f"{self._then(stop)}: two threads or tasks wrote without a lock."
                return at, stop, says, proof, "RFC 6455 §5.4"
        for tried, found in enumerate(_FIRSTS.finditer(self.data, begin, min(end, len(self.data)))):
            inner = self._sound(found.start())
            if tried > TRIED:
                break
            place, stop = found.start(), end + (inner.frame_length if inner else 0)
            if inner is None or stop > len(self.data) or not self._fits(stop):
                continue
            if not self.data[place] & 0x0F:  # who writes between, begins a message
                continue
            rest = self.data[begin:place] + self.data[place + inner.frame_length : stop]
            if self.key:
                rest = frames.mask(rest, self.data[begin - 4 : begin])
            if self.data[at] == 0x81 and not is_utf8(rest):
                continue
            says = (
                f"A {self._kind(place)} of {_bytes(inner.frame_length)} was written into the "
                f"middle of this {self._kind(at)}, at byte {self.place(place)}."
            )
            proof = (
                f"Without it the {header.payload_length:,} bytes of payload are all there, and "
                f"then {self._then(stop)}: two threads or tasks wrote without a lock."
            )
            return at, stop, says, proof, "RFC 6455 §5.4"
        return None

    # --- What proves a reading

    def place(self, at: int) -> int:
        """A place as an offset in the stream."""
        return self.doubt.start + at

    def _spend(self, size: int) -> None:
        self.work += size + 256
        if self.work > WORK:
            raise _Enough

    def _may_begin(self, first: int) -> bool:
        opcode = first & 0x0F
        compressed = self.doubt.rsv1_allowed and opcode in (1, 2)
        return opcode in (0, 1, 2, 8, 9, 10) and not first & (0x30 if compressed else 0x70)

    def _sound(self, at: int, whole: bool = True) -> frames.FrameHeader | None:
        """The header at `at` if a frame stands there that breaks no rule; `whole`: all of it."""
        data = self.data
        header = sound(data, at, len(data), bool(self.key), self.doubt.rsv1_allowed, says=False)
        self._spend(0)
        if header is None or (whole and at + header.frame_length > len(data)):
            return None
        text = data[at] == 0x81 and whole
        self._spend(header.payload_length if text else 0)
        return None if text and not is_utf8(frames.frame_payload(data, at, header)) else header

    def _fits(self, at: int, again: _Slip | None = None, least: int = 0) -> bool:
        """Whether sound frames follow exactly from `at` on, or the stream ends there.

        With `again` frames with the same slip follow. `least`: how many there must be.
        """
        for count in range(FIT):
            if at == len(self.data):
                return self.whole and count >= least
            stop = again(at) if again else None
            if stop is None:
                header = self._sound(at)
                if header is None:
                    return False
                stop = at + header.frame_length
            at = stop
        return True

    def intact(self, at: int) -> bool:
        """Whether frames follow exactly from `at` on although they break other rules."""
        zeros = not self.data[at : at + 2 * FIT].strip(b"\0")  # empty continuations
        if self._fits(at, least=2) and not zeros:
            return True
        in_message = False
        for count in range(2 * FIT):
            if at == len(self.data):
                return True
            header = frames.read_header(self.data, at, len(self.data))
            first = self.data[at]
            opcode, fin = first & 0x0F, first >= 0x80
            if header is None or first & 0x30 or opcode not in (0, 1, 2, 8, 9, 10):
                return False
            if (opcode >= 8 and not fin) or (count and opcode < 8 and in_message == bool(opcode)):
                return False  # only a message's next fragment can be a continuation
            if opcode < 8:
                in_message = not fin and (in_message or bool(opcode))
            at += header.frame_length
            if at > len(self.data):
                return False
        return True

    def _proven(self, at: int, again: _Slip) -> int | None:
        """Where the frame at `at` ends if it has this slip, and the frames behind it fit."""
        stop = again(at)
        fits = stop is not None and (self._fits(stop) or self._fits(stop, again))
        return stop if fits else None

    def _all(self, at: int, stop: int, says: str, proof: str) -> _Reading:
        """A reading of one frame, or of all from it on if they have the same slip."""
        if not self._fits(stop):
            stop, proof = len(self.data), f"{proof} The frames behind it are written alike."
        return at, stop, says, proof, "RFC 6455 §5.2"

    # --- Where a frame ends that has a slip

    def _other_form(self, at: int, second: int, size: int, order: _Order) -> int | None:
        begin = at + 2 + size + self.key
        length = int.from_bytes(self.data[at + 2 : at + 2 + size], order)
        if self.data[at + 1 : at + 2] != bytes([second]) or length <= 125:
            return None
        return self._end(at, begin, length)

    def _spilled(self, at: int) -> int | None:
        form = self._spill_of(at)
        if form is None or form[2] > 256:
            return None
        begin, base, step, least = form
        for length in range(base, 64 * step, step):
            stop = self._end(at, begin, length) if length >= least else None
            if stop is not None and (stop == len(self.data) or self._may_begin(self.data[stop])):
                return stop
        return None

    def _counted(self, at: int, unit: str) -> int | None:
        header = frames.read_header(self.data, at, len(self.data))
        if header is None or self.data[at] != 0x81 or header.masked != bool(self.key):
            return None
        count, begin = header.payload_length, at + header.length
        plain = self._plain(begin, 4 * count)
        part = plain[: _text_length(plain)].decode()[:count]
        if unit != "characters":
            part = part.encode("utf-16-le")[: 2 * count].decode("utf-16-le", "ignore")
            if len(part.encode("utf-16-le")) < 2 * count:
                return None
        elif len(part) < count:
            return None
        return begin + len(part.encode())

    def _keyed(self, at: int, without: bool) -> int | None:
        header = frames.read_header(self.data, at, len(self.data))
        if header is None or header.masked != without:
            return None
        begin = at + header.length + (-4 if without else 4)
        return self._end(at, begin, header.payload_length, masked=not without)

    def _shorter(self, at: int, more: int) -> int | None:
        header = frames.read_header(self.data, at, len(self.data))
        if (
            header is None
            or header.masked != bool(self.key)
            or self.data[at] not in (0x81, 0x82, 0xC1)
        ):
            return None  # other frames are too easily found where none are
        return self._end(at, at + header.length, header.payload_length - more)

    def _end(self, at: int, begin: int, size: int, masked: bool | None = None) -> int | None:
        """The end of a frame whose payload is `size` bytes from `begin` on, if it can be one."""
        stop = begin + size
        if size < 0 or stop > len(self.data) or not self._may_begin(self.data[at]):
            return None
        is_text = self.data[at] == 0x81
        return None if is_text and not is_utf8(self._plain(begin, size, masked)) else stop

    def _plain(self, begin: int, size: int, masked: bool | None = None) -> bytes:
        """A payload, unmasked with the four bytes before it if it is the client's, or `masked`."""
        payload = self.data[begin : begin + size]
        self._spend(len(payload))
        masked = bool(self.key) if masked is None else masked
        return frames.mask(payload, self.data[begin - 4 : begin]) if masked else payload

    def _text_in(self, at: int, plain: bytes) -> bytes | None:
        """The text of the frame at `at` with this payload; None for others, and if unknown."""
        if self.data[at] == 0xC1 and self.doubt.rsv1_allowed:
            with contextlib.suppress(zlib.error):  # it may refer to messages before it
                return zlib.decompressobj(-15).decompress(plain + b"\0\0\xff\xff", MOST)
        return plain if self.data[at] == 0x81 else None

    def _then(self, stop: int) -> str:
        if stop == len(self.data):
            return "the bytes end exactly"
        return f"a {self._kind(stop)} follows exactly, at byte {self.place(stop):,}"

    def _goes_on(self, stop: int) -> str:
        if stop == len(self.data) or not self._fits(stop):
            return ""
        return f" At byte {self.place(stop):,} frames go on: a {self._kind(stop)}."

    def _kind(self, at: int) -> str:
        return f"{frames.KIND_OF_OPCODE[self.data[at] & 0x0F]} frame"


def _off_by(more: int, header: frames.FrameHeader, compressed: bool) -> str:
    """What a length counts by mistake that announces so many bytes more than follow; or ""."""
    counted = {2: "the frame's first two bytes", header.length: "the header"}
    if header.masked:
        counted[4] = "the masking key"
    if compressed:
        counted[4] = "the 00 00 ff ff that is taken off the end (RFC 7692 §7.2.1)"
    return f"it counts {counted[more]} as well" if more in counted else ""


def _last_body(capture: Capture, stream: int, stop: int) -> bytes | None:
    """The body that ends at `stop` because its Content-Length says so; None if none does."""
    rows = capture.index.rows_of(*whose_stream(stream), max(0, stop - http.MAX_HEAD))
    if not rows or rows[-1].kind not in ("request", "response"):
        return None
    data = bytes(capture.log.streams[stream][rows[-1].offset : stop])
    head = http.parse_head(data)
    size = http.content_length(head)
    return data[head.length :] if size is not None and head.length + size == len(data) else None


def _text_length(data: bytes) -> int:
    """How many bytes at the start of `data` are UTF-8."""
    try:
        return len(data.decode()) and len(data)
    except UnicodeDecodeError as error:
        return error.start


def _first(data: bytes) -> bytes:
    """The first 128 bytes; the logins in a head that HTTP wrote into frames are masked."""
    if _STATUS.match(data) or _REQUEST.match(data):
        lines = data[:4096].splitlines(keepends=True)
        data = b"".join(masked_line(line, not above) for above, line in enumerate(lines))
    return data[:128]


def _text(data: bytes) -> str:
    text = printable(data[:200].decode("utf-8", "replace"))
    return text if len(text) <= 60 else f"{text[:59]}…"


def _readable(data: bytes) -> bool:
    """Whether bytes are text without control characters."""
    return is_utf8(data) and not _CONTROL.search(data.decode())


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _bytes(count: int) -> str:
    return f"{count:,} byte{'s' if count != 1 else ''}"
