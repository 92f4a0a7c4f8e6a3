"""Reads once more a frame whose header is wrong: its length, its masking, what stands inside it."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Literal

from ..protocol import frames
from ..protocol.utf8 import is_utf8
from .gap import FIT
from .preview import count_bytes
from .window import (
    FIRSTS,
    TRIED,
    Reading,
    Window,
    is_json,
    quote,
    readable,
    text_length,
)

_Order = Literal["big", "little"]
_ORDERS: tuple[_Order, _Order] = "big", "little"


class Slips(Window):
    """The readings of a frame whose header is wrong."""

    def _length(self, at: int) -> Reading | None:
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
                            how = f"Read from {count_bytes(size)}"
                            how += ", the last one first," if order == "little" else ""
                        proof = (
                            f"{told}{how} the length is {length:,}, and then {self._then(stop)}."
                        )
                        return self._all(at, stop, says, proof)
        begin = at + 2 + key
        if short == 127 and mask_right and header and header.payload_length >> 40 and is_text:
            stop = begin + text_length(self._plain(begin, len(data) - begin))
            if stop - begin > 15 and self._fits(stop):
                says += "127 stands for 8 bytes of extended length, and they are missing."
                proof = (
                    f"{told}Those 8 bytes are text themselves: {quote(self._plain(begin, 8))!r}."
                )
                return at, stop, says, proof, "RFC 6455 §5.2"
        return self._characters(at, header, says) if is_text and header and mask_right else None

    def _spill(self, at: int) -> Reading | None:
        """Of the length only the lowest bits are written, without a longer form of it."""
        data, form = self.data, self._spill_of(at)
        if form is None:
            return None
        begin, base, step, least = form
        for tried, stop in enumerate(range(begin + base, len(data) + 1, step)):
            if tried > TRIED:
                break
            if stop - begin < least or not (
                self._fits(stop) or (data[at] == 0x81 and self._fits(stop, self._spilled))
            ):
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
        if self.data[at] != 0x81 and not self.doubt.broken:
            return None  # the rest may still come, and anything can stand in it
        if header.extended == 8 and not header.payload_length >> 40:
            return None  # a long frame
        second, begin = self.data[at + 1], at + 2 + self.key
        if header.masked == bool(self.key):
            if second & 0x7F == 126:
                return at + header.length, header.payload_length, 1 << 16, 1 << 16
            return begin, second & 0x7F, 128, 126
        # A length of 8 bits spills into the MASK bit.
        return (begin, second, 256, 126) if second >= 0x80 else None

    def _characters(self, at: int, header: frames.FrameHeader, says: str) -> Reading | None:
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

    def _key(self, at: int) -> Reading | None:
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
                not readable(text) or len(text) < FIT * (stop == len(self.data))
            ):
                continue
            if text and not without and readable(self.data[stop - size - 4 : stop]):
                continue
            plain = text or plain
            says = f"The MASK bit of this {self._kind(at)} is "
            says += (
                "set, but no masking key follows: its payload is clear."
                if without
                else "0, but a masking key and a masked payload follow."
            )
            how = "Without a key" if without else "Unmasked with the four bytes behind the length"
            proof = f'{how} the payload is "{quote(plain)}", and then {self._then(stop)}.'
            return self._all(at, stop, says, proof)
        return None

    def _off(self, at: int) -> Reading | None:
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
            if not readable((text or b"").removesuffix(b"\0")):
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
                how = f"it announces {count_bytes(abs(more))} too {'many' if more > 0 else 'few'}"
                says = f"The length of this {self._kind(at)} is wrong: {slip or how}."
                proof = (
                    f"Its header announces {count_bytes(header.payload_length)}. With {size:,} the "
                )
                proof += f'payload is "{quote(plain)}", and then {self._then(stop)}.'
                return self._all(at, stop, says, proof)
        return None

    def _is_json_with(self, more: int, stop: int, size: int) -> bool:
        """Whether a payload is JSON with the bytes behind it, and not without them."""
        plain = self._plain(stop - size, size)
        return plain[:1] in (b"{", b"[") and is_json(plain) and not is_json(plain[:more])

    def _too_long(self, at: int) -> Reading | None:
        """A text that ends early: the next frame begins inside of what its header announces."""
        header = self._sound(at, whole=False)
        if header is None:
            return None
        begin, end = at + header.length, min(len(self.data), at + header.frame_length)
        if self.data[at] != 0x81:
            places = FIRSTS.finditer(self.data, begin, end) if self.doubt.broken else ()
            stops = (found.start() for found in itertools.islice(places, TRIED))
            stop = next((stop for stop in stops if self._fits(stop, least=3)), None)
            return None if stop is None else self._early(at, header, stop)
        fault = begin + text_length(self._plain(begin, end - begin))
        if fault == end:
            return None  # all of it is text, and the rest may still come
        for stop in range(fault, max(begin, fault - 8) - 1, -1):
            if self._fits(stop, least=2 if self.key else 1):
                return self._early(at, header, stop)
        return None

    def _early(self, at: int, header: frames.FrameHeader, stop: int) -> Reading:
        here = stop - at - header.length
        says = f"This {self._kind(at)} announces {count_bytes(header.payload_length)}, and "
        says += f"{here:,} are here: then the next frame begins."
        proof = f"At byte {self.place(stop):,} stands a {self._kind(stop)}, and frames fit from "
        proof += "there on. The rest was not written, or the length is wrong."
        return at, stop, says, proof, "RFC 6455 §5.2"

    def _interrupted(self, at: int) -> Reading | None:
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
                proof = f'The first payload is "{quote(plain)}", and behind the second '
                proof += f"{self._then(stop)}: two threads or tasks wrote without a lock."
                return at, stop, says, proof, "RFC 6455 §5.4"
        for tried, found in enumerate(FIRSTS.finditer(self.data, begin, min(end, len(self.data)))):
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
                f"A {self._kind(place)} of {count_bytes(inner.frame_length)} was written into the "
                f"middle of this {self._kind(at)}, at byte {self.place(place)}."
            )
            proof = (
                f"Without it the {header.payload_length:,} bytes of payload are all there, and "
                f"then {self._then(stop)}: two threads or tasks wrote without a lock."
            )
            return at, stop, says, proof, "RFC 6455 §5.4"
        return None

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
        part = plain[: text_length(plain)].decode()[:count]
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
        plain = self._plain(begin, size, masked) if is_text else b""
        return stop if readable(plain.removesuffix(b"\0")) else None


def _off_by(more: int, header: frames.FrameHeader, compressed: bool) -> str:
    """What a length counts by mistake that announces so many bytes more than follow; or ""."""
    counted = {2: "the frame's first two bytes", header.length: "the header"}
    if header.masked:
        counted[4] = "the masking key"
    if compressed:
        counted[4] = "the 00 00 ff ff that is taken off the end (RFC 7692 §7.2.1)"
    return f"it counts {counted[more]} as well" if more in counted else ""
