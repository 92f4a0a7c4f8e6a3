"""Saves and loads recordings: the name chooses the format to write, the content the one to read."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from ..recording.capture import Capture
from ..recording.log import CaptureError
from . import har, jsonl, pcapng
from .archive import GZIP, ZIP, Archive, beside, gunzip
from .other_exports import name_of, what_next
from .pasted import load_pasted
from .raw_streams import is_followed, load_followed, load_joined, load_streams
from .readings import NoWholeDump, ReadTwoWays

__all__ = ["FORMATS", "Format", "SavedInstead", "as_file", "load", "load_pasted",
           "load_streams", "save"]  # fmt: skip


class Format(NamedTuple):
    """A file format that recordings are saved in."""

    suffix: str
    name: str
    mime_type: str
    keeps: str
    """What the format keeps, in a sentence for the user who chooses one."""
    pieces: Callable[[Capture], Iterator[bytes]]
    """The file's content, piece by piece."""


def _json_lines(capture: Capture) -> Iterator[bytes]:
    return (line.encode() for line in jsonl.lines(capture))


def _har(capture: Capture) -> Iterator[bytes]:
    yield har.dumps(capture).encode("utf-8", "replace")


FORMATS: dict[str, Format] = {
    format.suffix: format
    for format in (
        Format(
            ".jsonl",
            "JSON Lines",
            "application/jsonl",
            "Every byte, with its time and what was done to it.",
            _json_lines,
        ),
        Format(
            ".pcapng",
            "pcapng",
            "application/x-pcapng",
            "For Wireshark: TCP, the upgrade and the frames. What was done is in comments.",
            pcapng.blocks,
        ),
        Format(
            ".har",
            "HAR",
            "application/json",
            "Messages only, as a browser's DevTools save them, and what was done to them.",
            _har,
        ),
    )
}
"""The formats that `save` can write, by the suffix of the file's name."""


class SavedInstead(Exception):
    """Raised when a format failed and the recording was saved at `path` as JSON Lines; says why."""

    def __init__(self, problem: str, path: Path) -> None:
        super().__init__(f"{problem}; the recording is in {path} instead")
        self.path = path


def as_file(capture: Capture, format: Format) -> tuple[Format, bytes, str]:
    """The file's format and content, and why it is JSON Lines instead (empty if it is not)."""
    try:
        return format, b"".join(format.pieces(capture)), ""
    except Exception as error:  # any error: a recording cannot be made a second time
        instead = FORMATS[".jsonl"]
        return instead, b"".join(instead.pieces(capture)), _problem(format, error)


def _problem(format: Format, error: Exception) -> str:
    return (
        f"{format.name} could not be written ({type(error).__name__}: {error}), "
        "which is a fault of wslab; JSON Lines keeps everything"
    )


LARGE_FILE = 64 << 20
"""Size in bytes from which a packet file is read twice from disk, not held in memory."""


def save(
    capture: Capture,
    path: str | os.PathLike[str],
    *,
    secrets: str | os.PathLike[str] | None = None,
) -> Path:
    """Save a recording in the format that the suffix of `path` names; returns the path.

    `.jsonl` keeps everything, `.pcapng` is for Wireshark, and `.har` holds messages as a browser's
    DevTools save them. All three keep what a debugger did. An existing file, or the target of a
    link, is replaced as a whole and keeps its permissions.

    ``secrets`` is the file of a TLS key log, as `SSLKEYLOGFILE` names it. A `.pcapng` then holds
    the keys of the recorded connections, and whoever has the file can read them with Wireshark.

    Raises ValueError for a suffix that is not in `FORMATS`, or that has no place for secrets, and
    OSError for a file that cannot be written. Raises SavedInstead if the format failed: the
    recording is then in the same folder, in a new file of JSON Lines.
    """
    path = Path(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise ValueError(
            f"expected a name that ends in {', '.join(FORMATS)}, got {path.name!r}: "
            "the end says what is written"
        )
    if secrets is not None:
        if format.pieces is not pcapng.blocks:
            raise ValueError(f"expected a .pcapng, which can hold secrets, got {path.name!r}")
        key_log = Path(secrets).read_text("ascii", "replace")
        format = format._replace(pieces=lambda capture: pcapng.blocks(capture, key_log))
    try:
        _write(capture, format, path)
    except OSError:
        raise
    except Exception as error:
        beside = _free(path.with_name(path.name + ".jsonl"))
        _write(capture, FORMATS[".jsonl"], beside)
        raise SavedInstead(_problem(format, error), beside) from error
    return path


def _free(path: Path) -> Path:
    """`path`, or the same name with a number if that file exists."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not os.path.lexists(name))


def _write(capture: Capture, format: Format, path: Path) -> None:
    # A link stays a link: its target is written.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a device, or a pipe: nothing to replace
        with target.open("wb") as file:
            file.writelines(format.pieces(capture))
        return
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            file.writelines(format.pieces(capture))
        with contextlib.suppress(OSError):  # no older file, or not ours
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


MOST_PASTED = 2**20
"""Bytes of the longest file that is read as pasted text."""


def load(path: str | os.PathLike[str]) -> Capture:
    """Load a recording of any format into memory: JSON Lines, HAR, pcap, pcapng, or pasted bytes.

    A file of gzip is unpacked first, and of a ZIP archive its HAR is read.

    `Capture.notes` says what is missing or synthetic. The recording has no limit, so nothing is
    dropped.

    Raises CaptureError for any other format and OSError for a file that cannot be read.
    """
    path = Path(path)
    with path.open("rb") as opened:
        # A pipe cannot be read twice.
        file: BinaryIO = opened if opened.seekable() else io.BytesIO(opened.read())
        if file.read(3) == GZIP:
            file.seek(0)
            file = io.BytesIO(_named(path, lambda: gunzip(file.read())))
        capture = _load(path, file)
    if not capture.notes and not any(map(len, capture.log.streams)):
        capture.notes.append("nothing was recorded in it")
    return capture


_OTHER_TEXTS = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"{\0": "utf-16-le",
    b"\0{": "utf-16-be",
}
"""How a text begins that is not UTF-8: PowerShell writes UTF-16 where it redirects to a file."""


def _load(path: Path, file: BinaryIO) -> Capture:
    file.seek(0)
    start = file.read(4096)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if start[:4] in pcapng.MAGICS and not isinstance(file, io.BytesIO) and size >= LARGE_FILE:
        with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
            return _named(path, lambda: pcapng.read(mapped, twice=True))
    if start[:4] in pcapng.MAGICS:
        return _named(path, lambda: pcapng.read(file.read()))
    if not start:
        raise CaptureError(f"{path}: expected a recording, got an empty file")
    for mark, encoding in _OTHER_TEXTS.items():
        if start.startswith(mark):
            return _load(path, io.BytesIO(file.read().decode(encoding, "replace").encode()))
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _is_ours(text.partition(b"\n")[0]):
        return jsonl.read(file, str(path))
    content = file.read()
    if start[:4] in ZIP:
        try:
            archive = Archive(content)
        except CaptureError as error:
            raise CaptureError(f"{path}: {name_of(start) or error}") from error
        inside = _named(path, archive.content)
        if not archive.has_har and inside[:4] not in ZIP:
            plain = gunzip(inside) if inside[:3] == GZIP else inside
            return _load(path, io.BytesIO(plain))
        return _named(path, lambda: _of_har(inside, archive.beside))
    if b"Follow:" in start[:200]:
        if is_followed(start.decode("utf-8", "replace")):
            return load_followed(content.decode("utf-8", "replace"))
        raise CaptureError(f"{path}: {name_of(start)}")
    if size <= MOST_PASTED and (pasted := _pasted(path, content)) is not None:
        return pasted
    if joined := _named(path, lambda: load_joined(content)):
        return joined
    if text[:1] not in (b"{", b"["):
        if named := name_of(start):
            raise CaptureError(f"{path}: {named}")
        raise CaptureError(
            f"{path}, line 1: expected a line of a wslab capture, a HAR, a pcap, a pcapng, or "
            f"bytes as text; the file begins with {start[:16]!r}{what_next(path.suffix, start)}"
        )
    try:
        return _of_har(content, beside(path))
    except CaptureError as error:
        raise CaptureError(f"{path}: {name_of(start) or error}") from error


def _of_har(content: bytes, beside: Callable[[str], bytes]) -> Capture:
    return har.loads(content.decode("utf-8-sig", "replace"), beside)


def _pasted(path: Path, content: bytes) -> Capture | None:
    """Bytes that somebody pasted into a file; None if this is something else."""
    try:
        return load_pasted(content.decode("utf-8-sig"))
    except (ReadTwoWays, NoWholeDump) as error:
        raise CaptureError(f"{path}: {error}") from error
    except (CaptureError, UnicodeDecodeError):
        return None


def _is_ours(line: bytes) -> bool:
    """Whether a file's first line is the head of our JSON Lines.

    Searching for our name is not enough: a HAR written in one line may contain it.
    """
    try:
        return "wslab" in json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return False  # a longer line than any head


Loaded = TypeVar("Loaded")


def _named(path: Path, read: Callable[[], Loaded]) -> Loaded:
    try:
        return read()
    except CaptureError as error:
        raise CaptureError(f"{path}: {error}") from error
