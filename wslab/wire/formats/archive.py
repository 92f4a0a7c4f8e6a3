"""Files that another file holds or names: a compressed file, an archive, the files beside a HAR.

What somebody sends may be a bomb, of which a megabyte unpacks to a gigabyte, and a name in it may
lead to any file of the machine. So how much is unpacked is bounded, and names stay in the folder.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ..recording.log import CaptureError

GZIP, ZIP = b"\x1f\x8b\x08", (b"PK\x03\x04", b"PK\x05\x06")
"""How a file of gzip begins, and a ZIP archive, also an empty one."""

TIMES = 20
"""How many times its own size a compressed file may unpack to; but `FREE` bytes always."""
FREE = 4 << 20
MOST_MEMBERS = 10_000
"""The most files of an archive, each of which costs memory before anything is unpacked."""

MOST_BESIDE = 256 << 20
"""The bytes of the largest file beside a HAR that is read."""


def most(size: int) -> int:
    """The bytes to which a compressed file of `size` bytes may unpack."""
    return FREE + TIMES * size


def gunzip(data: bytes) -> bytes:
    """Unpack a file of gzip (RFC 1952), also of several members, one behind the other.

    Raises CaptureError for one that is damaged or unpacks to more than `most`.
    """
    left = most(len(data))
    for part in _unpacked(data):  # a first time to count, as a bomb must not be held
        left -= len(part)
        if left < 0:
            raise CaptureError("it unpacks to more than wslab reads: unpack it with gunzip FILE")
    return b"".join(_unpacked(data))


def _unpacked(data: bytes) -> Iterator[bytes]:
    some = False
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        try:
            while part := file.read(1 << 16):
                some = True
                yield part
        except (OSError, EOFError, zlib.error) as error:
            if not some:  # else it was cut, or something stands behind it: what is there is read
                raise CaptureError(f"expected a file of gzip, which is damaged: {error}") from error


class Archive:
    """A ZIP archive with a HAR and the files that it names, as Playwright saves it, or one file."""

    def __init__(self, data: bytes) -> None:
        """Raises CaptureError for an archive that is damaged or too large, or holds several."""
        if data.count(b"PK\x01\x02") > MOST_MEMBERS:
            raise CaptureError("the archive has too many files: unpack it, and give the HAR in it")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise CaptureError(f"expected a ZIP archive, which is damaged: {error}") from error
        self._left = most(len(data))
        # macOS adds a file of its own for each.
        names = [n for n in self._zip.namelist() if n[-1:] != "/" and not n.startswith("__MACOSX/")]
        hars = [name for name in names if name.lower().endswith(".har")]
        self.has_har = bool(hars)
        if len(hars or names) != 1:
            inside = ", ".join(repr(name[:60]) for name in (hars or names)[:8])
            raise CaptureError(
                f"expected an archive with one .har, got {len(hars)} in {inside or 'nothing'}: "
                "unpack it with unzip FILE, and give the file that is meant"
            )
        (self._name,) = hars or names

    def content(self) -> bytes:
        """The HAR, or the one file that is there."""
        return self._read(self._name)

    def beside(self, name: str) -> bytes:
        """The file `name` in the HAR's folder."""
        return self._read(self._name[: self._name.rfind("/") + 1] + name)

    def _read(self, name: str) -> bytes:
        try:
            size = self._zip.getinfo(name).file_size
            if size > self._left:
                raise CaptureError("it unpacks to more than wslab reads: unpack it with unzip FILE")
            with self._zip.open(name) as file:
                data = file.read(size)  # with a bound, as the size may be a lie
        except KeyError:
            raise CaptureError("the archive has no such file") from None
        except CaptureError:
            raise
        except (
            zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError,
            ValueError,
        ) as error:  # fmt: skip
            raise CaptureError(f"{name[:80]!r} cannot be unpacked: {error}") from error
        self._left -= len(data)
        return data


def beside(path: Path) -> Callable[[str], bytes]:
    """A function that reads a file in the folder of `path`, by its name, once.

    It raises CaptureError for a name that leads to no file there, and OSError for one that cannot
    be read.
    """
    folder, read = path.resolve().parent, set[Path]()

    def read_beside(name: str) -> bytes:
        try:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder) or not file.is_file():
                raise CaptureError("there is no such file in its folder")
        except CaptureError:
            raise
        except (ValueError, RuntimeError) as error:  # a NUL in the name, or links in a circle
            raise CaptureError("this is no name of a file") from error
        if file.stat().st_size > MOST_BESIDE:
            raise CaptureError("it is larger than 256 MiB")
        if file in read:
            raise CaptureError("another entry named it already")
        read.add(file)
        return file.read_bytes()

    return read_beside
