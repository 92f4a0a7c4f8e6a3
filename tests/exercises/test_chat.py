"""What is particular to the exercises of the chat: rooms on a real server, who was shown out."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from websockets.asyncio.server import broadcast

from wslab.exercises import learner_server
from wslab.exercises.chat import check_chat, check_history, check_offender, check_shorten

from .conftest import trace
from .test_every_exercise import STRANGE, refused


def test_what_is_too_long_is_told():
    assert "This is 60 bytes long" in check_shorten(lambda text, limit: text).misconception
    assert "got int" in check_shorten(lambda text, limit: 7).misconception


def room_that(speak, *, tidy=True):
    members = set()

    async def room(connection):
        members.add(connection)
        try:
            async for message in connection:
                await speak(members, connection, message)
        finally:
            if tidy:
                members.discard(connection)

    return room, members


async def in_turn(members, connection, message):
    for member in list(members):
        await member.send(message)


async def echo(members, connection, message):
    await connection.send(message)


async def broken(members, connection, message):
    raise LookupError("no such thing")


async def never(members, connection, message):
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("speak", "named"),
    [
        (in_turn, "reads nothing"),
        (echo, "not everybody heard it"),
        (broken, "raised LookupError: no such thing"),
        (never, "not everybody heard it"),
    ],
)
def test_mistakes_in_a_room_are_named(speak, named):
    verdict = check_chat(*room_that(speak))
    assert not verdict
    assert named in verdict.text


def test_who_stays_a_member_after_the_end_is_found():
    assert "still a member" in check_chat(*room_that(in_turn, tidy=False)).text


def test_a_room_that_keeps_no_members_is_told_so():
    async def room(connection):
        await connection.wait_closed()

    assert "holds 0" in check_chat(room, set()).text


def room_with(*, before=None, kept=10, say=broadcast):
    """A room with a history of `kept` messages, `before(history, guest, guests)` for newcomers."""
    guests, history = set(), deque(maxlen=kept)

    async def room(guest):
        if before:
            await before(history, guest, guests)
        guests.add(guest)
        try:
            async for message in guest:
                history.append(message)
                say(guests, message)
        finally:
            guests.discard(guest)

    return room


async def oldest_first(history, guest, guests):
    for old in list(history):
        await guest.send(old)


async def newest_first(history, guest, guests):
    for old in reversed(list(history)):
        await guest.send(old)


async def in_one(history, guest, guests):
    await guest.send(", ".join(history))


async def again_to_all(history, guest, guests):
    for old in list(history):
        broadcast({*guests, guest}, old)


async def of_no_use(history, guest, guests):
    raise LookupError("no such history")


def test_old_lines_may_be_awaited():
    room = room_with(before=oldest_first)
    assert check_history(room)
    assert check_history(room)  # which has a history by now


@pytest.mark.parametrize(
    ("room", "named"),
    [
        (room_with(), "None of the old lines"),
        (room_with(before=oldest_first, kept=None), "All of them"),
        (room_with(before=newest_first), "The oldest first"),
        (room_with(before=in_one), "A message each"),
        (room_with(before=again_to_all), "nobody else"),
        (room_with(before=oldest_first, kept=9), "what Grace got"),
        (room_with(before=of_no_use), "raised LookupError: no such history"),
        (room_with(say=lambda *_: None), "did not come back (TimeoutError)"),
    ],
)
def test_mistakes_with_a_history_are_named(room, named):
    verdict = check_history(room)
    assert not verdict
    assert verdict.hint
    assert named in repr(verdict)


async def loops(members, connection, message):
    while True:
        pass


def test_a_loop_without_an_end_in_a_room_is_ended(monkeypatch):
    monkeypatch.setattr(learner_server, "PATIENCE", 1.0)
    verdict = check_chat(*room_that(loops))
    refused(verdict, "loops")
    assert "without an await" in verdict.misconception


def test_whatever_is_given_for_a_room_is_answered():
    for value in STRANGE:
        refused(check_history(lambda *_, value=value: value), value)
    refused(check_chat(None, set()), "None")


@pytest.mark.parametrize(
    ("connection", "code", "passed"),
    [(2, 1009, True), (2, 1008, False), (1, 1009, False), (3, 1000, False), ("#2", 1009, True)],
)
def test_the_offender_is_found_by_connection_and_code(connection, code, passed):
    verdict = check_offender(connection=connection, code=code, trace=trace())
    assert bool(verdict) is passed
    assert verdict.passed or verdict.hint


def test_the_offender_is_called_as_the_views_call_it():
    shown = trace()
    shown.set_name(2, "Mallory")
    assert "#2 Mallory it is, but 1008" in repr(
        check_offender(connection=2, code=1008, trace=shown)
    )
