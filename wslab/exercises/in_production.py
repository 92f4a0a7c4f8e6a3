"""The exercises of the in production lesson: a question, and a function to write."""

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
    # --- HTTP/2, WebTransport, a million connections
    "one_connection": Question(
        "Two WebSockets share one HTTP/2 connection. On the way a packet is lost, with a message "
        "of the first socket in it. What becomes of the second socket's messages behind it?",
        (
            "They arrive at once: these are two streams",
            "They wait until the packet has been sent again",
            "They are lost as well",
        ),
        1,
        (
            "To HTTP/2, yes. TCP below knows only one stream of bytes, and it delivers in order.",
            "TCP hands over no byte before those in front of it. This is head-of-line blocking.",
            "TCP sends again what was lost; nothing is missing in the end.",
        ),
        "RFC 9114 §2",
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
