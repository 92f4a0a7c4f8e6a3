"""Saves and loads recordings: by the file's name when writing, by its content when reading."""

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
from typing import BinaryIO, NamedTuple

from ..recording.capture import Capture
from ..recording.log import CaptureError
from . import har, jsonl, pcapng
from .raw_streams import load_streams

__all__ = ["FORMATS", "Format", "SavedInstead", "as_file", "load", "load_streams", "save"]


class Format(NamedTuple):
    """A file format that recordings are saved in."""

    suffix: str
    name: str
    mime_type: str
    keeps: str
    """What it keeps, in a sentence for the reader who chooses."""
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
"""What `save` writes, by the end of the file's name."""


class SavedInstead(Exception):
    """A format failed: the recording is in `path` instead, as JSON Lines. Says why."""

    def __init__(self, problem: str, path: Path) -> None:
        super().__init__(f"{problem}; the recording is in {path} instead")
        self.path = path


def as_file(capture: Capture, format: Format) -> tuple[Format, bytes, str]:
    """A whole file, and a sentence where it is one of JSON Lines because its format failed."""
    try:
        return format, b"".join(format.pieces(capture)), ""
    except Exception as error:  # whatever it is: what was recorded will not happen again
        instead = FORMATS[".jsonl"]
        return instead, b"".join(instead.pieces(capture)), _problem(format, error)


def _problem(format: Format, error: Exception) -> str:
    return (
        f"{format.name} could not be written ({type(error).__name__}: {error}), "
        "which is a fault of wslab; JSON Lines keeps everything"
    )


LARGE_FILE = 64 << 20
"""Bytes from which on a file of packets is read twice from its disk, not held in memory."""


def save(capture: Capture, path: str | os.PathLike[str]) -> Path:
    """Save a recording; an older file of that name, or what a link leads to, is replaced as a
    whole and keeps its permissions.

    The end of the name says what is written: `.jsonl` keeps everything, `.pcapng` is for
    Wireshark, `.har` holds messages as a browser's DevTools save them. What a debugger did is
    in all of them.

    Raises ValueError for a name whose end is none of `FORMATS`, OSError for a file that cannot be
    written, and SavedInstead where the format failed: then all is beside it, in a file of JSON
    Lines that was not there before.
    """
    path = Path(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise ValueError(
            f"expected a name that ends in {', '.join(FORMATS)}, got {path.name!r}: "
            "the end says what is written"
        )
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
    """`path`, or one with a number where there is such a file."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not os.path.lexists(name))


def _write(capture: Capture, format: Format, path: Path) -> None:
    # A link stays a link: what it leads to is written.
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


def load(path: str | os.PathLike[str]) -> Capture:
    """Load a recording of any format into memory: JSON Lines, HAR, pcap or pcapng.

    What is missing or made up then stands in `notes`. No limit drops anything of it.

    Raises CaptureError for anything else, OSError for a file that cannot be read.
    """
    path = Path(path)
    with path.open("rb") as opened:
        # What comes through a pipe cannot be read twice.
        file: BinaryIO = opened if opened.seekable() else io.BytesIO(opened.read())
        start = file.read(4096)
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if start[:4] in pcapng.MAGICS and file is opened and size >= LARGE_FILE:
            with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
                return _named(path, lambda: pcapng.read(mapped, twice=True))
        if start[:4] in pcapng.MAGICS:
            return _named(path, lambda: pcapng.read(file.read()))
        if not start:
            raise CaptureError(f"{path}: expected a recording, got an empty file")
        text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        if text[:1] != b"{":
            raise CaptureError(
                f"{path}, line 1: expected a line of a wslab capture, a HAR, a pcap or a pcapng; "
                f"the file begins with {start[:16]!r}"
            )
        if _is_ours(text.partition(b"\n")[0]):
            return jsonl.read(file, str(path))
        content = file.read()
    return _named(path, lambda: har.loads(content.decode("utf-8-sig", "replace")))


def _is_ours(line: bytes) -> bool:
    """Whether a first line is that of our JSON Lines; a HAR in one line may name us inside."""
    try:
        return "wslab" in json.loads(line)
    except (ValueError, RecursionError):
        return False  # a longer line than any head


def _named(path: Path, read: Callable[[], Capture]) -> Capture:
    try:
        return read()
    except CaptureError as error:
        raise CaptureError(f"{path}: {error}") from error
