"""Reads bytes as people paste them: dumps, what programs print, decimals, Base64, packets.

Nothing is guessed: what can be read in two ways raises `ReadTwoWays`, unless a whole frame or a
head of HTTP begins in one of them alone.
"""

from __future__ import annotations

import base64
import binascii
import io
import itertools
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator

from ..fields import Direction
from ..recording.capture import Capture
from ..recording.log import CaptureError
from .dumps import is_text_of, read_dump
from .raw_streams import is_followed, load_followed, load_joined, load_streams, socks_sizes
from .readings import HEX, NoWholeDump, Pasted, ReadTwoWays, begins, choose


def load_pasted(text: str, sender: Direction | None = None) -> Capture:
    """A recording of pasted bytes: frames, or HTTP and then frames. Its notes name the form.

    `sender` is who sent them; None: the client if the first frame is masked, or if it is a request.
    """
    if sender is None and is_followed(text):
        return load_followed(text)
    pasted = read_pasted(text)
    data = pasted.data
    joined = load_joined(data) if sender is None else None
    if joined is not None:
        joined.notes[:0] = [f"read as {pasted.form}"] * (pasted.form != HEX)
        return joined
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
    text = _bare(text)
    if not text:
        raise CaptureError("expected bytes, got nothing")
    for read in _FORMS:
        pasted = read(text)
        if pasted is not None:
            return _without_headers(pasted) or pasted
    if re.search(r"^\s*\*\s*$", text, re.M):
        raise NoWholeDump(
            "expected every line of a dump; a line of * stands for lines that were left out, and "
            "no offsets tell how many: have od or hexdump print them all, with -v"
        )
    raise CaptureError(
        f"expected bytes as a dump, in hex, decimal, binary or Base64, or as a program prints "
        f"them; got {text[:24]!r}"
    )


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_BEFORE = re.compile(
    r"(?:>+ )+|(?:In |Out)\[\d+\]: |\[?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\d\d:\d\d:\d\d[.,])"
    r"[\d.,]*(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]+(?:(?:DEBUG|INFO|TRACE)[ \t:]+)?"
)
"""What stands in front of a line: the bars of a quoted mail, a prompt, a log's time and level."""
_COMMAND = re.compile(r"\s*(?:\$|#|%|PS [^>]*>) \S|\s*(?:```|~~~)")
_SPACES = dict.fromkeys(map(ord, "\xa0\u2007\u2009\u202f"), " ") | dict.fromkeys([0xFEFF, 0x200B])
_QUOTES = dict.fromkeys(map(ord, "“”„"), '"') | dict.fromkeys(map(ord, "‘’"), "'")


def _bare(text: str) -> str:
    """The text without what a terminal, a mail or a chat put around it."""
    text = _COLOURS.sub("", text).translate(_SPACES)
    if '"' not in text and "'" not in text:
        text = text.translate(_QUOTES)
    lines = [
        line[found.end() :] if (found := _BEFORE.match(line)) else line
        for line in text.splitlines()
    ]
    bare = [line for line in lines if not _COMMAND.match(line)]
    return "\n".join(bare if any(map(str.strip, bare)) else lines).strip("\n").rstrip()


# --- What programs print


def _json(text: str) -> Pasted | None:
    if not text.lstrip().startswith("{") or '"' not in text:
        return None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    try:
        numbers = told["data"] if "data" in told else [told[key] for key in sorted(told, key=int)]
        return Pasted(bytes(numbers), "a Buffer of Node as JSON")
    except (ValueError, TypeError, KeyError) as error:
        raise CaptureError(f"expected bytes, got JSON without them: {text[:24]!r}") from error


_QUOTE = re.compile("[\"']")
_ENDS = {quote: re.compile(rf"\\[\s\S]|{quote}") for quote in "\"'"}
_NAMES = ("hex", "base64", "latin1", "binary", "B")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u\{?([0-9A-Fa-f]{2,4})\}?|(\d{1,3})|([\s\S]))")
_LETTERS = dict(zip("abefnrtv\n", "\a\b\x1b\f\n\r\t\v", strict=False)) | {"\n": ""}


def _string(text: str) -> Pasted | None:
    """`b'\\x81'`, `"\\x81" "\\x05"`, `bytes.fromhex('8105')`, `x'8105'`, `"gQU="`, `\\x81{`."""
    text = text.strip()
    if text.startswith("\\") and '\\"' not in text:
        return _unescaped([text], "a string with escapes")
    parts, outside, at = [], [], 0
    while quote := _QUOTE.search(text, at):
        ends = _ENDS[quote[0]].finditer(text, quote.end())
        end = next((found.start() for found in ends if found[0] == quote[0]), None)
        if end is None:
            if re.match(r"[bB]['\"]", text):
                raise CaptureError(f"expected bytes as Python prints them, got {text[:24]!r}…")
            return None
        outside.append(text[at : quote.start()])
        parts.append(text[quote.end() : end])
        at = end + 1
    around = "".join([*outside, text[at:]])
    if not parts or not re.fullmatch(r"[\w\s.()+\\;:=,&*-]*", around):
        return None
    if outside[0][-1:].isspace() and outside[0].strip()[-1:].isalnum():
        return None  # prose
    if re.search(r"\d\s*,\s*\d", around):
        return None  # a list of numbers
    parts = [part for part in parts if part not in _NAMES]
    is_python = any(re.search(r"\b[rR]?[bB]$", before[-3:]) for before in outside)
    if is_python or any("\\" in part for part in parts):
        form = "bytes as Python prints them" if is_python else "a string with escapes"
        return _unescaped(parts, form)
    return _hex("".join(parts)) or _base64("".join(parts))


def _unescaped(parts: list[str], form: str) -> Pasted:
    """The bytes of strings; one above ASCII may be a byte, or a character of UTF-8."""
    text = "\0".join(parts)
    decimal = any(re.search("[89]", escape[3] or "") for escape in _ESCAPE.finditer(text))

    def unescape(escape: re.Match[str]) -> str:
        hexa, wider, digits, letter = escape.groups()
        if letter in ("x", "u"):
            raise CaptureError(f"expected two hex digits behind \\x, got {escape[0]!r}")
        if hexa or wider:
            return chr(int(hexa or wider, 16))
        return chr(int(digits, 10 if decimal else 8)) if digits else _LETTERS.get(letter, letter)

    text = "".join(_ESCAPE.sub(unescape, part) for part in parts)
    readings = [Pasted(text.encode("utf-8", "replace"), f"{form}, in UTF-8")]
    if max(text, default="") < "\u0100":
        readings.insert(0, Pasted(text.encode("latin-1"), form))
    # Escapes of one byte are bytes; characters, and escapes of them, may be either.
    is_told = all(part.isascii() and not re.search(r"\\u\{?0*[89A-Fa-f]", part) for part in parts)
    if is_told and len(readings) == 1:
        raise CaptureError(f"expected escapes of one byte each, got {parts[0][:24]!r}")
    return readings[0] if is_told else choose(readings)


_ANGLE = re.compile(
    r"[\w\s\[\]{}:=,]*(?:<(Buffer\s)?|bytes = 0x)([0-9A-Fa-f\s]+)(?:\.\.\.([^>}]*))?[>}][\w\s:,}]*"
)


def _buffer(text: str) -> Pasted | None:
    """`<Buffer 81 05 … 12 more bytes>`, `<8105>`, `[Uint8Contents]: <81 05>`, `bytes = 0x8105`."""
    found = _ANGLE.fullmatch(text) if text.count("<") <= 1 and len(text) < 2**20 else None
    digits = re.sub(r"\s", "", found[2]) if found else ""
    if found is None or len(digits) % 2 or not (found[1] or len(digits) > 4):
        return None
    form = "a Buffer as Node prints it" if found[1] else "bytes as a program prints them"
    return Pasted(bytes.fromhex(digits), form, _cut_note(found[3]))


def _cut_note(told: str | None) -> str:
    """What is missing behind the dots with which a program leaves the rest out."""
    if told is None:
        return ""
    count = re.search(r"(\d+) more", told)
    return f"{f'{count[1]} more' if count else 'more'} bytes are missing: the program left them out"


_DRESS = re.compile(
    r"\((?:unsigned |signed )?(?:byte|char|u?int8(?:_t)?)\)|\.toU?Byte\(\)|//[^\n]*|\[\d*\]\s*=>"
    r"|(?<=\w)\[\d*\]|\[\](?=\w)",
    re.I,
)
_LIST = re.compile(r"([\[({]|<<)([^\[\](){}<>]*)")
_ALONE = re.compile(r"[\w&@=:\s]{,40}[\[({<]+\s*[^\s\[({<]+[\])}>]+")
_NUMERIC = re.compile(r"[-0-9]\w*|[0-9A-Fa-f]{1,2}")
_NUMBER = re.compile(
    r"(?:-?\d{1,3}|0[xX][0-9A-Fa-f]{1,2}|0[bB][01]{1,8}|0o[0-7]{1,3})(?:u8|i8|[uUL])?"
)


def _in_brackets(text: str) -> Pasted | None:
    """`Uint8Array(2) [129, 5]`, `[]byte{0x81, 0x05}`, `char x[] = { 0x81 };`, `<<129, 5>>`."""
    bare = _DRESS.sub(" ", _without_comments(text)).rstrip(" ;\n")
    if '"' in bare or not bare.endswith(("]", "}", ")", ">>")):
        return None
    lists: list[tuple[_Words, str]] = []
    for found in _LIST.finditer(bare):
        inner, rest = re.split(r"\.\.\.|…", found[2] + "…", maxsplit=1)
        words = _Words(re.split(r",?\s*(?:buffer|byteLength)\b", inner)[0], " ,;\n\t")
        is_size = found[1] == "(" and not words.several
        if not is_size and words.all(_NUMERIC):
            lists.append((words, _cut_note(rest if rest else None)))
    if len(lists) != 1 or not (lists[0][0].several or _ALONE.fullmatch(bare)):
        return None
    words, note = lists[0]
    if any(word.startswith("-") for word in words):
        return Pasted(_of_numbers(words, 10, signed=True), "a list of signed numbers", note)
    return Pasted(_of_numbers(words, 0 if words.all(_NUMBER) else 16), "a list of numbers", note)


# Without patterns in which two parts may share the same text: on a long one they take for ever.
def _without_comments(text: str) -> str:
    parts, at = [], 0
    while (start := text.find("/*", at)) >= 0 and (end := text.find("*/", start + 2)) >= 0:
        parts.append(text[at:start])
        at = end + 2
    return "".join([*parts, text[at:]])


def _of_numbers(words: Iterable[str], base: int, *, signed: bool = False) -> bytes:
    """The bytes of numbers; base 0: each says its own in front, or is decimal."""
    least, most = (-128, 127) if signed else (0, 255)
    data = bytearray()
    for word in words:
        value = _value(word, base)
        if value is None or not least <= value <= most:
            what = "00 to ff" if base == 16 else f"{least} to {most}"
            raise CaptureError(f"expected numbers from {what}, got {word[:24]!r}")
        data.append(value & 0xFF)
    return bytes(data)


def _value(word: str, base: int) -> int | None:
    if base == 0:
        word = re.sub(r"(?:u8|i8|[uUL])$", "", word)
        base = 0 if word[:2].lower() in ("0x", "0b", "0o") else 10
    try:
        return int(word, base)
    except ValueError:
        return None


# --- Numbers


def _without_text(text: str) -> str:
    """Lines of bytes without the column of text beside them."""
    fits = []
    for line in text.split("\n"):
        found = re.match(r"([0-9A-Fa-f]{2}(?: +[0-9A-Fa-f]{2})*) {2,}(\S.*)$", line[:300].strip())
        if found is not None and is_text_of(bytes.fromhex(found[1]), found[2]):
            fits.append(found[1])
        elif line.strip():
            return text
    return "\n".join(fits)


class _Words:
    """The parts of a text, made one at a time: a list of them takes twenty times its room."""

    def __init__(self, text: str, separators: str = " \n\t\r,:;_.|-") -> None:
        self._text, self._word = text, re.compile(f"[^{re.escape(separators)}]+")
        some = list(itertools.islice(self, 2))
        self.any, self.several = bool(some), len(some) > 1

    def __iter__(self) -> Iterator[str]:
        return (word[0] for word in self._word.finditer(self._text))

    def all(self, pattern: str | re.Pattern[str]) -> bool:
        """Whether each of them fits."""
        return self.any and all(map(re.compile(pattern).fullmatch, self))


def _words(text: str) -> _Words:
    """The parts of a text; what separates them is white space and one other character."""
    several = len({found[0] for found in re.finditer(r"[,:;_.|-]", text)}) > 1
    return _Words(text, "\0" if several else " \n\t\r,:;_.|-")


def _escapes(text: str) -> Pasted | None:
    """`\\x81\\x05`, `0x81 0x05`, `0x8105`, `81h 05h`, `0b10000001`, `-127 5`."""
    text = text.strip()
    words = _Words(text, " \n\t\r,;")
    if words.all(r"-?\d{1,3}") and re.search(r"(?<!\d)-", text):
        return Pasted(_of_numbers(words, 10, signed=True), "signed bytes in decimal")
    if words.all(r"0[bB][01]{1,8}|0o[0-7]{1,3}"):
        name = "binary digits" if "b" in text.lower() else "octal"
        return Pasted(_of_numbers(words, 0), f"bytes in {name}")
    if words.all("[0-9A-Fa-f]{2}h"):
        return Pasted(_of_numbers((word[:2] for word in words), 16), HEX)
    if re.match(r"\\x|0[xX]", text) and re.fullmatch("[0-9A-Fa-f]{3,}", text[2:]):
        return _hex(text[2:])
    if not words.all(r"(?:(?:\\x|0[xX])[0-9A-Fa-f]{1,2})++"):
        return None
    numbers = re.finditer(r"(?:\\x|0[xX])([0-9A-Fa-f]{1,2})", text)
    return Pasted(bytes(int(number[1], 16) for number in numbers), HEX)


def _url(text: str) -> Pasted | None:
    text = "".join(text.split())
    if "%" not in text or re.search(r"%(?![0-9A-Fa-f]{2})|[^\w.~!*'()+%-]", text, re.A):
        return None
    return Pasted(urllib.parse.unquote_to_bytes(text), "bytes as a URL writes them")


def _binary(text: str) -> Pasted | None:
    words = _words(text)
    if not words.all("[01]+"):
        return None
    if words.several and words.all("[01]{8}"):
        return Pasted(bytes(int(word, 2) for word in words), "bytes in binary digits")
    digits = "".join(words)
    if len(digits) % 8 or (words.several and not words.all("[01]{4}")):
        return None
    if len(digits) == 8:
        raise ReadTwoWays(
            f"expected bytes that can be read in one way; {text!r} may be one byte in binary or "
            "four in hex: write 0b or 0x in front"
        )
    binary = Pasted(int(digits, 2).to_bytes(len(digits) // 8, "big"), "bytes in binary digits")
    plain = Pasted(bytes.fromhex(digits), HEX)
    return choose([plain, binary], plain)


def _numbers(text: str) -> Pasted | None:
    words = _words(_without_text(text))
    as_decimal = words.all(r"\d{1,3}") and all(int(word) <= 255 for word in words)
    as_hex, as_octal = words.all("[0-9A-Fa-f]{1,2}"), words.all("[0-3][0-7]{2}")
    if not words.several or not (as_decimal or as_hex or as_octal):
        return None
    readings = []
    # A zero in front is how hex and octal are written, and decimals are not.
    padded = any(word[0] == "0" and len(word) > 1 for word in words)
    if as_hex:
        readings.append(Pasted(_of_numbers(words, 16), HEX))
    if as_decimal and not (padded and (as_hex or as_octal)):
        readings.append(Pasted(_of_numbers(words, 10), "bytes in decimal"))
    if as_octal:
        readings.append(Pasted(_of_numbers(words, 8), "bytes in octal"))
    return choose(readings)


def _hex(text: str) -> Pasted | None:
    words = _words(text if re.search(r"[ \t]", text.strip()) else "".join(text.split()))
    if not words.all("[0-9A-Fa-f]+"):
        return None
    if odd := next((word for word in words if len(word) % 2), None):
        raise CaptureError(
            "expected bytes as pairs of hex digits, got an odd number of digits "
            f"({len(odd)}) in {odd[:24]!r}"
        )
    plain = Pasted(bytes.fromhex("".join(words)), HEX)
    if words.several and words.all("(?:[0-9A-Fa-f]{4}){1,2}"):
        swapped = b"".join(bytes.fromhex(word)[::-1] for word in words)
        return choose([plain, Pasted(swapped, "words, each with its lowest byte behind")], plain)
    return plain


def _base64(text: str) -> Pasted | None:
    text = "".join(text.split("\n"))
    digits = text.partition("base64,")[2] if text.startswith("data:") else text
    if not re.fullmatch(r"[A-Za-z0-9+/_-]{4,}={0,2}", digits):
        return None
    padded = digits.rstrip("=") + "=" * (-len(digits.rstrip("=")) % 4)
    try:
        data = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None
    # Words have these letters, too: then the bytes must tell.
    mixed = padded == digits and len(digits) >= 16 and not digits.isupper() | digits.islower()
    return Pasted(data, "Base64") if "=" in digits or mixed or begins(data) else None


_FORMS: tuple[Callable[[str], Pasted | None], ...] = (
    _json, read_dump, _escapes, _string, _buffer, _in_brackets, _binary, _numbers, _hex, _url,
    _base64,
)  # fmt: skip
"""The forms, the plainest to recognise first."""


# --- An exported packet


def _without_headers(pasted: Pasted) -> Pasted | None:
    """What TCP carries, if the bytes begin with the headers of a link and IP; else None."""
    for start, tcp, end in _ip_headers(pasted.data):
        data = pasted.data
        if tcp + 20 > len(data):
            continue
        payload = tcp + 4 * (data[tcp + 12] >> 4)
        note = f"it begins with {payload} bytes of link, IP and TCP headers: left out"
        if end < len(data):
            # A link fills short packets up with zeros; more than that is the packet's own.
            if any(data[end:]) and begins(data[payload:]) and not begins(data[payload:end]):
                note += f"; IP's length is {end - start}, and {len(data) - start} bytes are here"
                end = len(data)
            else:
                note += f"; the {len(data) - end} bytes behind the packet as well"
        return Pasted(data[payload:end], pasted.form, note)
    return None


def _ip_headers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where an IP header may begin, TCP's begins and the packet ends."""
    for start in range(min(24, max(0, len(data) - 39))):
        first, total = data[start], int.from_bytes(data[start + 2 : start + 4], "big")
        if first in range(0x45, 0x50) and data[start + 9] == 6 and not data[start + 6] & 0x9F:
            if 40 <= total <= len(data) - start:
                yield start, start + 4 * (first & 0x0F), start + total
        elif first >> 4 == 6 and data[start + 6] == 6:
            total = 40 + int.from_bytes(data[start + 4 : start + 6], "big")
            if 60 <= total <= len(data) - start:
                yield start, start + 40, start + total
