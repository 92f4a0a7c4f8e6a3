"""What came of a run: as text for people, as JSON and as JUnit's XML for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree as xml

from wslab.conformance.verdict import Verdict, Word
from wslab.wire import Direction
from wslab.wire.accounts import text_pieces

SIGNS: dict[Word, str] = {"pass": "✓", "fail": "✗", "unusual": "≈", "skipped": "–"}


class Report(NamedTuple):
    """The verdicts of a run, in the order of the cases."""

    peer: Direction
    """Whether a server or a client was under test."""
    url: str
    """The server's address, or the one to which the client connected."""
    verdicts: Sequence[Verdict]
    seconds: float

    @property
    def failed(self) -> list[Verdict]:
        """Where a MUST was not kept."""
        return [one for one in self.verdicts if one.word == "fail"]

    @property
    def counts(self) -> dict[Word, int]:
        """How many verdicts there are of each word."""
        found = Counter(one.word for one in self.verdicts)
        return {word: found[word] for word in SIGNS}

    def again(self, verdict: Verdict) -> str:
        """The command that plays one case again."""
        whom = self.url if self.peer == "server" else "--client"
        return f"wslab conform {whom} --only {verdict.case.name}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, *, colour: bool = False) -> Iterator[str]:
        """Each case that did not pass, with its wire where it failed, and the counts.

        The wire is in short: a line for each unit. A run of one case explains each field.
        """
        for one in self.verdicts:
            if one.word != "pass":
                yield self.line(one)
            if one.word == "fail":
                yield from self._wire(one, colour)
        told = ", ".join(f"{count} {word}" for word, count in self.counts.items())
        yield f"{len(self.verdicts)} cases in {self.seconds:.1f} s: {told}"

    def line(self, verdict: Verdict) -> str:
        """A verdict in a line."""
        case = verdict.case
        who = "client" if self.peer == "server" else "server"
        told = f"{SIGNS[verdict.word]} {verdict.word:<7} {case.name}: the {who} {case.what}"
        return told + (f". {verdict.rfc}: {verdict.why}" if verdict.why else "")

    def _wire(self, verdict: Verdict, colour: bool) -> Iterator[str]:
        yield f"    why: {verdict.case.rule}"
        if verdict.capture is not None:
            brief = len(self.verdicts) > 1
            for piece in text_pieces(verdict.capture, colour=colour, brief=brief):
                yield from (f"    {line}" for line in piece.rstrip("\n").split("\n"))
        yield f"    again: {self.again(verdict)}"

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "peer": self.peer,
            "url": self.url,
            "seconds": round(self.seconds, 3),
            "counts": self.counts,
            "cases": [
                {
                    "name": one.case.name,
                    "what": one.case.what,
                    "rule": one.case.rule,
                    "verdict": one.word,
                    "why": one.why,
                    "section": one.rfc,
                    "seconds": round(one.seconds, 3),
                }
                for one in self.verdicts
            ],
        }

    def to_junit(self) -> str:
        """The report as JUnit's XML, which CI systems show."""
        counts = self.counts
        suite = xml.Element(
            "testsuite",
            name=f"wslab conform, {self.peer} at {self.url}",
            tests=str(len(self.verdicts)),
            failures=str(counts["fail"]),
            skipped=str(counts["skipped"]),
            time=f"{self.seconds:.3f}",
        )
        for one in self.verdicts:
            group = one.case.name.partition("-")[0]
            case = xml.SubElement(
                suite, "testcase", classname=group, name=one.case.name, time=f"{one.seconds:.3f}"
            )
            if one.word == "fail":
                fault = xml.SubElement(case, "failure", message=f"{one.rfc}: {one.why}")
                fault.text = "\n".join(self._wire(one, False))
            elif one.word == "skipped":
                xml.SubElement(case, "skipped", message=one.why)
            elif one.word == "unusual":
                xml.SubElement(case, "system-out").text = f"unusual ({one.rfc}): {one.why}"
        return xml.tostring(suite, encoding="unicode", xml_declaration=True)
