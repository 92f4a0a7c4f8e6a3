"""The exercises of the lesson on HTTP against WebSocket: pollers, and streams of events."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question

QUESTIONS = {
    "wait": Question(
        "A poller asks once a second. A message is published at some moment. How long does it "
        "take to arrive, usually?",
        (
            "Next to nothing: the network is fast",
            "Half a second, and a whole one at most",
            "One second",
        ),
        1,
        (
            "The network is fast, but nobody asks before the next second.",
            "It waits for the next question: sometimes hardly at all, sometimes nearly a second.",
            "That is the worst case. Most messages are published somewhere between two questions.",
        ),
        "RFC 6202 §2.1",
    ),
    "heads": Question(
        "What makes a short message expensive for a poller?",
        (
            "The message is sent as JSON",
            "Each request opens a TCP connection",
            "Each request and each response has a head, and cookies come with each request",
        ),
        2,
        (
            "The other ways send the same JSON.",
            "It does not: HTTP/1.1 keeps the connection. Look at the wire, all is on one.",
            "The heads are many times as long as the message, and say the same every time.",
        ),
        "RFC 9110 §6.3",
    ),
    "cancel": Question(
        "A page that reads words over server-sent events calls close(). What is the server told?",
        (
            "That the reader has cancelled",
            "That the connection has ended, and not why",
            "Nothing, and it never finds out",
        ),
        1,
        (
            "An event stream goes one way: the page has no means to say anything in it.",
            "A cable that was pulled and a tab that was closed look alike. Is the answer to be "
            "made to its end, or not? Either may be wrong.",
            "TCP tells it that the connection has ended.",
        ),
        "WHATWG: server-sent events",
    ),
    "choose": Question(
        "A dashboard shows 20 numbers, which change once a minute. It only reads. A proxy on the "
        "way knows nothing but HTTP. Which way fits best?",
        (
            "A WebSocket: it needs the fewest bytes for each message",
            "Server-sent events: one request, and reconnecting is built in",
            "Polling ten times a second, so that nothing is late",
        ),
        1,
        (
            "It does, but the proxy may not let it pass, nobody writes back, and reconnecting "
            "would be for you to write.",
            "It is plain HTTP, goes one way, and costs nothing while nothing happens.",
            "That is 600 requests for each change.",
        ),
        "WHATWG: server-sent events",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Predict: when does a poller see it

_PUBLISHED, _INTERVAL = (3, 9, 10.5, 21), 10


def _seen(published: float) -> int:
    return int(-(-published // _INTERVAL) * _INTERVAL)


check_arrivals = Exercise(
    "arrivals",
    "Whether these are the four times at which the messages arrive, in seconds.",
    expected=lambda *_: [_seen(one) for one in _PUBLISHED],
    mistakes={
        "These are the times of publishing: nobody polls at these moments.": Mistake(
            lambda *_: list(_PUBLISHED), "when is the next poll after second 3?"
        ),
        "This is how long each message waits. When does it arrive?": Mistake(
            lambda *_: [_seen(one) - one for one in _PUBLISHED],
            "add the time at which it was published.",
        ),
        "A message does not wait a whole interval: the next poll may come sooner.": Mistake(
            lambda *_: [one + _INTERVAL for one in _PUBLISHED],
            "the poller's clock does not start again with each message.",
        ),
        "The poll before it cannot bring it: it was not published yet.": Mistake(
            lambda *_: [_seen(one) - _INTERVAL for one in _PUBLISHED],
            "take the first poll after it was published.",
        ),
        "Not the nearest poll: it must come after the message.": Mistake(
            lambda *_: [_INTERVAL * round(one / _INTERVAL) for one in _PUBLISHED],
            "at second 0, did anybody know of the message of second 3?",
        ),
    },
    hints=(
        "at which seconds does the poller ask?",
        "it asks at 0, 10, 20, 30 …; each message waits for the next of these.",
        "the first two come together, at second 10.",
    ),
    rfc="RFC 6202 §2.1",
    wrong="the messages arrive at other times.",
    praise="each message waits for the next poll, and two of them come with the same answer.",
)

# --- Trace: what is an event in a chunked stream

STREAM = (
    b"1b\r\nid: 7\ndata: Hello\ndata: wor\r\n"
    b"11\r\nld\n\n: keep going\n\r\n"
    b"17\r\nid: 8\ndata: 12\n\ndata: 3\r\n"
    b"0\r\n\r\n"
)
"""A body in chunks: one event over two of them, a comment, a second event, and one cut off."""

check_trace = Exercise(
    "trace",
    "Whether this is what the page's `onmessage` is told: a list with the text of each event.",
    expected=lambda *_: ["Hello\nworld", "12"],
    mistakes={
        "A chunk is no event: it may end within a line. First put the chunks together.": Mistake(
            lambda *_: ["Hello\nwor", "ld", "12"], "which line is cut in two?"
        ),
        "Only an empty line ends an event: several data lines belong to one message.": Mistake(
            lambda *_: ["Hello", "world", "12"], "join the data lines of one event."
        ),
        "The last event has no empty line after it: the page is never told.": Mistake(
            lambda *_: ["Hello\nworld", "12", "3"],
            "what does the standard say about an event that the end of the stream cuts off?",
        ),
        "Between two data lines of one event there is a line end.": Mistake(
            lambda *_: ["Helloworld", "12"], r"write \n where the next data line begins."
        ),
        "A line that begins with a colon is a comment: the page is not told.": Mistake(
            lambda *_: ["Hello\nworld", "keep going", "12"], "leave the comment out."
        ),
        "One space after the colon belongs to the syntax, not to the text.": Mistake(
            lambda *_: [" Hello\n world", " 12"], "take one space off the start of each value."
        ),
    },
    hints=(
        "leave out the sizes of the chunks, and put the rest together.",
        "an empty line ends an event. How many of them come after data?",
        r'two events; the first has two data lines, so its text is "…\n…".',
    ),
    rfc="WHATWG: server-sent events",
    wrong="the page is told other texts.",
    praise="chunks are how the body travels; empty lines are what makes it events.",
)

# --- Bug hunt: a poller that loses and doubles

_PAGE = 3
"""The most messages of an answer."""

Ask = Callable[[int], list[int]]


class _Poller:
    """The right one; those of the mistakes change one thing each."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.after = 0

    def poll(self) -> list[int]:
        numbers = self.ask(self.after)
        self.after = self.next(numbers)
        return numbers

    def next(self, numbers: list[int]) -> int:
        return max(numbers, default=self.after)


class _BeginsAgain(_Poller):
    def next(self, numbers: list[int]) -> int:
        return max(numbers, default=0)


class _Counts(_Poller):
    def next(self, numbers: list[int]) -> int:
        return self.after + len(numbers)


class _Stays(_Poller):
    def next(self, numbers: list[int]) -> int:
        return self.after


class _IsOneTooFar(_Poller):
    def next(self, numbers: list[int]) -> int:
        return super().next(numbers) + 1


class _TakesTheFirst(_Poller):
    def next(self, numbers: list[int]) -> int:
        return min(numbers, default=self.after)


class _KeepsOnlyOne(_Poller):
    def poll(self) -> list[int]:
        return super().poll()[-1:]


def _polls() -> list[tuple[list[list[int]]]]:
    """What is published before each poll: numbers that only grow, with gaps."""
    rng = random.Random()
    cases: list[tuple[list[list[int]]]] = [
        # In the first ones a single mistake shows at a time.
        ([[1], [2], [3]],),
        ([[1, 2], [], [3]],),
        ([[4, 5], [6, 9], []],),
        ([[1, 2, 3, 4, 5], [6], []],),
    ]
    for _ in range(20):
        number, rounds = 0, []
        for _ in range(6):
            rounds.append(
                [number := number + rng.choice((1, 1, 2)) for _ in range(rng.choice((0, 1, 2, 3)))]
            )
        cases.append(([*rounds, [], [], [], [], []],))
    return cases


def _poll_all(poller: Callable[[Ask], Any], rounds: list[list[int]]) -> Any:
    published: list[int] = []
    one, got = poller(lambda after: [n for n in published if n > after][:_PAGE]), []
    for new in rounds:
        published += new
        found = one.poll()
        if found is ...:
            return ...
        got.append(list(found))
    return got


_LAST = "remember the number of the last message that came, and keep it where none came."

check_poller = Exercise(
    "poller",
    "Whether `Poller(ask).poll()` gets each message once, whatever is published between polls.",
    cases=_polls,
    use=_poll_all,
    expected=_Poller,
    mistakes={
        "After an empty answer it begins at 0 again, and everything comes a second time.": Mistake(
            _BeginsAgain, _LAST
        ),
        "It counts messages. Their numbers have gaps: some were taken back.": Mistake(
            _Counts, "the number stands in the message: do not count, look."
        ),
        "It never remembers anything, so it gets the first ones for ever.": Mistake(_Stays, _LAST),
        "The number that it asks with is one too high: the next message is lost.": Mistake(
            _IsOneTooFar, "ask(7) gives the messages from 8 on."
        ),
        "It remembers the first message of an answer, and gets the others again.": Mistake(
            _TakesTheFirst, "which of the numbers of an answer is the last?"
        ),
        "It gives back one message of an answer that may have several.": Mistake(
            _KeepsOnlyOne, "return all that came."
        ),
    },
    hints=(
        "what does `after` become if nothing was published since the last poll?",
        _LAST,
        "max(numbers, default=self.after)",
    ),
    rfc="RFC 6202 §2.1",
    call=lambda rounds: f"polling after each of {rounds}",
    wrong=lambda rounds: (
        "with these messages published before each poll: "
        f"{', '.join(str(one) for one in rounds[:5])}{' …' * (len(rounds) > 5)}."
    ),
    praise="{count} feeds, and each message came once.",
    solution="""\
class Poller:
    def __init__(self, ask):
        self.ask = ask
        self.after = 0

    def poll(self):
        numbers = self.ask(self.after)
        self.after = max(numbers, default=self.after)
        return numbers
""",
)

# --- Build: a reader of event streams


def _events(
    stream: str, *, joined: str = "\n", colon: str = ":", space: bool = True, kept: bool = True,
    unfinished: bool = False, empty: bool = False, comments: bool = False, strip: bool = False,
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """The events of a stream; the mistakes change one thing each."""
    number, data = "", []
    for line in stream.split("\n"):
        name, _, value = line.partition(colon)
        if strip:
            value = value.strip()
        elif space:
            value = value.removeprefix(" ")
        if name == "data" or (comments and not name and line):
            data.append(value)
        elif name == "id":
            number = value
        elif not line:
            if data or empty:
                yield number, joined.join(data)
            data, number = [], number if kept else ""
    if unfinished and data:
        yield number, joined.join(data)


def _as(**changes: Any) -> Callable[[str], list[tuple[str, str]]]:
    return lambda stream: list(_events(stream, **changes))


def _line_by_line(stream: str) -> list[tuple[str, str]]:
    number, found = "", []
    for line in stream.split("\n"):
        name, _, value = line.partition(":")
        number = value.strip() if name == "id" else number
        if name == "data":
            found.append((number, value.removeprefix(" ")))
    return found


def _streams() -> list[tuple[str]]:
    rng = random.Random()
    cases = [
        # In the first ones a single mistake shows at a time.
        ("id: 1\ndata: Hello\n\n",),
        ("id: 1\ndata: one\ndata: two\n\n",),
        ("id: 1\ndata: a\n\ndata: b\n\n",),
        ("id:1\ndata:close by\n\n",),
        ("id: 1\ndata:   drawn in \n\n",),
        (": are you there?\n\nid: 2\ndata: yes\n\n",),
        (": hm\nid: 3\ndata: yes\n\n",),
        ("id: 1\ndata: whole\n\nid: 2\ndata: cut o",),
        ('id: 4\ndata: {"a": 1}\n\n',),
    ]
    lines = ("data: a", "data: b c", "data:c", ": hm", "id: 5", "id: 6", "", "")
    return cases + [
        ("\n".join([*rng.choices(lines, k=12), "data: end", "", ""]),) for _ in range(20)
    ]


check_events = Exercise(
    "events",
    "Whether `events(stream)` gives the pairs of id and text that a page is told.",
    cases=_streams,
    expected=_as(),
    mistakes={
        "Each data line became an event. Only an empty line ends one.": Mistake(
            _line_by_line, "collect the data lines, and look for the empty line."
        ),
        "Between two data lines of one event there is a line end.": Mistake(
            _as(joined=""), r'"\n".join(data)'
        ),
        "One space after the colon is syntax, and the text begins after it.": Mistake(
            _as(space=False), 'value.removeprefix(" ")'
        ),
        "The space after the colon may be missing.": Mistake(
            _as(colon=": "), 'partition(":"), and then value.removeprefix(" ").'
        ),
        "Only one space belongs to the syntax: all others are text.": Mistake(
            _as(strip=True), 'value.removeprefix(" ") takes one, strip() takes all.'
        ),
        "An id stays until another one comes, also for events that have none.": Mistake(
            _as(kept=False), "do not reset the id after an event."
        ),
        "An event without data is none: an empty line alone tells nobody anything.": Mistake(
            _as(empty=True), "at an empty line, ask first whether there is any data."
        ),
        "What the end of the stream cuts off is no event.": Mistake(
            _as(unfinished=True), "after the loop there is nothing left to do."
        ),
        "A line that begins with a colon is a comment, and no data.": Mistake(
            _as(comments=True), "its name is empty: leave it out."
        ),
    },
    hints=(
        "go through the lines; keep the id, and the data lines since the last empty line.",
        'name, _, value = line.partition(":"), and then take one space off the value.',
        r"at an empty line: if there is data, append (id, '\n'.join(data)), and begin a new list.",
    ),
    rfc="WHATWG: server-sent events",
    praise="{count} streams: what a browser's EventSource does with each.",
    solution="""\
def events(stream):
    found = []
    id, data = "", []
    for line in stream.split("\\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            id = value
        elif name == "data":
            data.append(value)
        elif line == "":
            if data:
                found.append((id, "\\n".join(data)))
            data = []
    return found
""",
)

SOLUTIONS = Solutions(check_poller, check_events)

solution = SOLUTIONS.show
