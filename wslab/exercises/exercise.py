"""The kit for exercises: tries a learner's answer, says what is wrong, and what to try next."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from wslab.exercises.time_limit import TimeIsUp, within
from wslab.exercises.verdict import Verdict, not_yet, solved

PATIENCE = 3.0
"""Seconds that the learner's function has for all cases together."""

ONLY_THIS = "change this one thing, and run the check again."
"""The hint for a mistake whose name already says what to change."""

DOTS = "the dots are still there: put your own answer in their place."
NOTHING = "The function returned nothing here: it needs a return."

ENDLESS = "This looks like a loop without an end."

Cases = Iterable[tuple]


class Hints:
    """The hints of one exercise, from a nudge to the way to the solution; the last one stays.

    They come in steps where nobody knows what is wrong. A fault that is recognised has its own.
    """

    def __init__(self, *steps: str, solution: str = "") -> None:
        self.steps = (*steps, solution) if solution else steps
        self.solution = solution
        self.given = 0

    @property
    def first(self) -> str:
        """The nudge, for an exercise that nobody has touched yet: this is no attempt."""
        return self.steps[0]

    def next(self, own: str = "") -> str:
        """The next hint. `own` is that of the fault that was found, and is given instead; after
        as many attempts as there are steps, it is followed by the way to the solution."""
        self.given += 1
        if not own:
            return self.steps[min(self.given, len(self.steps)) - 1]
        if self.solution and self.given >= len(self.steps):
            return f"{own} Or: {self.solution}"
        return own


class Mistake(NamedTuple):
    """A wrong function that learners write, with the hint and the section that belong to it."""

    function: Callable[..., object]
    hint: str = ""
    rfc: str = ""


class CallResult(NamedTuple):
    """The result of a call: a value, or an error."""

    value: Any = None
    error: BaseException | None = None

    @classmethod
    def of(cls, call: Callable[[], object]) -> CallResult:
        """Call a function and keep its result. Lets `TimeIsUp` and KeyboardInterrupt through."""
        try:
            return cls(call())
        except (Exception, SystemExit) as error:
            return cls(None, error)

    def equals(self, other: CallResult) -> bool:
        """Whether both gave equal values, or failed in the same way.

        A ValueError is about the data, and its text names them; of all other errors, which any slip
        can cause, the text counts too.
        """
        if self.error is None or other.error is None:
            return self.error is other.error and _equal(self.value, other.value)
        return type(self.error) is type(other.error) and (
            isinstance(self.error, ValueError) or str(self.error) == str(other.error)
        )

    def fulfils(self, expected: CallResult) -> bool:
        """Whether it is as expected: an equal value, or an error of that class."""
        if expected.error is None:
            return self.equals(expected)
        return isinstance(self.error, type(expected.error))


class Exercise:
    """One exercise. Call it with the learner's answer to get a `Verdict`.

    With `cases`, the answer is a function, tried on each of them (arguments, in a tuple) within
    `PATIENCE` seconds, and `expected` is one that does it right; where that one raises, so must the
    learner's. Without, the answer is a value, the rest of the call is what it is about, and
    `expected` makes the right value of that.

    `mistakes` has a wrong function for each misconception: where the answer is what that one gives,
    the misconception is named, and its own hint is given.

    `judge` takes the place of `expected` where more than one answer is right, or where the wire is
    read. It is called with the result and the case, or with all that the exercise was called with,
    and returns a `Verdict`; None for a case that is right.
    """

    def __init__(
        self,
        name: str,
        task: str,
        *,
        cases: Cases | Callable[[], Cases] | None = None,
        expected: Callable[..., object] | None = None,
        judge: Callable[..., Verdict | None] | None = None,
        mistakes: Mapping[str, Callable[..., object] | Mistake] | None = None,
        hints: tuple[str, ...],
        rfc: str = "",
        wrong: str | Callable[..., str] = "{what} is not right.",
        praise: str = "",
        untouched: str = DOTS,
        call: str | Callable[..., str] = "",
        use: Callable[..., object] = lambda function, *case: function(*case),
        why: Callable[..., str | tuple[str, str]] = lambda got, *case: "",
        read: Callable[[Any], Any] = lambda value: value,
        solution: str = "",
        patience: float = 1.0,
    ) -> None:
        """`name` is that of the function and of the notebook's tag; `task` begins with "Whether".

        `wrong`, `praise` and `call` are what is said of a wrong result, of a right answer, and of
        how the function was called. In `wrong`, {what} is the call, or the value; in `praise`,
        {expected} is the right value and {count} the number of cases; `wrong` and `call` may be
        functions of the case instead. `use` is how the function is used on a case.
        `why(got, *case)` is said where no mistake explains the result; it may bring its own hint.
        `read` makes one form of a value that may be written in several. After the last of `hints`
        comes the way to the solution, where there is one. `patience` says how many times `PATIENCE`
        the function has: more than 1 where it is tried on real connections.
        """
        self.name = name
        self.__doc__ = task
        self.cases = cases
        self.expected = expected
        self.judge = judge
        self.mistakes = {
            text: wrong if isinstance(wrong, Mistake) else Mistake(wrong)
            for text, wrong in (mistakes or {}).items()
        }
        shows = f"solution('{name}') shows one." if solution else ""
        self.hints = Hints(*hints, solution=shows)
        self.rfc = rfc
        self.solution = solution
        self._wrong = wrong
        self._praise = praise
        self._untouched = untouched
        self._call = call
        self._use = use
        self._why = why
        self._read = read
        self._patience = patience

    def __repr__(self) -> str:
        return f"<exercise {self.name}: {self.__doc__}>"

    def __call__(self, *answer: Any, **named: Any) -> Verdict:
        """What is to be said of the learner's answer, and of all that it is called with."""
        verdict = self._verdict(*answer, **named)
        if verdict is None:
            return not_yet(self._untouched, rfc=self.rfc, hint=self.hints.first)
        verdict = replace(verdict, rfc=verdict.rfc or self.rfc)
        return verdict if verdict else replace(verdict, hint=self.hints.next(verdict.hint))

    def _verdict(self, *answer: Any, **named: Any) -> Verdict | None:
        """None where nobody has touched the exercise yet."""
        if self.cases is not None:
            return self._of_function(*answer)
        if any(_is_untouched(value) for value in (*answer, *named.values())):
            return None
        if self.judge is not None:
            return self.judge(*answer, **named)
        value, *about = answer
        return self._of_value(value, tuple(about))

    # --- A function

    def _of_function(self, function: Callable[..., object]) -> Verdict | None:
        trying = self.name
        results: list[tuple[tuple, CallResult]] = []

        def try_all() -> Verdict | None:
            nonlocal trying
            for case in self.cases() if callable(self.cases) else self.cases or ():
                trying = self._told(case)
                got = self._try(function, case)
                if got.value is ...:
                    return None
                results.append((case, got))
                if (verdict := self._fault(results)) is not None:
                    return verdict
            return solved(self._praise.format(count=len(results)))

        try:
            return within(PATIENCE * self._patience, try_all)
        except TimeIsUp as late:
            return not_yet(
                f"{trying} was {str(late).partition(':')[0]}.",
                misconception=ENDLESS,
                hint="what must change in each round, so that the loop ends?",
            )

    def _try(self, function: Callable[..., object], case: tuple) -> CallResult:
        # A learner's function may change what it is given; what a value is about is no such thing.
        arguments = case if self.cases is None else copy.deepcopy(case)
        return CallResult.of(lambda: self._use(function, *arguments))

    def _fault(self, results: list[tuple[tuple, CallResult]]) -> Verdict | None:
        """What is wrong with the last of the results; None if nothing is."""
        case, got = results[-1]
        if self.judge is not None and got.error is None:
            verdict = self.judge(got.value, *case)
            if verdict is None or verdict.misconception:
                return verdict
            why, hint, _ = self.recognise(results)
            return replace(verdict, misconception=why, hint=hint or verdict.hint)
        expected = CallResult()
        if self.expected is not None:
            expected = self._try(self.expected, case)
            if got.fulfils(expected):
                return None
        why, hint, rfc = self.recognise(results)
        if got.error is not None:
            error = f"{type(got.error).__name__}: {got.error}"
            if not why and expected.error is not None:
                why = f"{type(expected.error).__name__} was expected here."
            if not why and "coroutine" in error:
                why, hint = "A coroutine is what a call gives without its await.", "write await."
            return not_yet(
                f"{self._told(case)} raised {error}", misconception=why, rfc=rfc, hint=hint
            )
        if expected.error is not None:
            right: object = f"raises {type(expected.error).__name__}"
            hint = hint or f"raise {type(expected.error).__name__}(...) for this one."
        else:
            right = expected.value
            if not why and got.value is None:
                why, hint = NOTHING, "a function gives back what stands behind its return."
            elif not why and (why := _not_of_its_kind(got.value, right)):
                hint = f"you return {got.value!r:.40}: what makes {_kind(right)} of that?"
        if not why:
            found = self._why(got.value, *case)
            why, own = (found, "") if isinstance(found, str) else found
            hint = own or hint
        text = self._said(self._told(case), case)
        return not_yet(text, *_shortened(got.value, right), why, rfc, hint)

    def _said(self, what: str, case: tuple) -> str:
        return self._wrong(*case) if callable(self._wrong) else self._wrong.format(what=what)

    def _told(self, case: tuple) -> str:
        """The call of the function, in words."""
        if self._call:
            return self._call(*case) if callable(self._call) else self._call
        return f"{self.name}({', '.join(map(_argument, case))})"

    def recognise(self, results: list[tuple[tuple, CallResult]]) -> tuple[str, str, str]:
        """The misconception behind the last of these results, its hint and its section.

        It is that of the wrong function which gives the same on the last case and, where two do, on
        most of those before it. All are "" where none does.
        """

        def agrees(text: str, case: tuple, got: CallResult) -> bool:
            return got.equals(self._try(self.mistakes[text].function, case))

        likely = [text for text in self.mistakes if agrees(text, *results[-1])]
        if not likely:
            return "", "", ""
        best = likely[0]
        if len(likely) > 1:
            best = max(likely, key=lambda text: sum(agrees(text, *one) for one in results))
        _, hint, rfc = self.mistakes[best]
        return best, hint or (ONLY_THIS if self.cases is not None else ""), rfc

    # --- A value

    def _of_value(self, value: object, about: tuple) -> Verdict:
        assert self.expected is not None
        value, expected = self._read(value), self.expected(*about)
        if isinstance(expected, list) and isinstance(value, tuple):
            value = list(value)
        got = CallResult(value)
        if _equal(value, expected):
            return solved(self._praise.format(expected=expected))
        why, hint, rfc = self.recognise([(about, got)])
        if not why and (why := _not_of_its_kind(value, expected)):
            hint = f"write {_kind(expected)} in place of {value!r:.40}."
        elif not why and isinstance(expected, list):
            why = _wrong_places(value, expected)
        text = self._said(repr(value), about)
        return not_yet(text, misconception=why, rfc=rfc, hint=hint)


class Solutions(dict[str, str]):
    """The solutions of exercises: code by the exercise's name."""

    def __init__(self, *exercises: Exercise) -> None:
        super().__init__({exercise.name: exercise.solution for exercise in exercises})

    def show(self, exercise: str) -> None:
        """Print a solution. Raises KeyError for an unknown exercise."""
        if exercise not in self:
            raise KeyError(f"expected one of {', '.join(self)}, got {exercise!r}")
        print(self[exercise])


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # a learner's object may raise anything when it is compared
        return False


def _is_untouched(value: object) -> bool:
    if isinstance(value, list) and value:
        return all(one is ... or (isinstance(one, str) and one == "...") for one in value)
    return value is ... or (isinstance(value, str) and value in ("", "..."))


def _argument(value: object) -> str:
    """An argument as the learner would write it, if that is short."""
    if isinstance(value, str) and len(value) > 60:
        return repr(f"{value[:6]}…")
    if isinstance(value, bytes) and len(repr(value)) > 20:
        return f"({len(value)} bytes)"
    return repr(value)


def _not_of_its_kind(got: object, expected: object) -> str:
    """What is wrong with a value of another type than the expected one."""
    if isinstance(got, type(expected)) or expected is None:
        return ""
    kind = "text (str)" if isinstance(expected, str) else type(expected).__name__
    return f"Expected {kind}, got {type(got).__name__}."


def _wrong_places(got: Any, expected: list) -> str:
    """Which parts of a list are not right yet."""
    if len(got) != len(expected):
        return f"Expected {len(expected)} entries, got {len(got)}."
    pairs = enumerate(zip(got, expected, strict=True), 1)
    wrong = {f"entry {place}": pair for place, pair in pairs if not _equal(*pair)}
    kind = _not_of_its_kind(*next(iter(wrong.values())))
    return f"Not right yet: {', '.join(wrong)}. {kind}".strip()


def _kind(expected: object) -> str:
    """What to call a value of this type in a sentence."""
    known = {str: "text", bytes: "bytes", int: "a number", list: "a list", tuple: "two lists"}
    return known.get(type(expected), f"a {type(expected).__name__}")


def _shortened(got: object, expected: object) -> tuple[object, object]:
    """Shorten long bytes to end soon after the first difference."""
    if not isinstance(got, bytes | bytearray) or not isinstance(expected, bytes):
        return got, expected
    pairs = enumerate(zip(got, expected, strict=False))
    same = next((i for i, (one, other) in pairs if one != other), min(len(got), len(expected)))
    end = max(24, same + 8)
    return bytes(got)[:end], expected[:end]
