"""The exercises of the rate limiting lesson: where bytes wait, how many, and who lets them in."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.learner_server import Door, served
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved

QUESTIONS = {
    "first": Question(
        "A program sends faster than the other one reads. Where does the first message that "
        "nobody has read yet wait?",
        (
            "In the sender's program: send() waits until the reader is ready",
            "In the network, between the two systems",
            "Close to the reader: in its library, or in its system",
            "Nowhere: a WebSocket drops what is not read",
        ),
        2,
        (
            "It waits later, when everything else is full. The first message meets no obstacle.",
            "A cable holds next to nothing. What waits lies in the memory of one side.",
            "It goes as far as it can. The waiting begins at the reader, and grows back from "
            "there.",
            "TCP delivers every byte or ends the connection: nothing is left out on the way.",
        ),
        "RFC 9293 §3.8.6",
    ),
    "loop": Question(
        "A page calls send() 500 times in a loop, with 16,384 bytes each time. What does "
        "bufferedAmount say in the line after the loop?",
        (
            "0: the network is fast",
            "8,192,000: all of it",
            "Something in between, different each time",
            "More than 8,192,000, as each frame has a header and a key",
        ),
        1,
        (
            "It is, but while your script runs nothing is taken off.",
            "What leaves while the script runs still counts until the script has returned.",
            "That is so a moment later. During the script the number only grows.",
            "It counts what you gave to send(): headers and keys are not in it.",
        ),
        "WHATWG: bufferedAmount",
    ),
    "zero": Question(
        "A moment later bufferedAmount is 0. What do you know now?",
        (
            "The other program has the message",
            "The other system has the bytes",
            "The browser has handed the bytes on; nothing more",
        ),
        2,
        (
            "Only an answer that the other program writes could tell you that.",
            "Not even that: they may wait in your own system, or in a proxy on the way.",
            "They are out of the browser's own queue. Where they wait now, it does not say.",
        ),
        "WHATWG: bufferedAmount",
    ),
    "neighbour": Question(
        "A server needs 1 ms for each message. One client sends 800 messages at once, and a "
        "second client sends one. How long may the second one wait?",
        (
            "About 1 ms: each client has a connection of its own",
            "About 2 ms: the two take turns",
            "Hundreds of milliseconds",
        ),
        2,
        (
            "The connections are separate, the program behind them is one.",
            "So it would be if the server took one from each. It takes what was read, and much "
            "was read in one piece.",
            "All that lay ready from the first client is worked on before the server looks at "
            "another connection. Closing it with 1008 is the remedy.",
        ),
        "RFC 6455 §7.4.1",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Predict: in which order the places fill

_BACK = "backpressure begins at the reader, and walks back to the sender."

check_order = Exercise(
    "order",
    "Whether the four letters are in the order in which the places fill up.",
    expected=lambda *_: "DCBA",
    mistakes={
        "That is the way of a byte. As long as there is room further on, nothing waits on it.": (
            Mistake(lambda *_: "ABCD", "where is the first byte that cannot go on?")
        ),
        "The reader's system hands bytes on as long as the reader's library has room.": Mistake(
            lambda *_: "CDBA",
            "the program is slow, the library is not: which of the two fills first?",
        ),
        "The sender's library hands bytes on as long as the sender's system has room.": Mistake(
            lambda *_: "DCAB", "which of the two is nearer to the reader?"
        ),
        "The two systems: the sender's sends as long as the reader's has announced room.": Mistake(
            lambda *_: "DBCA",
            "TCP's window tells the sender's system how much room the reader's has.",
        ),
    },
    hints=(
        "look at the chart: which band is there first, and which one last?",
        _BACK,
        "start with the place nearest to the reader's program, and go back towards the sender.",
    ),
    rfc="RFC 9293 §3.8.6",
    read=lambda value: re.sub(r"[\s,>-]", "", value).upper() if isinstance(value, str) else value,
    wrong="{what} is another order.",
    praise="the waiting begins next to the reader and grows back to the sender.",
)

# --- Trace: read bufferedAmount

_AMOUNTS = [0, 5, 12, 1012, 0]


check_amounts = Exercise(
    "amounts",
    "Whether these are the five numbers that the page prints, A to E.",
    expected=lambda *_: _AMOUNTS,
    mistakes={
        "These count characters. bufferedAmount counts bytes, and ü and ß take two each.": Mistake(
            lambda *_: [0, 5, 10, 1010, 0], 'how many bytes is "Grüße" in UTF-8?'
        ),
        "These are whole frames. Headers and keys are not counted: only what you gave to send().": (
            Mistake(lambda *_: [0, 11, 24, 1032, 0], "leave out what the protocol adds.")
        ),
        "Nothing is taken off while the script runs: until it returns, the number only grows.": (
            Mistake(
                lambda *_: [0, 5, 7, 1000, 0], "B, C and D belong to the same run of the script."
            )
        ),
        "Half a second later the browser has long handed it on.": Mistake(
            lambda *_: [0, 5, 12, 1012, 1012], "what is E, if nothing waits any more?"
        ),
        "bufferedAmount counts what waits, and not what is free.": Mistake(
            lambda *_: [0, 0, 0, 0, 0], "A is right; what has send() accepted by B?"
        ),
    },
    hints=(
        "five numbers, one for each letter: how many bytes has send() been given by then?",
        "text counts as UTF-8; nothing is taken off before the script returns.",
        "A is 0, B is 5, C is 5 more and 2 for ü and ß.",
    ),
    rfc="WHATWG: bufferedAmount",
    wrong="the page prints other numbers.",
    praise="bytes of what was given to send(), in UTF-8, and nothing else.",
)

# --- Bug hunt: a pump that holds little

_COUNT, _SIZE = 100, 8192
_LIMIT = 64 * 1024
"""Bytes that the pump may let wait, says its task."""
_MOST = 4 * _LIMIT
"""Bytes with which it still counts as a pump that minds them."""

Pump = Callable[[ServerConnection, list[bytes]], Awaitable[None]]


async def _slow_visit(door: Door, held: list[int], done: asyncio.Event) -> Verdict:
    client = await door.come_in(stuck=True)
    came: list[bytes] = []
    in_time = True
    try:
        async with asyncio.timeout(3):
            while len(came) < _COUNT:
                came.append(await client.recv(decode=False))
                await asyncio.sleep(0.002)
    except TimeoutError:
        in_time = False
    except (ConnectionClosed, TypeError):
        pass
    most, numbers = max(held, default=0), [int.from_bytes(one[:2], "big") for one in came]
    if most > _MOST:
        return not_yet(
            f"{most:,} bytes waited in the server's memory: nearly all that there was to send.",
            misconception="It asks once, before anything is sent, and then never again.",
            hint="ask before each message: put the question inside the loop.",
        )
    if numbers != sorted(set(numbers)):
        return not_yet(
            "the messages came in another order, or more than once.",
            hint="send each message once, in the order of the list.",
        )
    if done.is_set() and len(came) < _COUNT:
        return not_yet(
            f"{len(came)} of {_COUNT} messages arrived; the others were never sent.",
            misconception="Where there is no room, the message is left out. TCP loses nothing, "
            "and this does.",
            hint="while there is no room, wait a moment and ask again: await asyncio.sleep(0.01).",
        )
    if not in_time:
        return not_yet(
            f"after 3 seconds {len(came)} of {_COUNT} messages had arrived: the reader had to wait "
            "for the sender.",
            misconception="It lets everything drain, or pauses after each message. A little should "
            "always be on its way.",
            hint="wait only while more than 65,536 bytes are waiting, and only 0.01 s at a time.",
        )
    if len(came) < _COUNT:
        return not_yet(
            f"the connection ended after {len(came)} of {_COUNT} messages.",
            hint="for each message: wait while there is no room, and then send it.",
        )
    return solved(
        f"all {_COUNT} messages arrived in order, and at most {most:,} bytes waited in memory. "
        "(await connection.send(message) does the same in one line.)"
    )


def _pumped(pump: Any) -> Verdict:
    held: list[int] = []
    done = asyncio.Event()
    messages = [number.to_bytes(2, "big") * (_SIZE // 2) for number in range(_COUNT)]

    async def handler(connection: ServerConnection) -> None:
        write = connection.transport.write

        def count(data: bytes) -> None:
            write(data)
            held.append(connection.transport.get_write_buffer_size())

        connection.transport.write = count  # type: ignore[method-assign,assignment]
        await pump(connection, list(messages))
        done.set()

    return served(handler, lambda door: _slow_visit(door, held, done))


check_pump = Exercise(
    "pump",
    "Whether `pump(connection, messages)` sends all to a slow reader, and holds little. Tried on "
    "a real server, with a real client that reads slowly; takes a few seconds at most.",
    judge=_pumped,
    hints=(
        "how often does it ask how much is waiting?",
        "for each message: while there is no room, wait; then send.",
        "while connection.transport.get_write_buffer_size() > 65_536: await asyncio.sleep(0.01)",
    ),
    rfc="RFC 9293 §3.8.6",
    solution="""\
import asyncio

from websockets.asyncio.server import broadcast


async def pump(connection, messages):
    for message in messages:
        while connection.transport.get_write_buffer_size() > 65_536:
            await asyncio.sleep(0.01)
        broadcast([connection], message)
""",
)

# --- Build: a token bucket


class _Bucket:
    """The right one; those of the mistakes change one thing each."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens = self.start()
        self.then: float | None = None

    def take(self, now: float) -> bool:
        self.tokens = self.filled(self.tokens + self.earned(now))
        self.then = now
        if self.tokens < 1:
            return self.refused()
        self.tokens -= 1
        return True

    def start(self) -> float:
        return float(self.burst)

    def earned(self, now: float) -> float:
        return 0.0 if self.then is None else (now - self.then) * self.rate

    def filled(self, tokens: float) -> float:
        return min(self.burst, tokens)

    def refused(self) -> bool:
        return False


class _LetsAllThrough(_Bucket):
    def refused(self) -> bool:
        return True


class _NeverRefills(_Bucket):
    def earned(self, now: float) -> float:
        return 0.0


class _HasNoRim(_Bucket):
    def filled(self, tokens: float) -> float:
        return tokens


class _HasDebts(_Bucket):
    def refused(self) -> bool:
        self.tokens -= 1
        return False


class _BeginsEmpty(_Bucket):
    def start(self) -> float:
        return 0.0


class _CountsWholeSeconds(_Bucket):
    def earned(self, now: float) -> float:
        return 0.0 if self.then is None else int(now - self.then) * self.rate


class _EarnsTwice(_Bucket):
    def take(self, now: float) -> bool:
        before = self.then
        taken = super().take(now)
        self.then = now if taken or before is None else before
        return taken


def _take_all(bucket: Callable[..., Any], rate: float, burst: int, times: list[float]) -> Any:
    one = bucket(rate, burst)
    said = [one.take(now) for now in times]
    return ... if ... in said else [bool(each) for each in said]


def _crowds() -> list[tuple[float, int, list[float]]]:
    """Rates, bursts and times; all of them exact in binary, so that no rounding decides."""
    rng = random.Random()
    cases: list[tuple[float, int, list[float]]] = [
        # In the first ones a single mistake shows at a time.
        (1.0, 2, [100.0, 100.0, 101.0]),
        (2.0, 1, [100.0, 100.5]),
        (1.0, 1, [100.0, 100.0, 101.0]),
        (1.0, 1, [100.0, 100.5, 100.75]),
        (1.0, 2, [100.0, 160.0, 160.0, 160.0]),
    ]
    for _ in range(20):
        now, times = 1000.0, []
        for _ in range(30):
            now += rng.choice((0.0, 0.0, 0.125, 0.125, 0.5, 3.0))
            times.append(now)
        cases.append((rng.choice((1.0, 2.0, 4.0)), rng.randint(1, 5), times))
    return cases


_EARN = "tokens += (now - then) * rate, and then remember this `now` for the next time."

check_bucket = Exercise(
    "bucket",
    "Whether `Bucket(rate, burst)` lets through what it should, by a clock that is given.",
    cases=_crowds,
    use=_take_all,
    expected=_Bucket,
    mistakes={
        "It lets everything through.": Mistake(
            _LetsAllThrough, "return False where there is not one whole token left."
        ),
        "It never fills again: what was used up stays used up.": Mistake(_NeverRefills, _EARN),
        "After a long silence it holds more than `burst`: a bucket that is full runs over.": (
            Mistake(_HasNoRim, "min(burst, tokens) keeps it at its rim.")
        ),
        "What is refused costs a token as well, so a client that goes on trying never gets in.": (
            Mistake(_HasDebts, "take one off only where there is one.")
        ),
        "It begins empty: a client's first message is refused.": Mistake(
            _BeginsEmpty, "self.tokens = burst, to begin with."
        ),
        "It counts whole seconds only; half a second is worth half of `rate`.": Mistake(
            _CountsWholeSeconds, "no int() and no // on the time: tokens may be a fraction."
        ),
        "The same time is paid for twice: it remembers `now` only where it lets one through.": (
            Mistake(_EarnsTwice, "remember `now` in every call, whatever the answer.")
        ),
    },
    hints=(
        "keep two things: how many tokens there are, and when you last looked.",
        _EARN,
        "never more than burst; and if there is at least one, take it off and return True.",
    ),
    rfc="RFC 6455 §7.4.1",
    call=lambda rate, burst, times: f"Bucket(rate={rate:g}, burst={burst})",
    wrong=lambda rate, burst, times: (
        f"Bucket(rate={rate:g}, burst={burst}), asked at "
        f"{', '.join(f'{now:g}' for now in times[:9])}{' …' * (len(times) > 9)} seconds."
    ),
    praise="{count} clients, each let through as often as it may, and no more.",
    solution="""\
class Bucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.tokens, self.then = burst, None

    def take(self, now):
        if self.then is not None:
            self.tokens = min(self.burst, self.tokens + (now - self.then) * self.rate)
        self.then = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
""",
)

SOLUTIONS = Solutions(check_pump, check_bucket)

solution = SOLUTIONS.show
