"""Finds the course's notebooks, and copies them to a folder of the learner's.

A copy remembers what it wrote in `.wslab-course.json` (name to SHA-256), so that a later one can
tell a file that the learner has changed, which is never overwritten, from one that is merely old.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent
MANIFEST = ".wslab-course.json"


class CourseError(Exception):
    """The course cannot be copied; the text says why."""


class Copied(NamedTuple):
    """The result of a copy, by file name: new files, updated ones, and the learner's own, kept."""

    added: list[str]
    updated: list[str]
    kept: list[str]

    def __str__(self) -> str:
        parts = [f"{len(names)} {verb}" for verb, names in self._asdict().items() if names]
        return ", ".join(parts) or "up to date"


def checkout() -> Path | None:
    """The notebooks/ folder of the checkout that this code runs from; None if it is installed."""
    notebooks = PACKAGE.parent / "notebooks"
    return (
        notebooks if notebooks.is_dir() and (PACKAGE.parent / "pyproject.toml").exists() else None
    )


def source() -> Path:
    """The folder with the course's own notebooks: the checkout's or, in a wheel, `wslab/course`.

    Raises CourseError if this installation has none.
    """
    folder = checkout() or PACKAGE / "course"
    if not folder.is_dir():
        raise CourseError(f"this installation of wslab carries no notebooks (expected {folder})")
    return folder


def headings(topic: str) -> Iterator[tuple[str, str]]:
    """For each cell of a topic's notebook: its text, and the headings it stands under.

    These are the last `##` and, if there is one below it, the last `###`, one a line. Yields
    nothing where this installation carries no such notebook.
    """
    try:
        path = next(source().glob(f"[0-9][0-9]_{topic}.ipynb"))
    except (CourseError, StopIteration):
        return
    above: dict[int, str] = {}
    for cell in json.loads(path.read_bytes())["cells"]:
        text = "".join(cell["source"])
        for marks, heading in re.findall(r"^(##|###) (.+)$", text, re.MULTILINE):
            if cell["cell_type"] == "markdown":
                above = {level: one for level, one in above.items() if level < len(marks)}
                above[len(marks)] = heading
        yield text, "\n".join(above.values())


def files(folder: Path) -> Iterator[PurePosixPath]:
    """The names of all course files below a folder, in order, without hidden ones."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            yield PurePosixPath(name.as_posix())


def copy_to(folder: Path) -> Copied:
    """Copy the course into a folder, which is created if needed. Never overwrites changes.

    Raises CourseError if a file stands where the folder should be, or it cannot be written.
    """
    course = source()
    done = Copied([], [], [])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = read_manifest(folder)
        for name in files(course):
            target = folder / name
            ours = (course / name).read_bytes()
            if not target.exists():
                done.added.append(str(name))
            elif digest(theirs := target.read_bytes()) == digest(ours):
                written[str(name)] = digest(ours)
                continue
            elif digest(theirs) == written.get(str(name)):
                done.updated.append(str(name))
            else:
                done.kept.append(str(name))
                continue
            write(target, ours)
            written[str(name)] = digest(ours)
        write(folder / MANIFEST, json.dumps(written, indent=1, sort_keys=True).encode() + b"\n")
    except OSError as error:
        raise CourseError(
            f"cannot write the course to {folder}: {error.strerror or error} ({error.filename}); "
            "name another folder: wslab lab FOLDER"
        ) from error
    return done


def read_manifest(folder: Path) -> dict[str, str]:
    """What an earlier copy wrote; empty if there was none or its list is unreadable."""
    try:
        written = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a full disk must not leave half a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content, in hex."""
    return hashlib.sha256(content).hexdigest()
