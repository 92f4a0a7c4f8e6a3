"""permessage-deflate: compresses and inflates messages, with all its parameters.

Source: RFC 7692. A compressed message carries RSV1 = 1 on its first frame. Its payload is DEFLATE
(RFC 1951) without the four bytes `00 00 ff ff` that end every flush; the receiver puts them back.

    agreed = Agreement.of_response(parameters)      # what a 101 response says
    inflater = Inflater.of("client", agreed)        # for what the client sends
    text = b"".join([*inflater.feed(payload), *inflater.finish()])
    payload = Deflater().deflate(b"Hello")          # compresses a message
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..fields import Direction

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"
"""Ends every flush of a DEFLATE stream, is not sent, and is put back (RFC 7692 §7.2.1, §7.2.2)."""

_TAIL_AND_MORE = TAIL + b"\x00\x00\x00\xff\xff"
"""An empty block more: inside another block it would be data, so some come out of it."""

STEP = 1 << 16
"""Bytes of the largest piece that inflating yields, however large the message."""
MAX_INFLATED = 1 << 28
"""Bytes of one message after which inflating stops: one byte can expand to 1,032."""
MAX_ENDS = 10_000
"""Blocks marked as the last one, in one message, after which inflating stops as well."""

WINDOW = 1 << 15

Parameters = tuple[tuple[str, str | None], ...]
"""An extension's parameters as in the header: names and values, None for no value."""


class Agreement(NamedTuple):
    """The parameters that both peers agreed on (RFC 7692 §7.1)."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15

    @classmethod
    def of_response(cls, parameters: Parameters) -> Agreement:
        """The agreement that a response states; an impossible value counts as not given."""
        said = dict(parameters)
        return cls(
            "server_no_context_takeover" in said,
            "client_no_context_takeover" in said,
            _window_bits(said.get("server_max_window_bits")) or 15,
            _window_bits(said.get("client_max_window_bits")) or 15,
        )


def _window_bits(value: str | None) -> int | None:
    return int(value) if value in ("8", "9", "10", "11", "12", "13", "14", "15") else None


def parameter_faults(parameters: Parameters, in_response: bool) -> list[str]:
    """The names of the rules that one offer or response breaks on its own (RFC 7692 §7.1).

    A server must decline such an offer; a client must fail the connection for such a response.
    """
    faults = []
    for name, value in parameters:
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            valid = value is None
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            hint = name == "client_max_window_bits" and value is None and not in_response
            valid = hint or _window_bits(value) is not None
        else:
            faults.append("deflate-parameter-unknown")
            continue
        if not valid:
            faults.append("deflate-value-invalid")
    if len({name for name, _ in parameters}) < len(parameters):
        faults.append("deflate-parameter-repeated")
    return sorted(set(faults))


def answer_faults(offers: Iterable[Parameters], answer: Parameters) -> list[str]:
    """The names of the rules that a response breaks, given the offers that it may accept.

    It must fit one of them. If it fits none, the result says why it does not fit the first.
    """
    faults = parameter_faults(answer, in_response=True)
    if faults:
        return faults
    acceptable = [offer for offer in offers if not parameter_faults(offer, in_response=False)]
    if not acceptable:
        return ["deflate-offer-not-acceptable"]
    given = dict(answer)
    misfits = (_misfits(dict(offer), given) for offer in acceptable)
    return min(misfits, key=bool)  # the first that is empty, else the first


def _misfits(offer: dict[str, str | None], answer: dict[str, str | None]) -> list[str]:
    faults = []
    if "server_no_context_takeover" in offer and "server_no_context_takeover" not in answer:
        faults.append("server-no-context-takeover-ignored")
    asked = _window_bits(offer.get("server_max_window_bits"))
    if asked and (_window_bits(answer.get("server_max_window_bits")) or 16) > asked:
        faults.append("server-max-window-bits-ignored")
    # The number in the client's offer is a hint: the response may name a bigger one (§7.2.1).
    if "client_max_window_bits" in answer and "client_max_window_bits" not in offer:
        faults.append("client-max-window-bits-not-offered")
    return faults


class WindowJudge:
    """Checks that one direction's compressed bytes keep to the window that was agreed on.

    zlib checks this: inflating fails on a distance beyond its window. It always accepts a reference
    to bytes that the same call returned, so the check is exact only if each call returns one byte,
    which takes 0.2 µs. As one byte can expand to a thousand, only the first `EXACT` bytes, and
    `EXACT_FOR_EACH` for each byte that was sent, are inflated in this way. After that a call
    returns as many bytes as the window holds, and up to twice the distance may go unnoticed.

    zlib can inflate raw DEFLATE with a window of 8 bits, though it cannot produce it. zlib 1.2.13
    and zlib-ng 2.3 agree in all of this, to the byte.
    """

    EXACT = 1 << 22
    EXACT_FOR_EACH = 16

    def __init__(self, window_bits: int, known: int = 0) -> None:
        """`known`: how many bytes were inflated before this judge started."""
        self._bits, self._window = window_bits, 1 << window_bits
        self._known = known
        self._exact = self.EXACT
        self._zlib: Any = self._begin()

    def _begin(self) -> Any:
        # Zeros will do: only how far back a distance reaches matters, not which bytes are there.
        return zlib.decompressobj(-self._bits, zdict=bytes(min(self._known, self._window)))

    def allows(self, data: bytes) -> bool:
        """Whether the next piece refers only to bytes that the window holds.

        After a piece that does not, or that is malformed, nothing more is read.
        """
        for start in range(0, len(data), 64):  # small pieces: each call copies the unread rest
            piece = data[start : start + 64]
            self._exact += self.EXACT_FOR_EACH * len(piece)
            more = self._zlib is not None
            while more:
                most = 1 if self._exact > 0 else self._window
                try:
                    given = len(self._zlib.decompress(piece, most))
                except zlib.error as error:
                    self._zlib = None
                    # A distance that reaches back beyond the first byte is malformed instead.
                    return "too far back" not in str(error) or self._known < self._window
                self._known += given
                self._exact -= given
                piece = self._zlib.unused_data or self._zlib.unconsumed_tail
                more = bool(piece or given)
                if self._zlib.eof:
                    # Another stream begins at the next byte, with the same window.
                    self._zlib = self._begin()
        return True


class Inflater:
    """Inflates one direction's compressed messages, one after the other.

    Feed a message's payload in pieces of any size, then call `finish`. Both yield pieces of at most
    64 KiB, so that a payload that expands a thousandfold does not fill the memory. After
    `MAX_INFLATED` bytes the rest of a message is skipped.

    `fault` is the rule that the message breaks, or None. `lost` is true if messages can no longer
    be inflated: they refer to an earlier one that could not be.

    With `blind`, earlier messages or the agreement are not known: a message that cannot be inflated
    may need them, which is no fault, and the next one is tried anew.
    """

    def __init__(
        self,
        window_bits: int = 15,
        no_context_takeover: bool = False,
        window: bytes = b"",
        blind: bool = False,
    ) -> None:
        self.blind = blind
        self.window_bits = window_bits
        self.no_context_takeover = no_context_takeover
        self.fault: str | None = None
        self.lost = False
        self.size = 0  # bytes that the message has been inflated to so far
        self._window = bytearray(window)
        self._zlib: Any = None  # made for the first message: it takes 10 KB
        self._judge: WindowJudge | None = None
        self._between = True
        self._ends = 0

    @classmethod
    def of(cls, direction: Direction, agreed: Agreement, blind: bool = False) -> Inflater:
        """The inflater for one direction under an agreement."""
        if direction == "client":
            bits, alone = agreed.client_max_window_bits, agreed.client_no_context_takeover
        else:
            bits, alone = agreed.server_max_window_bits, agreed.server_no_context_takeover
        return cls(bits, alone, blind=blind)

    def again(self, window: bytes = b"", blind: bool = False) -> Inflater:
        """A new inflater under the same agreement."""
        return Inflater(self.window_bits, self.no_context_takeover, window, self.blind or blind)

    @property
    def window(self) -> bytes:
        """The most recent bytes that were inflated, at most 32 KiB.

        Between two messages this is the whole state: `Inflater(..., window=...)` continues from it.
        """
        return bytes(self._window[-WINDOW:])

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Inflate the next piece of a message. Exhaust the iterator before the next call."""
        if self._between:
            self._start()
        if self._judge and not self.fault and not self._judge.allows(data):
            self.fault = "deflate-window-too-big"
        for start in range(0, len(data), STEP):
            yield from self._inflate(data[start : start + STEP])

    def whole(self, payload: bytes) -> bytes | None:
        """What `feed` and `finish` yield for a whole message, five times as fast.

        None where that is not so simple: then call these two.
        """
        if self.lost and not self.no_context_takeover:
            return None
        self._start()
        self._between = True
        if self._judge is not None:
            return None
        try:
            content: bytes = self._zlib.decompress(payload, STEP)
            rest = self._zlib.unconsumed_tail or self._zlib.decompress(_TAIL_AND_MORE)
        except zlib.error:
            content = rest = b""
        if content and not rest and not self._zlib.eof:
            self._window += content
            if len(self._window) > 2 * WINDOW:
                del self._window[:-WINDOW]
            return content
        # Between two messages the window is the whole state: as if nothing had happened.
        self._zlib = zlib.decompressobj(-15, zdict=self.window)
        return None

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        while not self.lost:
            before = self._zlib.copy()
            try:
                piece = self._zlib.decompress(data, STEP)
            except zlib.error as error:
                # Yield all bytes before the fault, or the result would depend on the pieces.
                yield from self._up_to_fault(before, data)
                self._lose(str(error))
                return
            data = self._zlib.unconsumed_tail
            self._window += piece
            if len(self._window) > 2 * WINDOW:
                del self._window[:-WINDOW]
            self.size += len(piece)
            if self._zlib.eof:
                # A block was marked as the last: what follows uses the same window.
                data = self._zlib.unused_data
                self._zlib = zlib.decompressobj(-15, zdict=self.window)
                self._ends += 1
            self.lost = self.size > MAX_INFLATED or self._ends > MAX_ENDS
            if piece:
                yield piece
            if not data and len(piece) < STEP:
                return

    def _up_to_fault(self, inflating: Any, data: bytes) -> Iterator[bytes]:
        for number in range(len(data)):
            try:
                piece = inflating.decompress(data[number : number + 1])
            except zlib.error:
                return
            self.size += len(piece)
            if piece:
                yield piece

    def finish(self) -> Iterator[bytes]:
        """End the message; yields the rest of its content."""
        yield from self.feed(TAIL)
        if not self.lost and not self._at_block():
            self._lose("the message ends inside a block")
        self._between = True

    def abandon(self) -> None:
        """Abandon this message: another one starts before it has been finished."""
        self.lost = self.lost or not self._at_block()
        self._between = True

    def _at_block(self) -> bool:
        """Whether the stream stands between two blocks: zlib then accepts an empty last block."""
        if self._zlib is None:
            return True  # none has come yet
        probe = self._zlib.copy()
        try:
            probe.decompress(b"\x01\x00\x00\xff\xff", 1)
        except zlib.error:
            return False
        return bool(probe.eof)

    def _start(self) -> None:
        self._between = False
        self.size = self._ends = 0
        if self.blind and self.lost:
            self._zlib = None
            self._window.clear()
        if self._zlib is None and self._window:
            self._zlib = zlib.decompressobj(-15, zdict=self.window)
            self._judge = self._new_judge()
        elif self._zlib is None or self.no_context_takeover:
            self.lost = False
            self._window.clear()
            self._zlib = zlib.decompressobj(-15)
            self._judge = self._new_judge()
        elif self.lost:
            self._judge = None  # its place in the stream is no longer known
        self.fault = None

    def _new_judge(self) -> WindowJudge | None:
        return WindowJudge(self.window_bits, len(self._window)) if self.window_bits < 15 else None

    def _lose(self, error: str) -> None:
        self.lost = True
        if self.blind:
            return
        if self.no_context_takeover and "too far back" in error:
            self.fault = self.fault or "deflate-context-kept"
        else:
            self.fault = self.fault or "deflate-malformed"


class Deflater:
    """Compresses one direction's messages, one after the other (RFC 7692 §7.2.1).

    `window_bits` is from 9 to 15: zlib cannot produce raw DEFLATE with a window of 8 bits.
    """

    def __init__(self, window_bits: int = 15, no_context_takeover: bool = False) -> None:
        if not 9 <= window_bits <= 15:
            raise ValueError(f"expected window bits from 9 to 15, got {window_bits} (§7.1.2)")
        self._window_bits = window_bits
        self._no_context_takeover = no_context_takeover
        self._zlib = zlib.compressobj(wbits=-window_bits)

    def deflate(self, message: bytes) -> bytes:
        """Compress a message; send the result with RSV1 = 1 on its first frame."""
        if self._no_context_takeover:
            self._zlib = zlib.compressobj(wbits=-self._window_bits)
        return (self._zlib.compress(message) + self._zlib.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]
