"""The exercises of the chat lesson: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.learner_server import Door, Handler, served, until
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved
from wslab.wire import Capture, close_code

QUESTIONS = {
    "frames": Question(
        "Three people are in the room. Ada sends one message. How many frames does the server "
        "send for it?",
        ("1: it is broadcast", "2: to the other two", "3: one to each", "None: the clients share"),
        2,
        (
            "There is no broadcast on the wire. A WebSocket joins two ends, and everything said to "
            "three people is sent three times.",
            "One could build it so. Here Ada's own line comes back from the server too: then all "
            "pages show the same list in the same order.",
            "One TCP connection to each person, one frame on each. Fan-out is the server's work.",
            "The clients do not know each other: each has one connection, to the server.",
        ),
        "RFC 6455 §1.2",
    ),
    "cut": Question(
        "A server cuts a message after 50 bytes, in the middle of an é, and passes it on as text. "
        "What do the others do?",
        (
            "They show a � at the end",
            "They wait for the other half",
            "They close the connection",
            "They leave out the é",
        ),
        2,
        (
            "A lenient program might. The protocol forbids it.",
            "A message is complete when its last frame is: FIN says so.",
            "A text message must be valid UTF-8. Who gets one that is not fails the connection "
            "with 1007: one careless slice throws everybody out of the room.",
            "Half a character is no character; but leaving it out is not the receiver's to do.",
        ),
        "RFC 6455 §8.1",
    ),
    "html": Question(
        "Mallory sends a message that holds HTML. Who has to make sure that it does nothing?",
        (
            "WebSocket: the protocol filters it",
            "The server: it must refuse every <",
            "The browser: it knows that it came from a stranger",
            "The page that shows it",
        ),
        3,
        (
            "The protocol carries text. It has no idea what the text is for.",
            "Then nobody could write 1 < 2. And a server cannot know where a text will be shown.",
            "It does not. Whatever the page's own script puts into the page counts as the page's.",
            "Only there is it known that the text goes into HTML. textContent says: as text.",
        ),
        "RFC 6455 §10.7",
    ),
    "slow": Question(
        "Eleven people are in the room and one of them reads nothing. The server does "
        "for client in clients: await client.send(message). What do the other ten get?",
        (
            "Everything, at once",
            "Everything, a little later",
            "The first messages, and then nothing any more",
            "An error",
        ),
        2,
        (
            "So it looks for the first messages, as long as the buffers have room.",
            "The wait has no end: TCP holds the bytes until the one that is stuck reads.",
            "When the buffers of the one that is stuck are full, await waits for it, and the "
            "loop with it.",
            "Nothing fails. That is what makes it hard to find.",
        ),
        "RFC 9293 §3.8.6",
    ),
    "vanish": Question(
        "Linus's laptop loses its network: no close frame, no FIN, nothing. When does the server "
        "notice?",
        (
            "At once",
            "After a minute, when TCP gives up",
            "When it asks, with a ping, and no pong comes",
            "When Linus comes back",
        ),
        2,
        (
            "Nothing arrives, and nothing is exactly what arrives from a quiet guest too.",
            "TCP has no heartbeat of its own by default: an idle connection lives for days.",
            "A ping must be answered. No answer in time: the server fails the connection.",
            "He comes back on a new connection. The old one is still in the room.",
        ),
        "RFC 6455 §5.5.2",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Shorten a text to a number of bytes, and break no character


def _texts() -> list[tuple[str, int]]:
    rng = random.Random()
    texts = ["x" * 60, "short", "é" * 30, "x" * 49 + "é", "x" * 48 + "🙂", "€" * 17]
    texts += ["".join(rng.choices("aé€🙂 b", k=rng.randint(10, 60))) for _ in range(50)]
    cases = [(text, 50) for text in texts]
    return [*cases, ("schöne Grüße", 4), ("€", 2), ("é" * 100, 123), ("anything", 0)]


_IGNORE = 'data.decode(errors="ignore") leaves out half a character at the end.'

check_shorten = Exercise(
    "shorten",
    "Whether `shorten(text, limit)` keeps the most that fits into `limit` bytes of UTF-8.",
    cases=_texts,
    expected=lambda text, limit: text.encode()[:limit].decode(errors="ignore"),
    mistakes={
        "These are bytes: the next one to see them wants text. .decode() them.": Mistake(
            lambda text, limit: text.encode()[:limit], _IGNORE
        ),
        "These are that many characters. In UTF-8 a character takes 1 to 4 bytes.": Mistake(
            lambda text, limit: text[:limit], "count bytes: text.encode() first, then cut."
        ),
        "The limit is an argument: it is not always 50.": Mistake(
            lambda text, limit: text.encode()[:50].decode(errors="ignore"), "[:limit], not [:50]."
        ),
        "The cut went through the middle of a character, and strict decoding refuses half of "
        "one.": Mistake(lambda text, limit: text.encode()[:limit].decode(), _IGNORE),
        "The broken half became a �, which nobody wrote. Leave it out instead.": Mistake(
            lambda text, limit: text.encode()[:limit].decode(errors="replace"), _IGNORE
        ),
        "Something that would have fitted is missing.": Mistake(
            lambda text, limit: text.encode()[: max(limit - 1, 0)].decode(errors="ignore"),
            "exactly limit bytes may stay: [:limit].",
        ),
    },
    why=lambda got, text, limit: (
        (f"This is {len(got.encode())} bytes long.", "cut the bytes, not the text: [:limit].")
        if len(got.encode()) > limit
        else ("Something that would have fitted is missing.", _IGNORE)
    ),
    hints=(
        "three steps: to bytes, cut, and back to text.",
        "the last character may be cut through: bytes.decode has a parameter for what is broken.",
        'data.decode(errors="ignore") leaves out half a character at the end.',
    ),
    rfc="RFC 6455 §8.1",
    wrong=lambda text, limit: f"this is not the most of {text!r:.40} that fits into {limit} bytes.",
    praise="{count} texts, each as long as it may be, and no character broken.",
    solution="""\
def shorten(text, limit):
    return text.encode()[:limit].decode(errors="ignore")
""",
)


# --- Repair a chat

_BROADCAST = (
    "broadcast(members, message) of websockets.asyncio.server sends to everybody and waits for "
    "nobody."
)


async def _visit(door: Door, members: set) -> Verdict:
    ada, grace, linus = [await door.come_in() for _ in range(3)]
    if not await until(lambda: len(members) == 3):
        return not_yet(
            f"three came in, and the set of members holds {len(members)}.",
            hint="members.add(connection) comes first, before any message is waited for.",
        )
    try:
        async with asyncio.timeout(2):
            await ada.send("hello")
            heard = [await client.recv() for client in (ada, grace, linus)]
    except (TimeoutError, ConnectionClosed) as error:
        return not_yet(
            f"Ada said hello, and not everybody heard it ({type(error).__name__}).",
            hint="for each message that comes in: send it to every member.",
        )
    if heard != ["hello"] * 3:
        text = "Ada said hello, and this is what they heard:"
        return not_yet(text, misconception=repr(heard), hint="send each message as it came.")

    linus.transport.abort()  # no close frame
    if not await until(lambda: len(members) == 2):
        return not_yet(
            "Linus's connection broke off, and he is still a member.",
            misconception="After an error the lines below 'async for' do not run.",
            rfc="RFC 6455 §7.1.7",
            hint="put members.discard(connection) into a finally: that runs whatever happens.",
        )
    stuck = await door.come_in(stuck=True)
    stuck.transport.pause_reading()
    if not await until(lambda: len(members) == 3):
        return not_yet("somebody came in, and is not in the set of members.")
    count, before = 60, len(asyncio.all_tasks())
    try:
        async with asyncio.timeout(3):
            talking = asyncio.ensure_future(_talk(ada, count))
            for _ in range(count):
                await grace.recv()
            await talking
    except (TimeoutError, ConnectionClosed):
        return not_yet(
            "somebody in the room reads nothing, and now nobody else gets anything either.",
            misconception="'await member.send(...)' waits until that member reads.",
            rfc="RFC 9293 §3.8.6",
            hint=_BROADCAST,
        )
    if (waiting := len(asyncio.all_tasks()) - before) > count // 3:
        return not_yet(
            f"somebody in the room reads nothing, and {waiting} tasks wait for that one.",
            misconception="A task for each message waits as long as the member does not read; "
            "nobody counts these tasks, and when the connection ends each one fails unheard.",
            hint=_BROADCAST,
        )
    return solved(
        "everybody hears everybody; who breaks off is gone; who reads nothing holds up nobody."
    )


async def _talk(client: ClientConnection, count: int) -> None:
    with contextlib.suppress(ConnectionClosed):
        for number in range(count):
            await client.send(f"{number}".ljust(4096))
            await client.recv()


def _room(chat: Handler, members: set) -> Verdict:
    members.clear()
    verdict = served(chat, lambda door: _visit(door, members))
    members.clear()
    return verdict


check_chat = Exercise(
    "chat",
    "Whether `chat` serves a room: tried on a real server, with real clients that misbehave. "
    "`members` is the set in which it keeps them. Takes a few seconds at most.",
    judge=_room,
    hints=(
        "a connection that breaks off ends 'async for' with an exception: what runs then, whatever "
        "happens, belongs in 'finally'.",
        "who waits for each member in turn waits for the slowest: websockets.asyncio.server has a "
        "function that does not.",
        "broadcast(members, message) sends to everybody, skips those that are gone, and waits for "
        "nobody.",
    ),
    solution="""\
from websockets.asyncio.server import broadcast

members = set()


async def room(connection):
    members.add(connection)
    try:
        async for message in connection:
            broadcast(members, message)
    finally:
        members.discard(connection)
""",
)

# --- Build: a room that remembers

REMEMBERED = 10
"""Messages that a newcomer gets."""


async def _visit_late(door: Door) -> Verdict:
    run = random.randrange(1000, 10_000)  # a history may hold lines of the try before
    lines = [f"{run}: line {number}" for number in range(1, REMEMBERED + 3)]
    ada = await door.come_in()
    try:
        async with asyncio.timeout(2):
            for line in lines:
                await ada.send(line)
                while await ada.recv() != line:
                    pass
    except (TimeoutError, ConnectionClosed) as error:
        text = f"Ada said something, and it did not come back ({type(error).__name__})."
        return not_yet(text, hint="keep what was there: broadcast(guests, message).")

    grace, last = await door.come_in(), f"{run}: I am Grace"
    heard: list[object] = []
    await grace.send(last)  # her own: by the time it is read she has been let in
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(2):
            while last not in heard:
                heard.append(await grace.recv())
    said = f"Ada said {len(lines)} lines, then Grace came in and said one."
    expected = [*lines[-REMEMBERED:], last]
    if heard != expected:
        why, hint = _what_grace_got([one for one in heard if one != last], lines)
        return not_yet(f"{said} This is what Grace got.", heard, expected, why, hint=hint)
    try:
        async with asyncio.timeout(2):
            next_one = await ada.recv()
    except (TimeoutError, ConnectionClosed) as error:
        return not_yet(
            f"{said} It did not come to Ada ({type(error).__name__}).",
            hint="keep what was there: broadcast(guests, message).",
        )
    if next_one != last:
        why = "The old lines are for the one who comes in, and for nobody else."
        hint = "broadcast([guest], old): to a list with one guest in it."
        return not_yet(f"{said} This is what came to Ada.", next_one, last, why, hint=hint)
    return solved("who comes in gets the last ten, oldest first, and nobody else does.")


def _what_grace_got(old: list[object], lines: list[str]) -> tuple[str, str]:
    """What is wrong with the old lines that Grace got, and a hint."""
    if not old:
        why = "None of the old lines: nobody had kept them, or nobody sent them to her."
        return why, (
            "history.append(message) beside the broadcast, and before guests.add(guest): for old "
            "in history: ..."
        )
    if old == lines:
        why = "All of them: the task asks for the last ten."
        return why, "a deque(maxlen=10) forgets the oldest by itself."
    if old == lines[-REMEMBERED:][::-1]:
        why = "The oldest first: that is the order in which they were said."
        return why, "go through the history as it is: no reversed(...), no appendleft(...)."
    if len(old) == 1:
        why = "A message each: Grace's page shows one line for each message."
        return why, "for old in history: ... sends one message for each."
    return f"These are {len(old)} old lines, and ten were to come.", (
        "one deque(maxlen=10), made outside the function; each message goes in once."
    )


check_history = Exercise(
    "history",
    "Whether `chat` serves a room that gives each newcomer the last ten messages, oldest first.",
    judge=lambda chat: served(chat, _visit_late),
    hints=(
        "two things are missing: each message has to be kept, and who comes in has to get those "
        "kept.",
        "a deque(maxlen=10), made once, outside the function: it forgets the oldest by itself. "
        "append(message) where you broadcast.",
        "the old ones go to the newcomer alone, before step 2: for old in history: ...",
        "broadcast([client], old) sends to one, and waits for nothing; with "
        "'await client.send(old)' the history may change while you go through it.",
    ),
    solution="""\
from collections import deque

from websockets.asyncio.server import broadcast

guests = set()
history = deque(maxlen=10)


async def remember(guest):
    for old in history:
        broadcast([guest], old)  # to one, and without an await: nothing comes in between
    guests.add(guest)
    try:
        async for message in guest:
            history.append(message)
            broadcast(guests, message)
    finally:
        guests.discard(guest)
""",
)

# --- Read off the wire who was shown out, and why


def _closed_for_cause(capture: Capture) -> dict[int, int]:
    index = capture.index
    closed: dict[int, int] = {}
    for row in index.rows(0, len(index)):
        if row.kind == "close" and row.direction == "server":
            code = int.from_bytes(index.unit(row.number).payload[:2], "big")
            if code not in (0, 1000, 1001):
                closed[row.connection] = code
    return closed


def _offender(connection: Any, code: Any, trace: Any) -> Verdict:
    capture: Capture = getattr(trace, "capture", trace)
    guilty = _closed_for_cause(capture)
    if isinstance(connection, str) and connection.strip().removeprefix("#").isdecimal():
        connection = int(connection.strip().removeprefix("#"))
    if not isinstance(connection, int) or not isinstance(code, int):
        return not_yet(_TWO_NUMBERS, hint="for example connection=2, code=1002, without quotes.")
    label = capture.label(connection)
    if connection not in guilty:
        return not_yet(
            f"{label} was not shown out by the server.",
            hint="filter for close frames: on which connection does the server's come first, and "
            "with another code than 1000 and 1001?",
        )
    known = close_code(code)
    if code != guilty[connection]:
        return not_yet(
            f"{label} it is, but {code} ({known.name.lower()}) is not what it was told.",
            code,
            rfc="RFC 6455 §7.4.1",
            hint=f"choose the server's close frame on {label}: its code is written in the "
            "row, and is the first two bytes of its payload.",
        )
    return solved(f"{code}, {known.name}: {known.meaning}.", known.rfc)


_TWO_NUMBERS = "two numbers are wanted: a connection's, as #2 has the 2, and a close code."

check_offender = Exercise(
    "offender",
    "Whether `connection` is the one that the server closed for cause, and `code` says for which. "
    "`trace` is the recording, or a view of it.",
    judge=_offender,
    hints=(
        "filter for close frames, and look at those that the server sent first.",
        "a close frame's payload starts with the code, in two bytes; the reason follows as text.",
        "the frame that the client sent just before tells what it did.",
    ),
    untouched=_TWO_NUMBERS,
)


SOLUTIONS = Solutions(check_shorten, check_chat, check_history)

solution = SOLUTIONS.show
