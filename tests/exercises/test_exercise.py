"""The kit: how an answer is tried, compared, and named."""

from __future__ import annotations

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.verdict import not_yet, side_by_side

HALF_OR_ERROR = {
    "It is doubled.": lambda number: number * 2,
    "It is rounded up.": Mistake(lambda number: -(-number // 2), "// rounds down.", "RFC 1 §2"),
}


def half(number):
    if number < 0:
        raise ValueError("less than nothing")
    return number // 2


def exercise(**options):
    known = {"cases": [(0,), (4,), (7,), (-1,)], "expected": half, "mistakes": HALF_OR_ERROR}
    return Exercise("half", "Whether", **{**known, **options}, hints=("one", "two"), rfc="RFC 6455")


def test_a_right_function_passes_and_must_raise_where_the_expected_one_does():
    assert exercise()(half)
    verdict = exercise()(lambda number: number // 2)
    assert (verdict.got, verdict.expected) == (-1, "raises ValueError")
    verdict = exercise()(lambda number: half(number) if number >= 0 else {}[number])
    assert "raised KeyError: -1" in verdict.text
    assert verdict.misconception == "ValueError was expected here."


def test_the_misconception_is_that_which_explains_most_of_the_results():
    both = {"Nothing changes.": lambda number: number, "It is seven.": lambda number: 7}
    assert exercise(mistakes=both, cases=[(0,), (7,)])(lambda n: n).misconception == (
        "Nothing changes."
    )
    assert exercise(mistakes=both, cases=[(7,), (0,)])(lambda n: 7).misconception in both


def test_a_mistake_brings_its_own_hint_and_section_and_else_hints_come_in_steps():
    one = exercise()
    verdict = one(lambda number: -(-number // 2))
    assert (verdict.hint, verdict.rfc) == ("// rounds down.", "RFC 1 §2")
    assert one(lambda number: 99).hint == "two"
    assert one(lambda number: 99).rfc == "RFC 6455"


def test_what_a_function_does_to_its_arguments_stays_with_it():
    def clears(numbers):
        total = sum(numbers)
        numbers.clear()
        return total

    assert Exercise("total", "Whether", cases=[([1, 2],)], expected=sum, hints=("one",))(clears)


def test_a_judge_may_leave_the_name_to_a_mistake():
    one = exercise(expected=None, judge=lambda got, number: not_yet("no") if got else None)
    assert one(lambda number: number * 2).misconception == "It is doubled."
    assert one(lambda number: 0)


def test_a_value_of_another_kind_is_told_so_and_the_right_one_is_not():
    one = Exercise("sum", "Whether", expected=lambda numbers: sum(numbers), hints=("one",))
    verdict = one("6", [1, 2, 3])
    assert verdict.misconception == "Expected int, got str."
    assert verdict.expected is None
    assert one(6, [1, 2, 3])


def test_a_list_is_told_which_of_its_parts_are_wrong():
    one = Exercise("three", "Whether", expected=lambda: [1, 2, 3], hints=("one",))
    assert (
        one([1, "2", 4]).misconception == "Not right yet: entry 2, entry 3. Expected int, got str."
    )
    assert one([1]).misconception == "Expected 3 entries, got 1."
    assert "the dots are still there" in one([..., "...", ...]).text
    assert one((1, 2, 3))


def test_the_last_hint_leads_to_the_solution_where_there_is_one():
    with_one = exercise(solution="def half(number): ...")
    assert with_one.hints.steps == ("one", "two", "solution('half') shows one.")
    assert exercise().hints.steps == ("one", "two")
    assert Solutions(with_one) == {"half": "def half(number): ..."}


def test_a_place_is_marked_only_where_the_two_have_something_in_common():
    assert side_by_side("Hellp", "Hello")[2:] == [" " * 15 + "▲ here they part"]
    assert side_by_side(b"\x81\x05Hello", b"\x81\x85Hello")[2:] == [" " * 13 + "▲ here they part"]
    for got, expected in [("...", "Sec-WebSocket-Key"), (b"Hello", b"\x81\x05Hello"), ("7", 7)]:
        assert len(side_by_side(got, expected)) == 2
