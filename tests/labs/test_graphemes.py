"""What the chat lesson takes for one character: the standard's examples, and Node's segmenter."""

from __future__ import annotations

import json
import random
import subprocess

import pytest
import regex

from wslab.net.node import find_node


def graphemes(text: str) -> list[str]:
    return regex.findall(r"\X", text)


@pytest.mark.parametrize(
    "cluster",
    [
        "a", "e\u0301", "\r\n", "👍🏽", "👨\u200d👩\u200d👧\u200d👦", "🇩🇪", "❤\ufe0f",
        "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "한",
        "\u1112\u1161\u11ab",
        "กำ", "नि",
    ],
)  # fmt: skip
def test_one_to_a_reader(cluster):
    assert graphemes(cluster) == [cluster]
    assert graphemes(f"x{cluster}x")[1:-1] == [cluster]


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("abc", 3), ("\n\r", 2), ("🇩🇪🇫🇷", 2), ("🇩🇪🇫", 2), ("a\u200d👦", 2)]
)
def test_counting(text, count):
    assert len(graphemes(text)) == count


POOL = (
    "aZ 1éeß日\r\n\0\u0301\u0308\u200c\u200d\u202e\u20e3\ufe0f"
    "👩👨👧👦❤🏽🇩🇪🇫🇷🙂🏴\U000e0067\U000e007f"
    "한가\u1112\u1161\u11abไำนि©™☂न"
)
SEGMENT = """
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const texts = JSON.parse(require("fs").readFileSync(0));
const split = (text) => [...segmenter.segment(text)].map((piece) => piece.segment);
console.log(JSON.stringify(texts.map(split)));
"""


def test_any_text_as_node_does_it():
    rng = random.Random(29)
    texts = ["".join(rng.choices(POOL, k=rng.randint(1, 12))) for _ in range(3000)]
    answer = subprocess.run(
        [find_node().node, "-e", SEGMENT],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    for text, pieces in zip(texts, json.loads(answer.stdout), strict=True):
        assert graphemes(text) == pieces, ascii(text)
