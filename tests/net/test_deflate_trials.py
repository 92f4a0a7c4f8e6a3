"""What compression saves, costs and gives away: orders, never milliseconds."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import pytest

from wslab.net import EchoServer, WrongValue
from wslab.net.trials import (
    BROADCASTS,
    PLACES,
    WINDOW_BITS,
    LoggingServer,
    SearchServer,
    attack,
    measure_broadcast,
    measure_deflate,
    measure_memory,
    samples,
    send_token,
)
from wslab.net.trials.length_leak import DIGITS, answer, masked


def test_json_shrinks_most_text_to_less_than_half_and_random_data_grow():
    left = {
        kind: [measure_deflate(kind, messages, bits).percent for bits in WINDOW_BITS]
        for kind, messages in samples().items()
    }
    assert max(left["JSON"]) < min(left["text"]) < 50
    for kind in ("random", "already compressed"):
        assert 100 < min(left[kind]) <= max(left[kind]) < 105
    for kind in ("JSON", "text"):
        assert left[kind][-1] < left[kind][0]


def test_memory_grows_with_the_window_and_compressing_takes_more():
    message = samples()["text"][0]
    costs = [measure_memory(bits, message) for bits in (9, 12, 15)]
    for compress, inflate in costs:
        assert compress > 2 * inflate > 0
    assert costs == sorted(costs)
    assert 200 < costs[-1][0] < 400  # zlib.h: 256 KiB for windowBits=15, memLevel=8
    assert not tracemalloc.is_tracing()


def test_once_for_all_costs_less_time_and_own_contexts_fewer_bytes():
    cost = {way: measure_broadcast(way) for way in BROADCASTS}
    plain, own, alone, once = cost.values()
    assert own.size < alone.size == once.size < plain.size
    assert once.microseconds < alone.microseconds < own.microseconds


@pytest.mark.parametrize("place", PLACES)
def test_who_sees_a_token(place):
    with LoggingServer("logs") as server:
        trace = send_token(server, server.url, place, "correct-horse-7")
    assert trace.heard
    assert trace.debug
    assert trace.access == (place == "the query of the URL")


def deflated(text):
    deflate = zlib.compressobj(wbits=-15)
    return len(deflate.compress(text.encode()) + deflate.flush(zlib.Z_SYNC_FLUSH)) - 4


@pytest.mark.parametrize("digits", [DIGITS, "0018", "7"])
def test_the_attack_finds_any_pin(digits):
    chance = random.Random(digits)
    for _ in range(30):
        pin = "".join(chance.choice(digits) for _ in range(6))
        steps = list(attack(lambda searches, pin=pin: [deflated(answer(pin, s)) for s in searches]))
        assert [step.shortest for step in steps] == [[digit] for digit in pin]


def test_without_compression_the_attack_ends_at_once():
    (step,) = attack(lambda searches: [len(answer("123456", one)) for one in searches])
    assert len(step.shortest) == 10


def test_a_masked_pin_is_other_digits_each_time_and_can_be_read_by_its_receiver():
    seen = {masked("123456") for _ in range(20)}
    assert len(seen) > 15
    for one in seen:
        pairs = zip(one[6:], one[:6], strict=True)
        assert "".join(str((int(a) - int(b)) % 10) for a, b in pairs) == "123456"


def test_an_unknown_remedy_is_a_key_error():
    with pytest.raises(KeyError, match="not compressed"):
        SearchServer("search", "prayer")
    with pytest.raises(WrongValue, match="Agreement"):
        EchoServer(compression="brotli")
