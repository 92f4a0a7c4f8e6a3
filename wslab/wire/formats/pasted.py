"""Reads bytes as people paste them: dumps, what programs print, decimals, Base64, packets.

Nothing is guessed: what can be read in two ways raises `ReadTwoWays`.
"""

from __future__ import annotations

import ast
import base64
import binascii
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..fields import Direction
from ..protocol.frames import frame_violations, header_at, read_header
from ..recording.capture import Capture
from ..recording.log import CaptureError
from .raw_streams import is_followed, load_followed, load_streams, socks_sizes

MOST = 2**20
"""Bytes of the longest dump in which lines are left out: a few lines could stand for gigabytes."""

_HEX = re.compile(r"[0-9A-Fa-f]+")
_OFFSET = re.compile(r"\s*(?:0x)?([0-9A-Fa-f]{4,8})(?::\s*|\s+)(?=[0-9A-Fa-f]{2})")
_NODE = re.compile(r"<Buffer\s+")
_BRACKETS = re.compile(r"[{}\[\]]")
_CUT = re.compile(r"\.\.\.\s*(\d+) more bytes?")


HEX = "bytes in hex"
"""The usual form, which is not named."""


class ReadTwoWays(CaptureError):
    """The bytes can be read in two ways; the message says in which, and how to choose."""


class Pasted(NamedTuple):
    """Bytes, and the form in which they came."""

    data: bytes
    form: str
    """In words: "a dump with offsets"."""
    note: str = ""
    """What is missing, or was left out; "" for nothing."""


def load_pasted(text: str, sender: Direction | None = None) -> Capture:
    """A recording of pasted bytes: frames, or HTTP and then frames. Its notes name the form.

    `sender` is who sent them; None: the client if the first frame is masked, or if it is a request.
    """
    if sender is None and is_followed(text):
        return load_followed(text)
    pasted = read_pasted(text)
    data = pasted.data
    if sender is None:
        is_client = data[:4] in (b"GET ", b"CONN") or (len(data) > 1 and data[1] >= 0x80)
        is_client = is_client or bool(socks_sizes(data, b"")[0])
        sender = "client" if is_client and data[:5] != b"HTTP/" else "server"
    stream = io.BytesIO(data)
    capture = load_streams(*((stream, None) if sender == "client" else (None, stream)))
    said = [] if pasted.form == HEX else [f"read as {pasted.form}"]
    # That nothing is known of the other side goes without saying here.
    capture.notes = [*said, *filter(None, [pasted.note]), *capture.notes[:-1]]
    return capture


def read_pasted(text: str) -> Pasted:
    """The bytes of a pasted text. Raises `CaptureError` for what is no bytes, or could be two."""
    text = text.strip().removeprefix("\ufeff")
    if not text:
        raise CaptureError("expected bytes, got nothing")
    for read in _FORMS:
        pasted = read(text)
        if pasted is not None:
            return _without_headers(pasted) or pasted
    raise CaptureError(
        f"expected bytes as a dump, in hex, decimal, binary or Base64, or as a program prints "
        f"them; got {text[:24]!r}"
    )


# --- What programs print


def _python(text: str) -> Pasted | None:
    inner = re.sub(r"^bytearray\((.*)\)$", r"\1", text, flags=re.S)
    if not re.match(r"b['\"]", inner):
        return None
    try:
        return Pasted(ast.literal_eval(inner), "bytes as Python prints them")
    except (ValueError, SyntaxError) as error:
        raise CaptureError(f"expected bytes as Python prints them, got {text[:24]!r}…") from error


def _json(text: str) -> Pasted | None:
    if not text.startswith("{") or '"' not in text:
        return None
    try:
        told = json.loads(text)
        numbers = told["data"] if "data" in told else [told[key] for key in sorted(told, key=int)]
        return Pasted(bytes(numbers), "a Buffer of Node as JSON")
    except (ValueError, TypeError, KeyError):
        return None


def _in_brackets(text: str) -> Pasted | None:
    """`<Buffer 81 05>`, `Uint8Array(2) [129, 5]`, `[]byte{0x81, 0x05}`, `char x[] = { 0x81 };`."""
    cut = _CUT.search(text)
    text = _without_comments(_CUT.sub("", text)).strip()
    node = _NODE.match(text) if text.find(">") == len(text) - 1 else None
    inner = text[node.end() : -1] if node else _inside(text.removesuffix(";").rstrip())
    if inner is None:
        return None
    words = re.split(r"[\s,;]+", inner.strip(" ,;\n\t"))
    note = f"{cut[1]} more bytes are missing: the program left them out" if cut else ""
    if node is not None:
        return Pasted(_of_numbers(words, 16), "a Buffer as Node prints it", note)
    base = 10 if all(re.fullmatch(r"\d{1,3}", word) for word in words) else 16
    return Pasted(_of_numbers(words, base), "a list of numbers", note)


# Without patterns in which two parts may share the same text: on a long one they take for ever.
def _without_comments(text: str) -> str:
    parts, at = [], 0
    while (start := text.find("/*", at)) >= 0 and (end := text.find("*/", start + 2)) >= 0:
        parts.append(text[at:start])
        at = end + 2
    return "".join([*parts, text[at:]])


def _inside(text: str) -> str | None:
    """What stands in the brackets at the end, behind a name that may have `[]` of its own."""
    opened = max(text.rfind("{"), text.rfind("["))
    if opened < 0 or text[-1] not in "}]":
        return None
    inner = text[opened + 1 : -1]
    name = re.sub(r"\[\d*\]", "", text[:opened], count=1)
    return None if _BRACKETS.search(inner) or _BRACKETS.search(name) else inner


def _of_numbers(words: list[str], base: int) -> bytes:
    try:
        return bytes(int(word, base) for word in words if word)
    except ValueError as error:
        what = "0 to 255" if base == 10 else "00 to ff"
        wrong = next(word for word in words if not _fits(word, base))
        raise CaptureError(f"expected numbers from {what}, got {wrong!r}") from error


def _fits(word: str, base: int) -> bool:
    try:
        return 0 <= int(word, base) <= 255
    except ValueError:
        return False


# --- Dumps


def _dump(text: str) -> Pasted | None:
    """Lines with an offset in front: hexdump -C, xxd, tcpdump -x, Wireshark's copy."""
    lines = [line for line in text.splitlines() if line.strip()]
    starts = [_OFFSET.match(line) for line in lines]
    offsets = [int(start[1], 16) for start in starts if start is not None]
    first = starts[0]
    if first is None or offsets[0] != 0 or offsets != sorted(set(offsets)):
        return None
    if len(lines) == 1 and ":" not in first[0] and "|" not in text and "  " not in text:
        return None  # it may as well be a first byte pair
    data, last, repeats = bytearray(), b"", False
    for line, start in zip(lines, starts, strict=True):
        rest = line.strip()
        if rest == "*":  # lines like the one before
            repeats = True
            continue
        at = int(start[1] if start else rest, 16) if start or _HEX.fullmatch(rest) else -1
        if repeats and at > MOST:
            raise CaptureError(f"expected a dump of at most {MOST:,} bytes, got offset {at:#x}")
        while repeats and last and len(data) < at:
            data += last
        if at != len(data):
            if at < 0:
                return None
            raise CaptureError(
                f"expected offset {len(data):#x} in the dump, got {at:#x}: is a line missing?"
            )
        repeats = False
        if start is not None:  # else it is the length, which hexdump writes behind all
            last = _of_dump_line(line[start.end() :])
            data += last
    return Pasted(bytes(data), "a dump with offsets")


def _of_dump_line(rest: str) -> bytes:
    """The bytes of a line behind its offset: all pairs before the column of text."""
    digits = ""
    for gap, word in re.findall(r"(\s*)(\S+)", rest.partition("|")[0]):
        is_pairs = re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", word) is not None
        # A word behind a wider gap is the text, if it has a character for each byte before it.
        ends = len(gap) > 1 and len(digits) // 2 == len(rest.rstrip().rpartition("  ")[2].strip())
        if not is_pairs or (ends and len(word) == len(digits) // 2) or len(digits) >= 32:
            break
        digits += word
    return bytes.fromhex(digits)


# --- Numbers


def _words(text: str) -> list[str]:
    return re.split(r"[\s,:;_-]+", text.strip(" ,;:_-\n\t"))


def _escapes(text: str) -> Pasted | None:
    """`\\x81\\x05`, `0x81 0x05`, `0x8105`."""
    if not re.fullmatch(r"(?:(?:\\x|0x)[0-9A-Fa-f]+[\s,;]*)+", text):
        return None
    words = re.split(r"\\x|0x|[\s,;]+", text)
    return Pasted(bytes.fromhex("".join(word.zfill(2) for word in words if word)), HEX)


def _binary(text: str) -> Pasted | None:
    words = _words(text)
    if not all(re.fullmatch(r"[01]{8}", word) for word in words):
        return None
    if len(words) == 1:
        raise ReadTwoWays(
            f"expected bytes that can be read in one way; {text!r} may be one byte in binary or "
            "four in hex: write 0b or 0x in front"
        )
    return Pasted(bytes(int(word, 2) for word in words), "bytes in binary digits")


def _numbers(text: str) -> Pasted | None:
    words = _words(text)
    as_decimal = all(re.fullmatch(r"\d{1,3}", word) and int(word) <= 255 for word in words)
    as_hex = all(re.fullmatch(r"[0-9A-Fa-f]{1,2}", word) for word in words)
    if len(words) < 2 or not (as_decimal or as_hex):
        return None
    if not as_hex:
        return Pasted(_of_numbers(words, 10), "bytes in decimal")
    data = _of_numbers(words, 16)
    # A zero in front is how hex is written; and only one of the two may be a whole frame.
    padded = any(word[0] == "0" and len(word) == 2 for word in words)
    if not as_decimal or padded:
        return Pasted(data, HEX)
    decimal = _of_numbers(words, 10)
    fits = _is_frame(data), _is_frame(decimal)
    if fits == (True, False):
        return Pasted(data, HEX)
    if fits == (False, True):
        return Pasted(decimal, "bytes in decimal")
    raise ReadTwoWays(
        "expected bytes that can be read in one way; these may be hex or decimal: write 0x in "
        "front of hex, or [ ] around decimals"
    )


def _is_frame(data: bytes) -> bool:
    """Whether a whole frame that breaks no rule stands first."""
    header = read_header(data, 0, len(data))
    if header is None or header.length + header.payload_length > len(data):
        return False
    sender: Direction = "client" if header.masked else "server"
    return not frame_violations(data[0], header_at(data, 0), sender, 0, False, b"")


def _hex(text: str) -> Pasted | None:
    digits = re.sub(r"[\s,:;_-]", "", text)
    if not _HEX.fullmatch(digits):
        return None
    if len(digits) % 2:
        raise CaptureError(
            f"expected bytes as pairs of hex digits, got an odd number of digits ({len(digits)})"
        )
    return Pasted(bytes.fromhex(digits), HEX)


def _base64(text: str) -> Pasted | None:
    digits = "".join(text.split("\n"))
    if len(digits) < 4 or len(digits) % 4 or not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", digits):
        return None
    try:
        data = base64.b64decode(digits.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None
    return Pasted(data, "Base64")


_FORMS: tuple[Callable[[str], Pasted | None], ...] = (
    _python, _json, _dump, _in_brackets, _escapes, _binary, _numbers, _hex, _base64,
)  # fmt: skip
"""The forms, the plainest to recognise first."""


# --- An exported packet


def _without_headers(pasted: Pasted) -> Pasted | None:
    """What TCP carries, if the bytes begin with the headers of a link and IPv4; else None."""
    for start in _ip_headers(pasted.data):
        data = pasted.data
        tcp = start + 4 * (data[start] & 0x0F)
        if tcp + 20 > len(data):
            continue
        payload = tcp + 4 * (data[tcp + 12] >> 4)
        note = f"it begins with {payload} bytes of link, IP and TCP headers: left out"
        return Pasted(data[payload : start + _total(data, start)], pasted.form, note)
    return None


def _ip_headers(data: bytes) -> Iterator[int]:
    """Where an IPv4 header may begin whose length is that of the rest, and which carries TCP."""
    for start in range(min(24, max(0, len(data) - 39))):
        if data[start] in range(0x45, 0x50) and data[start + 9] == 6:
            rest = len(data) - start
            if 40 <= _total(data, start) <= rest and data[start + 6] & 0x9F == 0:
                yield start


def _total(data: bytes, start: int) -> int:
    return int.from_bytes(data[start + 2 : start + 4], "big")
