"""The exercises of the secure websockets lesson: a question, and a function to write."""

from __future__ import annotations

from wslab.exercises.exercise import Exercise, Solutions
from wslab.exercises.question import Question
from wslab.wire import encode_frame

QUESTIONS = {
    "letters": Question(
        "Hello and Grüße have five letters each. Which of them is longer on the wire?",
        ("Hello", "Grüße", "Neither"),
        1,
        (
            "Its letters take one byte each, and that is the least.",
            "In UTF-8 ü and ß take two bytes each.",
            "The wire carries bytes, not letters.",
        ),
        "RFC 6455 §5.6",
    ),
}
"""By name; `lab.ask(name)` shows one."""

check_size = Exercise(
    "size",
    "Whether `size(text)` gives the bytes that a client's frame of a short text takes.",
    cases=[("",), ("Hello",), ("Grüße",)],
    expected=lambda text: len(encode_frame(1, text.encode(), masking_key=bytes(4))),
    mistakes={
        "These are characters: in UTF-8 one takes 1 to 4 bytes.": lambda text: 6 + len(text),
        "A client's frame has the masking key as well, 4 bytes.": lambda text: (
            2 + len(text.encode())
        ),
    },
    hints=(
        "three parts: two bytes, the masking key, the text in UTF-8.",
        "text.encode() gives the bytes, and len(...) counts them.",
    ),
    rfc="RFC 6455 §5.2",
    praise="whatever the letters are.",
    solution="""\
def size(text):
    return 2 + 4 + len(text.encode())
""",
)


SOLUTIONS = Solutions(check_size)

solution = SOLUTIONS.show
