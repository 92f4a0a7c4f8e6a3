"""Reads once more the bytes that are no whole unit, or that break the framing, to name the culprit.

A wrong length, or bytes that are no frame at all, make a reader cut all that follows in wrong
places: one fault, many marks. A reading is named only where bytes prove it: read in this way, the
frames behind it fit exactly (RFC 6455 §5.2). Healthy streams are not looked at.
"""

from __future__ import annotations

import base64
import contextlib
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

from ..fields import Direction
from ..protocol import frames, handshake, http
from ..protocol.secrets import masked_line
from ..protocol.tls_records import BEGINNING, begins_record, record_end, record_text
from ..protocol.utf8 import is_utf8
from .capture import Capture
from .gap import FIT
from .index import DOUBTED
from .log import whose_stream
from .preview import count_bytes
from .slips import Slips
from .window import (
    CONTROL,
    FIRSTS,
    MOST,
    TRIED,
    Enough,
    Reading,
    is_json,
    quote,
    readable,
    text_length,
    times,
)


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
        window = _Tail(doubt, direction)
        request, answer = (None, None) if doubt.in_head else index.handshake(connection)
        if request is not None and handshake.is_hixie_76(request):
            third = bytes(capture.log.streams[stream & ~1][request.length : request.length + 8])
            reading: Reading | None = window.hixie_76(handshake.hixie_76_answer(request, third))
        elif request is not None and answer is not None and handshake.is_hixie_75(request, answer):
            reading = window.hixie_75()
        elif doubt.in_head:
            # A line that has not ended is masked: it is read as it came, and shown masked.
            came = capture.stream(connection, direction, unmasked=True)[doubt.start :][:DOUBTED]
            reading = _Tail(doubt._replace(data=came), direction).head()
            reading = reading or window.rest_of_body(_last_body(capture, stream, doubt.start))
        else:
            at = doubt.start + doubt.fault
            before = bytes(capture.log.streams[stream][max(0, at - 4) : at])
            try:
                reading = window.rest_of_head(before) or window.framing()
            except Enough:
                reading, window.work = None, 0
        if reading is not None:
            start, stop, says, evidence, rfc = reading
            found[connection, direction] = Explanation(
                connection, direction, doubt.start + start, stop - start,
                _first(window.data[start:stop]), says, evidence, rfc,
            )  # fmt: skip
        elif doubt.broken and not window.intact(doubt.fault):
            at = doubt.fault
            says = "No legal frame stands here, and nothing proves what these bytes are."
            found[connection, direction] = Explanation(
                connection, direction, doubt.start + at, len(window.data) - at,
                window.data[at : at + 128], says, "", "RFC 6455 §5.2", proven=False,
            )  # fmt: skip
    return found


_STATUS = re.compile(rb"\r?\n?(HTTP/\d\.\d \d{3}(?![^ \r\n])[^\r\n]*)")
_REQUEST = re.compile(rb"\r?\n?([A-Z]{3,16} [!-~]+ HTTP/\d\.\d)\r?\n")
_LINES = re.compile(rb"(?:[\t -~\x80-\xff]+\r?\n)+")
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
_SIGHT = 16
"""So many bytes of text in a row are no frame's beginning."""
_BETWEEN = "A message stands between the bytes 00 and ff, without a length and unmasked."


class _Tail(Slips):
    """All readings of what stands where frames stopped fitting, or where a head does not end."""

    # --- Heads

    def head(self) -> Reading | None:
        """Why a head does not end."""
        data = self.data[: http.MAX_HEAD]
        if not http.begins_head(data):
            return None
        what = "request" if self.direction == "client" else "response"
        never = f"The head of this {what} never ends: "
        written = data.count(rb"\r\n")
        if written and rb"\r\n" in data[:2048]:
            says = never + r"its line ends are the four characters \r\n, not the bytes 0d 0a."
            proof = rf"\r\n stands in it {times(written)}, as 5c 72 5c 6e: it was not unescaped."
            return 0, len(self.data), says, proof, "RFC 9112 §2.1"
        lines = _LINES.match(data)
        if lines is None:
            if b"\r" in data.rstrip(b"\r") and b"\n" not in data:
                says = never + "its lines end with CR alone."
                proof = f"The byte 0d stands in it {times(data.count(13))}, the byte 0a never."
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

    def rest_of_body(self, body: bytes | None) -> Reading | None:
        """What goes on behind a body, whose Content-Length is too small."""
        if body is None or not readable(self.data) or http.begins_head(self.data):
            return None
        here, size = len(self.data), len(body)
        says = f"{self._these(0, here)} beyond the body: its Content-Length says {size:,}, and "
        says += f"{size + here:,} bytes of body are here."
        proof = "They are text, and no head begins with them."
        if is_json(body + self.data) and not is_json(body):
            proof = f'With them the body is JSON, without them it is not: "…{quote(self.data)}".'
        return 0, here, says, proof, "RFC 9112 §6.3"

    # --- Frames

    def hixie_76(self, answer: bytes | None) -> Reading:
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

    def hixie_75(self) -> Reading:
        """The same for the draft before that one, which has no keys."""
        at = self.doubt.fault
        says = f"These {len(self.data) - at:,} bytes are hixie-75, a draft of 2010 that RFC 6455 "
        proof = "The 101 has WebSocket-Origin and WebSocket-Location, and no Accept. "
        return at, len(self.data), f"{says}replaced.", proof + _BETWEEN, "RFC 6455 §4.1"

    def rest_of_head(self, before: bytes) -> Reading | None:
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

    def _hixie(self, at: int) -> Reading | None:
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

    def framing(self) -> Reading | None:
        """What made the framing fail; None where it holds, or where nothing is proven."""
        first = self.doubt.fault
        if reading := self._http(first):
            return reading
        if not self.doubt.broken:
            return self._unfinished(first)
        if self.intact(first):
            return None
        if reading := self._foreign(first):
            return reading
        # Lengths that lead to the very end are right, whatever other rules some frames break.
        is_text = readable(self.data[first : first + _SIGHT]) and len(self.data) - first >= _SIGHT
        if self.whole and not is_text and self._leads_to(first, len(self.data), most=True):
            return None
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
        return self._text(first) or self._stray(first) or self._beheaded(first)

    def _beheaded(self, at: int) -> Reading | None:
        """A whole stream that lacks its beginning: a frame's header, or the first byte of it."""
        data = self.data[at:]
        if self.place(at) or not self.whole:
            return None
        inflate = zlib.decompressobj(-15)
        with contextlib.suppress(zlib.error):
            inside = inflate.decompress(data + b"\0\0\xff\xff", MOST)
            ends = not (inflate.eof or inflate.unconsumed_tail)
            if ends and len(inside) > 7 and _is_plain(inside):
                proof = f'Inflated as permessage-deflate does it they are "{quote(inside)}".'
                what = "a compressed payload without the header of its frame"
                return self._bytes_are(at, len(self.data), what, proof, "RFC 7692 §7.2.2")
        whole = b"\x81" + data
        header = frames.read_header(whole, 0, len(whole))
        if header and header.frame_length == len(whole) and header.payload_length > 3:
            payload = frames.frame_payload(whole, 0, header)
            if _is_plain(payload):
                proof = (
                    f'With 81 in front they are one exactly: "{quote(payload)}"'
                    f"{', masked, and so from a client' * header.masked}. That byte may have come "
                    "in a packet before."
                )
                what = "a text frame without its first byte"
                return self._bytes_are(at, len(self.data), what, proof, "RFC 6455 §5.2")
        return None

    def _unfinished(self, at: int) -> Reading | None:
        """What is wrong with a last frame whose end is not here; mostly nothing."""
        data = self.data
        header, is_text = frames.read_header(data, at, len(data)), data[at] == 0x81
        plausible = header is not None and not header.payload_length >> 40
        plain = self._plain(at + header.length, len(data)) if header and plausible else b"\0"
        if is_text and readable(plain, whole=False):
            # All of it is text, and the rest may still come, unless another length fits exactly.
            reading = self._length(at)
            return reading if reading and self.whole and reading[1] == len(data) else None
        reading = self._length(at) or self._spill(at) or self._too_long(at)
        # In other data the same bytes may come again and again, and look like frames.
        sure = reading and (is_text or (self.whole and self._leads_to(reading[1], len(data))))
        return reading if sure else None

    def _http(self, at: int) -> Reading | None:
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
        first = quote(masked_line(line[1], True))
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

    def _foreign(self, at: int) -> Reading | None:
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
                proof = f'"{quote(chunk[1])}" is a size in hex: {count_bytes(size)} with a '
                proof += f"{self._kind(stop)} follow, and a line end. After a 101 there are none."
                return self._bytes_are(at, end, "HTTP's chunks, with frames inside", proof, _CHUNKS)
        if data[at : at + 3] == b"\x1f\x8b\x08":
            unpack = zlib.decompressobj(31)
            with contextlib.suppress(zlib.error):
                inside = unpack.decompress(data[at:], 200)
                rest = unpack.unused_data if unpack.eof else b""
                proof = f'Unpacked they begin with "{quote(inside)}".'
                stop = len(data) - len(rest)
                return self._bytes_are(at, stop, "gzip, not a frame", proof, "RFC 6455 §5.2")
        return self._recoded(at)

    def _recoded(self, at: int) -> Reading | None:
        """A frame as text: in hex, in Base64, or with each byte as a character of UTF-8."""
        data = self.data[at:]
        found = text_length(data)
        text = data[:found].decode()
        for how, decode in _RECODED.items():
            try:
                window = self._like(decode(text))
            except ValueError:
                continue
            header = window._sound(0)
            if header and window.data != data and window._fits(0):
                plain = frames.frame_payload(window.data, 0, header)
                what = f'{how}: "{quote(data[:found])}"'
                proof = f'Decoded they are a {window._kind(0)} with the payload "{quote(plain)}".'
                return self._bytes_are(at, at + found, what, proof, "RFC 6455 §5.2")
        if data[:3] == b"\xef\xbf\xbd" and data.count(b"\xef\xbf\xbd") > 1:
            proof = "ef bf bd is U+FFFD, which a decoder writes for a byte that is no UTF-8. The "
            proof += "frame was decoded as text and written as text: its bytes are lost."
            what = "a frame that went through a text decoder"
            return self._bytes_are(at, at + found, what, proof, "RFC 6455 §5.2")
        return None

    def _bytes_are(self, at: int, stop: int, what: str, proof: str, rfc: str) -> Reading:
        if not self._fits(stop):
            stop = len(self.data)
        says = f"{self._these(at, stop)} {what}."
        return at, stop, says, proof + self._goes_on(stop), rfc

    def _these(self, at: int, stop: int) -> str:
        return f"These {stop - at:,} bytes are" if stop - at > 1 else "This byte is"

    def _like(self, data: bytes) -> _Tail:
        """Other bytes, to be read as those of this direction."""
        return _Tail(self.doubt._replace(data=data, fault=0, before=()), self.direction)

    def _text(self, at: int) -> Reading | None:
        data = self.data
        stop = at + text_length(data[at:])
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
        if few or CONTROL.search(shown):
            return None
        if not self._fits(stop) and stop - at < MOST // 2:
            return None
        says = f'These {stop - at:,} bytes are text, not a frame{other}: "{quote(shown.encode())}".'
        if data[at:stop] == b"\xef\xbb\xbf":
            says = "These 3 bytes are a byte order mark, not a frame: a file begins so."
        proof = f"The program of the {self.direction} printed them into the socket" + (
            ", or the frame before them announces too few bytes."
            if self.doubt.before
            else ": a warning, an error or a page stands where a frame must."
        )
        return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"

    def _behind_each(self, at: int) -> Reading | None:
        """The same few bytes behind each frame, such as the line end of a `println`."""
        data = self.data
        for size in range(1, 5):
            again, place, count = data[at : at + size], at + size, 0
            if place > len(data) or self._leads_to(at, place):
                continue  # these are broken frames
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

    def _stray(self, at: int) -> Reading | None:
        """Bytes of which nothing is known but that frames fit behind them."""
        for tried, found in enumerate(FIRSTS.finditer(self.data, at + 1)):
            stop = found.start()
            if tried > TRIED:
                break
            if self._fits(stop, least=1 if stop - at < FIT else 2 if stop - at < 64 else 3):
                if self._leads_to(at, stop):
                    return None  # these are frames, which break other rules
                says = f"{self._these(at, stop)} no part of a frame."
                proof = f"Behind {'them' if stop - at > 1 else 'it'} frames fit again."
                if self.doubt.before:
                    proof += " The frame before may announce too few bytes."
                return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"
        return None

    def _leads_to(self, at: int, stop: int, *, most: bool = False) -> bool:
        """Whether one frame behind the other leads from `at` to `stop` exactly.

        They may be of any kind; with `most` they must be several, and most of them sound.
        """
        balance = count = 0
        while at < stop and (header := frames.read_header(self.data, at, stop)) is not None:
            balance += 1 if self._sound(at, whole=False) else -1
            at, count = at + header.frame_length, count + 1
        return at == stop and (not most or (balance >= 0 and count >= FIT))


def _last_body(capture: Capture, stream: int, stop: int) -> bytes | None:
    """The body that ends at `stop` because its Content-Length says so; None if none does."""
    rows = capture.index.rows_of(*whose_stream(stream), max(0, stop - http.MAX_HEAD))
    if not rows or rows[-1].kind not in ("request", "response"):
        return None
    data = bytes(capture.log.streams[stream][rows[-1].offset : stop])
    head = http.parse_head(data)
    size = http.content_length(head)
    return data[head.length :] if size is not None and head.length + size == len(data) else None


def _is_plain(data: bytes) -> bool:
    """Whether this is text without control characters."""
    return is_utf8(data) and not _CONTROL_BYTE.search(data)


def _first(data: bytes) -> bytes:
    """The first 128 bytes; the logins in a head that HTTP wrote into frames are masked."""
    if _STATUS.match(data) or _REQUEST.match(data):
        lines = data[:4096].splitlines(keepends=True)
        data = b"".join(masked_line(line, not above) for above, line in enumerate(lines))
    return data[:128]
