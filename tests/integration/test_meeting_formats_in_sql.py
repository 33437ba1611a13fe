"""Whether two formats can give the same number: the database never says no where they can."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from ledger.formats import MAX_VALUE
from tests.integration.planning import Connection, asked

pytestmark = pytest.mark.django_db  # so that there is a database of the tests

DOC = {"{doc_year}": 4, "{doc_month}": 2, "{doc_day}": 2}
ON = date(2112, 12, 21)
DIGITS = frozenset("0123456789")

MAY_REPEAT = "SELECT ledger_may_repeat(%s, %s, %s, %s)"
MEET = "SELECT ledger_formats_meet(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


class Run(NamedTuple):
    """A format and the values that its counter may have."""

    prefix: str
    width: int
    suffix: str
    first: int
    highest: int

    def numbers(self, *dates: date | None) -> set[str]:
        """All its numbers in upper case, for documents of those dates; None for a gap."""
        return {
            (dated(self.prefix, on) + f"{value:0{self.width}}" + dated(self.suffix, on)).upper()
            for on in dates
            for value in range(self.first, self.highest + 1)
        }


def dated(text: str, on: date | None) -> str:
    shown = ("----", "--", "--") if on is None else (f"{on.year:04}", f"{on.month:02}", f"{on.day:02}")
    for token, digits in zip(DOC, shown, strict=True):
        text = text.replace(token, digits)
    return text


@st.composite
def runs_of_one_text(
    draw: st.DrawFn, *, digits: tuple[int, int] = (0, 4), reach: int = 40, dates: bool = False
) -> tuple[Run, Run]:
    """Two ways to tell a counter from the rest of one text, mostly; their values begin or end near the text's own."""
    signs = ["1", "2", "0", "a", "A", "-", "é", "É"]
    sign = st.sampled_from([*signs, "12", "21", "2112", "--", "----"] if dates else signs)
    text = "".join(draw(st.lists(sign | st.text("0123456789", min_size=digits[0], max_size=digits[1]), max_size=4)))
    text += draw(st.sampled_from("0123456789"))

    def affix(text: str) -> str:
        """The text; or with another sign in it, or with tokens in the place of a date's digits or of hyphens."""
        if text and draw(st.integers(0, 5)) == 0:
            at = draw(st.integers(0, len(text) - 1))
            text = text[:at] + draw(sign) + text[at + 1 :]
        for token in DOC if dates else ():
            found = [match.start() for match in re.finditer(f"(?={dated(token, ON)}|{dated(token, None)})", text)]
            with_token = draw(st.booleans())
            if found and with_token:
                at = draw(st.sampled_from(found))
                text = text[:at] + token + text[at + DOC[token] :]
        return text

    def run() -> Run:
        start = draw(st.sampled_from([match.start() for match in re.finditer("[0-9]", text)]))
        counter = re.match("[0-9]{1,18}", text[start:])
        assert counter is not None
        end = start + draw(st.integers(1, len(counter[0])) | st.just(len(counter[0])))
        value = min(int(text[start:end] + draw(st.sampled_from(["", "", "", "0", "9"]))), MAX_VALUE)
        # A zero in front of the counter belongs to its width.
        width = end - start if text[start] == "0" else draw(st.integers(1, end - start))
        first = min(max(0, value - draw(st.integers(-1, reach))), MAX_VALUE)
        highest = min(value + draw(st.integers(-1, reach)), MAX_VALUE)
        return Run(affix(text[:start]), width, affix(text[end:]), first, highest)

    return run(), run()


# Any counter


def languages_meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether prefix, any digits, suffix can be the same text of both: a walk through both at once."""
    left, right = places(*one), places(*other)
    seen, waiting = {(0, 0)}, [(0, 0)]
    while waiting:
        a, b = waiting.pop()
        if (a, b) == (len(left), len(right)):
            return True
        for signs, next_a in steps(left, a):
            for others, next_b in steps(right, b):
                if signs & others and (next_a, next_b) not in seen:
                    seen.add((next_a, next_b))
                    waiting.append((next_a, next_b))
    return False


def places(prefix: str, suffix: str) -> list[frozenset[str] | None]:
    """What may stand in each place; None for the counter, which takes one place or more."""

    def of(text: str) -> list[frozenset[str] | None]:
        for token, width in DOC.items():
            text = text.replace(token, "\ue000" * width)
        return [DIGITS | {"-"} if sign == "\ue000" else frozenset(sign.upper()) for sign in text]

    return [*of(prefix), None, *of(suffix)]


def steps(path: list[frozenset[str] | None], at: int) -> Iterator[tuple[frozenset[str], int]]:
    if at < len(path):
        yield path[at] or DIGITS, at + 1
    if at > 0 and path[at - 1] is None:
        yield DIGITS, at


@pytest.mark.parametrize(
    ("one", "other", "repeats"),
    [
        (("INV-", ""), ("INV-", ""), True),
        (("INV-", ""), ("inv-", ""), True),
        (("INV-", ""), ("ORD-", ""), False),
        (("N-1", ""), ("N-", ""), True),  # N-100
        (("N-1-", ""), ("N-", ""), False),
        (("", ""), ("2", ""), True),
        (("", "-7"), ("", "7"), False),
        (("", "17"), ("", "7"), True),  # 117
        (("N-", "-5"), ("N-1-", ""), True),  # N-1-5
        (("N-", "-5"), ("N-1/", ""), False),
        (("N-", "-5"), ("N-1-", "5"), False),  # N-1-5 leaves no digit to the second counter
        (("N-", "-B5"), ("N-1-b", ""), True),  # N-1-B5
        (("{doc_year}-", ""), ("2026-", ""), True),
        (("{doc_year}-", ""), ("INV-", ""), False),
        (("{doc_year}-", ""), ("------", ""), False),
        (("{doc_year}-", ""), ("-----", ""), True),  # a gap
        (("{doc_year}-", ""), ("{doc_month}", ""), False),
        (("{doc_year}", ""), ("{doc_month}", ""), True),
        (("", "/{doc_month}"), ("1/", ""), True),  # 1/12
    ],
)
def test_formats_that_may_repeat_a_number(
    planning: Connection, one: tuple[str, str], other: tuple[str, str], repeats: bool
) -> None:
    assert asked(planning, MAY_REPEAT, *one, *other) == repeats
    assert asked(planning, MAY_REPEAT, *other, *one) == repeats
    assert languages_meet(one, other) == repeats


@settings(max_examples=1000)
@given(runs_of_one_text(dates=True) | runs_of_one_text())
def test_whether_formats_may_repeat_a_number(planning: Connection, pair: tuple[Run, Run]) -> None:
    (p, _, q, *_), (r, _, s, *_) = pair
    repeats = asked(planning, MAY_REPEAT, p, q, r, s)
    assert repeats == languages_meet((p, q), (r, s))


# Counters within their ranges


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        # The second counter must get ten digits.
        (Run("2", 9, "", 1, 10**9 - 1), Run("", 9, "", 1, 10**9 - 1), False),
        (Run("2", 9, "", 1, 10**9 - 1), Run("", 9, "", 1, 10**10 - 1), True),
        (Run("2", 9, "", 1, 10**9 - 1), Run("", 9, "", 1, 2 * 10**9), False),
        (Run("2", 9, "", 0, 10**9 - 1), Run("", 9, "", 1, 2 * 10**9), True),
        (Run("0", 2, "", 1, 99), Run("", 3, "", 1, 999), True),
        (Run("0", 2, "", 1, 99), Run("", 3, "", 100, 999), False),
        (Run("N-", 1, "", 1, 9), Run("n-1", 1, "", 0, 9), False),
        (Run("N-", 1, "", 1, 10), Run("n-1", 1, "", 0, 9), True),
        (Run("N-", 1, "", 1, 10), Run("n-1", 1, "", 1, 9), False),
        (Run("", 1, "5", 1, 40), Run("", 1, "", 406, 414), False),
        (Run("", 1, "5", 1, 41), Run("", 1, "", 406, 415), True),
        (Run("N-", 1, "-5", 1, 1), Run("N-1-", 1, "", 5, 5), True),
        (Run("N-", 1, "-5", 2, 9), Run("N-1-", 1, "", 5, 5), False),
        (Run("N-", 2, "-5", 1, 99), Run("N-1-", 1, "", 5, 5), False),
        (Run("", 1, "", 1, MAX_VALUE), Run("9", 1, "", 1, 223372036854775807), True),
        (Run("", 1, "", MAX_VALUE, MAX_VALUE), Run("9", 1, "", 1, 223372036854775806), False),
        (Run("", 1, "", MAX_VALUE, MAX_VALUE), Run("9", 1, "", 1, 223372036854775807), True),
        (Run("", 1, "", 5, 4), Run("", 1, "", 1, 9), False),  # no value at all
        (Run("{doc_month}", 2, "", 1, 99), Run("", 4, "", 1, 9999), True),
        (Run("{doc_month}", 2, "", 1, 99), Run("", 4, "", 1205, 1206), True),
        (Run("{doc_month}", 2, "", 1, 99), Run("", 3, "", 1, 999), False),
        (Run("{doc_month}", 2, "", 1, 99), Run("--", 2, "", 99, 99), True),  # a gap
        (Run("{doc_month}", 2, "", 1, 98), Run("--", 2, "", 99, 99), False),
    ],
)
def test_formats_that_meet_within_their_values(planning: Connection, one: Run, other: Run, meet: bool) -> None:
    assert asked(planning, MEET, *one, *other) == meet
    assert asked(planning, MEET, *other, *one) == meet


@settings(max_examples=1500)
@given(runs_of_one_text() | runs_of_one_text(reach=400) | runs_of_one_text(digits=(15, 20)))
def test_formats_meet_if_and_only_if_two_values_give_the_same_number(
    planning: Connection, pair: tuple[Run, Run]
) -> None:
    one, other = pair
    assert asked(planning, MEET, *one, *other) == (not one.numbers(None).isdisjoint(other.numbers(None)))


@settings(max_examples=1000)
@given(runs_of_one_text(dates=True))
def test_dated_formats_meet_where_two_values_give_the_same_number(planning: Connection, pair: tuple[Run, Run]) -> None:
    one, other = pair
    common = one.numbers(None, ON) & other.numbers(None, ON)
    assert asked(planning, MEET, *one, *other) or not common
