"""Each input that people who debug WebSocket had gives its right answer: the table is `answers.py`.

The inputs rebuild what public bug reports show. They are read as a user gives them: a file, a pair
of files, or pasted text, which may be typed behind `--hex`, saved, or come from standard input.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wslab.wire import Capture, CaptureError, load, load_pasted, load_streams
from wslab.wire.accounts import json_pieces, text_pieces

from .answers import ANSWERS, IN_CLEAR, KEPT, Answer

HERE = Path(__file__).parent
INPUTS = HERE / "inputs"


def of_file(name: str) -> Capture:
    """The recording of an input, from its file or its pair of files."""
    if (INPUTS / name).exists():
        return load(INPUTS / name)
    client, server = (INPUTS / f"{name}.{side}" for side in ("client", "server"))
    with client.open("rb") as sent, server.open("rb") as answered:
        return load_streams(sent, answered)


def of_hex(name: str) -> Capture:
    """The recording of an input that is pasted behind --hex."""
    return load_pasted((INPUTS / name).read_text())


def of_standard_input(name: str) -> Capture:
    """The recording of an input that a pipe brings, which cannot be read twice."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb") as pipe:
        pipe.write((INPUTS / name).read_bytes())
    try:
        return load(f"/dev/fd/{ours}")
    finally:
        os.close(ours)


def account(capture: Capture) -> str:
    """The text of a recording, with one space for any white space, as it is wrapped."""
    return " ".join("".join(text_pieces(capture)).split())


def told(capture: Capture) -> dict:
    return json.loads("".join(json_pieces(capture)))


def units(found: dict) -> str:
    """The units in a line: `request> <response`."""
    arrow = {"client": "{}>", "server": "<{}"}
    return " ".join(arrow[unit["direction"]].format(unit["kind"]) for unit in found["units"])


def messages(found: dict, direction: str) -> tuple[str, ...]:
    return tuple(
        message["text"] if "text" in message else message["hex"]
        for message in found["messages"]
        if message["direction"] == direction
    )


def names() -> Iterator[str]:
    """The inputs of the folder: a pair is one."""
    for path in sorted(INPUTS.rglob("*")):
        if path.is_file() and path.suffix != ".server" and path.name != ATTACHED:
            yield path.relative_to(INPUTS).as_posix().removesuffix(".client")


ATTACHED = "d35cbe4c740492499ac1c2a33929367e.jsonl"
"""Beside a HAR that names it: no input of its own."""


def answers(chosen: dict[str, Answer]) -> list:
    """A case for each answer; what is not built yet has to fail."""
    return [
        pytest.param(
            name,
            answer,
            marks=[pytest.mark.xfail(reason=answer.todo, strict=True)] if answer.todo else [],
            id=name,
        )
        for name, answer in chosen.items()
    ]


PASTED = {name: answer for name, answer in ANSWERS.items() if name.startswith(("hex_", "tshark_"))}


def judge(read: Callable[[str], Capture], name: str, answer: Answer) -> None:
    """Hold the account of an input, as text and as JSON, against its answer."""
    if answer.refused:
        with pytest.raises(CaptureError) as refused:
            read(name)
        said = " ".join(str(refused.value).split())
        found = None
    else:
        capture = read(name)
        said, found = account(capture), told(capture)
    assert [piece for piece in answer.says if piece not in said] == [], said
    assert [piece for piece in answer.never if piece in said] == [], said
    if found is not None:
        assert answer.units in (None, units(found))
        assert answer.client in (None, messages(found, "client"))
        assert answer.server in (None, messages(found, "server"))


def test_every_input_has_an_answer_and_every_answer_an_input():
    assert set(names()) == {*ANSWERS, *KEPT}


@pytest.mark.parametrize(("name", "answer"), answers(ANSWERS))
def test_the_account_gives_the_right_answer(name, answer):
    judge(of_file, name, answer)


@pytest.mark.parametrize("read", [of_hex, of_standard_input])
@pytest.mark.parametrize(("name", "answer"), answers(PASTED))
def test_what_is_pasted_is_read_the_same_from_wherever_it_comes(name, answer, read):
    judge(read, name, answer)


@pytest.mark.parametrize("name", KEPT)
def test_an_account_that_was_right_stays_so_word_for_word(name):
    kept = (HERE / "accounts" / f"{name.removesuffix('.txt')}.txt").read_text()
    assert "".join(text_pieces(of_file(name))) == kept


@pytest.mark.parametrize("name", IN_CLEAR)
def test_no_account_holds_the_secret(name):
    path = INPUTS / name if (INPUTS / name).exists() else INPUTS / f"{name}.client"
    secret = re.search(IN_CLEAR[name], path.read_bytes())[1].decode()
    capture = of_file(name)
    whole = "".join(text_pieces(capture)) + "".join(json_pieces(capture))
    assert secret not in whole
    assert "***" in whole


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (
            ["--client", "d4_php_warning.client", "--server", "d4_php_warning.server"],
            "d4_php_warning",
        ),
        (["pc_vxlan.pcap"], "pc_vxlan.pcap"),
        (["-"], "hex_xxd.txt"),
        (["netlog.json"], "netlog.json"),
    ],
)  # fmt: skip
def test_the_command_gives_the_same_answer(arguments, name):
    given = (INPUTS / name).read_bytes() if arguments == ["-"] else b""
    ran = subprocess.run(
        [sys.executable, "-m", "wslab", "explain", *arguments],
        input=given, capture_output=True, cwd=INPUTS, timeout=60, check=False,
    )  # fmt: skip
    answer = ANSWERS[name]
    said = " ".join((ran.stderr if answer.refused else ran.stdout).decode().split())
    assert ran.returncode == (2 if answer.refused else 0)
    assert [piece for piece in answer.says if piece not in said] == []
    assert [piece for piece in answer.never if piece in said] == []
