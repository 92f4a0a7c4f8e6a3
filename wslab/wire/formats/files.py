"""Recordings on disk: the format of each kind of file, by its name out and by its content in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ..recording.capture import Capture, CaptureError
from . import har, pcapng


class Format(NamedTuple):
    """A way to write a recording down."""

    suffix: str
    name: str
    mime_type: str
    pieces: Callable[[Capture], Iterator[bytes]]
    """The file's content, piece by piece."""


def _json_lines(capture: Capture) -> Iterator[bytes]:
    return (line.encode() for line in capture.json_lines())


def _har(capture: Capture) -> Iterator[bytes]:
    yield har.dumps(capture).encode("utf-8", "replace")


FORMATS: dict[str, Format] = {
    format.suffix: format
    for format in (
        Format(".jsonl", "JSON Lines", "application/jsonl", _json_lines),
        Format(".pcapng", "pcapng for Wireshark", "application/x-pcapng", pcapng.blocks),
        Format(".har", "HAR for DevTools", "application/json", _har),
    )
}
"""What `Capture.save` writes, by the end of the file's name."""


LARGE_FILE = 256 << 20
"""Bytes of a file from which on its recording is kept on disk when it is loaded."""


def save(capture: Capture, path: str | os.PathLike[str]) -> Path:
    """Write a recording; an older file of that name is replaced as a whole.

    Raises ValueError for a name whose end is none of `FORMATS`.
    """
    path = Path(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise ValueError(
            f"expected a name that ends in {', '.join(FORMATS)}, got {path.name!r}: "
            "the end says what is written"
        )
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.writelines(format.pieces(capture))
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    return path


def load(path: str | os.PathLike[str]) -> Capture:
    """Read a recording of any kind, by its content: JSON Lines, HAR, pcap or pcapng.

    Raises CaptureError for anything else, OSError for a file that cannot be read.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        file: BinaryIO = stack.enter_context(path.open("rb"))
        if not file.seekable():
            file = stack.enter_context(copy_of(file))
        start = file.read(4096)
        file.seek(0)
        large = os.fstat(file.fileno()).st_size >= LARGE_FILE
        if start[:4] in pcapng.MAGICS:
            return _named(path, lambda: pcapng.read(file, on_disk=large))
        if not start:
            raise CaptureError(f"{path}: expected a recording, got an empty file")
        text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        if text[:1] != b"{":
            raise CaptureError(
                f"{path}, line 1: expected a line of a wslab capture, a HAR, a pcap or a pcapng; "
                f"the file begins with {start[:16]!r}"
            )
        if _is_ours(text.partition(b"\n")[0]):
            return Capture.load_lines(path, on_disk=large, file=file)
        content = file.read()
    return _named(path, lambda: har.loads(content.decode("utf-8-sig", "replace")))


def copy_of(stream: BinaryIO) -> BinaryIO:
    """A file with what comes through a pipe, which cannot be read twice. Close it."""
    copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115
    try:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy


def _is_ours(line: bytes) -> bool:
    """Whether it is the first line of a capture. A HAR on one line may name us inside of it."""
    try:
        return "wslab" in json.loads(line)
    except (ValueError, RecursionError):
        return False  # a longer line than any head


def _named(path: Path, read: Callable[[], Capture]) -> Capture:
    try:
        return read()
    except CaptureError as error:
        raise CaptureError(f"{path}: {error}") from error
