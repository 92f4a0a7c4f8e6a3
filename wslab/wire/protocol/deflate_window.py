"""How far back compressed data refer: whether a sender keeps to the window that was agreed on.

Source: RFC 1951 §3.2. zlib does not say how far back a reference reaches, so the codes of DEFLATE
are read here once more, without making what they stand for: the work goes with the bytes that were
sent, which may stand for a thousand times as many.
"""

from __future__ import annotations

from collections.abc import Generator

Codes = dict[int, int]
"""What a Huffman code stands for, by its bits behind a 1 that keeps the zeros in front."""


class _Malformed(Exception):
    """Not DEFLATE: zlib says so, too, and says more."""


class WindowJudge:
    """Reads one direction's compressed bytes, in pieces of any size.

    `known` is how many bytes came out before; at most 32 KiB of them count.
    """

    def __init__(self, window_bits: int, known: int = 0) -> None:
        self._window = 1 << window_bits
        self._known = known
        self._bit = 0  # of the byte that is being read
        self._blocks: Generator[None, int] | None = self._read_blocks()
        next(self._blocks)

    def allows(self, data: bytes) -> bool:
        """False where this piece refers to something outside the window. Then, and behind what is
        malformed, no more is read."""
        if self._blocks is None:
            return True
        read = self._blocks.send
        try:
            for byte in data:
                for self._bit in range(8):
                    read(byte >> self._bit & 1)
        except StopIteration:
            self._blocks = None
            return False
        except _Malformed:
            self._blocks = None
        return True

    def _read_blocks(self) -> Generator[None, int]:
        """Take in bit by bit; return at the first reference that reaches too far back."""
        while True:
            last, kind = (yield), (yield from _number(2))
            if kind == 0:
                yield from self._stored()
            elif kind == 3:
                raise _Malformed
            else:
                literals, distances = FIXED if kind == 1 else (yield from _dynamic())
                if not (yield from self._within(literals, distances)):
                    return
            if last:
                # Another stream begins with the next byte, and goes on with the same window.
                yield from self._rest_of_byte()

    def _rest_of_byte(self) -> Generator[None, int]:
        for _ in range(7 - self._bit):
            yield

    def _stored(self) -> Generator[None, int]:
        yield from self._rest_of_byte()
        length = yield from _number(16)
        if length ^ (yield from _number(16)) != 0xFFFF:
            raise _Malformed
        for _ in range(8 * length):
            yield
        self._known += length

    def _within(self, literals: Codes, distances: Codes) -> Generator[None, int, bool]:
        """Read a block to its end; False at a reference that reaches too far back."""
        while True:
            symbol = yield from _symbol(literals)
            if symbol < 256:
                self._known += 1
                continue
            if symbol == 256:
                return True
            if symbol > 285:
                raise _Malformed
            length = LENGTHS[symbol - 257] + (yield from _number(LENGTH_BITS[symbol - 257]))
            symbol = yield from _symbol(distances)
            if symbol > 29:
                raise _Malformed
            distance = DISTANCES[symbol] + (yield from _number(DISTANCE_BITS[symbol]))
            if distance > self._window:
                return False
            if distance > self._known:
                raise _Malformed
            self._known += length


def _number(bits: int) -> Generator[None, int, int]:
    number = 0
    for place in range(bits):
        number |= (yield) << place
    return number


def _symbol(codes: Codes) -> Generator[None, int, int]:
    code = 1
    while True:
        code = code << 1 | (yield)
        if code in codes:
            return codes[code]
        if code >= 1 << 15:
            raise _Malformed


def _dynamic() -> Generator[None, int, tuple[Codes, Codes]]:
    """The codes that a block brings with it (§3.2.7)."""
    count = (yield from _number(5)) + 257
    both = count + (yield from _number(5)) + 1
    if count > 286 or both - count > 30:
        raise _Malformed
    short = [0] * 19
    for place in ORDER[: (yield from _number(4)) + 4]:
        short[place] = yield from _number(3)
    codes = _codes(short)
    lengths: list[int] = []
    while len(lengths) < both:
        symbol = yield from _symbol(codes)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += lengths[-1:] * (3 + (yield from _number(2))) or [both]
        else:
            least, bits = (3, 3) if symbol == 17 else (11, 7)
            lengths += [0] * (least + (yield from _number(bits)))
    if len(lengths) > both or not lengths[256]:
        raise _Malformed
    return _codes(lengths[:count], one=True), _codes(lengths[count:], one=True)


def _codes(lengths: list[int], *, one: bool = False) -> Codes:
    """Codes from their lengths (§3.2.2). All must be used, but for `one` of a single bit."""
    codes: Codes = {}
    code, before = 1, 0
    used = [(length, symbol) for symbol, length in enumerate(lengths) if length]
    for length, symbol in sorted(used):
        code <<= length - before
        before = length
        if code == 2 << length:
            raise _Malformed
        codes[code] = symbol
        code += 1
    if code != 2 << before and not (one and before < 2):
        raise _Malformed
    return codes


# §3.2.5: what the symbols from 257 on, and those of distances, begin at and how many bits follow.
LENGTH_BITS = [0] * 8 + [bits for bits in range(1, 6) for _ in range(4)] + [0]
LENGTHS = [3 + sum(1 << bits for bits in LENGTH_BITS[:n]) for n in range(28)] + [258]
DISTANCE_BITS = [0, 0, *(bits for bits in range(14) for _ in range(2))]
DISTANCES = [1 + sum(1 << bits for bits in DISTANCE_BITS[:n]) for n in range(30)]
# §3.2.7: the order of the code length codes.
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
# §3.2.6: the codes of a block that brings none.
FIXED = _codes([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), _codes([5] * 32)
