"""Reads once more the bytes that are no whole unit, or that break the framing, to name the culprit.

A wrong length, or bytes that are no frame at all, make a reader cut all that follows in wrong
places: one fault, many marks. A reading is named only where bytes prove it: read in this way, the
frames behind it fit exactly (RFC 6455 §5.2). Healthy streams are not looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..fields import Direction
from ..protocol import frames, handshake, http
from ..protocol.utf8 import is_utf8
from .capture import Capture
from .index import Doubt
from .log import whose_stream
from .preview import printable

MOST = 1 << 20
"""The most bytes that are read once more, from a little before the first fault on."""
FIT = 4
"""So many sound frames in a row prove that a frame begins at their start."""
TRIED = 20_000
"""The most places that are tried for one reading."""


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
        request, _ = (None, None) if doubt.in_head else index.handshake(connection)
        if request is not None and handshake.is_hixie_76(request):
            third = bytes(capture.log.streams[stream & ~1][request.length : request.length + 8])
            reading: _Reading | None = window.hixie_76(handshake.hixie_76_answer(request, third))
        elif doubt.in_head:
            reading = window.head()
        else:
            at = doubt.start + doubt.fault
            before = bytes(capture.log.streams[stream][max(0, at - 4) : at])
            reading = window.rest_of_head(before) or window.framing()
        if reading is not None:
            start, stop, says, evidence, rfc = reading
            found[connection, direction] = Explanation(
                connection, direction, doubt.start + start, stop - start,
                window.data[start : min(stop, start + 128)], says, evidence, rfc,
            )  # fmt: skip
        elif doubt.broken and not window.intact(doubt.fault):
            at = doubt.fault
            says = "No frame can stand here, and nothing proves what these bytes are."
            found[connection, direction] = Explanation(
                connection, direction, doubt.start + at, len(window.data) - at,
                window.data[at : at + 128], says, "", "RFC 6455 §5.2", proven=False,
            )  # fmt: skip
    return found


_Reading = tuple[int, int, str, str, str]
"""Where in the window it begins and ends, what it is, the evidence, and the RFC's section."""

_STATUS = re.compile(rb"\r?\n?(HTTP/\d\.\d \d{3}(?![^ \r\n])[^\r\n]*)")
_REQUEST = re.compile(rb"\r?\n?([A-Z]{3,16} [!-~]+ HTTP/\d\.\d)\r?\n")
_LINES = re.compile(rb"(?:[\t -~\x80-\xff]+\r?\n)+")
_FIRSTS = re.compile(rb"[\x00-\x02\x40-\x42\x80-\x82\x88-\x8a\xc1\xc2]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class _Window:
    """A part of one direction's stream, around the first fault; places count from its start."""

    def __init__(self, doubt: Doubt, direction: Direction) -> None:
        self.data = doubt.data[:MOST]
        self.whole = len(doubt.data) <= MOST
        self.doubt = doubt
        self.direction: Direction = direction
        self.key = 4 if direction == "client" else 0

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
        proof += ". A message stands between the bytes 00 and ff, without a length and unmasked."
        return at, len(self.data), says, proof, "RFC 6455 §4.1"

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

    def framing(self) -> _Reading | None:
        """What made the framing fail; None where it holds, or where nothing is proven."""
        first = self.doubt.fault
        if reading := self._http(first):
            return reading
        if not self.doubt.broken:
            return self._length(first)
        if self.intact(first):
            return None
        for at in (first, *reversed(self.doubt.before)):
            if reading := self._length(at) or self._interrupted(at):
                return reading
        return self._text(first)

    def _http(self, at: int) -> _Reading | None:
        line = _STATUS.match(self.data, at) or _REQUEST.match(self.data, at)
        if line is None:
            return None
        end = http.find_end(self.data, at, 0, len(self.data)) or len(self.data)
        head = http.parse_head(self.data[at:end])
        if not (head.status and head.status < 200):
            end = min(len(self.data), end + (http.content_length(head) or 0))
        again = end < len(self.data) and self._fits(end)
        stop = end if again else len(self.data)
        answer = line.re is _STATUS
        both = answer == (self.direction == "client")
        what = "response" if answer else "request"
        says = f'These {stop - at:,} bytes are an HTTP {what}, not a frame: "{_text(line[1])}".'
        proof = "The client's bytes and the server's seem to stand in one stream."
        if not both:
            proof = (
                f"HTTP was over with the 101. The {self.direction}'s side still "
                + ("answers as if it were not" if answer else "asks as if it were not")
                + ": a framework, a middleware or a proxy behind it writes into the socket."
            )
        return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"

    def _text(self, at: int) -> _Reading | None:
        data = self.data
        stop = at + _text_length(data[at:])
        few = stop - at < (8 if stop == len(data) else 2)  # frames behind it prove more
        if few or _CONTROL.search(data[at:stop].decode()):
            return None
        if not self._fits(stop) and stop - at < MOST // 2:
            return None
        says = f'These {stop - at:,} bytes are text, not a frame: "{_text(data[at:stop])}".'
        proof = f"The program of the {self.direction} printed them into the socket" + (
            ", or the frame before them announces too few bytes."
            if self.doubt.before
            else ": a warning, an error or a page stands where a frame must."
        )
        return at, stop, says, proof + self._goes_on(stop), "RFC 6455 §5.2"

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
                for order in ("big", "little"):
                    length = int.from_bytes(data[at + 2 : at + 2 + size], order)
                    begin = at + 2 + size + key
                    if (size, order) == (form, "big") or not 125 < length <= len(data) - begin:
                        continue
                    if self._holds(begin, length, is_text):
                        stop = begin + length
                        if size == form:
                            says += "it is written in the other byte order, its last byte first."
                            how = "Read in the other byte order"
                        else:
                            says += f"{short} stands for {form} bytes of length, and {size} follow."
                            how = f"Read from {_bytes(size)}"
                            how += ", the last one first," if order == "little" else ""
                        proof = (
                            f"{told}{how} the length is {length:,}, and then {self._then(stop)}."
                        )
                        return at, stop, says, proof, "RFC 6455 §5.2"
        begin = at + 2 + key
        base, step = (short, 128) if mask_right else (second, 256)
        if mask_right or second >= 0x80:  # a length of 8 bits spills into the MASK bit
            for tried, stop in enumerate(range(begin + base, len(data) + 1, step)):
                if tried > TRIED:
                    break
                if stop - begin > 125 and self._holds(begin, stop - begin, is_text):
                    says += "more than 125 needs the extended length, which is missing."
                    bits, much = 7 if step == 128 else 8, f"{stop - begin:,}"
                    proof = (
                        f"The second byte is {second:02x}, the lowest {bits} bits of {much}: "
                        f"{much} bytes of payload follow, and then {self._then(stop)}."
                    )
                    return at, stop, says, proof, "RFC 6455 §5.2"
        if short == 127 and mask_right and header and header.payload_length >> 40 and is_text:
            stop = begin + _text_length(self._plain(begin, len(data) - begin))
            if stop - begin > 15 and self._fits(stop):
                says += "127 stands for 8 bytes of extended length, and they are missing."
                proof = (
                    f"{told}Those 8 bytes are text themselves: {_text(self._plain(begin, 8))!r}."
                )
                return at, stop, says, proof, "RFC 6455 §5.2"
        return self._characters(at, header, says) if is_text and header and mask_right else None

    def _characters(self, at: int, header: frames.FrameHeader, says: str) -> _Reading | None:
        """The length counts characters, or UTF-16 units, and not bytes."""
        begin, count = at + header.length, header.payload_length
        plain = self._plain(begin, 4 * count)
        text = plain[: _text_length(plain)].decode()
        for unit, part in (
            ("characters", text[:count]),
            ("UTF-16 units", text.encode("utf-16-le")[: 2 * count].decode("utf-16-le", "ignore")),
        ):
            units = len(part) if unit == "characters" else len(part.encode("utf-16-le")) // 2
            size = len(part.encode())
            if units == count < size and self._fits(begin + size):
                says += f"it counts {unit}, and must count bytes of UTF-8."
                proof = (
                    f"Its header announces {count:,}. The first {count:,} {unit} are {size:,} "
                    f"bytes, and then {self._then(begin + size)}."
                )
                return at, begin + size, says, proof, "RFC 6455 §5.2"
        return None

    def _interrupted(self, at: int) -> _Reading | None:
        """Another frame was written into the middle of the frame at `at`."""
        header = self._sound(at, whole=False)
        if header is None:
            return None
        begin, end = at + header.length, at + header.frame_length
        for tried, found in enumerate(_FIRSTS.finditer(self.data, begin, min(end, len(self.data)))):
            inner = self._sound(found.start())
            if tried > TRIED:
                break
            place, stop = found.start(), end + (inner.frame_length if inner else 0)
            if inner is None or stop > len(self.data) or not self._fits(stop):
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

    def _may_begin(self, first: int) -> bool:
        opcode = first & 0x0F
        compressed = self.doubt.rsv1_allowed and opcode in (1, 2)
        return opcode in (0, 1, 2, 8, 9, 10) and not first & (0x30 if compressed else 0x70)

    def _sound(self, at: int, whole: bool = True) -> frames.FrameHeader | None:
        """The header at `at` if a frame stands there that breaks no rule; `whole`: all of it."""
        data = self.data
        header = frames.read_header(data, at, len(data))
        if header is None or not self._may_begin(data[at]) or header.masked != bool(self.key):
            return None
        size, control = header.payload_length, data[at] & 0x08
        if control and (data[at] < 0x80 or size > 125):
            return None
        if header.extended and size <= (125 if header.extended == 2 else 0xFFFF):
            return None
        if whole and at + header.frame_length > len(data):
            return None
        text = data[at] == 0x81 and whole
        return None if text and not is_utf8(frames.frame_payload(data, at, header)) else header

    def _fits(self, at: int) -> bool:
        """Whether sound frames follow exactly from `at` on, or the stream ends there."""
        for _ in range(FIT):
            if at == len(self.data):
                return self.whole
            header = self._sound(at)
            if header is None:
                return False
            at += header.frame_length
        return True

    def intact(self, at: int) -> bool:
        """Whether frames follow exactly from `at` on although they break other rules."""
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

    def _holds(self, begin: int, size: int, is_text: bool) -> bool:
        """Whether a payload can stand here: frames fit behind it, and a text is UTF-8."""
        return self._fits(begin + size) and (not is_text or is_utf8(self._plain(begin, size)))

    def _plain(self, begin: int, size: int) -> bytes:
        """A payload, unmasked with the four bytes before it if it is the client's."""
        payload = self.data[begin : begin + size]
        return frames.mask(payload, self.data[begin - 4 : begin]) if self.key else payload

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


def _text_length(data: bytes) -> int:
    """How many bytes at the start of `data` are UTF-8."""
    try:
        return len(data.decode()) and len(data)
    except UnicodeDecodeError as error:
        return error.start


def _text(data: bytes) -> str:
    text = printable(data[:200].decode("utf-8", "replace"))
    return text if len(text) <= 60 else f"{text[:59]}…"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _bytes(count: int) -> str:
    return f"{count:,} byte{'s' if count != 1 else ''}"
