"""List every citation with the sentence that it is given for, to be read against its source.

    python tools/citations.py            # all
    python tools/citations.py "§7.4"     # those whose reference or sentence holds this text

Of the notebooks' texts, the exercises, the rules, headers and fields of the wire, the close codes,
the states and the cases. A reference that leads nowhere is an error.
"""

from __future__ import annotations

import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from wslab import exercises  # noqa: E402
from wslab.exercises.exercise import Exercise  # noqa: E402
from wslab.net import cases  # noqa: E402
from wslab.wire import CLOSE_CODES, RULES, Direction, rfc_url  # noqa: E402
from wslab.wire.protocol import connection_state, frames, headers  # noqa: E402

LINK = re.compile(r"\[([^\]]*)\]\((https?://[^)\s]+)\)")
FRAMES: tuple[tuple[Direction, bytes], ...] = (
    ("client", bytes.fromhex("81 85 37fa213d 7f9f4d5158")),
    ("client", bytes.fromhex("c1 05 48656c6c6f")),  # RSV1, and not masked
    ("server", bytes.fromhex("82 7e 00fe") + bytes(254)),
    ("server", bytes.fromhex("a0 80 37fa213d")),  # RSV2, and masked
    ("server", bytes.fromhex("88 02 03e8")),
    ("server", bytes.fromhex("88 00")),
    ("server", bytes.fromhex("89 01 3f")),
    ("client", bytes.fromhex("8a 81 37fa213d 08")),
    ("server", bytes.fromhex("03 00")),
)
"""Frames that between them have every field, and every opcode that is in use."""

SENTENCE = re.compile(r"(?<=[.?!:])\s+(?=[A-Z*`\"(])|\n\n|\n- |\n\|")


class Citation(NamedTuple):
    """A reference, and what it is given for."""

    where: str
    reference: str
    url: str
    sentence: str


def of_notebooks() -> Iterator[Citation]:
    """The links of the lessons' texts, each with the sentence that it stands in or ends."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] != "markdown":
                continue
            before = ""
            for sentence in SENTENCE.split("".join(cell["source"])):
                for text, url in LINK.findall(sentence):
                    # A link in brackets of its own is for the sentence before it.
                    alone = not re.sub(r"[\W\d]|RFC|WHATWG", "", LINK.sub("", sentence))
                    said = f"{before} {sentence}" if alone else sentence
                    words = " ".join(LINK.sub(r"[\1]", said).split())
                    yield Citation(f"{path.stem} {cell['id']}", text, url, words)
                before = sentence


def of_exercises() -> Iterator[Citation]:
    """Those of questions (with the right reply), exercises and mistakes."""
    for info in pkgutil.iter_modules(exercises.__path__):
        module = import_module(f"wslab.exercises.{info.name}")
        for name, question in getattr(module, "QUESTIONS", {}).items():
            said = f"{question.prompt} {question.replies[question.answer]}"
            yield _cited(f"{info.name} question {name}", question.rfc, said)
        for value in vars(module).values():
            if isinstance(value, Exercise):
                yield _cited(f"{info.name} check_{value.name}", value.rfc, value.__doc__ or "")
                for text, mistake in value.mistakes.items():
                    if mistake.rfc:
                        yield _cited(f"{info.name} check_{value.name}", mistake.rfc, text)


def of_the_wire() -> Iterator[Citation]:
    """Those of rules, headers, fields, close codes, states and cases."""
    for name, rule in RULES.items():
        yield _cited(f"rule {name}", rule.rfc, rule.text)
    for known in headers.HEADERS.values():
        for said in dict.fromkeys((known.request, known.response)):
            if not said.startswith("Belongs in"):
                yield _cited(f"header {known.name}", known.rfc, said)
    yield from dict.fromkeys(_of_frames())
    for code in CLOSE_CODES.values():
        yield _cited(f"close code {code.code}", code.rfc, f"{code.name}: {code.meaning}")
    for edge in connection_state.EDGES:
        said = f"{edge.before.name} → {edge.after.name}: {edge.event.value}"
        yield _cited("state", edge.rfc, said)
    for table in (
        cases.FAULTY_CLIENTS,
        cases.FAULTY_SERVERS,
        cases.FAULTY_FRAMES,
        cases.FURTHER_FRAMES,
        cases.OFFENDERS,
        cases.SUBPROTOCOLS,
        cases.EXTENSIONS,
    ):
        for case in table.values():
            yield _cited(f"case {case.name}", case.section, f"{case.what}: {case.why}")


def _of_frames() -> Iterator[Citation]:
    for direction, frame in FRAMES:
        header = frames.header_at(frame, 0)
        payload = frames.frame_payload(frame, 0, header)
        for field in frames.frame_fields(frame, header, direction, payload):
            yield _cited(f"field {field.name}", field.rfc, field.meaning)


def _cited(where: str, reference: str, sentence: str) -> Citation:
    """Raises ValueError where the reference leads nowhere."""
    return Citation(where, reference, rfc_url(reference) if reference else "", sentence)


def all_citations() -> list[Citation]:
    """Every citation, in the order of the lessons."""
    return [*of_notebooks(), *of_exercises(), *of_the_wire()]


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for where, reference, url, sentence in all_citations():
        if wanted in reference or wanted in sentence:
            print(f"{where}\n    {reference}  {url}\n    {sentence}")


if __name__ == "__main__":
    main()
